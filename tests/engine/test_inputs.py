"""A clean plate, a guide and key mattes: where their pixels lie on the plate, and what is said of those that do not."""

import numpy as np
import OpenEXR
import OpenImageIO as oiio
import pytest

from nuke_matting import Settings, Shot
from nuke_matting.colour.gamuts import _GAMUTS
from nuke_matting.colour.processor import open_colour
from nuke_matting.errors import PlateError


def write(path, pixels, names="RGB", origin=(0, 0), display=None, kind="float", **attributes):
    """display : x, y, width, height of the display window, if it is not the data window."""
    height, width = pixels.shape[:2]
    spec = oiio.ImageSpec(width, height, len(names), kind)
    spec.channelnames = tuple(names)
    spec.x, spec.y = origin
    spec.full_x, spec.full_y, spec.full_width, spec.full_height = display or (*origin, width, height)
    for name, value in attributes.items():
        spec.attribute(name, value)
    file = oiio.ImageOutput.create(str(path))
    assert file and file.open(str(path), spec) and file.write_image(pixels.astype(np.float32)), oiio.geterror()
    file.close()
    return str(path)


def noise(height=36, width=64, channels=1):
    return np.random.default_rng(0).random((height, width, channels), dtype=np.float32)


@pytest.fixture
def shot(make_plate, weights):
    """shot(clean_plate=..., guide=...) of a plate of 64x36."""
    plate = make_plate(range(1001, 1004))
    return lambda **given: Shot(plate, Settings(model=weights, cache=False, **given))


class TestOfAnotherSize:
    """What is drawn for another format would lie in the plate's corner: it is refused, and both sizes are said."""

    WHAT = r"small\.exr \(frame 1002\): is 32x18 and the plate 64x36; reformat it"

    @pytest.mark.parametrize("kind, names", [("clean_plate", "RGB"), ("guide", "A")])
    def test_clean_plates_and_guides(self, shot, tmp_path, kind, names):
        small = write(tmp_path / "small.exr", noise(18, 32, len(names)), names)
        with pytest.raises(PlateError, match=self.WHAT):
            shot(**{kind: small}).matte(1002)

    def test_a_key_matte_costs_its_own_frame_alone(self, shot, tmp_path):
        write(tmp_path / "key.1002.exr", noise(18, 32), "A")
        keyed = shot(keys=str(tmp_path / "key.####.exr"))
        with pytest.raises(PlateError, match="is 32x18 and the plate 64x36"):
            keyed.matte(1002)
        assert any("is 32x18 and the plate 64x36" in note for note in keyed.matte(1001).notes)

    def test_a_picture_without_windows_is_measured_by_its_size(self, shot, tmp_path):
        small = write(tmp_path / "small.png", noise(18, 32), "Y", kind="uint8")
        with pytest.raises(PlateError, match="is 32x18 and the plate 64x36"):
            shot(guide=small).matte(1002)


def test_a_guide_that_was_cropped_to_what_it_shows_keeps_its_place(shot, tmp_path):
    drawn = noise(10, 20)
    cropped = write(tmp_path / "g.exr", drawn, "A", origin=(7, 5), display=(0, 0, 64, 36))
    guide = shot(guide=cropped).load(1002).input.guide
    assert np.array_equal(guide[5:15, 7:27], drawn[..., 0]) and guide.sum() == pytest.approx(drawn.sum())


@pytest.mark.parametrize("origin", [(1, 1), (-100, 40)])
def test_formats_of_one_size_are_one_picture_wherever_each_begins(make_plate, weights, tmp_path, origin):
    plate = write(tmp_path / "p.exr", noise(channels=3), origin=origin)
    drawn = write(tmp_path / "g.png", np.round(noise() * 255) / 255, "Y", kind="uint8")
    guide = Shot(plate, Settings(model=weights, cache=False, guide=drawn)).load(1).input.guide
    assert np.abs(guide - noise()[..., 0]).max() < 0.01


def test_overscan_of_the_plate_is_outside_of_a_guide_of_its_format(weights, tmp_path):
    plate = write(tmp_path / "p.exr", noise(40, 70, 3), origin=(-3, -2), display=(0, 0, 64, 36))
    guide = write(tmp_path / "g.exr", np.ones((36, 64, 1)), "A")
    found = Shot(plate, Settings(model=weights, cache=False, guide=guide)).load(1).input.guide
    assert found[2:38, 3:67].min() == 1 and found.sum() == 36 * 64


