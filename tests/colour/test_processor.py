"""The way of pixels from the plate's space to the model space and back."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import PyOpenColorIO as ocio_lib
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nuke_matting.colour import model_space
from nuke_matting.colour.config import DEFAULT_CONFIG
from nuke_matting.colour.processor import open_colour
from nuke_matting.errors import ColourError
from nuke_matting.plate.frame import ColourHints
from nuke_matting.resources import shipped

LINEAR = ["ACEScg", "ACES2065-1", "lin_rec709", "lin_rec2020", "lin_p3d65", "lin_arri_wide_gamut_4"]
ENCODED = ["srgb_texture", "sRGB - Display", "ACEScct", "arri_logc4", "slog3_sgamut3"]

AP1_TO_AP0 = (
    "0.695452241357452, 0.140678696470703, 0.163869062171845, 0, "
    "0.0447945633720377, 0.859671118456422, 0.0955343181715404, 0, "
    "-0.00552588255811355, 0.00402521030597866, 1.00150067225213, 0, 0, 0, 0, 1"
)
REC709_TO_AP1 = (
    "0.61309740, 0.33952315, 0.04737945, 0, 0.07019372, 0.91635388, 0.01345240, 0, "
    "0.02061559, 0.10956977, 0.86981463, 0, 0, 0, 0, 1"
)

HEAD = """ocio_profile_version: 2
name: studio
search_path: luts
roles: {%s}
file_rules:
  - !<Rule> {name: Default, colorspace: show}
displays:
  d:
    - !<View> {name: v, colorspace: show}
colorspaces:
"""
# The reference is ACEScg, called `show`.
SHOW = """  - !<ColorSpace> {name: show}
"""
AP0 = f"""  - !<ColorSpace>
    name: archive
    from_scene_reference: !<MatrixTransform> {{matrix: [{AP1_TO_AP0}]}}
"""
WEB = f"""  - !<ColorSpace>
    name: web
    to_scene_reference: !<GroupTransform>
      children:
        - !<ExponentWithLinearTransform> {{gamma: [2.4, 2.4, 2.4, 1], offset: [0.055, 0.055, 0.055, 0]}}
        - !<MatrixTransform> {{matrix: [{REC709_TO_AP1}]}}
"""
PLAIN = f"""  - !<ColorSpace>
    name: plain
    to_scene_reference: !<MatrixTransform> {{matrix: [{REC709_TO_AP1}]}}
"""
BROKEN = """  - !<ColorSpace>
    name: broken
    to_scene_reference: !<FileTransform> {src: gone.spi1d}
