"""The one command `collegium`: the server's words and the member's, each from its own side.

This is the only module that sees both sides; neither imports it.
"""

import sys

from cyclopts import App, Group

app = App(name="collegium", help="A private place for peer consultation groups.", version_flags=[])


def main() -> None:
    from client.cli import app as member
    from server.cli import app as server
    from server.errors import StartError

    for side, group in ((member, Group("A member's commands")), (server, Group("The server's commands"))):
        for word in side.resolved_commands():
            if not word.startswith("-"):
                side[word].group = (group,)
        app.command(side, name="*")
    app.default(server.default_command)
    try:
        app()
    except StartError as error:
        sys.exit(f"collegium: {error}")


if __name__ == "__main__":
    main()