@pytest.mark.parametrize("kind, what", [("guide", "guide"), ("keys", "key matte")])
def test_a_matte_that_is_read_by_its_grey_is_said(shot, tmp_path, kind, what):
    rgba = np.dstack([*[noise()] * 3, np.ones((36, 64, 1))])
    write(tmp_path / "m.1002.png", rgba, "RGBA", kind="uint8")
    loaded = shot(**{kind: str(tmp_path / "m.####.png")}).load(1002)
    assert loaded.notes == (f"the {what} has an alpha that is 1 everywhere: its grey was read in place of it",)
    found = loaded.input.guide if kind == "guide" else loaded.known.key
    assert np.abs(found - noise()[..., 0]).max() < 0.01


def test_the_layer_that_a_guide_was_read_from_is_said(shot, tmp_path):
    guide = write(tmp_path / "g.exr", noise(channels=4), ["R", "G", "B", "roto.A"])
    loaded = shot(guide=guide).load(1002)
    assert loaded.notes == ("the guide was read from the layer roto",)
    assert np.array_equal(loaded.input.guide, noise(channels=4)[..., 3])


def test_beyond_its_data_window_a_clean_plate_is_the_plate(shot, tmp_path):
    cropped = write(tmp_path / "clean.exr", noise(26, 44, 3), origin=(10, 5), display=(0, 0, 64, 36))
    loaded = shot(clean_plate=cropped, clean_match=False).load(1002)
    beyond = np.ones((36, 64), bool)
    beyond[5:31, 10:54] = False
    assert np.array_equal(loaded.input.clean[beyond], loaded.input.image[beyond])
    assert (loaded.input.clean[~beyond] != loaded.input.image[~beyond]).any(axis=1).all()
    assert loaded.notes == ("the clean plate does not cover 51 % of the plate",)


def test_where_a_clean_plate_is_no_number_it_shows_nothing_and_is_the_plate(shot, tmp_path):
    pixels = noise(36, 64, 3)
    pixels[:9, :, 1] = np.nan
    pixels[20, 20] = np.inf
    loaded = shot(clean_plate=write(tmp_path / "clean.exr", pixels), clean_match=False).load(1002)
    assert np.array_equal(loaded.input.clean[:9], loaded.input.image[:9])
    assert (loaded.input.clean[9:] != loaded.input.image[9:]).any(axis=2).all()
    assert loaded.notes == ("the clean plate does not cover 25 % of the plate",)


