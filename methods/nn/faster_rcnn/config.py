"""Configuration of Faster R-CNN: its trunk, its proposals and its regions. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal


@dataclass(frozen=True)
class Vgg16Config:
    """VGG16 to conv5_3, one cell every 16 pixels; fc6 and fc7 are the head.

    feature_size: numbers that describe a region.
    fixed_blocks: leading blocks that do not learn; 2: the first four convolutions. 0 without weights to
    start from.
    """

    feature_size: ClassVar[int] = 4096
    name: str = field(default="vgg16", init=False)
    fixed_blocks: int = 2

    @property
    def needs_weights(self) -> bool:
        """Whether parts stay as they begin, so that random ones would be of no use."""
        return self.fixed_blocks > 0


@dataclass(frozen=True)
class ResNet101Config:
    """ResNet-101 to its fourth stage (C4), one cell every 16 pixels; the fifth is the head.

    fixed_blocks: leading blocks that do not learn; 2: the first convolution and the second stage.
    frozen_batch_norm: normalise with the statistics, scale and shift of the weights that training starts
    from. Neither without such weights.
    """

    feature_size: ClassVar[int] = 2048
    name: str = field(default="resnet101", init=False)
    fixed_blocks: int = 2
    frozen_batch_norm: bool = True

    @property
    def needs_weights(self) -> bool:
        """As of :class:`Vgg16Config`."""
        return self.fixed_blocks > 0 or self.frozen_batch_norm


@dataclass(frozen=True)
class TinyConfig:
    """A few convolutions with batch normalisation, one cell every 8 pixels, for a CPU and from scratch."""

    needs_weights: ClassVar[bool] = False
    name: str = field(default="tiny", init=False)
    channels: int = 48
    features: int = 128

    @property
    def feature_size(self) -> int:
        """As of :class:`Vgg16Config`."""
        return self.features


Trunk = Vgg16Config | ResNet101Config | TinyConfig


@dataclass(frozen=True)
class ProposalConfig:
    """The region proposal network. Defaults: Ren et al. and the program that RecLNet's is made from.

    anchor_sizes: square roots of the anchors' areas in pixels; anchor_ratios: height over width.
    crossing: anchors that leave the frame are trained too. positive, negative: IoU, averaged over the
    frames, from which an anchor is one of an object and below which it is background.
    batch: anchors that a clip's loss counts, at most half of them positive. nms: threshold, on the middle
    frame. training, testing: proposals before and after it.
    """

    channels: int = 512
    anchor_sizes: tuple[float, ...] = (128.0, 256.0, 512.0)
    anchor_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    crossing: bool = False
    positive: float = 0.7
    negative: float = 0.3
    batch: int = 256
    nms: float = 0.7
    training: tuple[int, int] = (12_000, 2_000)
    testing: tuple[int, int] = (6_000, 300)


@dataclass(frozen=True)
class RegionConfig:
    """Pooling of regions and their choice for training.

    pooling: RoIPool's maximum or RoIAlign's average, to ``size`` x ``size`` cells.
    batch: regions of a clip that are trained, at most the share ``foreground`` of them positive.
    positive: IoU, averaged over the frames, from which a region has its truth's class; background: from
    which on, below ``positive``, it is trained as background.
    """

    pooling: Literal["align", "pool"] = "align"
    size: int = 7
    batch: int = 128
    foreground: float = 0.25
    positive: float = 0.5
    background: float = 0.0


@dataclass(frozen=True)
class FasterRcnnConfig:
    """The whole detector."""

    trunk: Trunk = field(
        default=Vgg16Config(), metadata={"choices": (Vgg16Config(), ResNet101Config(), TinyConfig())}
    )
    proposals: ProposalConfig = ProposalConfig()
    regions: RegionConfig = RegionConfig()


VGG16 = FasterRcnnConfig(regions=RegionConfig(pooling="pool", batch=64, background=0.1))
"""RecLNet's detectors of single frames (section 4): RoIPool, background at IoU 0.1 to 0.5, 128 regions of two
frames (Girshick, "Fast R-CNN", 2015, section 2.3)."""

RESNET101 = FasterRcnnConfig(trunk=ResNet101Config())
"""RecLNet++'s detector of stacks (section 5.4)."""

TINY = FasterRcnnConfig(
    trunk=TinyConfig(),
    proposals=ProposalConfig(
        channels=64,
        anchor_sizes=(24.0, 44.0, 80.0),
        anchor_ratios=(1.0, 2.0),
        crossing=True,
        positive=0.6,
        batch=64,
        training=(200, 48),
        testing=(120, 24),
    ),
    regions=RegionConfig(size=4, batch=32, foreground=0.5),
)
"""The same code on frames of about 128x96 pixels, on a CPU. Everything here is ours."""
