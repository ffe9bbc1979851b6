"""Key mattes: an artist's mattes of a few frames, which spread; and edges and guides in a shot."""

import random
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuke_matting import Settings, Shot
from nuke_matting.engine.delivery import Delivery
from nuke_matting.engine.keys import nearest
from nuke_matting.engine.pipeline import Failed, Target, run
from nuke_matting.errors import PlateError, UsageError
from nuke_matting.models.contract import Abilities
from nuke_matting.models.registry import load_model

FRAMES = range(1001, 1013)


@pytest.fixture
def settings(weights):
    return Settings(model=weights, cache=False, region_batch=50)


@pytest.fixture
def make_keys(tmp_path):
    """make_keys(frames) writes a painted matte for each, and gives their pattern."""

    def make(frames, name="keys", value=None) -> str:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        for frame in frames:
            dice = np.random.default_rng(frame)
            matte = dice.uniform(-0.2, 1.2, (36, 64)) if value is None else np.full((36, 64), value)
            write_matte(folder / f"key.{frame}.exr", matte)
        return str(folder / "key.####.exr")

    return make


def write_matte(path, matte):
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(header, {"A": np.ascontiguousarray(matte, np.float32)}).write(str(path))


def key(pattern, frame):
    return Path(pattern.replace("####", str(frame)))


def alphas(shot, frames=FRAMES):
    return {frame: shot.matte(frame).alpha.tobytes() for frame in frames}


def changed(one, other):
    return {frame for frame in one if one[frame] != other[frame]}


class InMemory(Target):
    """Keeps the mattes of a run."""

    def __init__(self):
        self.alphas = {}

    def has(self, plan):
        return False

    def write(self, matte):
        self.alphas[matte.frame] = matte.alpha.tobytes()
        return []


def run_alphas(shot, frames):
    target, warnings = InMemory(), []
    done = list(run(shot, frames, target, warnings.append))
    return target.alphas, warnings, done


@given(st.sets(st.integers(0, 40)), st.integers(-1, 41))
def test_the_nearest_keys_are_one_before_and_one_after_and_not_the_frame_itself(keys, frame):
    before, after = sorted(each for each in keys if each < frame), sorted(each for each in keys if each > frame)
    assert list(nearest(sorted(keys), frame)) == before[-1:] + after[:1]


class TestOwnFrame:
    def test_it_has_the_artists_alpha_as_it_comes_within_0_and_1(self, make_plate, make_keys, settings):
        keys = make_keys([1004])
        with OpenEXR.File(str(key(keys, 1004))) as file:
            painted = file.channels()["A"].pixels
        edges = settings.replace(edge_shift=3, edge_soften=2, black_point=0.3, white_point=0.6)
        for asked in (settings, edges):
            assert np.array_equal(
                Shot(make_plate(FRAMES), asked.replace(keys=keys)).matte(1004).alpha, painted.clip(0, 1)
            )

    def test_the_foreground_is_the_plate_where_it_is_1(self, make_plate, make_keys, settings):
        plate, keys = make_plate(FRAMES), make_keys([1004], value=1)
        shot = Shot(plate, settings.replace(keys=keys, fg=True))
        assert np.array_equal(shot.matte(1004).foreground, shot.load(1004).frame.pixels)

    def test_it_lies_where_the_plate_does(self, make_plate, make_keys, settings, tmp_path):
        keys = make_keys([1004])
        windows = {"dataWindow": ((10, 5), (19, 9)), "displayWindow": ((0, 0), (63, 35))}
        header = {"compression": OpenEXR.ZIP_COMPRESSION, **windows}
        OpenEXR.File(header, {"A": np.ones((5, 10), np.float32)}).write(str(key(keys, 1004)))
        alpha = Shot(make_plate(FRAMES), settings.replace(keys=keys)).matte(1004).alpha
        assert alpha.sum() == 50 and (alpha[5:10, 10:20] == 1).all()

    def test_a_broken_one_is_an_error_with_its_name(self, make_plate, make_keys, settings):
        keys = make_keys([1004])
        key(keys, 1004).write_bytes(b"no image")
        with pytest.raises(PlateError, match=r"key\.1004\.exr \(frame 1004\): cannot be read"):
            Shot(make_plate(FRAMES), settings.replace(keys=keys)).matte(1004)


