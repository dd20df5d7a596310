"""What the receivers of one call know (E36).

The epochs, who sat at which leaf in each, and of every KID that was heard the key and the window.
All decryptors of a call share one, so a frame is taken once, whichever transceiver it comes through.

Times are ms of a monotonic clock, an argument everywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crypto.mls.errors import UsageError
from crypto.sframe.key_derivation import key_and_salt, sframe_secret
from crypto.sframe.kid import epoch_byte_of, leaf_of, low_byte
from crypto.sframe.replay_window import ReplayWindow
from crypto.sframe.suites import AES_256_GCM_SHA512 as SUITE

EPOCH_GRACE: Final = 10_000
"""E36: how long the keys of an epoch outlive it (ms)."""
MAX_STREAMS_PER_LEAF: Final = 64
"""Of one leaf in one epoch. An honest device has four, and as many again after each reload."""


@dataclass(frozen=True, slots=True)
class ReceiveEpoch:
    epoch: int
    base_key: bytes = field(repr=False)
    leaves: Mapping[int, str]
    """The people of the epoch, each under a label that is one device's alone and the same in every epoch."""
    own_leaf: int


class Stream:
    """One KID: an encryptor of one leaf in one epoch."""

    __slots__ = ("cipher", "epoch", "kid", "leaf", "salt", "who", "window")

    def __init__(self, epoch: "_EpochKeys", who: str, kid: int) -> None:
        key, salt = key_and_salt(SUITE, epoch.secret, kid)
        self.epoch = epoch
        self.kid = kid
        self.leaf = leaf_of(kid)
        self.who = who
        self.cipher = AESGCM(key)
        self.salt = int.from_bytes(salt, "big")
        self.window = ReplayWindow()

    def is_live(self, now: int) -> bool:
        """Whether its key may still be used: the epoch is not over, and its leaf was not removed."""
        ends_at = self.epoch.ends_at
        return (ends_at is None or now < ends_at) and self.leaf in self.epoch.heard


class _EpochKeys:
    """One epoch, until it is dropped."""

    __slots__ = ("ends_at", "epoch", "heard", "secret", "streams")

    def __init__(self, epoch: ReceiveEpoch) -> None:
        self.epoch = epoch.epoch
        self.secret = sframe_secret(SUITE, epoch.base_key)
        # RFC 9605 §4.4.1: a key is for encryption or for decryption, never both. Our own frames come
        # back only as a trick. Those who are removed later go from here too.
        self.heard = {leaf: who for leaf, who in epoch.leaves.items() if leaf != epoch.own_leaf}
        self.streams: dict[int, dict[int, Stream]] = {}
        self.ends_at: int | None = None

    def is_over(self, now: int) -> bool:
        return self.ends_at is not None and now >= self.ends_at

    def forget(self, leaf: int) -> None:
        self.heard.pop(leaf, None)
        self.streams.pop(leaf, None)

    def close(self) -> None:
        self.heard.clear()
        self.streams.clear()
        self.secret = b""


class ReceiveKeys:
    __slots__ = ("_epochs", "_present")

    def __init__(self) -> None:
        # By the low byte of their number: two with the same one are never known at once (RFC 9605 §5.2).
        self._epochs: dict[int, _EpochKeys] = {}
        self._present: _EpochKeys | None = None

    def begin(self, epoch: ReceiveEpoch, now: int) -> None:
        """The epoch that was merged now; the one before has ended. Raises UsageError when it is not later."""
        if self._present is not None:
            if epoch.epoch <= self._present.epoch:
                raise UsageError("epoch_order", "epochs begin in their order")
            self._present.ends_at = now + EPOCH_GRACE
        self.expire(now)
        # E36: whoever was removed is unheard at once; so is a leaf that somebody else sits at now.
        for keys in self._epochs.values():
            for leaf, who in list(keys.heard.items()):
                if epoch.leaves.get(leaf) != who:
                    keys.forget(leaf)
        slot = low_byte(epoch.epoch)
        self._drop(slot)
        self._present = self._epochs[slot] = _EpochKeys(epoch)

    def mute(self, who: str) -> None:
        """Somebody is leaving, and their removal is not merged yet: unheard at once (E14)."""
        for keys in self._epochs.values():
            for leaf in [leaf for leaf, one in keys.heard.items() if one == who]:
                keys.forget(leaf)

    def expire(self, now: int) -> int | None:
        """Drops what is due. When to call again (ms), or None."""
        for slot in [slot for slot, keys in self._epochs.items() if keys.is_over(now)]:
            self._drop(slot)
        return min((keys.ends_at for keys in self._epochs.values() if keys.ends_at is not None), default=None)

    def close(self) -> None:
        """The call is over: every key is forgotten."""
        for slot in list(self._epochs):
            self._drop(slot)

    def find(self, kid: int, now: int) -> Stream | None:
        """The stream of a KID: the known one, or a new one that is not known until something opened under it
        (`keep`), so that noise fills no memory.

        None for an epoch, a leaf or a number of encryptors that this device knows nothing of.
        """
        keys = self._epochs.get(epoch_byte_of(kid))
        if keys is None or keys.is_over(now):
            return None
        leaf = leaf_of(kid)
        who = keys.heard.get(leaf)
        if who is None:
            return None
        streams = keys.streams.get(leaf, {})
        known = streams.get(kid)
        if known is None and len(streams) < MAX_STREAMS_PER_LEAF:
            return Stream(keys, who, kid)
        return known

    def keep(self, stream: Stream) -> None:
        """After a frame opened: the stream is known from now on."""
        stream.epoch.streams.setdefault(stream.leaf, {}).setdefault(stream.kid, stream)

    def _drop(self, slot: int) -> None:
        keys = self._epochs.pop(slot, None)
        if keys is not None:
            keys.close()
