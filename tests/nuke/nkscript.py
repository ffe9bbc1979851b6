"""Text of .nk and .gizmo files, run as what it is: a Tcl program under Nuke's stack rules.

Tcl itself reads the text; here are only the commands that Nuke adds. Anything that is no command of theirs is an error.
"""

import re
import tkinter
from dataclasses import dataclass, field

IGNORED = ("version", "define_window_layout_xml")
_kept = []


def new_tcl():
    """An interpreter, kept for good: Tcl ends the process where another thread's garbage collection deletes one."""
    _kept.append(tkinter.Tcl())
    return _kept[-1]


TCL = new_tcl()


@dataclass
class UserKnob:
    code: int
    name: str
    definition: str  # all of it, as it stands in the script
    label: str = ""
    tooltip: str = ""
    text: str = ""  # T: what a button runs, what a link leads to
    items: list = field(default_factory=list)  # M: of an enumeration


@dataclass
class Node:
    kind: str
    name: str = ""
    knobs: dict = field(default_factory=dict)  # name -> text, in order
    user_knobs: list = field(default_factory=list)
    inputs: list = field(default_factory=list)
    children: list = field(default_factory=list)
    parent: object = None
    problems: list = field(default_factory=list)

    def find(self, name):
        return next((each for each in self.children if each.name == name), None)

    def walk(self):
        for each in self.children:
            yield each
            yield from each.walk()


class NkError(Exception):
    """What Nuke would stumble over."""


class Reader:
    """Runs scripts into a root. `layers` are those that were added, with the nodes that had been made by then."""

    def __init__(self):
        self.root = Node("Root", "root")
        self.layers = {}
        self._here, self._stacks = self.root, {id(self.root): []}
        self._handles = {}
        self._tcl = new_tcl()
        self._error = None
        for name in ("open", "exec", "file", "socket", "source", "load", "glob", "cd"):
            self._tcl.eval(f"rename {name} {{}}")
        self._tcl.createcommand("nk", self._command)
        self._tcl.eval("proc unknown args { return [nk {*}$args] }")

    def read(self, text):
        """Runs a text. Raises NkError."""
        before = len(self.root.children)
        text = re.sub(r"\A(#.*\n)+", "", text)
        try:
            self._tcl.eval(text)
        except tkinter.TclError as error:
            raise NkError(self._error or str(error)) from error
        if self._here is not self.root:
            raise NkError(f"{self._here.name} is not ended")
        return self.root.children[before:]

    @property
    def stack(self):
        return self._stacks[id(self._here)]

    def _command(self, name, *words):
        try:
            return self._run(name, words)
        except Exception as error:  # of which Tcl would not say what it was
            self._error = f"{type(error).__name__}: {error}"
            raise

    def _run(self, name, words):
        if name in IGNORED:
            return ""
        if name == "stack":
            if int(words[0]) >= len(self.stack):
                return "0"  # as at the top of what was copied, where nothing is selected
            handle = f"node{len(self._handles)}"
            self._handles[handle] = self.stack[-1 - int(words[0])]
            return handle
        if name == "push":
            if words[0] != "0" and words[0] not in self._handles:
                raise NkError(f"push {words[0]}: no such node")
            self.stack.append(self._handles.get(words[0]))
            return ""
        if name == "clone":
            original, body = self._handles.get(words[0]), words[1]
            if original is None:
                raise NkError(f"clone {words[0]}: no such node")
            self._node(original.kind, body, original)
            return ""
        if name == "add_layer":
            layer, *channels = self._tcl.splitlist(words[0])
            if not re.fullmatch(r"[A-Za-z]\w*", layer) or not all(each.startswith(layer + ".") for each in channels):
                raise NkError(f"add_layer {words[0]}")
            self.layers[layer] = channels
            return ""
        if name == "end_group":
            if self._here.parent is None:
                raise NkError("end_group without a Group")
            self._here = self._here.parent
            return ""
        if not name[:1].isupper():
            raise NkError(f"{name} is no command")
        self._node(name, words[0] if words else "")
        return ""

    def _node(self, kind, body, original=None):
        """original : what this is a clone of, whose knobs and name it shares."""
        words = list(self._tcl.splitlist(body))
        node, count = Node(kind, parent=self._here), 1
        pairs = []
        while words:
            if len(words) < 2:
                raise NkError(f"{kind}: {words[0]} has no value")
            name, value, words = words[0], words[1], words[2:]
            pairs.append((name, value))
        if kind == "Root":
            self.root.knobs.update(pairs)
            return
        for name, value in pairs:
            if name == "inputs":
                count = sum(int(each) for each in value.split("+"))
            elif name == "addUserKnob":
                node.user_knobs.append(self._user_knob(value))
            elif name in node.knobs:
                raise NkError(f"{kind}: {name} twice")
            else:
                node.knobs[name] = value
        if original is not None:
            node.knobs = {**original.knobs, **node.knobs}
            node.user_knobs += original.user_knobs
        node.name = node.knobs.get("name", "")
        if original is None and self._here.find(node.name) is not None:
            if self._here is not self.root:
                raise NkError(f"{node.name} twice in {self._here.name}")
            node.name = node.knobs["name"] = self._free(node.name)  # as Nuke does with what is pasted
        if len(self.stack) < count and self._here is not self.root:
            node.problems.append(f"{node.name} takes {count} inputs of {len(self.stack)}")
        node.inputs = [self.stack.pop() if self.stack else None for _ in range(count)]
        self._here.children.append(node)
        self.stack.append(node)
        if kind in ("Group", "Gizmo"):
            self._here = node
            self._stacks[id(node)] = []

    def _free(self, name):
        stem, number = re.sub(r"\d+$", "", name), 1
        while self._here.find(f"{stem}{number}") is not None:
            number += 1
        return f"{stem}{number}"

    def _user_knob(self, text):
        code, *words = self._tcl.splitlist(text)
        knob = UserKnob(int(code), words.pop(0) if words else "", text)
        while words:
            word = words.pop(0)
            if word[0] in "+-":
                assert word[1:] in ("STARTLINE", "HIDDEN", "INVISIBLE", "DISABLED"), word
            elif word == "l":
                knob.label = words.pop(0)
            elif word == "t":
                knob.tooltip = words.pop(0)
            elif word == "T":
                knob.text = words.pop(0)
            elif word == "M":
                knob.items = list(self._tcl.splitlist(words.pop(0)))
            elif word == "R":
                float(words.pop(0)), float(words.pop(0))
            elif word == "n":
                int(words.pop(0))
            else:
                raise NkError(f"addUserKnob {knob.name}: {word}")
        return knob


