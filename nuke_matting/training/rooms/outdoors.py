"""Places under the sky: streets with fronts, gardens; and heaps of things before a wall."""

from __future__ import annotations

import numpy as np

from nuke_matting.training.rooms import furniture
from nuke_matting.training.rooms.building import drape, wall, wall_cover
from nuke_matting.training.rooms.figures import Figures, coat, draw_figure, plinth
from nuke_matting.training.rooms.kit import Kit
from nuke_matting.training.rooms.mesh import box, boxes, join, tube
from nuke_matting.training.rooms.place import Place
from nuke_matting.training.rooms.plants import bush, grass, hedge, potted, tree
from nuke_matting.training.rooms.small import books_row, draw_heap_thing, draw_small
from nuke_matting.training.rooms.street_parts import car, front, ground, street_lamp, street_thing
from nuke_matting.training.rooms.surfaces import Material


def make_street(kit: Kit, figures: Figures) -> Place:
    """A street along x: fronts behind a pavement, the other side's at times, cars, trees, lamps."""
    rng = kit.rng
    walk, road, half = rng.uniform(2, 4.5), rng.uniform(3.5, 8), rng.uniform(9, 16)
    place = Place(np.array([-half * 0.7, 1.0, 0.6]), np.array([half * 0.7, 2.4, walk + road - 0.3]))
    place.add(
        box((0, -0.2, walk + road / 2), (2 * half + 40, 0.2, 60), ground(kit, "asphalt", "asphalt", "cobbles"), 0.001)
    )
    pavement = ground(kit, "paving", "paving", "concrete", "cobbles", "tiles", repeat=0.6)
    both = kit.chance(0.75)
    for z, sign in ((0.0, 1), (2 * walk + road, -1)):
        place.add(box((0, -0.05, z + sign * walk / 2), (2 * half + 20, 0.22, walk), pavement, 0.02))
        if sign < 0 and not both:
            place.add(hedge(kit, 2 * half, rng.uniform(0.8, 2.0), 0.7).placed((0, 0, z)))
            for x in np.arange(-half, half, rng.uniform(3, 7)):
                place.add(tree(kit).placed((x, 0, z + 1.5)))
            continue
        at = -half
        while at < half:
            wide = rng.uniform(3.5, 8)
            house = front(kit, wide)
            place.add(
                house.placed(
                    (at + wide / 2 if sign > 0 else -(at + wide / 2), 0.06, z + rng.normal(0, 0.05)),
                    0 if sign > 0 else np.pi,
                )
            )
            place.focus.append(np.array([at + wide / 2, 1.6, z]))
            at += wide + (rng.uniform(0, 1.5) if kit.chance(0.1) else 0)
        if kit.chance(0.5):
            place.taken.append((np.array([-half, 0, min(z, z - sign)]), np.array([half, 9, max(z, z - sign)])))
    for _ in range(int(rng.integers(3, 14))):
        sign, x = (1, -1)[int(rng.integers(2))], rng.uniform(-half, half) * 0.8
        z = rng.uniform(0.4, walk - 0.3)
        piece = street_thing(kit).placed((0, 0, 0), rng.normal(0, 0.5))
        place.put(
            piece.placed((x, 0.06, z if sign > 0 else 2 * walk + road - z), 0 if sign > 0 else np.pi),
            0.1,
            worth=kit.chance(0.4),
        )
    for _ in range(int(rng.integers(0, 3))):
        figure = draw_figure(kit, figures)
        if kit.chance(0.4):
            high = rng.uniform(0.4, 1.3)
            figure = join([plinth(kit, high, 0.9), figure.placed((0, high, 0))])
        place.put(
            figure.placed((rng.uniform(-half, half) * 0.5, 0.06, rng.uniform(0.8, walk)), rng.normal(0, 0.7)),
            0.1,
            worth=True,
        )
    for _ in range(int(rng.integers(0, 5))):
        side = kit.chance(0.5)
        z = walk + 1.05 if side else walk + road - 1.05
        place.put(
            car(kit).placed((rng.uniform(-half, half), -0.1, z), 0 if kit.chance(0.5) else np.pi),
            0.2,
            worth=kit.chance(0.3),
        )
    spacing = rng.uniform(4, 9)
    use = kit.pick("lamps", "trees", "both", "none")
    for number, x in enumerate(np.arange(-half + 1, half, spacing)):
        if use == "none":
            break
        piece = street_lamp(kit) if use == "lamps" or (use == "both" and number % 2) else tree(kit)
        place.add(piece.placed((x, 0.06, walk - 0.4)))
        place.taken.append((np.array([x - 0.25, 0, walk - 0.65]), np.array([x + 0.25, 3, walk - 0.15])))
    return place


