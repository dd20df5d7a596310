"""The key schedule of RFC 9420 §8: from one epoch's init secret to all secrets of the next.

Pure functions.
"""

from dataclasses import dataclass, fields

from crypto.mls.kem import KeyPair
from crypto.mls.suite import CipherSuite


@dataclass(frozen=True, slots=True, repr=False)
class KeptSecrets:
    """What an epoch's members share for as long as it lasts."""

    sender_data: bytes
    exporter: bytes
    external: bytes
    confirmation: bytes
    membership: bytes
    resumption: bytes
    authenticator: bytes
    init: bytes


SECRET_NAMES = tuple(one.name for one in fields(KeptSecrets))
"""Of `KeptSecrets`, in the order in which they are stored."""


@dataclass(frozen=True, slots=True, repr=False)
class EpochSecrets:
    """All secrets of an epoch. `encryption` feeds the secret tree once and is then forgotten."""

    encryption: bytes
    kept: KeptSecrets


_EXTERNAL_INIT = b"MLS 1.0 external init secret"


def zero_secret(suite: CipherSuite) -> bytes:
    """The all-zero vector of KDF.Nh bytes: no path, or no PSK."""
    return bytes(suite.nh)


def joiner_secret(
    suite: CipherSuite, init_secret: bytes, commit_secret: bytes, group_context: bytes
) -> bytes:
    """`group_context` is the encoded GroupContext of the epoch that begins."""
    extracted = suite.extract(init_secret, commit_secret)
    return suite.expand_with_label(extracted, "joiner", group_context, suite.nh)


def welcome_secret(suite: CipherSuite, joiner: bytes, psk_secret: bytes) -> bytes:
    """What a Welcome's GroupInfo is encrypted under (RFC 9420 §12.4.3.1)."""
    return suite.derive_secret(suite.extract(joiner, psk_secret), "welcome")


def epoch_secret(suite: CipherSuite, joiner: bytes, psk_secret: bytes, group_context: bytes) -> bytes:
    extracted = suite.extract(joiner, psk_secret)
    return suite.expand_with_label(extracted, "epoch", group_context, suite.nh)


def epoch_secrets(suite: CipherSuite, epoch_secret: bytes) -> EpochSecrets:
    derive = suite.derive_secret
    return EpochSecrets(
        encryption=derive(epoch_secret, "encryption"),
        kept=KeptSecrets(
            sender_data=derive(epoch_secret, "sender data"),
            exporter=derive(epoch_secret, "exporter"),
            external=derive(epoch_secret, "external"),
            confirmation=derive(epoch_secret, "confirm"),
            membership=derive(epoch_secret, "membership"),
            resumption=derive(epoch_secret, "resumption"),
            authenticator=derive(epoch_secret, "authentication"),
            init=derive(epoch_secret, "init"),
        ),
    )


def exporter(suite: CipherSuite, exporter_secret: bytes, label: str, context: bytes, length: int) -> bytes:
    """MLS-Exporter (RFC 9420 §8.5). The label whole, as the application gives it."""
    derived = suite.derive_secret(exporter_secret, label)
    return suite.expand_with_label(derived, "exported", suite.hash(context), length)


def external_key_pair(suite: CipherSuite, external_secret: bytes) -> KeyPair:
    """The key pair that the whole group holds, for external commits (RFC 9420 §8)."""
    return suite.derive_key_pair(external_secret)


def receive_external_init(suite: CipherSuite, external_secret: bytes, kem_output: bytes) -> bytes:
    """The init secret that an external commit brings (RFC 9420 §8.3).

    Raises BadKeyError when the KEM output is not one.
    """
    private_key = external_key_pair(suite, external_secret).private_key
    return suite.hpke_export_receiver(private_key, kem_output, b"", _EXTERNAL_INIT, suite.nh)
