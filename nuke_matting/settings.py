"""Every user-facing choice, once: its type, default, range, unit and one-line help.

The command line is made from these fields, and so is `host/settings.schema.json`, which the worker's requests are
checked by and the node's knobs are made from: they cannot drift apart.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field, fields
from typing import Any

from nuke_matting.errors import UsageError


@dataclass(frozen=True)
class Option:
    """What a person must know of one setting.

    help : one line.
    metavar : the name of its value in a usage text.
    choices : the only values it may take, if not free.
    pattern : regular expression that a free text value must match whole, if any.
    minimum, maximum : range of a number, both inclusive.
    unit : unit of a number.
    needs : the setting without which it does nothing, if any.
    """

    help: str
    metavar: str = ""
    choices: tuple[str, ...] = ()
    pattern: str = ""
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""
    needs: str = ""


def _option(default: Any, help: str, **about: Any) -> Any:
    return field(default=default, metadata={"option": Option(help, **about)})


@dataclass(frozen=True)
class Settings:
    """The choices for one shot. Frozen and hashable; `replace` makes a changed copy; all values are checked.

    >>> Settings(precision="fp32").precision
    'fp32'
    >>> Settings(precision="fp8")
    Traceback (most recent call last):
    nuke_matting.errors.UsageError: precision: 'fp8' is not one of auto, fp32, bf16, fp16
    """

    model: str = _option("two_stage", "model to use: a name, or the path of a .safetensors file", metavar="MODEL")
    device: str = _option(
        "auto",
        "where the network runs; auto takes a CUDA GPU, else Apple's, else the CPU",
        metavar="auto|cpu|cuda|cuda:N|mps",
        pattern=r"auto|cpu|mps|cuda(:\d+)?",
    )
    precision: str = _option(
        "auto",
        "arithmetic of the network; auto is fp32 on a CPU, fp16 on a GPU",
        choices=("auto", "fp32", "bf16", "fp16"),
    )
    ocio: str = _option("", "OCIO config; default: $OCIO, then the built-in one", metavar="CONFIG")
    colourspace: str = _option("", "colour space of the plate; default: from the file, then the config", metavar="NAME")
    clean_plate: str = _option(
        "", "the same view without the subject: a sequence or a single file", metavar="PATTERN_OR_FILE"
    )
    clean_colourspace: str = _option(
        "",
        "colour space of the clean plate; default: the plate's, unless the file is of another kind or states its own",
        metavar="NAME",
        needs="clean_plate",
    )
    clean_match: bool = _option(
        True,
        "fit the clean plate's exposure to each frame's, by a gain and a bias of each channel",
        needs="clean_plate",
    )
    clean_align: bool = _option(
        False,
        "line the clean plate up with each frame, for a camera that moved a little",
        needs="clean_plate",
    )
    guide: str = _option(
        "",
        "rough matte, single file or sequence: 1 inside, 0 outside, between is open",
        metavar="PATTERN",
    )
    guide_use: str = _option(
        "hint",
        "hint leaves the last word to the network; force makes the guide's 0 and 1 final, limit its 0 alone; "
        "core makes its 1 final and shows the network none of it",
        choices=("hint", "force", "limit", "core"),
        needs="guide",
    )
    keys: str = _option(
        "",
        "corrected mattes of key frames, which spread to the others: all files there are, or those of the key frames",
        metavar="PATTERN",
    )
    key_frames: str = _option("", "which frames of the keys are key frames", metavar="1001,1050")
    exposure: float = _option(
        0.0,
        "shows the network plate and clean plate brighter, or darker, than they are; what is delivered keeps its light",
        unit="stops",
        minimum=-10.0,
        maximum=10.0,
    )
    edge_shift: float = _option(
        0.0,
        "moves the edge: negative eats into the matte, positive grows it",
        unit="pixels",
        minimum=-50.0,
        maximum=50.0,
    )
    edge_soften: float = _option(
        0.0, "softens the edge by a Gaussian of this sigma", unit="pixels", minimum=0.0, maximum=50.0
    )
    black_point: float = _option(0.0, "alpha at or below it becomes 0, before the edge moves", minimum=0.0, maximum=1.0)
    white_point: float = _option(1.0, "alpha at or above it becomes 1, before the edge moves", minimum=0.0, maximum=1.0)
    regions: float = _option(
        4.0,
        "how much to refine: at most N x (width + height) / 8 regions of 8x8 pixels",
        minimum=0.0,
        maximum=1000.0,
    )
    region_batch: int = _option(
        1024,
        "regions refined at once; lower it when memory is short (changes the last bits)",
        minimum=1,
        maximum=1_000_000,
    )
    mode: str = _option(
        "sidecar", "sidecar writes the alpha alone, merge adds it to a copy of the plate", choices=("sidecar", "merge")
    )
    layer: str = _option(
        "rgba.alpha",
        "channel for the alpha: rgba.alpha, or NAME.A for a layer of its own",
        metavar="rgba.alpha|NAME.A",
        pattern=r"rgba\.alpha|(?!rgba\.)[A-Za-z][A-Za-z0-9_]*\.[A-Za-z][A-Za-z0-9_]*",
    )
    fg: bool = _option(False, "also write the foreground colour, free of the background's")
    premult: bool = _option(False, "multiply the foreground by the alpha (else it is straight)", needs="fg")
    cache_dir: str = _option(
        "", "folder of cached mattes; default: $NUKE_MATTING_CACHE, then the user's cache folder", metavar="DIR"
    )
    cache: bool = _option(True, "use the cache of mattes")
    cache_size: float = _option(
        50.0,
        "most that the cache may hold; least recently used goes first",
        unit="GB",
        minimum=0.0,
        maximum=1_000_000.0,
        needs="cache",
    )
    jobs: int = _option(2, "threads that read and write files beside the network", minimum=1, maximum=64)

    def __post_init__(self) -> None:
        for each in fields(self):
            _check(each.name, getattr(self, each.name), each.metadata["option"], type(each.default))
            if type(each.default) is float:  # 4 is 4.0 and -0 is 0, in the names of mattes too
                object.__setattr__(self, each.name, 0.0 + getattr(self, each.name))
        if self.black_point >= self.white_point:
            raise UsageError(f"black-point: {self.black_point} is not below the white point, {self.white_point}")
        if self.key_frames.strip() and not self.keys:
            raise UsageError("key-frames: there are no keys", advice="give the corrected mattes with --keys")
        if self.fg and self.mode == "merge" and self.layer in ("fg.R", "fg.G", "fg.B"):
            raise UsageError(f"layer: {self.layer} holds the foreground's colour", advice="name another channel")

    def replace(self, **changes: Any) -> Settings:
        """A copy with some values changed. Raises UsageError for a value out of range or an unknown name."""
        unknown = set(changes) - {each.name for each in fields(self)}
        if unknown:
            raise UsageError(f"no setting is called {', '.join(sorted(unknown))}")
        return dataclasses.replace(self, **changes)


def flag(name: str) -> str:
    """The option of the command line that changes a setting.

    >>> flag("clean_plate"), flag("cache")
    ('--clean-plate', '--no-cache')
    """
    return f"--{'no-' if options()[name][0] is True else ''}{_shown(name)}"


def idle(settings: Settings) -> list[str]:
    """What is said of settings that are not as by default and do nothing.

    >>> idle(Settings(premult=True))
    ['--premult does nothing without --fg']
    """
    lines = []
    for name in idle_names(settings):
        needed = options()[name][1].needs
        without = "with" if options()[needed][0] is True else "without"
        lines.append(f"{flag(name)} does nothing {without} {flag(needed)}")
    return lines


def idle_names(settings: Settings) -> tuple[str, ...]:
    """The settings that are not as by default and do nothing."""
    return tuple(
        name
        for name, (default, option) in options().items()
        if option.needs and getattr(settings, name) != default and not getattr(settings, option.needs)
    )


def options() -> dict[str, tuple[Any, Option]]:
    """Name -> (default, Option) of every setting, in order."""
    return {each.name: (each.default, each.metadata["option"]) for each in fields(Settings)}


def _check(name: str, value: Any, option: Option, kind: type) -> None:
    shown = _shown(name)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not kind:
        raise UsageError(f"{shown}: {value!r} is not a {kind.__name__}")
    if option.choices and value not in option.choices:
        raise UsageError(f"{shown}: {value!r} is not one of {', '.join(option.choices)}")
    if option.pattern and isinstance(value, str) and not re.fullmatch(option.pattern, value):
        raise UsageError(f"{shown}: {value!r} is not of the form {option.metavar}", advice=option.help)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        low, high = option.minimum, option.maximum
        if value != value or (low is not None and value < low) or (high is not None and value > high):
            raise UsageError(f"{shown}: {value:.10g} is outside {low:.10g}..{high:.10g} {option.unit}".rstrip())


def _shown(name: str) -> str:
    return name.replace("_", "-")
