"""ONNX files, by `onnx` (what is in them) and `onnxruntime` (running them): the optional extra `onnx`."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nuke_matting.errors import ModelError, UsageError
from nuke_matting.models.adapters.net import failure

_PRECISIONS = {"tensor(float)": "fp32", "tensor(float16)": "fp16"}


class OnnxNet:
    """See `net.Net`. Raises ModelError for bytes that are no ONNX model, or one that reads other files."""

    def __init__(self, data: bytes, device: str, count: bool = False) -> None:
        self.parameters, self.picks = _inspect(data)
        _, runtime = _packages()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 4
        self._folder = tempfile.TemporaryDirectory() if count else None
        if self._folder is not None:
            # as written, so that each operator is still one that can be counted
            options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
            options.enable_profiling, options.profile_file_prefix = True, f"{self._folder.name}/run"
        try:
            self._session = runtime.InferenceSession(data, options, providers=providers(device))
        except Exception as error:  # its binding has no common class
            raise failure("onnxruntime cannot open it", error) from error
        inputs = self._session.get_inputs()
        self._types = {each.name: each.type for each in inputs}
        self.inputs = tuple(each.name for each in inputs)
        self.outputs = tuple(each.name for each in self._session.get_outputs())
        self.precision = _PRECISIONS.get(inputs[0].type, "") if inputs else ""
        if not self.precision:
            raise ModelError("its first input is no float32 or float16", advice="use its fp32 or fp16 file")
        self.device = device

    def run(self, given: Mapping[str, Tensor | float | None], wanted: Sequence[str]) -> list[Tensor]:
        feed = {name: self._array(name, value) for name, value in given.items()}
        try:
            return [torch.from_numpy(each) for each in self._session.run(list(wanted), feed)]
        except Exception as error:  # likewise
            raise failure("the network failed", error) from error

    def tune(self, **attributes: float | int | str) -> None:
        pass

    def operations(self) -> float:
        if self._folder is None:
            return 0.0
        profile = json.loads(Path(self._session.end_profiling()).read_bytes())
        self._folder.cleanup()
        return sum(_macs(each["args"]) for each in profile if each.get("name", "").endswith("_kernel_time")) / 1e9

    def _array(self, name: str, value: Tensor | float | None) -> np.ndarray:
        kind = np.float16 if self._types.get(name) == "tensor(float16)" else np.float32
        if value is None:
            return np.zeros((1, 1, 1, 1), kind)
        if isinstance(value, Tensor):
            return value.cpu().numpy().astype(kind, copy=False)
        return np.array([value], kind)


def cuda_there() -> bool:
    """Whether the onnxruntime that is installed knows CUDA. Raises UsageError where none is installed."""
    return "CUDAExecutionProvider" in _packages()[1].get_available_providers()


def _packages() -> tuple[Any, Any]:
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise UsageError(
            "ONNX files need packages that are not installed", advice="run: pip install 'nuke-matting[onnx]'"
        ) from error
    return onnx, onnxruntime


def providers(device: str) -> list[Any]:
    """What onnxruntime is to run a network by, in order of preference."""
    if not device.startswith("cuda"):
        return ["CPUExecutionProvider"]
    options = {
        "device_id": int(device.partition(":")[2] or 0),
        # by default it times all that there are, so that each process may choose another, with other last bits
        "cudnn_conv_algo_search": "DEFAULT",
        "use_tf32": 0,  # which fp32 is not
    }
    return [("CUDAExecutionProvider", options), "CPUExecutionProvider"]


def _inspect(data: bytes) -> tuple[int, int]:
    """How many numbers a model learned, and `net.Net.picks`. Raises ModelError for what must not be run."""
    onnx, _ = _packages()
    try:
        model = onnx.load_model_from_string(data)
        weights = model.graph.initializer
        count = sum(math.prod(each.dims) for each in weights if each.data_type in (1, 10))  # float, float16
        picks = _picks(model.graph, onnx)
    except Exception as error:  # protobuf's own kinds, which change between its releases
        raise failure("not an ONNX file", error) from error
    if not model.graph.node:
        raise ModelError("not an ONNX file: there is no network in it", advice="copy the file anew")
    if any(each.data_location == onnx.TensorProto.EXTERNAL for each in weights):
        raise ModelError("it keeps weights in other files", advice="use a model that is one file")
    return count, picks


def _picks(graph: Any, onnx: Any) -> int:
    """The largest number that a graph takes the best of, where it is written down in it; else 0."""
    known = {each.name: each for each in graph.initializer}
    picks = [0]
    for node in graph.node:
        if node.op_type == "Constant":
            known.update((name, each.t) for name in node.output for each in node.attribute if each.name == "value")
        elif node.op_type == "TopK":
            numbers = [known[name] for name in node.input[1:] if name in known]
            picks += [int(onnx.numpy_helper.to_array(each).max()) for each in numbers]
            picks += [each.i for each in node.attribute if each.name == "k"]  # before opset 10
    return max(picks)


def _macs(about: dict[str, Any]) -> float:
    """Multiply-accumulates of one operator, from the shapes that onnxruntime wrote down."""
    kind = about.get("op_name")
    if kind not in ("Conv", "ConvTranspose", "Gemm", "MatMul"):
        return 0.0
    shapes = [next(iter(each.values())) for each in about["input_type_shape"]]
    out = math.prod(next(iter(about["output_type_shape"][0].values())))
    if kind == "Conv":
        return out * math.prod(shapes[1][1:])
    if kind == "ConvTranspose":
        return math.prod(shapes[0]) * math.prod(shapes[1][1:])
    return out * shapes[0][-1]  # Gemm with its first matrix transposed is not met in these networks
