"""MODNet as its authors published it, in ONNX: portraits, each frame by itself, on the plate alone."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from nuke_matting.models.adapters.net import Net, checked, image_tensor
from nuke_matting.models.contract import Abilities, FrameInput, Quality, RawMatte
from nuke_matting.nets.resize import area, bilinear

SHORT_SIDE = 512  # pixels, which it was trained at
LONGEST = 2048  # pixels, for frames that are all width or all height
STRIDE = 32  # sides are multiples of it


class ModnetModel:
    """See `contract.Model`. It gives no foreground: the plate's own colours stand in."""

    task = "portrait matting, frame by frame; no foreground"
    abilities = Abilities(foreground=False)
    references: tuple[int, ...] = ()

    def __init__(self, net: Net, name: str, digest: str) -> None:
        self.name, self.digest, self.device, self.precision = name, digest, net.device, net.precision
        self._net = net

    @staticmethod
    def fits(inputs: Sequence[str], outputs: Sequence[str]) -> bool:
        """Whether a file with these inputs and outputs is of this kind; only ONNX names its outputs."""
        return tuple(inputs) == ("input",) and len(outputs) == 1

    def prepare(self, frame: FrameInput) -> Tensor:
        """[1, 3, h, w] float32 in [-1, 1] on the CPU, at a size of the network's."""
        image = image_tensor(frame.image)
        return area(image, *size_of(*frame.unsqueezed(image.shape[-2], image.shape[-1]))) * 2 - 1

    def encode(self, prepared: Tensor) -> Tensor:
        return prepared

    def matte(self, frame: FrameInput, own: Tensor, memory: Sequence[Tensor], quality: Quality) -> RawMatte:
        (found,) = self._net.run({self._net.inputs[0]: own}, self._net.outputs[:1] or ("output",))
        small = checked(found, 1, (own.shape[-2], own.shape[-1]), self.name)
        height, width = frame.image.shape[:2]
        alpha = bilinear(image_tensor(small.transpose(1, 2, 0)), height, width)
        return RawMatte(checked(alpha, 1, (height, width), self.name)[0], frame.image)


def size_of(height: int, width: int) -> tuple[int, int]:
    """Height and width that the network sees a frame at: the shorter side 512, multiples of 32.

    >>> size_of(1080, 1920), size_of(1920, 1080)
    ((512, 896), (896, 512))
    """
    scale = SHORT_SIDE / min(height, width)
    return _whole(height * scale), _whole(width * scale)


def _whole(side: float) -> int:
    return max(STRIDE, min(LONGEST, int(side)) // STRIDE * STRIDE)
