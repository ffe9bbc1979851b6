"""What a script's nodes do to pixels, for the classes that our node is made of: enough to see what a viewer would show.

Pictures are {channel: [H, W] float32}; Reads are by OpenImageIO.
"""

import functools
import os
import re

import numpy as np
import OpenImageIO as oiio

LETTERS = {"R": "rgba.red", "G": "rgba.green", "B": "rgba.blue", "A": "rgba.alpha"}


class RenderError(RuntimeError):
    """What ends a render in Nuke."""


class Evaluator:
    """Evaluates nodes of `nkscript` at a frame.

    gui : what $gui is. rename : a filename filter. executing : what nuke.executing() is, in the GUI too.
    """

    def __init__(self, frame, gui=False, rename=str, executing=False):
        self.frame, self.gui, self.rename, self.executing = frame, gui, rename, executing

    def of(self, node):
        """The picture that comes out of a node; None for nothing connected."""
        if node is None:
            return None
        if node.kind in ("Dot", "NoOp", "PostageStamp", "OneView", "Output", "Write", "Viewer") or self.number(
            node, "disable"
        ):
            return self.of(node.inputs[0] if node.kind not in ("Group", "Gizmo") else self._feeding(node, 0))
        return getattr(self, "_" + node.kind.lower())(node)

    def number(self, node, name):
        """A knob's value as a number; where it is an expression, that of the frame."""
        text = node.knobs.get(name, "0")
        knob = next((each for each in node.user_knobs if each.name == name), None)
        if knob is not None and knob.code == 4 and text in knob.items:
            return knob.items.index(text)
        return self._value(node, text.strip("{}") if text.startswith("{") else text)

    def _value(self, node, text):
        text = text.strip().strip('"').replace("\\", "")
        if text in ("true", "false"):
            return int(text == "true")
        if text.startswith("curve"):
            return _stepped(text, self.frame)
        if re.fullmatch(r"-?[\d.]+(e[+-]?\d+)?", text):
            return float(text)
        text = text.replace("$gui", str(int(self.gui)))
        text = text.replace("[python 1-nuke.executing()]", str(1 - int(self.executing)))
        text = re.sub(r"parent\.(\w+)", lambda match: repr(self.number(node.parent, match[1])), text)
        for axis, name in enumerate(("height", "width")):
            text = re.sub(rf"\b{name}\b", lambda _, axis=axis: str(self._size(node)[axis]), text)
        condition, mark, rest = text.partition("?")
        if mark:
            yes, _, no = rest.partition(":")
            return self._value(node, yes if self._value(node, condition) else no)
        python = text.replace("&&", " and ").replace("||", " or ").replace("!", " not ")
        return float(eval(python, {"__builtins__": {}}))

    def _size(self, node):
        picture = self.of(node.inputs[0]) if node.inputs else None
        return next(iter(picture.values())).shape if picture else (0, 0)

    @staticmethod
    def _feeding(group, number):
        return group.inputs[number] if number < len(group.inputs) else None

    def _input(self, node):
        return self.of(self._feeding(node.parent, int(node.knobs.get("number", 0))))

    def _group(self, node):
        return self.of(next(each for each in node.children if each.kind == "Output"))

    def _read(self, node):
        first, last = (int(node.knobs.get(name, 1)) for name in ("first", "last"))
        if not first <= self.frame <= last:
            side = "before" if self.frame < first else "after"
            mode = node.knobs.get(side, "hold")
            held = first if side == "before" else last
            shown = {"hold": held, "black": first, "loop": first + (self.frame - first) % (last + 1 - first)}[mode]
            try:
                picture = type(self)(shown, self.gui, self.rename, self.executing)._read(node)
            except RenderError:
                if mode == "black":
                    return None
                raise
            return {name: plane * (mode != "black") for name, plane in picture.items()}
        path = self.rename(re.sub(r"%0(\d)d", lambda match: f"{self.frame:0{match[1]}d}", node.knobs.get("file", "")))
        if not os.path.isfile(path):
            raise RenderError(f"{node.name}: {path}: no such file")
        return dict(_file(path, os.stat(path).st_mtime_ns))

    def _shuffle(self, node):
        picture = dict(self.of(node.inputs[0]) or {})
        shape = next(iter(picture.values())).shape
        for name in ("red", "green", "blue", "alpha"):
            source = node.knobs.get(name, name)
            constant = {"black": 0.0, "white": 1.0}.get(source)
            if constant is not None:
                picture[f"rgba.{name}"] = np.full(shape, constant, np.float32)
            elif source != name:
                picture[f"rgba.{name}"] = picture[f"rgba.{source}"]
        return picture

    def _switch(self, node):
        return self.of(node.inputs[int(self.number(node, "which"))])

    def _copy(self, node):
        below, above = (self.of(each) for each in node.inputs)
        picture, above = dict(below), above or {}
        shape = next(iter(picture.values())).shape
        for number in range(4):
            source, target = (node.knobs.get(f"{way}{number}", "none") for way in ("from", "to"))
            if source != "none" and target != "none":
                picture[target] = above.get(source, np.zeros(shape, np.float32))
        return picture

    def _timeoffset(self, node):
        frame = self.frame - int(float(node.knobs.get("time_offset", 0)))
        return type(self)(frame, self.gui, self.rename, self.executing).of(node.inputs[0])

    def _rectangle(self, node):
        picture = dict(self.of(node.inputs[0]))
        shape = next(iter(picture.values())).shape
        parts = re.findall(r"\{[^}]*\}|\S+", node.knobs["area"])
        left, bottom, right, top = (round(self._value(node, each.strip("{}"))) for each in parts)
        rows = slice(shape[0] - max(top, 1), shape[0] - bottom)  # y is up
        for name, value in zip(("red", "green", "blue", "alpha"), node.knobs["color"].split(), strict=True):
            plane = picture.get(f"rgba.{name}", np.zeros(shape, np.float32)).copy()
            plane[rows, left:right] = float(value)
            picture[f"rgba.{name}"] = plane
        return picture

    def _merge2(self, node):
        below, above = (self.of(each) for each in node.inputs)
        rest = 1 - above["rgba.alpha"]
        return {name: above.get(name, 0) + plane * rest for name, plane in below.items()}

    def _grade(self, node):
        picture = dict(self.of(node.inputs[0]))
        for name in ("rgba.red", "rgba.green", "rgba.blue"):
            picture[name] = picture[name] * float(node.knobs.get("multiply", 1)) + float(node.knobs.get("add", 0))
        return picture


