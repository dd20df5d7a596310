"""Which branches of the cryptography the tests take, in both languages: `./run coverage [PART]`.

Prints each file with its branches and the lines that no test reaches; tests/COVERAGE.md says why they are.
"""

import os
import runpy
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "web"
FOLDER = ROOT / "tests/covered"
PARTS = ("python", "typescript")
PYTHON_TESTS = ("crypto", "agreement", "walks", "interop", "client/room", "wire/test_envelope.py")
TYPESCRIPT = ("mls", "sframe", "attachments", "identity", "room")
TYPESCRIPT_TESTS = (*TYPESCRIPT, "interop")
# Counted code runs several times as slowly, on a busy machine more so: only what hangs is ended.
PATIENCE_MS = 900_000


def python() -> None:
    with tempfile.TemporaryDirectory() as folder:
        env = dict(os.environ, PYTHONPATH=str(ROOT), COVERAGE_FILE=str(Path(folder) / "coverage"))
        coverage = [sys.executable, "-m", "coverage"]
        tests = [str(ROOT / "tests" / one) for one in PYTHON_TESTS]
        run = [*coverage, "run", "--branch", "--source=crypto", "-m", "pytest", "-q", *tests]
        subprocess.run(run, cwd=ROOT, env=env, check=True)
        subprocess.run([*coverage, "report", "--show-missing"], cwd=ROOT, env=env, check=True)


def typescript() -> None:
    npm, env = runpy.run_path(str(ROOT / "run"))["node"]()
    _fetch([*npm], env)
    with tempfile.TemporaryDirectory() as folder:
        command = [*npm, "exec", "--", "vitest", "run", *(f"tests/{one}" for one in TYPESCRIPT_TESTS)]
        command += [f"--testTimeout={PATIENCE_MS}", f"--hookTimeout={PATIENCE_MS}"]
        command += ["--coverage.enabled", "--coverage.provider=custom", "--coverage.reporter=text"]
        command += [f"--coverage.customProviderModule={FOLDER / 'provider.mjs'}"]
        command += [f"--coverage.include=src/{one}/**" for one in TYPESCRIPT]
        command += [f"--coverage.reportsDirectory={folder}/report"]
        subprocess.run(command, cwd=WEB, env=env, check=True)


def _fetch(npm: list[str], env: dict[str, str]) -> None:
    """The provider, at the version of the client's vitest, in a folder of its own beside that vitest."""
    value = sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()
    stamp = FOLDER / "node_modules/.collegium"
    if not stamp.exists() or stamp.read_text() != value:
        subprocess.run([*npm, "ci", "--silent", "--ignore-scripts"], cwd=FOLDER, env=env, check=True)
        (FOLDER / "node_modules/vitest").symlink_to(WEB / "node_modules/vitest", target_is_directory=True)
        stamp.write_text(value)


def main(arguments: list[str]) -> None:
    parts = arguments or list(PARTS)
    if not set(parts) <= set(PARTS):
        sys.exit(f"./run coverage [{' | '.join(PARTS)}]")
    if "python" in parts:
        python()
    if "typescript" in parts:
        typescript()


if __name__ == "__main__":
    main(sys.argv[1:])