def make_garden(kit: Kit, figures: Figures) -> Place:
    """A garden or park: lawn, path, hedges, bushes, trees, a fence or wall, seats, statues."""
    rng = kit.rng
    half = rng.uniform(5, 10)
    place = Place(np.array([-half * 0.6, 0.7, -half * 0.4]), np.array([half * 0.6, 2.3, half * 0.9]))
    green = np.array([0.07, 0.13, 0.03]) * np.exp(rng.normal(0, 0.3)) * np.exp(rng.normal(0, 0.12, 3))
    lawn = kit.add(Material(tuple(green), tuple(green * 0.5), "leafage", 1.3, 0.03, bump=0.03))
    place.add(box((0, -0.1, 0), (90, 0.2, 90), lawn, 0.001))
    path = rng.uniform(-0.4, 0.4) * half
    place.add(
        box(
            (path, 0.0, 0),
            (rng.uniform(1, 2.5), 0.03, 60),
            ground(kit, "paving", "cobbles", "asphalt", "planks"),
            0.01,
            float(rng.normal(0, 0.3)),
        )
    )
    points = np.stack([rng.uniform(-half, half, 7000), np.zeros(7000), rng.uniform(-half, half, 7000)], -1)
    points = points[np.abs(points[:, 0] - path) > 1.6]
    place.add(grass(kit, points, rng.uniform(0.06, 0.25)))
    back = kit.pick("hedge", "wall", "fence", "trees", "hedge")
    if back == "hedge":
        place.add(hedge(kit, 2.2 * half, rng.uniform(1.0, 2.6), 0.8).placed((0, 0, -half)))
    elif back == "wall":
        place.add(wall(3 * half, rng.uniform(1.5, 4), [], wall_cover(kit)).placed((0, 0, -half)))
    elif back == "fence":
        x = np.arange(-half * 1.2, half * 1.2, rng.uniform(0.1, 0.16))
        high, wood = rng.uniform(0.9, 2.0), kit.wood()
        posts = np.stack([x, np.full(len(x), high / 2), np.full(len(x), -half)], -1)
        place.add(boxes(posts, [(0.085, high, 0.02)], wood))
        place.add(boxes([(0, y, -half - 0.03) for y in (0.3, high - 0.25)], [(2.4 * half, 0.08, 0.04)], wood))
    for _ in range(int(rng.integers(4, 11))):
        place.add(
            tree(kit).placed((rng.uniform(-1.5, 1.5) * half, 0, -half * rng.uniform(0.95, 2.2)), rng.uniform(0, 6))
        )
    for _ in range(int(rng.integers(2, 5))):
        one = tree(kit).placed((rng.uniform(-1, 1) * half, 0, rng.uniform(-0.8, 0.8) * half), rng.uniform(0, 6))
        x, z = one.vertices[0, 0], one.vertices[0, 2]
        place.add(one)
        place.taken.append((np.array([x - 0.3, 0, z - 0.3]), np.array([x + 0.3, 2.5, z + 0.3])))
    for _ in range(int(rng.integers(4, 12))):
        size = rng.uniform(0.5, 1.7)
        shape = bush(kit, (size * rng.uniform(0.8, 1.5), size, size), int(600 + 700 * size), rng.uniform(0.05, 0.16))
        place.put(
            shape.placed((rng.uniform(-1, 1) * half, size * 0.42, rng.uniform(-1, 0.7) * half)),
            0.0,
            worth=kit.chance(0.5),
        )
    for _ in range(int(rng.integers(1, 4))):
        figure = draw_figure(kit, figures)
        if kit.chance(0.5):
            high = rng.uniform(0.3, 1.3)
            figure = join([plinth(kit, high, 0.9), figure.placed((0, high, 0))])
        place.put(
            figure.placed((rng.uniform(-0.6, 0.6) * half, 0, rng.uniform(-0.8, 0.4) * half), rng.normal(0, 0.7)),
            0.1,
            worth=True,
        )
    for _ in range(int(rng.integers(1, 6))):
        place.put(
            street_thing(kit).placed(
                (rng.uniform(-0.8, 0.8) * half, 0, rng.uniform(-0.8, 0.6) * half), rng.uniform(0, 6)
            ),
            0.1,
            worth=kit.chance(0.5),
        )
    return place


