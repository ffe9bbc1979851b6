"""Colour spaces by name in a config: exact, by another name for the same space, or nearly."""

from __future__ import annotations

import difflib
import functools

import PyOpenColorIO as ocio_lib

from nuke_matting.colour.config import OCIO_ERRORS

# The config with the most names for each space: ACES 1.x names, short names, and the interop IDs.
_DICTIONARY = "ocio://studio-config-v4.0.0_aces-v2.0_ocio-v2.5"


def find_space(config: ocio_lib.Config, name: str) -> str | None:
    """The canonical name of the colour space that `config` itself calls `name`, or None.

    `name` may be a name, an alias, a role or an interop ID of the config, in any case of letters.
    """
    if not name.strip() or any("\ud800" <= character <= "\udfff" for character in name):  # what is no UTF-8 in a file
        return None
    space = config.getColorSpace(name.strip())
    if space is not None:
        return space.getName()
    wanted = name.strip().lower()
    for candidate in _all_spaces(config):
        if config.getMinorVersion() >= 5 and candidate.getInteropID().lower() == wanted:
            return candidate.getName()
    return None


def find_equivalent(config: ocio_lib.Config, name: str) -> str | None:
    """As `find_space`; and where `config` has no such name, the space that is the same under another name, or None.

    Other names come from OpenColorIO's own studio config. Where none of them is known either, spaces are compared
    by their mathematics, as far as OpenColorIO can tell.
    """
    found = find_space(config, name)
    if found is not None:
        return found
    return _find_equivalent(config.getCacheID(), name, _Hidden(config))


class _Hidden:
    """A config that travels beside a cache key without being part of it."""

    def __init__(self, config: ocio_lib.Config) -> None:
        self.config = config

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hidden)

    def __hash__(self) -> int:
        return 0


@functools.lru_cache(maxsize=256)
def _find_equivalent(_cache_id: str, name: str, hidden: _Hidden) -> str | None:
    config, dictionary = hidden.config, _dictionary()
    known = find_space(dictionary, name)
    if known is None:
        return None
    space = dictionary.getColorSpace(known)
    for other in (known, *space.getAliases()):
        found = find_space(config, other)
        if found is not None and not is_data(config, found):
            return found
    if space.isData() or space.getReferenceSpaceType() != ocio_lib.REFERENCE_SPACE_SCENE:
        return None  # only scene-referred spaces can be compared
    try:
        return ocio_lib.Config.IdentifyBuiltinColorSpace(config, dictionary, known) or None
    except OCIO_ERRORS:
        return None  # that is how OpenColorIO says that it found none


def is_data(config: ocio_lib.Config, name: str) -> bool:
    """True where the colour space `name` of the config holds data that is not colour, such as ``Raw``."""
    space = config.getColorSpace(name)
    return space is not None and space.isData()


def near_matches(config: ocio_lib.Config, name: str, most: int = 4) -> list[str]:
    """Up to `most` names of spaces, aliases or roles that look like `name`, the nearest first; may be empty.

    A space is listed once, by the name of its that is nearest.
    """
    wanted = name.strip().lower()
    candidates = dict(config.getRoles())
    for space in _all_spaces(config):
        candidates.update({each: space.getName() for each in (space.getName(), *space.getAliases())})
    scores = []
    for candidate in candidates:
        lower = candidate.lower()
        score = difflib.SequenceMatcher(None, wanted, lower).ratio()
        if len(wanted) >= 3 and (wanted in lower or lower in wanted):
            score += 0.5  # 'logc4' is a good hint at 'ARRI LogC4', however different their lengths
        if score >= 0.6:
            scores.append((-score, candidate))
    chosen: dict[str, str] = {}
    for _, candidate in sorted(scores):
        chosen.setdefault(candidates[candidate], candidate)
    return list(chosen.values())[:most]


def _all_spaces(config: ocio_lib.Config) -> list[ocio_lib.ColorSpace]:
    names = config.getColorSpaceNames(ocio_lib.SEARCH_REFERENCE_SPACE_ALL, ocio_lib.COLORSPACE_ALL)
    return [config.getColorSpace(each) for each in names]


@functools.lru_cache(maxsize=1)
def _dictionary() -> ocio_lib.Config:
    return ocio_lib.Config.CreateFromFile(_DICTIONARY)
