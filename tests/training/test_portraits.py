"""Mattes cut from portraits."""

import cv2
import numpy as np
import pytest

from nuke_matting.training.cutting.portraits import cut, drawn_prior, graph_cut, learnt_prior, looks_like_a_portrait


def portrait(seed=0, height=125, width=100):
    """A dark suit and a bright head before a smooth backdrop: picture and true mask."""
    true = np.zeros((height, width), np.uint8)
    shift = seed % 3 - 1
    cv2.ellipse(
        true, (width // 2 + shift, int(height * 0.38)), (int(width * 0.2), int(height * 0.27)), 0, 0, 360, 255, -1
    )
    head = true.copy()
    cv2.ellipse(true, (width // 2, int(height * 1.05)), (int(width * 0.47), int(height * 0.38)), 0, 0, 360, 255, -1)
    picture = np.tile(np.linspace(110, 140, width), (height, 1))
    picture = np.where(true > 0, 40, picture)
    picture = np.where(head > 0, 215, picture) + np.random.default_rng(seed).normal(0, 2, true.shape)
    return cv2.GaussianBlur(np.clip(picture, 0, 255).astype(np.uint8), (0, 0), 0.7), true / 255.0


def test_a_plain_portrait_is_cut():
    picture, true = portrait()
    prior = learnt_prior(iter(portrait(seed)[0] for seed in range(3)))
    alpha, foreground = cut(picture, prior)
    assert np.abs(alpha - true).mean() < 0.03
    assert foreground.shape == (*picture.shape, 3)


def test_the_drawn_prior_looks_like_a_portrait():
    assert looks_like_a_portrait(drawn_prior(125, 100))


@pytest.mark.parametrize("mask", [np.zeros((125, 100)), np.ones((125, 100)), np.tri(125, 100)])
def test_other_shapes_do_not(mask):
    assert not looks_like_a_portrait(mask)


def test_a_picture_without_a_person_is_rejected():
    noise = np.random.default_rng(0).integers(0, 255, (125, 100), np.uint8)
    assert cut(noise, drawn_prior(125, 100)) is None


def test_a_cut_is_one_piece_without_small_holes():
    picture, _ = portrait()
    mask = graph_cut(picture, drawn_prior(*picture.shape), 60)
    assert cv2.connectedComponents(mask)[0] == 2
