"""Known sets as their authors pack them, and sources as users write them."""

from pathlib import Path

import pytest

from nuke_matting.errors import UsageError
from nuke_matting.training.datasets import KNOWN, Source, find_subjects, parse_source


@pytest.fixture
def pack(tmp_path):
    def make(*names, **texts):
        root = tmp_path / "set"
        for name in names:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).touch()
        for name, text in texts.items():
            (root / f"{name}.txt").write_text(text)
        return root

    return make


def frames(root, layout):
    return {each.name: len(each.frames) for each in find_subjects(Source(root, layout=layout))}


def test_videomatte240k_is_clips_of_people(pack):
    root = pack(
        *(f"train/{layer}/{clip:04d}/{i:05d}.jpg" for layer in ("fgr", "pha") for clip in (0, 7) for i in range(3))
    )
    assert frames(root, "VideoMatte240K") == {"0000/00000": 3, "0007/00000": 3}
    assert frames(root / "train", "VideoMatte240K") == frames(root, "VideoMatte240K")
    subject = find_subjects(Source(root, layout="VideoMatte240K"))[1]
    assert subject.frames[2].alpha == root / "train/pha/0007/00002.jpg"


def test_videomatting108_is_clips_with_an_alpha_of_which_the_listed_ones_are_for_training(pack):
    names = [f"FG_done/{clip}/{i:04d}.png" for clip in ("a cat", "dog", "bird") for i in range(2)]
    root = pack(*names, train_videos="a cat\ndog\n", val_videos="bird\n")
    assert frames(root, "VideoMatting108") == {"a cat/0000": 2, "dog/0000": 2}
    subject = find_subjects(Source(root, layout="VideoMatting108"))[0]
    assert subject.frames[0].alpha is None and not subject.premultiplied


def test_distinctions_646_is_stills_whatever_their_numbers(pack):
    root = pack(*(f"{part}/{layer}/{i}.png" for part in ("Train", "Test") for layer in ("FG", "GT") for i in (1, 2)))
    assert frames(root, "Distinctions-646") == {"1": 1, "2": 1}
    assert all(
        "Train" in each.frames[0].foreground.parts for each in find_subjects(Source(root, layout="Distinctions-646"))
    )


@pytest.mark.parametrize(
    ("layout", "names"),
    [
        ("P3M-10k", ["train/blurred_image/p_1.jpg", "train/mask/p_1.png", "validation/P3M-500-P/mask/p_2.png"]),
        ("AIM-500", ["original/o_1.jpg", "mask/o_1.png", "trimap/o_1.png", "usr/o_1.png"]),
    ],
)
def test_photographs_have_their_foregrounds_estimated_into_a_folder_beside_the_set(pack, layout, names, tmp_path):
    root = pack(*names)
    (subject,) = find_subjects(Source(root, layout=layout))
    assert (subject.frames[0].foreground, subject.frames[0].alpha) == (root / names[0], root / names[1])
    assert subject.cache == tmp_path / f"{layout}-{root.name}-foregrounds-2"
    (elsewhere,) = find_subjects(Source(root, layout=layout), tmp_path / "cache")
    assert elsewhere.cache.parent == tmp_path / "cache"


def test_two_sets_of_a_layout_do_not_share_the_foregrounds_of_pictures_of_one_name(tmp_path):
    caches = set()
    for where in ("a/one", "a/two", "b/one"):
        for name in ("original", "mask"):
            (tmp_path / where / name).mkdir(parents=True)
        (tmp_path / where / "original/1.jpg").touch()
        (tmp_path / where / "mask/1.png").touch()
        for folder in (None, tmp_path / "cache"):
            (subject,) = find_subjects(Source(tmp_path / where, layout="AIM-500"), folder)
            caches.add(subject.cache)
    assert len(caches) == 6


@pytest.mark.parametrize("layout", KNOWN)
def test_a_folder_of_another_layout_is_refused_with_the_expected_one(pack, layout):
    with pytest.raises(UsageError, match=f"not laid out as {layout}.*expected"):
        find_subjects(Source(pack("something/else.png"), layout=layout))
    with pytest.raises(UsageError, match=f"no such folder of {layout}"):
        find_subjects(Source(Path("gone"), layout=layout))


def test_only_sets_of_people_alone_count_as_people():
    people = {name for name in KNOWN if Source(Path("x"), layout=name).people}
    assert people == {"VideoMatte240K", "P3M-10k"}
    assert Source(Path("x")).people and Source(Path("x"), layout="pairs").people


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("data/people", Source(Path("data/people"))),
        ("data/people:3", Source(Path("data/people"), 3.0)),
        ("pairs=data/people:0.5", Source(Path("data/people"), 0.5, "pairs")),
        ("p3m-10K=data/p3m", Source(Path("data/p3m"), 1.0, "P3M-10k")),
        ("AIM-500=data/aim:0", Source(Path("data/aim"), 0.0, "AIM-500")),
        ("rgba-premult=C:\\comps:2", Source(Path("C:\\comps"), 2.0, "rgba-premult")),
        ("C:\\comps", Source(Path("C:\\comps"))),
        ("data/a=b/people:2", Source(Path("data/a=b/people"), 2.0)),
        ("data/take:final", Source(Path("data/take:final"))),
    ],
)
def test_sources_are_written_as_layout_folder_and_weight(text, source):
    assert parse_source(text) == source


def test_a_home_is_known_behind_a_layout_too(monkeypatch, tmp_path):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    assert parse_source("P3M-10k=~/sets:2") == Source(tmp_path / "sets", 2.0, "P3M-10k")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pears=data", "unknown layout 'pears'.*pairs"),
        ("", "write"),
        ("pairs=", "write"),
        ("data:-1", "write"),
        ("data:nan", "write"),
        ("data:inf", "write"),
    ],
)
def test_what_cannot_be_meant_is_refused(text, said):
    with pytest.raises(UsageError, match=said):
        parse_source(text)
