"""The writer: what a matte of its own holds, and what holds for a merged plate alike."""

import dataclasses
import importlib.util
import struct
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest

from nuke_matting.errors import OutputError
from nuke_matting.plate.frame import Window
from nuke_matting.plate.merge import write_merged
from nuke_matting.plate.reader import read_frame, read_header, read_matte
from nuke_matting.plate.writer import Pixels, write_sidecar

_spec = importlib.util.spec_from_file_location("exrs", Path(__file__).parent / "exrs.py")
exrs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(exrs)


KINDS = {
    "text that is not UTF-8": (b"owner", b"string", b"stra\xdfe"),
    "empty text": (b"comments", b"string", b""),
    "double": (b"gain", b"double", struct.pack("<d", 0.1)),
    "float that is no number": (b"gain", b"float", struct.pack("<I", 0x7FC01234)),
    "rational not in lowest terms": (b"framesPerSecond", b"rational", struct.pack("<iI", 48, 2)),
    "rational of nothing": (b"captureRate", b"rational", struct.pack("<iI", 0, 0)),
    "empty list of texts": (b"list", b"stringvector", b""),
    "list of texts": (b"list", b"stringvector", b"\x02\0\0\0ab\x03\0\0\0cde"),
    "list of floats": (b"list", b"floatvector", struct.pack("<3f", 1, 2, 3.3)),
    "time code": (b"timeCode", b"timecode", struct.pack("<2I", 0x81020304, 0xDEADBEEF)),
    "key code": (b"keyCode", b"keycode", struct.pack("<7i", 1, 2, 3, 4, 5, 4, 64)),
    "environment map": (b"envmap", b"envmap", b"\1"),
    "deep state": (b"deepImageState", b"deepImageState", b"\1"),
    "preview": (b"preview", b"preview", struct.pack("<2I", 2, 1) + bytes(range(8))),
    "vector of doubles": (b"v", b"v3d", struct.pack("<3d", 0.1, 0.2, 0.3)),
    "matrix of doubles": (b"m", b"m44d", struct.pack("<16d", *(each / 10 for each in range(16)))),
    "box of floats": (b"b", b"box2f", struct.pack("<4f", 1, 2, 3, 4)),
    "a studio's own kind": (b"studio", b"studiotype", b"\0\1\2\xff"),
    "a long name": (b"n" * 200, b"int", struct.pack("<i", -7)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_attributes_of_every_kind_are_kept_byte_for_byte(tmp_path, kind):
    plate = exrs.add_attribute(exrs.write(tmp_path / "p.exr", exrs.rgb()), *KINDS[kind])
    assert write_merged(tmp_path / "m.exr", exrs.pixels_of(plate), layer="rgba.alpha", premult=False) == []
    exrs.assert_only_the_alpha_differs(plate, tmp_path / "m.exr", "A")
    write_sidecar(tmp_path / "s.exr", exrs.pixels_of(plate), layer="rgba.alpha", premult=False)
    name, *attribute = KINDS[kind]
    kept = exrs.attributes(tmp_path / "s.exr")[0][0].get(name)
    assert kept == tuple(attribute) or (kept is None and name in (b"deepImageState", b"preview"))


@pytest.mark.parametrize(
    ("rate", "rational"), [(24.0, (24, 1)), (23.976, (24000, 1001)), (29.97, (30000, 1001)), (12.5, (12500, 1000))]
)
@pytest.mark.parametrize("mode", [write_sidecar, write_merged])
def test_time_code_frame_rate_and_pixel_aspect_of_other_formats_are_kept(tmp_path, mode, rate, rational):
    image = oiio.ImageBuf(np.full((4, 6, 3), 0.5, np.float32))
    image.specmod().attribute("smpte:TimeCode", oiio.TypeTimeCode, (0x01020304, 0))
    image.specmod().attribute("dpx:FrameRate", rate)
    image.specmod().attribute("PixelAspectRatio", 2.0)
    assert image.write(str(tmp_path / "p.dpx"), oiio.UINT16)
    mode(tmp_path / "m.exr", exrs.pixels_of(tmp_path / "p.dpx"), layer="rgba.alpha", premult=False)
    header = exrs.attributes(tmp_path / "m.exr")[0][0]
    assert header[b"timeCode"] == (b"timecode", struct.pack("<2I", 0x01020304, 0))
    assert header[b"framesPerSecond"] == (b"rational", struct.pack("<iI", *rational))
    assert header[b"pixelAspectRatio"] == (b"float", struct.pack("<f", 2.0))


@pytest.mark.parametrize("window", [(0, 0, 16, 12), (-3, -4, 16, 12), (100, 50, 16, 12), (4, 2, 16, 12)])
def test_windows_are_kept(tmp_path, window):
    plate = exrs.write(
        tmp_path / "p.exr", exrs.rgb(), dataWindow=exrs.box(*window), displayWindow=exrs.box(0, 0, 40, 30)
    )
    pixels = exrs.pixels_of(plate)
    assert pixels.data_window == Window(*window)
    write_merged(tmp_path / "m.exr", pixels, layer="rgba.alpha", premult=False)
    exrs.assert_only_the_alpha_differs(plate, tmp_path / "m.exr", "A")
    write_sidecar(tmp_path / "s.exr", pixels, layer="rgba.alpha", premult=False)
    assert exrs.everything(tmp_path / "s.exr")[0][1][:8] == exrs.everything(plate)[0][1][:8]


def test_the_alpha_of_a_part_is_put_into_the_part_that_is_the_picture(tmp_path):
    parts = [({"name": name, "comments": name}, exrs.rgb(seed=seed)) for seed, name in enumerate(("normals", "rgba"))]
    plate = exrs.write(tmp_path / "p.exr", *parts)
    write_merged(tmp_path / "m.exr", exrs.pixels_of(plate), layer="rgba.alpha", premult=False)
    assert [set(channels) for *_, channels in exrs.everything(tmp_path / "m.exr")] == [set("RGB"), set("RGBA")]
    write_sidecar(tmp_path / "s.exr", exrs.pixels_of(plate), layer="rgba.alpha", premult=False)
    assert exrs.attributes(tmp_path / "s.exr")[0][0][b"comments"] == (b"string", b"rgba")


def solid_of(plate):
    """What is to be written of a plate that is all subject."""
    frame = read_frame(plate, 1001)
    alpha = np.ones(frame.pixels.shape[:2], np.float32)
    return Pixels(plate, 1001, frame.data_window, frame.display_window, alpha, frame.pixels)


@pytest.mark.parametrize("kind", [np.float16, np.float32])
@pytest.mark.parametrize(("write", "prefix"), [(write_merged, "fg."), (write_sidecar, "")])
def test_the_foreground_of_what_is_solid_is_the_plate_to_the_bit(tmp_path, kind, write, prefix):
    values = np.linspace(-1, 3, 192).reshape(12, 16).astype(kind)
    values[0, 0] = 90000.0 if kind == np.float32 else 65504.0
    plate = exrs.write(tmp_path / "p.exr", dict.fromkeys("RGB", values))
    write(tmp_path / "o.exr", solid_of(plate), layer="rgba.alpha", premult=False)
    assert exrs.everything(tmp_path / "o.exr")[0][2][f"{prefix}R"] == exrs.everything(plate)[0][2]["R"]


@pytest.mark.parametrize(("write", "prefix"), [(write_merged, "fg."), (write_sidecar, "")])
def test_so_it_is_where_not_all_of_the_plate_is_half(tmp_path, write, prefix):
    values = np.linspace(-1, 3, 192, dtype=np.float32).reshape(12, 16)
    picture = {"R": values.astype(np.float16), "G": values, "B": values.astype(np.float16)}
    plate = exrs.write(tmp_path / "p.exr", picture)
    write(tmp_path / "o.exr", solid_of(plate), layer="rgba.alpha", premult=False)
    assert exrs.everything(tmp_path / "o.exr")[0][2][f"{prefix}G"] == exrs.everything(plate)[0][2]["G"]


@pytest.mark.parametrize(("write", "prefix"), [(write_merged, "fg."), (write_sidecar, "")])
def test_so_is_that_of_a_plate_of_integers(tmp_path, write, prefix):
    ramp = np.linspace(0, 1, 36, dtype=np.float32).reshape(3, 4, 3)
    assert oiio.ImageBuf(ramp).write(str(tmp_path / "p.png"), oiio.UINT16)
    pixels = solid_of(tmp_path / "p.png")
    write(tmp_path / "o.exr", pixels, layer="rgba.alpha", premult=False)
    kind, red = exrs.everything(tmp_path / "o.exr")[0][2][f"{prefix}R"]
    assert kind == "float" and red == pixels.foreground[..., 0].tobytes()


def test_a_sidecar_holds_the_alpha_alone_with_the_plates_metadata(tmp_path):
    plate = exrs.write(tmp_path / "p.exr", exrs.rgb(), **exrs.ATTRIBUTES)
    pixels = exrs.pixels_of(plate)
    write_sidecar(tmp_path / "s.exr", pixels, layer="rgba.alpha", premult=False)
    attributes, _, channels = exrs.everything(tmp_path / "s.exr")[0]
    assert set(channels) == {"A"} and channels["A"][0] == "half"
    assert attributes["smpte:TimeCode"] == exrs.everything(plate)[0][0]["smpte:TimeCode"]
    assert attributes["studio/shot"] == "sh010"
    assert attributes["colorInteropID"] == "data" and "chromaticities" not in attributes
    back, *_ = read_matte(tmp_path / "s.exr", 1001)
    assert np.abs(back - pixels.alpha).max() < 5e-4
    assert back[0, 0] == 0 and back[-1, -1] == 1


def test_a_foreground_is_premultiplied_once_and_only_when_asked(tmp_path):
    plate = exrs.write(tmp_path / "p.exr", {name: np.full((4, 4), 2.0, np.float16) for name in "RGB"})
    pixels = exrs.pixels_of(plate, foreground=True)
    for premult, factor in ((False, 1.0), (True, pixels.alpha)):
        write_sidecar(tmp_path / "s.exr", pixels, layer="rgba.alpha", premult=premult)
        red = np.frombuffer(exrs.everything(tmp_path / "s.exr")[0][2]["R"][1], np.float16).reshape(4, 4)
        assert np.allclose(red, 2.0 * factor, atol=2e-3)


@pytest.mark.parametrize("suffix", ["png", "dpx"])
@pytest.mark.parametrize("mode", [write_sidecar, write_merged])
def test_an_exr_of_another_formats_colour_says_the_space_that_it_is_still_in(tmp_path, mode, suffix):
    plate = tmp_path / f"p.{suffix}"
    assert oiio.ImageBuf(np.full((4, 6, 3), 0.5, np.float32)).write(str(plate), oiio.UINT16)
    pixels = dataclasses.replace(exrs.pixels_of(plate, foreground=True), space="sRGB - Texture")
    warnings = mode(tmp_path / "m.exr", pixels, layer="rgba.alpha", premult=False)
    assert read_header(tmp_path / "m.exr", 1).colour.oiio_space == "sRGB - Texture"
    assert warnings[0].startswith("the plate is no EXR") and "still in sRGB - Texture" in warnings[0]


def test_a_matte_alone_is_data_whatever_its_plate_was_in(tmp_path):
    assert oiio.ImageBuf(np.full((4, 6, 3), 0.5, np.float32)).write(str(tmp_path / "p.png"), oiio.UINT8)
    pixels = dataclasses.replace(exrs.pixels_of(tmp_path / "p.png"), space="sRGB - Texture")
    assert write_sidecar(tmp_path / "s.exr", pixels, layer="rgba.alpha", premult=False) == []
    header = exrs.attributes(tmp_path / "s.exr")[0][0]
    assert header[b"colorInteropID"] == (b"string", b"data") and b"oiio:ColorSpace" not in header


def test_a_matte_alone_is_no_aces_picture(tmp_path):
    plate = exrs.write(tmp_path / "p.exr", exrs.rgb(), acesImageContainerFlag=1)
    write_sidecar(tmp_path / "s.exr", exrs.pixels_of(plate), layer="rgba.alpha", premult=False)
    assert b"acesImageContainerFlag" not in exrs.attributes(tmp_path / "s.exr")[0][0]


@pytest.mark.parametrize("name", ["file/m.exr", "folder"])
def test_what_stands_in_the_way_is_said(tmp_path, name):
    plate = exrs.write(tmp_path / "p.exr", exrs.rgb())
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match=r"stands where"):
        write_sidecar(tmp_path / name, exrs.pixels_of(plate), layer="rgba.alpha", premult=False)
