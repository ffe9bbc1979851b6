"""The reader: the picture of any file, or an error that names file and frame; never a crash, never a grey frame."""

import dataclasses
import importlib.util
import os
import random
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import OpenEXR
import OpenImageIO as oiio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from nuke_matting.errors import PlateError
from nuke_matting.plate.frame import Window
from nuke_matting.plate.merge import write_merged
from nuke_matting.plate.reader import (
    _stated_space,
    align,
    choose_alpha,
    choose_picture,
    pixel_aspect,
    read_frame,
    read_header,
    read_matte,
)

_spec = importlib.util.spec_from_file_location("exrs", Path(__file__).parent / "exrs.py")
exrs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(exrs)

COMPRESSIONS = ["NO", "RLE", "ZIPS", "ZIP", "PIZ", "PXR24", "B44", "B44A", "DWAA", "DWAB"]
# reads and merges the files that are named on its input, in a process that may be lost; prints one word for each
READ = """
import os, resource, sys
from pathlib import Path
import numpy as np
from nuke_matting.errors import MattingError
from nuke_matting.plate.reader import read_frame, read_matte
from nuke_matting.plate.merge import write_merged
from nuke_matting.plate.writer import Pixels
resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
out = Path(sys.argv[1])
for line in sys.stdin:
    path = Path(line.rstrip("\\n"))
    try:
        frame = read_frame(path, 7)
        read_matte(path, 7)
        assert frame.pixels.shape == (frame.data_window.height, frame.data_window.width, 3)
        assert np.isfinite(frame.pixels).all()
        alpha = np.ones(frame.pixels.shape[:2], np.float32)
        write_merged(out, Pixels(path, 7, frame.data_window, frame.display_window, alpha), layer="nm.A", premult=False)
        assert np.array_equal(read_frame(out, 7).pixels, frame.pixels)
        print("read", flush=True)
    except MattingError as error:
        assert error.frame == 7 and error.path and error.advice, error
        print("refused", flush=True)
"""


