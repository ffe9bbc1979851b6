"""What a camera does to training samples."""

import cv2
import numpy as np
import pytest

from nuke_matting.training import camera
from nuke_matting.training.camera import compressed
from nuke_matting.training.decoding import encode_srgb


def layers(value=0.4, shape=(2, 24, 32)):
    return np.full((*shape, 3), value, np.float32), np.full((*shape, 1), value, np.float32)


@pytest.mark.parametrize("seed", range(12))
def test_a_lens_leaves_an_even_picture_as_it_is(seed):
    for before, after in zip(layers(), camera.lens(np.random.default_rng(seed), *layers()), strict=True):
        assert after.shape == before.shape and np.abs(after - before).max() < 1e-6


@pytest.mark.parametrize("length, angle", [(3.0, 0.0), (9.0, 0.0), (9.0, 1.3)])
def test_a_camera_that_moves_while_it_is_open_makes_a_line_of_a_point(length, angle):
    line = camera.smeared(length, angle)
    y, x = np.mgrid[: line.shape[0], : line.shape[1]] - (line.shape[0] - 1) / 2
    along, beside = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    assert line.sum() == pytest.approx(1) and (line * along).sum() == pytest.approx(0, abs=1e-6)
    assert np.sqrt((line * along**2).sum()) == pytest.approx(length / np.sqrt(12), rel=0.2)
    assert np.sqrt((line * beside**2).sum()) < 0.5


def test_a_moving_camera_moves_all_layers_alike():
    rows, columns = np.mgrid[0:48, 0:64].astype(np.float32)
    ramp = np.stack([rows / 48, columns / 64, rows / 96 + 0.1], 2)[None].repeat(4, 0)
    moved = 0
    for seed in range(12):
        colour, alpha = camera.lens(np.random.default_rng(seed), ramp, ramp[..., :1])
        np.testing.assert_allclose(colour[..., :1], alpha, atol=1e-6)
        moved += np.abs(np.diff(colour[:, 24, 32, :2], axis=0)).max() > 1e-3
    assert 3 <= moved <= 9


def test_moves_are_small_from_frame_to_frame_and_start_near_the_frame():
    for seed in range(30):
        paths = camera.moves(np.random.default_rng(seed), 6, 64, 48)
        corners = np.array([[0, 0, 1], [63, 0, 1], [0, 47, 1], [63, 47, 1], [31.5, 23.5, 1]])
        seen = corners @ paths.transpose(0, 2, 1)
        assert np.abs(np.diff(seen, axis=0)).max() < 0.1 * 64
        assert np.abs(seen[0, -1] - corners[-1, :2]).max() < 0.1 * 64


def test_a_moving_camera_sees_nothing_from_beyond_the_picture():
    corners = np.array([[0, 0, 1], [63, 0, 1], [0, 47, 1], [63, 47, 1]])
    for seed in range(30):
        seen = corners @ camera.moves(np.random.default_rng(seed), 24, 64, 48).transpose(0, 2, 1)
        assert seen.min() > -1e-6 and (seen <= (63 + 1e-6, 47 + 1e-6)).all()


def test_a_picture_of_one_pixel_is_seen_whole():
    assert np.allclose(camera.moves(np.random.default_rng(0), 3, 1, 1)[..., 2], 0, atol=0.5)


def test_distortion_bends_the_corners_and_leaves_the_centre():
    for strength in (-0.1, 0.1):
        x, y = camera.distortion(41, 61, strength)
        assert (x[20, 30], y[20, 30]) == pytest.approx((30, 20), abs=1e-4)
        assert x.min() >= -1e-3 and x.max() <= 60 + 1e-3 and y.min() >= -1e-3 and y.max() <= 40 + 1e-3
        edge, corner = x[20, 0], x[0, 0]
        assert corner > edge if strength < 0 else corner < edge


@pytest.mark.parametrize("seed", range(12))
def test_a_take_keeps_the_foreground_free_of_noise_and_compression(seed):
    image, _ = layers()
    _, straight, *_ = camera.take(np.random.default_rng(seed), image, image.copy(), image.copy())
    assert np.ptp(straight, axis=(0, 1, 2)).max() < 1e-6


def test_some_pictures_are_taken_at_night():
    grey = np.full((1, 2, 2, 3), 0.5, np.float32)
    light = [camera.take(np.random.default_rng(seed), grey, grey, grey)[1].mean() for seed in range(400)]
    assert 0.02 < np.mean(np.array(light) < 0.5 / 4) < 0.15 and min(light) < 0.5 / 12


def test_noise_is_as_strong_whatever_its_grain():
    flat = np.full((1, 200, 200, 3), 0.5, np.float32)
    taken = [camera.noisy(np.random.default_rng(seed), flat).std() for seed in range(40)]
    most = np.sqrt(0.5) * 0.03 + 0.006
    assert max(taken) <= most * 1.02 and sum(each == 0 for each in taken) > 5


def test_compression_leaves_what_is_brighter_than_a_jpeg_can_say():
    bright = np.linspace(0, 8, 64 * 64, dtype=np.float32).reshape(64, 64, 1).repeat(3, 2)
    coded = camera.compressed(bright, 60)
    assert np.abs(coded - bright)[bright > 1.5].max() < 0.1
    assert np.abs(coded - bright).max() > 1e-4


def test_compression_keeps_a_red_edge_as_it_keeps_a_picture_files():
    linear = np.zeros((32, 32, 3), np.float32)
    linear[:, 13:] = (0.8, 0.0, 0.0)
    file = cv2.imdecode(cv2.imencode(".jpg", encode_srgb(linear)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 40])[1], 1)
    np.testing.assert_array_equal(encode_srgb(compressed(linear, 40)), file[..., ::-1])
