"""The verb `doctor`: everything a ticket to the pipeline's TD should hold, and what is wrong with each."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import OpenImageIO
import PyOpenColorIO
import torch

from nuke_matting.cli.exits import FAILED, OK
from nuke_matting.cli.options import add_settings, settings_of
from nuke_matting.colour.config import load_config
from nuke_matting.colour.processor import open_colour
from nuke_matting.engine.cache import folder_of, open_cache
from nuke_matting.errors import MattingError, ModelError, as_told
from nuke_matting.models.about import problem
from nuke_matting.models.added import added_models, path_of
from nuke_matting.models.registry import choose_device, choose_precision, find_weights, load_model, shipped_weights
from nuke_matting.models.weights import load_weights
from nuke_matting.settings import Settings

# of the environment, beside those that are called NUKE_MATTING_
_VARIABLES = ("CUDA_VISIBLE_DEVICES", "NUKE_PATH", "OCIO", "OMP_NUM_THREADS")
_LITTLE = 1e9  # bytes free on the cache's disk that are too few


@dataclass(frozen=True)
class Finding:
    """One line of the report. `wrong` says what is the matter and what to do; empty where all is well."""

    what: str
    value: str
    wrong: str = ""


def add(verb: argparse.ArgumentParser) -> None:
    """Says what the verb does and takes."""
    verb.description = (
        "Checks the installation, and prints what a support ticket needs. Exit code 1: something is wrong."
    )
    add_settings(verb, ("model", "device", "precision", "ocio", "cache_dir"))
    verb.add_argument("--json", action="store_true", help="as a JSON list")
    verb.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    findings = [
        found
        for check in (_versions, _environment, _devices, _colour, _weights, _cache)
        for found in check(settings_of(args))
    ]
    if args.json:
        print(json.dumps([asdict(each) for each in findings]))
    else:
        for each in findings:
            print(f"{'WRONG' if each.wrong else 'ok':<6}{each.what:<24}{each.value}")
            if each.wrong:
                print(f"{'':<30}{each.wrong}")
    return FAILED if any(each.wrong for each in findings) else OK


def _versions(settings: Settings) -> Iterator[Finding]:
    yield Finding("nuke_matting", version("nuke-matting"))
    yield Finding("python", f"{platform.python_version()} at {sys.executable}")
    yield Finding("system", f"{platform.platform()}, {os.cpu_count()} cores")
    yield Finding("torch", torch.__version__)
    yield Finding("OpenImageIO", OpenImageIO.VERSION_STRING)
    yield Finding("PyOpenColorIO", PyOpenColorIO.__version__)
    for name in ("numpy", "safetensors", "fileseq"):
        try:
            yield Finding(name, version(name))
        except PackageNotFoundError:
            yield Finding(name, "missing", "install the package again with pip")


def _environment(settings: Settings) -> Iterator[Finding]:
    for name, value in sorted(os.environ.items()):
        if name in _VARIABLES or name.startswith("NUKE_MATTING_"):
            yield Finding(f"${name}", value)


def _devices(settings: Settings) -> Iterator[Finding]:
    yield Finding("CPU threads", str(torch.get_num_threads()))
    with suppress(AttributeError, ValueError, OSError):  # not every system tells
        page = os.sysconf("SC_PAGE_SIZE")
        total, free = (page * os.sysconf(name) / 2**30 for name in ("SC_PHYS_PAGES", "SC_AVPHYS_PAGES"))
        yield Finding("memory", f"{total:.0f} GiB, {free:.0f} of them untouched")
    if settings.device != "cpu" and not (torch.version.cuda or torch.version.hip) and _has_nvidia_driver():
        advice = "install one that has, as pytorch.org says, or leave the work to the CPU with --device cpu"
        yield Finding("GPU", "NVIDIA's driver is there", f"this torch was built without GPU support; {advice}")
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        about = torch.cuda.get_device_properties(index)
        yield Finding(f"cuda:{index}", f"{about.name}, {about.total_memory / 2**30:.0f} GiB")
    yield _checked("device in use", lambda: _device_in_use(settings))


def _has_nvidia_driver() -> bool:
    return os.path.exists("/proc/driver/nvidia/version") or shutil.which("nvidia-smi") is not None


def _device_in_use(settings: Settings) -> str:
    device = choose_device(settings.device)
    return f"{device}, {choose_precision(settings.precision, device)}"


def _colour(settings: Settings) -> Iterator[Finding]:
    yield _checked("OCIO config", lambda: load_config(settings.ocio)[1])
    yield _checked("way to model space", lambda: f"from {open_colour(settings.ocio).space}")


def _weights(settings: Settings) -> Iterator[Finding]:
    yield _checked("weights in the package", _names_of_shipped)
    with suppress(MattingError):  # which the line above has told
        for name, path in shipped_weights().items():
            yield _checked(f"weights {name}", partial(_digest_of, path))
    for name, record in added_models().items():
        about = f"{record.kind}, sha256 {record.digest[:16]}, {path_of(record)}"
        yield Finding(f"added model {name}", about, problem(name))
    yield _checked("model in use", lambda: _model_in_use(settings))


def _names_of_shipped() -> str:
    names = ", ".join(shipped_weights())
    if not names:
        raise ModelError("there are none", advice="install the package again, or name a file with --model")
    return names


def _digest_of(path: Path) -> str:
    return f"sha256 {load_weights(path).digest[:16]}, {path}"


def _model_in_use(settings: Settings) -> str:
    model = load_model(settings.model, settings.device, settings.precision)
    return f"{model.name}, sha256 {model.digest[:16]}, {find_weights(settings.model)}"


def _cache(settings: Settings) -> Iterator[Finding]:
    try:
        folder = folder_of(settings)
    except MattingError as error:
        yield Finding("cache", "", str(error))
        return
    advice = "give another with --cache-dir or $NUKE_MATTING_CACHE, or change its rights"
    try:
        there = _nearest(folder)
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"x")
        cache = open_cache(settings)
        info, foreign = cache.info(), cache.foreign()
    except OSError as error:
        yield Finding("cache", str(folder), f"{there} cannot be written to ({error.strerror or error}); {advice}")
        return
    except MattingError as error:
        yield Finding("cache", str(folder), str(error))
        return
    free = shutil.disk_usage(there).free
    held = f"{info.entries} mattes, {info.bytes / 1e9:.2f} GB of {settings.cache_size:g}"
    wrong = []
    if free < _LITTLE:
        wrong.append("its disk is nearly full; make room, or give another folder with --cache-dir")
    if info.problems:
        wrong.append(f"{info.problems} damaged, set aside; remove them with nuke-matting cache prune")
    if foreign:
        wrong.append(
            f"{len(foreign)} not of the cache ({foreign[0]}{', ...' * (len(foreign) > 1)}), neither counted nor "
            "removed; move them elsewhere, or give the cache a folder of its own with --cache-dir"
        )
    held = held if folder.exists() else "not there yet"
    yield Finding("cache", f"{folder}: {held}; {free / 1e9:.1f} GB free on its disk", "; ".join(wrong))


def _nearest(folder: Path) -> Path:
    """The folder, or the one above it that is there: the doctor makes nothing."""
    return next(each for each in (folder.absolute(), *folder.absolute().parents) if os.path.lexists(each))


def _checked(what: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(what, check())
    except MattingError as error:
        return Finding(what, "", str(error))
    except Exception as error:  # a doctor that falls ill himself is of no use: a driver or library may raise anything
        return Finding(what, "", as_told(error).what)