def survive(files, folder):
    """What becomes of each file, in another process: `read` or `refused`. Fails where the process does."""
    done = subprocess.run(
        [sys.executable, "-c", READ, str(folder / "merged.exr")],
        input="\n".join(map(str, files)) + "\n",
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    words = [line for line in done.stdout.splitlines() if line in ("read", "refused")]
    assert done.returncode == 0 and len(words) == len(files), (
        f"{files[len(words) : len(words) + 1]} {done.returncode} {done.stderr[-2000:]}"
    )
    return words


def tiles(size=16):
    description = OpenEXR.TileDescription()
    description.xSize = description.ySize = size
    return {"type": OpenEXR.tiledimage, "tiles": description}


def rgb_of(prefix):
    return [f"{prefix}{name}" for name in "RGB"]


def picture(channels):
    """[H, W, 3] as a frame is to hold it, from a dictionary of R, G, B."""
    stored = np.stack([channels[name] for name in "RGB"], 2).astype(np.float32)
    return np.nan_to_num(stored, nan=0.0, posinf=65504.0, neginf=-65504.0)


@pytest.mark.parametrize("layout", [{}, tiles()], ids=["scan lines", "tiles"])
@pytest.mark.parametrize("compression", ["NO", "RLE", "ZIPS", "ZIP", "PIZ"])
def test_pixels_are_the_files_whatever_the_layout(tmp_path, compression, layout):
    channels = exrs.rgb(40, 50)
    plate = exrs.write(
        tmp_path / "p.exr", channels, compression=getattr(OpenEXR, f"{compression}_COMPRESSION"), **layout
    )
    frame = read_frame(plate, 1001)
    assert np.array_equal(frame.pixels, picture(channels))
    assert frame.pixels.dtype == np.float32 and frame.pixels.flags.c_contiguous
    assert (frame.number, frame.path) == (1001, plate)


def test_floats_are_read_whole(tmp_path):
    channels = {name: np.array([[1e-20, -3.25e8, 1.0000001]], np.float32) for name in "RGB"}
    assert np.array_equal(read_frame(exrs.write(tmp_path / "p.exr", channels), 1).pixels[..., 1], channels["G"])


def test_pixels_that_are_no_numbers_are_replaced_and_counted(tmp_path):
    channels = {name: np.ones((3, 3), np.float16) for name in "RGB"}
    channels["R"][0, 0], channels["G"][0, 0], channels["B"][1, 1], channels["B"][2, 2] = np.nan, np.inf, -np.inf, 60000
    frame = read_frame(exrs.write(tmp_path / "p.exr", channels), 1)
    assert frame.non_finite == 2
    assert frame.pixels[0, 0].tolist() == [0, 65504, 1]
    assert frame.pixels[1, 1, 2] == -65504 and frame.pixels[2, 2, 2] == 60000


@pytest.mark.parametrize("window", [(0, 0, 16, 12), (-3, -4, 16, 12), (100, 50, 16, 12), (4, 2, 16, 12)])
def test_pixels_are_those_of_the_data_window(tmp_path, window):
    plate = exrs.write(
        tmp_path / "p.exr", exrs.rgb(), dataWindow=exrs.box(*window), displayWindow=exrs.box(1, 2, 40, 30)
    )
    frame = read_frame(plate, 1)
    assert (frame.data_window, frame.display_window) == (Window(*window), Window(1, 2, 40, 30))
    assert np.array_equal(frame.pixels, picture(exrs.rgb()))


@pytest.mark.parametrize("suffix", ["exr", "dpx", "png"])
def test_the_shape_of_pixels_is_what_the_file_says(tmp_path, suffix):
    image = oiio.ImageBuf(np.full((4, 4, 3), 0.5, np.float32))
    assert image.write(str(tmp_path / f"square.{suffix}"))
    image.specmod().attribute("PixelAspectRatio", 2.0)
    assert image.write(str(tmp_path / f"wide.{suffix}"))
    found = [read_frame(tmp_path / f"{name}.{suffix}", 1).pixel_aspect for name in ("square", "wide")]
    assert found == [1, pytest.approx(2)]


@pytest.mark.parametrize("nonsense", [0.0, -2.0, 0.01, 72.0, np.nan, np.inf])
def test_pixels_of_no_possible_shape_are_square(nonsense):
    spec = oiio.ImageSpec(4, 4, 3, "half")
    spec.attribute("PixelAspectRatio", nonsense)
    assert pixel_aspect(spec) == 1


@pytest.mark.parametrize(
    ("parts", "part", "prefix"),
    [
        ([["Z"], ["B", "G", "R"]], 1, ""),
        ([["beauty.R", "beauty.G", "beauty.B"], ["R", "G", "B"]], 1, ""),
        ([["left.B", "left.G", "left.R", "right.B", "right.G", "right.R"]], 0, "left."),
        ([["albedo.R", "albedo.G", "albedo.B", "rgba.R", "rgba.G", "rgba.B", "rgba.A"]], 0, "rgba."),
        ([["spec.R", "spec.G", "spec.B", "diffuse.R", "diffuse.G", "diffuse.B"]], 0, "diffuse."),
        ([["CryptoObject00.R", "CryptoObject00.G", "CryptoObject00.B", "plate.R", "plate.G", "plate.B"]], 0, "plate."),
        (
            [["ViewLayer.AO.R", "ViewLayer.AO.G", "ViewLayer.AO.B", *rgb_of("ViewLayer.Combined.")]],
            0,
            "ViewLayer.Combined.",
        ),
        ([["albedo.r", "albedo.g", "albedo.b", "C.r", "C.g", "C.b"]], 0, "C."),
        ([rgb_of("albedo."), rgb_of("Ci.")], 1, "Ci."),
        ([["N.R", "N.G", "N.B", "depth.R", "depth.G", "depth.B", "spec.R", "spec.G", "spec.B"]], 0, "spec."),
        ([["normal.R", "normal.G", "normal.B"]], 0, "normal."),
        ([[*rgb_of("P."), *rgb_of("velocity."), *rgb_of("uv."), *rgb_of("volume.")]], 0, "volume."),
        ([["red", "green", "blue"]], 0, ""),
        ([["Z", "Y"]], 0, ""),
    ],
)
def test_the_picture_is_found_among_parts_layers_and_views(parts, part, prefix):
    choice = choose_picture(parts)
    assert (choice.part, choice.prefix) == (part, prefix)
    backwards = choose_picture([names[::-1] for names in parts])  # libraries list channels in different orders
    assert [parts[part][index] for index in choice.channels] == [
        parts[part][::-1][index] for index in backwards.channels
    ]


@pytest.mark.parametrize(
    ("layers", "part"),
    [
        (["normals", "rgba"], 1),
        (["albedo", "C"], 1),
        (["albedo", "diffuse"], 0),
        (["N", "albedo"], 1),
        (["rgba", "rgba"], 0),
        (["", ""], 0),
    ],
)
def test_of_parts_with_plain_colour_the_one_that_is_called_the_picture_is(layers, part):
    assert choose_picture([rgb_of("")] * 2, layers).part == part


@pytest.mark.parametrize(
    "picture",
    ["beauty_motionblur", "beauty_motion_blur", "composition", "final_composition", "depthOfField", "lit_normalised"],
)
def test_a_word_for_data_within_another_makes_no_data_of_a_picture(picture):
    assert choose_picture([rgb_of("")] * 2, [picture, "volume"]).part == 0
    assert choose_alpha([["A"], ["A"]], [picture, "volume"]) is not None


@pytest.mark.parametrize(
    "data",
    ["motion", "motionVector", "worldPosition", "position_ref", "normals", "depth", "MotionVectors"],
)
def test_data_stays_data_by_any_name_with_its_word(data):
    assert choose_picture([rgb_of("")] * 2, [data, "volume"]).part == 1


def test_a_part_s_name_is_no_matter_where_it_is_the_only_one():
    assert choose_picture([[*rgb_of(""), *rgb_of("beauty.")]], ["normals"]).prefix == ""


def test_data_in_a_part_of_its_own_comes_after_a_layer_of_another():
    assert choose_picture([rgb_of(""), rgb_of("beauty.")], ["normals", "beauty"]).prefix == "beauty."


def test_of_parts_with_plain_colour_the_one_that_was_taken_is_named(tmp_path):
    parts = [({"name": name}, exrs.rgb(seed=seed)) for seed, name in enumerate(("normals", "rgba"))]
    frame = read_frame(exrs.write(tmp_path / "p.exr", *parts), 1)
    assert frame.notes == ("of the parts normals, rgba the picture was read from rgba",)
    assert np.array_equal(frame.pixels, picture(parts[1][1]))
    assert read_frame(exrs.write(tmp_path / "one.exr", parts[0]), 1).notes == ()


def test_a_layer_that_was_taken_for_the_picture_is_named(tmp_path):
    layers = exrs.rgb(prefix="spec.") | exrs.rgb(prefix="diffuse.")
    assert read_frame(exrs.write(tmp_path / "p.exr", layers), 1).notes == (
        "the picture was read from the layer diffuse",
    )
    assert read_frame(exrs.write(tmp_path / "q.exr", exrs.rgb() | layers), 1).notes == ()


def test_views_that_are_left_out_are_said(tmp_path):
    parts = [({"name": f"rgba.{view}", "view": view}, exrs.rgb()) for view in ("left", "right")]
    said = ("of the views left, right only left was read",)
    assert read_frame(exrs.write(tmp_path / "parts.exr", *parts), 1).notes == said
    one_part = exrs.write(tmp_path / "one.exr", exrs.rgb() | exrs.rgb(prefix="right."), multiView=["left", "right"])
    assert read_frame(one_part, 1).notes == said
    assert read_frame(exrs.write(tmp_path / "single.exr", parts[0]), 1).notes == ()


@pytest.mark.parametrize(
    "attribute",
    [
        (b"view", b"string", b"\xff\xfe"),
        (b"view", b"int", bytes(4)),
        (b"multiView", b"int", bytes(4)),
        (b"multiView", b"string", b"left"),
        (b"multiView", b"stringvector", b"\x02\0\0\0\xff\xfe\x01\0\0\0r"),
    ],
)
def test_views_may_be_called_anything(tmp_path, attribute):
    plate = exrs.add_attribute(exrs.write(tmp_path / "p.exr", exrs.rgb()), *attribute)
    notes = read_frame(plate, 1).notes
    assert len(notes) == (attribute[1] == b"stringvector") and "".join(notes).encode("utf-8") is not None


@pytest.mark.parametrize(
    "names", [["Z"], ["A"], ["R", "G"], ["N.X", "N.Y", "N.Z"], ["motion.X", "motion.Y"], ["Y", "RY", "BY"], []]
)
def test_what_is_no_picture_is_not_taken_for_one(names):
    assert choose_picture([names]) is None


def test_a_file_without_a_picture_lists_its_channels(tmp_path):
    with pytest.raises(PlateError, match=r"p\.exr \(frame 5\).*depth\.Z") as caught:
        read_frame(exrs.write(tmp_path / "p.exr", {"depth.Z": exrs.half()}), 5)
    assert caught.value.advice


def test_a_lone_luminance_is_grey(tmp_path):
    frame = read_frame(exrs.write(tmp_path / "p.exr", {"Y": np.full((2, 3), 0.25, np.float16)}), 1)
    assert frame.pixels.shape == (2, 3, 3) and (frame.pixels == 0.25).all()


def test_colour_stays_as_stored_beside_an_alpha(tmp_path):
    channels = {name: np.full((4, 4), 0.5, np.float16) for name in "RGB"} | {"A": np.full((4, 4), 0.25, np.float16)}
    assert (read_frame(exrs.write(tmp_path / "p.exr", channels), 1).pixels == 0.5).all()
    rgba = np.full((4, 4, 4), 0.6, np.float32)
    rgba[..., 3] = 0.2
    for suffix in ("png", "tif"):
        image = oiio.ImageBuf(rgba)
        image.specmod().attribute("oiio:UnassociatedAlpha", 1)
        assert image.write(str(tmp_path / f"p.{suffix}"), oiio.UINT16)
        assert np.abs(read_frame(tmp_path / f"p.{suffix}", 1).pixels - 0.6).max() < 2e-5, suffix


@pytest.mark.parametrize(
    ("suffix", "kind", "most"), [("png", oiio.UINT8, 255), ("tif", oiio.UINT16, 65535), ("dpx", oiio.UINT16, 65535)]
)
def test_integers_become_0_to_1(tmp_path, suffix, kind, most):
    values = (np.arange(60, dtype=np.float32) / 59).reshape(4, 5, 3)
    assert oiio.ImageBuf(values).write(str(tmp_path / f"p.{suffix}"), kind)
    frame = read_frame(tmp_path / f"p.{suffix}", 1)
    assert np.abs(frame.pixels - values).max() <= 0.51 / most
    assert frame.pixels.max() == 1 and frame.colour.integer


def test_colour_hints_are_the_files_own_words_and_no_guesses(tmp_path):
    silent = read_header(exrs.write(tmp_path / "p.exr", exrs.rgb()), 1).colour
    assert (silent.interop_id, silent.oiio_space, silent.chromaticities) == (None, None, None)
    assert (silent.file_format, silent.integer) == ("openexr", False)
    primaries = (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767)
    told = read_header(
        exrs.write(tmp_path / "p.exr", exrs.rgb(), chromaticities=primaries, colorInteropID="lin_ap1_scene"), 1
    ).colour
    assert told.interop_id == "lin_ap1_scene" and np.allclose(told.chromaticities, primaries)
    for suffix in ("png", "jpg", "dpx"):
        assert oiio.ImageBuf(np.full((4, 4, 3), 0.5, np.float32)).write(str(tmp_path / f"p.{suffix}"), oiio.UINT8)
        hints = read_header(tmp_path / f"p.{suffix}", 1).colour
        assert hints.integer and hints.oiio_space is None and hints.interop_id is None, suffix


@pytest.mark.parametrize(
    ("suffix", "written", "space", "stated"),
    [
        ("dpx", {"dpx:Transfer": "Linear"}, "lin_rec709_scene", ("dpx:Transfer", "Linear")),
        ("dpx", {"dpx:Transfer": "ITU-R 709-4"}, "srgb_rec709_scene", ("dpx:Transfer", "ITU-R 709-4")),
        ("dpx", {"dpx:Transfer": "Printing density"}, None, None),
        ("dpx", {"dpx:Transfer": "User defined"}, None, None),
        ("dpx", {"dpx:Transfer": "Logarithmic"}, None, None),  # which log, it does not say
        ("png", {"oiio:ColorSpace": "g22_rec709", "oiio:Gamma": 2.2}, "g22_rec709_scene", ("oiio:Gamma", "2.2")),
        ("png", {"oiio:ColorSpace": "sRGB"}, None, None),
        ("tif", {"oiio:ColorSpace": "lin_rec709_scene"}, None, None),
    ],
)
def test_what_other_formats_state_of_their_colour_is_heard(tmp_path, suffix, written, space, stated):
    image = oiio.ImageBuf(np.full((4, 4, 3), 0.5, np.float32))
    for name, value in written.items():
        image.specmod().attribute(name, value)
    assert image.write(str(tmp_path / f"p.{suffix}"), oiio.UINT16)
    hints = read_header(tmp_path / f"p.{suffix}", 1).colour
    assert hints.stated == stated and (hints.oiio_space or "").partition("_scene")[0] == (space or "")[:-6]


@pytest.mark.parametrize(
    ("file_format", "guess", "space"),
    [
        ("png", "sRGB", None),
        ("jpeg", "sRGB", None),
        ("dpx", "KodakLog", None),
        ("tiff", "sRGB", None),
        ("dpx", "Linear", "lin_rec709_scene"),
        ("dpx", "Rec709", "srgb_rec709_scene"),
        ("png", "lin_srgb", "lin_rec709_scene"),
    ],
)
def test_what_older_openimageio_calls_spaces_is_heard_alike_and_its_guesses_are_not(file_format, guess, space):
    spec = oiio.ImageSpec(4, 4, 3, "uint16")
    spec.attribute("oiio:ColorSpace", guess)
    assert _stated_space(file_format, spec)[0] == space


@pytest.mark.parametrize(
    ("channels", "value"),
    [
        ({"R": 0.1, "G": 0.2, "B": 0.3, "A": 0.75}, 0.75),
        ({"R": 0.5, "G": 0.5, "B": 0.5}, 0.5),
        ({"matte.A": 0.25}, 0.25),
        ({"Y": 1.0}, 1.0),
        ({"roto": 0.5}, 0.5),
    ],
)
def test_a_matte_is_the_alpha_or_else_the_grey(tmp_path, channels, value):
    stored = {name: np.full((3, 5), each, np.float32) for name, each in channels.items()}
    plate = exrs.write(tmp_path / "p.exr", stored, dataWindow=exrs.box(2, 1, 5, 3), displayWindow=exrs.box(0, 0, 9, 9))
    matte, data, display, by_grey, layer, *_ = read_matte(plate, 1)
    assert matte.shape == (3, 5) and matte.dtype == np.float32 and (matte == np.float32(value)).all()
    assert (data, display) == (Window(2, 1, 5, 3), Window(0, 0, 9, 9)) and not by_grey and not layer


@pytest.mark.parametrize("layer", ["CryptoObject00", "depth", "ViewLayer.Normal", "N"])
def test_the_alpha_of_data_is_no_matte(tmp_path, layer):
    data = {f"{layer}.{name}": np.full((3, 5), 0.9, np.float32) for name in "RGBA"}
    grey = {name: np.full((3, 5), 0.5, np.float32) for name in "RGB"}
    assert (read_matte(exrs.write(tmp_path / "p.exr", grey | data), 1).pixels == 0.5).all()
    parts = ({"name": layer}, {name: data[f"{layer}.{name}"] for name in "RGBA"}), ({"name": "rgba"}, grey)
    assert (read_matte(exrs.write(tmp_path / "q.exr", *parts), 1).pixels == 0.5).all()


@pytest.mark.parametrize("names", [[f"crypto.{each}" for each in "RGBA"], ["depth.A"], ["Normal.R"]])
def test_a_file_of_data_alone_has_no_matte(tmp_path, names):
    plate = exrs.write(tmp_path / "p.exr", {name: np.full((3, 5), 0.9, np.float32) for name in names})
    with pytest.raises(PlateError, match="has no alpha"):
        read_matte(plate, 1)


def test_pages_without_names_are_not_told(tmp_path):
    page = oiio.ImageBuf(np.full((4, 4, 3), 0.5, np.float32))
    assert page.write(str(tmp_path / "p.tif"))
    out = oiio.ImageOutput.create(str(tmp_path / "p.tif"))
    spec = oiio.ImageSpec(4, 4, 3, "uint8")
    assert out.open(str(tmp_path / "p.tif"), (spec, spec))
    assert out.write_image(page.get_pixels()) and out.open(str(tmp_path / "p.tif"), spec, "AppendSubimage")
    assert out.write_image(page.get_pixels()) and out.close()
    assert read_frame(tmp_path / "p.tif", 1).notes == ()


def test_of_several_alphas_the_main_layer_s_is_the_matte_and_another_s_is_named(tmp_path):
    layers = {f"{layer}.A": np.full((3, 5), value, np.float32) for layer, value in (("diffuse", 0.9), ("rgba", 0.5))}
    main, side = (
        read_matte(exrs.write(tmp_path / "p.exr", each), 1) for each in (layers, {**exrs.rgb(3, 5), "x.A": RAMP})
    )
    assert (main.pixels == 0.5).all() and main.layer == ""
    assert np.array_equal(side.pixels, RAMP) and side.layer == "x"


OPAQUE, RAMP = np.ones((3, 5), np.float32), np.linspace(0, 1, 15, dtype=np.float32).reshape(3, 5)


@pytest.mark.parametrize("grey", [RAMP, OPAQUE * 0.5], ids=["ramp", "flat"])
@pytest.mark.parametrize("names", ["RGB", "Y"])
def test_a_grey_matte_that_was_saved_with_an_opaque_alpha_is_its_grey(tmp_path, names, grey):
    path = exrs.write(tmp_path / "p.exr", dict.fromkeys(names, grey) | {"A": OPAQUE})
    matte = read_matte(path, 1, painted=True)
    assert matte.by_grey and np.array_equal(matte.pixels, grey)
    assert (read_matte(path, 1).pixels == 1).all(), "of a merged matte of a grey plate, the alpha is the matte"


@pytest.mark.parametrize(
    "beside",
    [
        {},
        {"R": RAMP * 0, "G": RAMP * 0, "B": RAMP * 0},  # as Nuke writes an alpha alone
        {"R": RAMP, "G": RAMP / 2, "B": RAMP},  # a plate beside its roto
        {"beauty.R": RAMP, "beauty.G": RAMP, "beauty.B": RAMP},
    ],
    ids=["nothing", "black", "colours", "another layer"],
)
def test_an_opaque_alpha_is_the_matte_beside_what_is_no_grey_picture(tmp_path, beside):
    matte = read_matte(exrs.write(tmp_path / "p.exr", beside | {"A": OPAQUE}), 1, painted=True)
    assert not matte.by_grey and (matte.pixels == 1).all()


def test_an_alpha_that_is_open_anywhere_is_the_matte_whatever_is_beside_it(tmp_path):
    alpha = OPAQUE.copy()
    alpha[1, 1] = 0.9
    matte = read_matte(exrs.write(tmp_path / "p.exr", dict.fromkeys("RGB", RAMP) | {"A": alpha}), 1, painted=True)
    assert not matte.by_grey and np.array_equal(matte.pixels, alpha)


@pytest.mark.parametrize("layer", ["matte.A", "roto.mask"])
def test_the_matte_of_a_merged_file_of_this_tool_is_in_the_layer_that_it_was_given(tmp_path, layer):
    plate = exrs.write(tmp_path / "p.exr", exrs.rgb() | {"A": np.ones((12, 16), np.float16)})
    pixels = dataclasses.replace(
        exrs.pixels_of(plate), made={"nuke_matting/settings": f"mode=merge layer={layer} fg=yes"}
    )
    write_merged(tmp_path / "m.exr", pixels, layer=layer, premult=False)
    matte = read_matte(tmp_path / "m.exr", 1001, painted=True)
    assert np.abs(matte.pixels - pixels.alpha).max() < 1e-3
    assert matte.remarks() == (f"was read from the layer {layer.partition('.')[0]}",)


def test_a_layer_that_a_file_names_and_lacks_is_passed_over(tmp_path):
    plate = exrs.write(
        tmp_path / "p.exr",
        dict.fromkeys("RGB", RAMP) | {"A": np.full((3, 5), 0.5, np.float16)},
        **{"nuke_matting/settings": "layer=matte.A"},
    )
    assert (read_matte(plate, 1).pixels == 0.5).all()


def test_an_alpha_that_is_1_everywhere_is_said_where_there_are_others(tmp_path):
    solid = {"A": np.ones((3, 5), np.float16)}
    colours = exrs.rgb(3, 5)
    assert read_matte(exrs.write(tmp_path / "p.exr", colours | solid | {"matte.A": RAMP}), 1).remarks() == (
        "is 1 everywhere, and matte.A beside it was not read",
    )
    assert read_matte(exrs.write(tmp_path / "q.exr", colours | solid), 1).remarks() == ()
    assert (
        read_matte(
            exrs.write(tmp_path / "r.exr", colours | {"A": np.full((3, 5), 0.5, np.float16), "matte.A": RAMP}), 1
        ).remarks()
        == ()
    )


def test_the_alpha_of_a_later_part_is_found_and_a_depth_is_never_a_matte(tmp_path):
    depth, rgba = {"Z": np.full((3, 5), 9, np.float32)}, exrs.rgb(3, 5) | {"A": np.full((3, 5), 0.5, np.float16)}
    plate = exrs.write(tmp_path / "p.exr", ({"name": "depth"}, depth), ({"name": "rgba"}, rgba))
    assert (read_matte(plate, 1)[0] == 0.5).all()
    with pytest.raises(PlateError, match=r"frame 3.*Z"):
        read_matte(exrs.write(tmp_path / "z.exr", depth), 3)


WINDOWS = st.builds(Window, st.integers(-20, 20), st.integers(-20, 20), st.integers(1, 20), st.integers(1, 20))


@given(WINDOWS, WINDOWS, st.sampled_from([(), (3,)]))
def test_aligned_pixels_keep_their_place(have, want, tail):
    pixels = np.random.default_rng(0).random((have.height, have.width, *tail), dtype=np.float32)
    out = align(pixels, have, want, fill=-1.0)
    assert out.shape == (want.height, want.width, *tail)
    for y in range(want.height):
        for x in range(want.width):
            row, column = want.y + y - have.y, want.x + x - have.x
            inside = 0 <= row < have.height and 0 <= column < have.width
            assert np.array_equal(out[y, x], pixels[row, column] if inside else np.full(tail, -1, np.float32))


def test_a_deep_file_is_refused_with_a_way_out(assets, tmp_path):
    deep = assets / "plates" / "v2" / "LeftView" / "Trunks.exr"
    with pytest.raises(PlateError, match=r"deep.*DeepToImage.*oiiotool"):
        read_frame(deep, 1)
    assert survive([deep], tmp_path) == ["refused"]


def test_luminance_chroma_is_refused_with_a_way_out(assets):
    with pytest.raises(PlateError, match=r"sub-sampled.*convert it"):
        read_frame(assets / "plates" / "Chromaticities" / "Rec709_YC.exr", 1)


@pytest.mark.parametrize(
    "make",
    [lambda p: None, lambda p: p.mkdir(), lambda p: p.write_bytes(b""), lambda p: p.write_text("no picture\n" * 99)],
)
def test_what_is_no_image_is_an_error_with_file_and_frame(tmp_path, make):
    make(tmp_path / "p.exr")
    with pytest.raises(PlateError, match=r"p\.exr \(frame 1001\): ") as caught:
        read_frame(tmp_path / "p.exr", 1001)
    assert caught.value.advice


def test_a_header_that_claims_an_absurd_size_is_refused(tmp_path):
    plate = exrs.write(tmp_path / "p.exr", exrs.rgb(12, 16)).read_bytes()
    files = []
    for window in ((0, 0, 2**31 - 2, 2**31 - 2), (-(2**30), 0, 2**30, 20), (0, 0, 16000, 16000), (5, 5, 4, 4)):
        files.append(tmp_path / f"{len(files)}.exr")
        files[-1].write_bytes(plate.replace(struct.pack("<4i", 0, 0, 15, 11), struct.pack("<4i", *window)))
    assert survive(files, tmp_path) == ["refused"] * 4


def test_files_damaged_on_purpose_are_survived(assets, tmp_path):
    damaged = sorted((assets / "plates" / "Damaged").iterdir())
    assert damaged
    survive(damaged, tmp_path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Small whole plates of each compression, tiled, and of two parts: {name: (bytes, pixels)}."""
    folder = tmp_path_factory.mktemp("whole")
    kinds = {
        name: ([exrs.rgb(40, 50)], {"compression": getattr(OpenEXR, f"{name}_COMPRESSION")}) for name in COMPRESSIONS
    }
    kinds["tiles"] = ([exrs.rgb(40, 50)], tiles())
    kinds["upwards"] = ([exrs.rgb(40, 50)], {"lineOrder": OpenEXR.DECREASING_Y})
    kinds["parts"] = ([({"name": "a"}, exrs.rgb(40, 50)), ({"name": "b"}, exrs.rgb(40, 50, seed=5))], {})
    made = {}
    for name, (parts, header) in kinds.items():
        plate = exrs.write(folder / f"{name}.exr", *parts, **header)
        made[name] = plate.read_bytes(), read_frame(plate, 1).pixels
    return made


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([*COMPRESSIONS, "tiles", "upwards", "parts"]), st.floats(0, 1, exclude_max=True), st.booleans())
def test_a_truncated_file_is_refused_or_right_and_never_grey(whole, tmp_path, kind, where, near_end):
    data, pixels = whole[kind]
    kept = len(data) - 1 - int(where * 60) if near_end else int(where * len(data))
    (tmp_path / "p.exr").write_bytes(data[:kept])
    try:
        frame = read_frame(tmp_path / "p.exr", 1001)
    except PlateError as error:
        assert error.frame == 1001
    else:
        assert np.array_equal(frame.pixels, pixels)


def test_a_chunk_that_was_never_written_is_refused(whole, tmp_path):
    data = bytearray(whole["ZIP"][0])
    (tmp_path / "p.exr").write_bytes(data)
    _, table = exrs.attributes(tmp_path / "p.exr")
    data[table + 8 : table + 16] = bytes(8)  # as a render that was stopped leaves it
    (tmp_path / "p.exr").write_bytes(data)
    try:
        assert np.array_equal(read_frame(tmp_path / "p.exr", 1).pixels, whole["ZIP"][1])
    except PlateError as error:
        assert error.frame == 1


def test_bytes_flipped_anywhere_never_end_the_process(whole, tmp_path):
    random_ = random.Random(3)
    files = []
    for number in range(240):
        data = bytearray(random_.choice(list(whole.values()))[0])
        reach = 700 if number % 4 else len(data)
        for _ in range(random_.choice([1, 1, 2, 4])):
            data[random_.randrange(4, min(reach, len(data)))] = random_.choice(
                [0, 1, 127, 128, 255, random_.randrange(256)]
            )
        files.append(tmp_path / f"p{number:04d}.exr")
        files[-1].write_bytes(data)
    words = survive(files, tmp_path)
    assert {"read", "refused"} == set(words)


def test_a_webp_is_read(tmp_path):
    Image.fromarray(np.full((5, 7, 3), 128, np.uint8)).save(tmp_path / "p.webp", lossless=True)
    assert np.allclose(read_frame(tmp_path / "p.webp", 1).pixels, 128 / 255, atol=0.01)


@pytest.mark.parametrize("kind", ["ari", "DNG", "heic"])
def test_what_only_cameras_write_is_to_be_converted(tmp_path, kind):
    (tmp_path / f"p.{kind}").write_bytes(bytes(4096))
    with pytest.raises(PlateError, match=f"{kind.lower()} files are not supported; convert it to EXR"):
        read_frame(tmp_path / f"p.{kind}", 1)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_that_is_stored_turned_is_said(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.full((8, 8, 3), 99, np.uint8)).save(tmp_path / "p.jpg", exif=exif)
    notes = read_frame(tmp_path / "p.jpg", 1).notes
    assert len(notes) == (orientation > 2) and all(f"(Orientation {orientation})" in each for each in notes)
