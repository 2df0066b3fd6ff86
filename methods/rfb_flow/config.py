"""Configuration of RFB-Flow and its variants. What neither paper nor program states is marked *ours*."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import Literal

from bench.sources import SOURCE
from bench.tubes import PUBLISHED, Linking
from methods.common.config import CropsConfig, with_parts
from methods.nn.flow.config import FittingConfig
from methods.nn.priors import RFB_300, PriorLevel

UCF24_FRAME_STEPS = (
    1.03, 0.75, 4.22, 1.32, 0.8, 2.36, 1.99, 2.66, 2.68, 4.51, 5.56, 2.46, 3.17, 2.76, 3.89, 2.28, 4.01, 3.08,
    6.06, 3.28, 1.51, 3.05, 0.6, 3.84,
)  # fmt: skip
"""Frames of each class of UCF101-24 from one example to the next: about 5,000 examples a class."""

PAIRS: dict[str, tuple[tuple[int, int], ...]] = {
    "one": ((-1, 1),),
    "two": ((-1, 0), (0, 1)),
    "three": ((-1, 0), (0, 1), (-1, 1)),
    "past": ((-3, -1), (-1, 1)),
}
"""First and second frame of every pair, from the key-frame on: what ``ModelConfig.flow_pairs`` names;
``past`` is ours."""


def offsets(kind: str) -> tuple[int, ...]:
    """Of the frames that the network sees, from the key-frame on, which is among them; ascending."""
    return tuple(sorted({0, *chain.from_iterable(PAIRS[kind])}))


@dataclass(frozen=True)
class ModelConfig:
    """The network, and what it sees: the key-frame and one frame before and after it."""

    flavour: Literal["rfb", "rfb-e"] = "rfb"  # of the trunk: the paper's figure, or the released program
    frame_size: tuple[int, int] = (300, 300)  # width, height; frames are scaled without regard to shape
    width: float = 1.0  # channels of the trunk relative to the published ones
    normalised: bool = False  # batch normalisation in VGG; ours, for training from scratch
    priors: tuple[PriorLevel, ...] = RFB_300  # of each map; fewer entries, fewer maps
    pixel_scale: float = 1.0  # the key-frame, less its mean, is divided by it
    flow: str = "pwc-net"  # a flow network inside this one, or a source of flow computed before: brox, dis
    flow_rgb: bool = False  # PWC-Net sees RGB as in the released program, not BGR as its authors' weights did
    flow_size: tuple[int, int] = (320, 320)  # of the frames that the flow network sees
    flow_pairs: Literal["one", "two", "three", "past"] = "two"  # which flows: ``PAIRS``
    flow_centred: bool = False  # each field's median is taken off: camera motion; ours
    flow_normalised: bool = True  # batch normalisation and ReLU after the convolution that fuses the flows
    fusion: Literal["concat", "sum", "average", "stfp", "none"] = "concat"
    separate_fusion: bool = False  # for offsets and for classes, as in the released program
    pretrained: str | None = field(default="", metadata=SOURCE)
    """VGG16 with reduced layers, of ImageNet, to be named; none: from scratch."""
    flow_weights: str = field(default="", metadata=SOURCE)  # of the flow network; empty: its source's file
    published: str = field(default="", metadata=SOURCE)  # the whole network: an official checkpoint


@dataclass(frozen=True)
class TrainingConfig:
    """Training of the whole network, end to end."""

    steps: int = 150_000
    batch: int = 40
    frame_steps: tuple[float, ...] = ()  # frames of each class between examples; empty: every frame
    optimiser: Literal["sgd", "adamw"] = "sgd"
    learning_rate: float = 1e-3
    milestones: tuple[int, ...] = (30_000, 60_000, 100_000)  # steps at which the rate is divided by ten
    one_cycle: bool = False
    weight_decay: float = 5e-4  # biases have none
    bias_rate: float = 2.0  # learning rate of biases, relative
    flow_released: float = 0.5  # share of the steps after which the flow network learns, too
    flow_rate: float = 0.1  # its learning rate, relative; unstated, ours
    taught_rate: float = 1.0  # learning rate of all that is trained on crops before, relative; ours
    focus: float = 0.0  # exponent of the focal loss; 0: cross-entropy
    least_negatives: int = 0  # priors of an image that learn background at least; ours
    background: float = 0.0  # share of key-frames without any action; ours
    windows: Literal["crop", "expand", "zoom"] = "crop"  # SSD's crops | its smaller pictures | a random scale
    zoom: tuple[float, float] = (1.0, 1.0)
    colour: bool = True  # photometric distortion
    flip: bool = True
    shuffled_labels: bool = False  # a control: labels permuted over the training tubes


@dataclass(frozen=True)
class PostprocessConfig:
    """From stored predictions to detections and tubes."""

    score_floor: float = field(default=0.01, metadata={"range": (0.001, 0.1)})
    candidates: int = field(default=50, metadata={"range": (10, 200)})  # boxes of a class that enter NMS
    nms: float = field(default=0.45, metadata={"range": (0.2, 0.8)})
    linking: Linking = PUBLISHED["singh"]


@dataclass(frozen=True)
class RfbFlowConfig:
    """The whole method. Prediction keeps the best ``boxes_per_class`` above ``score_floor`` of each class,
    with all their classes above it: what linking reads."""

    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()
    fitting: FittingConfig = FittingConfig()  # of the flow network `tiny`, before all else
    crops: CropsConfig = CropsConfig()
    postprocess: PostprocessConfig = PostprocessConfig()
    boxes_per_class: int = 50
    score_floor: float = 0.001
    predict_batch: int = 8
    cpu_threads: int = 0  # of one network on a CPU; 0: all cores


TINY_MODEL = ModelConfig(
    frame_size=(96, 80),
    width=0.125,
    normalised=True,
    priors=(PriorLevel(8, 24, 36), PriorLevel(16, 36, 50), PriorLevel(32, 50, 70)),
    pixel_scale=58.0,
    flow="tiny",
    flow_size=(96, 80),
    flow_pairs="past",
    flow_centred=True,
    flow_normalised=False,
    pretrained=None,
)
"""The same code, narrower, for a CPU, from scratch. Everything here is ours.

