"""Rendered backgrounds: shapes face outwards, things do not stand in one another, a number gives one picture."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from nuke_matting.training.rooms.building import Opening, wall
from nuke_matting.training.rooms.mesh import Piece, box, cushion, cylinder, join
from nuke_matting.training.rooms.place import Place

pytest.importorskip("moderngl")


@pytest.fixture(scope="module")
def assets() -> Path | None:
    """The assets folder, or None; skips where there is no EGL."""
    from nuke_matting.errors import MattingError
    from nuke_matting.training.people.render import Renderer

    try:
        Renderer(8, 8, None, supersample=1)
    except MattingError as problem:
        pytest.skip(f"no EGL rendering context: {problem}")
    folder = os.environ.get("NUKE_MATTING_ASSETS")
    return Path(folder) if folder else None


def render(assets: Path | None, out: Path, *numbers: int) -> None:
    from nuke_matting.training.rooms.pictures import render_rooms

    assert list(render_rooms(assets, out, range(numbers[0], numbers[-1] + 1), 96, 60)) == list(numbers)


@pytest.mark.parametrize("shape", [box((0, 0, 0), (1, 2, 3), 0), cushion((1, 1, 2), 0), cylinder(0.5, 1, 0)])
def test_normals_of_a_closed_shape_point_outwards(shape: Piece):
    low, high = shape.bounds()
    outward = shape.vertices[:, :3] - (low + high) / 2
    assert (np.einsum("vc,vc->v", outward, shape.vertices[:, 3:6]) > -1e-5).all()


def test_no_mannequin_has_the_colour_of_skin():
    from nuke_matting.training.rooms.figures import plastic
    from nuke_matting.training.rooms.kit import Kit

    kits = (Kit(np.random.default_rng(seed), lambda _rng, _name: np.zeros((4, 4, 3), np.uint8)) for seed in range(200))
    red, _, blue = np.transpose([plastic(kit).colour for kit in kits])
    assert (red <= 1.2 * blue + 1e-9).all() and (red < blue).any()


def test_joined_pieces_keep_their_triangles():
    first, second = box((0, 0, 0), (1, 1, 1), 3), box((5, 0, 0), (1, 1, 1), 4)
    both = join([first, second])
    corners = both.vertices[both.triangles[len(first.triangles) :]]
    assert (corners[..., 8] == 4).all() and corners[..., 0].min() > 4


def test_a_wall_is_open_where_its_window_is():
    window = Opening(x=0.5, wide=1.0, low=0.8, high=2.0)
    built = wall(4.0, 2.5, [window], 0)
    corners = built.vertices[built.triangles, :2]
    low, high = corners.min(axis=1), corners.max(axis=1)
    inside = (low[:, 0] < 0.99) & (high[:, 0] > 0.01) & (low[:, 1] < 1.99) & (high[:, 1] > 0.81)
    assert not inside.any()


def test_nothing_is_put_where_something_stands():
    place = Place(np.zeros(3), np.ones(3))
    assert place.put(box((0, 0.5, 0), (1, 1, 1), 0))
    assert not place.put(box((0.9, 0.5, 0), (1, 1, 1), 0))
    assert place.put(box((2.1, 0.5, 0), (1, 1, 1), 0))
    assert len(place.pieces) == 2


@pytest.mark.parametrize("seed", range(8))
def test_a_camera_stands_in_the_place_and_in_no_thing(seed):
    place = Place(np.array([-3.0, 0.5, -3.0]), np.array([3.0, 2.2, 3.0]))
    for x in (-2.0, 0.0, 2.0):
        place.put(box((x, 1, 0), (1, 2, 1), 0), worth=True)
    camera = place.camera(np.random.default_rng(seed))
    assert (camera.eye >= place.low).all() and (camera.eye <= place.high).all()
    assert not any((camera.eye > low).all() and (camera.eye < high).all() for low, high in place.taken)


@pytest.mark.parametrize("kind", ["make_room", "make_street", "make_garden", "make_heap"])
def test_every_kind_of_place_is_made_without_assets_the_same_from_a_seed(kind):
    from nuke_matting.training.rooms import outdoors, room
    from nuke_matting.training.rooms.figures import Figures
    from nuke_matting.training.rooms.kit import Kit

    make = getattr(room, kind, None) or getattr(outdoors, kind)
    grey = np.full((4, 4, 3), 128, np.uint8)
    kits = [Kit(np.random.default_rng(5), lambda rng, name: grey) for _ in range(2)]
    first, second = (make(kit, Figures(None)).all() for kit in kits)
    np.testing.assert_array_equal(first.vertices, second.vertices)
    assert np.isfinite(first.vertices).all()
    assert first.triangles.min() >= 0 and first.triangles.max() < len(first.vertices)
    used = first.vertices[:, 8]
    assert used.min() >= 0 and used.max() < len(kits[0].materials) and (used == np.round(used)).all()


def test_a_number_gives_one_picture_whatever_was_made_before(assets, tmp_path):
    render(assets, tmp_path / "a", 5, 6, 7)
    render(assets, tmp_path / "b", 7)

    def picture(folder, number):
        return (tmp_path / folder / f"0000{number}.jpg").read_bytes()

    assert picture("a", 7) == picture("b", 7)
    assert len({picture("a", number) for number in (5, 6, 7)}) == 3


@pytest.mark.usefixtures("assets")
def test_a_renderer_draws_the_same_beside_others_and_after_their_end():
    from nuke_matting.training.people.render import Renderer
    from nuke_matting.training.rooms.pictures import Maker
    from nuke_matting.training.rooms.render import RoomRenderer

    def start() -> RoomRenderer:
        return RoomRenderer(Renderer(8, 8, None, supersample=1).context, 96, 60)

    scene = Maker(None).scene(7)
    first, other = start(), start()
    alone = first.render(scene)
    np.testing.assert_array_equal(other.render(scene), alone)
    last = start()
    del other
    gc.collect()
    np.testing.assert_array_equal(last.render(scene), alone)
    np.testing.assert_array_equal(first.render(scene), alone)


@pytest.mark.usefixtures("assets")
def test_pictures_have_their_size_and_content_and_nothing_else_is_left(tmp_path):
    render(None, tmp_path, 3, 4)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00003.jpg", "00004.jpg"]
    for path in tmp_path.iterdir():
        picture = cv2.imread(str(path))
        assert picture is not None and picture.shape == (60, 96, 3)
        assert picture.std() > 3


@pytest.mark.usefixtures("assets")
def test_what_is_there_is_left(tmp_path):
    (tmp_path / "00009.jpg").write_bytes(b"mine")
    render(None, tmp_path, 9)
    assert (tmp_path / "00009.jpg").read_bytes() == b"mine"


@pytest.mark.parametrize("seed", range(12))
def test_flags_hang_above_the_floor_whole_and_each_dyed_in_its_own_way(seed):
    from nuke_matting.training.rooms.flags import flag, flag_picture
    from nuke_matting.training.rooms.kit import Kit

    kit = Kit(np.random.default_rng(seed), lambda rng, kind: flag_picture(rng, 64))
    made = flag(kit)
    cloth = made.vertices[
        np.isin(made.vertices[:, 8], [k for k, each in enumerate(kit.materials) if each.picture >= 0])
    ]
    assert kit.pictures and len(np.unique(kit.pictures[0].reshape(-1, 3), axis=0)) > 1
    assert cloth[:, 1].min() > -0.05 and made.vertices[:, 1].max() < 3
    uv = cloth[:, 6:8]
    assert np.ptp(uv, axis=0) == pytest.approx([1, 1])
