"""The containers: the compose file against the schema, and each command of the Dockerfile run directly.

There is no Docker engine in the tests; README.md says so.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house_server import HouseServer

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = ROOT / "docker-compose.yml"


def words_of(instruction: str) -> list[str]:
    """The exec form of an instruction, as its words."""
    line = next(line for line in DOCKERFILE.splitlines() if line.startswith(instruction))
    words: list[str] = json.loads(line[line.index("[") :])
    return words


def against_schema(file: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)],
        capture_output=True,
        text=True,
    )


def test_the_compose_file_keeps_the_schema() -> None:
    done = against_schema(COMPOSE)
    assert done.returncode == 0, done.stdout


def test_the_schema_finds_a_mistake(tmp_path: Path) -> None:
    broken = tmp_path / "docker-compose.yml"
    broken.write_text(COMPOSE.read_text().replace("restart: unless-stopped", "restarts: unless-stopped"))
    assert against_schema(broken).returncode != 0


@pytest.fixture
def served(tmp_path: Path) -> HouseServer:
    """The image's CMD, run here with this environment's Python."""
    command = words_of("CMD")
    assert command[0] == ".venv/bin/python"
    return HouseServer(tmp_path, main=command[1:]).start()


def test_the_command_serves_and_the_health_check_sees_it(served: HouseServer) -> None:
    check = words_of("HEALTHCHECK")
    assert check[0] == ".venv/bin/python"
    script = check[2].replace(":8400/", f":{served.port}/")
    assert script != check[2]
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0
    served.stop()
    assert subprocess.run([sys.executable, "-c", script], stderr=subprocess.DEVNULL).returncode != 0


def test_the_invite_command_of_the_compose_file_prints_a_link(served: HouseServer) -> None:
    line = next(line for line in COMPOSE.read_text().splitlines() if "exec collegium" in line)
    command = line.split("exec collegium ")[1].split()
    assert command[:3] == [".venv/bin/python", "-m", "server"]
    done = served.run(*command[3:])
    assert "/join#f." in done.stdout, done.stderr
    served.stop()


def test_the_image_holds_what_the_dockerfile_copies() -> None:
    """COPY . . is bounded by .dockerignore: nothing of this machine's environment goes in."""
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".git", ".venv", "data", "web/dist", "**/node_modules"} <= set(ignored)
