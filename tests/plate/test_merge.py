"""The merge: nothing of the plate is lost, and nothing is ever half written."""

import importlib.util
import os
import pickle
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import OpenEXR
import OpenImageIO as oiio
import pytest
from PIL import Image

from nuke_matting.errors import PlateError
from nuke_matting.plate.merge import write_merged
from nuke_matting.plate.reader import read_frame

_spec = importlib.util.spec_from_file_location("exrs", Path(__file__).parent / "exrs.py")
exrs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(exrs)


@pytest.mark.parametrize("compression", ["NO", "RLE", "ZIPS", "ZIP", "PIZ"])
def test_a_merged_plate_differs_from_the_plate_in_the_alpha_alone(tmp_path, compression):
    plate = exrs.write(
        tmp_path / "p.exr", exrs.rgb(), compression=getattr(OpenEXR, f"{compression}_COMPRESSION"), **exrs.ATTRIBUTES
    )
    assert write_merged(tmp_path / "m.exr", exrs.pixels_of(plate), layer="rgba.alpha", premult=False) == []
    exrs.assert_only_the_alpha_differs(plate, tmp_path / "m.exr", "A")


LATIN_1 = {
    "a channel": ([exrs.rgb() | exrs.rgb(prefix="cafX.", seed=3)], "A"),
    "the layer of the picture": ([exrs.rgb(prefix="cafX.")], "caf\udce9.A"),
    "a part": ([({"name": "rgba"}, exrs.rgb()), ({"name": "cafX"}, exrs.rgb(seed=3))], "A"),
    "an attribute": ([({"cafX": "black"}, exrs.rgb())], "A"),
    "one of two that differ there alone": ([exrs.rgb() | exrs.rgb(prefix="cafX.") | exrs.rgb(prefix="cafY.")], "A"),
}


@pytest.mark.parametrize("named", LATIN_1)
def test_names_that_are_no_utf_8_are_kept(tmp_path, capfd, named):
    parts, alpha = LATIN_1[named]
    plate = exrs.write(tmp_path / "plate.exr", *parts)
    plate.write_bytes(plate.read_bytes().replace(b"cafX", b"caf\xe9").replace(b"cafY", b"caf\xf6"))
    given = exrs.pixels_of(plate)
    assert write_merged(tmp_path / "merged.exr", given, layer="rgba.alpha", premult=False) == []
    exrs.assert_only_the_alpha_differs(plate, tmp_path / "merged.exr", alpha)
    assert capfd.readouterr() == ("", "")


def test_names_that_would_change_their_order_are_refused(tmp_path):
    plate = exrs.write(tmp_path / "plate.exr", exrs.rgb() | exrs.rgb(prefix="cafX.") | exrs.rgb(prefix="caf\ucfff."))
    plate.write_bytes(plate.read_bytes().replace(b"cafX", b"caf\xe9"))
    with pytest.raises(PlateError, match="partly UTF-8, and partly not; rename them"):
        write_merged(tmp_path / "merged.exr", exrs.pixels_of(plate), layer="rgba.alpha", premult=False)


@pytest.mark.parametrize("order", ["INCREASING_Y", "DECREASING_Y"])
def test_the_order_of_lines_is_kept(tmp_path, order):
    plate = exrs.write(tmp_path / "p.exr", exrs.rgb(40, 20), lineOrder=getattr(OpenEXR, order))
    write_merged(tmp_path / "m.exr", exrs.pixels_of(plate), layer="rgba.alpha", premult=False)
    exrs.assert_only_the_alpha_differs(plate, tmp_path / "m.exr", "A")


@pytest.mark.parametrize("harm", ["truncated", "corrupt"])
def test_a_plate_whose_other_part_is_damaged_is_refused_and_not_copied_without_it(tmp_path, harm):
    plate = exrs.write(tmp_path / "p.exr", ({"name": "a"}, exrs.rgb(40, 50)), ({"name": "b"}, exrs.rgb(40, 50, seed=5)))
    data = bytearray(plate.read_bytes())
    if harm == "truncated":
        del data[-30:]
    else:
        data[-3000:-2900] = b"\xaa" * 100
    plate.write_bytes(data)
    pixels = exrs.pixels_of(plate)
    with pytest.raises(PlateError, match="1001"):
        write_merged(tmp_path / "m.exr", pixels, layer="rgba.alpha", premult=False)
    assert os.listdir(tmp_path) == ["p.exr"]


