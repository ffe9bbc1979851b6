"""The worker's advice in the node's words."""

import pytest

from nuke_matting.host.wording import in_the_node


@pytest.mark.parametrize(
    "said, shown",
    [
        (
            "render or copy it, or leave it out of --frames",
            "render or copy it, or leave it out of the knob frame range",
        ),
        ("name the sequence, or leave --frames out", "name the sequence, or clear the knob frame range"),
        ("leave --precision out", "set the knob precision back"),
        ("give another --out", "name another folder in the knob folder"),
        (
            "choose another folder with --out, or change its rights",
            "name another folder in the knob folder, or change its rights",
        ),
        ("move it, give another --out, or use --overwrite", "move it, name another folder in the knob folder"),
        ("give another folder with --cache-dir, or use --no-cache", "name another folder in the knob cache dir"),
        ("give --cache-dir, or that run --overwrite", "name a folder in the knob cache dir"),
        ("rename them, or give --mode sidecar", "rename them"),
        ("give one with --clean-plate", "give one with the input clean_plate"),
        ("lower --region-batch or --regions", "lower the knob region batch or the knob regions"),
        ("name it with --colourspace; known are a, b", "name it with the knob colourspace; known are a, b"),
        (
            "another part has A too, and keeps it: name another --layer",
            "another part has A too, and keeps it: choose another in the knob alpha into",
        ),
        (
            "run `ociocheck --iconfig /a.ocio`, or choose another with --ocio",
            "run `ociocheck --iconfig /a.ocio`, or choose another with the knob ocio",
        ),
        ("/show/a--frames-b.exr", "/show/a--frames-b.exr"),
    ],
)
def test_flags_become_knobs_and_inputs(said, shown):
    assert in_the_node(said) == shown
