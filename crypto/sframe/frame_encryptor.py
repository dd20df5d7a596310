"""Encrypts the frames of one sender (E35)."""

from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crypto.mls.bytes import Rng
from crypto.mls.errors import UsageError
from crypto.sframe.clear_bytes import clear_length, codec_of
from crypto.sframe.header import encode_header
from crypto.sframe.key_derivation import key_and_salt, sframe_secret
from crypto.sframe.kid import Kind, draw_kid
from crypto.sframe.suites import AES_256_GCM_SHA512 as SUITE

MAX_CTR: Final = 2**32 - 1
"""At a hundred frames a second, more than a year."""


@dataclass(frozen=True, slots=True)
class SendEpoch:
    """What a sender needs to know of an epoch."""

    epoch: int
    base_key: bytes = field(repr=False)
    leaf: int


class _SendKeys:
    __slots__ = ("cipher", "ctr", "kid", "salt")

    def __init__(self, kid: int, secret: bytes) -> None:
        key, salt = key_and_salt(SUITE, secret, kid)
        self.kid = kid
        self.cipher = AESGCM(key)
        self.salt = int.from_bytes(salt, "big")
        self.ctr = 0


class FrameEncryptor:
    """An object that counts, not a value: a value can be copied, and then a counter comes twice."""

    __slots__ = ("_codec", "_keys", "_rng", "kind")

    def __init__(self, kind: Kind, rng: Rng) -> None:
        self.kind = kind
        self._codec = codec_of(kind)
        self._rng = rng
        self._keys: _SendKeys | None = None

    def switch_to(self, epoch: SendEpoch) -> None:
        """E36: senders switch on merge. No frame from now on is encrypted for the epoch before."""
        # E35: a new random part, so this key has encrypted nothing, and its counter starts at 0.
        kid = draw_kid(self.kind, epoch.leaf, epoch.epoch, self._rng)
        self._keys = _SendKeys(kid, sframe_secret(SUITE, epoch.base_key))

    def stop(self) -> None:
        """Forgets the key: whatever comes after is refused."""
        self._keys = None

    def encrypt(self, frame: bytes) -> bytes:
        """The frame as it is sent.

        Raises UsageError before the first epoch, after the last, and for what is no frame of this kind: send
        nothing then.
        """
        keys = self._keys
        if keys is None:
            raise UsageError("no_epoch", "there is no key to encrypt with")
        clear = clear_length(self._codec, frame)
        if clear is None:
            raise UsageError("not_a_frame", f"{len(frame)} bytes are no frame of {self.kind.name}")
        ctr = keys.ctr
        if ctr > MAX_CTR:
            raise UsageError("ctr_used_up", "this encryptor has counted to its end")
        # Taken here, never given back: the nonce is salt xor counter, and the key belongs to this KID alone.
        keys.ctr = ctr + 1
        header = encode_header(keys.kid, ctr)
        nonce = (keys.salt ^ ctr).to_bytes(12, "big")
        if clear == 0:
            return header + keys.cipher.encrypt(nonce, frame, header)
        start = frame[:clear]
        return start + header + keys.cipher.encrypt(nonce, frame[clear:], header + start)

    def __reduce__(self) -> tuple[object, ...]:
        raise UsageError("copied_encryptor", "an encryptor is never copied or saved")
