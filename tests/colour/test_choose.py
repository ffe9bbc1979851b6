"""The colour space that a plate is taken to be in, and the reason that is given for it."""

import PyOpenColorIO as ocio_lib
import pytest

from nuke_matting.colour.choose import choose_space
from nuke_matting.colour.config import DEFAULT_CONFIG, load_config
from nuke_matting.colour.gamuts import _GAMUTS
from nuke_matting.errors import ColourError
from nuke_matting.plate.frame import ColourHints

NEWEST = "ocio://studio-config-v5.0.0_aces-v2.1_ocio-v2.6"
AP1 = _GAMUTS["lin_ap1_scene"]

# Reference: ACEScg under a name that says nothing. Rec.709 likewise, so that only mathematics can tell them.
STUDIO = """ocio_profile_version: 2
name: studio
roles: {default: flat, scene_linear: show_linear, compositing_log: show_log}
file_rules:
  - !<Rule> {name: Elements, pattern: "*elements*", extension: "*", colorspace: other_linear}
  - !<Rule> {name: EXR, pattern: "*", extension: exr, colorspace: show_linear}
  - !<Rule> {name: ColorSpaceNamePathSearch}
  - !<Rule> {name: Default, colorspace: flat}
displays:
  d:
    - !<View> {name: v, colorspace: flat}
colorspaces:
  - !<ColorSpace> {name: show_linear, aliases: [the_show]}
  - !<ColorSpace>
    name: other_linear
    to_scene_reference: !<MatrixTransform>
      matrix: [0.61309740, 0.33952315, 0.04737945, 0, 0.07019372, 0.91635388, 0.01345240, 0,
               0.02061559, 0.10956977, 0.86981463, 0, 0, 0, 0, 1]
  - !<ColorSpace>
    name: show_log
    from_scene_reference: !<LogAffineTransform>
      {base: 10, log_side_slope: 0.2, log_side_offset: 0.5, lin_side_offset: 0.01}
  - !<ColorSpace> {name: flat, isdata: true}
"""


@pytest.fixture
def default():
    return load_config(DEFAULT_CONFIG)[0]


@pytest.fixture
def studio():
    return ocio_lib.Config.CreateFromStream(STUDIO)


def png(**hints):
    return ColourHints(file_format="png", integer=True, **hints)


@pytest.mark.parametrize("wanted", ["ACEScg", "acescg", "ACES - ACEScg", "scene_linear", "lin_ap1_scene", " ACEScg "])
def test_the_user_may_use_names_aliases_roles_and_interop_ids(default, wanted):
    choice = choose_space(default, ColourHints(interop_id="lin_rec709_scene"), "a.exr", wanted)
    assert choice.name == "ACEScg"
    assert choice.reason.startswith("chosen by the user")


@pytest.mark.parametrize(
    ("wanted", "near"),
    [
        ("ACEScgg", "'ACEScg'"),
        ("logc4", "'ARRI LogC4'"),
        ("lin_rec_709", "'lin_rec709'"),
        ("scenelinear", "'scene_linear'"),
    ],
)
def test_an_unknown_space_is_an_error_with_near_matches(default, wanted, near):
    with pytest.raises(ColourError) as caught:
        choose_space(default, ColourHints(), "a.exr", wanted)
    assert repr(wanted) in str(caught.value)
    assert near in caught.value.advice


def test_a_name_of_the_public_configs_leads_to_the_same_space_under_the_studios_name(studio):
    with pytest.raises(ColourError, match="did you mean 'show_linear'"):
        choose_space(studio, ColourHints(), "a.exr", "ACEScg")


def test_where_nothing_is_near_the_spaces_are_listed(studio):
    with pytest.raises(ColourError, match="it has show_linear, other_linear, show_log$"):
        choose_space(studio, ColourHints(), "a.exr", "zzzzzzzz")


@pytest.mark.parametrize("wanted", ["Raw", "data", "Utility - Raw"])
def test_a_data_space_is_refused_from_the_user(default, wanted):
    with pytest.raises(ColourError, match="holds data.*name a colour space, for example 'ACEScg'"):
        choose_space(default, ColourHints(), "a.exr", wanted)


