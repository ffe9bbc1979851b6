"""The text of our .gizmo, run by Tcl under Nuke's stack rules, and looked over."""

import os
import re
from pathlib import Path

import pytest

from nuke_matting.host.description import INPUTS, gizmo_text, nodes, user_knobs

HERE = Path(__file__).parent
GIZMOS = HERE.parent.parent / "gizmos"
OF_EVERY_SCRIPT = ["rgb", "rgba", "alpha", "none", "depth", "forward", "backward", "mask", "rotopaint_mask"]
TEXT = (GIZMOS / "NukeMatting.gizmo").read_text()


@pytest.fixture
def node(tools):
    reader = tools.nkscript.Reader()
    return reader.read(TEXT)[0]


def check(reader, catalogue):
    """What is wrong with a script, as far as it is of known classes; lines."""
    wrong = []
    for node in reader.root.walk():
        wrong += node.problems
        if node.kind not in catalogue.CLASSES:
            wrong.append(f"{node.name}: unknown class {node.kind}")
            continue
        known = {**catalogue.ALL, **catalogue.CLASSES[node.kind], **{each.name: each for each in node.user_knobs}}
        for name, value in node.knobs.items():
            if name not in known:
                wrong.append(f"{node.name}: unknown knob {name}")
            elif type(known[name]) is tuple and value not in known[name]:
                wrong.append(f"{node.name}: {name} {value}")
            for found in re.findall(r"parent\.(\w+)", value):
                if found not in {each.name for each in node.parent.user_knobs}:
                    wrong.append(f"{node.name}: {name} asks for parent.{found}")
        for knob in node.user_knobs:
            target, _, linked = knob.text.partition(".")
            other = node.find(target) if knob.code == 41 else None
            if knob.code == 41 and (other is None or linked not in catalogue.CLASSES[other.kind]):
                wrong.append(f"{node.name}: {knob.name} links to {knob.text}")
        for name, value in node.knobs.items():
            layer = value.partition(".")[0]
            if re.fullmatch(r"(from|to)\d", name) and layer not in ("rgba", "none", *reader.layers):
                wrong.append(f"{node.name}: no layer {layer}")
    return wrong


def test_the_file_is_what_the_description_makes():
    assert gizmo_text() == TEXT, "run python -m nuke_matting.host.description"


@pytest.mark.parametrize("status", ["not matted", '3 of 9 frames matted; /a b/{plate}.%04d.exr: is "broken"; copy' * 9])
def test_its_label_is_the_status_cut_where_the_node_would_grow_too_wide(node, tools, status):
    tcl = tools.nkscript.new_tcl()
    tcl.createcommand("value", lambda knob: {"status": status}[knob])
    assert tcl.call("subst", node.knobs["label"]) == status[:60]


def test_it_is_a_group_so_that_a_script_holds_it_whole(node):
    assert node.kind == "Group" and node.inputs == [None]
    assert [each.name for each in node.children] == [each.name for each in nodes()]


def test_every_class_knob_link_expression_and_layer_is_there(tools):
    reader = tools.nkscript.Reader()
    reader.read(TEXT)
    assert check(reader, tools.catalogue) == []


def test_every_connection_lands_where_the_description_says(node):
    for child, said in zip(node.children, nodes(), strict=True):
        assert tuple(each.name for each in child.inputs) == said.inputs, child.name


def test_values_are_quoted_as_nuke_does(tools):
    assert tools.nkscript.badly_quoted(TEXT) == []
    assert tools.nkscript.badly_quoted('label "[value a]"') and tools.nkscript.badly_quoted('T "{"')


def test_nothing_is_left_undefined_in_the_artists_script(tools):
    names = re.findall(r"^set (\w+) ", TEXT, re.MULTILINE)
    assert len(names) == len(set(names)) and all(re.fullmatch(r"N[0-9a-f]{8}", each) for each in names)
    assert set(re.findall(r"push \$(\w+)", TEXT)) <= set(names)


