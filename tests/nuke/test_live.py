"""NukeMattingLive: its text, what it puts before the model, and the script that makes the model's .cat."""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest

from nuke_matting.export.catfile import cat_script
from nuke_matting.export.inference import Inputs
from nuke_matting.host.live import NAME, OUT, channels_in, gizmo_text, nodes

HERE = Path(__file__).parent
TEXT = (HERE.parent.parent / "gizmos" / f"{NAME}.gizmo").read_text()
OWN = ("forward", "backward", "disparityL", "disparityR", "depth", "mask", "rotopaint_mask")  # layers of every script
CHECK = runpy.run_path(str(HERE / "test_text.py"))["check"]


def read(tools, text):
    reader = tools.nkscript.Reader()
    reader.layers.update({name: [] for name in OWN})
    return reader, reader.read(text)


def test_the_file_is_what_the_description_makes():
    assert gizmo_text() == TEXT, "run python -m nuke_matting.host.live"


def test_every_class_knob_link_expression_and_layer_is_there(tools):
    reader, (node,) = read(tools, TEXT)
    assert node.kind == "Group" and CHECK(reader, tools.catalogue) == []
    assert tools.nkscript.badly_quoted(TEXT) == []


def test_every_connection_lands_where_the_description_says(tools):
    _, (node,) = read(tools, TEXT)
    for child, said in zip(node.children, nodes(), strict=True):
        assert tuple(each.name for each in child.inputs) == said.inputs, child.name


def test_every_knob_that_is_seen_has_a_tool_tip(tools):
    _, (node,) = read(tools, TEXT)
    assert all(each.tooltip for each in node.user_knobs if each.code != 20)


def test_every_knob_of_the_node_drives_something(tools):
    asked = set(re.findall(r"parent\.(\w+)", TEXT))
    _, (node,) = read(tools, TEXT)
    assert asked == {each.name for each in node.user_knobs if each.code not in (20, 41)}


@pytest.fixture
def shown(tools):
    """shown(frame, given) is what comes out of the node, and what its model was given.

    The inputs are flat pictures: 10, 20 and 30 for plate, clean plate and guide, and a hundredth of the frame.
    """

    def show(frame=7, given=("plate", "clean_plate", "guide"), **knobs):
        _, (node,) = read(tools, TEXT)
        node.knobs.update(knobs)
        node.inputs = [
            tools.nkscript.Node(name) if name in given else None for name in ("plate", "clean_plate", "guide")
        ]
        seen = {}

        class Evaluator(tools.pixels.Evaluator):
            def _flat(self, level):
                values = zip(OUT, (1, 2, 3, 4), strict=True)
                return {name: np.full((2, 2), level + value + self.frame / 100, np.float32) for name, value in values}

            def _plate(self, _):
                return self._flat(10)

            def _clean_plate(self, _):
                return self._flat(20)

            def _guide(self, _):
                return self._flat(30)

            def _timeoffset(self, node):
                return Evaluator(self.frame - int(node.knobs["time_offset"]), self.gui).of(node.inputs[0])

            def _crop(self, node):
                return self.of(node.inputs[0])

            def _inference(self, node):
                seen.update(self.of(node.inputs[0]))
                return {name: np.full((2, 2), 0.5 + at, np.float32) for at, name in enumerate(OUT)}

        picture = Evaluator(frame).of(node)
        return {name: plane[0, 0] for name, plane in picture.items()}, {
            name: plane[0, 0] for name, plane in seen.items()
        }

    return show


def test_the_model_is_given_the_frames_and_guides_in_its_order(shown):
    _, seen = shown(frame=7)
    at = [seen[name] for name in channels_in(True, True)]
    frames = [[level + 0.07, level + 0.06, level + 0.08] for level in (11, 12, 13)]
    colours = [frames[channel][by] for by in range(3) for channel in range(3)]
    assert np.allclose(at, [*colours, 21.07, 22.07, 23.07, 34.07, 34.06, 34.08])


def test_the_plate_gets_the_alpha_and_keeps_the_rest(shown):
    picture, _ = shown()
    assert picture == pytest.approx({"rgba.red": 11.07, "rgba.green": 12.07, "rgba.blue": 13.07, "rgba.alpha": 3.5})


@pytest.mark.parametrize("choice, layer", [("into RGB", "rgba"), ("into layer fg", "fg")])
def test_the_foreground_goes_where_it_is_wanted(shown, choice, layer):
    picture, _ = shown(foreground=choice)
    assert [picture[f"{layer}.{name}"] for name in ("red", "green", "blue")] == [0.5, 1.5, 2.5]
    assert picture["rgba.alpha"] == 3.5


def test_without_clean_plate_and_guide_the_plain_channels_are_the_same(shown):
    _, every = shown()
    _, plain = shown(given=("plate",))
    assert [plain[name] for name in channels_in(False, False)] == [every[name] for name in channels_in(False, False)]


def test_no_channel_serves_twice():
    every = channels_in(True, True)
    assert len(set(every)) == len(every) == 15
    assert {name.partition(".")[0] for name in every} <= {"rgba", *OWN}, "Inference knows those in every script"


def test_it_is_created_from_the_toolbar(start_nuke):
    nuke = start_nuke()
    nuke.menu("Nodes").items["NukeMatting"].items[NAME]()
    assert nuke.toNode(f"{NAME}1")["cat"].value() in ("", None)


@pytest.mark.parametrize("inputs", [Inputs(), Inputs(True, True)], ids=str)
def test_the_script_that_makes_the_cat_names_files_channels_and_knob(tools, inputs):
    text = cat_script("live", inputs, 2.5)
    reader, (node,) = read(tools, text)
    assert CHECK(reader, tools.catalogue) == [] and tools.nkscript.badly_quoted(text) == []
    assert node.kind == "CatFileCreator"
    assert node.knobs["channelsIn"].split(",") == list(channels_in(inputs.clean, inputs.guide))
    assert node.knobs["channelsOut"].split(",") == list(OUT)
    assert node.knobs["torchScriptFile"].endswith("/live.pt") and node.knobs["catFile"].endswith("/live.cat")
    assert [each.name for each in node.user_knobs] == ["User", "regions", "exposure"]
    assert node.knobs["regions"] == "2.5" and node.knobs["exposure"] == "0"


def test_the_script_makes_the_cat_by_itself_where_there_is_no_gui(tools):
    reader, (node,) = read(tools, cat_script("live", Inputs(), 4.0))
    code = compile(reader.root.knobs["onScriptLoad"], "onScriptLoad", "exec")
    assert {node.name, "createCatFile"} <= set(code.co_consts) and {"GUI", "execute"} <= set(code.co_names)
