"""Plaintext that must turn up nowhere: how it is made, and how it is sought in every form it could take."""

import base64
import random
import string
from collections.abc import Iterable, Iterator

LETTERS = 24
WINDOW = 8


def canaries(count: int, seed: int) -> list[str]:
    """Distinct words of random letters: nothing in Markdown, JSON or a URL changes them."""
    rng = random.Random(seed)
    made = {"".join(rng.choices(string.ascii_lowercase, k=LETTERS)) for _ in range(count)}
    assert len(made) == count
    return sorted(made)


def forms(canary: str) -> Iterator[bytes]:
    """The bytes that a canary leaves wherever it stands, as it is or encoded in a usual way."""
    plain = canary.encode()
    yield plain
    yield plain.upper()
    yield canary.encode("utf-16-le")
    yield canary.encode("utf-16-be")
    yield plain.hex().encode()
    yield plain.hex().upper().encode()
    for text in (plain, canary.encode("utf-16-le")):
        for shift in range(3):  # where in a longer text it begins decides how base64 cuts it
            encoded = base64.b64encode(b"\0" * shift + text)
            whole = encoded[4 if shift else 0 : -4]
            yield whole
            yield whole.translate(bytes.maketrans(b"+/", b"-_"))


class Search:
    """Looks for all canaries at once: by the first bytes of each form, then by the whole form."""

    def __init__(self, sought: Iterable[str]) -> None:
        self._by_start: dict[bytes, list[tuple[str, bytes]]] = {}
        for canary in sought:
            for form in set(forms(canary)):
                self._by_start.setdefault(form[:WINDOW], []).append((canary, form))

    def found(self, data: bytes) -> set[str]:
        starts, hits = self._by_start, set()
        for at in range(len(data) - WINDOW + 1):
            for canary, form in starts.get(data[at : at + WINDOW], ()):
                if data.startswith(form, at):
                    hits.add(canary)
        return hits
