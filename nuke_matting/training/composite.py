"""Training samples: subjects over backgrounds, I = alpha F + (1 - alpha) B in scene-linear light, then the model space.

Whatever a camera does to a picture (see `camera`) is done to the composite and not to its layers, so that no edge tells
a cut-out from a photograph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from nuke_matting.colour.model_space import to_model
from nuke_matting.errors import UsageError
from nuke_matting.opencv import blurred, resized, warped
from nuke_matting.training import backdrops, camera, cloths, patterns, things
from nuke_matting.training.decoding import decode_srgb
from nuke_matting.training.framing import Path2D, cut_sides, draw_height, draw_place, hide_cuts, move
from nuke_matting.training.guides import rough
from nuke_matting.training.store import Store
from nuke_matting.training.values import Cutout, Subject

Array = NDArray[np.float32]
T = TypeVar("T")
Groups = Sequence[tuple[float, Sequence[Subject]]]  # weight, and what is drawn from
IN_PLACE = 0.12  # of samples, where there are photographs whose background is known


@dataclass(frozen=True)
class Sample:
    """A clip of T frames in the model space, channels last, float32.

    image, foreground, clean, behind : [T, H, W, 3]; alpha, guide : [T, H, W, 1] in [0, 1].
    `clean` is the background alone, `guide` a rough matte, as an artist would have them; `behind` the background free
    of noise and compression, as the foreground is: for `remix`, where one that has them beside one that has not would
    tell the subject.
    guided : the subject need not be a person, so that nobody can tell it without the clean plate or the guide.
    in_place : it is a photograph as it was taken: subject and background belong together.
    """

    image: Array
    foreground: Array
    alpha: Array
    clean: Array
    guide: Array
    behind: Array
    guided: bool = False
    in_place: bool = False


class Compositor:
    """Draws samples from people and backgrounds with a random generator of its own: a seed gives the same samples.

    people : subjects, with weights; others : subjects that need not be people; things : weight of `things.draw`'s.
    backgrounds : groups of photographs and panoramas, with weights.
    store : reads and keeps the pictures.
    largest : scale at which pictures are drawn at most, where they fill what they must: more is blur, and no detail.

    Raises UsageError: nobody and nothing to draw, or no background.
    """

    def __init__(
        self,
        people: Groups,
        backgrounds: Sequence[tuple[float, Sequence[Path]]],
        seed: int,
        others: Groups = (),
        things: float = 0.0,
        store: Store | None = None,
        largest: float = np.inf,
    ) -> None:
        self.people = [(weight, each) for weight, each in people if each and weight > 0]
        self.others = [(weight, each) for weight, each in others if each and weight > 0]
        if things > 0:
            self.others.append((things, ()))  # () stands for things
        if not self.people and not self.others:
            raise UsageError("there are no subjects to draw", advice="give sources a weight above 0")
        self._photographs = {True: _whole(self.others), False: _whole(self.people)}
        self.backgrounds = [(weight, each) for weight, each in backgrounds if each and weight > 0]
        if not self.backgrounds:
            raise UsageError("there are no backgrounds to draw", advice="give a folder of photographs")
        self.random = np.random.default_rng(seed)
        self.store, self.largest = store or Store(), largest

    def sample(self, height: int, width: int, frames: int) -> Sample:
        """A clip of one or more frames; about 1 in 6 holds no person, 1 in 4 several; a guided one 1 to 3 subjects.

        Raises PlateError: pictures cannot be read, one after the other.
        """
        r = self.random
        guided = self._is_guided()
        photographs = self._photographs[guided]
        in_place = bool(photographs) and r.random() < IN_PLACE
        if in_place:
            foreground, alpha, behind = self._in_place(_among(photographs, r), height, width, frames)
            lit = behind
        else:
            foreground, alpha, behind, lit = self._composed(guided, height, width, frames)
        image = foreground + (1 - alpha) * lit
        if alpha.any() and r.random() < 0.12:  # something in front, which is not the subject
            cover, front = self._clutter(height, width, frames)
            image, behind = (each + (front - each) * cover for each in (image, behind))
            alpha, foreground = alpha * (1 - cover), foreground * (1 - cover)
        image, foreground, behind, alpha = camera.lens(r, image, foreground, behind, alpha)
        alpha = np.clip(alpha, 0, 1)  # rounding in the sums above
        straight = np.where(alpha > 1e-3, foreground / np.maximum(alpha, 1e-3), image)
        image, straight, clean, behind = camera.take(r, image, straight, behind)
        layers = (to_model(image), to_model(straight), alpha, to_model(clean), rough(r, alpha), to_model(behind))
        return Sample(*layers, guided, in_place)

    # -- layers, scene-linear --

    def _composed(self, guided: bool, height: int, width: int, frames: int) -> tuple[Array, Array, Array, Array]:
        """Subjects, premultiplied, their alpha, a background, and that with the shadows they cast."""
        r = self.random
        shares = (0, 0.75, 0.18, 0.07) if guided else (0.22, 0.56, 0.15, 0.07)
        count = int(r.choice(len(shares), p=shares))
        behind = (self._background if count else self._nobody)(height, width, frames)
        foreground = np.zeros_like(behind)
        alpha = np.zeros((frames, height, width, 1), np.float32)
        for colour, cover in self._subjects(count, guided, height, width, frames):
            foreground = colour * cover + foreground * (1 - cover)
            alpha = cover + alpha * (1 - cover)
        if r.random() < 0.3:  # bounce light, spill and haze from behind
            glow = np.stack([blurred(each, height / 12) for each in behind])
            foreground = foreground + alpha * glow * r.uniform(0, 0.15)
        lit = behind * (1 - self._shadow(alpha)) if count and r.random() < 0.25 else behind
        return foreground, alpha, behind, lit

    def _in_place(self, among: Sequence[Subject], height: int, width: int, frames: int) -> tuple[Array, Array, Array]:
        """A subject where it was photographed, premultiplied, its alpha, and what is behind it.

        Light, sharpness and place belong together, which they do not where subjects are put over something else: what
        is learnt from that alone may be who does not belong.
        """
        r, photograph = self.random, self.store.photograph(among, self.random)
        h, w = photograph.alpha.shape
        scale = self._zoomed(max(height / h, width / w), 0.02, 0.35)
        halves = np.maximum(np.asarray([scale * w / width, scale * h / height]) / 2, 0.5)  # of the picture, in frames
        x = r.uniform(1 - halves[0], halves[0])
        y = halves[1] - (2 * halves[1] - 1) * r.beta(1, 2.5)  # heads are above
        path = self._path(frames, r.normal(0, 0.03), scale, x, y, speed=r.choice([0, 0.01]))
        alpha = photograph.alpha[..., None].astype(np.float32) / 255
        colours = np.stack([decode_srgb(photograph.foreground), decode_srgb(photograph.behind)])
        colours = self._vary_colour(_with_lights(r, colours, 0.15))
        layers = [np.concatenate([colours[0] * alpha, alpha], axis=2), colours[1]]
        mirror = -1 if r.random() < 0.5 else 1
        subject, behind = (
            move(np.ascontiguousarray(layer[:, ::mirror])[None], path, height, width, cv2.BORDER_REFLECT_101)
            for layer in layers
        )
        return subject[..., :3], np.clip(subject[..., 3:], 0, 1), behind

    def _is_guided(self) -> bool:
        if not self.others:
            return False
        people, others = (sum(weight for weight, _ in groups) for groups in (self.people, self.others))
        return self.random.random() * (people + others) >= people

    def _subjects(self, count: int, guided: bool, height: int, width: int, frames: int) -> list[tuple[Array, Array]]:
        """Straight colour [T, H, W, 3] and cover [T, H, W, 1] of some subjects, those behind first."""
        r = self.random
        together = draw_height(r) if count > 1 and r.random() < 0.5 else None  # all as far away as one another
        drawn = []
        for _ in range(count):
            tall = draw_height(r) if together is None else together * np.exp(r.normal(0, 0.12))
            among = _among(self.others if guided else self.people, r)
            if among:
                drawn.append(self._cutout(self.store.cutouts(among, r, frames), tall, height, width, frames))
            else:
                thing = things.draw(r, height, width, frames)
                drawn.append((thing.colour, thing.alpha))
        if r.random() < 0.75:  # what looks large is near
            drawn.sort(key=lambda layer: float(layer[1].mean()))
        return drawn

    def _cutout(self, cuts: list[Cutout], tall: float, height: int, width: int, frames: int) -> tuple[Array, Array]:
        """One cut-out, which is moved along a path, or one for each frame, which move by themselves as well."""
        r, (h, w) = self.random, cuts[0].alpha.shape
        pictures, ends = [(each.foreground, each.alpha) for each in cuts], cuts[0].ends
        if r.random() < 0.5:
            pictures = [(foreground[:, ::-1], alpha[:, ::-1]) for foreground, alpha in pictures]
            ends = replace(ends, left=ends.right, right=ends.left)
        cut = cut_sides([alpha for _, alpha in pictures], ends)
        scale, x, y = draw_place(r, tall, (h, w), cut, (height, width), self.largest)
        if scale < 0.6:  # part of the way in 8 bits, for speed; the rest in linear light
            size = (max(1, round(w * scale * 1.5)), max(1, round(h * scale * 1.5)))
            pictures = [(resized(foreground, size), resized(alpha, size)) for foreground, alpha in pictures]
            scale *= h / pictures[0][1].shape[0]
        leant = r.normal(0, 0.35 if r.random() < 0.12 else 0.08)  # some cameras and some people are askew
        path = self._path(frames, leant, scale, x, y, speed=0.02)
        path = hide_cuts(path, pictures[0][1].shape, cut, (height, width))
        colour = np.stack([decode_srgb(foreground) for foreground, _ in pictures])
        colour = _with_lights(r, colour, 0.15) if pictures[0][0].dtype == np.uint8 else colour
        colour = self._tint_grey(colour) if cuts[0].grey else self._vary_colour(colour)
        colour = self._light_unevenly(colour)
        alpha = np.stack([alpha for _, alpha in pictures]).astype(np.float32)[..., None] / 255.0
        layer = np.concatenate([colour * alpha, alpha], axis=3)
        moved = move(layer, path, height, width, cv2.BORDER_CONSTANT)
        cover = np.clip(moved[..., 3:], 0, 1)
        divisor: Array = np.maximum(cover, 1e-6)
        return moved[..., :3] / divisor, cover

    def _tint_grey(self, colour: Array) -> Array:
        """Colours a grey portrait [T, H, W, 3]: skin and hair along the grey ramp, clothes by another one below."""
        r = self.random
        grey = colour.mean(3, keepdims=True)
        if r.random() < 0.1:
            return np.repeat(grey, 3, axis=3)
        skin = grey ** r.uniform(0.8, 1.2) * np.asarray([1.0, r.uniform(0.62, 0.85), r.uniform(0.45, 0.75)], np.float32)
        cloth = grey ** r.uniform(0.6, 1.3) * r.uniform(0.3, 1.2, 3).astype(np.float32)
        cloth = cloth + r.uniform(0, 0.15, 3).astype(np.float32) * r.random()
        down = np.linspace(0, 1, grey.shape[1], dtype=np.float32)[:, None, None]
        below = np.clip((down - r.uniform(0.6, 0.8)) / 0.06, 0, 1)
        return (skin * (1 - below) + cloth * below).astype(np.float32) * np.float32(2 ** r.uniform(-0.3, 0.9))

    def _vary_colour(self, colour: Array) -> Array:
        r = self.random
        gains = np.exp(r.normal(0, 0.12, 3)) * 2 ** r.normal(0, 0.6)
        grey = colour.mean(3, keepdims=True)
        colour = np.maximum(grey + (colour - grey) * r.uniform(0.4, 1.4), 0)
        return (colour ** r.uniform(0.8, 1.25) * gains).astype(np.float32)

    def _light_unevenly(self, colour: Array) -> Array:
        """Sometimes light and colour that change over the body, sometimes another surface: neither makes a person."""
        r, (h, w) = self.random, colour.shape[1:3]
        if r.random() < 0.4:
            field = r.normal(0, 1, (3, 3, 1)) * r.uniform(0, 0.5) + r.normal(0, 1, (3, 3, 3)) * r.uniform(0, 0.12)
            colour = colour * np.exp(resized(field.astype(np.float32), (w, h), cv2.INTER_LINEAR))
        if r.random() < 0.12:
            texture = self._photograph(h, w, 1)[0]
            texture = texture / max(float(texture.mean()), 1e-3)
            colour = colour * (1 - 0.8 * r.random() * (1 - np.minimum(texture, 3.0)))
        return np.maximum(colour, 0).astype(np.float32)

    def _background(self, height: int, width: int, frames: int) -> Array:
        r = self.random
        kind = r.random()
        if kind < 0.12:
            behind = (backdrops.screen if kind < 0.05 else backdrops.ramp)(r, height, width, frames)
        else:
            behind = self._photograph(height, width, frames)
        behind = self._with_clutter(behind, r.poisson(0.8))
        if r.random() < 0.4:
            radius = r.uniform(0.002, 0.03) * height
            behind = np.stack([blurred(each, radius) for each in behind])
        behind = self._with_clutter(behind, r.poisson(0.4))  # sharp before what is soft, as people often are
        return self._with_objects(behind) if r.random() < 0.1 else behind

    def _nobody(self, height: int, width: int, frames: int) -> Array:
        """A picture of nobody: as it was taken, or else such pictures always had people in them; smeared, or a heap; or
        with what stands where people do, and is none."""
        r, kind = self.random, self.random.random()
        if kind < 0.38:
            return self._photograph(height, width, frames, whole=True)
        if kind < 0.46:
            return patterns.streaks(r, self._photograph(height, width, frames))
        if kind < 0.54:
            return patterns.heap(r, height, width, frames)
        behind = self._background(height, width, frames)
        if r.random() < 0.6:
            behind = self._with_clutter(behind, 1 + r.poisson(0.6), near=True)
        return self._with_objects(behind) if r.random() < 0.35 else behind

    def _with_objects(self, behind: Array) -> Array:
        """With bodies that somebody took a picture of, whole and sharp, where people are in pictures of people."""
        r, (frames, height, width) = self.random, behind.shape[:3]
        kind = "laid" if r.random() < 0.35 else "bodies"
        thing = things.draw(r, height, width, frames, kind, near=True)
        if kind == "bodies" and r.random() < 0.6:
            behind = behind * (1 - self._shadow(thing.alpha))
        return behind * (1 - thing.alpha) + thing.colour * thing.alpha

    def _with_clutter(self, behind: Array, count: int, near: bool = False) -> Array:
        """With things that stand about, of no interest; near : as large as people are, and in the middle."""
        frames, height, width = behind.shape[:3]
        for _ in range(count):
            cover, other = self._clutter(height, width, frames, near)
            behind = behind * (1 - cover) + other * cover
        return behind

    def _shadow(self, alpha: Array) -> Array:
        """How much darker a subject makes what is behind it [T, H, W, 1]; a clean plate knows nothing of that."""
        r, (height, width) = self.random, alpha.shape[1:3]
        offset = np.asarray([[1, 0, r.normal(0, 0.08) * width], [0, 1, r.uniform(-0.02, 0.12) * height]])
        softness = r.uniform(0.01, 0.08) * height
        cast = [blurred(warped(each, offset, (width, height), cv2.BORDER_REPLICATE), softness) for each in alpha]
        return np.stack(cast)[..., None] * np.float32(r.uniform(0.1, 0.7))

    def _clutter(self, height: int, width: int, frames: int, near: bool = False) -> tuple[Array, Array]:
        """Cover [T, H, W, 1] and colour [T, H, W, 3] of a thing, a cloth, or a shape that shows another surface."""
        r = self.random
        if r.random() < (0.55 if near else 0.25):
            bodies = r.random() < (0.6 if near else 0.2)
            thing = things.draw(r, height, width, frames, "bodies" if bodies else None, near)
            return thing.alpha, thing.colour
        if r.random() < (0.1 if near else 0.25):
            return cloths.cloth(r, height, width, frames)
        if not near and r.random() < 0.25:
            cover = backdrops.floor(r, height, width, frames)
        else:
            cover = self._shape(height, width, frames, near)
        plain = r.random() < 0.3
        surface = backdrops.ramp(r, height, width, frames) if plain else self._photograph(height, width, frames)
        return cover, surface * np.exp(r.normal(0, 0.3, 3)).astype(np.float32)

    def _photograph(self, height: int, width: int, frames: int, whole: bool = False) -> Array:
        """A part of a photograph or panorama, or as good as all of it: that at times as from above, any side up."""
        r = self.random
        nearest, off = (0.3, 0.1) if whole else (1.3, 0.4)
        picture = self.store.background(_among(self.backgrounds, r), r)
        if r.random() < 0.15:  # on its side
            picture = np.rot90(picture, r.choice([1, 3]))
        h, w = picture.shape[:2]
        scale = self._zoomed(max(height / h, width / w), 0.05, nearest)
        turn = r.uniform(0, 2 * np.pi) if whole and r.random() < 0.2 else r.normal(0, 0.05)
        x, y = 0.5 + r.uniform(-1, 1, 2) * off
        path = self._path(frames, turn, scale, x, y, speed=r.choice([0, 0.015]))
        ch, cw = min(h, int(height / scale * 1.8) + 2), min(w, int(width / scale * 1.8) + 2)
        top, left = r.integers(h - ch + 1), r.integers(w - cw + 1)
        crop = picture[top : top + ch, left : left + cw]
        if scale < 0.6:  # the background's exact filtering does not matter, speed does
            size = (max(1, round(cw * scale * 1.3)), max(1, round(ch * scale * 1.3)))
            crop = resized(crop, size)
            path = replace(path, scale=path.scale * np.float32(cw / size[0]))
        crop = backdrops.rearranged(r, crop)
        # photographs are moved in their 8 bits
        moved = decode_srgb(move(crop[None], path, height, width, cv2.BORDER_REFLECT_101))
        moved = _with_lights(r, moved, 0.3) if crop.dtype == np.uint8 else moved
        moved = backdrops.recoloured(r, moved)
        target = 0.18 * 2 ** r.normal(0, 1.0) / max(float(np.median(moved[0, ::4, ::4])), 0.02)
        gains = np.exp(r.normal(0, 0.1, 3)) * min(target, 8.0)
        return np.maximum(moved, 0) * gains.astype(np.float32)

    def _zoomed(self, filling: float, least: float, most: float) -> float:
        """The scale of a picture, above the one at which it fills the frame by a factor whose logarithm is drawn."""
        zoom = np.exp(self.random.uniform(least, most))
        return filling * max(np.exp(least), min(zoom, self.largest / filling))

    def _shape(self, height: int, width: int, frames: int, near: bool) -> Array:
        """The shape of some object, round, angular, upright or ragged, that drifts. Alpha [T, H, W, 1]."""
        r = self.random
        size = 64
        mask = np.zeros((size, size), np.uint8)
        kind = r.choice(["round", "angular", "upright", "ragged"])
        if kind == "round":
            centre, axes = (size // 2, size // 2), (int(r.integers(6, 30)), int(r.integers(6, 30)))
            cv2.ellipse(mask, centre, axes, float(r.uniform(0, 180)), 0, 360, 255, -1)
        elif kind == "upright":  # doors, posts, screens, furniture: most of what stands behind people indoors
            half = r.integers(3, 18), r.integers(8, 31)
            cv2.rectangle(mask, [int(32 - each) for each in half], [int(32 + each) for each in half], 255, -1)
        elif kind == "ragged":
            mask = (255 * backdrops.ragged(r, size)).astype(np.uint8)
        else:
            turn = np.sort(r.uniform(0, 2 * np.pi, int(r.integers(3, 9))))
            reach = r.uniform(8, 31, len(turn))
            points = np.stack([np.cos(turn) * reach, np.sin(turn) * reach], 1) + size / 2
            cv2.fillPoly(mask, [points.astype(np.int32)], 255)
        layer = blurred(mask.astype(np.float32) / np.float32(255), r.uniform(0.4, 1.5))[..., None]
        large = r.uniform(0.7, 1.6) if near else r.uniform(0.2, 1.1)
        x, y = r.uniform((0.25, 0.4), (0.75, 0.9)) if near else r.uniform(0, 1, 2)
        path = self._path(frames, 0, large * height / size, x, y, speed=0.02)
        return np.clip(move(layer[None], path, height, width, cv2.BORDER_CONSTANT), 0, 1)

    def _path(self, frames: int, angle: float, scale: float, x: float, y: float, speed: float) -> Path2D:
        r, t = self.random, np.arange(frames, dtype=np.float32)
        drift = r.normal(0, speed, 4) * (frames > 1)
        shake = r.normal(0, speed * 0.15, (2, frames)) * (frames > 1)
        return Path2D(
            (angle + drift[0] * t).astype(np.float32),
            (scale * np.exp(drift[1] * 0.5 * t)).astype(np.float32),
            (x + drift[2] * t + shake[0]).astype(np.float32),
            (y + drift[3] * 0.5 * t + shake[1]).astype(np.float32),
        )


def _with_lights(random: np.random.Generator, linear: Array, often: float) -> Array:
    """A picture that was of 8 bits, now and then its clipped lights given their height back."""
    if random.random() >= often:
        return linear
    return linear * np.float32(1 + random.uniform(0, 6) * np.maximum(linear - 0.8, 0) / 0.2)


def _whole(groups: Groups) -> Groups:
    """The stills of which it is known what is behind them."""
    found = [(weight, [each for each in group if each.frames[0].behind is not None]) for weight, group in groups]
    return [(weight, group) for weight, group in found if group]


def _among(groups: Sequence[tuple[float, T]], random: np.random.Generator) -> T:
    """One of the groups, by their weights."""
    weights = np.asarray([weight for weight, _ in groups])
    return groups[random.choice(len(groups), p=weights / weights.sum())][1]
