"""What is behind people in photographs."""

import os

import cv2
import numpy as np
import pytest

from nuke_matting.errors import PlateError, UsageError
from nuke_matting.training.cutting.behind import cut_behind, without_subject

H, W = 90, 120


def photograph():
    """A person in red before a wall that is green on the left and blue on the right, and the matte."""
    picture = np.where(np.arange(W)[None, :, None] < W // 2, np.uint8([0, 200, 0]), np.uint8([200, 0, 0]))
    picture, alpha = np.repeat(picture, H, axis=0), np.zeros((H, W), np.uint8)
    cv2.ellipse(alpha, (60, 55), (20, 30), 0, 0, 360, 255, -1)
    return np.where(alpha[..., None] > 0, np.uint8([0, 0, 255]), picture), alpha


def save(folder, name="a"):
    for below, ending, picture in zip(("photographs", "mattes"), (".jpg", "_alpha.png"), photograph(), strict=True):
        (folder / below).mkdir(exist_ok=True)
        cv2.imwrite(str(folder / below / f"{name}{ending}"), picture)
    return folder / "photographs", folder / "mattes"


def test_where_the_person_was_is_what_is_around():
    picture, alpha = photograph()
    bare = without_subject(picture, alpha)
    assert bare[..., 2].max() < 10
    assert bare[55, 45, 1] > bare[55, 45, 0] and bare[55, 75, 0] > bare[55, 75, 1]


def test_the_rest_of_the_photograph_stays():
    picture, alpha = photograph()
    assert np.array_equal(without_subject(picture, alpha)[:, :30], picture[:, :30])


def test_it_is_of_the_mattes_size(tmp_path):
    photographs, mattes = save(tmp_path)
    cv2.imwrite(str(mattes / "a_alpha.png"), cv2.resize(photograph()[1], (W // 2, H // 2)))
    list(cut_behind(photographs, mattes))
    bare = cv2.imread(str(mattes / "a_behind.png"))
    assert bare.shape == (H // 2, W // 2, 3) and bare[..., 2].max() < 30


def test_a_matte_of_a_part_of_the_photograph_is_refused_with_both_sizes(tmp_path):
    photographs, mattes = save(tmp_path)
    cv2.imwrite(str(mattes / "a_alpha.png"), photograph()[1][:, :80])
    with pytest.raises(PlateError, match=r"a\.jpg: is 120x90, its matte 80x90"):
        list(cut_behind(photographs, mattes))
    assert not (mattes / "a_behind.png").exists()


@pytest.mark.parametrize("size", [(53, 40), (54, 40), (53, 39), (640, 481)])
def test_a_reduced_matte_whose_sides_were_rounded_is_of_the_whole_photograph(tmp_path, size):
    photographs, mattes = save(tmp_path)
    cv2.imwrite(str(mattes / "a_alpha.png"), cv2.resize(photograph()[1], size))
    list(cut_behind(photographs, mattes))
    assert cv2.imread(str(mattes / "a_behind.png")).shape[1::-1] == size


def test_it_is_found_once_for_every_photograph_with_a_matte(tmp_path):
    photographs, mattes = save(tmp_path)
    cv2.imwrite(str(photographs / "of nobody.jpg"), photograph()[0])
    assert list(cut_behind(photographs, mattes)) == [(1, 1)]
    (mattes / "a_behind.png").write_bytes(b"kept")
    assert list(cut_behind(photographs, mattes)) == [(1, 1)]
    assert [path.name for path in mattes.iterdir() if "alpha" not in path.name] == ["a_behind.png"]
    assert (mattes / "a_behind.png").read_bytes() == b"kept"


@pytest.mark.parametrize("cut_anew", ["photographs/a.jpg", "mattes/a_alpha.png"])
def test_it_is_found_anew_of_a_photograph_or_a_matte_that_is_newer(tmp_path, cut_anew):
    photographs, mattes = save(tmp_path)
    (mattes / "a_behind.png").write_bytes(b"old")
    later = (mattes / "a_behind.png").stat().st_mtime + 5
    os.utime(tmp_path / cut_anew, (later, later))
    list(cut_behind(photographs, mattes))
    assert cv2.imread(str(mattes / "a_behind.png")) is not None


def test_a_folder_without_a_photograph_of_the_mattes_is_told(tmp_path):
    _, mattes = save(tmp_path)
    with pytest.raises(UsageError, match=r"mattes: holds no photograph of a matte"):
        list(cut_behind(mattes, mattes))


def test_a_photograph_that_is_none_is_named(tmp_path):
    photographs, mattes = save(tmp_path)
    (photographs / "a.jpg").write_bytes(b"no picture")
    with pytest.raises(PlateError, match=r"a\.jpg"):
        list(cut_behind(photographs, mattes))


def test_beside_the_person_a_wall_keeps_its_own_texture_and_hair_that_the_matte_missed_goes():
    picture, alpha = photograph()
    grain = np.random.default_rng(1).integers(-4, 5, picture.shape)
    picture = np.clip(np.where(alpha[..., None] == 0, picture.astype(int) + grain, picture), 0, 255).astype(np.uint8)
    picture[55, 82] = (30, 30, 30)  # a hair, two pixels from the matte
    bare = without_subject(picture, alpha)
    assert np.array_equal(bare[50:54, 82], picture[50:54, 82])
    assert np.abs(bare[55, 82].astype(int) - (30, 30, 30)).max() > 50


def test_what_is_made_up_beside_a_person_is_no_smoother_than_what_is_around():
    height, width = 480, 640
    rough = np.random.default_rng(0).integers(40, 216, (height, width, 3)).astype(np.uint8)
    picture = cv2.GaussianBlur(rough, (0, 0), 0.5)
    alpha = cv2.ellipse(np.zeros((height, width), np.uint8), (320, 280), (100, 160), 0, 0, 360, 255, -1)
    bare = cv2.cvtColor(without_subject(picture, alpha), cv2.COLOR_BGR2GRAY).astype(np.float32)
    slope = np.hypot(cv2.Sobel(bare, cv2.CV_32F, 1, 0), cv2.Sobel(bare, cv2.CV_32F, 0, 1))
    away = cv2.distanceTransform(255 - alpha, cv2.DIST_L2, 5)
    rim, around = slope[(away > 1) & (away < 5)].mean(), slope[(away > 10) & (away < 20)].mean()
    assert rim == pytest.approx(around, rel=0.2)
