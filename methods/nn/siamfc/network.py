"""The network of SiamFC: an embedding like AlexNet's convolutions, without padding, and a correlation."""

from __future__ import annotations

from os import PathLike
from typing import Self

from torch import Tensor, nn
from torch.nn import functional as F

from methods.nn.siamfc.config import PUBLISHED, Widths
from methods.nn.weights import load_checked, read_tensors

RESPONSE_SCALE = 1e-3
"""What correlations are multiplied by, so that they suit a logistic loss."""
FIRST = "conv1.0.weight"
HINT = "A SiamFC with five convolutions is expected, such as siamfc_alexnet_e50.pth"


class Embedding(nn.Module):
    """RGB in [0, 255] to maps at stride 8: 6x6 of 127x127 pixels, 22x22 of 255x255 (paper, table 1)."""

    def __init__(self, widths: Widths = PUBLISHED) -> None:
        super().__init__()
        one, two, three, four, five = widths
        self.conv1 = nn.Sequential(*_convolution(3, one, 11, stride=2), nn.MaxPool2d(3, 2))
        self.conv2 = nn.Sequential(*_convolution(one, two, 5, groups=2), nn.MaxPool2d(3, 2))
        self.conv3 = nn.Sequential(*_convolution(two, three, 3))
        self.conv4 = nn.Sequential(*_convolution(three, four, 3, groups=2))
        self.conv5 = nn.Sequential(nn.Conv2d(four, five, 3, groups=2))
        for module in self.modules():
            if isinstance(module, nn.Conv2d) and module.bias is not None:
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(module.bias)

    def forward(self, crops_N3HW: Tensor) -> Tensor:
        """The maps, NCHW."""
        found = self.conv2(self.conv1(crops_N3HW))
        return self.conv5(self.conv4(self.conv3(found)))


class SiamFC(nn.Module):
    """The response of search crops to exemplars."""

    def __init__(self, widths: Widths = PUBLISHED) -> None:
        super().__init__()
        self.backbone = Embedding(widths)

    def forward(self, exemplars_N3EE: Tensor, searches_N3SS: Tensor) -> Tensor:
        """Responses NRR of each search crop to its own exemplar: 17x17 of 127 and 255 pixels."""
        exemplars, searches = self.backbone(exemplars_N3EE), self.backbone(searches_N3SS)
        apart = searches.flatten(0, 1)[None]  # every pair a group of the convolution
        return RESPONSE_SCALE * F.conv2d(apart, exemplars, groups=len(exemplars))[0]

    def respond(self, exemplar_1CKK: Tensor, searches_N3SS: Tensor) -> Tensor:
        """Responses NRR of all search crops to one exemplar that was embedded before."""
        return RESPONSE_SCALE * F.conv2d(self.backbone(searches_N3SS), exemplar_1CKK)[:, 0]

    @classmethod
    def of_file(cls, path: str | PathLike[str], widths: Widths | None = None) -> Self:
        """The network of a checkpoint, in evaluation mode; as wide as that is, or as ``widths`` says.

        Read are the layout of ``siamfc_alexnet_e50.pth`` (huanglianghua/siamfc-pytorch: a state dict of
        ``backbone.conv1.0.weight`` ...; another prefix or none will do) and what :mod:`fitting` leaves.
        Raises FileNotFoundError, and ValueError naming what is missing, unexpected or of another shape.
        """
        tensors = read_tensors(path)
        prefix = next((name.removesuffix(FIRST) for name in tensors if name.endswith(FIRST)), "")
        tensors = {f"backbone.{name.removeprefix(prefix)}": value for name, value in tensors.items()}
        network = cls(widths or _widths(tensors))
        load_checked(network, tensors, str(path), hint=HINT)
        return network.requires_grad_(False).eval()


def _convolution(before: int, after: int, side: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(before, after, side, stride, groups=groups),
        nn.BatchNorm2d(after, eps=1e-6, momentum=0.05),
        nn.ReLU(inplace=True),
    ]


def _widths(tensors: dict[str, Tensor]) -> Widths:
    """As wide as the convolutions of a checkpoint are, the published ones where it lacks some."""
    weights = [tensors.get(f"backbone.conv{number}.0.weight") for number in range(1, 6)]
    found = [len(weight) for weight in weights if weight is not None and weight.ndim == 4]
    if len(found) < len(PUBLISHED) or any(width % 2 for width in found):
        return PUBLISHED
    one, two, three, four, five = found
    return one, two, three, four, five