class TestSpreading:
    def test_a_key_changes_all_frames_up_to_the_next_keys_and_none_beyond(self, make_plate, make_keys, settings):
        plate, asked = make_plate(FRAMES), settings.replace(keys=make_keys([1003, 1010]))
        before = alphas(Shot(plate, asked))
        make_keys([1007])
        after = alphas(Shot(plate, asked))
        # 1011 and 1012 read from 1010, 1009 and 1010, and 1010 as their nearest; 1001 and 1002 from 1003
        assert changed(before, after) == {1004, 1005, 1006, 1007, 1008, 1009}

    def test_other_paint_changes_the_frames_that_read_it(self, make_plate, make_keys, settings):
        plate, keys = make_plate(FRAMES), make_keys([1003, 1007, 1008])
        before = alphas(Shot(plate, settings.replace(keys=keys)))
        shutil.copy(key(keys, 1003), key(keys, 1007))
        after = alphas(Shot(plate, settings.replace(keys=keys)))
        # 1008 is a key itself; 1009 reads 1007 as the frame two before it, and 1010 no more
        assert changed(before, after) == {1004, 1005, 1006, 1007, 1009}

    def test_without_keys_it_is_as_if_they_had_never_been(self, make_plate, make_keys, settings):
        plate = make_plate(FRAMES)
        before = alphas(Shot(plate, settings))
        asked = settings.replace(keys=make_keys([1005]))
        shot = Shot(plate, asked)
        assert len(changed(before, alphas(shot))) == len(FRAMES)
        shot.settings, shot.files.keys = settings, None  # the same memory of features
        assert alphas(shot) == before

    def test_a_frame_of_the_plate_that_is_missing_is_no_key_frame(self, make_plate, make_keys, settings):
        plate, keys = make_plate(FRAMES), make_keys([1003, 1009])
        Path(plate % 1009).unlink()
        shot = Shot(plate, settings.replace(keys=keys))
        assert shot.plan(1006).keys == (1003,) and shot.matte(1006).notes == ()

    def test_how_far_a_key_is_away_is_part_of_the_matte(self, make_plate, make_keys, settings):
        plate = make_plate(FRAMES)
        for frame in FRAMES[1:]:  # a still picture: all else that a frame reads is the same
            shutil.copy(plate % 1001, plate % frame)
        shot = Shot(plate, settings.replace(keys=make_keys([1001, 1012], value=1.0)))
        assert len({shot.plan(frame).key for frame in FRAMES[3:-3]}) == len(FRAMES[3:-3])

    def test_a_broken_key_is_noted_and_the_frame_read_without_it(self, make_plate, make_keys, settings):
        plate, keys = make_plate(FRAMES), make_keys([1003, 1010])
        key(keys, 1010).write_bytes(b"no image")
        shot = Shot(plate, settings.replace(keys=keys))
        for frame, as_if in ((1007, settings.replace(keys=keys, key_frames="1003")), (1012, settings)):
            notes = shot.matte(frame).notes
            assert len(notes) == 1 and notes[0].startswith("the key matte of frame 1010 cannot be read"), notes
            assert np.array_equal(shot.matte(frame).alpha, Shot(plate, as_if).matte(frame).alpha)

    @pytest.mark.parametrize("seed", range(3))
    def test_any_order_and_any_chunks_give_the_same_bits(self, make_plate, make_keys, settings, seed):
        plate, asked = make_plate(FRAMES), settings.replace(keys=make_keys([1003, 1004, 1009]))
        whole = alphas(Shot(plate, asked))
        assert {frame: Shot(plate, asked).matte(frame).alpha.tobytes() for frame in FRAMES} == whole
        dice, shuffled, parts = random.Random(seed), list(FRAMES), {}
        dice.shuffle(shuffled)
        assert alphas(Shot(plate, asked), shuffled) == whole
        while shuffled:
            size = dice.randint(1, 5)
            parts |= run_alphas(Shot(plate, asked), shuffled[:size])[0]
            shuffled = shuffled[size:]
        assert parts == whole


