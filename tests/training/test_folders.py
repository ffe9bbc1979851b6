"""Users' folders: files that belong together, and frames that are a clip."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuke_matting.errors import UsageError
from nuke_matting.training.folders import as_stills, find_folder, sequences, told
from nuke_matting.training.values import Picture


@pytest.fixture
def folder(tmp_path):
    """A folder of empty files: folder("a_fg.png", "sub/b.png"). Finding reads none."""

    def make(*names):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        return tmp_path

    return make


def found(folder, layout=""):
    """{name: [(foreground, alpha) of each frame]}, as paths below the folder."""

    def below(path):
        return path and path.relative_to(folder).as_posix()

    subjects = find_folder(folder, layout)
    assert len({each.name for each in subjects}) == len(subjects)
    return {each.name: [(below(frame.foreground), below(frame.alpha)) for frame in each.frames] for each in subjects}


def test_pairs_lie_side_by_side_in_any_sub_folder_and_format(folder):
    root = folder("a_fg.exr", "a_alpha.png", "sub/b_fg.jpg", "sub/b_alpha.jpg", "notes.txt")
    assert found(root) == {"a": [("a_fg.exr", "a_alpha.png")], "sub/b": [("sub/b_fg.jpg", "sub/b_alpha.jpg")]}


def test_a_pair_may_come_with_what_is_behind_it(folder):
    root = folder("a_fg.png", "a_alpha.png", "a_behind.png", "b_fg.png", "b_alpha.png")
    assert [each.frames[0].behind for each in find_folder(root)] == [root / "a_behind.png", None]


def test_half_a_pair_is_left_out_as_it_may_be_being_written(folder):
    assert list(found(folder("a_fg.png", "a_alpha.png", "b_alpha.png", "c_fg.png"))) == ["a"]


@pytest.mark.parametrize(
    ("colour", "matte"), [("fg", "alpha"), ("fgr", "pha"), ("foreground", "mask"), ("FG", "Matte")]
)
def test_parallel_folders_go_by_names(folder, colour, matte):
    root = folder(
        f"{colour}/x.jpg", f"{matte}/x.png", f"{colour}/alone.jpg", f"set/{colour}/y.png", f"set/{matte}/y.png"
    )
    assert found(root) == {
        "x": [(f"{colour}/x.jpg", f"{matte}/x.png")],
        "set/y": [(f"set/{colour}/y.png", f"set/{matte}/y.png")],
    }


def test_numbered_files_of_a_sub_folder_are_a_clip(folder):
    names = [f"shot/{index}_{layer}.png" for index in (10, 8, 9) for layer in ("fg", "alpha")]
    assert found(folder(*names)) == {"shot/8": [(f"shot/{i}_fg.png", f"shot/{i}_alpha.png") for i in (8, 9, 10)]}


def test_clips_of_parallel_folders_lie_in_folders_of_their_own(folder):
    names = [f"{layer}/shot/{index:04d}.png" for index in (1, 2) for layer in ("fg", "alpha")]
    assert {name: len(frames) for name, frames in found(folder(*names)).items()} == {"shot/0001": 2}


def test_a_gap_ends_a_clip(folder):
    names = [f"shot/f.{index:03d}_{layer}.png" for index in (1, 2, 7, 8) for layer in ("fg", "alpha")]
    assert {name: len(frames) for name, frames in found(folder(*names)).items()} == {"shot/f.001": 2, "shot/f.007": 2}


def test_numbered_files_of_the_folder_itself_are_stills_unless_clips_are_named(folder):
    root = folder(*(f"{index}_{layer}.png" for index in (1, 2) for layer in ("fg", "alpha")))
    assert list(found(root)) == ["1", "2"]
    assert list(found(root, "clips")) == ["1"]


def test_stills_are_stills_everywhere(folder):
    root = folder(*(f"shot/{index}_{layer}.png" for index in (1, 2) for layer in ("fg", "alpha")))
    assert list(found(root, "stills")) == ["shot/1", "shot/2"]


@pytest.mark.parametrize(("layout", "premultiplied"), [("rgba-straight", False), ("rgba-premult", True)])
def test_one_file_may_hold_its_own_alpha(folder, layout, premultiplied):
    (subject,) = find_folder(folder("a.exr"), layout)
    assert subject.frames[0].alpha is None and subject.premultiplied is premultiplied


@pytest.mark.parametrize(("layout", "name"), [("pairs", "p"), ("parallel", "x")])
def test_a_named_layout_is_the_only_one(folder, layout, name):
    root = folder("p_fg.png", "p_alpha.png", "fg/x.png", "alpha/x.png")
    assert list(found(root, layout)) == [name]
    assert list(found(root)) == ["p", "x"]


@given(st.sets(st.integers(0, 60), min_size=1))
def test_sequences_are_the_longest_runs_of_numbers(numbers):
    runs = list(sequences([(("s",), f"f{n:04d}", Picture(str(n))) for n in numbers], root_too=False))
    frames = [[int(picture.foreground) for picture in pictures] for _, pictures in runs]
    assert sorted(number for run in frames for number in run) == sorted(numbers)
    assert all(b == a + 1 for run in frames for a, b in pairwise(run))
    assert all(run[-1] + 1 not in numbers for run in frames)


def test_an_empty_folder_is_refused_with_what_was_expected(folder):
    with pytest.raises(UsageError, match=r"holds no subjects.*NAME_fg\.png"):
        find_folder(folder("a.png"))


def test_a_missing_folder_and_an_unknown_layout_are_refused(tmp_path):
    with pytest.raises(UsageError, match="no such folder"):
        find_folder(tmp_path / "gone")
    with pytest.raises(UsageError, match="unknown layout 'pears'.*pairs"):
        find_folder(tmp_path, "pears")


@pytest.mark.parametrize("names", [("b_fg.png", "b_alpha.png"), ("fg/b.png", "alpha/b.png")])
def test_linked_folders_are_searched_and_links_in_circles_end(folder, names, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for name in names:
        (elsewhere / name).parent.mkdir(exist_ok=True)
        (elsewhere / name).touch()
    (elsewhere / "again").symlink_to(elsewhere)
    root = folder("a_fg.png", "a_alpha.png")
    (root / "more").symlink_to(elsewhere)
    assert list(found(root)) == ["a", "more/b"]


def test_hidden_folders_are_not_searched(folder):
    root = folder("a_fg.png", "a_alpha.png", ".cache/b_fg.png", ".cache/b_alpha.png", ".trash/fg/c.png")
    folder(".trash/alpha/c.png", ".snapshot/set/fg/d.png", ".snapshot/set/alpha/d.png")
    assert list(found(root)) == ["a"]


def test_what_a_folder_holds_is_told_in_words(folder):
    names = ["a", "b", "shot/1", "shot/2", "shot/3", "alone/7"]
    root = folder(*(f"{name}_{layer}.png" for name in names for layer in ("fg", "alpha")))
    assert told(find_folder(root)) == "3 stills, 1 clip of 3 frames"
    folder(*(f"other/{index}_{layer}.png" for index in range(5) for layer in ("fg", "alpha")))
    assert told(find_folder(root)) == "3 stills, 2 clips of 3 to 5 frames"


def test_a_clip_is_as_many_stills_as_it_has_frames(folder):
    root = folder(*(f"{name}_{layer}.png" for name in ("a", "shot/1", "shot/2") for layer in ("fg", "alpha")))
    stills = as_stills(find_folder(root))
    assert [[frame.foreground.name for frame in each.frames] for each in stills] == [
        ["a_fg.png"],
        ["1_fg.png"],
        ["2_fg.png"],
    ]
