"""New key pairs for HPKE."""

from crypto.mls.bytes import Rng
from crypto.mls.kem import KeyPair, draw
from crypto.mls.suite import CipherSuite


def fresh_hpke_keys(suite: CipherSuite, rng: Rng) -> KeyPair:
    """From KDF.Nh fresh random bytes: at least as many as any KEM here takes."""
    return suite.derive_key_pair(draw(rng, suite.nh))
