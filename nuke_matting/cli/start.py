"""Where the program starts: the application is imported where a Ctrl-C is heard already."""

import sys

from nuke_matting.cli.exits import INTERRUPTED, INTERRUPTION


def main() -> int:
    """As the application's, whose imports take longer than it takes to press Ctrl-C."""
    try:
        from nuke_matting.cli import app

        return app.main()
    except KeyboardInterrupt:
        print(INTERRUPTION, file=sys.stderr)
        return INTERRUPTED