@functools.lru_cache(8)
def _file(path, time):
    """The channels of a file as it was at a time."""
    image = oiio.ImageInput.open(path)
    pixels, names = image.read_image(oiio.FLOAT), image.spec().channelnames
    image.close()
    return {channel(name): pixels[..., index] for index, name in enumerate(names)}


def channel(name):
    """What Nuke calls a channel of an EXR: A is rgba.alpha, fg.R is fg.red."""
    layer, _, letter = name.rpartition(".")
    known = LETTERS.get(letter)
    return name if known is None else known if not layer else f"{layer}.{known.partition('.')[2]}"


def _stepped(text, frame):
    """A stepped curve's value: that of the last key at or before the frame, of the first key before it."""
    words = text.replace("K", "").split()[1:]
    keys = [(int(at[1:]), float(value)) for at, value in zip(words[::2], words[1::2], strict=True)]
    return next((value for at, value in reversed(keys) if at <= frame), keys[0][1])


def write(path, picture):
    """Writes a picture as a full float EXR."""
    names = [(letter, name) for letter, name in LETTERS.items() if name in picture]
    pixels = np.stack([picture[name] for _, name in names], 2).astype(np.float32)
    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], pixels.shape[2], oiio.FLOAT)
    spec.channelnames = [letter for letter, _ in names]
    out = oiio.ImageOutput.create(path)
    assert out.open(path, spec) and out.write_image(pixels) and out.close()
