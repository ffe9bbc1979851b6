"""Cut-outs from files: what is linear, what is cropped, what is carried on, and what is refused."""

import cv2
import numpy as np
import OpenEXR
import OpenImageIO as oiio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuke_matting.colour.model_space import srgb_curve, srgb_curve_inverse
from nuke_matting.errors import PlateError
from nuke_matting.training import decoding
from nuke_matting.training.decoding import LEAST_ALPHA, decode, decode_srgb, encode_srgb
from nuke_matting.training.pairs import read_picture
from nuke_matting.training.reading import read, read_photograph
from nuke_matting.training.resizing import LONG_SIDE, continued, reduced
from nuke_matting.training.values import Picture, Sides, Subject


def png(path, picture):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), picture[..., ::-1] if picture.ndim == 3 and picture.shape[2] == 3 else picture)
    return path


def exr(path, channels):
    OpenEXR.File({"type": OpenEXR.scanlineimage}, {k: np.asarray(v, np.float32) for k, v in channels.items()}).write(
        str(path)
    )
    return path


def box(shape, rows, columns, value=255):
    alpha = np.zeros(shape, np.uint8)
    alpha[rows, columns] = value
    return alpha


def flat(shape, colour, dtype=np.uint8):
    return np.full((*shape, 3), colour, dtype)


@pytest.fixture
def pair(tmp_path):
    """A subject of a picture and a matte: pair(foreground, alpha)."""

    def make(foreground, alpha, suffix=".png"):
        return Subject(
            "a", (Picture(png(tmp_path / "a_fg.png", foreground), png(tmp_path / f"a_alpha{suffix}", alpha)),)
        )

    return make


def test_a_cut_out_holds_what_shows_and_no_more(pair):
    (cut,) = read(pair(flat((100, 80), (10, 99, 200)), box((100, 80), slice(20, 90), slice(10, 60))))
    assert cut.alpha.shape == (70, 50) and cut.foreground.shape == (70, 50, 3)
    assert (cut.alpha == 255).all() and (cut.foreground == (10, 99, 200)).all()


def test_eight_bits_stay_eight_bits(pair):
    noise = np.random.default_rng(0).integers(0, 256, (50, 40, 3), np.uint8)
    (cut,) = read(pair(noise, np.full((50, 40), 255, np.uint8)))
    assert cut.foreground.dtype == np.uint8 and np.array_equal(cut.foreground, noise)


def test_eight_bits_are_decoded_by_the_srgb_curve():
    codes = np.arange(256, dtype=np.uint8)
    assert np.allclose(decode_srgb(codes), srgb_curve_inverse(codes / 255), atol=1e-7)


def test_sixteen_bits_become_scene_linear_floats(pair):
    (cut,) = read(pair(flat((50, 40), (1000, 30_001, 50_000), np.uint16), np.full((50, 40), 255, np.uint8)))
    assert cut.foreground.dtype == np.float32
    assert np.allclose(cut.foreground[0, 0], srgb_curve_inverse(np.asarray([1000, 30_001, 50_000]) / 65535), atol=1e-5)


def test_an_exr_is_scene_linear_and_keeps_what_lies_above_one(tmp_path):
    plane = np.ones((50, 40))
    path = exr(tmp_path / "a.exr", {"R": plane * 7.5, "G": plane * 0.5, "B": plane * -0.25, "A": plane})
    (cut,) = read(Subject("a", (Picture(path),)))
    assert np.allclose(cut.foreground[5, 5], (7.5, 0.5, 0.0))  # no light is below 0


def test_premultiplied_colour_is_divided_in_linear_light(tmp_path):
    linear, alpha = 0.6, 0.5
    code = round(float(srgb_curve(np.asarray(linear * alpha))) * 255)
    rgba = np.full((50, 40, 4), (code, code, code, 128), np.uint8)
    (cut,) = read(Subject("a", (Picture(png(tmp_path / "a.png", rgba)),), premultiplied=True))
    assert cut.foreground[9, 9] == pytest.approx(linear, abs=0.01)
    assert (cut.alpha == 128).all()


def test_large_pictures_are_reduced_in_linear_light(pair):
    stripes = np.zeros((2 * LONG_SIDE, 200, 3), np.uint8)
    stripes[::2] = 255
    (cut,) = read(pair(stripes, np.full(stripes.shape[:2], 255, np.uint8)))
    assert cut.alpha.shape == (LONG_SIDE, 100)
    assert (np.abs(cut.foreground.astype(int) - 188) <= 1).all()  # the code of half the light


