"""Soft mattes of people from EXR plates, in linear light, under OCIO.

>>> from nuke_matting import Settings, Shot
"""

from nuke_matting.engine.shot import Matte, Shot
from nuke_matting.settings import Settings

__all__ = ["Matte", "Settings", "Shot"]