@pytest.mark.parametrize("hints", [ColourHints(interop_id="data"), ColourHints(oiio_space="Raw")])
def test_a_file_that_calls_itself_data_is_refused_until_the_user_names_a_space(default, hints):
    with pytest.raises(ColourError, match="^p/a.exr: the file calls its pixels data.*--colourspace"):
        choose_space(default, hints, "p/a.exr")
    assert choose_space(default, hints, "p/a.exr", "ACEScg").name == "ACEScg"


@pytest.mark.parametrize("config", [DEFAULT_CONFIG, NEWEST])
@pytest.mark.parametrize(
    ("identifier", "name"),
    [
        ("lin_ap1_scene", "ACEScg"),
        ("lin_ap0_scene", "ACES2065-1"),
        ("lin_rec709_scene", "Linear Rec.709 (sRGB)"),
        ("srgb_rec709_scene", "sRGB Encoded Rec.709 (sRGB)"),
        ("srgb_rec709_display", "sRGB - Display"),
        ("ocio:arrilogc4_awg4_scene", "ARRI LogC4"),
    ],
)
def test_the_interop_id_is_understood_whether_or_not_the_config_has_such_ids(config, identifier, name):
    choice = choose_space(load_config(config)[0], ColourHints(interop_id=identifier), "a.exr")
    assert choice.name == name
    assert choice.reason == f"the file's colorInteropID is {identifier!r}"


def test_the_interop_id_is_found_by_mathematics_in_a_config_of_other_names(studio):
    assert choose_space(studio, ColourHints(interop_id="lin_ap1_scene"), "a.exr").name == "show_linear"
    assert choose_space(studio, ColourHints(interop_id="lin_rec709_scene"), "a.exr").name == "other_linear"


def test_the_attributes_of_a_file_have_an_order(default):
    everything = ColourHints("lin_rec2020_scene", "lin_p3d65", _GAMUTS["lin_ap0_scene"])
    assert choose_space(default, everything, "a.exr").name == "Linear Rec.2020"
    less = ColourHints(oiio_space="lin_p3d65", chromaticities=_GAMUTS["lin_ap0_scene"])
    assert choose_space(default, less, "a.exr").name == "Linear P3-D65"
    least = ColourHints(chromaticities=_GAMUTS["lin_ap0_scene"])
    assert choose_space(default, least, "a.exr").name == "ACES2065-1"


def test_an_attribute_that_the_config_does_not_know_is_passed_over_and_said(default):
    hints = ColourHints(interop_id="acme:mystery", oiio_space="Acme Film", chromaticities=AP1)
    choice = choose_space(default, hints, "a.exr")
    assert choice.name == "ACEScg"
    assert choice.reason.startswith("the file's chromaticities are those of lin_ap1_scene")
    assert "'acme:mystery'" in choice.reason
    assert "'Acme Film'" in choice.reason


def test_an_interop_id_that_is_no_utf_8_is_passed_over_and_said(default):
    choice = choose_space(default, ColourHints(interop_id="caf\udce9", oiio_space="stra\udcdfe"), "a.exr")
    assert choice.name == "ACEScg" and r"does not know the file's colorInteropID 'caf\udce9'" in choice.reason


def test_an_unknown_interop_id_called_unknown_says_nothing(default):
    assert "unknown" not in choose_space(default, ColourHints(interop_id="unknown"), "a.exr").reason


@pytest.mark.parametrize("name", _GAMUTS)
def test_chromaticities_lead_to_the_linear_space_of_the_config(default, name):
    choice = choose_space(default, ColourHints(chromaticities=_GAMUTS[name]), "a.exr")
    assert choice.name == default.getColorSpace(name).getName()


def test_chromaticities_the_config_has_no_space_for_are_passed_over(studio):
    choice = choose_space(studio, ColourHints(chromaticities=_GAMUTS["lin_sgamut3"]), "a.exr")
    assert choice.name == "show_linear"
    assert "no space for the file's chromaticities (lin_sgamut3)" in choice.reason