def test_reducing_takes_no_colour_from_where_nothing_shows(pair):
    columns = np.zeros((2 * LONG_SIDE, 400), np.uint8)
    columns[:, 1::4] = 255
    picture = np.where(columns[..., None] > 0, (0, 200, 0), (255, 0, 0)).astype(np.uint8)
    (cut,) = read(pair(picture, columns))
    assert cut.foreground[..., 0].max() == 0 and (np.abs(cut.foreground[..., 1].astype(int) - 200) <= 1).all()


def test_reducing_a_photograph_takes_none_from_there_either(tmp_path):
    columns = np.zeros((2 * LONG_SIDE, 400), np.uint8)
    columns[:, 1::4] = 255
    picture = np.where(columns[..., None] > 0, (0, 200, 0), (255, 0, 0)).astype(np.uint8)
    files = {"fg": picture, "alpha": columns, "behind": np.full_like(picture, 90)}
    whole = read_photograph(Picture(*(png(tmp_path / f"a_{layer}.png", each) for layer, each in files.items())))
    assert whole.foreground[..., 0].max() == 0 and (np.abs(whole.foreground[..., 1].astype(int) - 200) <= 1).all()


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**16))
def test_colour_carries_on_where_nothing_shows(height, width, seed):
    random = np.random.default_rng(seed)
    alpha = (random.random((height, width)) * (random.random((height, width)) < 0.3)).astype(np.float32)
    alpha[random.integers(height), random.integers(width)] = 1
    shown = alpha > LEAST_ALPHA
    colour = random.integers(100, 200, (height, width, 3), dtype=np.uint8)
    filled = continued(np.where(shown[..., None], colour, 0).astype(np.uint8), alpha)
    assert np.array_equal(filled[shown], colour[shown])
    assert filled.min() >= colour[shown].min() - 1 and filled.max() <= colour[shown].max() + 1


def test_the_frames_of_a_clip_are_cropped_alike_so_that_motion_is_kept(tmp_path):
    frames = []
    for index in range(3):
        alpha = box((80, 120), slice(20, 60), slice(10 + 20 * index, 50 + 20 * index))
        frames.append(
            Picture(png(tmp_path / f"{index}_fg.png", flat((80, 120), 90)), png(tmp_path / f"{index}_alpha.png", alpha))
        )
    cuts = read(Subject("a", tuple(frames)), 0, 3)
    assert {cut.alpha.shape for cut in cuts} == {(40, 80)}
    assert [int(np.flatnonzero(cut.alpha[0])[0]) for cut in cuts] == [0, 20, 40]


def test_a_short_clip_is_run_to_and_fro(tmp_path):
    matte = png(tmp_path / "alpha.png", np.full((50, 40), 255, np.uint8))
    frames = tuple(Picture(png(tmp_path / f"{i}.png", flat((50, 40), i)), matte) for i in range(3))
    assert [cut.foreground[0, 0, 0] for cut in read(Subject("a", frames), 1, 6)] == [1, 2, 1, 0, 1, 2]


def test_a_still_is_the_same_in_every_frame(pair):
    cuts = read(pair(flat((50, 40), 9), np.full((50, 40), 255, np.uint8)), 0, 3)
    assert len(cuts) == 3 and all(cut is cuts[0] for cut in cuts)


def test_a_grey_matte_that_was_saved_with_an_opaque_alpha_is_read_by_its_grey(pair):
    matte = np.full((50, 40, 4), 255, np.uint8)
    matte[..., :3] = box((50, 40), slice(0, 50), slice(0, 40), 64)[..., None]
    _, alpha = decode(pair(flat((50, 40), 9), matte).frames[0])
    assert alpha == pytest.approx(64 / 255, abs=1e-6)


def test_a_matte_of_nothing_but_an_opaque_alpha_is_opaque(tmp_path):
    matte = exr(tmp_path / "a.exr", {"A": np.ones((50, 40))})
    _, alpha = decode(Picture(png(tmp_path / "a.png", flat((50, 40), 9)), matte))
    assert (alpha == 1).all()


@pytest.mark.parametrize(
    ("channels", "said"),
    [
        ({"A": 255.0}, "goes far beyond 0 to 1, as of another scale"),
        ({"R": 0.4, "G": 0.8, "B": 0.1}, "is a colour picture: its red was read"),
    ],
    ids=["of 0 to 255", "in colour"],
)
def test_a_matte_that_is_hardly_one_is_told_once(tmp_path, monkeypatch, channels, said):
    monkeypatch.setattr(decoding, "_warned", set())
    colour = png(tmp_path / "fg.png", flat((40, 40), 90))
    mattes = [
        exr(tmp_path / name, {key: np.full((40, 40), value) for key, value in channels.items()})
        for name in ("a.exr", "b.exr")
    ]
    with pytest.warns(UserWarning, match=rf"a\.exr: the matte {said}") as told:
        for matte in mattes:
            decode(Picture(colour, matte))
    assert len(told) == 1