def test_every_knob_has_a_tool_tip(node):
    assert [each.name for each in node.user_knobs if not each.tooltip] == [], "tabs and headings too"
    assert [each.name for each in user_knobs()] == [each.name for each in node.user_knobs]


def test_no_knob_has_the_name_of_one_that_every_node_has(node, tools):
    assert not {each.name for each in node.user_knobs} & {*tools.catalogue.ALL, *tools.catalogue.CLASSES["Group"]}


def test_its_icon_is_there_and_small():
    icon = GIZMOS / "icons" / "NukeMatting.png"
    assert re.search(r"^ icon NukeMatting\.png$", TEXT, re.MULTILINE)
    assert icon.read_bytes()[:4] == b"\x89PNG" and icon.stat().st_size < 10_000


def test_every_button_runs_without_our_python(node):
    for knob in node.user_knobs:
        if knob.code == 22:
            compile(knob.text, knob.name, "exec")
            assert f'actions.press("{knob.name}", nuke.thisNode())' in knob.text


def test_its_inputs_are_numbered_as_they_stand(node):
    inputs = [each for each in node.children if each.kind == "Input"]
    assert [(each.name, int(each.knobs.get("number", 0))) for each in inputs] == [
        (name, number) for number, (name, _, _) in enumerate(INPUTS)
    ]


def test_pasted_into_a_comp_it_takes_its_plate_from_the_stack(tools):
    reader = tools.nkscript.Reader()
    reader.read("Read {\n inputs 0\n name Read1\n}\n" + TEXT + "Write {\n name Write1\n}\n")
    read, node, write = reader.root.children
    assert node.inputs == [read] and write.inputs == [node]


@pytest.mark.parametrize(
    "text, what",
    [
        ("push $Nffff", "no such variable"),
        ("Group {\n name G\n}\n Dot {\n name A\n }\n", "not ended"),
        ("end_group", "without a Group"),
        ("Dot {name}", "has no value"),
        ("frobnicate {a b}", "no command"),
        ("Group {\n name G\n}\n Dot {\n inputs 0\n name A\n }\n Dot {\n name A\n }\nend_group", "twice"),
        ("add_layer {1st 1st.a}", "add_layer"),
    ],
)
def test_the_check_finds_what_nuke_would_stumble_over(tools, text, what):
    with pytest.raises(tools.nkscript.NkError, match=what):
        tools.nkscript.Reader().read(text)


@pytest.mark.parametrize(
    "old, new, what",
    [
        ("Rectangle {", "Rectangel {", "unknown class"),
        ("  bbox B", "  bbocks B", "unknown knob"),
        ("before black", "before blak", "before"),
        ("parent.matted", "parent.mated", "asks for"),
        ("T AlphaCopy.to0", "T AlphaCopy.too", "links to"),
        (" add_layer {fg fg.red fg.green fg.blue}", "", "no layer"),
    ],
)
def test_the_check_finds_a_slip_in_our_own_text(tools, old, new, what):
    reader = tools.nkscript.Reader()
    assert old in TEXT
    reader.read(TEXT.replace(old, new))
    assert any(what in line for line in check(reader, tools.catalogue)), check(reader, tools.catalogue)


def test_a_node_that_wants_more_than_the_stack_has_is_found(tools):
    reader = tools.nkscript.Reader()
    reader.read("Group {\n name G\n}\n Input {\n inputs 0\n name I\n }\n Copy {\n inputs 2\n name C\n }\nend_group")
    assert check(reader, tools.catalogue) == ["C takes 2 inputs of 1"]


def lint(tools, text):
    """What is wrong with a script of any nodes: what can be told without knowing their classes; lines."""
    reader, wrong = tools.nkscript.Reader(), []
    reader.read(text)
    for node in reader.root.walk():
        wrong += node.problems
        for knob in node.user_knobs:
            target, _, linked = knob.text.partition(".")
            if knob.code == 41 and linked and node.find(target) is None:
                wrong.append(f"{node.name}: {knob.name} links to {knob.text}")
        for name, value in node.knobs.items():
            layer = value.partition(".")[0]
            if (
                node.kind == "Copy"
                and re.fullmatch(r"(from|to)\d", name)
                and layer not in (*OF_EVERY_SCRIPT, *reader.layers)
            ):
                wrong.append(f"{node.name}: no layer {layer}")
    bodies = re.sub(r"^(#[^\n]*|define_window_layout_xml \{.*?^\})$", "", text, flags=re.MULTILINE | re.DOTALL)
    return wrong + tools.nkscript.badly_quoted(bodies, expressions=False)