class TestCache:
    def test_exactly_the_frames_that_read_a_key_are_stale_by_it(self, make_plate, make_keys, settings):
        plate, asked = make_plate(FRAMES), settings.replace(cache=True, fg=True, keys=make_keys([1003, 1010]))
        alphas(Shot(plate, asked))
        stale = lambda: {frame for frame in FRAMES if not Shot(plate, asked).matte(frame).cached}  # noqa: E731
        assert stale() == set()
        make_keys([1007])
        assert stale() == {1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010}, "key frames have a foreground that reads"
        key(asked.keys, 1007).unlink()
        assert stale() == set(), "and taken away, what was there is good again"
        make_keys([1010], value=0.5)
        assert stale() == set(FRAMES) - {1001, 1002}

    @pytest.mark.parametrize(
        "change", [{"edge_shift": 0.5}, {"edge_soften": 1.0}, {"black_point": 0.1}, {"white_point": 0.9}]
    )
    def test_edges_are_part_of_the_key(self, make_plate, settings, change):
        plate, cached = make_plate(FRAMES), settings.replace(cache=True)
        plain = Shot(plate, cached).matte(1003)
        edged = Shot(plate, cached.replace(**change)).matte(1003)
        assert not edged.cached and not np.array_equal(edged.alpha, plain.alpha)

    def test_guide_use_is_part_of_the_key_where_there_is_a_guide(self, make_plate, make_keys, settings):
        plate, cached = make_plate(FRAMES), settings.replace(cache=True)
        Shot(plate, cached).matte(1003)
        assert Shot(plate, cached.replace(guide_use="force")).matte(1003).cached
        guided = cached.replace(guide=make_keys(FRAMES, "guide"))
        Shot(plate, guided).matte(1003)
        assert not Shot(plate, guided.replace(guide_use="force")).matte(1003).cached


class TestWhichAreKeys:
    def test_named_ones_alone(self, make_plate, make_keys, settings):
        asked = settings.replace(keys=make_keys(FRAMES), key_frames="1003 1008-1009")
        assert Shot(make_plate(FRAMES), asked).files.keys.frames == (1003, 1008, 1009)

    def test_a_single_file_is_for_its_own_number(self, make_plate, make_keys, settings):
        shot = Shot(make_plate(FRAMES), settings.replace(keys=str(key(make_keys([1003]), 1003))))
        assert shot.files.keys.frames == (1003,)

    @pytest.mark.parametrize(
        "frames, named, what",
        [
            ([1003], "1003 1005", r"no key matte of frame 1005.*--key-frames"),
            ([1500], "", r"key mattes \(1500\) are of no frame of the plate; number them .* 1001-1012"),
            ([1003], "1003-", "no frame range"),
            ([], "", "no file matches"),
        ],
    )
    def test_what_cannot_be_meant_is_refused(self, make_plate, make_keys, settings, frames, named, what):
        with pytest.raises(UsageError, match=what):
            Shot(make_plate(FRAMES), settings.replace(keys=make_keys(frames), key_frames=named))

    def test_no_matte_is_written_over_one(self, make_plate, make_keys, settings):
        keys = make_keys([1003])
        shot = Shot(make_plate(FRAMES), settings.replace(keys=keys))
        with pytest.raises(UsageError, match="write over an input"):
            Delivery(shot, keys, FRAMES, overwrite=True)


def test_a_model_that_reads_none_says_so_once_and_gives_their_own_frames_alone(make_plate, make_keys, settings):
    model = load_model(settings.model, "cpu", "fp32")
    model.abilities = replace(model.abilities, keys=False)
    plate, asked = make_plate(FRAMES), settings.replace(keys=make_keys([1004]))
    plain, _, _ = run_alphas(Shot(plate, settings, model), FRAMES)
    keyed, warnings, _ = run_alphas(Shot(plate, asked, model), FRAMES)
    assert changed(plain, keyed) == {1004}
    assert warnings == ["the model quick does not read key mattes: each is the matte of its own frame alone"]


