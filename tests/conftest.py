"""What many tests need: small plates, quick weights, and the assets folder where it is given."""

import os
import signal
from pathlib import Path
from typing import NamedTuple

import numpy as np
import OpenEXR
import pytest
import torch
from hypothesis import settings

from nuke_matting.cli.app import main
from nuke_matting.models.weights import load_weights, save_weights
from nuke_matting.nets.two_stage import TwoStage
from nuke_matting.training.join import join

settings.register_profile("any machine", deadline=None)  # a busy one is no error
settings.load_profile("any machine")

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # tests in a shell's background: what runs there heeds no Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def assets() -> Path:
    """The folder of free assets, named by NUKE_MATTING_ASSETS."""
    folder = os.environ.get("NUKE_MATTING_ASSETS", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("NUKE_MATTING_ASSETS does not name the folder of assets")
    return Path(folder)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """No test meets the user's cache, models or OCIO config."""
    monkeypatch.setenv("NUKE_MATTING_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("NUKE_MATTING_MODELS", str(tmp_path_factory.mktemp("models")))
    monkeypatch.delenv("OCIO", raising=False)


def random_network(seed: int) -> TwoStage:
    """The real network with random values.

    What is zero before training is not, so that the refinement shows; the alpha is about a half, and moves with what
    is seen and remembered.
    """
    torch.manual_seed(seed)
    net = TwoStage()
    torch.nn.init.normal_(net.refiner.head.weight, std=0.5)
    torch.nn.init.constant_(net.decoder.head.bias[:4], 0.5)
    with torch.no_grad():
        net.decoder.head.weight[:4] *= 8
    return net


@pytest.fixture(scope="session")
def weights(tmp_path_factory) -> str:
    """A weight file of a random network, at a coarse size that runs quickly."""
    path = tmp_path_factory.mktemp("weights") / "quick.safetensors"
    save_weights(path, random_network(7), {"architecture": "two_stage", "name": "quick", "coarse_long_side": "64"})
    return str(path)


@pytest.fixture(scope="session")
def aided_weights(tmp_path_factory) -> str:
    """Another one, at another coarse size, to be the second network of a weight file."""
    path = tmp_path_factory.mktemp("weights") / "aided.safetensors"
    save_weights(path, random_network(8), {"architecture": "two_stage", "name": "aided", "coarse_long_side": "96"})
    return str(path)


@pytest.fixture(scope="session")
def joined_weights(tmp_path_factory, weights, aided_weights) -> str:
    """A weight file of both."""
    path = tmp_path_factory.mktemp("weights") / "joined.safetensors"
    join(Path(weights), Path(aided_weights), path)
    return str(path)


@pytest.fixture(scope="session")
def looking_weights(tmp_path_factory, weights, aided_weights) -> str:
    """A weight file of both, and of a third network that looks again at what the first has found."""
    folder = tmp_path_factory.mktemp("weights")
    about = load_weights(Path(aided_weights)).metadata
    save_weights(folder / "again.safetensors", random_network(9), about)
    join(Path(weights), Path(aided_weights), folder / "looking.safetensors", again=folder / "again.safetensors")
    return str(folder / "looking.safetensors")


@pytest.fixture
def make_plate(tmp_path):
    """Writes a plate of half-float EXRs and gives its pattern: make_plate(frames, height, width, name, gain)."""

    def make(frames=range(1001, 1007), height=36, width=64, name="plate", gain=1.0) -> str:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        for frame in frames:
            blob = np.exp(-((x - width / 2 - frame % 7) ** 2 + (y - height / 2) ** 2) / (0.1 * width * height / 2))
            rgb = np.stack([blob * 4, blob * 0.5 + 0.1, x / width], 2) + np.random.default_rng(frame).normal(
                0, 0.02, (height, width, 3)
            )
            channels = {
                name: np.ascontiguousarray((gain * rgb[..., index]).astype(np.float16))
                for index, name in enumerate("RGB")
            }
            header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
            OpenEXR.File(header, channels).write(str(folder / f"plate.{frame:04d}.exr"))
        return str(folder / "plate.%04d.exr")

    return make


class Ended(NamedTuple):
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def nuke_matting(tmp_path, monkeypatch, capfd):
    """Runs the command line in a folder of its own: nuke_matting("matte", ...) -> Ended.

    In this process, since torch is slow to import.
    """
    monkeypatch.chdir(tmp_path)

    def run(*args) -> Ended:
        capfd.readouterr()
        handler = signal.getsignal(signal.SIGTERM)
        try:
            code = main([str(each) for each in args])
        except SystemExit as error:  # argparse
            code = error.code
        finally:
            signal.signal(signal.SIGTERM, handler)
        return Ended(code, *capfd.readouterr())

    return run
