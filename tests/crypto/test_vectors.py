"""The loader of test vectors."""

import json
from pathlib import Path

import pytest

from tests.crypto.vectors import (
    OWN_VECTORS,
    VectorFile,
    first_entry,
    load_folder,
    sniff,
    vector_files,
    vector_folder,
)


@pytest.mark.parametrize("file", vector_files(), ids=lambda file: file.name)
def test_a_file_has_a_known_format(file: VectorFile) -> None:
    # A file of no known format is run by no test. Among ours that is a mistake, elsewhere it may be a note.
    assert file.format is not None or not OWN_VECTORS


def test_a_named_folder_replaces_the_repositorys_whatever_the_names(tmp_path: Path) -> None:
    entry = {"vlbytes_header": "00", "length": 0}
    (tmp_path / "mls").mkdir()
    (tmp_path / "mls" / "any name.json").write_text(json.dumps([entry]))
    (tmp_path / "mls" / "note.txt").write_text("not a vector")
    assert vector_folder(str(tmp_path)) == tmp_path
    (file,) = load_folder(tmp_path)
    assert (file.name, file.format, file.entries()) == (
        "mls/any name.json",
        "mls/deserialization",
        [entry],
    )
    with pytest.raises(ValueError, match="is not there"):
        vector_folder(str(tmp_path / "absent"))
    assert vector_folder("") == vector_folder(None) != tmp_path


def test_files_are_known_by_their_entries() -> None:
    assert sniff(first_entry('[ {"seed": "", "eseed": "", "ss": "", "more": 1}, {"x": 1}]')) == "xwing"
    assert sniff(first_entry('{"sframe": []}')) == "sframe"
    for other in ('[{"seed": ""}]', "[]", '"text"', "null", "[1]"):
        assert sniff(first_entry(other)) is None