"""


@pytest.fixture(autouse=True)
def no_config_in_the_environment(monkeypatch):
    monkeypatch.delenv("OCIO", raising=False)


def studio(tmp_path, *spaces, roles="default: show, scene_linear: show"):
    path = tmp_path / "studio.ocio"
    path.write_text(HEAD % roles + "".join(spaces))
    return str(path)


def grey(*values):
    return np.repeat(np.array(values, np.float32)[None, :, None], 3, axis=2)


def noise(height, width, scale=16.0, seed=1):
    return (np.random.default_rng(seed).random((height, width, 3)) ** 3 * scale).astype(np.float32)


pictures = arrays(
    np.float32,
    st.tuples(st.integers(1, 5), st.integers(1, 5), st.just(3)),
    elements=st.floats(0, 16, width=32),
)


@pytest.mark.parametrize("space", LINEAR)
@given(pixels=pictures)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_there_and_back_is_exact_to_a_thousandth_from_0_to_16(space, pixels):
    pipe = open_colour(colourspace=space)
    assert np.abs(pipe.to_plate(pipe.to_model(pixels)) - pixels).max() <= 1e-3


@pytest.mark.parametrize("space", LINEAR)
def test_there_and_back_keeps_negatives_and_very_bright_values(space):
    pipe = open_colour(colourspace=space)
    pixels = grey(-100, -1, -0.01, 0, 1e-6, 100, 1000, 30000, 65504)
    assert np.allclose(pipe.to_plate(pipe.to_model(pixels)), pixels, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("space", ENCODED)
def test_there_and_back_works_for_display_and_log_spaces(space):
    pipe = open_colour(colourspace=space)
    pixels = noise(8, 8, scale=1.0) * 0.8 + 0.1
    assert np.abs(pipe.to_plate(pipe.to_model(pixels)) - pixels).max() <= 1e-3


def test_the_model_value_is_that_of_the_definition():
    linear = noise(16, 16) - 0.5
    found = open_colour(colourspace="lin_rec709").to_model(linear)
    assert np.abs(found - model_space.to_model(linear.astype(np.float64))).max() <= 1e-5


def test_grey_has_the_same_model_value_from_every_scene_linear_space():
    pixels = grey(0.18, 1, 16)
    values = [open_colour(colourspace=space).to_model(pixels) for space in LINEAR]
    assert all(np.abs(each - values[0]).max() < 2e-4 for each in values)  # cameras' matrices are rounded


def test_highlights_are_neither_clipped_nor_merged():
    found = open_colour().to_model(grey(1, 4, 16, 1000, 65504))[0, :, 1]
    assert np.all(np.diff(found) > 0.03)


@pytest.mark.parametrize(
    ("space", "linear"),
    [
        ("ACEScg", True),
        ("ACES2065-1", True),
        ("lin_rec709", True),
        ("ACEScct", False),
        ("sRGB - Texture", False),
        ("arri_logc4", False),
    ],
)
def test_it_is_known_whether_a_space_is_scene_linear(space, linear):
    assert open_colour(colourspace=space).is_linear is linear


def test_scene_linear_rec709_has_the_plates_own_light():
    pipe = open_colour(colourspace="ACEScg")
    red = np.array([[[0.61309740, 0.07019372, 0.02061559]]], np.float32) * 1000
    assert np.allclose(pipe.to_linear_rec709(red), [[[1000, 0, 0]]], atol=0.05)
    assert np.allclose(pipe.to_model(red), model_space.to_model(pipe.to_linear_rec709(red)), atol=1e-4)


@pytest.mark.parametrize("space", [*LINEAR, *ENCODED])
def test_wild_values_are_finite_and_in_order_in_the_model_space(space):
    pipe = open_colour(colourspace=space)
    wild = grey(-np.inf, -1, 0.5, 2.0, 16.0, 65504, np.inf)
    for found in (pipe.to_model(wild), pipe.to_linear_rec709(wild)):
        assert np.isfinite(found).all()
        assert np.all(np.diff(found[0, :, 1]) >= 0)
    assert np.array_equal(pipe.to_model(grey(np.nan)), pipe.to_model(grey(0)))


@pytest.mark.parametrize("space", [*LINEAR, *ENCODED])
def test_values_beyond_any_light_are_finite_in_the_model_space_and_counted(space):
    pipe, most = open_colour(colourspace=space), np.finfo(np.float32).max
    plain = [[0.5, 0.2, 0.1], [-0.1, 1.0, 1.0]]
    wild = [[2.5e38] * 3, [most] * 3, [-most] * 3, [most, -most, most], [-most, most, -most], [-1e38, 1e38, 0]]
    pixels = np.array([[*plain, *wild]], np.float32)
    found = pipe.to_model(pixels)
    for each in (found, pipe.to_linear_rec709(pixels), pipe.to_plate(found), pipe.to_plate(pixels)):
        assert np.isfinite(each).all()
    assert np.array_equal(found[:, :2], pipe.to_model(pixels[:, :2]))
    assert pipe.beyond(pixels) == len(wild)
    assert pipe.beyond(pixels[:, :2]) == pipe.beyond(pixels[:, :0]) == 0


def test_a_float_plates_light_beyond_what_halves_hold_is_kept():
    pipe = open_colour(colourspace="ACEScg")
    assert np.allclose(pipe.to_plate(pipe.to_model(grey(1e5, 1e9))), grey(1e5, 1e9), rtol=1e-3)
    assert pipe.beyond(grey(1e5, 1e9)) == 0


@pytest.mark.parametrize("space", [*LINEAR, *ENCODED])
def test_wild_model_values_are_finite_in_the_plate(space):
    assert np.isfinite(open_colour(colourspace=space).to_plate(grey(-2, 2, 1000, np.inf, np.nan))).all()


def test_the_input_is_left_alone_and_the_result_is_new():
    pipe = open_colour()
    pixels = noise(4, 4)
    before = pixels.copy()
    found = pipe.to_model(pixels)
    assert np.array_equal(pixels, before)
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    assert not np.shares_memory(found, pixels)


@pytest.mark.parametrize("change", [lambda x: x[::2, ::-1], lambda x: x.astype(np.float16), np.asfortranarray])
def test_any_memory_layout_and_float_type_will_do(change):
    pipe = open_colour()
    pixels = change(noise(6, 8))
    assert np.array_equal(pipe.to_model(pixels), pipe.to_model(np.array(pixels, np.float32, order="C")))


@pytest.mark.parametrize("shape", [(0, 4, 3), (4, 0, 3)])
def test_an_empty_picture_stays_empty(shape):
    assert open_colour().to_model(np.zeros(shape, np.float32)).shape == shape


@pytest.mark.parametrize("shape", [(4, 3), (4, 4, 4), (4, 4, 1)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="not \\[H, W, 3\\]"):
        open_colour().to_model(np.zeros(shape, np.float32))


def test_the_place_in_the_picture_does_not_change_a_bit():
    pipe = open_colour()
    pixels = noise(37, 53)
    assert np.array_equal(pipe.to_model(pixels)[5:6, 7:8], pipe.to_model(pixels[5:6, 7:8]))


def test_eight_callers_at_once_get_what_one_gets():
    pixels = [noise(200, 300, seed=seed) for seed in range(8)]

    def work(picture):
        pipe = open_colour(colourspace="arri_logc4")
        return pipe.to_model(picture)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, pixels))
    assert all(np.array_equal(each, work(picture)) for each, picture in zip(found, pixels, strict=True))


def test_two_configs_live_in_one_process(tmp_path):
    mine = studio(tmp_path, SHOW, AP0, roles="default: show, scene_linear: show, aces_interchange: archive")
    pixels = noise(8, 8)
    first, second = open_colour(), open_colour(mine)
    assert (first.space, second.space) == ("ACEScg", "show")
    assert first.config_name == f"{DEFAULT_CONFIG} (built-in default)"
    assert second.config_name == f"{mine} (--ocio)"
    assert np.allclose(first.to_model(pixels), second.to_model(pixels), atol=1e-5)
    third = open_colour(mine, "archive")
    assert np.allclose(third.to_model(pixels), open_colour("", "ACES2065-1").to_model(pixels), atol=1e-5)


def test_the_config_of_the_environment_is_used(tmp_path, monkeypatch):
    roles = "default: show, scene_linear: show, aces_interchange: archive"
    monkeypatch.setenv("OCIO", studio(tmp_path, SHOW, AP0, roles=roles))
    assert open_colour().space == "show"


@pytest.mark.parametrize("known", [PLAIN, WEB.replace("web", "sRGB")])
def test_without_the_interchange_role_spaces_are_recognised_by_their_mathematics(tmp_path, known):
    pixels = noise(8, 8)
    found = open_colour(studio(tmp_path, SHOW, known))
    assert np.allclose(found.to_model(pixels), open_colour("", "ACEScg").to_model(pixels), atol=1e-4)
    assert np.allclose(found.to_plate(found.to_model(pixels)), pixels, atol=1e-3)


def test_an_old_config_with_a_table_for_srgb_is_recognised(tmp_path):
    """As Nuke's own default config: version 1, the reference is linear Rec.709, sRGB is a table."""
    steps = np.linspace(0, 1, 4096)
    table = "\n".join(f"{value:.9f}" for value in model_space.srgb_curve_inverse(steps))
    (tmp_path / "luts").mkdir()
    (tmp_path / "luts" / "srgb.spi1d").write_text(
        f"Version 1\nFrom 0 1\nLength {len(steps)}\nComponents 1\n{{\n{table}\n}}\n"
    )
    (tmp_path / "old.ocio").write_text(
        "ocio_profile_version: 1\nsearch_path: luts\nroles: {default: linear, scene_linear: linear}\n"
        "displays:\n  d:\n    - !<View> {name: v, colorspace: sRGB}\ncolorspaces:\n"
        "  - !<ColorSpace> {name: linear}\n"
        "  - !<ColorSpace>\n    name: sRGB\n"
        "    to_reference: !<FileTransform> {src: srgb.spi1d, interpolation: linear}\n"
    )
    pixels = noise(8, 8)
    found = open_colour(str(tmp_path / "old.ocio"))
    assert found.space == "linear"
    assert np.allclose(found.to_model(pixels), open_colour("", "lin_rec709").to_model(pixels), atol=1e-4)