def make_heap(kit: Kit, figures: Figures) -> Place:
    """Clutter: goods on racks and in heaps before walls, as in a shed or a shop; the light comes from above."""
    rng = kit.rng
    wide, deep, high = rng.uniform(2.5, 5), rng.uniform(2.5, 4.5), rng.uniform(2.6, 4)
    place = Place(np.array([-wide * 0.35, 0.6, deep * 0.1]), np.array([wide * 0.35, 2.0, deep * 0.9]))
    place.add(
        box((0, -0.1, 0), (wide + 8, 0.2, deep * 2 + 8), ground(kit, "planks", "concrete", "tiles", "carpet"), 0.001)
    )
    cover = wall_cover(kit)
    for at, turn in (((0, 0, -deep / 2), 0.0), ((-wide / 2, 0, 0), np.pi / 2), ((wide / 2, 0, 0), -np.pi / 2)):
        place.add(wall(deep * 2 + wide, high, [], cover).placed(at, turn))
    for _ in range(int(rng.integers(2, 6))):
        piece = (furniture.shelves, furniture.cupboard, furniture.table, furniture.shelves)[int(rng.integers(4))](kit)
        place.put(piece.placed((rng.uniform(-0.5, 0.5) * wide, 0, -deep / 2 + 0.05)), 0.0, worth=True)
    for _ in range(int(rng.integers(0, 3))):
        place.put(
            draw_figure(kit, figures).placed(
                (rng.uniform(-0.4, 0.4) * wide, 0, rng.uniform(-0.3, 0.2) * deep), rng.normal(0, 0.6)
            ),
            0.0,
            worth=True,
        )
    if kit.chance(0.4):  # a rail with clothes
        y, z = rng.uniform(1.3, 1.7), rng.uniform(-0.35, 0.1) * deep
        place.add(tube([(-0.9, 0, z), (-0.9, y + 0.05, z), (0.9, y + 0.05, z), (0.9, 0, z)], 0.015, kit.metal()))
        for x in np.arange(-0.8, 0.8, rng.uniform(0.1, 0.3)):
            place.add(coat(kit, figures).placed((x, y, z), np.pi / 2 + rng.normal(0, 0.25)))
        place.focus.append(np.array([0, y - 0.4, z]))
    level = np.zeros((9, 5))  # heights of the heap over a grid
    for _ in range(int(rng.integers(15, 60))):
        column, row = int(rng.integers(9)), int(min(4, rng.exponential(1.4)))
        if level[column, row] > 1.7:
            continue
        piece = draw_heap_thing(kit) if kit.chance(0.7) else draw_small(kit)
        if kit.chance(0.06):
            piece = books_row(kit, 0.5, 0.3, 0.2)
        x, z = ((column + 0.5) / 9 - 0.5) * wide, -deep / 2 + 0.9 + row * 0.4
        tall = float(piece.vertices[:, 1].max())
        place.add(
            piece.placed((x + rng.normal(0, 0.06), level[column, row], z + rng.normal(0, 0.06)), rng.uniform(-3, 3))
        )
        level[column, row] += tall * 0.92
        top = float(level[column, row])
        place.taken.append((np.array([x - 0.2, 0, z - 0.2]), np.array([x + 0.2, top, z + 0.2])))
        if kit.chance(0.3):
            place.focus.append(np.array([x, top * 0.8, z]))
    for _ in range(int(rng.integers(0, 4))):
        place.put(potted(kit).placed((rng.uniform(-0.5, 0.5) * wide, 0, rng.uniform(-0.2, 0.4) * deep)), 0.0)
    if kit.chance(0.25):
        place.add(
            drape(kit, wide * rng.uniform(0.3, 0.9), high * 0.95, kit.cloth(0.4)).placed((0, 0, -deep / 2 + 0.12))
        )
    return place
