"""The trainer: `python -m nuke_matting.training.train --stage stills --people DIR:1 ... --backgrounds DIR --out DIR`.

Writes `last.pt` (everything a resumed run needs), `weights.safetensors` (averaged weights, ready to use), `log.csv`
and pictures of what the network sees and says.
"""

from __future__ import annotations

import argparse
import csv
import math
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nuke_matting.errors import MattingError
from nuke_matting.models.weights import save_weights
from nuke_matting.nets import regions as rg
from nuke_matting.nets.decoder import Coarse
from nuke_matting.nets.two_stage import TwoStage, stack
from nuke_matting.training import losses
from nuke_matting.training.data import LAYERS, Batch, Sources, given, loader
from nuke_matting.training.datasets import find_subjects, parse_source
from nuke_matting.training.stages import (
    CLIP_GRADIENT,
    COARSE_LONG_SIDE,
    EMA,
    REFINER_RATE,
    REGIONS,
    STAGES,
    WEIGHT_DECAY,
    Stage,
)


class Student(nn.Module):
    """The network and what only training needs: the head that supervises the memory's output directly."""

    def __init__(self) -> None:
        super().__init__()
        self.net = TwoStage()
        self.direct = nn.Conv2d(192, 4, 1)  # alpha and foreground residual at 1/16, Song, equation 8
        self.cover = nn.Conv2d(192, 1, 1)  # logit of the alpha at 1/16: absolute errors alone learn slowly what is whom

    def forward(self, batch: Batch, stage: Stage, generator: torch.Generator) -> tuple[dict[str, Tensor], Tensor]:
        """Named losses (to be summed) and the alpha [B, T, 1, h, w] for a look."""
        net, (b, t) = self.net, batch.image.shape[:2]
        small = {name: _reduce(getattr(batch, name), stage.enlarge) for name in LAYERS}
        # the region stage takes one clean plate setting for all
        clean_given, guide_given = given(batch.guided, stage.enlarge != 1, generator)
        x = stack(*(small[name].flatten(0, 1) for name in ("image", "clean", "guide"))).unflatten(0, (b, t))
        x = torch.cat([x[:, :, :3], x[:, :, 3:7] * clean_given.float(), x[:, :, 7:] * guide_given.float()], dim=2)
        features = net.encode(x.flatten(0, 1).contiguous(memory_format=torch.channels_last))

        keys = [each.unflatten(0, (b, t)) for each in features.memory]
        alone = t == 1 or torch.rand((), generator=generator) < 0.15
        read = []
        for frame in range(t):
            references = [frame] if alone else [max(0, frame - 1), max(0, frame - 2)]
            memory = [type(features.memory)(keys[0][:, at], keys[1][:, at]) for at in references]
            read.append(net.memory(type(features.memory)(keys[0][:, frame], keys[1][:, frame]), memory))
        f16 = torch.stack(read, 1).flatten(0, 1)
        coarse = net.decoder(f16, features.f8, features.f4, features.f2)

        true = {name: value.flatten(0, 1) for name, value in small.items()}
        alpha = losses.clamp_through(coarse.alpha.float())
        fg = true["image"] + coarse.residual.float()
        out = {
            "alpha": losses.l1(alpha, true["alpha"]),
            "laplacian": losses.laplacian(alpha, true["alpha"]),
            "foreground": 0.5 * losses.foreground(fg, true["foreground"], true["alpha"]),
            "error": 0.2 * losses.error(coarse.error.float(), alpha, true["alpha"]),
        }
        direct = self.direct(f16).float()
        coarse_truth = F.interpolate(torch.cat([true["alpha"], true["image"]], 1), size=direct.shape[-2:], mode="area")
        out["direct"] = 0.5 * losses.l1(losses.clamp_through(direct[:, :1]), coarse_truth[:, :1])
        out["cover"] = 0.5 * F.binary_cross_entropy_with_logits(self.cover(f16).float(), coarse_truth[:, :1])
        if t > 1:
            out["temporal"] = 5 * losses.temporal(alpha.unflatten(0, (b, t)), small["alpha"])
        if stage.enlarge > 1:
            out |= self._refine(batch, coarse, clean_given, generator)
        return out, alpha.unflatten(0, (b, t))

    def _refine(self, batch: Batch, coarse, clean_given: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Losses of the regions, at full size. A few are drawn at random, so that plain ones are known too.

        They train the region stage alone: their weight, an average over few pixels, would drown the coarse stage's own.
        """
        coarse = Coarse(*(each.detach() for each in coarse))
        image, true_alpha = batch.image.flatten(0, 1), batch.alpha.flatten(0, 1)
        clean = batch.clean.flatten(0, 1) if clean_given.any() else None
        grid = rg.grid_size(*image.shape[-2:])
        error = F.interpolate(coarse.error.float().sigmoid(), size=grid, mode="area")
        noise = torch.rand(error.shape, generator=generator)
        cells = rg.choose(torch.where(noise > 0.97, noise, error), REGIONS, 0.0)
        alpha, residual = self.net.refine(image, clean, coarse, cells)
        alpha, fg = losses.clamp_through(alpha.float()), image + residual.float()
        inside = rg.paste(torch.zeros_like(alpha), cells, alpha.new_ones(len(cells), 1, rg.CELL, rg.CELL))
        share = inside.mean().clamp(min=1e-4)
        return {
            "fine_alpha": ((alpha - true_alpha).abs() * inside).mean() / share,
            "fine_laplacian": losses.laplacian(alpha, true_alpha, levels=4) / share * 0.25,
            "fine_foreground": 0.5 * losses.foreground(fg, batch.foreground.flatten(0, 1), true_alpha * inside),
        }


def _reduce(clip: Tensor, factor: float) -> Tensor:
    if factor == 1:
        return clip
    size = tuple(round(side / factor) for side in clip.shape[-2:])
    b = clip.shape[0]
    return F.interpolate(clip.flatten(0, 1), size=size, mode="bilinear", antialias=True).unflatten(0, (b, -1))


def rate_at(step: int, stage: Stage) -> float:
    """Learning rate: linear warm-up over 5 % of the steps, then a cosine down to a twentieth."""
    warm = max(1, stage.steps // 20)
    if step < warm:
        return stage.rate * (step + 1) / warm
    along = (step - warm) / max(1, stage.steps - warm)
    return stage.rate * (0.05 + 0.95 * (1 + math.cos(math.pi * along)) / 2)


def train(
    stage: Stage,
    sources: Sources,
    out: Path,
    start_from: Path | None,
    seed: int,
    save_every: float = 180,
    workers: int = 1,
) -> None:
    """Runs a stage to its end; goes on from `out/last.pt` where there is one, else starts from given weights."""
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    student = Student().to(device, memory_format=torch.channels_last)
    average = Student().to(device)
    optimiser = torch.optim.AdamW(_groups(student), lr=stage.rate)
    step, spent = 0, 0.0
    if (out / "last.pt").exists():
        last = torch.load(out / "last.pt", weights_only=True, map_location=device)
        student.load_state_dict(last["student"])
        average.load_state_dict(last["average"])
        optimiser.load_state_dict(last["optimiser"])
        step, spent = last["step"], last["seconds"]
    else:
        if start_from is not None:
            student.load_state_dict(torch.load(start_from, weights_only=True, map_location=device)["average"])
        average.load_state_dict(student.state_dict())

    began = saved = time.monotonic()
    sums: dict[str, float] = {}
    counted = 0  # steps in the sums; fewer than 50 after a resume
    for batch in loader(sources, stage, seed, step, workers):
        student.train()
        if not stage.norms:
            for module in student.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        generator = torch.Generator().manual_seed(seed * 7_919 + step)
        for group in optimiser.param_groups:
            group["lr"] = rate_at(step, stage) * group["factor"]
        batch = Batch(*(getattr(batch, name).to(device) for name in Batch.__dataclass_fields__))
        with torch.autocast(device.type, torch.bfloat16):
            parts, alpha = student(batch, stage, generator)
        loss = sum(parts.values())
        if not torch.isfinite(loss):
            raise RuntimeError(
                f"step {step}: the loss is {loss.item()}; parts: { {k: v.item() for k, v in parts.items()} }"
            )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(student.parameters(), CLIP_GRADIENT)
        optimiser.step()
        _follow(average, student, min(EMA, (step + 1) / (step + 10)))
        step += 1
        counted += 1
        for name, value in parts.items():
            sums[name] = sums.get(name, 0.0) + value.item()
        if step % 50 == 0:
            seconds = spent + time.monotonic() - began
            _log(out / "log.csv", step, seconds, {name: value / counted for name, value in sums.items()})
            sums, counted = {}, 0
        if time.monotonic() - saved > save_every or step >= stage.steps:
            saved = time.monotonic()
            _save(out, student, average, optimiser, step, spent + saved - began)
            _picture(out / f"{step:06d}.jpg", batch, alpha, stage)


def _groups(student: nn.Module) -> list[dict[str, object]]:
    """Parameters by weight decay (matrices alone) and learning rate (the region stage starts last, learns faster)."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in student.named_parameters():
        factor = REFINER_RATE if name.startswith("net.refiner") else 1.0
        groups.setdefault((WEIGHT_DECAY if parameter.ndim > 1 else 0.0, factor), []).append(parameter)
    return [{"params": each, "weight_decay": decay, "factor": factor} for (decay, factor), each in groups.items()]


@torch.no_grad()
def _follow(average: nn.Module, student: nn.Module, decay: float) -> None:
    for old, new in zip(average.state_dict().values(), student.state_dict().values(), strict=True):
        old.lerp_(new, 1 - decay) if old.is_floating_point() else old.copy_(new)


def _save(
    out: Path, student: Student, average: Student, optimiser: torch.optim.Optimizer, step: int, seconds: float
) -> None:
    state = {"student": student.state_dict(), "average": average.state_dict(), "optimiser": optimiser.state_dict()}
    torch.save({**state, "step": step, "seconds": seconds}, out / "last.tmp")
    (out / "last.tmp").replace(out / "last.pt")
    about = {
        "architecture": "two_stage",
        "name": "two_stage",
        "version": version("nuke-matting"),
        "licence": "MIT",
        "training": f"step {step} of the last stage, {seconds:.0f} s in it; sources: nuke_matting/weights/two_stage.md",
        "coarse_long_side": str(COARSE_LONG_SIDE),
    }
    save_weights(out / "weights.safetensors", average.net, about)


def _log(path: Path, step: int, seconds: float, values: dict[str, float]) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(["step", "seconds", *values])
        writer.writerow([step, round(seconds), *(f"{value:.5f}" for value in values.values())])


def _picture(path: Path, batch: Batch, alpha: Tensor, stage: Stage) -> None:
    rows = []
    for index in range(min(6, len(batch.image))):
        image, true = (
            _reduce(each[index : index + 1, -1:], stage.enlarge)[0, 0].cpu() for each in (batch.image, batch.alpha)
        )
        mattes = [each.detach().float().cpu().expand(3, -1, -1) for each in (alpha[index, -1], true)]
        rows.append(torch.cat([image, *mattes], 2))
    picture = (torch.cat(rows, 1).clamp(0, 1) * 255).byte().permute(1, 2, 0).numpy()
    cv2.imwrite(str(path), np.ascontiguousarray(picture[..., ::-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stage", choices=sorted(STAGES), required=True)
    subjects = "folder of mattes, or a known set by name, and how often it is drawn"
    parser.add_argument("--people", action="append", default=[], metavar="[LAYOUT=]DIR[:WEIGHT]", help=subjects)
    parser.add_argument(
        "--others",
        action="append",
        default=[],
        metavar="[LAYOUT=]DIR[:WEIGHT]",
        help="the same of anything, always shown with a clean plate or a guide",
    )
    parser.add_argument(
        "--things", type=float, default=0.0, metavar="WEIGHT", help="how often procedural things are drawn, likewise"
    )
    parser.add_argument(
        "--foregrounds", type=Path, metavar="DIR", help="for estimated foregrounds; default: beside each set"
    )
    parser.add_argument("--backgrounds", action="append", required=True, type=Path, metavar="DIR")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--start-from", type=Path, metavar="last.pt", help="averaged weights of an earlier stage")
    parser.add_argument("--steps", type=int, help="in place of the stage's own number")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1, help="processes that draw samples")
    args = parser.parse_args()
    try:
        people, others = (tuple(parse_source(each) for each in texts) for texts in (args.people, args.others))
        sources = Sources(people, tuple(args.backgrounds), others, args.things, args.foregrounds)
        for source in (*people, *others):
            find_subjects(source, args.foregrounds)  # what is wrong is said now
    except MattingError as error:
        parser.error(str(error))
    if not (people or others or args.things > 0):
        parser.error("nothing to matte; give --people, --others or --things")
    stage = STAGES[args.stage]
    if args.steps:
        stage = replace(stage, steps=args.steps)
    train(stage, sources, args.out, args.start_from, args.seed, workers=args.workers)


if __name__ == "__main__":
    main()
