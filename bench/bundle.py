"""Print the size of each built file of the web client, gzip-compressed, and its hash."""

import gzip
import hashlib
import re
import sys
from pathlib import Path

DIST = Path(__file__).resolve().parent.parent / "web/dist"
COMPRESSIBLE = {".html", ".js", ".css", ".svg", ".webmanifest", ".json"}


def main() -> None:
    """First load is what index.html names; bytes are those of gzip at its highest level."""
    index = (DIST / "index.html").read_text()
    named = set(re.findall(r'(?:src|href)="/([^"]+)"', index)) | {"index.html"}
    total = shell = 0
    for path in sorted(path for path in DIST.rglob("*") if path.is_file() and not path.name.startswith(".")):
        data, name = path.read_bytes(), path.relative_to(DIST).as_posix()
        size = len(gzip.compress(data, 9, mtime=0)) if path.suffix in COMPRESSIBLE else len(data)
        total += size
        shell += size if name in named else 0
        print(f"{size:>9,} B gzip  sha256 {hashlib.sha256(data).hexdigest()[:16]}  {name}", file=sys.stderr)
    print(f"first load {shell / 1000:.1f} kB, everything {total / 1000:.1f} kB (gzip)", file=sys.stderr)


main()
