"""Which colour space of the config a plate is in, and why: the user, the file, the config's rules, its roles."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import PyOpenColorIO as ocio_lib

from nuke_matting.colour.gamuts import linear_space_of
from nuke_matting.colour.names import find_equivalent, find_space, is_data, near_matches
from nuke_matting.errors import ColourError
from nuke_matting.plate.frame import ColourHints

_LOG_FORMATS = ("dpx", "cineon")
_DATA_IDS = ("data", "raw")
_UNKNOWN_ID = "unknown"
_SRGB = "srgb_rec709_scene"
_LINEAR_REC709 = "lin_rec709_scene"
_SRGB_ROLES = ("texture_paint", "color_picking", "matte_paint")

# What OpenImageIO has called spaces in its metadata, where configs call them otherwise.
_OLD_NAMES = {"srgb": _SRGB, "linear": "scene_linear", "kodaklog": "compositing_log", "adobergb": "g22_adobergb_scene"}

_ACES_CONFIG_NAME = re.compile(r"(cg|studio)-config-v\d")


@dataclass(frozen=True)
class SpaceChoice:
    """A colour space for a plate.

    name : its canonical name in the config.
    reason : a sentence for the log, without a full stop.
    doubt : why it may well be another, for the user, a clause; empty where the file, the user or the studio has spoken.
    """

    name: str
    reason: str
    doubt: str = ""


def choose_space(config: ocio_lib.Config, hints: ColourHints, path: str | Path, wanted: str = "") -> SpaceChoice:
    """The colour space that a plate's file is in.

    The first of these that gives an answer does: `wanted`; the file's own interop ID, `oiio:ColorSpace` (of a DPX its
    transfer, of a PNG its gamma or CICP) and chromaticities; the config's file rules; and a last resort: for log files
    the role ``compositing_log``, for other integer files sRGB, for Radiance's (``.hdr``) linear Rec.709, and for all
    else the role ``scene_linear``. Log files and integers are never taken for that: it would be wrong in silence.

    Two rules of a config are not counted as an answer: the mandatory last one, named Default, which says nothing of
    the file; and the rule ``EXR`` of the public ACES configs, which calls every EXR file ACES2065-1, though plates
    in a comp are mostly in the space of the role ``scene_linear``, and true ACES files state their chromaticities.
    An EXR file without chromaticities would be Rec.709 by the format's letter; writers do not keep to it, so nothing
    is concluded from their absence.

    Parameters
    ----------
    config : the OCIO config.
    hints : what the file says.
    path : the file's path, for the config's rules, which see it whole; the file is not opened.
    wanted : the user's choice: a name, alias, role or interop ID of the config; empty for none.

    Raises
    ------
    ColourError : `wanted` is not in the config (near matches are named); the space holds data, not colour; or the
        config has no space to fall back to.
    """
    if wanted.strip():
        return _from_user(config, wanted.strip())
    stated, passed_over = stated_space(config, hints, path)
    doubts = list(passed_over)  # before the rules add theirs
    choice = stated or _from_rules(config, path, passed_over)
    if choice is None:
        choice = _last_resort(config, hints, path)
        # of a studio's own config the role is the studio's word
        if hints.file_format in _LOG_FORMATS and hints.integer and _is_public(config):
            doubts.append(f"nothing says in which log space this {hints.file_format} file is")
    else:
        doubts = []
    return SpaceChoice(choice.name, "; ".join((choice.reason, *passed_over)), "; ".join(doubts))


def stated_space(config: ocio_lib.Config, hints: ColourHints, path: str | Path) -> tuple[SpaceChoice | None, list[str]]:
    """The colour space that the file itself says it is in, if the config has it; and what else it says, a clause each.

    Raises ColourError: it says that it holds data, not colour.
    """
    passed_over: list[str] = []
    choice = (
        _from_interop_id(config, hints, path, passed_over)
        or _from_oiio(config, hints, path, passed_over)
        or _from_chromaticities(config, hints, passed_over)
    )
    return choice, passed_over


def said_space(hints: ColourHints) -> str:
    """The space that a file says its picture is in, by its interop ID or `oiio:ColorSpace`; empty where it says none,
    or no more than that it holds data or is not known.

    >>> said_space(ColourHints(interop_id="Unknown", oiio_space="ACEScg")), said_space(ColourHints(interop_id="data"))
    ('ACEScg', '')
    """
    said = ((each or "").strip() for each in (hints.interop_id, hints.oiio_space))
    return next((each for each in said if each and each.lower() not in (_UNKNOWN_ID, *_DATA_IDS)), "")


def _from_user(config: ocio_lib.Config, wanted: str) -> SpaceChoice:
    name = find_space(config, wanted)
    if name is None:
        near = near_matches(config, wanted)
        same = find_equivalent(config, wanted)
        if same is not None and same not in near:
            near.insert(0, same)
        advice = f"did you mean {' or '.join(repr(each) for each in near)}?" if near else _list_of(config)
        raise ColourError(f"the OCIO config has no colour space {wanted!r}", advice=advice)
    if is_data(config, name):
        raise ColourError(
            f"{name!r} holds data, not colour, so no picture can be in it",
            advice=f"name a colour space{_such_as_linear(config)}",  # with whichever option has named this one
        )
    return SpaceChoice(name, "chosen by the user" if name == wanted else f"chosen by the user as {wanted!r}")


def _from_interop_id(
    config: ocio_lib.Config, hints: ColourHints, path: str | Path, passed_over: list[str]
) -> SpaceChoice | None:
    said = (hints.interop_id or "").strip()
    if not said or said.lower() == _UNKNOWN_ID:
        return None
    return _from_name(config, said, said, "colorInteropID", path, passed_over)


def _from_oiio(
    config: ocio_lib.Config, hints: ColourHints, path: str | Path, passed_over: list[str]
) -> SpaceChoice | None:
    said = (hints.oiio_space or "").strip()
    if not said:
        return None
    known = said if find_space(config, said) else _OLD_NAMES.get(said.lower(), said)
    attribute, value = hints.stated or ("oiio:ColorSpace", said)
    return _from_name(config, value, known, attribute, path, passed_over)


def _from_name(
    config: ocio_lib.Config, said: str, name: str, attribute: str, path: str | Path, passed_over: list[str]
) -> SpaceChoice | None:
    found = find_equivalent(config, name)
    if name.lower() in _DATA_IDS or (found is not None and is_data(config, found)):
        raise ColourError(
            f"the file calls its pixels data, not colour ({attribute} {said!r})",
            path=path,
            advice=f"name the plate's colour space with --colourspace{_such_as_linear(config)}",
        )
    if found is None:
        passed_over.append(f"the config does not know the file's {attribute} {said!r}")
        return None
    return SpaceChoice(found, f"the file's {attribute} is {said!r}")


def _from_chromaticities(config: ocio_lib.Config, hints: ColourHints, passed_over: list[str]) -> SpaceChoice | None:
    # Primaries without a curve tell of a space only where pixels are linear, as they are in floating point.
    if hints.chromaticities is None or (hints.integer and hints.file_format != "openexr"):
        return None
    said = linear_space_of(hints.chromaticities)
    if said is None:
        passed_over.append("the file's chromaticities are of no known gamut")
        return None
    found = find_equivalent(config, said)
    if found is None or is_data(config, found):
        passed_over.append(f"the config has no space for the file's chromaticities ({said})")
        return None
    return SpaceChoice(found, f"the file's chromaticities are those of {said}")


def _from_rules(config: ocio_lib.Config, path: str | Path, passed_over: list[str]) -> SpaceChoice | None:
    # rules may go by folders, wherever the user stands
    text = Path(os.path.abspath(path)).as_posix() if str(path) else ""
    if config.filepathOnlyMatchesDefaultRule(text):
        return None
    said, index = config.getColorSpaceFromFilepath(text)
    rules = config.getFileRules()
    rule = rules.getName(index)
    found = find_space(config, said)
    if found is None:
        passed_over.append(f"the config's file rule {rule!r} gives {said!r}, which is not in the config")
    elif _is_catch_all_of_aces(config, rules, index, found):
        passed_over.append(f"the file rule {rule!r} is passed over, as it calls every EXR file {found}")
    elif is_data(config, found):
        # Most often ColorSpaceNamePathSearch, which sees 'raw' in '/shots/drawing/'.
        passed_over.append(f"the file rule {rule!r} is passed over, as it gives {found!r}, which is not colour")
    else:
        return SpaceChoice(found, f"the config's file rule {rule!r} gives it for this path")
    return None


def _is_catch_all_of_aces(config: ocio_lib.Config, rules: ocio_lib.FileRules, index: int, space: str) -> bool:
    # A studio's own rule for EXR files is meant, and counts; hence the look at the config's name.
    return (
        rules.getName(index) == "EXR"
        and rules.getPattern(index) == "*"
        and rules.getExtension(index).lower() == "exr"
        and space == find_space(config, "aces_interchange")
        and _is_public(config)
    )


def _is_public(config: ocio_lib.Config) -> bool:
    """Whether it is one of the ACES configs that come with OpenColorIO, which know nothing of a show."""
    return _ACES_CONFIG_NAME.search(config.getName() or "") is not None


def _last_resort(config: ocio_lib.Config, hints: ColourHints, path: str | Path) -> SpaceChoice:
    kind = hints.file_format
    if kind in _LOG_FORMATS and hints.integer:
        name = _role(config, "compositing_log")
        if name is not None:
            return SpaceChoice(name, f"the role compositing_log, as nothing says more of this {kind} file")
        raise _untold(config, path, "no role compositing_log that is a colour, for a log file")
    if hints.integer and kind != "openexr":
        # a curve that is a table, or a plain power in its place, is known by its name alone
        name = find_equivalent(config, _SRGB) or find_space(config, "sRGB")
        if name is not None and not is_data(config, name):
            return SpaceChoice(name, f"sRGB, as nothing says more of this {kind} file of integers")
        for role in _SRGB_ROLES:
            name = _role(config, role)
            if name is not None:
                return SpaceChoice(name, f"the role {role}, as nothing says more of this {kind} file of integers")
        raise _untold(config, path, "no sRGB space, for a file of integers")
    if kind == "hdr" and (name := find_equivalent(config, _LINEAR_REC709)) is not None:
        # the format's own primaries are Rec.709's but for their white, and what programs write into it is Rec.709
        return SpaceChoice(name, "linear Rec.709, as nothing says more of this hdr file")
    name = _role(config, "scene_linear")
    if name is None:
        has = config.hasRole("scene_linear")
        raise _untold(config, path, "a role scene_linear that is no colour" if has else "no role scene_linear")
    return SpaceChoice(name, "the role scene_linear, as nothing says more of this file")


def _untold(config: ocio_lib.Config, path: str | Path, has: str) -> ColourError:
    return ColourError(
        f"neither the file nor the OCIO config, which has {has}, tells its colour space",
        path=path,
        advice=f"name it with --colourspace (of a clean plate, --clean-colourspace); {_list_of(config)}",
    )


def _role(config: ocio_lib.Config, role: str) -> str | None:
    name = find_space(config, role) if config.hasRole(role) else None
    return None if name is None or is_data(config, name) else name


def _such_as_linear(config: ocio_lib.Config) -> str:
    name = _role(config, "scene_linear")
    return "" if name is None else f", for example {name!r}"


def _list_of(config: ocio_lib.Config, most: int = 8) -> str:
    names = [name for name in config.getColorSpaceNames() if not is_data(config, name)]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"it has {', '.join(names[:most])}{more}"
