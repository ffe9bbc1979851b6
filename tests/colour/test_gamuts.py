"""Chromaticities of a file, and the space that they mean."""

import numpy as np
import PyOpenColorIO as ocio_lib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuke_matting.colour.config import DEFAULT_CONFIG
from nuke_matting.colour.gamuts import _GAMUTS, linear_space_of

BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
CAT02 = np.array([[0.7328, 0.4296, -0.1624], [-0.7036, 1.6975, 0.0061], [0.0030, 0.0136, 0.9834]])


def white_xyz(chromaticities):
    x, y = chromaticities[6:]
    return np.array([x / y, 1.0, (1 - x - y) / y])


def to_xyz(chromaticities):
    primaries = np.array([[x, y, 1 - x - y] for x, y in np.reshape(chromaticities[:6], (3, 2))]).T
    return primaries * np.linalg.solve(primaries, white_xyz(chromaticities))


@pytest.mark.parametrize("name", _GAMUTS)
def test_each_gamut_of_the_table_is_that_of_the_space_it_is_named_after(name):
    config = ocio_lib.Config.CreateFromFile(DEFAULT_CONFIG)
    way = config.getProcessor(name, "ACES2065-1").getDefaultCPUProcessor()
    found = np.array([way.applyRGB(list(row)) for row in np.eye(3)]).T
    aces = _GAMUTS["lin_ap0_scene"]
    errors = []
    for cone in (BRADFORD, CAT02):  # makers of cameras differ in how they adapt the white
        gains = (cone @ white_xyz(aces)) / (cone @ white_xyz(_GAMUTS[name]))
        adapt = np.linalg.inv(cone) @ np.diag(gains) @ cone
        errors.append(np.abs(np.linalg.inv(to_xyz(aces)) @ adapt @ to_xyz(_GAMUTS[name]) - found).max())
    assert min(errors) < 2e-4


@given(st.sampled_from(sorted(_GAMUTS)), st.lists(st.floats(-0.0008, 0.0008), min_size=8, max_size=8))
def test_rounded_chromaticities_are_recognised(name, noise):
    assert linear_space_of(tuple(np.add(_GAMUTS[name], noise))) == name


@pytest.mark.parametrize("other", [(), (0.64, 0.33), (0.5,) * 8, (float("nan"),) * 8])
def test_others_are_not(other):
    assert linear_space_of(other) is None


def test_dci_white_is_not_taken_for_d65():
    assert linear_space_of((0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.314, 0.351)) is None
