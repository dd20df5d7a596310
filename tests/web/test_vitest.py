"""The TypeScript tests, run by vitest, each file reported as one test here."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(str(path.relative_to(ROOT / "web")) for path in (ROOT / "web/tests").rglob("*.test.ts"))


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    import runpy

    command, env = runpy.run_path(str(ROOT / "run"))["node"]()
    out = tmp_path_factory.mktemp("vitest") / "report.json"
    done = subprocess.run(
        [*command, "exec", "--", "vitest", "run", "--reporter=json", f"--outputFile={out}"],
        cwd=ROOT / "web",
        env=env,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert out.exists(), done.stdout[-4000:] + done.stderr[-4000:]
    whole: dict[str, Any] = json.loads(out.read_text())
    return whole


@pytest.mark.parametrize("file", FILES)
def test_typescript(file: str, report: dict[str, Any]) -> None:
    results = [r for r in report["testResults"] if r["name"].endswith("/" + file)]
    assert len(results) == 1, f"vitest did not run {file}"
    failed = [
        f"{test['fullName']}\n{''.join(test['failureMessages'])[:3000]}"
        for test in results[0]["assertionResults"]
        if test["status"] == "failed"
    ]
    assert results[0]["status"] == "passed", "\n".join(failed) or results[0].get("message", "")
    assert results[0]["assertionResults"], f"{file} holds no test"
