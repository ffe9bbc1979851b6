"""Nuke's own module, where this runs inside Nuke; None elsewhere, as where the node's text is made."""

try:
    import nuke
except ImportError:
    nuke = None
