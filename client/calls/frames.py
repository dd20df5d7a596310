"""All frames of a call on their way out and in (E35, E36): encrypted before they leave, opened before they
are decoded, else dropped and counted. The twin of `web/src/sframe/mediaPlane.ts`: no I/O, and time is an
argument.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from crypto.mls.bytes import Rng
from crypto.mls.errors import UsageError
from crypto.sframe.frame_decryptor import Dropped, FrameDecryptor
from crypto.sframe.frame_encryptor import FrameEncryptor, SendEpoch
from crypto.sframe.kid import Kind
from crypto.sframe.receive_keys import ReceiveEpoch, ReceiveKeys

MAX_RECEIVERS: Final = 64
"""At a time: for each of fifteen others four."""
MAX_TOLD: Final = 32
"""Devices that are counted in one call; what comes of more is counted together."""
OTHERS: Final = "others"
MAX_EPOCHS: Final = 64


class Refusal(StrEnum):
    """Why a frame that came was not shown."""

    UNENCRYPTED = "unencrypted"  # no SFrame ciphertext: clear media, or noise
    SWAPPED = "swapped"  # of another device or kind than the offer said
    NO_KEY = "no_key"  # its epoch or leaf has no key here (any more)
    REPLAY = "replay"  # it was here before
    FORGED = "forged"  # it does not open


_REFUSALS: Final[Mapping[Dropped, Refusal]] = {
    Dropped.MALFORMED: Refusal.UNENCRYPTED,
    Dropped.KIND: Refusal.SWAPPED,
    Dropped.NO_KEY: Refusal.NO_KEY,
    Dropped.REPLAY: Refusal.REPLAY,
    Dropped.FORGED: Refusal.FORGED,
}


@dataclass(slots=True)
class Tally:
    """What came of one device, by the section that the offer gave it."""

    opened: dict[Kind, int] = field(default_factory=dict)
    refused: dict[Refusal, int] = field(default_factory=dict)
    pictures: int = 0
    """Decoded."""
    size: tuple[int, int] | None = None
    """Of the last picture."""
    loudest: int | None = None
    """The loudest sound that was decoded, in dB below the loudest there is: 0 to -127."""
    undecodable: int = 0
    epochs: set[int] = field(default_factory=set)
    """Those that its frames opened in, MAX_EPOCHS at most."""

    def refuse(self, why: Refusal) -> None:
        self.refused[why] = self.refused.get(why, 0) + 1


class Frames:
    """`tallies`: by device, as the labels of the epochs have it."""

    def __init__(self, rng: Rng) -> None:
        self._keys = ReceiveKeys()
        self._senders = {kind: FrameEncryptor(kind, rng) for kind in (Kind.AUDIO, Kind.CAMERA)}
        self._receivers: dict[str, tuple[str, FrameDecryptor]] = {}
        self._sends: SendEpoch | None = None
        self._latest: int | None = None
        self._over = False
        self.tallies: dict[str, Tally] = {}
        self.sealed = 0

    @property
    def may_send(self) -> bool:
        return self._sends is not None

    @property
    def epoch(self) -> int | None:
        """The latest that was given."""
        return self._latest

    def begin(self, epoch: ReceiveEpoch, now: int) -> None:
        """E36: keys of an epoch, or of the same one again when a hold is over. `now` in ms of a monotonic
        clock, everywhere.
        """
        if self._over:
            return
        if epoch.epoch != self._latest:
            self._keys.begin(epoch, now)
            self._latest = epoch.epoch
        self._sends = SendEpoch(epoch.epoch, epoch.base_key, epoch.own_leaf)
        for sender in self._senders.values():
            sender.switch_to(self._sends)

    def hold(self, gone: str | None) -> None:
        """E14: nothing is encrypted until the next epoch, and `gone` is unheard."""
        self._stop_sending()
        if gone is not None:
            self._keys.mute(gone)

    def end(self) -> None:
        """Every key is forgotten."""
        self._over = True
        self._stop_sending()
        self._keys.close()

    def _stop_sending(self) -> None:
        self._sends = None
        for sender in self._senders.values():
            sender.stop()

    def expire(self, now: int) -> None:
        """E36: the keys of epochs that are over go, whether frames come or not."""
        self._keys.expire(now)

    def expect(self, mid: str, who: str, kind: Kind) -> None:
        """Whose frames a section shows from now on: nobody else's, and of no other kind."""
        known = self._receivers.get(mid)
        if known is not None and known[0] == who and known[1].kind == kind:
            return
        if len(self._receivers) < MAX_RECEIVERS or mid in self._receivers:
            self._receivers[mid] = who, FrameDecryptor(kind, self._keys)

    def forget(self, mid: str) -> None:
        self._receivers.pop(mid, None)

    def seal(self, kind: Kind, frame: bytes) -> bytes | None:
        """The frame as it may leave; None: nothing may. Fails closed: one frame is lost."""
        if self._sends is None:
            return None
        try:
            sealed = self._senders[kind].encrypt(frame)
        except UsageError:
            return None  # no key any more, or no frame of its kind
        self.sealed += 1
        return sealed

    def open(self, mid: str, frame: bytes, now: int) -> tuple[bytes, Tally] | None:
        """The frame as it may be decoded, and where that is counted; None: it may not."""
        receiver = self._receivers.get(mid)
        if receiver is None:
            return None
        who, decryptor = receiver
        tally = self._tally(who)
        opened = decryptor.decrypt(frame, now)
        if isinstance(opened, Dropped):
            tally.refuse(_REFUSALS[opened])
            return None
        # E36: who is heard is decided by the leaf; the offer's label is a hint.
        if opened.who != who:
            tally.refuse(Refusal.SWAPPED)
            return None
        tally.opened[decryptor.kind] = tally.opened.get(decryptor.kind, 0) + 1
        if opened.epoch in tally.epochs or len(tally.epochs) < MAX_EPOCHS:
            tally.epochs.add(opened.epoch)
        return opened.frame, tally

    def _tally(self, who: str) -> Tally:
        if who not in self.tallies and len(self.tallies) >= MAX_TOLD:
            who = OTHERS
        return self.tallies.setdefault(who, Tally())
