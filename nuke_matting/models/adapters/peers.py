"""Which network a file holds, by its inputs and outputs, and the file as a model."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

from nuke_matting.errors import ModelError, UsageError
from nuke_matting.models.adapters.bgmv2 import Bgmv2Model
from nuke_matting.models.adapters.modnet import ModnetModel
from nuke_matting.models.adapters.net import Net
from nuke_matting.models.adapters.onnx_file import OnnxNet, cuda_there
from nuke_matting.models.adapters.rvm import RvmModel
from nuke_matting.models.adapters.torchscript_file import TorchScriptNet
from nuke_matting.models.contract import Model

Peer = RvmModel | Bgmv2Model | ModnetModel
PEERS: dict[str, type[Peer]] = {"rvm": RvmModel, "bgmv2": Bgmv2Model, "modnet": ModnetModel}
FORMATS = ("torchscript", "onnx")


def format_of(data: bytes) -> str:
    """What kind of file bytes are, by themselves and not by their name: torchscript, pytorch, safetensors or onnx.

    pytorch is what `torch.save` writes, as a zip or a bare pickle. What is none of these counts as onnx, which has no
    mark; opening it will tell.
    """
    if data[:4] == b"PK\x03\x04":
        try:
            names = zipfile.ZipFile(io.BytesIO(data)).namelist()
        except (zipfile.BadZipFile, ValueError, NotImplementedError):
            names = []
        return "torchscript" if any("/code/" in each for each in names) else "pytorch"
    if data[:1] == b"\x80":
        return "pytorch"
    length = int.from_bytes(data[:8], "little")
    return "safetensors" if data[8:9] == b"{" and 2 <= length <= len(data) - 8 else "onnx"


def device_for(form: str, device: str, choose: Callable[[str], str]) -> str:
    """The device that a file of this format runs on. Raises UsageError for one that it cannot.

    choose : what tells it for torch, where the format is torch's.
    """
    if form != "onnx":
        return choose(device)
    if device == "auto":
        return "cuda:0" if cuda_there() else "cpu"
    if device == "mps" or (device.startswith("cuda") and not cuda_there()):
        raise UsageError(
            f"device {device}: the onnxruntime that is installed does not know it",
            advice="use --device cpu, or for CUDA install onnxruntime-gpu in its place",
        )
    return "cuda:0" if device == "cuda" else device


def open_net(data: bytes, form: str, device: str, count: bool = False) -> Net:
    """A file's bytes, ready to run. `count`: what it does is counted. Raises ModelError."""
    return OnnxNet(data, device, count) if form == "onnx" else TorchScriptNet(data, device, count)


def kind_of(net: Net) -> str:
    """The one of `PEERS` that a network is. Raises ModelError where it is none."""
    for kind, peer in PEERS.items():
        if peer.fits(net.inputs, net.outputs):
            return kind
    raise ModelError(
        f"a network with the inputs {', '.join(net.inputs) or 'none'} is not known",
        advice=f"known are {', '.join(PEERS)} as their authors published them; name one with --kind if it is",
    )


def open_peer(kind: str, net: Net, name: str, digest: str, warm_up: int) -> Model:
    """A network behind the contract."""
    return RvmModel(net, name, digest, warm_up) if kind == "rvm" else PEERS[kind](net, name, digest)