def test_an_exr_by_another_name_is_merged_as_one(tmp_path):
    plate = exrs.write(tmp_path / "p.exr", exrs.rgb(), **exrs.ATTRIBUTES).rename(tmp_path / "p.0001.render")
    assert write_merged(tmp_path / "m.exr", exrs.pixels_of(plate), layer="rgba.alpha", premult=False) == []
    exrs.assert_only_the_alpha_differs(plate, tmp_path / "m.exr", "A")


def test_a_plate_that_changed_its_size_since_it_was_matted_is_an_error(tmp_path):
    plate = exrs.write(tmp_path / "p.exr", exrs.rgb())
    pixels = exrs.pixels_of(plate)
    exrs.write(plate, exrs.rgb(20, 20))
    with pytest.raises(PlateError, match="size"):
        write_merged(tmp_path / "m.exr", pixels, layer="rgba.alpha", premult=False)


def test_smaller_levels_that_are_not_kept_are_said(tmp_path):
    image = oiio.ImageBuf(np.random.default_rng(0).random((40, 56, 3), dtype=np.float32))
    assert oiio.ImageBufAlgo.make_texture(oiio.MakeTxTexture, image, str(tmp_path / "p.exr"))
    warnings = write_merged(tmp_path / "m.exr", exrs.pixels_of(tmp_path / "p.exr"), layer="rgba.alpha", premult=False)
    assert any("smaller levels are not kept" in each for each in warnings)
    before, after = exrs.everything(tmp_path / "p.exr")[0][2], exrs.everything(tmp_path / "m.exr")[0][2]
    assert {k: v for k, v in after.items() if k != "A"} == before


def test_a_layer_fg_of_the_plate_is_not_replaced_in_silence(tmp_path):
    plate = exrs.write(tmp_path / "p.exr", exrs.rgb() | exrs.rgb(prefix="fg.", seed=4))
    assert write_merged(tmp_path / "m.exr", exrs.pixels_of(plate), layer="rgba.alpha", premult=False) == []
    assert (
        write_merged(tmp_path / "m.exr", exrs.pixels_of(plate, foreground=True), layer="rgba.alpha", premult=False)
        != []
    )


@pytest.mark.parametrize("kind", [np.float16, np.float32])
@pytest.mark.parametrize("compression", sorted(set(OpenEXR.Compression.__members__) - {"NUM_COMPRESSION_METHODS"}))
def test_pixels_survive_any_compression_and_the_change_of_it_is_said(tmp_path, compression, kind):
    picture = {name: plane.astype(kind) for name, plane in exrs.rgb(33, 47).items()}
    first = exrs.write(tmp_path / "first.exr", picture, compression=getattr(OpenEXR, compression))
    warnings = write_merged(tmp_path / "m.exr", exrs.pixels_of(first), layer="matte.A", premult=False)
    before, after = exrs.everything(first)[0], exrs.everything(tmp_path / "m.exr")[0]
    assert {k: v for k, v in after[2].items() if k != "matte.A"} == before[2]
    assert (after[0]["compression"] != before[0]["compression"]) == bool(warnings)


def test_every_part_view_and_pixel_type_is_kept(tmp_path):
    first = {**exrs.rgb(), "A": exrs.half(seed=9), "id.R": np.arange(192, dtype=np.uint32).reshape(12, 16) * 22_000_000}
    plate = exrs.write(
        tmp_path / "p.exr",
        ({"name": "left", "view": "left"}, first),
        ({"name": "right", "view": "right"}, exrs.rgb(seed=20)),
        ({"name": "depth"}, {"Z": np.random.default_rng(0).random((12, 16), dtype=np.float32)}),
    )
    write_merged(tmp_path / "m.exr", exrs.pixels_of(plate), layer="matte.A", premult=False)
    exrs.assert_only_the_alpha_differs(plate, tmp_path / "m.exr", "matte.A")


def test_tiles_are_kept(tmp_path):
    tiles = OpenEXR.TileDescription()
    tiles.xSize = tiles.ySize = 16
    plate = exrs.write(tmp_path / "p.exr", exrs.rgb(40, 50), type=OpenEXR.tiledimage, tiles=tiles)
    write_merged(tmp_path / "m.exr", exrs.pixels_of(plate), layer="rgba.alpha", premult=False)
    exrs.assert_only_the_alpha_differs(plate, tmp_path / "m.exr", "A")


def test_the_alpha_of_a_view_is_put_into_that_view(tmp_path):
    plate = exrs.write(tmp_path / "p.exr", exrs.rgb(prefix="left."))
    write_merged(tmp_path / "m.exr", exrs.pixels_of(plate), layer="rgba.alpha", premult=False)
    exrs.assert_only_the_alpha_differs(plate, tmp_path / "m.exr", "left.A")


