"""Soft mattes of people from EXR plates, in linear light, under OCIO.

>>> from nuke_matting import Settings, Shot
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nuke_matting.engine.shot import Shot
    from nuke_matting.engine.values import Matte
    from nuke_matting.settings import Settings

__all__ = ["Matte", "Settings", "Shot"]


def __getattr__(name: str) -> Any:
    """The three names, imported when asked for: torch takes seconds, and much of the package does without."""
    if name == "Settings":
        from nuke_matting import settings

        return settings.Settings
    if name in __all__:
        from nuke_matting.engine import shot

        return getattr(shot, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
