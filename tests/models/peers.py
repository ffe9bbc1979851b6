"""Small networks with random weights, in files with the interfaces that RVM, BGMv2 and MODNet were published with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper, parser
from torch import Tensor, nn


class Rvm(nn.Module):
    """One convolution and four states that forget half of themselves with each frame."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)

    def forward(
        self,
        src: Tensor,
        r1: Tensor | None = None,
        r2: Tensor | None = None,
        r3: Tensor | None = None,
        r4: Tensor | None = None,
        downsample_ratio: float = 1.0,
        segmentation_pass: bool = False,
    ) -> list[Tensor]:
        small = src
        if downsample_ratio != 1:
            small = F.interpolate(
                src, scale_factor=downsample_ratio, mode="bilinear", align_corners=False, recompute_scale_factor=False
            )
        states: list[Tensor] = []
        for new, old in zip(self.conv(small).split(1, 1), [r1, r2, r3, r4]):  # noqa: B905, which TorchScript has not
            states.append(new * 0.5 if old is None else old * 0.5 + new * 0.5)
        total = states[0] + states[1] + states[2] + states[3]
        alpha = F.interpolate(torch.sigmoid(total * 4), size=src.shape[2:], mode="bilinear", align_corners=False)
        return [src * 0.9, alpha, states[0], states[1], states[2], states[3]]


class Bgmv2(nn.Module):
    """The difference from the clean plate, at the coarse stage's scale."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(6, 1, 3, padding=1)
        self.backbone_scale = 0.5
        self.refine_mode = "full"
        self.refine_sample_pixels = 0

    def forward(self, src: Tensor, bgr: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        assert src.shape[2] % 4 == 0 and src.shape[3] % 4 == 0
        assert self.backbone_scale <= 0.5  # as its authors'
        both = F.interpolate(torch.cat([src, bgr], 1), scale_factor=self.backbone_scale, recompute_scale_factor=True)
        coarse = torch.sigmoid(self.conv(both))
        alpha = F.interpolate(coarse, size=src.shape[2:])
        if self.refine_mode == "sampling":
            alpha = alpha * (self.refine_sample_pixels / 1e6)
        return alpha, src * 0.9, coarse


def torchscript(net: nn.Module, path: Path, frozen: bool = False) -> Path:
    torch.manual_seed(3)
    for each in net.parameters():
        nn.init.normal_(each, std=0.5)
    script = torch.jit.script(net.eval())
    torch.jit.save(torch.jit.freeze(script) if frozen else script, path)
    return path


_RVM = """
<ir_version: 8, opset_import: ["" : 13]>
rvm (float[b,3,h,w] src, float[b,c1,h1,w1] r1i, float[b,c2,h2,w2] r2i, float[b,c3,h3,w3] r3i, float[b,c4,h4,w4] r4i,
     float[1] downsample_ratio)
 => (float[b,3,h,w] fgr, float[b,1,h,w] pha, float[b,1,a,d] r1o, float[b,1,a,d] r2o, float[b,1,a,d] r3o, float[b,1,a,d] r4o)
 <float[2] two = {1.0, 1.0}, float half = {0.5}, float four = {4.0},
  float dim = {0.9}, int64[4] ones = {1, 1, 1, 1}, int64[1] upto = {2}, int64[2] single = {1, 1}>
{
 scales = Concat<axis = 0>(two, downsample_ratio, downsample_ratio)
 small = Resize<mode = "linear", coordinate_transformation_mode = "half_pixel">(src, , scales)
 x = Conv<pads = [1, 1, 1, 1]>(small, weight, bias)
 x1, x2, x3, x4 = Split<axis = 1>(x, ones)
%s
 a = Add(r1o, r2o)
 b2 = Add(r3o, r4o)
 total = Add(a, b2)
 scaled = Mul(total, four)
 coarse = Sigmoid(scaled)
 shape = Shape(src)
 tail = Slice(shape, upto, four_at)
 size = Concat<axis = 0>(single, tail)
 pha = Resize<mode = "linear", coordinate_transformation_mode = "half_pixel">(coarse, , , size)
 fgr = Mul(src, dim)
}
"""
_STATE = """ old{0} = Mul(r{0}i, half)
 new{0} = Mul(x{0}, half)
 r{0}o = Add(old{0}, new{0})"""
_BGMV2 = """
<ir_version: 8, opset_import: ["" : 13]>
bgmv2 (float[b,3,h,w] src, float[b,3,h,w] bgr) => (float[b,1,h,w] pha, float[b,3,h,w] fgr)
 <float dim = {0.9}, float[4] half = {1.0, 1.0, 0.5, 0.5}, float[4] twice = {1.0, 1.0, 2.0, 2.0}>
{
 both = Concat<axis = 1>(src, bgr)
 small = Resize<mode = "nearest", coordinate_transformation_mode = "asymmetric", nearest_mode = "floor">(both, , half)
 x = Conv<pads = [1, 1, 1, 1]>(small, weight, bias)
 coarse = Sigmoid(x)
 %s = Resize<mode = "nearest", coordinate_transformation_mode = "asymmetric", nearest_mode = "floor">(coarse, , twice)
 fgr = Mul(src, dim)%s
}
"""
_PICKING = """
 cells = MaxPool<kernel_shape = [4, 4], strides = [4, 4]>(src)
 grey = ReduceMean<axes = [1]>(cells)
 row = Flatten(grey)%s
 best, at = TopK(row, picks)
 most = ReduceMax<keepdims = 0>(best)
 nothing = Sub(most, most)
 pha = Add(found, nothing)"""
_PICKS = """
 picks = Constant<value = int64[1] {%d}>()"""
_MODNET = """
<ir_version: 8, opset_import: ["" : 13]>
modnet (float[b,3,h,w] input) => (float[b,1,h,w] output)
{
 x = Conv<pads = [1, 1, 1, 1]>(input, weight, bias)
 output = Sigmoid(x)
}
"""


def onnx_file(text: str, path: Path, conv: nn.Conv2d, **more: np.ndarray) -> Path:
    """The network of a text, with the weights of a convolution."""
    model = parser.parse_model(text)
    weights = {"weight": conv.weight.detach().numpy(), "bias": conv.bias.detach().numpy(), **more}
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in weights.items())
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def rvm_onnx(path: Path, conv: nn.Conv2d) -> Path:
    text = _RVM % "\n".join(_STATE.format(number) for number in (1, 2, 3, 4))
    return onnx_file(text, path, conv, four_at=np.array([4], np.int64))


def bgmv2_onnx(path: Path, conv: nn.Conv2d, picks: int = 0, constant: bool = False) -> Path:
    """picks : of how many cells it takes the best, as a constant of the graph or as one of its weights."""
    if not picks:
        return onnx_file(_BGMV2 % ("pha", ""), path, conv)
    text = _BGMV2 % ("found", _PICKING % (_PICKS % picks if constant else ""))
    return onnx_file(text, path, conv, **({} if constant else {"picks": np.array([picks], np.int64)}))


def modnet_onnx(path: Path) -> Path:
    torch.manual_seed(5)
    return onnx_file(_MODNET, path, nn.Conv2d(3, 1, 3))