def test_jpeg_mattes_reach_0_and_1(pair):
    alpha = box((64, 64), slice(None), slice(30, 64))
    noisy = np.clip(alpha.astype(int) + np.random.default_rng(0).integers(-3, 4, alpha.shape), 0, 255).astype(np.uint8)
    _, read_back = decode(pair(flat((64, 64), 9), noisy, ".jpg").frames[0])
    assert (read_back == 0).mean() > 0.4 and (read_back == 1).mean() > 0.4


def test_an_alpha_of_a_smaller_data_window_is_0_beyond_it(tmp_path):
    header = {
        "type": OpenEXR.scanlineimage,
        "dataWindow": ((10, 5), (49, 44)),
        "displayWindow": ((0, 0), (99, 59)),
    }
    planes = {name: np.ones((40, 40), np.float32) for name in "RGBA"}
    OpenEXR.File(header, planes).write(str(tmp_path / "a.exr"))
    _, alpha = decode(Picture(tmp_path / "a.exr"))
    assert alpha.shape == (60, 100) and alpha.sum() == 1600 and (alpha[5:45, 10:50] == 1).all()


def test_colourless_subjects_are_known(pair):
    matte = np.full((50, 40), 255, np.uint8)
    assert read(pair(flat((50, 40), (99, 99, 104)), matte))[0].grey
    assert not read(pair(flat((50, 40), (99, 120, 99)), matte))[0].grey


@pytest.mark.parametrize("shape", [(10, 2000), (2000, 10), (1, 5000)])
def test_reduced_pictures_have_at_least_a_pixel_each_way(shape):
    assert max(reduced(np.zeros(shape, np.float32)).shape) == LONG_SIDE
    assert min(reduced(np.zeros(shape, np.float32)).shape) >= 1


def test_frames_of_different_sizes_are_no_clip(tmp_path):
    frames = []
    for index, side in enumerate((50, 60)):
        alpha = png(tmp_path / f"{index}_alpha.png", np.full((side, side), 255, np.uint8))
        frames.append(Picture(png(tmp_path / f"{index}_fg.png", flat((side, side), 9)), alpha))
    with pytest.raises(PlateError, match="different sizes.*stills="):
        read(Subject("a", tuple(frames)), 0, 2)


def test_a_matte_of_another_size_is_refused_with_both_sizes(pair):
    with pytest.raises(PlateError, match="40x50.*30x50"):
        read(pair(flat((50, 30), 9), np.full((50, 40), 255, np.uint8)))


def test_an_empty_matte_is_refused(pair):
    with pytest.raises(PlateError, match="as good as empty"):
        read(pair(flat((50, 40), 9), np.full((50, 40), 3, np.uint8)))


def test_a_picture_without_the_alpha_that_it_should_have_is_refused(tmp_path):
    with pytest.raises(PlateError, match="has no alpha channel; .*pairs="):
        read(Subject("a", (Picture(png(tmp_path / "a.png", flat((50, 40), 9))),)))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(PlateError, match=r"gone\.png.*missing"):
        read(Subject("a", (Picture(tmp_path / "gone.png"),)))


def test_mid_grey_is_encoded_as_srgb():
    assert encode_srgb(np.full((1, 1, 3), 0.18, np.float32)).reshape(-1).tolist() == [118, 118, 118]


AP1 = (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767)


DCI = (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.314, 0.351)  # P3 with a white that no scene-linear space has
ACESCG = (1.2366, 0.1331, 0.0814)  # (0.8, 0.2, 0.1) in Rec.709, by the matrix of ACEScg


def of_floats(path, **stated):
    """An EXR of one colour and an opaque alpha, whose header states what is given."""
    planes = {
        name: np.full((20, 20), value, np.float32) for name, value in zip("RGBA", (0.8, 0.2, 0.1, 1), strict=True)
    }
    OpenEXR.File({"type": OpenEXR.scanlineimage, **stated}, planes).write(str(path))
    return Picture(path)