def test_without_the_role_a_space_called_aces2065_1_is_taken_by_its_name(tmp_path):
    found = open_colour(studio(tmp_path, SHOW, AP0.replace("archive", "ACES2065-1"), BROKEN))
    assert np.allclose(found.to_model(grey(0.18)), open_colour().to_model(grey(0.18)), atol=1e-5)


def test_where_nothing_is_recognised_the_error_says_which_role_to_add(tmp_path):
    path = studio(tmp_path, SHOW)
    with pytest.raises(ColourError) as caught:
        open_colour(path)
    assert path in str(caught.value)
    assert "aces_interchange" in caught.value.advice
    assert f"--ocio {DEFAULT_CONFIG}" in caught.value.advice


def test_an_interchange_role_that_leads_nowhere_is_an_error(tmp_path):
    roles = "default: show, scene_linear: show, aces_interchange: nowhere"
    with pytest.raises(ColourError):
        open_colour(studio(tmp_path, SHOW, roles=roles))


def test_a_missing_table_is_an_error_that_names_the_space_and_the_file(tmp_path):
    roles = "default: show, scene_linear: show, aces_interchange: archive"
    path = studio(tmp_path, SHOW, AP0, BROKEN, roles=roles)
    with pytest.raises(ColourError, match=r"'broken'.*gone\.spi1d.*search_path") as caught:
        open_colour(path, "broken")
    assert "\n" not in str(caught.value)
    assert open_colour(path).space == "show"  # the rest of that config goes on working