def test_an_alpha_that_is_there_is_replaced_in_its_own_type(tmp_path):
    plate = exrs.write(tmp_path / "p.exr", {**exrs.rgb(), "A": np.full((12, 16), 0.25, np.float32)})
    pixels = exrs.pixels_of(plate)
    write_merged(tmp_path / "m.exr", pixels, layer="rgba.alpha", premult=False)
    assert exrs.everything(tmp_path / "m.exr")[0][2]["A"] == ("float", pixels.alpha.tobytes())


@pytest.mark.parametrize("name", ["A", "alpha"])
def test_an_alpha_of_the_plate_s_own_is_not_replaced_in_silence_unless_it_is_flat(tmp_path, name):
    matte, flat = np.eye(12, 16, dtype=np.float16), np.ones((12, 16), np.float16)
    for alpha, said in ((matte, [f"the plate's own channel {name} is replaced"]), (flat, [])):
        plate = exrs.write(tmp_path / "p.exr", {**exrs.rgb(), name: alpha})
        assert write_merged(tmp_path / "m.exr", exrs.pixels_of(plate), layer="rgba.alpha", premult=False) == said


def test_the_foreground_gets_a_layer_of_its_own_in_a_merged_plate(tmp_path):
    plate = exrs.write(tmp_path / "p.exr", exrs.rgb())
    write_merged(tmp_path / "m.exr", exrs.pixels_of(plate, foreground=True), layer="rgba.alpha", premult=False)
    assert {"fg.R", "fg.G", "fg.B", "A"} <= set(exrs.everything(tmp_path / "m.exr")[0][2])


@pytest.mark.parametrize("suffix", ["png", "tif", "jpg", "dpx"])
def test_plates_of_other_formats_merge_into_an_exr(tmp_path, suffix):
    plate = tmp_path / f"p.{suffix}"
    values = np.random.default_rng(0).random((10, 14, 3), dtype=np.float32)
    assert oiio.ImageBuf(values).write(str(plate), oiio.UINT8 if suffix in {"png", "jpg"} else oiio.UINT16)
    pixels = exrs.pixels_of(plate)
    assert write_merged(tmp_path / "m.exr", pixels, layer="rgba.alpha", premult=False)
    assert np.array_equal(read_frame(tmp_path / "m.exr", 1).pixels, read_frame(plate, 1).pixels)


def write_tiff(path, names, values, kind=oiio.FLOAT):
    image = oiio.ImageBuf(values.astype(np.float32))
    image.specmod().channelnames = names
    image.specmod().alpha_channel = -1  # nothing is multiplied by it
    assert image.write(str(path), kind), oiio.geterror()
    return path


def plane(path, name):
    return OpenEXR.File(str(path), separate_channels=True).parts[0].channels[name].pixels


