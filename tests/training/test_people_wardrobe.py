"""What people wear over their clothes, and what they hold: where it is on a body."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from nuke_matting.training.people.pose import Pose, bone_transforms


@pytest.fixture(scope="module")
def assets():
    folder = os.environ.get("NUKE_MATTING_ASSETS")
    if not folder:
        pytest.skip("NUKE_MATTING_ASSETS does not name the assets folder")
    from nuke_matting.training.people.assets import Assets

    return Assets(Path(folder))


@pytest.fixture(scope="module")
def somebody(assets):
    """In thick clothes."""
    from nuke_matting.training.people.clothes import THICK
    from nuke_matting.training.people.person import draw_person

    drawn = (draw_person(assets, np.random.default_rng(seed), "strands", {}) for seed in range(106, 140))
    return next(person for person in drawn if any(part.kind == THICK for part in person.parts))


def shown(parts):
    """The positions of parts that are not trimmed off."""
    kept = []
    for part in parts:
        rows = np.unique(part.triangles)
        rows = rows[part.uv[rows, 0] > 0] if part.surface.trimmed else rows
        kept.append(part.rest[part.corner[rows]])
    return np.concatenate(kept)


def test_fingers_close_on_what_is_held(somebody):
    from nuke_matting.training.people.held import closed_on

    skeleton = somebody.skeleton
    for side in ("_l", "_r"):
        for radius in (0.2, 0.4):
            curl, grip = closed_on(skeleton, side, radius)
            assert grip.radius == pytest.approx(radius, abs=0.05)
            moved = bone_transforms(skeleton, Pose({}, {}, (curl, curl)))
            for k in (1, 2, 3):
                row = skeleton.index(f"middle_0{k}{side}")
                middle = (skeleton.heads[row] + skeleton.tails[row]) / 2
                away = moved[row, :, :3] @ middle + moved[row, :, 3] - grip.middle
                away = np.linalg.norm(away - (away @ grip.axis) * grip.axis)
                assert away == pytest.approx(radius, abs=0.15), "each piece of a finger touches it"


def test_a_bag_hangs_below_the_fist_and_is_not_there_where_it_would_not_hang(somebody):
    from nuke_matting.training.people.held import draw_held, grasped

    skeleton = somebody.skeleton
    drawn = [draw_held(np.random.default_rng(seed), skeleton) for seed in range(40)]
    bags = [held for held in drawn if held.down is not None]
    assert bags and len(bags) < 20
    for held in bags:
        side = "_l" if held.left else "_r"
        fist = skeleton.heads[skeleton.index("middle_01" + side)]
        assert ((held.parts[-1].rest - fist) @ held.down).min() > 0.5, "dm"
        lowered, raised = (
            Pose({}, {"upperarm" + side: (0.1, up, 0.0), "lowerarm" + side: (0.1, up, 0.0)}) for up in (-1.0, 1.0)
        )
        assert grasped(skeleton, held, raised) == (raised, ())
        pose, parts = grasped(skeleton, held, lowered)
        assert not parts or max(pose.curl) > 0.8, "closed to a fist"
    assert grasped(skeleton, None, raised) == (raised, ())


def test_gloves_cover_the_hands_and_no_more_than_cuffs(assets, somebody):
    from nuke_matting.training.people.gear import gloves
    from nuke_matting.training.people.layers import joint, places, skin_of

    skin = skin_of(somebody)
    hands = skin.rest[places(somebody, skin.rest, skin.weights).along > 1.05]
    for seed in range(4):
        parts = [each for each in gloves(assets, np.random.default_rng(seed), somebody, bool(seed % 2)) if each]
        at = shown(parts)
        assert np.abs(at[:, 0]).min() > np.abs(joint(somebody, "lowerarm_l")[0])
        assert np.abs(at[:, 0]).max() > np.abs(hands[:, 0]).max(), "over the finger tips"


def test_what_covers_the_head_leaves_the_face_free_and_takes_the_hair_away(assets, somebody):
    from nuke_matting.training.people import headgear
    from nuke_matting.training.people.layers import face_of

    face = face_of(assets.groups, somebody)
    assert face.chin < face.mouth < face.eyes < face.high[1]
    for seed in range(4):
        scarf = headgear.headscarf(np.random.default_rng(seed), somebody, face)
        at = shown([scarf])
        before = at[(at[:, 2] > face.middle[2] + 0.2) & (np.abs(at[:, 0]) < 0.25)]
        assert not ((before[:, 1] > face.mouth) & (before[:, 1] < face.eyes)).any()
        assert at[:, 1].max() > face.high[1], "over the crown"
        hull = headgear.helmet(np.random.default_rng(seed), somebody, face, True)[0]
        middle, half = (hull.rest.max(0) + hull.rest.min(0)) / 2, np.ptp(hull.rest, axis=0) / 2
        assert (np.abs((face.high - middle) / half) < 1).all() and (np.abs((face.low - middle) / half) < 1).all()
    assert somebody.coats
    scalp = [coat for coat in somebody.coats if coat.roots[:, 1].mean() > face.eyes]
    bare, below = (headgear.without_hair(somebody, face, how) for how in ("whole", "top"))
    assert len(bare.coats) == len(somebody.coats) - len(scalp)
    assert all(coat.roots[:, 1].max() < face.high[1] - 0.3 for coat in below.coats)


def test_what_lies_over_clothes_is_on_them(somebody):
    from nuke_matting.training.people import gear
    from nuke_matting.training.people.layers import joint

    garments = gear.over_trunk(somebody)
    neck, hips = joint(somebody, "neck_01"), joint(somebody, "pelvis")
    worn = shown(garments)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        for make in (gear.vest, gear.patches, gear.rucksack, gear.bag):
            parts = [part for part in make(rng, somebody, garments) if part is not None]
            assert parts, make.__name__
            at = shown(parts)
            assert np.isfinite(at).all() and at[:, 1].max() < neck[1] + 0.8
            if make is gear.rucksack:
                assert at[:, 2].min() < worn[:, 2].min() - 0.3, "behind"
            if make is gear.vest:
                assert at[:, 1].min() > hips[1] - 1.6
                assert np.abs(at[:, 0]).max() < np.abs(worn[:, 0]).max()


def test_gear_takes_nothing_from_what_else_is_drawn_and_suits_have_all_of_it(assets, somebody):
    from nuke_matting.training.people.adornments import adorned
    from nuke_matting.training.people.gear import geared

    drawn, adorning = [], np.random.default_rng(4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nuke_matting.training.people.adornments.geared", lambda *given: drawn.append(given) or given[2])
        adorned(assets, adorning, somebody)
    again = np.random.default_rng(4)
    adorned(assets, again, somebody)
    assert drawn and adorning.random() == again.random()
    counts = [len(geared(assets, np.random.default_rng(seed), somebody).parts) for seed in range(12)]
    assert min(counts) <= len(somebody.parts) + 2 and max(counts) > len(somebody.parts) + 6