def test_an_unknown_space_is_an_error_that_names_the_config():
    with pytest.raises(ColourError, match=r"'ACEScgg'.*studio-config.*did you mean 'ACEScg'"):
        open_colour(colourspace="ACEScgg")


def test_what_the_file_says_is_used():
    pipe = open_colour(hints=ColourHints(interop_id="lin_rec2020_scene"), path="a.exr")
    assert pipe.space == "Linear Rec.2020"
    assert pipe.reason == "the file's colorInteropID is 'lin_rec2020_scene'"


def test_the_digest_changes_with_the_mathematics_and_only_with_it(tmp_path):
    roles = "default: show, scene_linear: show, aces_interchange: archive"
    path = studio(tmp_path, SHOW, AP0, roles=roles)
    first = open_colour(path).digest
    assert len(first) == 64
    assert open_colour(path).digest == first
    assert open_colour(studio(tmp_path, SHOW, AP0, WEB, roles=roles)).digest == first  # a space that is not used
    other = AP0.replace("0.695452241357452", "0.7")
    assert open_colour(studio(tmp_path, SHOW, other, roles=roles)).digest != first
    assert open_colour("", "ACEScg").digest != open_colour("", "lin_rec2020").digest


def test_the_digest_is_the_same_in_another_process():
    code = "from nuke_matting.colour.processor import open_colour; print(open_colour(colourspace='arri_logc4').digest)"
    root = Path(shipped("ocio")).parent
    other = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert other.stdout.strip() == open_colour(colourspace="arri_logc4").digest


