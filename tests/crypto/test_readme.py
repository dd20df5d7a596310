"""crypto/README.md says of every module what it is."""

import re
from pathlib import Path

import pytest

CRYPTO = Path(__file__).resolve().parents[2] / "crypto"
SECTIONS = re.split(r"^## ", (CRYPTO / "README.md").read_text(), flags=re.MULTILINE)
PACKAGES = sorted(path.parent.name for path in CRYPTO.glob("*/__init__.py"))


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_is_named_once_and_is_there(package: str) -> None:
    section = next(section for section in SECTIONS if section.startswith(f"{package}/"))
    first_cells = re.findall(r"^\| (`[^|]*) \|", section, flags=re.MULTILINE)
    named = sorted(name for cell in first_cells for name in re.findall(r"`(\w+)`", cell))
    assert named == sorted(path.stem for path in (CRYPTO / package).glob("*.py") if path.stem != "__init__")


def test_every_package_has_a_section() -> None:
    assert sorted(match for match in re.findall(r"^(\w+)/:", "\n".join(SECTIONS), re.MULTILINE)) == PACKAGES
