"""Debian's coturn on loopback, with the options that docker-compose.yml gives it."""

import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import trustme
from ruamel.yaml import YAML

from tests.house_server import ROOT, free_port

START_S = 30
DEBIAN = "coturn"
# What our compose file uses: ${NAME} and ${NAME:?why} first, which stand inside of ${NAME:+text} as well.
_PLAIN = re.compile(r"\$\{([A-Z_]+)(?::\?[^}]*)?\}")
_WHERE_SET = re.compile(r"\$\{([A-Z_]+)(?::-|:\+([^}]*))\}")


def provide() -> str:
    """The path of a turnserver; installed from Debian when root and there is none."""
    found = shutil.which("turnserver")
    if not found and shutil.which("apt-get") and os.geteuid() == 0:
        print("collegium: installing Debian's coturn for the tests", file=sys.stderr, flush=True)
        quiet = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        for command in (
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", DEBIAN],
        ):
            subprocess.run(command, env=quiet, stdout=subprocess.DEVNULL, check=True)
        found = shutil.which("turnserver")
    assert found, "the tests of TURN run coturn; install it: sudo apt install coturn"
    return found


def _expanded(text: str, variables: dict[str, str]) -> str:
    def put(found: re.Match[str]) -> str:
        value = variables[found[1]]
        return value if found[2] is None else found[2] if value else ""

    return _WHERE_SET.sub(put, _PLAIN.sub(lambda found: variables[found[1]], text))


def composed(**variables: str) -> list[str]:
    """coturn's options in the compose file, with these in the place of its variables."""
    compose = YAML(typ="safe").load(ROOT / "docker-compose.yml")
    return _expanded(compose["configs"]["turnserver"]["content"], variables).splitlines()


def composed_environment(**variables: str) -> dict[str, str]:
    """What our own server is started with by the compose file."""
    compose = YAML(typ="safe").load(ROOT / "docker-compose.yml")
    given = compose["services"]["collegium"]["environment"]
    return {name: _expanded(text, variables) for name, text in given.items()}


class TurnServer:
    """Killed by `close`. What names this machine's ports and files is other than in the compose file."""

    def __init__(self, folder: Path, secret: str) -> None:
        self.port, self.tls_port = free_port(), free_port()
        self._folder, self._authority = folder, trustme.CA()
        self.ca = folder / "turn-ca.pem"
        self._authority.cert_pem.write_to_path(str(self.ca))
        self.renew_certificate()
        changes = {
            "listening-port": str(self.port),
            "tls-listening-port": str(self.tls_port),
            "cert": str(folder / "turn.crt"),
            "pkey": str(folder / "turn.key"),
            "userdb": str(folder / "turn.sqlite"),
            "pidfile": str(folder / "turn.pid"),
        }
        options = composed(
            COLLEGIUM_DOMAIN="group.example.org",
            COLLEGIUM_ADDRESS="127.0.0.1",
            COLLEGIUM_TURN_SECRET=secret,
        )
        lines = [
            f"{name}={changes[name]}" if (name := line.partition("=")[0]) in changes else line
            for line in options
        ]
        # The compose file has the machine's network; here it is this machine alone.
        lines += ["listening-ip=127.0.0.1", "relay-ip=127.0.0.1", "allow-loopback-peers"]
        config = folder / "turnserver.conf"
        config.write_text("\n".join(lines) + "\n")
        self.said: list[str] = []
        self.process = subprocess.Popen(
            [provide(), "-c", str(config)],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._listen, daemon=True).start()
        self._await()

    def renew_certificate(self) -> None:
        """A new one in the place of the old one, as Caddy does it."""
        certificate = self._authority.issue_cert("localhost")
        certificate.cert_chain_pems[0].write_to_path(str(self._folder / "turn.crt"))
        certificate.private_key_pem.write_to_path(str(self._folder / "turn.key"))

    def shown_certificate(self) -> bytes:
        """What it shows to who connects by TLS."""
        context = ssl.create_default_context(cafile=str(self.ca))
        with (
            socket.create_connection(("127.0.0.1", self.tls_port), 20) as line,
            context.wrap_socket(line, server_hostname="localhost") as secure,
        ):
            return secure.getpeercert(binary_form=True) or b""

    def _listen(self) -> None:
        assert self.process.stdout is not None
        self.said += self.process.stdout

    def _await(self) -> None:
        deadline = time.monotonic() + START_S
        for port in (self.port, self.tls_port):
            while True:
                assert self.process.poll() is None, "".join(self.said)
                assert time.monotonic() < deadline, "".join(self.said)
                try:
                    socket.create_connection(("127.0.0.1", port), 2).close()
                    break
                except OSError:
                    time.sleep(0.02)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