def merge_snippet():
    readme = shipped("ocio/README.md").read_text(encoding="utf-8")
    blocks = [part.split("```")[0] for part in readme.split("```yaml\n")[1:]]
    return next(block for block in blocks if "nuke_matting_model.clf" in block)


def test_the_readmes_snippet_puts_the_model_space_into_a_config(tmp_path):
    text = ocio_lib.Config.CreateFromFile(DEFAULT_CONFIG).serialize()
    assert 'search_path: ""' in text
    text = text.replace('search_path: ""', "search_path: luts")
    (tmp_path / "luts").mkdir()
    clf = shipped("ocio/nuke_matting_model.clf")
    (tmp_path / "luts" / clf.name).write_bytes(clf.read_bytes())
    (tmp_path / "merged.ocio").write_text(text.replace("\ncolorspaces:\n", f"\ncolorspaces:\n{merge_snippet()}"))
    merged = ocio_lib.Config.CreateFromFile(str(tmp_path / "merged.ocio"))
    merged.validate()
    way = merged.getProcessor("ACEScg", "nuke_matting model").getOptimizedCPUProcessor(ocio_lib.OPTIMIZATION_LOSSLESS)
    pixels = noise(16, 16) - 0.5
    found = pixels.copy()
    way.apply(ocio_lib.PackedImageDesc(found, 16, 16, 3))
    assert np.abs(found - open_colour().to_model(pixels)).max() <= 1e-5


def test_the_readmes_snippet_fits_a_config_whose_reference_is_rec709(tmp_path):
    snippet = "".join(line for line in merge_snippet().splitlines(True) if "ColorSpaceTransform" not in line)
    (tmp_path / "luts").mkdir()
    clf = shipped("ocio/nuke_matting_model.clf")
    (tmp_path / "luts" / clf.name).write_bytes(clf.read_bytes())
    merged = ocio_lib.Config.CreateFromFile(studio(tmp_path, SHOW, snippet))
    way = merged.getProcessor("show", "nuke_matting model").getOptimizedCPUProcessor(ocio_lib.OPTIMIZATION_LOSSLESS)
    found = way.applyRGB([4.0, 0.18, -0.1])
    assert np.allclose(found, model_space.to_model(np.array([4.0, 0.18, -0.1])), atol=1e-5)


TABLE = "Version 1\nFrom 0.0 1.0\nLength 2\nComponents 1\n{{\n0.0\n{}\n}}\n"


def test_a_look_up_table_that_has_changed_is_read_again(tmp_path):
    table, config = tmp_path / "luts" / "a.spi1d", tmp_path / "config.ocio"
    table.parent.mkdir()
    config.write_text(
        "ocio_profile_version: 2\nsearch_path: luts\nroles: {default: lin, scene_linear: lin, aces_interchange: lin}\n"
        "file_rules:\n  - !<Rule> {name: Default, colorspace: default}\n"
        "displays:\n  d:\n    - !<View> {name: v, colorspace: lin}\n"
        "colorspaces:\n  - !<ColorSpace> {name: lin}\n"
        "  - !<ColorSpace>\n    name: log\n    to_scene_reference: !<GroupTransform>\n      children:\n"
        "        - !<FileTransform> {src: a.spi1d, interpolation: linear}\n"
    )
    seen = []
    for top in ("1.0", "0.5", "0.5", "0.25"):
        if not seen or table.read_text() != TABLE.format(top):
            table.write_text(TABLE.format(top))
        pipe = open_colour(str(config), "log")
        seen.append((float(pipe.to_linear_rec709(np.full((1, 1, 3), 0.5, np.float32))[0, 0, 0]), pipe.digest))
    assert [value for value, _ in seen] == pytest.approx([0.5, 0.25, 0.25, 0.125], abs=1e-3)
    assert len({digest for _, digest in seen}) == 3
    table.unlink()
    with pytest.raises(ColourError, match="cannot convert 'log'"):
        open_colour(str(config), "log")
