"""Foregrounds estimated from photographs: right in linear light, made once, kept as pairs."""

import multiprocessing
import os

import cv2
import numpy as np
import pytest

from nuke_matting.colour.model_space import srgb_curve
from nuke_matting.errors import MattingError, OutputError
from nuke_matting.training import foregrounds
from nuke_matting.training.decoding import decode_srgb
from nuke_matting.training.folders import find_folder
from nuke_matting.training.foregrounds import estimate, kept_estimate
from nuke_matting.training.reading import read
from nuke_matting.training.values import Picture, Subject

SUBJECT, BEHIND = np.asarray([0.5, 0.1, 0.05]), np.asarray([0.02, 0.2, 0.7])  # linear


@pytest.fixture
def photograph(tmp_path):
    """A soft disc of one colour before another, mixed in linear light, with its matte."""
    y, x = np.mgrid[-1:1:96j, -1:1:96j]
    alpha = np.clip((0.8 - np.hypot(x, y)) * 4, 0, 1)[..., None]
    coded = srgb_curve(SUBJECT * alpha + BEHIND * (1 - alpha))
    cv2.imwrite(str(tmp_path / "photo.png"), np.round(coded[..., ::-1] * 255).astype(np.uint8))
    cv2.imwrite(str(tmp_path / "matte.png"), np.round(alpha * 255).astype(np.uint8))
    return Picture(tmp_path / "photo.png", tmp_path / "matte.png")


@pytest.fixture
def subject(photograph, tmp_path):
    return Subject("some/disc", (photograph,), cache=tmp_path / "kept")


def test_the_colour_of_the_subject_alone_is_found(photograph):
    foreground, alpha = estimate(photograph)
    soft = (alpha > 64) & (alpha < 220)
    assert np.abs(decode_srgb(foreground)[soft] - SUBJECT).mean() < 0.02


def test_an_estimate_is_kept_as_a_pair_that_folders_find(subject):
    (cut,) = read(subject)
    (kept,) = find_folder(subject.cache)
    assert kept.name == "some_disc"
    (again,) = read(kept)
    assert np.array_equal(cut.foreground, again.foreground) and np.array_equal(cut.alpha, again.alpha)
    assert [each.name for each in sorted(subject.cache.iterdir())] == ["some_disc_alpha.png", "some_disc_fg.png"]


def test_an_estimate_is_made_once(subject, monkeypatch):
    first = kept_estimate(subject)
    monkeypatch.setattr(foregrounds, "estimate", lambda _: pytest.fail("made again"))
    assert kept_estimate(subject) == first and first.cache is None


@pytest.mark.parametrize("changed", ["foreground", "alpha"])
def test_a_pair_older_than_its_photograph_or_matte_is_made_again(subject, changed, monkeypatch):
    kept_estimate(subject)
    path, made = getattr(subject.frames[0], changed), []
    later = (subject.cache / "some_disc_fg.png").stat().st_mtime + 5
    os.utime(path, (later, later))
    monkeypatch.setattr(foregrounds, "estimate", lambda picture: made.append(picture) or estimate(picture))
    kept_estimate(subject)
    assert made == list(subject.frames)


def test_a_cache_that_cannot_be_written_is_an_error_that_says_what_to_do(photograph, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="--foregrounds"):
        kept_estimate(Subject("disc", (photograph,), cache=tmp_path / "file"))


def test_a_process_forked_after_an_estimate_estimates_the_same(photograph):
    here = estimate(photograph)[0]
    fork = multiprocessing.get_context("fork")
    ours, theirs = fork.Pipe()
    child = fork.Process(target=lambda: theirs.send(estimate(photograph)[0]), daemon=True)
    child.start()
    child.join(60)
    assert child.exitcode == 0 and np.array_equal(ours.recv(), here)


@pytest.mark.parametrize("spoil", [np.zeros_like, lambda image: image * np.nan, lambda image: image + 2])
def test_an_estimate_that_is_none_is_told_and_not_kept(subject, monkeypatch, spoil):
    monkeypatch.setattr(foregrounds, "estimate_foreground_ml", lambda image, alpha: spoil(image))
    with pytest.raises(MattingError, match=r"photo\.png.*could not be estimated"):
        kept_estimate(subject)
    assert not subject.cache.exists()