def test_chromaticities_of_a_file_of_integers_say_nothing_of_its_curve(default):
    assert choose_space(default, png(chromaticities=_GAMUTS["lin_rec709_scene"]), "a.png").name.startswith("sRGB")


def test_an_exr_without_any_word_is_in_the_scene_linear_role_not_rec709(default):
    choice = choose_space(default, ColourHints(), "a.exr")
    assert choice.name == "ACEScg"
    assert "scene_linear" in choice.reason


@pytest.mark.parametrize("config", [NEWEST, "ocio://cg-config-v4.0.0_aces-v2.0_ocio-v2.5"])
def test_the_catch_all_rule_of_the_public_configs_is_passed_over_and_said(config):
    choice = choose_space(load_config(config)[0], ColourHints(), "/show/plate.exr")
    assert choice.name == "ACEScg"
    assert "'EXR' is passed over" in choice.reason


def test_a_studios_own_rule_counts(studio):
    choice = choose_space(studio, ColourHints(), "/show/elements/smoke.exr")
    assert choice.name == "other_linear"
    assert "'Elements'" in choice.reason
    assert "'EXR'" in choose_space(studio, ColourHints(), "/show/plate.exr").reason


def test_rules_see_the_whole_path_wherever_the_user_stands(studio, tmp_path, monkeypatch):
    (tmp_path / "elements").mkdir()
    monkeypatch.chdir(tmp_path / "elements")
    assert choose_space(studio, ColourHints(), "a.exr").name == "other_linear"
    assert choose_space(studio, ColourHints(), "").name == "show_linear", "no path is none"


def test_the_file_comes_before_the_rules(studio):
    assert choose_space(studio, ColourHints(interop_id="lin_ap1_scene"), "/elements/a.exr").name == "show_linear"


def test_a_space_named_in_the_path_counts_where_the_config_says_so(studio):
    assert choose_space(studio, png(), "/show/plate_show_log.png").name == "show_log"


def test_a_data_space_found_in_the_path_is_passed_over_and_said(studio):
    choice = choose_space(studio, ColourHints(file_format="tiff"), "/show/flat_lens/a.tif")
    assert choice.name == "show_linear"
    assert "'flat', which is not colour" in choice.reason


@pytest.mark.parametrize("config", [DEFAULT_CONFIG, NEWEST])
@pytest.mark.parametrize("kind", ["png", "jpeg", "tiff"])
def test_files_of_integers_are_srgb(config, kind):
    choice = choose_space(load_config(config)[0], ColourHints(file_format=kind, integer=True), f"a.{kind}")
    assert choice.name == "sRGB Encoded Rec.709 (sRGB)"
    assert kind in choice.reason


@pytest.mark.parametrize("named", ["sRGB", "srgb"])
def test_of_older_configs_the_space_called_srgb_counts_whatever_its_curve(named):
    plain = "!<ColorSpace> {name: flat, isdata: true}"
    power = f"!<ColorSpace> {{name: {named}, to_scene_reference: !<ExponentTransform> {{value: 2.2}}}}"
    config = ocio_lib.Config.CreateFromStream(STUDIO.replace(plain, f"{plain}\n  - {power}"))
    assert choose_space(config, png(), "a.png").name == named


def test_a_file_of_integers_is_not_taken_for_scene_linear_where_the_config_has_no_srgb(studio):
    with pytest.raises(ColourError, match=r"a\.png: .*no sRGB space.*--colourspace.*--clean-colourspace"):
        choose_space(studio, png(), "a.png")


@pytest.mark.parametrize("role", ["", "compositing_log: flat, "])
def test_nor_is_a_log_file_where_the_config_has_no_role_for_it(role):
    config = ocio_lib.Config.CreateFromStream(STUDIO.replace(", compositing_log: show_log", f", {role}".rstrip(", ")))
    with pytest.raises(ColourError, match=r"a\.dpx: .*no role compositing_log.*--colourspace"):
        choose_space(config, ColourHints(file_format="dpx", integer=True), "a.dpx")


