"""Where a matte is wrong."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nuke_matting.errors import UsageError
from nuke_matting.quality.regions_of_matte import REGIONS, reach, region_mads, regions_of

alphas = hnp.arrays(
    np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.floats(0, 1, width=32)
)


def step(width=512, height=64, at=256) -> np.ndarray:
    """Outside up to column `at`, then solid."""
    return np.tile((np.arange(width) >= at).astype(np.float32), (height, 1))


def test_a_hard_step_is_an_edge_of_its_reach_to_both_sides():
    regions = regions_of(step())
    assert np.flatnonzero(regions.edge[0]).tolist() == [254, 255, 256, 257]
    assert regions.outside[:, :254].all() and regions.core[:, 258:].all() and not regions.hair.any()


def test_a_body_cut_off_by_the_frame_is_no_edge_there():
    assert regions_of(np.ones((20, 30), np.float32)).core.all()


def test_a_wide_soft_area_is_hair_and_a_thin_soft_line_is_not():
    truth = step()
    truth[:, 300:340] = 0.5
    truth[:, 400] = 0.5
    hair = regions_of(truth).hair
    assert hair[:, 302:338].all() and not hair[:, :300].any() and not hair[:, 340:].any()


def test_hair_is_soft_itself():
    truth = np.zeros((64, 512), np.float32)
    truth[:, 100:140:2] = 0.5  # strands, one pixel apart
    hair = regions_of(truth).hair
    assert hair[:, 110:130:2].all() and not hair[:, 111:130:2].any()


@given(alphas)
def test_core_edge_and_outside_are_the_whole_frame_and_hair_is_of_the_edge(truth):
    regions = regions_of(truth)
    assert (regions.core.astype(int) + regions.edge + regions.outside == 1).all()
    assert not (regions.hair & ~regions.edge).any()


def test_the_reach_grows_with_the_frame():
    assert [reach(*size) for size in ((288, 512), (1080, 1920), (2160, 3840), (3840, 2160), (9, 9))] == [
        2,
        8,
        15,
        15,
        1,
    ]


def test_an_error_counts_where_it_is():
    truth = step(at=256)
    for region, columns in (("outside", slice(0, 254)), ("edge", slice(254, 258)), ("core", slice(258, 512))):
        alpha = truth.copy()
        alpha[:, columns] = np.abs(alpha[:, columns] - 0.25)
        found = region_mads(alpha, truth)
        assert found == {name: pytest.approx(250 if name == region else 0) for name in ("core", "edge", "outside")}


def test_a_region_that_the_frame_does_not_have_has_no_figure():
    nothing = np.zeros((9, 9), np.float32)
    assert region_mads(nothing, nothing) == {"outside": 0.0}
    assert set(region_mads(step(), step())) < set(REGIONS)


def test_what_is_no_picture_is_refused():
    for truth in (np.zeros((0, 3)), np.zeros((3, 3, 3))):
        with pytest.raises(UsageError, match="no regions"):
            regions_of(truth)
    with pytest.raises(UsageError, match="cannot be compared"):
        region_mads(np.zeros((2, 3)), np.zeros((3, 2)))