Three maps cover people of a third to all of the height. The image of the flow keeps both signs, so it has
neither ReLU nor normalisation, and key-frame and flow come to the shared trunk on one scale. One field does
not tell how a motion goes on: there are two, over two frames each, of which the next key-frame but one has
the later one again.
"""
TINY_CROPS = CropsConfig(steps=500, batch=32)
TINY_TRAINING = TrainingConfig(
    steps=1000,
    batch=8,
    optimiser="adamw",
    learning_rate=3e-3,
    taught_rate=0.3,
    milestones=(),
    one_cycle=True,
    weight_decay=0.05,
    bias_rate=1.0,
    flow_released=0.8,
    least_negatives=3,
    background=0.1,
    windows="zoom",
    zoom=(0.8, 1.3),
)
"""Colours change, or a few hundred videos are known by them and nothing is learnt from motion."""


def base(dataset: str, size: str) -> RfbFlowConfig:
    """The paper's settings on that dataset, or the tiny ones. Trimmed videos are not trimmed again."""
    made = _tiny(dataset) if size == "tiny" else RfbFlowConfig()
    if dataset == "ucf24" and size == "full":
        made = with_parts(made, training={"frame_steps": UCF24_FRAME_STEPS})
    if dataset.startswith("jhmdb"):
        made = with_parts(made, postprocess={"linking": Linking()})
    return made


def _tiny(dataset: str) -> RfbFlowConfig:
    made = RfbFlowConfig(
        model=TINY_MODEL,
        training=TINY_TRAINING,
        crops=TINY_CROPS,
        boxes_per_class=15,
        score_floor=0.01,
        predict_batch=16,
        cpu_threads=1,
    )
    if dataset.endswith("-mini"):
        return made
    priors = (PriorLevel(8, 24, 44), PriorLevel(16, 44, 68), PriorLevel(32, 68, 96))
    model = {"frame_size": (128, 96), "flow_size": (128, 96), "priors": priors}
    return with_parts(made, model=model, crops={"steps": 1800}, training={"steps": 4000})


def configs(dataset: str, size: str) -> dict[str, RfbFlowConfig]:
    """Row -> config.

    ``default``: Tables 3 to 6, and the best row of Tables 1 and 2. ``flownet2``, ``flownet2-s``, ``brox``:
    Table 1; ``dis``: ours, another classical flow. ``m-concat`` (what ``default`` is), ``m-sum``,
    ``m-average``, ``stfp``: Table 2; so are ``no-fusion``, where both streams have the detections of the
    shared heads averaged, and ``single-scale``, where the finest map alone is left: what the paper took is
    unstated, both are our readings.
    ``one-pair``, ``two-pairs``, ``three-pairs``: what the paper says of the flows fused, each in its place;
    size ``tiny`` has another pair in ``default``.
    ``released``: network, loss and augmentation of the published program, whose checkpoints it takes.
    ``focal``: its loss alone. ``shuffled-labels``: ours, a control.
    """
    whole = base(dataset, size)
    before = {"flow_pairs": "two"}  # fields of neighbouring frames are what flow sources compute
    rows = {
        "default": whole,
        "flownet2": with_parts(whole, model={"flow": "flownet2"}),
        "flownet2-s": with_parts(whole, model={"flow": "flownet2-s"}),
        "pwc-net": with_parts(whole, model={"flow": "pwc-net"}),
        "brox": with_parts(whole, model={"flow": "brox"} | before),
        "dis": with_parts(whole, model={"flow": "dis"} | before),
        "single-scale": with_parts(whole, model={"priors": whole.model.priors[:1]}),
        "released": _released(whole),
        "focal": with_parts(whole, training={"focus": 2.0}),
        "shuffled-labels": with_parts(whole, training={"shuffled_labels": True}),
    }
    for name in ("concat", "sum", "average"):
        rows[f"m-{name}"] = with_parts(whole, model={"fusion": name})
    for name, fusion in (("stfp", "stfp"), ("no-fusion", "none")):
        rows[name] = with_parts(whole, model={"fusion": fusion})
    for pairs in ("one", "two", "three"):
        rows[f"{pairs}-pair" + "s" * (pairs != "one")] = with_parts(whole, model={"flow_pairs": pairs})
    return rows


def _released(whole: RfbFlowConfig) -> RfbFlowConfig:
    model = {"flavour": "rfb-e", "flow_pairs": "one", "flow_normalised": True, "separate_fusion": True}
    red_first = {"flow_rgb": whole.model.flow == "pwc-net"}
    return with_parts(whole, model=model | red_first, training={"focus": 2.0, "windows": "expand"})