def test_a_radiance_file_is_linear_rec709_where_the_config_has_that(default, studio):
    hints = ColourHints(file_format="hdr")
    assert choose_space(default, hints, "a.hdr").name == "Linear Rec.709 (sRGB)"
    assert choose_space(studio, hints, "a.hdr").name == "other_linear", "found by its mathematics"


@pytest.mark.parametrize(("config", "name"), [("default", "ACEScct"), ("studio", "show_log")])
def test_dpx_is_in_the_log_role(config, name, request):
    hints = ColourHints(file_format="dpx", integer=True)
    choice = choose_space(request.getfixturevalue(config), hints, "a.dpx")
    assert choice.name == name
    assert "compositing_log" in choice.reason


def test_what_a_dpx_states_comes_before_the_log_role_and_is_told_as_it_states_it(default):
    stated = ("dpx:Transfer", "ITU-R 709-4")
    hints = ColourHints(oiio_space="srgb_rec709_scene", stated=stated, file_format="dpx", integer=True)
    choice = choose_space(default, hints, "a.dpx")
    assert choice.name == "sRGB Encoded Rec.709 (sRGB)"
    assert choice.reason == "the file's dpx:Transfer is 'ITU-R 709-4'"


def test_openimageios_old_names_are_understood(default):
    assert choose_space(default, png(oiio_space="sRGB"), "a.png").name == "sRGB Encoded Rec.709 (sRGB)"
    assert choose_space(default, ColourHints(oiio_space="Linear"), "a.tif").name == "ACEScg"


def test_without_a_role_to_fall_back_to_the_user_has_to_say():
    config = ocio_lib.Config.CreateFromStream(STUDIO.replace("scene_linear: show_linear, ", ""))
    with pytest.raises(ColourError, match="a.tif: .*no role scene_linear.*--colourspace"):
        choose_space(config, ColourHints(file_format="tiff"), "a.tif")


def test_a_scene_linear_role_that_is_no_colour_is_said():
    config = ocio_lib.Config.CreateFromStream(STUDIO.replace("scene_linear: show_linear", "scene_linear: gone"))
    with pytest.raises(ColourError, match="a role scene_linear that is no colour"):
        choose_space(config, ColourHints(file_format="tiff"), "a.tif")


def dpx():
    return ColourHints(file_format="dpx", integer=True)


@pytest.mark.parametrize(
    ("hints", "why"),
    [
        (ColourHints(chromaticities=(0.5,) * 8), "the file's chromaticities are of no known gamut"),
        (ColourHints(interop_id="acme:mystery"), "the config does not know the file's colorInteropID 'acme:mystery'"),
        (dpx(), "nothing says in which log space this dpx file is"),
    ],
)
@pytest.mark.parametrize("config", [DEFAULT_CONFIG, NEWEST])
def test_a_guess_at_a_file_that_says_something_else_or_must_be_something_else_is_a_doubt(config, hints, why):
    assert choose_space(load_config(config)[0], hints, "a.exr").doubt == why


def test_there_is_none_where_anybody_has_spoken(default, studio):
    odd = ColourHints(chromaticities=(0.5,) * 8)
    assert choose_space(default, odd, "a.exr", "ACEScg").doubt == "", "the user"
    assert choose_space(studio, odd, "/show/elements/a.exr").doubt == "", "the studio, by a rule"
    assert choose_space(studio, dpx(), "a.dpx").doubt == "", "the studio, by a role"
    told = ColourHints(interop_id="acme:mystery", chromaticities=AP1)
    assert choose_space(default, told, "a.exr").doubt == "", "the file"


@pytest.mark.parametrize("hints", [ColourHints(), ColourHints(file_format="png", integer=True)])
def test_nor_where_a_file_says_nothing_and_is_of_a_kind_that_is_mostly_so(default, hints):
    assert choose_space(default, hints, "a.exr").doubt == ""


def test_the_config_is_left_as_it_was(default):
    before = default.getCacheID()
    choose_space(default, png(interop_id="nothing"), "a.png")
    assert default.getCacheID() == before