class TestColourOfACleanPlate:
    """What the user says of the plate's space holds for a clean plate of its kind, which is mostly the same camera's."""

    def colours(self, shot, clean):
        """How the plate and the clean plate are called, and what colour the clean plate has for the model."""
        made = shot(clean_plate=clean, colourspace="ACEScct", clean_match=False)
        return made.colours.choice([1002]), made.load(1002).input.clean

    def test_one_of_its_kind_is_in_the_same_space(self, shot, tmp_path):
        told, clean = self.colours(shot, write(tmp_path / "clean.exr", noise(channels=3)))
        assert told.startswith("ACEScct (chosen by the user)") and "clean plate" not in told
        assert np.array_equal(clean, open_colour(colourspace="ACEScct").to_model(noise(channels=3)))

    def test_a_picture_of_another_kind_is_in_its_own(self, shot, tmp_path):
        told, clean = self.colours(shot, write(tmp_path / "clean.png", noise(channels=3), kind="uint16"))
        assert "; the clean plate sRGB Encoded Rec.709 (sRGB) (sRGB, as" in told
        assert np.abs(clean - open_colour(colourspace="sRGB - Texture").to_model(noise(channels=3))).max() < 1e-3

    def test_one_that_says_another_space_is_in_that(self, shot, tmp_path):
        saying = write(tmp_path / "clean.exr", noise(channels=3), colorInteropID="lin_ap1_scene")
        told, clean = self.colours(shot, saying)
        assert "; the clean plate ACEScg (the file's colorInteropID" in told
        assert np.array_equal(clean, open_colour(colourspace="ACEScg").to_model(noise(channels=3)))

    def test_whatever_says_it(self, shot, tmp_path):
        saying = write(tmp_path / "clean.exr", noise(channels=3))
        file = OpenEXR.File(saying, separate_channels=True)
        file.header()["oiio:ColorSpace"] = "lin_ap1_scene"
        file.write(saying)
        told, _ = self.colours(shot, saying)
        assert "; the clean plate ACEScg (the file's oiio:ColorSpace" in told

    def stating(self, tmp_path, name, primaries):
        """A clean plate that states the primaries of a space."""
        path = write(tmp_path / name, noise(channels=3))
        file = OpenEXR.File(path, separate_channels=True)
        file.header()["chromaticities"] = _GAMUTS[primaries]
        file.write(path)
        return path

    def test_primaries_say_it_as_well(self, shot, tmp_path):
        told, _ = self.colours(shot, self.stating(tmp_path, "clean.exr", "lin_ap0_scene"))
        assert "; the clean plate ACES2065-1 (the file's chromaticities" in told

    def test_primaries_that_the_plate_states_too_are_corrected_with_its(self, weights, tmp_path):
        plate, clean = (self.stating(tmp_path, name, "lin_ap0_scene") for name in ("plate.exr", "clean.exr"))
        made = Shot(plate, Settings(model=weights, cache=False, clean_plate=clean, colourspace="ACEScct"))
        assert "clean plate" not in made.colours.choice([1])

    def test_what_the_user_corrects_of_the_plate_is_corrected_of_a_clean_plate_that_says_the_same(
        self, weights, tmp_path
    ):
        names = [str(tmp_path / f"{each}.exr") for each in ("plate", "clean")]
        for name in names:
            write(name, noise(channels=3), colorInteropID="lin_ap1_scene")
        made = Shot(
            names[0],
            Settings(model=weights, cache=False, clean_plate=names[1], colourspace="ACEScct", clean_match=False),
        )
        assert "clean plate" not in made.colours.choice([1])

    def test_where_nothing_changes_for_either_the_matte_is_the_same_one(self, shot, tmp_path):
        clean = write(tmp_path / "clean.png", noise(channels=3), kind="uint16")
        own, forced = (shot(clean_plate=clean, colourspace=space).plan(1002) for space in ("", "ACEScg"))
        assert own.key == forced.key, "the plate is in ACEScg either way, and the clean plate in sRGB"

    def test_or_in_the_one_that_is_named_for_it(self, shot, tmp_path):
        saying = write(tmp_path / "clean.exr", noise(channels=3), colorInteropID="lin_ap1_scene")
        made = shot(clean_plate=saying, clean_colourspace="ACES2065-1", clean_match=False)
        assert "; the clean plate ACES2065-1 (chosen by the user)" in made.colours.choice([1002])

    @pytest.mark.parametrize("said", ["data", "Raw", "Unknown"])
    def test_one_that_says_nothing_of_a_space_is_in_the_plates(self, shot, tmp_path, said):
        told, _ = self.colours(shot, write(tmp_path / "clean.exr", noise(channels=3), colorInteropID=said))
        assert "clean plate" not in told

    def test_one_that_is_broken_leaves_the_plates_to_be_told(self, shot, tmp_path):
        (tmp_path / "clean.exr").write_bytes(b"no picture")
        told = shot(clean_plate=str(tmp_path / "clean.exr")).colours.choice([1002])
        assert told.startswith("ACEScg") and "clean plate" not in told


class TestWhatCannotBeMeantIsSaid:
    def notes(self, shot, tmp_path, pixels, names="A"):
        return shot(guide=write(tmp_path / "g.exr", pixels, names)).load(1002).notes

    @pytest.mark.parametrize("value, says", [(0, "0"), (1, "1"), (-0.25, "0")])
    def test_of_a_guide_that_tells_no_place_from_another(self, shot, tmp_path, value, says):
        flat = np.full((36, 64, 1), value, np.float32)
        assert self.notes(shot, tmp_path, flat) == (f"the guide is {says} everywhere",)

    def test_of_a_guide_of_no_numbers(self, shot, tmp_path):
        pixels = noise()
        pixels[3, 4:7] = np.nan
        said = ("the guide has pixels that are no numbers: they were read as 0",)
        assert self.notes(shot, tmp_path, pixels) == said

    def test_of_a_guide_that_is_minus_1_everywhere(self, shot, tmp_path):
        scale = "the guide goes far beyond 0 to 1, as of another scale: it was cut to them"
        assert self.notes(shot, tmp_path, np.full((36, 64, 1), -1, np.float32)) == (scale, "the guide is 0 everywhere")

    def test_of_a_guide_of_another_scale(self, shot, tmp_path):
        said = ("the guide goes far beyond 0 to 1, as of another scale: it was cut to them",)
        assert self.notes(shot, tmp_path, noise() * 255) == said

    def test_of_a_guide_that_is_a_colour_picture_and_of_none_that_is_grey(self, shot, tmp_path):
        said = ("the guide is a colour picture: its red was read",)
        assert self.notes(shot, tmp_path, noise(channels=3), "RGB") == said
        assert self.notes(shot, tmp_path, np.repeat(noise(), 3, 2), "RGB") == ()

    def test_of_a_clean_plate_that_is_the_plate(self, shot):
        plate = shot().plate
        assert shot(clean_plate=plate.pattern).load(1002).notes == (
            "the clean plate is the plate: nothing differs from it",
        )
