"""Adds NukeMatting to Nuke's toolbar. Whatever fails here, Nuke starts."""

import os
import sys

try:
    from nuke_matting_host import startup

    startup.menu(os.path.dirname(os.path.abspath(__file__)))
except Exception as error:
    sys.stderr.write(f"NukeMatting has no menu: {error}\n")
