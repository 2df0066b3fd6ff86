"""Configuration of the two-stream YOLO and its variants. What the paper does not state is marked *ours*."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from bench.sources import SOURCE
from bench.tubes import PUBLISHED, Linking
from methods.common.config import with_parts
from methods.nn.flow.config import FittingConfig
from methods.nn.flow.inside import is_inside

Anchors = tuple[tuple[float, float], ...]
VOC_ANCHORS: Anchors = (
    (1.08, 1.19), (3.42, 4.41), (6.63, 11.38), (9.42, 5.11), (16.62, 10.52),
)  # fmt: skip
"""Of yolo-voc, in cells of a picture of 416 pixels; at 320 the paper says nothing else."""
OWN = "own"
"""In place of a folder of labelled clips: the videos that the detector is trained on, by their classes."""


FlowSteps = tuple[tuple[int, int], ...]
NEXT: FlowSteps = ((0, 1),)


@dataclass(frozen=True)
class ModelConfig:
    """The network, and what it sees: a frame, and the flow from it to the next."""

    frame_size: tuple[int, int] = (320, 320)  # width, height; frames are scaled without regard to shape
    width: float = 1.0  # channels of both streams relative to the published ones
    pools: tuple[bool, bool, bool, bool, bool] = (True, True, True, True, True)
    momentum: float = 0.01  # of the statistics of batch normalisation
    flow: str = "flownet2"  # a flow network inside this one, or a source of flow computed before: brox, dis
    flow_scale: float = 20.0  # pixels of motion that become 1.0
    flow_centred: bool = False  # each field's median is taken off: camera motion; ours
    flow_steps: FlowSteps = NEXT  # frames that flow is between, from the key-frame on; several are ours
    flow_weights: str = field(default="", metadata=SOURCE)  # of the flow network; empty: its source's file
    fusion: Literal["maps", "heads"] = "maps"  # what is concatenated: last maps, or YOLOv2's outputs
    anchors: Anchors = VOC_ANCHORS  # in cells; empty: as many as num_anchors, clustered from training boxes
    num_anchors: int = 5
    first_objectness: float = 0.5  # what the untrained head says of every box
    voc: str | None = field(default="", metadata=SOURCE)  # Darknet-19 of VOC, to be named; none: from scratch


@dataclass(frozen=True)
class Augmentation:
    """Random changes of training pictures, the same for a pair of frames. Ranges are darknet's."""

    jitter: float = 0.2  # share of each side that a random crop may cut off or add
    zoom: tuple[float, float] = (1.0, 1.0)  # instead of jitter: one random scale of both sides
    flip: bool = True
    colour: tuple[float, float, float] = (0.1, 1.5, 1.5)  # largest change of hue, saturation, exposure


@dataclass(frozen=True)
class RecognitionConfig:
    """Training of the streams to recognise actions, the flow network frozen."""

    clips: str | None = field(default="", metadata=SOURCE | {"words": (OWN,)})
    """A folder CLASS/CLIP, to be named; own: the training videos; none: no such stage."""
    listed: str = field(default="", metadata=SOURCE)  # a file: clips to use, CLASS/CLIP a line; empty: all
    crop: int = 0  # of own clips: side of crops of people, network pixels; 0: whole frames; ours
    flow: str = "flownet2"  # a flow network
    steps: int = 100_000  # ours
    batch: int = 32  # ours
    optimiser: Literal["sgd", "adamw"] = "sgd"
    learning_rate: float = 8e-4
    one_cycle: bool = False
    weight_decay: float = 5e-4


@dataclass(frozen=True)
class TrainingConfig:
    """Training of the detector, end to end."""

    steps: int = 20_000  # ours: about 280 pairs of every training video of UCF101-24
    batch: int = 32
    optimiser: Literal["sgd", "adamw"] = "adamw"  # without weight decay this is Adam
    learning_rate: float = 5e-5
    one_cycle: bool = False
    weight_decay: float = 0.0
    flow_rate: float = 0.0  # learning rate of the flow network, relative; 0: it is frozen
    flow_released: float = 0.0  # share of the steps after which it learns; ours, to save time
    per_video: bool = True  # an epoch has one frame of every video; else every frame
    background: float = 0.0  # share of frames without any action; ours
    prior_examples: int = 12_800  # at first all anchors are drawn to their middle, as in YOLOv2
    released_loss: bool = False  # that of yolo2-pytorch
    shuffled_labels: bool = False  # a control: labels permuted over the training tubes


@dataclass(frozen=True)
class Linked:
    """Several boxes a frame, and tubes of them."""

    nms: float = field(default=0.45, metadata={"range": (0.2, 0.8)})  # of the boxes of a frame and class
    linking: Linking = PUBLISHED["singh"]


@dataclass(frozen=True)
class PostprocessConfig:
    """From stored predictions to detections and, where boxes are linked, tubes."""

    linked: Linked | None = None  # none: the best box of every frame and no tubes, as in the paper


@dataclass(frozen=True)
class TwoStreamYoloConfig:
    """The whole method. Prediction keeps of each frame its best box, and ``boxes_per_frame`` whose score is
    above ``score_floor``, with all their classes above it."""

    model: ModelConfig = ModelConfig()
    augmentation: Augmentation = Augmentation()
    recognition: RecognitionConfig = RecognitionConfig()
    training: TrainingConfig = TrainingConfig()
    fitting: FittingConfig = FittingConfig()  # of the flow network `tiny`, before all else
    postprocess: PostprocessConfig = PostprocessConfig()
    boxes_per_frame: int = 50
    score_floor: float = 0.005
    predict_batch: int = 8
    cpu_threads: int = 0  # of one network on a CPU; 0: all cores