def badly_quoted(text, expressions=True):
    """Quoted values in which a letter stands bare that Nuke's own writer escapes.

    expressions : look at those too, which are quoted within braces: there scripts that Nuke saved have both forms.
    """
    values = re.findall(r'(\{?)"((?:\\.|[^"\\])*)"', text, re.DOTALL)
    values = [each for brace, each in values if expressions or not brace]
    return [each for each in values if re.search(r"(?<!\\)(?:\\\\)*[\[{}$]", each)]


def list_of(text):
    """The parts of a Tcl list."""
    return list(TCL.splitlist(text))


def written(nodes):
    """Nodes and what is in them as text again, quoted by Tcl itself."""
    lines = []

    def quote(value):
        TCL.setvar("value", value)
        return TCL.eval("list $value")

    def write_all(nodes):
        """Each after those that it takes its input from, as Nuke saves them."""
        waiting = list(nodes)
        while waiting:
            ready = next(each for each in waiting if not any(one is other for one in each.inputs for other in waiting))
            waiting = [each for each in waiting if each is not ready]
            write(ready)

    def write(node):
        for each in reversed(node.inputs):
            lines.append("push 0" if each is None else f"push $H{id(each)}")
        lines.append(f"{node.kind} {{\n inputs {len(node.inputs)}")
        values = dict(node.knobs, name=node.name)
        for knob in node.user_knobs:
            lines.append(f" addUserKnob {{{knob.definition}}}")
        lines.extend(f" {name} {quote(value)}" for name, value in values.items())
        lines.append("}")
        if node.kind in ("Group", "Gizmo"):
            write_all(node.children)
            lines.append("end_group")
        lines.append(f"set H{id(node)} [stack 0]")

    write_all(nodes)
    return "\n".join(lines) + "\n"
