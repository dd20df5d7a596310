"""Test vectors: the official ones, or instead of them those of a folder named by COLLEGIUM_VECTORS.

Such a folder has the same subfolders. A file is known by the keys of its entries, not by its name, so any
name will do; each runs as a test of its own, named after it, and the figures are printed at the end of the
run.
"""

import gzip
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from crypto.mls.suite import ROOM_SUITE, CipherSuite
from crypto.mls.suites import suite_of

REPOSITORY_VECTORS = Path(__file__).resolve().parents[1] / "vectors"

FORMATS: dict[str, tuple[tuple[str, ...], ...]] = {
    "mls/crypto-basics": (("ref_hash", "expand_with_label", "encrypt_with_label"),),
    "mls/deserialization": (("vlbytes_header", "length"),),
    "mls/key-schedule": (("initial_init_secret", "epochs"),),
    "mls/message-protection": (("proposal_priv", "application_priv"),),
    "mls/messages": (("mls_welcome", "mls_key_package"),),
    "mls/passive-client": (("welcome", "epochs", "external_psks"),),
    "mls/psk-secret": (("psks", "psk_secret"),),
    "mls/secret-tree": (("sender_data", "leaves"),),
    "mls/transcript-hashes": (("confirmation_key", "confirmed_transcript_hash_after"),),
    "mls/tree-math": (("n_leaves", "n_nodes"),),
    "mls/tree-operations": (("tree_before", "tree_after"),),
    "mls/tree-validation": (("resolutions", "tree_hashes"),),
    "mls/treekem": (("leaves_private", "update_paths"),),
    "mls/welcome": (("init_priv", "welcome", "signer_pub"),),
    "sframe": (("sframe",), ("header",), ("aes_ctr_hmac",), ("sframe_aes_256_ctr_hmac",)),
    "hpke": (("kem_id", "kdf_id", "aead_id"),),
    "xwing": (("seed", "eseed", "ss"),),
}
"""For each format some keys that a first entry has and no other format has all of; or several such sets."""

OWN_SUITES = (1, 2, 3, ROOM_SUITE)
PROPERTY = "vectors"
"""Under this name a test reports what it checked (tests/conftest.py prints it)."""

Entry = Mapping[str, Any]
Record = Callable[[str, object], None]


@dataclass(frozen=True, slots=True)
class VectorFile:
    name: str
    path: Path
    format: str | None

    def content(self) -> Any:
        return json.loads(_text(self.path))

    def entries(self) -> Sequence[Entry]:
        """A file that is one object is one entry."""
        content = self.content()
        return content if isinstance(content, list) else [content]


def _text(path: Path) -> str:
    raw = path.read_bytes()
    return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()


def sniff(first: object) -> str | None:
    """The format of a file whose first entry is given, or None when it is none that is known."""
    if not isinstance(first, dict):
        return None
    for name, alternatives in FORMATS.items():
        if any(all(key in first for key in keys) for keys in alternatives):
            return name
    return None


def first_entry(text: str) -> object:
    """The first item of a list, or the one object, without reading on.

    Raises ValueError when it is not JSON.
    """
    text = text.lstrip()
    inside = text[1:].lstrip() if text.startswith("[") else text
    return None if inside.startswith("]") else json.JSONDecoder().raw_decode(inside)[0]


def vector_folder(given: str | None) -> Path:
    """The folder to read: `given` is the value of COLLEGIUM_VECTORS. Raises ValueError when it names none."""
    if not given:
        return REPOSITORY_VECTORS
    if not Path(given).is_dir():
        raise ValueError(f"COLLEGIUM_VECTORS names {given}, which is not there")
    return Path(given)


def load_folder(folder: Path) -> tuple[VectorFile, ...]:
    """Every vector file below, in a stable order."""
    paths = sorted(path for path in folder.rglob("*") if path.name.endswith((".json", ".json.gz")))
    return tuple(
        VectorFile(path.relative_to(folder).as_posix(), path, sniff(first_entry(_text(path))))
        for path in paths
    )


FOLDER = vector_folder(os.environ.get("COLLEGIUM_VECTORS"))
OWN_VECTORS = FOLDER == REPOSITORY_VECTORS


@cache
def vector_files() -> tuple[VectorFile, ...]:
    return load_folder(FOLDER)


def each_vector_file(name: str) -> pytest.MarkDecorator:
    """One test for each file of a format.

    Ours has every format; what somebody else's lacks is skipped, and seen.
    """
    if name not in FORMATS:
        raise ValueError(f"no format is called {name}")
    files = [file for file in vector_files() if file.format == name]
    if OWN_VECTORS and not files:
        raise ValueError(f"no vectors of {name}")
    return pytest.mark.parametrize("file", [pytest.param(file, id=file.name) for file in files])


def in_scope(entries: Sequence[Entry]) -> Iterator[tuple[CipherSuite, Entry]]:
    """The entries of suites that we have, with the suite."""
    for entry in entries:
        if entry["cipher_suite"] in OWN_SUITES:
            yield suite_of(entry["cipher_suite"]), entry


def each_in_scope(file: VectorFile, record: Record, check: Callable[[CipherSuite, Entry], None]) -> None:
    """Runs what is written for one entry on every entry of a suite that we have, and counts the others."""
    entries = file.entries()
    checked = 0
    for suite, entry in in_scope(entries):
        check(suite, entry)
        checked += 1
    report(file, record, checked, len(entries) - checked)


def report(file: VectorFile, record: Record, checked: int, out_of_scope: int = 0) -> None:
    """Says what was done with a file, which must not have been nothing.

    `record` is pytest's `record_property`.
    """
    record(PROPERTY, f"{file.name}: {checked} checked, {out_of_scope} out of scope")
    assert checked + out_of_scope > 0


def b(text: str) -> bytes:
    """Bytes as vectors write them."""
    return bytes.fromhex(text)