class TestOfAnotherFormat:
    """A plate that is no EXR loses none of its picture's channels, and no bit of a float."""

    def test_all_channels_are_kept(self, tmp_path):
        values = np.random.default_rng(0).random((10, 14, 5), dtype=np.float32)
        plate = write_tiff(tmp_path / "p.tif", ["R", "G", "B", "channel3", "channel4"], values)
        before = oiio.ImageBuf(str(plate))
        write_merged(tmp_path / "m.exr", exrs.pixels_of(plate), layer="matte.A", premult=False)
        for index, name in enumerate(before.spec().channelnames):
            assert plane(tmp_path / "m.exr", name).tobytes() == before.get_pixels()[..., index].tobytes(), name

    @pytest.mark.parametrize("kind", ["png", "tif"])
    def test_its_alpha_is_kept_beside_a_layer_of_its_own(self, tmp_path, kind):
        values = np.random.default_rng(0).random((10, 14, 4), dtype=np.float32)
        assert oiio.ImageBuf(values).write(str(tmp_path / f"p.{kind}"), oiio.UINT16)
        pixels = exrs.pixels_of(tmp_path / f"p.{kind}")
        write_merged(tmp_path / "m.exr", pixels, layer="matte.A", premult=False)
        assert np.allclose(plane(tmp_path / "m.exr", "A"), values[..., 3], atol=1e-4)

    def test_its_alpha_is_not_replaced_in_silence(self, tmp_path):
        values = np.random.default_rng(0).random((10, 14, 4), dtype=np.float32)
        assert oiio.ImageBuf(values).write(str(tmp_path / "p.png"), oiio.UINT16)
        warnings = write_merged(
            tmp_path / "m.exr", exrs.pixels_of(tmp_path / "p.png"), layer="rgba.alpha", premult=False
        )
        assert "the plate's own channel A is replaced" in warnings

    def test_what_is_no_number_or_infinite_stays_so(self, tmp_path):
        values = np.ones((10, 14, 3), np.float32)
        values[0, 0], values[0, 1, 0], values[0, 2, 1] = np.nan, np.inf, -np.inf
        plate = write_tiff(tmp_path / "p.tif", ["R", "G", "B"], values)
        write_merged(tmp_path / "m.exr", exrs.pixels_of(plate), layer="rgba.alpha", premult=False)
        merged = np.stack([plane(tmp_path / "m.exr", name) for name in "RGB"], 2)
        assert np.array_equal(merged, values, equal_nan=True)

    def test_a_grey_one_becomes_r_g_b(self, tmp_path):
        values = np.random.default_rng(0).random((10, 14, 1), dtype=np.float32)
        assert oiio.ImageBuf(values).write(str(tmp_path / "p.png"), oiio.UINT16)
        write_merged(tmp_path / "m.exr", exrs.pixels_of(tmp_path / "p.png"), layer="rgba.alpha", premult=False)
        assert set(OpenEXR.File(str(tmp_path / "m.exr"), separate_channels=True).parts[0].channels) == set("RGBA")

    def test_pages_that_are_left_out_are_said(self, tmp_path):
        first, second = (Image.fromarray(np.full((10, 14, 3), value, np.uint8)) for value in (10, 90))
        first.save(tmp_path / "p.tif", save_all=True, append_images=[second])
        warnings = write_merged(
            tmp_path / "m.exr", exrs.pixels_of(tmp_path / "p.tif"), layer="rgba.alpha", premult=False
        )
        assert "of its pictures the one that was matted" in warnings[0]

    def test_one_that_changed_its_size_since_it_was_matted_is_an_error(self, tmp_path):
        plate = tmp_path / "p.png"
        assert oiio.ImageBuf(np.ones((10, 14, 3), np.float32)).write(str(plate), oiio.UINT8)
        pixels = exrs.pixels_of(plate)
        assert oiio.ImageBuf(np.ones((20, 20, 3), np.float32)).write(str(plate), oiio.UINT8)
        with pytest.raises(PlateError, match="size"):
            write_merged(tmp_path / "m.exr", pixels, layer="rgba.alpha", premult=False)