TINY_MODEL = ModelConfig(
    frame_size=(128, 96),
    width=0.125,
    pools=(True, True, True, False, True),
    momentum=0.1,
    flow="tiny",
    flow_scale=3.0,
    flow_centred=True,
    flow_steps=((-3, -1), (-1, 1)),
    anchors=(),
    num_anchors=2,
    first_objectness=0.02,
    voc=None,
)
"""The same code, narrower, for a CPU, from scratch. Everything here is ours: cells of 16 pixels, so that a
person covers about as many as at full size; two anchors, standing and lying, to share the examples; and two
fields of flow, since one does not tell how a motion goes on."""
TINY_RECOGNITION = RecognitionConfig(
    clips=OWN,
    crop=48,
    flow="tiny",
    steps=450,
    batch=32,
    optimiser="adamw",
    learning_rate=3e-3,
    one_cycle=True,
    weight_decay=0.05,
)
TINY_TRAINING = TrainingConfig(
    steps=600,
    batch=16,
    learning_rate=3e-3,
    one_cycle=True,
    weight_decay=0.05,
    flow_rate=0.1,
    flow_released=0.9,
    per_video=False,
    background=0.1,
    prior_examples=800,
)
"""Ours. The rate of a tuned flow network is that of RFB-Flow's: in so few steps, and at the end of a falling
rate, the paper's 1/500 of the detector's would leave it as it was fitted."""
TINY_AUGMENTATION = Augmentation(jitter=0.0, zoom=(0.85, 1.2), colour=(0.5, 2.0, 2.0))
TUNED = 1e-7 / 5e-5
"""The paper's learning rate of a tuned flow network, relative to the detector's; of size ``full``."""


def base(dataset: str, size: str) -> TwoStreamYoloConfig:
    """The paper's settings, or the tiny ones; the flow network is tuned."""
    made = TwoStreamYoloConfig(training=TrainingConfig(flow_rate=TUNED))
    if size == "tiny":
        made = TwoStreamYoloConfig(
            model=TINY_MODEL,
            augmentation=TINY_AUGMENTATION,
            recognition=TINY_RECOGNITION,
            training=TINY_TRAINING,
            boxes_per_frame=20,
            score_floor=0.01,
            predict_batch=16,
            cpu_threads=1,
        )
        if not dataset.endswith("-mini"):
            made = with_parts(
                made,
                model={"frame_size": (160, 128)},
                training={"steps": 1500, "background": 0.0},
                recognition={"steps": 1500},
            )
    return made


def configs(dataset: str, size: str) -> dict[str, TwoStreamYoloConfig]:
    """Row -> config.

    ``default``: the paper's best, the row ``tuned-flownet2-kinetics``. The rows of Tables II to IV are flow,
    frozen unless ``tuned``, and what training starts from: ``kinetics`` is recognition after Pascal VOC. In
    size ``tiny`` FlowNet2 is the narrow flow network, Kinetics the training videos' own classes, and nothing
    stands for Pascal VOC; of its parts CSS and SD no narrow one is there.
    ``linked``: ours, the best boxes linked, for untrimmed videos; on DALY, where tubes alone are scored, all
    rows are. ``fused-heads``, ``released-loss``: other readings. ``dis``: ours, another classical flow.
    ``shuffled-labels``: ours, a control.
    """
    whole = base(dataset, size)
    inside = whole.model.flow
    linked = Linked(linking=Linking()) if dataset.startswith("jhmdb") else Linked()
    several = with_parts(whole, postprocess={"linked": linked})
    whole = several if dataset.startswith("daly") else whole
    rows = {"default": whole, "linked": several}
    for flow, source in (("brox", "brox"), ("flownet2", inside)):
        for start in ("voc", "kinetics"):
            rows[f"{flow}-{start}"] = _row(whole, source, start, tuned=False)
    for start in ("voc", "kinetics"):
        rows[f"tuned-flownet2-{start}"] = _row(whole, inside, start, tuned=True)
    for part in ("css", "sd"):
        rows[f"tuned-flownet2-{part}-kinetics"] = _row(whole, f"flownet2-{part}", "kinetics", tuned=True)
    return rows | {
        "dis": _row(whole, "dis", "kinetics", tuned=False),
        "fused-heads": with_parts(whole, model={"fusion": "heads"}),
        "released-loss": with_parts(whole, training={"released_loss": True}),
        "shuffled-labels": with_parts(whole, training={"shuffled_labels": True}),
    }


def recognition_model(config: TwoStreamYoloConfig) -> ModelConfig:
    """The streams that learn to recognise: the detector's, with the flow of that stage.

    What a detector alone has is left out, so that all variants share one training.
    """
    model, default = config.model, ModelConfig()
    flow = config.recognition.flow
    return replace(
        model,
        flow=flow,
        flow_weights=model.flow_weights if flow == model.flow else "",
        fusion=default.fusion,
        anchors=default.anchors,
        num_anchors=default.num_anchors,
        first_objectness=default.first_objectness,
    )


def _row(whole: TwoStreamYoloConfig, flow: str, start: str, tuned: bool) -> TwoStreamYoloConfig:
    recognition = {} if start == "kinetics" else {"clips": None}
    steps = {} if is_inside(flow) else {"flow_steps": NEXT}
    return with_parts(
        whole,
        model={"flow": flow} | steps,
        recognition=recognition,
        training={"flow_rate": whole.training.flow_rate if tuned else 0.0},
    )
