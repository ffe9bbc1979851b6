"""`python -m nuke_matting` is the same as `nuke-matting`."""

import sys

from nuke_matting.cli.start import main

if __name__ == "__main__":
    sys.exit(main())