def test_the_plates_of_the_openexr_collection_are_merged_without_loss(assets, tmp_path):
    merged = 0
    for plate in sorted((assets / "plates").rglob("*.exr")):
        try:
            pixels = exrs.pixels_of(plate)
        except PlateError as error:
            assert "deep" in error.what or "sub-sampled" in error.what
            continue
        warnings = write_merged(tmp_path / "m.exr", pixels, layer="nm_test.A", premult=False)
        before, after = exrs.everything(plate), exrs.everything(tmp_path / "m.exr")
        ours = {"compression", "oiio:RowsPerChunk"} if warnings else set()
        raw = {b"channels"} | ({b"compression", b"chunkCount"} if warnings else set())
        for old, new in zip(exrs.attributes(plate)[0], exrs.attributes(tmp_path / "m.exr")[0], strict=True):
            assert {k: v for k, v in new.items() if k not in raw} == {k: v for k, v in old.items() if k not in raw}
        for (attributes, windows, channels), (new_attributes, new_windows, new_channels) in zip(
            before, after, strict=True
        ):
            assert {k: v for k, v in new_attributes.items() if k not in ours} == {
                k: v for k, v in attributes.items() if k not in ours
            }
            assert new_windows == windows
            assert {k: v for k, v in new_channels.items() if k != "nm_test.A"} == channels, plate.name
        merged += 1
    assert merged >= 25


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    plate = exrs.write(tmp_path / "p.exr", exrs.rgb(200, 200))
    out = tmp_path / "out" / "m.exr"
    out.parent.mkdir()
    out.write_bytes(b"old")
    pixels = exrs.pixels_of(plate)
    script = (
        "import resource, sys, pickle, signal; from pathlib import Path\n"
        "from nuke_matting.plate.merge import write_merged\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))\n"
        "pixels, out = pickle.load(sys.stdin.buffer)\n"
        "write_merged(out, pixels, layer='rgba.alpha', premult=False)"
    )
    done = subprocess.run([sys.executable, "-c", script], input=pickle.dumps((pixels, out)), capture_output=True)
    assert done.returncode != 0 and b"OutputError" in done.stderr
    assert out.read_bytes() == b"old" and os.listdir(out.parent) == ["m.exr"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 9000


def test_a_full_disk_and_a_read_only_one_are_said_and_leave_what_was_there(tmp_path):
    plate = exrs.write(tmp_path / "p.exr", exrs.rgb(200, 200))
    disk = tmp_path / "disk"
    disk.mkdir()
    script = (
        "import os, pickle, subprocess, sys\n"
        "from nuke_matting.errors import OutputError\n"
        "from nuke_matting.plate.merge import write_merged\n"
        "pixels, out = pickle.load(sys.stdin.buffer)\n"
        "out.write_bytes(b'old')\n"
        "for words in ('full', 'read-only'):\n"
        "    try:\n"
        "        write_merged(out, pixels, layer='rgba.alpha', premult=False)\n"
        "    except OutputError as error:\n"
        "        assert words in error.what and error.advice and error.frame == 1001, error\n"
        "    else:\n"
        "        raise AssertionError(words)\n"
        "    assert out.read_bytes() == b'old' and os.listdir(out.parent) == [out.name]\n"
        "    subprocess.run(['mount', '-o', 'remount,ro', str(out.parent)], check=True)\n"
    )
    mount = f"mount -t tmpfs -o size=64k none '{disk}' || exit 77; exec '{sys.executable}' -c \"$0\""
    try:  # mounts in a name space of its own, which ends with the process
        done = subprocess.run(
            ["unshare", "--mount", "--map-root-user", "sh", "-c", mount, script],
            input=pickle.dumps((exrs.pixels_of(plate), disk / "m.exr")),
            capture_output=True,
            timeout=120,
        )
    except FileNotFoundError:
        pytest.skip("there is no unshare on this system")
    if done.returncode == 77 or b"unshare" in done.stderr:
        pytest.skip("this user may not mount a small disk")
    assert done.returncode == 0, done.stderr.decode()


def test_a_plate_that_is_gone_is_an_error_of_its_frame(tmp_path):
    plate = exrs.write(tmp_path / "p.exr", exrs.rgb())
    pixels = exrs.pixels_of(plate)
    plate.unlink()
    with pytest.raises(PlateError, match="1001"):
        write_merged(tmp_path / "m.exr", pixels, layer="rgba.alpha", premult=False)


@pytest.mark.parametrize("prefix, red, alpha", [("", "r g b", "a"), ("beauty.", "red green blue", "alpha")])
def test_an_alpha_in_another_spelling_is_replaced_and_not_added_to(tmp_path, prefix, red, alpha):
    values = list(exrs.rgb().values())
    planes = {f"{prefix}{name}": value for name, value in zip(red.split(), values, strict=True)}
    plate = exrs.write(tmp_path / "p.exr", {**planes, f"{prefix}{alpha}": np.full_like(values[0], 0.25)})
    write_merged(tmp_path / "m.exr", exrs.pixels_of(plate), layer="rgba.alpha", premult=False)
    exrs.assert_only_the_alpha_differs(plate, tmp_path / "m.exr", f"{prefix}{alpha}")


def test_a_channel_of_the_plate_is_not_replaced_in_silence(tmp_path):
    plate = exrs.write(tmp_path / "p.exr", {**exrs.rgb(), "depth.Z": np.zeros((12, 16), np.float32)})
    warnings = write_merged(tmp_path / "m.exr", exrs.pixels_of(plate), layer="depth.Z", premult=False)
    assert warnings == ["the plate's own channel depth.Z is replaced"]


@pytest.mark.parametrize(("views", "said"), [(("", ""), 1), (("left", "right"), 0)], ids=["one view", "two"])
def test_a_channel_that_another_part_has_too_is_said_unless_it_is_of_another_view(tmp_path, views, said):
    channels = exrs.rgb() | {"A": exrs.half()}, {"matte.A": exrs.half(), "A": exrs.half()}
    headers = [{"name": name} | ({"view": view} if view else {}) for name, view in zip("pq", views, strict=True)]
    plate = exrs.write(tmp_path / "p.exr", *zip(headers, channels, strict=True))
    warnings = write_merged(tmp_path / "m.exr", exrs.pixels_of(plate), layer="matte.A", premult=False)
    text = "another part of the plate has matte.A too, and keeps it: name another --layer"
    assert warnings == [text] * said
    assert exrs.everything(tmp_path / "m.exr")[1][2] == exrs.everything(plate)[1][2]
