"""Who may import whom. "The server cannot decrypt" is a property of this graph."""

import ast
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("client", "collegium", "crypto", "server", "signaling", "wire")
ALLOWED = {
    # The one command: it sees both sides, and neither sees it.
    "collegium": {"client", "server"},
    "client": {"client", "crypto", "wire"},
    "crypto": {"crypto"},
    "server": {"server", "signaling", "wire"},
    "signaling": {"signaling", "wire"},
    "wire": {"wire"},
}
# The one part of crypto that the server may see: the clear header of a message.
ENVELOPE = "crypto.mls.envelope"
PURE = {"crypto": {"cryptography", "cbor2", "dateutil"}, "wire": {"pydantic", "cbor2", "annotated_types"}}
STANDARD = __import__("sys").stdlib_module_names


def imports_of(source: str, package: str) -> set[str]:
    """Every module that a source file names in an import, absolute."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = importlib.util.resolve_name("." * node.level + base, package)
            found |= {f"{base}.{alias.name}" for alias in node.names} | {base}
    return found


def complaints(package: str, source: str, where: str) -> list[str]:
    """What a file of `package` imports against the rules."""
    out = []
    for name in sorted(imports_of(source, package)):
        top = name.split(".")[0]
        if top in PACKAGES:
            through_envelope = package == "server" and (
                name in ("crypto.mls", ENVELOPE) or name.startswith(ENVELOPE + ".")
            )
            if top not in ALLOWED[package] and not (top == "crypto" and through_envelope):
                out.append(f"{where} imports {name}")
        elif package in PURE and top not in STANDARD and top not in PURE[package]:
            out.append(f"{where} imports {name}, and {package} is pure")
    return out


def sources(package: str) -> list[Path]:
    alone = ROOT / f"{package}.py"
    return [alone] if alone.exists() else sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", [p for p in PACKAGES if sources(p)])
def test_imports_run_one_way(package: str) -> None:
    found = [
        complaint
        for path in sources(package)
        for complaint in complaints(package, path.read_text(), str(path.relative_to(ROOT)))
    ]
    assert found == []


def test_the_envelope_reaches_no_key_schedule() -> None:
    assert imports_of((ROOT / "crypto/mls/envelope.py").read_text(), "crypto.mls") & set(PACKAGES) == set()
    for empty in ("crypto/__init__.py", "crypto/mls/__init__.py"):
        assert (ROOT / empty).read_text() == ""


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("server", "from crypto.mls.group import Group"),
        ("server", "import crypto"),
        ("server", "from client.cli import app"),
        ("server", "from collegium import app"),
        ("client", "import collegium"),
        ("wire", "import server.hub"),
        ("signaling", "from crypto.mls import envelope"),
        ("crypto", "import sqlmodel"),
    ],
)
def test_a_forbidden_import_is_found(package: str, source: str) -> None:
    assert complaints(package, source, "probe") != []


def test_the_envelope_is_allowed_to_the_server() -> None:
    assert complaints("server", "from crypto.mls.envelope import read_envelope", "probe") == []


# The member without a browser keeps an order as well; each folder may import those before it.
CLIENT_ORDER = ("vault", "room", "engine", "calls")
# What every folder of the client may see of the modules at its top.
CLIENT_COMMON = {"client.changes", "client.errors", "client.words"}


def test_client_imports_run_one_way() -> None:
    found = []
    for place, folder in enumerate(CLIENT_ORDER):
        seen = tuple(f"client.{before}" for before in CLIENT_ORDER[: place + 1])
        for path in sources(f"client/{folder}"):
            for name in imports_of(path.read_text(), f"client.{folder}"):
                common = any(name == one or name.startswith(one + ".") for one in CLIENT_COMMON)
                if name.startswith("client.") and not name.startswith(seen) and not common:
                    found.append(f"{path.relative_to(ROOT)} imports {name}")
    assert found == []


# The browser client keeps the same order; each folder may import those before it.
WEB_ORDER = ("bytes", "wire", "mls", "sframe", "identity", "room", "attachments", "vault", "engine")
# What the page sees of them, and no key is in it: the engine's calls and views, its end of the line to the
# workers, their addresses, and the arithmetic of local times.
WEB_LINE = (
    ("engine", "api"),
    ("engine", "callApi"),
    ("engine", "client"),
    ("engine", "workers"),
    ("room", "localTimes"),
)
# The media of a call: on the page as well, below what shows it. Of SFrame it has the names and the words of
# the line.
CALLS_LINE = (("engine", "callApi"), ("engine", "client"), ("sframe", "kid"), ("sframe", "lines"))


def test_web_imports_run_one_way() -> None:
    import re

    found = []
    for path in sorted((ROOT / "web/src").rglob("*.ts")) + sorted((ROOT / "web/src").rglob("*.svelte")):
        parts = path.relative_to(ROOT / "web/src").parts
        for target in re.findall(r"from \"((?:\.\.?/)[^\"]+)\"", path.read_text()):
            reached = (path.parent / target.split("?")[0]).resolve()
            if not reached.is_relative_to(ROOT / "web/src"):
                continue
            into = reached.with_suffix("").relative_to(ROOT / "web/src").parts
            if parts[0] in WEB_ORDER and (
                into[0] not in WEB_ORDER or WEB_ORDER.index(into[0]) > WEB_ORDER.index(parts[0])
            ):
                found.append(f"{'/'.join(parts)} imports {'/'.join(into)}")
            where = f"{'/'.join(parts)} imports {'/'.join(into)}"
            line = {"ui": WEB_LINE, "calls": CALLS_LINE}.get(parts[0])
            if line is not None and into[0] in WEB_ORDER and into[:2] not in line:
                found.append(where)
            if into[0] in ("calls", "ui") and parts[0] not in ("ui", into[0]):
                found.append(where)
    assert found == []
