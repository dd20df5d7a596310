"""Which counters of one KID were seen (E36): each once, and none that is WINDOW behind the highest."""

from typing import Final

WINDOW: Final = 4096

_WORD: Final = 64
_WORDS: Final = WINDOW // _WORD


class ReplayWindow:
    """Bits in a ring of words.

    A frame is looked up before it is decrypted and marked after: what does not open must not move the window.
    """

    __slots__ = ("_bits", "_highest")

    def __init__(self) -> None:
        self._bits = [0] * _WORDS
        self._highest = -1

    def is_fresh(self, ctr: int) -> bool:
        """Whether a frame with this counter (from 0) may still come."""
        if ctr > self._highest:
            return True
        if ctr <= self._highest - WINDOW:
            return False
        return not self._bits[ctr // _WORD % _WORDS] >> ctr % _WORD & 1

    def mark(self, ctr: int) -> bool:
        """Whether it was fresh; from now on it is not."""
        if not self.is_fresh(ctr):
            return False
        if ctr > self._highest:
            self._advance(ctr)
        self._bits[ctr // _WORD % _WORDS] |= 1 << ctr % _WORD
        return True

    def _advance(self, ctr: int) -> None:
        if ctr - self._highest >= WINDOW:
            self._bits = [0] * _WORDS
        else:
            # The places of the skipped counters still hold bits of counters that are now behind the window.
            for skipped in range(self._highest + 1, ctr + 1):
                self._bits[skipped // _WORD % _WORDS] &= ~(1 << skipped % _WORD)
        self._highest = ctr