def test_text_in_the_form_that_nuke_saves_is_read(tools):
    reader = tools.nkscript.Reader()
    reader.read((HERE / "saved.nk").read_text())
    read, comment, backdrop, roto, group, merge, write, clone, viewer = reader.root.children
    assert reader.root.knobs["format"] == "1920 1080 0 0 1920 1080 1 HD_1080"
    assert comment.knobs["label"] == "don't touch {this} [yet]" and backdrop.inputs == []
    assert roto.inputs == [read] and group.inputs == [roto, None, read]
    assert merge.inputs == [roto, read, group] and write.inputs == [merge] and viewer.inputs == [group]
    assert (clone.kind, clone.name, clone.inputs, clone.knobs["output"]) == ("Roto", "Roto1", [], "matte")
    assert reader.layers == {"matte": ["matte.a"], "spill": ["spill.red", "spill.green"]}
    blur, transform, copy = (group.find(name) for name in ("Blur1", "Transform1", "Copy1"))
    assert blur.inputs == [group.find("Input1")] and copy.inputs == [blur, transform]
    button = next(each for each in group.user_knobs if each.name == "press")
    assert (button.text, button.tooltip) == ("""print([1, 2][0], '\\t', "{}")""", "prints [a list]")
    for code in (button.text, group.knobs["onCreate"], group.knobs["knobChanged"], write.knobs["beforeRender"]):
        compile(code, "a callback", "exec")
    assert next(each for each in group.user_knobs if each.name == "way").items == ["up", "down", "to the side"]
    assert write.knobs["file"] == "out/[file tail [file rootname [value root.name]]]/a b_%04d.exr"


def test_what_was_copied_is_pasted_onto_what_is_selected_or_onto_nothing(tools):
    text = (HERE / "pasted.nk").read_text()
    reader = tools.nkscript.Reader()
    group, dot = reader.read(text)
    assert group.inputs == [None, None] and dot.inputs == [group]
    reader = tools.nkscript.Reader()
    (read,) = reader.read("Read {\n inputs 0\n name Read1\n}\n")
    assert reader.read(text)[0].inputs == [read, None]


@pytest.mark.parametrize("name", ["saved.nk", "pasted.nk"])
def test_the_lint_passes_what_is_in_the_form_that_nuke_saves(tools, name):
    assert lint(tools, (HERE / name).read_text()) == []


@pytest.mark.parametrize(
    "old, new, what",
    [
        ("add_layer {spill spill.red spill.green}", "", "no layer spill"),
        ("T Copy1.to0", "T Copy2.to0", "links to Copy2"),
        ("prints \\[a list]", "prints [a list]", "prints"),
        ("  inputs 2\n  from0", "  inputs 4\n  from0", "takes 4 inputs of 2"),
    ],
)
def test_the_lint_finds_a_slip_in_it(tools, old, new, what):
    text = (HERE / "saved.nk").read_text()
    assert old in text
    assert any(what in line for line in lint(tools, text.replace(old, new)))


def test_what_a_clone_is_of_must_be_there(tools):
    with pytest.raises(tools.nkscript.NkError, match="no such node"):
        tools.nkscript.Reader().read("clone 0 {\n inputs 0\n}")


def test_scripts_that_nuke_saved_are_read(tools):
    folder = os.environ.get("NUKE_MATTING_SCRIPTS", "")
    if not folder:
        pytest.skip("NUKE_MATTING_SCRIPTS names no folder of .nk files that Nuke saved")
    paths = sorted(Path(folder).rglob("*.nk"))
    assert paths
    for path in paths:
        assert lint(tools, path.read_text()) == [], path
