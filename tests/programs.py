"""Programs of `web/tests/programs`: built as the browser's client is, run by the Node that `run` finds."""

import fcntl
import runpy
import subprocess
from functools import cache
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WEB = ROOT / "web"
BUILT = WEB / "node_modules/.collegium-programs"


def _sources() -> str:
    """What stands in everything that the programs are built from."""
    whole = sha256((WEB / "package-lock.json").read_bytes())
    for folder in ("src", "tests/programs", "tests/mls"):
        for path in sorted((WEB / folder).rglob("*.ts")):
            whole.update(str(path.relative_to(WEB)).encode() + b"\0" + path.read_bytes() + b"\0")
    return whole.hexdigest()


@cache
def node_program(name: str) -> tuple[str, ...]:
    """The command that starts `web/tests/programs/NAME.ts`, built anew when its sources changed."""
    npm, env = runpy.run_path(str(ROOT / "run"))["node"]()
    BUILT.mkdir(parents=True, exist_ok=True)
    stamp = BUILT / ".sources"
    with (BUILT.parent / ".collegium-programs.lock").open("w") as lock:
        # Tests run on two workers: one builds, the other waits.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != _sources():
            build = ["exec", "--", "vite", "build", "--config", "tests/programs/vite.config.ts"]
            subprocess.run(
                [*npm, *build, "--outDir", str(BUILT)], cwd=WEB, env=env, check=True, capture_output=True
            )
            stamp.write_text(_sources())
    node = Path(npm[0]) if Path(npm[0]).name == "node" else Path("node")
    return (str(node), str(BUILT / f"{name}.mjs"))
