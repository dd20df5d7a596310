"""`python -m tests.server.calling_house`: the server as it is, with the scripted unit for its media."""

import sys

from server.cli import settings
from server.serving import serve


def unit(_number: int, descriptor: int) -> list[str]:
    return [sys.executable, "-m", "tests.signaling.scripted_unit", "--fd", str(descriptor)]


if __name__ == "__main__":
    serve(settings(), unit)
