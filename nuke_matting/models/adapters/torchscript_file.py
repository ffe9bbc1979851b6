"""TorchScript files. They are programs: nothing but `torch.jit.load` opens them, and none that its user did not add."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from nuke_matting.errors import ModelError
from nuke_matting.models.adapters.net import failure
from nuke_matting.models.tensors import is_out_of_memory, whole_fp32

_PRECISIONS = {torch.float32: "fp32", torch.float16: "fp16"}


class TorchScriptNet:
    """See `net.Net`. Raises ModelError for bytes that are no TorchScript, or in a precision that is not known."""

    outputs: tuple[str, ...] = ()  # TorchScript does not name them
    picks = 0  # it is told how many, see `tune`

    def __init__(self, data: bytes, device: str, count: bool = False) -> None:
        try:
            self._module = torch.jit.load(io.BytesIO(data), map_location=device).eval()
            arguments = self._module.forward.schema.arguments[1:]
        except (RuntimeError, ValueError, AttributeError) as error:
            raise failure("not a TorchScript file that this torch can read", error) from error
        weights = _weights(self._module)
        dtypes = {each.dtype for each in weights if each.is_floating_point()}
        if len(dtypes) != 1 or not dtypes <= _PRECISIONS.keys():
            raise ModelError(
                f"its weights are {', '.join(sorted(map(str, dtypes))) or 'nowhere'}, not all float32 or all float16",
                advice="use its fp32 or fp16 file",
            )
        self._dtype = dtypes.pop()
        self.inputs = tuple(each.name for each in arguments)
        self.parameters = sum(each.numel() for each in weights)
        self.precision, self.device = _PRECISIONS[self._dtype], device
        self._count, self._flops = count, 0

    def run(self, given: Mapping[str, Tensor | float | None], wanted: Sequence[str]) -> list[Tensor]:
        values = [each.to(self.device, self._dtype) if isinstance(each, Tensor) else each for each in given.values()]
        try:
            # unoptimised: the optimiser changes its mind after the first runs, and the last bits with it
            with (
                torch.inference_mode(),
                torch.jit.optimized_execution(False),
                whole_fp32(self.device, self.precision),
            ):
                result = self._counted(values) if self._count else self._module(*values)
        except (RuntimeError, torch.jit.Error) as error:  # what the network's own program raises is none of the first
            if is_out_of_memory(error):
                raise ModelError(
                    f"{self.device} has no memory left for it", advice="close other programs on it, or use --device cpu"
                ) from error
            raise failure("the network failed", error) from error
        found = list(result) if isinstance(result, (tuple, list)) else [result]
        if len(found) < len(wanted) or not all(isinstance(each, Tensor) for each in found):
            raise ModelError(
                f"the network gave {len(found)} outputs, not {', '.join(wanted)}",
                advice="it is not of this kind of network",
            )
        return found[: len(wanted)]

    def tune(self, **attributes: float | int | str) -> None:
        for name, value in attributes.items():
            if hasattr(self._module, name):
                setattr(self._module, name, value)

    def operations(self) -> float:
        return self._flops / 2e9

    def _counted(self, values: list[Any]) -> Any:
        with FlopCounterMode(display=False) as counter:
            result = self._module(*values)
        self._flops += counter.get_total_flops()
        return result


def _weights(module: torch.jit.ScriptModule) -> list[Tensor]:
    """Its parameters; those of a frozen one are constants of its program."""
    parameters: list[Tensor] = list(module.parameters())
    if parameters:
        return parameters
    graph: Any = module.inlined_graph  # held by a name: its nodes are gone with it
    constants = [node for node in graph.findAllNodes("prim::Constant") if "value" in node.attributeNames()]
    return [node.t("value") for node in constants if node.kindOf("value") == "t"]
