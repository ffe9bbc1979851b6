"""The text of .nk and .gizmo files: values with Nuke's escapes, knobs, nodes and the stack that connects them.

A script is a Tcl program. A node takes its inputs from the top of a stack, the last pushed being input 0, and is itself
pushed; `set NAME [stack 0]` remembers it, `push $NAME` brings it back.
"""

import os
import re
from collections import namedtuple

_BARE = re.compile(r"[A-Za-z0-9_.:/%+-]+")  # what Nuke writes without quotes
_ESCAPES = {"\\": "\\\\", '"': '\\"', "[": "\\[", "{": "\\{", "}": "\\}", "$": "\\$", "\n": "\\n"}

UserKnob = namedtuple("UserKnob", "code name label tooltip flags about value")
UserKnob.__doc__ = """A knob that is added to a node.

code : Nuke's number of its type. about : more of its definition as text, e.g. `T Copy.to0`. value : text, or None.
"""

Node = namedtuple("Node", "kind name inputs knobs before")
Node.__doc__ = """A node within a group.

inputs : names of nodes; None for an input that is not connected. knobs : pairs of name and text. before : lines of
Tcl that must stand before it, such as an `add_layer`.
"""


def quoted(text):
    r"""Text as the value of a knob.

    >>> print(quoted("rgba.alpha"), quoted("alpha into"), quoted('[value "a"]'))
    rgba.alpha "alpha into" "\[value \"a\"]"
    """
    if _BARE.fullmatch(text):
        return text
    return '"{}"'.format("".join(_ESCAPES.get(letter, letter) for letter in text))


def expression(text):
    r"""An expression as the value of a knob.

    >>> print(expression("$gui && !parent.matted"))
    {{"\$gui && !parent.matted"}}
    """
    return "{{" + quoted(text) + "}}"


def user_knob(knob):
    """The lines, without indent, of a knob that is added to a node."""
    parts = [str(knob.code), knob.name or '""']
    if knob.label is not None:
        parts.append("l " + quoted(knob.label))
    if knob.tooltip:
        parts.append("t " + quoted(knob.tooltip))
    parts += [each for each in (knob.flags, knob.about) if each]
    lines = ["addUserKnob {" + " ".join(parts) + "}"]
    if knob.value is not None:
        lines.append(f"{knob.name} {knob.value}")
    return lines


def group(knobs, user_knobs, nodes):
    """The text of a Group: its own knobs (pairs of name and text), those added to it, and the nodes in it, in order."""
    lines = ["Group {"]
    lines += [f" {name} {value}" for name, value in knobs]
    lines += [" " + line for knob in user_knobs for line in user_knob(knob)]
    lines.append("}")
    used = {name for node in nodes for name in node.inputs}
    handles = {node.name: f"N{number:08x}" for number, node in enumerate(nodes, 0x5A000000)}
    for node in nodes:
        lines += [" " + line for line in node.before]
        for name in reversed(node.inputs):  # the last pushed is input 0
            lines.append("push 0" if name is None else "push $" + handles[name])
        lines.append(" " + node.kind + " {")
        if len(node.inputs) != 1:
            lines.append(f"  inputs {len(node.inputs)}")
        lines += [f"  {name} {value}" for name, value in node.knobs]
        lines.append(f"  name {node.name}")
        lines.append(" }")
        if node.name in used:
            lines.append(f"set {handles[node.name]} [stack 0]")
    lines.append("end_group")
    return "\n".join(lines) + "\n"


def write_gizmo(name, text):
    """Writes the .gizmo of a node in the checkout that this is in. Raises OSError."""
    here = os.path.dirname(os.path.abspath(__file__))
    path = os.path.join(here, os.pardir, os.pardir, "gizmos", name + ".gizmo")
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