@pytest.mark.parametrize(
    ("stated", "wanted"),
    [
        ({}, (0.8, 0.2, 0.1)),
        ({"chromaticities": AP1}, ACESCG),
        ({"colorInteropID": "lin_ap1_scene"}, ACESCG),
        ({"colorInteropID": "lin_rec709_scene", "chromaticities": AP1}, (0.8, 0.2, 0.1)),
        ({"oiio:ColorSpace": "ACEScg"}, ACESCG),
        ({"oiio:ColorSpace": "Linear"}, (0.8, 0.2, 0.1)),
        ({"oiio:ColorSpace": "sRGB"}, tuple(srgb_curve_inverse(np.asarray([0.8, 0.2, 0.1])))),
    ],
)
def test_floats_are_taken_to_scene_linear_rec709_from_the_space_that_their_file_states(tmp_path, stated, wanted):
    colour, _ = decode(of_floats(tmp_path / "a.exr", **stated))
    assert np.allclose(colour[5, 5], wanted, atol=0.02)


def test_primaries_that_are_stated_and_not_known_are_told_once_and_taken_for_rec709(tmp_path, monkeypatch):
    monkeypatch.setattr(decoding, "_warned", set())
    with pytest.warns(UserWarning, match=r"a\.exr: .* of no known gamut, so its colour is taken for Rec\.709") as told:
        colours = [decode(of_floats(tmp_path / name, chromaticities=DCI))[0] for name in ("a.exr", "b.exr")]
    assert len(told) == 1
    assert np.allclose([each[5, 5] for each in colours], (0.8, 0.2, 0.1))


def test_a_picture_that_calls_itself_data_is_refused(tmp_path):
    with pytest.raises(PlateError, match=r"a\.exr: .*data, not colour.*save it in a colour space"):
        decode(of_floats(tmp_path / "a.exr", colorInteropID="data"))


@pytest.mark.parametrize("side", ["left", "right", "top", "bottom", None])
def test_a_cut_out_knows_where_its_picture_ends(pair, side):
    inner = slice(20, 60)
    spans = {"left": (inner, slice(0, 60)), "right": (inner, slice(20, 80))}
    spans |= {"top": (slice(0, 60), inner), "bottom": (slice(20, 80), inner)}
    rows, columns = spans.get(side, (inner, inner))
    (cutout,) = read(pair(flat((80, 80), 90), box((80, 80), rows, columns)))
    assert cutout.ends == (Sides(**{side: True}) if side else Sides())


def oriented(path, stored, orientation):
    """A JPEG of pixels as they are stored, that says how it is to be turned."""
    spec = oiio.ImageSpec(stored.shape[1], stored.shape[0], stored.shape[2], "uint8")
    spec.attribute("Orientation", orientation)
    spec.attribute("Compression", "jpeg:100")
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), spec) and out.write_image(np.ascontiguousarray(stored)) and out.close()
    return path


def camera(path, picture, orientation):
    """A picture as a camera keeps it that was held so."""
    quarters = {1: 0, 3: 2, 6: 1, 8: 3}  # of a turn, against the clock
    return oriented(path, np.rot90(picture, quarters[orientation]), orientation)


def red_above_blue(rows, columns):
    picture = flat((rows, columns), (20, 20, 230))
    picture[: rows // 3] = (230, 20, 20)
    return picture


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_camera_s_jpeg_lies_under_its_matte_as_it_is_seen(tmp_path, orientation):
    shown = red_above_blue(96, 64)
    matte = png(tmp_path / "a.png", np.full((96, 64), 255, np.uint8))
    colour, alpha = decode(Picture(camera(tmp_path / "a.jpg", shown, orientation), matte))
    assert colour.shape[:2] == alpha.shape == (96, 64)
    assert np.abs(colour.astype(int) - shown)[[5, -5]].max() < 9


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_matte_and_what_is_behind_are_turned_by_their_own_orientation(tmp_path, orientation):
    shown = red_above_blue(96, 64)
    matte = camera(tmp_path / "alpha.jpg", box((96, 64, 1), slice(0, 32), slice(None)), orientation)
    behind = camera(tmp_path / "behind.jpg", shown, orientation)
    whole = read_photograph(Picture(png(tmp_path / "fg.png", shown), matte, behind))
    assert whole.alpha[5].min() == 255 and whole.alpha[-5].max() == 0
    assert np.abs(whole.behind.astype(int) - shown)[[5, -5]].max() < 9


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_alike_whoever_reads_them(tmp_path, orientation):
    noise = cv2.resize(np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8), (48, 32))
    path = oriented(tmp_path / "a.jpg", noise, orientation)
    there = read_picture(path)[..., ::-1]
    matte = png(tmp_path / "a.png", np.full(there.shape[:2], 255, np.uint8))
    colour, _ = decode(Picture(path, matte))
    assert np.abs(colour.astype(int) - there).max() < 5
