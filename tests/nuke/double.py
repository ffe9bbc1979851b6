"""A double of Nuke's Python module: as strict as its documentation, and stricter where Nuke would hang or say nothing.

What is not documented is not there. Unknown knobs, items of enumerations and channels raise; so does any touch of nodes
and windows from another thread than the main one, `executeInMainThread` from the main one (there Nuke hangs), and what
has a GUI only without one. The nodes are those of `nkscript`, so that scripts are saved and opened as text.
"""

import os
import queue
import re
import threading
import time
import tkinter
import types
from contextlib import contextmanager
from pathlib import Path


def make(nkscript, catalogue, pixels, gui, plugins):
    """A module `nuke` with an empty script. plugins : folders with .gizmo files."""
    nuke = types.ModuleType("nuke")
    main = threading.main_thread()
    wrapped, calls, undos = {}, queue.Queue(), []
    context = {"node": None, "knob": None, "group": [], "recording": 0}
    callbacks = {}

    def on_main(what):
        if threading.current_thread() is not main:
            raise AssertionError(f"{what} off the main thread")

    def with_gui(what):
        on_main(what)
        if not gui:
            raise RuntimeError(f"{what}: this method is only available in GUI mode")

    # -- knobs --

    class Knob:
        def __init__(self, node, name, default):
            self._node, self._name, self._default = node, name, default

        def name(self):
            return self._name

        def node(self):
            return self._node

        def _text(self):
            on_main(f"knob {self._name}")
            return self._node._alive().knobs.get(self._name)

        def _put(self, text):
            on_main(f"knob {self._name}")
            before = self._text()
            self._node._alive().knobs[self._name] = text
            if context["recording"] == 0:
                undos.append((self._name, before))
            return True

        def toScript(self, quote=False, context="current"):
            text = self._text()
            return self._shown() if text is None else text

        def _shown(self):
            return str(self._default)

    class String_Knob(Knob):
        def value(self):
            text = self._text()
            return self._default if text is None else text

        getText = value

        def setValue(self, value):
            if not isinstance(value, str):
                raise TypeError(f"{self._name}: {value!r} is no string")
            return self._put(value)

    class EvalString_Knob(String_Knob):
        def evaluate(self):
            text = expanded(self.value())
            return re.sub(r"%0(\d)d", lambda match: f"{nuke.frame():0{match[1]}d}", text) or None

    class File_Knob(EvalString_Knob):
        pass

    class Array_Knob(Knob):
        def value(self):
            return self.valueAt(nuke.frame())

        def valueAt(self, time):
            text = self._text()
            if text is None:
                return self._default
            return pixels.Evaluator(time, gui, opened).number(self._node._alive(), self._name)

        def setValue(self, value):
            if isinstance(value, str) or not isinstance(value, (int, float)):
                raise TypeError(f"{self._name}: {value!r} is no number")
            return self._put(str(value))

        def fromScript(self, text):
            return self._put(text)

        def toScript(self, quote=False, context="current"):
            """As Nuke writes it: the frame of a key that is one after the key before is left out."""
            text, before = super().toScript(quote, context), None
            for frame in re.findall(r"x(-?\d+)", text) if text.startswith(("curve", "{curve")) else ():
                text = text.replace(f"x{frame} ", "", 1) if before is not None and int(frame) == before + 1 else text
                before = int(frame)
            return text

        def isAnimated(self):
            return "curve" in (self._text() or "")

        def hasExpression(self):
            return self.isAnimated() or "{" in (self._text() or "")

        def clearAnimated(self):
            if self.isAnimated():
                self._put("0")
            return True

    class Double_Knob(Array_Knob):
        pass

    class Int_Knob(Array_Knob):
        def value(self):
            return int(super().value())

        def setValue(self, value):
            if not isinstance(value, int):
                raise TypeError(f"{self._name}: {value!r} is no whole number")
            return super().setValue(value)

    class Boolean_Knob(Array_Knob):
        def value(self):
            return bool(super().value())

        def setValue(self, value):
            return self._put("true" if value else "false")

    class Enumeration_Knob(Knob):
        isAnimated, hasExpression = Array_Knob.isAnimated, Array_Knob.hasExpression
        valueAt, fromScript = Array_Knob.valueAt, Array_Knob.fromScript

        def values(self):
            return list(self._default)

        def value(self):
            if self.isAnimated():
                return self._default[int(self.valueAt(nuke.frame()))]
            return self._text() or self._default[0]

        def getValue(self):
            return float(self._default.index(self.value()))

        def setValue(self, value):
            if value not in self._default:
                raise TypeError(f"{self._name}: {value!r} is none of {self._default}")
            return self._put(value)

        def _shown(self):
            return self._default[0]

    class Channel_Knob(String_Knob):
        def setValue(self, value):
            layer, _, channel = value.partition(".")
            known = {"rgba": ("red", "green", "blue", "alpha"), "mask": ("a",)}
            known.update({name: [each.split(".")[1] for each in found] for name, found in nuke._script.layers.items()})
            if channel not in known.get(layer, ()):
                raise ValueError(f"{self._name}: no channel {value}")
            return self._put(value)

    class PyScript_Knob(String_Knob):
        def execute(self):
            on_main(f"button {self._name}")
            if self._default:
                with nuke._during(self._node, self):
                    exec(self._default, {})

    class Tab_Knob(Knob):
        pass

    class Text_Knob(Knob):
        pass

    class Link_Knob(Knob):
        def _target(self):
            node, _, knob = self._default.partition(".")
            return self._node.node(node).knobs()[knob]

    for each in (Knob, String_Knob, EvalString_Knob, File_Knob, Array_Knob, Double_Knob, Int_Knob, Boolean_Knob):
        setattr(nuke, each.__name__, each)
    for each in (Enumeration_Knob, Channel_Knob, PyScript_Knob, Tab_Knob, Text_Knob, Link_Knob):
        setattr(nuke, each.__name__, each)
    codes = {1: EvalString_Knob, 2: File_Knob, 3: Int_Knob, 4: Enumeration_Knob, 6: Boolean_Knob, 7: Double_Knob}
    codes |= {20: Tab_Knob, 22: PyScript_Knob, 26: Text_Knob, 41: Link_Knob}
    kinds = {str: String_Knob, bool: Boolean_Knob, int: Int_Knob, float: Double_Knob, tuple: Enumeration_Knob}
    kinds |= {
        catalogue.File: File_Knob,
        catalogue.Channel: Channel_Knob,
        catalogue.Button: PyScript_Knob,
        catalogue.Vector: Array_Knob,
    }

    # -- nodes --

    class Node:
        def __init__(self, tree):
            self._tree = tree

        def _alive(self):
            on_main("a node")
            if self._tree is None:
                raise ValueError("A PythonObject is not attached to a node")
            return self._tree

        def Class(self):
            return self._alive().kind

        def name(self):
            return self._alive().name

        def setName(self, name):
            self._alive().name = name

        def fullName(self):
            tree, names = self._alive(), []
            while tree.parent is not None:
                names.append(tree.name)
                tree = tree.parent
            return ".".join(reversed(names)) or "root"

        def parent(self):
            return nuke._wrap(self._alive().parent)

        def knobs(self):
            return self._all_knobs()

        def _all_knobs(self):
            tree, found = self._alive(), {}
            for name, default in {**catalogue.ALL, **catalogue.CLASSES[tree.kind]}.items():
                found[name] = kinds[type(default)](self, name, default)
            for knob in tree.user_knobs:
                assert knob.name not in found, f"every node has a knob {knob.name} already"
                default = {4: tuple(knob.items), 6: False, 3: 0, 7: 0.0}.get(knob.code, "")
                default = knob.text if knob.code in (22, 41) else default
                found[knob.name] = codes[knob.code](self, knob.name, default)
            return found

        def knob(self, name, follow_link=True):
            knob = self._all_knobs().get(name)
            return knob._target() if follow_link and isinstance(knob, Link_Knob) else knob

        def __getitem__(self, name):
            knob = self.knob(name)
            if knob is None:
                raise NameError(f"knob {name} does not exist in {self.name()}")
            return knob

        def writeKnobs(self, flags):
            assert flags == nuke.WRITE_NON_DEFAULT_ONLY
            return " ".join(each for each in self._alive().knobs if each not in ("name", "xpos", "ypos"))

        def inputs(self):
            numbers = [number for number, each in enumerate(self._alive().inputs) if each is not None]
            return numbers[-1] + 1 if numbers else 0

        def input(self, number):
            inputs = self._alive().inputs
            return nuke._wrap(inputs[number]) if number < len(inputs) else None

        def setInput(self, number, node):
            inputs = self._alive().inputs
            inputs += [None] * (number + 1 - len(inputs))
            inputs[number] = None if node is None else node._alive()
            return True

        def dependent(self, what):
            tree = self._alive()
            return [nuke._wrap(each) for each in tree.parent.children if any(tree is one for one in each.inputs)]

        def dependencies(self, what):
            assert what == nuke.EXPRESSIONS
            tree, found = self._alive(), []
            for text in tree.knobs.values():
                for name in re.findall(r"\b([A-Za-z]\w*)\.\w+", text if text.startswith("{") else ""):
                    other = tree.parent if name == "parent" else tree.parent.find(name)
                    found += [nuke._wrap(other)] if other is not None else []
            return found

        def frameRange(self):
            tree, offset = self._alive(), 0
            while tree.kind != "Read" and tree.inputs and tree.inputs[0] is not None:
                offset += int(float(tree.knobs.get("time_offset", 0)))
                tree = tree.inputs[0]
            first, last = (int(tree.knobs.get(name, 1)) + offset for name in ("first", "last"))
            return types.SimpleNamespace(first=lambda: first, last=lambda: last)

        def width(self):
            return self._picture().shape[1]

        def height(self):
            return self._picture().shape[0]

        def _picture(self, channel=None):
            channels = pixels.Evaluator(nuke.frame(), gui, opened).of(self._alive()) or {}
            if channel is not None and channel not in channels:
                raise RuntimeError(f"no channel {channel}")
            return channels[channel] if channel else next(iter(channels.values()))

        def sample(self, channel, x, y):
            plane = self._picture(channel)
            return float(plane[plane.shape[0] - 1 - int(y), int(x)])  # y is up

        def xpos(self):
            return int(self["xpos"].value())

        def ypos(self):
            return int(self["ypos"].value())

        def setXYpos(self, x, y):
            self["xpos"].setValue(x), self["ypos"].setValue(y)

    class Group(Node):
        def nodes(self):
            return [nuke._wrap(each) for each in self._alive().children]

        def node(self, name):
            return nuke._wrap(self._alive().find(name))

        def __enter__(self):
            context["group"].append(self)

        def __exit__(self, *_):
            context["group"].pop()

    class Root(Group):
        pass

    nuke.Node, nuke.Group, nuke.Root = Node, Group, Root

    def wrap(tree):
        if tree is None:
            return None
        if id(tree) not in wrapped:
            kinds_of_node = {"Root": Root, "Group": Group, "Precomp": Group}
            wrapped[id(tree)] = kinds_of_node.get(tree.kind, Node)(tree)
        return wrapped[id(tree)]

    nuke._wrap = wrap

    # -- the script --

    def clear():
        wrapped.clear()
        nuke._script = nkscript.Reader()

    def create(name):
        if name in catalogue.CLASSES:
            tree = nkscript.Node(name, nuke._script._free(name), parent=nuke._script.root)
            here = context["group"][-1]._alive() if context["group"] else nuke._script.root
            tree.parent = here
            here.children.append(tree)
            tree.inputs = [] if name in catalogue.SOURCES else [None]
            return wrap(tree)
        for folder in plugins:
            path = Path(folder) / f"{name}.gizmo"
            if path.is_file():
                return wrap(nuke._script.read(path.read_text())[0])
        raise RuntimeError(f"{name}: Unknown command")

    def plugin_add_path(path):
        on_main("pluginAddPath")
        plugins.insert(0, path)

    class Nodes:
        def __getattr__(self, name):
            def make_node(**knobs):
                on_main("nodes")
                node = create(name)
                for knob, value in knobs.items():
                    node[knob].setValue(value)
                return node

            return make_node

    def create_node(name, knobs="", inpanel=True):
        on_main("createNode")
        return create(name)

    def delete(node):
        tree = node._alive()
        tree.parent.children.remove(tree)
        for other in tree.parent.children:
            other.inputs = [None if each is tree else each for each in other.inputs]
        for each in (tree, *tree.walk()):
            wrap(each)._tree = None
            del wrapped[id(each)]  # which another node may get

    def all_nodes(filter=None, group=None, recurseGroups=False):
        on_main("allNodes")
        root = nuke._script.root
        found = root.walk() if recurseGroups else root.children
        return [wrap(each) for each in found if filter in (None, each.kind)]

    def save(path):
        knobs = nuke._script.root.knobs
        layers = "".join(f"add_layer {{{name} {' '.join(each)}}}\n" for name, each in nuke._script.layers.items())
        root = nkscript.written([nkscript.Node("Root", path, {**knobs, "name": path})])
        Path(path).write_text(
            "version 15.1 v3\n" + root.split("set H")[0] + layers + nkscript.written(nuke._script.root.children)
        )

    def script_save_as(path, overwrite=-1):
        on_main("scriptSaveAs")
        nuke.root()["name"].setValue(path)
        save(path)

    def script_open(path):
        on_main("scriptOpen")
        clear()
        nuke._script.read(Path(path).read_text())
        nuke._script.root.knobs["name"] = path
        nuke._call("OnScriptLoad", nuke.root())

    def execute(node, first, last, increment=1):
        on_main("execute")
        tree = node._alive()
        if node["disable"].value():
            raise RuntimeError(f"{node.name()} is disabled")
        if nuke.root()["proxy"].value():
            raise AssertionError("rendered at proxy size")
        before = nuke.frame()
        nuke._call("BeforeRender", node)
        try:
            for frame in range(first, last + 1, increment):
                nuke.root()["frame"].setValue(frame)
                nuke._call("BeforeFrameRender", node)
                picture = pixels.Evaluator(frame, gui, opened, executing=True).of(tree.inputs[0])
                path = Path(nuke._filtered(node["file"].evaluate()))
                if node["create_directories"].value():
                    path.parent.mkdir(parents=True, exist_ok=True)
                pixels.write(str(path), picture)
                nuke.rendered.append((node.name(), frame))
        finally:
            nuke.root()["frame"].setValue(before)

    def filename(node, i=None):
        proxy = nuke.root()["proxy"].value() and node.knob("proxy") and node["proxy"].value()
        return expanded(proxy or node["file"].value()) or None

    def value(knob, default=None):
        on_main("value")
        name, _, knob = knob.rpartition(".")
        knob = named(name)[knob]
        return expanded(knob.value()) if isinstance(knob, EvalString_Knob) else knob.value()

    def named(name):
        """The node of a name: from the root down where it begins so; else its first word is looked for among the knobs
        and nodes of the group whose button was pressed, and on upwards."""
        first, _, rest = name.partition(".")
        if first == "root":
            return nuke.root() if not rest else nuke.toNode(rest)
        here = context["node"]
        while here is not None:
            if first in here.knobs():
                raise RuntimeError(f"{name}: {first} is a knob of {here.name()}")
            if isinstance(here, Group) and here.node(first) is not None:
                return nuke.toNode(name if here is nuke.root() else f"{here.fullName()}.{name}")
            here = here.parent()
        return nuke.toNode(name)

    def expanded(text):
        """Text with its Tcl evaluated."""
        if "[" not in text:
            return text
        tcl = nkscript.new_tcl()
        tcl.createcommand("value", lambda knob: str(value(knob)))
        tcl.createcommand("getenv", lambda name: os.environ.get(name, ""))
        tcl.createcommand("frame", lambda: str(nuke.frame()))
        tcl.createcommand("python", lambda code: str(eval(code, {"nuke": nuke})))
        try:
            return tcl.call("subst", "-nobackslashes", "-novariables", text)
        except tkinter.TclError as error:
            raise RuntimeError(str(error)) from error

    def opened(path):
        """The file that is opened for a path of the script."""
        folder, path = nuke.root()["project_directory"].evaluate() or "", expanded(path)
        return nuke._filtered(path if path.startswith("/") or not folder else f"{folder}/{path}")

    nuke.createNode, nuke.nodes, nuke.delete, nuke.allNodes = create_node, Nodes(), delete, all_nodes
    nuke.pluginAddPath, nuke.scriptClear = plugin_add_path, clear
    nuke.scriptSaveAs, nuke.scriptOpen, nuke.execute, nuke.filename = script_save_as, script_open, execute, filename
    nuke.value, nuke.script_directory = value, lambda: os.path.dirname(nuke.root()["name"].value())
    nuke.root = lambda: wrap(nuke._script.root)
    nuke.frame = lambda: (nuke.root()["frame"]._text() and int(nuke.root()["frame"]._text())) or 1
    nuke.toNode = lambda name: next((each for each in all_nodes(recurseGroups=True) if each.fullName() == name), None)
    nuke.thisNode, nuke.thisKnob = (lambda: context["node"]), (lambda: context["knob"])
    nuke.EXPRESSIONS, nuke.INPUTS, nuke.HIDDEN_INPUTS, nuke.WRITE_NON_DEFAULT_ONLY, nuke.GUI = 1, 2, 4, 16, gui
    nuke.NUKE_VERSION_STRING = "15.1v3"
    nuke.views = lambda: ["main"]
    nuke.rawArgs, nuke.rendered, nuke.messages, nuke.printed = ["nuke"], [], [], []

    @contextmanager
    def during(node, knob=None):
        before = context["node"], context["knob"]
        context.update(node=node, knob=knob)
        try:
            yield
        finally:
            context.update(node=before[0], knob=before[1])

    nuke._during = during

    # -- callbacks, threads, windows --

    def adder(name, default):
        def add(call, args=(), kwargs=None, nodeClass=default):
            on_main(f"add{name}")
            callbacks.setdefault(name, []).append((call, args, kwargs or {}, nodeClass))

        return add

    classes = {"BeforeRender": "Write", "BeforeFrameRender": "Write", "OnScriptLoad": "Root", "OnScriptClose": "Root"}
    for name in ("BeforeRender", "BeforeFrameRender", "OnScriptLoad", "OnScriptClose", "KnobChanged", "UpdateUI"):
        setattr(nuke, f"add{name}", adder(name, classes.get(name, "*")))
    nuke.addFilenameFilter = lambda call: callbacks.setdefault("FilenameFilter", []).append((call, (), {}, "*"))

    def call(name, node, knob=None):
        for function, args, kwargs, kind in callbacks.get(name, ()):
            if kind in ("*", node.Class()):
                with during(node, knob):
                    function(*args, **kwargs)

    nuke._callbacks = lambda: [each for found in callbacks.values() for each in found]

    def filtered(path):
        for function, *_ in callbacks.get("FilenameFilter", ()):
            path = function(path) or path
        return path

    def in_main_thread(call, args=(), kwargs=None):
        if threading.current_thread() is main:
            raise AssertionError("executeInMainThread from the main thread: Nuke hangs")
        if not gui:
            raise AssertionError("executeInMainThread without a GUI: nobody ever calls")
        calls.put((call, args if isinstance(args, tuple) else (args,), kwargs or {}))

    def pump(until, timeout=180.0):
        """The main thread's loop: runs what other threads handed over, until something is so."""
        end = time.monotonic() + timeout
        while not until():
            assert time.monotonic() < end, f"it never came to that; messages: {nuke.messages}"
            try:
                function, args, kwargs = calls.get(timeout=0.02)
            except queue.Empty:
                continue
            function(*args, **kwargs)

    class ProgressTask:
        """May be used by any thread. `nuke.cancelling` makes the next ones say that they were cancelled."""

        def __init__(self, title):
            if not gui:
                raise RuntimeError("ProgressTask: this method is only available in GUI mode")
            nuke.tasks.append(self)
            self.title, self.progress, self.texts = title, 0, []

        def setProgress(self, value):
            assert isinstance(value, int) and 0 <= value <= 100
            self.progress = value

        def setMessage(self, text):
            assert isinstance(text, str)
            self.texts += [text] if self.texts[-1:] != [text] else []

        def isCancelled(self):
            return nuke.cancelling

    class Undo:
        def disable(self):
            on_main("Undo")
            context["recording"] += 1

        def enable(self):
            context["recording"] -= 1
            assert context["recording"] >= 0

        def begin(self, name=""):
            assert context["recording"] == 0

        def end(self):
            pass

    class Menu:
        def __init__(self):
            self.items = {}

        def addMenu(self, name, icon=""):
            return self.items.setdefault(name, Menu())

        def addCommand(self, name, command="", shortcut="", icon=""):
            self.items[name] = command

    menus = {name: Menu() for name in ("Nodes", "Nuke")}

    def menu(name):
        with_gui("menu")
        return menus[name]

    def message(text):
        with_gui("message")
        nuke.messages.append(text)

    def ask(prompt):
        """Yes, unless `nuke.agreeing` is set to False."""
        with_gui("ask")
        nuke.questions.append(prompt)
        return nuke.agreeing

    def choice(title, prompt, options, default=0):
        """Takes what `nuke.choosing` names; None, where the dialog is cancelled."""
        with_gui("choice")
        assert all(isinstance(each, str) for each in options) and 0 <= default < len(options)
        nuke.choices.append((list(options), default))
        return None if nuke.choosing is None else options.index(nuke.choosing)

    nuke.ask, nuke.questions, nuke.agreeing = ask, [], True
    nuke.choice, nuke.choices, nuke.choosing = choice, [], None
    nuke.tasks, nuke.cancelling, nuke.undos = [], False, undos
    nuke._call, nuke._filtered, nuke.pump, nuke.ProgressTask, nuke.Undo = call, filtered, pump, ProgressTask, Undo
    nuke.executeInMainThread, nuke.menu, nuke.message = in_main_thread, menu, message
    nuke.tprint = nuke.printed.append
    clear()
    return nuke
