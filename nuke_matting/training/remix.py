"""New samples of those that were drawn: each subject over the background of another, both moved and lit anew.

Photographs as they were taken mostly stay whole: subject and background are moved and lit together.

All is done where the tensors are, a batch at once, so that a GPU need not wait for what is drawn on the CPU. As in
`composite`: I = alpha F + (1 - alpha) B in scene-linear light, and what a lens does is done to all layers alike.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from nuke_matting.colour.model_space_tensors import from_model, to_model
from nuke_matting.training.data import Batch

CLOSEST = 0.7  # of the frame's sides that a moved layer shows: it only comes nearer, as nothing is known beyond it
LEAST_ALPHA = 1e-3  # below it the foreground is what the picture shows
BRIGHTEST = 100.0  # scene-linear; panoramas hold the sun


def remixed(batch: Batch, behind: Tensor, random: torch.Generator) -> Batch:
    """Samples of the same size: `batch`'s subjects over other backgrounds.

    behind : backgrounds [B, T, 3, H, W] in the model space, free of noise: see `composite.Sample`.
    random : of the CPU, whatever the device.
    """
    b, t = batch.image.shape[:2]
    draw = _Draw(b, random, batch.image.device)
    whole = draw.whole(batch.in_place)
    present = torch.where(whole, 1.0, draw.present())  # what is behind them is made up
    alpha, guide = batch.alpha * present, batch.guide * present
    light, path = draw.light(0.4, 0.08), draw.path(t)
    hue, night = draw.hue(), draw.night()
    straight = _turned(from_model(batch.foreground).clamp(-1, BRIGHTEST), hue) * light * night
    subject = _moved(torch.cat([straight * alpha, alpha, guide], 2), path)
    premultiplied, alpha, guide = subject.split([3, 1, 1], 2)
    places = torch.where(whole, batch.behind, draw.decoys(draw.places(behind), batch.alpha, present == 0))
    places = _turned(from_model(places).clamp(-1, BRIGHTEST), torch.where(whole, hue, 0.0))
    places = places * torch.where(whole, light, draw.light(0.6, 0.1)) * night
    places = torch.where(whole, places, draw.alike(places, premultiplied, alpha))
    background = _moved(places, torch.where(whole.view(b, 1, 1).repeat_interleave(t, 0), path, draw.path(t)))
    vivid = draw.vivid()
    premultiplied, background = (_dulled(each, vivid) for each in (premultiplied, background))
    shaded = background * torch.where(whole, 1.0, 1 - draw.shadow(alpha))  # a clean plate knows nothing of it
    image = premultiplied + (1 - alpha) * shaded
    image, premultiplied, alpha, background = draw.blurred(image, premultiplied, alpha, background)
    alpha = alpha.clamp(0, 1)  # rounding in the sums above
    straight = torch.where(alpha > LEAST_ALPHA, premultiplied / alpha.clamp(min=LEAST_ALPHA), image)
    exposure, take = draw.light(0.8, 0.0), draw.light(0.05, 0.0)  # a clean plate is another take
    behind = background * exposure * take
    layers = (draw.noisy(image * exposure), straight * exposure, draw.noisy(behind), behind)
    most = draw.clipping()
    image, straight, clean, behind = (to_model(torch.minimum(each, most)) for each in layers)
    in_place = batch.in_place & whole.flatten()
    return Batch(image, straight, alpha, clean, guide.clamp(0, 1), behind, batch.guided, in_place)


class _Draw:
    """What is drawn for the clips of a batch, each by itself: tensors of [B, 1, 1, 1, 1], or as they say."""

    def __init__(self, count: int, random: torch.Generator, device: torch.device) -> None:
        self._count, self._random, self._device = count, random, device

    def light(self, stops: float, tint: float) -> Tensor:
        """Factors [B, 1, 3, 1, 1] of brightness (its deviation in stops) and of colour (a logarithm's)."""
        brightness = 2 ** (stops * self._normal(1, 1, 1, 1))
        return brightness * torch.exp(tint * self._normal(1, 3, 1, 1))

    def night(self) -> Tensor:
        """Factors [B, 1, 1, 1, 1], far below 1 in one clip of twenty, where all is dark."""
        some = self._uniform(1, 1, 1, 1) < 0.05
        return torch.where(some, 2 ** (-1.5 - 2 * self._uniform(1, 1, 1, 1)), 1.0)

    def path(self, frames: int) -> Tensor:
        """Maps [B * T, 2, 3] of where each pixel comes from: nearer, mirrored, drifting in every other clip."""
        sides = 1 - (1 - CLOSEST) * self._uniform(1)
        sides = (sides * torch.exp(0.05 * self._normal(2))).clamp(CLOSEST, 1)
        drift = 0.02 * self._normal(1, 2) * (self._uniform(1, 1) < 0.5)
        start = (1 - sides) * (2 * self._uniform(2) - 1)
        centre = start[:, None] + drift * torch.arange(frames, device=self._device)[:, None]
        room = (1 - sides)[:, None]
        matrix = torch.zeros(self._count, frames, 2, 3, device=self._device)
        matrix[..., 0, 0] = sides[:, :1] * torch.where(self._uniform(1) < 0.5, -1.0, 1.0)
        matrix[..., 1, 1] = sides[:, 1:]
        matrix[..., 2] = torch.minimum(torch.maximum(centre, -room), room)
        return matrix.flatten(0, 1)

    def places(self, behind: Tensor) -> Tensor:
        """Backgrounds [B, T, 3, H, W] that nobody has seen: photographs are few, and networks know them by heart.

        One in five is two in one, divided by a soft line or one through the other; one in ten is upside down, and in
        one of eight the colours have changed places. Few, since what is learnt must not be this alone: with more of
        them, plain composites were matted worse after a run than before it.
        """
        b, t, _, height, width = behind.shape
        noise = self._normal(1, 3, 3) * torch.where(self._uniform(1, 1, 1) < 0.7, 6.0, 0.5)
        line = F.interpolate(noise, size=(height, width), mode="bicubic").sigmoid()[:, None]
        mixed = behind + (behind.roll(1, 0) - behind) * line * (self._uniform(1, 1, 1, 1) < 0.2)
        mixed = torch.where(self._uniform(1, 1, 1, 1) < 0.1, mixed.flip(-2), mixed)
        order = torch.where(self._uniform(1) < 0.12, self._uniform(3).argsort(1), torch.arange(3, device=self._device))
        return mixed.gather(2, order.view(b, 1, 3, 1, 1).expand(b, t, 3, height, width))

    def decoys(self, places: Tensor, alpha: Tensor, alone: Tensor) -> Tensor:
        """Places [B, T, 3, H, W], of those without a subject two in three with something in it: pieces of another
        place, cut out as subjects are.

        alpha : of subjects [B, T, 1, H, W], whose outlines the pieces have, never upright. alone : [B, 1, 1, 1, 1],
        true where no subject is to be seen; what sticks out from behind one is mostly an arm.

        Being cut out and put in the middle makes nobody: else whatever stands out is a person.
        """
        b, _, _, height, width = places.shape
        angle = torch.pi * (0.4 + 1.2 * self._uniform(1))
        nearer = 0.7 * torch.exp2(self._uniform(1))  # how much of the outline's frame the frame shows
        matrix = torch.zeros(b, 2, 3, device=self._device)
        matrix[:, :, 0] = nearer * torch.cat([angle.cos(), angle.sin() * (height / width)], 1)
        matrix[:, :, 1] = nearer * torch.cat([-angle.sin() * (width / height), angle.cos()], 1)
        matrix[:, :, 2] = 0.3 * self._normal(2)
        grid = F.affine_grid(matrix, [b, 1, height, width], align_corners=False)
        outline = F.grid_sample(alpha.roll(2, 0)[:, 0], grid, align_corners=False)
        some = alone & (self._uniform(1, 1, 1, 1) < 0.67)
        pieces = (places.roll(3, 0).flip(-1) + 0.15 * self._normal(1, 1, 1, 1)).clamp(min=0)
        return torch.lerp(places, pieces, outline[:, None] * some)

    def shadow(self, alpha: Tensor) -> Tensor:
        """How much darker subjects make what is behind them, [B, T, 1, H, W]: in three clips of ten, not at all else.

        alpha : [B, T, 1, H, W], cast to a side, leant and smeared, from near or far.
        """
        b, t, _, height, width = alpha.shape
        matrix = torch.eye(2, 3, device=self._device).repeat(b, 1, 1)
        matrix[:, :, :2] = matrix[:, :, :2] * torch.exp(0.2 * self._normal(1, 1)) + 0.15 * self._normal(2, 2)
        matrix[:, :, 2] = 0.25 * self._normal(2)
        coarse = F.interpolate(alpha.flatten(0, 1), scale_factor=0.25, mode="area")
        grid = F.affine_grid(matrix.repeat_interleave(t, 0), list(coarse.shape), align_corners=False)
        cast = F.grid_sample(coarse, grid, padding_mode="border", align_corners=False)
        soft = F.avg_pool2d(cast, 5, 1, 2, count_include_pad=False)
        soft = F.avg_pool2d(soft, 5, 1, 2, count_include_pad=False)
        cast = torch.lerp(cast, soft, self._uniform(1, 1, 1).repeat_interleave(t, 0))
        cast = F.interpolate(cast, size=(height, width), mode="bicubic").clamp(0, 1).unflatten(0, (b, t))
        return cast * torch.where(self._uniform(1, 1, 1, 1) < 0.3, 0.9 * self._uniform(1, 1, 1, 1), 0.0)

    def whole(self, in_place: Tensor) -> Tensor:
        """[B, 1, 1, 1, 1], true in three of four of those that are photographs as they were taken; in_place : [B]."""
        return in_place.view(-1, 1, 1, 1, 1) & (self._uniform(1, 1, 1, 1) < 0.75)

    def present(self) -> Tensor:
        """[B, 1, 1, 1, 1], 0 in one clip of seven, whose subjects are taken away; 1 in the others."""
        return (self._uniform(1, 1, 1, 1) >= 1 / 7).float()

    def alike(self, places: Tensor, premultiplied: Tensor, alpha: Tensor) -> Tensor:
        """Places [B, T, 3, H, W], in one clip of eight in the mean colour of the subject or of a part of it, or on the
        way to it.

        premultiplied, alpha : the subjects, [B, T, 3, H, W] and [B, T, 1, H, W], linear like the places.

        Wood, sand and walls look like skin and cloth do, and what is dark is mostly seen before what is dark too, such
        as trousers in a corner: the colour alone makes nobody.
        """
        height = alpha.shape[3]
        down = torch.linspace(0, 1, height, device=self._device).view(1, 1, 1, height, 1)
        band = torch.exp(-(((down - self._uniform(1, 1, 1, 1)) / (0.08 + self._uniform(1, 1, 1, 1))) ** 2))
        cover = (alpha * band).sum((1, 3, 4), keepdim=True)
        own = (premultiplied * band).sum((1, 3, 4), keepdim=True) / cover.clamp(min=1)
        theirs = places.mean((1, 3, 4), keepdim=True)
        gain = (own.clamp(min=0.002) / theirs.clamp(min=0.002)).clamp(1 / 64, 8)
        some = (self._uniform(1, 1, 1, 1) < 0.12) & (cover >= 1)
        return places * torch.where(some, gain ** self._uniform(1, 1, 1, 1), 1.0)

    def blurred(self, *layers: Tensor) -> list[Tensor]:
        """Layers [B, T, C, H, W], alike: three clips in ten through a soft lens."""
        sigma = torch.where(self._uniform(1) < 0.3, 0.3 + 0.9 * self._uniform(1), 1e-3)
        taps = torch.exp(-(torch.arange(-2, 3, device=self._device) ** 2) / (2 * sigma**2))
        taps = taps / taps.sum(1, keepdim=True)
        stacked = torch.cat(layers, 2)
        planes = stacked.flatten(1, 2)
        kernels = taps.repeat_interleave(planes.shape[1], 0)[:, None]
        wide = F.pad(planes, (2, 2, 2, 2), mode="replicate").flatten(0, 1)[None]
        soft = F.conv2d(wide, kernels[:, :, None], groups=len(kernels))
        soft = F.conv2d(soft, kernels[:, :, :, None], groups=len(kernels))
        return list(soft[0].reshape(stacked.shape).split([each.shape[2] for each in layers], 2))

    def noisy(self, linear: Tensor) -> Tensor:
        """With the noise of light and of reading, in six clips of ten."""
        some = self._uniform(1, 1, 1, 1) < 0.6
        shot, read = 0.03 * self._uniform(1, 1, 1, 1) * some, 0.006 * self._uniform(1, 1, 1, 1) * some
        seed = int(torch.randint(2**31, (), generator=self._random))
        noise = torch.randn(
            linear.shape, device=self._device, generator=torch.Generator(self._device).manual_seed(seed)
        )
        return linear + noise * (linear.clamp(min=0).sqrt() * shot + read)

    def hue(self) -> Tensor:
        """Angles by which subjects' hues are turned, in one clip of sixteen: no colour makes a person."""
        return torch.where(self._uniform(1, 1, 1, 1) < 0.06, 2 * torch.pi * self._uniform(1, 1, 1, 1), 0.0)

    def vivid(self) -> Tensor:
        """How much of the colours is left, 0 in black and white; all of it in four clips of five."""
        dull = (1.1 * self._uniform(1, 1, 1, 1) - 0.1).clamp(min=0)
        return torch.where(self._uniform(1, 1, 1, 1) < 0.2, dull, 1.0)

    def clipping(self) -> Tensor:
        """Where cameras clip, in three clips of ten; above all light in the others."""
        some = self._uniform(1, 1, 1, 1) < 0.3
        return torch.where(some, 0.8 + 0.7 * self._uniform(1, 1, 1, 1), torch.inf)

    def _uniform(self, *shape: int) -> Tensor:
        return self._there(torch.rand(self._count, *shape, generator=self._random))

    def _normal(self, *shape: int) -> Tensor:
        return self._there(torch.randn(self._count, *shape, generator=self._random))

    def _there(self, drawn: Tensor) -> Tensor:
        return drawn.to(self._device, non_blocking=True)  # or a GPU would be waited for at each


def _turned(linear: Tensor, angle: Tensor) -> Tensor:
    """Colours [B, T, 3, H, W], their hues turned by angles [B, 1, 1, 1, 1]: about grey, whose sum each keeps, but that
    none comes out below 0 of those that are turned."""
    grey = linear.mean(2, keepdim=True)
    across = (linear.roll(1, 2) - linear.roll(-1, 2)) / 3**0.5
    turned = grey + (linear - grey) * angle.cos() + across * angle.sin()
    return torch.where(angle == 0, linear, turned.clamp(min=0))


def _dulled(linear: Tensor, vivid: Tensor) -> Tensor:
    """Colours [B, T, 3, H, W] on their way to grey, which is at 0."""
    return linear.mean(2, keepdim=True).lerp(linear, vivid)


def _moved(layer: Tensor, path: Tensor) -> Tensor:
    """[B, T, C, H, W] along a path [B * T, 2, 3]."""
    flat = layer.flatten(0, 1)
    grid = F.affine_grid(path, list(flat.shape), align_corners=False)
    moved = F.grid_sample(flat, grid, padding_mode="reflection", align_corners=False)
    return moved.unflatten(0, layer.shape[:2])