@pytest.mark.parametrize(
    ("use", "what"),
    [
        ("hint", "left aside"),
        ("force", "its 0 and 1 are final"),
        ("limit", "its 0 is final"),
        ("core", "its 1 is final"),
    ],
)
def test_help_that_a_model_does_not_take_is_said(make_plate, settings, use, what):
    model = load_model(settings.model, "cpu", "fp32")
    plate, other = make_plate(FRAMES), make_plate([1], name="other") % 1
    asked = settings.replace(clean_plate=other, guide=other, guide_use=use)
    assert Shot(plate, asked, model).warnings == ()
    model.abilities = Abilities()
    said = Shot(plate, asked, model).warnings
    assert said[0] == "the model quick takes no clean plate: it is left aside"
    assert said[1].startswith("the model quick takes no guide: ") and what in said[1]


class TestPipeline:
    @pytest.fixture
    def loads(self, monkeypatch):
        """The frames that are read, in order."""
        found, load, lock = [], Shot.load, threading.Lock()

        def counted(shot, frame):
            with lock:
                found.append(frame)
            return load(shot, frame)

        monkeypatch.setattr(Shot, "load", counted)
        return found

    def test_what_a_chunk_needs_of_other_frames_is_read_once(self, make_plate, make_keys, settings, loads):
        plate, asked = make_plate(FRAMES), settings.replace(keys=make_keys([1001, 1012]))
        run_alphas(Shot(plate, asked), range(1006, 1010))
        assert sorted(loads) == [1001, *range(1004, 1013)]

    def test_a_long_warm_up_is_read_once(self, make_plate, settings, loads):
        model = load_model(settings.model, "cpu", "fp32")
        model.references = tuple(range(-1, -7, -1))
        run_alphas(Shot(make_plate(FRAMES), settings, model), range(1008, 1013))
        assert sorted(loads) == list(range(1002, 1013))

    def test_a_broken_key_costs_its_own_frame_alone(self, make_plate, make_keys, settings):
        keys = make_keys([1003, 1010])
        key(keys, 1003).write_bytes(b"no image")
        _, _, done = run_alphas(Shot(make_plate(FRAMES), settings.replace(keys=keys)), FRAMES)
        assert [each.frame for each in done if isinstance(each, Failed)] == [1003]


class TestGuideUse:
    @pytest.mark.parametrize("use", ["force", "limit"])
    def test_the_guide_has_the_last_word_also_over_edges(self, make_plate, make_keys, settings, use):
        plate, guide = make_plate(FRAMES), make_keys(FRAMES, "guide")
        asked = settings.replace(guide=guide, edge_shift=4, edge_soften=2)
        hinted = Shot(plate, asked).matte(1003).alpha
        shot = Shot(plate, asked.replace(guide_use=use))
        said, given = shot.matte(1003).alpha, shot.load(1003).input.guide
        assert (said[given == 0] == 0).all() and ((said[given == 1] == 1).all() == (use == "force"))
        between = (given > 0) & (given < 1)
        assert (hinted[given == 0] > 0).any() and np.array_equal(said[between], hinted[between])

    def test_a_core_fills_its_1_and_leaves_all_else_as_without_a_guide(self, make_plate, make_keys, settings):
        plate, guide = make_plate(FRAMES), make_keys(FRAMES, "guide")
        asked = settings.replace(edge_shift=4, edge_soften=2)
        shot = Shot(plate, asked.replace(guide=guide, guide_use="core"))
        alone, said, core = Shot(plate, asked).matte(1003).alpha, shot.matte(1003).alpha, shot.load(1003).guide
        assert (core == 1).any() and (alone[core == 1] < 1).any()
        assert np.array_equal(said, np.where(core == 1, 1, alone))

    @pytest.mark.parametrize("use", ["force", "core"])
    def test_what_a_core_matte_makes_solid_has_the_plates_colour(self, make_plate, make_keys, settings, use):
        plate, guide = make_plate(FRAMES), make_keys(FRAMES, "guide", value=1)
        shot = Shot(plate, settings.replace(guide=guide, guide_use=use, fg=True))
        matte = shot.matte(1003)
        assert (matte.alpha == 1).all() and np.array_equal(matte.foreground, shot.load(1003).frame.pixels)
