"""What the worker says, in the node's words: the flags of the command line that it names are knobs and inputs here."""

import re

from .description import INPUTS, NOT_KNOBS
from .protocol import setting_schemas

# of the advice that no name of a knob fits into, or that leads nowhere in the node; in this order
_PHRASES = (
    (r"leave --frames out", "clear the knob frame range"),
    (r"(use|name) another (model with )?--model", "name another in --model"),
    (r"leave --([a-z-]+) out", r"set --\1 back"),
    (r", or that run --overwrite$", ""),
    (r"give --cache-dir", "name a folder in --cache-dir"),
    (r"(, | or )?(or )?(use )?--(no-cache|overwrite)$", ""),
    (r"((, )?or )?(give|try) --mode sidecar$", ""),
    (r"end --out with \.exr", "name another folder in the knob folder"),
    (r"(give|choose) another( folder with)? --out", "name another folder in the knob folder"),
    (r"name another --layer", "choose another in --layer"),
    (r"(give|choose) another folder with --cache-dir", "name another folder in --cache-dir"),
)
_NAMES = {
    "frames": "the knob frame range",
    "out": "the knob folder",
    "layer": "the knob alpha into",
    "fg": "the knob foreground",
    "clean_colourspace": "its Read's colorspace",
}
_NAMES.update((setting, f"the input {name}") for name, setting, _ in INPUTS if setting)


def in_the_node(text):
    """A line of the worker with the names that things have in the node; what it does not know stays as it is.

    >>> in_the_node("give one with --clean-plate, or use another --model")
    'give one with the input clean_plate, or name another in the knob model'
    """
    for phrase, other in _PHRASES:
        text = re.sub(phrase, other, text)
    return re.sub(
        r"(?<![^\s`(])--([a-z]+(?:-[a-z]+)*)", lambda flag: _named(flag[1].replace("-", "_")) or flag[0], text
    )


def _named(name):
    if name in _NAMES:
        return _NAMES[name]
    known = name in setting_schemas() and name not in NOT_KNOBS
    return "the knob " + name.replace("_", " ") if known else ""
