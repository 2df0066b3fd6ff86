"""Configuration of RecLNet and its variants. Values that the paper does not state are marked *ours*."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from bench.sources import SOURCE
from bench.tubes import PUBLISHED, Linking
from bench.tubes.fusion import AverageFusion
from bench.tubes.labelling import BinaryLabelling
from methods.common.config import with_parts
from methods.nn.faster_rcnn.config import TINY, VGG16, FasterRcnnConfig
from methods.reclnet.recurrent_config import FC_UNITS, RecurrentConfig, RecurrentTraining
from methods.reclnet.tracking import FRAME_TRACKS, PERSON_TRACKS, Tracking

STREAMS = ("rgb", "flow")
ScoreFusion = Literal["average", "gating", "layer"]


@dataclass(frozen=True)
class ModelConfig:
    """What scores the boxes of tracks.

    frame_size: width and height of the pictures that detectors see; 600 is the authors' shorter side.
    flow_size: of the frames that flow is computed of, and in whose pixels its pictures show motion, which
        saturate at 8. That of the videos of UCF101-24 and J-HMDB, as the authors computed it; those of other
        sizes are scaled to it. The picture of flow is then scaled to ``frame_size``, motion as it is.
    streams: whose scores count; tracks may be made of more (``tracks.streams``).
    scores: the recurrent network's, or those of the detector itself (*CNN* in Table 1).
    fusion: of the scores of two streams (section 3.2).
    """

    frame_size: tuple[int, int] = (800, 600)
    flow_size: tuple[int, int] = (320, 240)
    detector: FasterRcnnConfig = VGG16
    pretrained: str = field(default="", metadata=SOURCE)  # ImageNet weights of the detectors' trunk
    flow: str = "brox"  # the authors'
    streams: tuple[str, ...] = STREAMS
    scores: Literal["recurrent", "detector"] = "recurrent"
    recurrent: RecurrentConfig = RecurrentConfig()
    fusion: ScoreFusion = "layer"

    def __post_init__(self) -> None:
        if self.streams not in (STREAMS, STREAMS[:1], STREAMS[1:]):
            raise ValueError(f"model.streams is {self.streams}; name ('rgb',), ('flow',) or {STREAMS}")
        if self.learned_fusion and self.scores == "detector":
            raise ValueError(f"model.fusion={self.fusion} is learnt on recurrent scores: take average")

    @property
    def learned_fusion(self) -> bool:
        """Whether a layer fuses two streams."""
        return len(self.streams) == 2 and self.fusion != "average"


@dataclass(frozen=True)
class DetectorTraining:
    """Training of a stream's detector, on annotated frames alone.

    Steps, batch, rate and its drop are those of the authors' program for DALY.
    """

    steps: int = 40_000
    batch: int = 2
    background: float = 0.0  # share of frames without any action
    optimiser: Literal["sgd", "adamw"] = "sgd"
    learning_rate: float = 1e-3
    milestones: tuple[int, ...] = (30_000,)  # steps at which the rate falls to a tenth
    one_cycle: bool = False
    weight_decay: float = 5e-4
    zoom: tuple[float, float] = (1.0, 1.0)  # of a random window
    flip: bool = True
    colour: tuple[float, float, float] = (0.0, 1.0, 1.0)  # largest change of hue, saturation, exposure
    shuffled_labels: bool = False  # a control: labels permuted over the training tubes, in all stages


@dataclass(frozen=True)
class PostprocessConfig:
    """From stored predictions to detections and tubes (section 3.3)."""

    nms: float = field(default=0.3, metadata={"range": (0.2, 0.8)})  # of frame detections, a class
    linking: Linking = PUBLISHED["reclnet"]


@dataclass(frozen=True)
class ReclnetConfig:
    """The whole method. All of ``tracks`` is before the network: a change needs new predictions.

    score_floor: a track stays if a score of its class is at least this somewhere; ours.
    recurrent_seed: added to the run's seed for the recurrent stages alone, so that several networks learn
    from the same tracks and features.
    """

    model: ModelConfig = ModelConfig()
    training: DetectorTraining = DetectorTraining()
    tracks: Tracking = FRAME_TRACKS
    learning: RecurrentTraining = RecurrentTraining()
    recurrent_seed: int = 0
    postprocess: PostprocessConfig = PostprocessConfig()
    score_floor: float = 0.01
    cpu_threads: int = 0  # of one network on a CPU; 0: all cores


TINY_TRAINING = DetectorTraining(
    steps=1000,
    batch=8,
    background=0.1,
    optimiser="adamw",
    learning_rate=1e-3,
    milestones=(),
    one_cycle=True,
    weight_decay=0.05,
    zoom=(0.8, 1.3),
    colour=(0.5, 2.0, 2.0),
)
"""For a CPU, from scratch. Everything here is ours."""


def base(dataset: str, size: str) -> ReclnetConfig:
    """The paper's settings on that dataset, or the tiny ones.

    Trimmed videos are not trimmed again: a tube lasts as long as its track.
    """
    made = _tiny(dataset) if size == "tiny" else ReclnetConfig()
    if dataset.startswith(("daly", "ava")):
        made = replace(made, tracks=PERSON_TRACKS)
    if dataset.startswith("jhmdb"):
        made = _linked(made, trimming=None)
    return made


def _tiny(dataset: str) -> ReclnetConfig:
    made = ReclnetConfig(
        model=ModelConfig(
            frame_size=(128, 96),
            flow_size=(128, 96),
            detector=TINY,
            flow="dis",
            recurrent=RecurrentConfig(hidden=128, units=(64, 64)),
        ),
        training=TINY_TRAINING,
        learning=RecurrentTraining(epochs=2, learning_rate=2e-3),
        cpu_threads=1,
    )  # fmt: skip
    if dataset.endswith("-mini"):
        return made
    return with_parts(made, training={"steps": 2500})


def configs(dataset: str, size: str) -> dict[str, ReclnetConfig]:
    """Row -> config.

    ``CELL-STREAM`` with cnn, fc, lstm, gru and rgb, flow, average: Table 1. ``cnn-viterbi``: Table 2.
    ``gru-gating`` and ``default``, which is the fusion layer: Table 3. ``untrimmed``, ``cnn-untrimmed``:
    tracks whole, for protocols that trim them to the annotation (Tables 4 and 5); 3D-NMS comes after the cut
    (:meth:`bench.results.scoring.Scored.cut`), as only then it is known which of two is the better. Tables 6
    to 8 and 11 are of the default. ``shuffled-labels``: ours, a control.
    """
    whole = base(dataset, size)
    average = _linked(whole, fusion=AverageFusion(nms=None))
    rows = {"default": whole}
    for cell in ("cnn", "fc", "lstm", "gru"):
        scored = _scored_by(average, cell)
        rows[f"{cell}-average"] = with_parts(scored, model={"fusion": "average"})
        for stream in STREAMS:
            rows[f"{cell}-{stream}"] = _linked(with_parts(scored, model={"streams": (stream,)}), fusion=None)
    rows["cnn-viterbi"] = _linked(rows["cnn-average"], trimming=BinaryLabelling())
    rows["gru-gating"] = with_parts(whole, model={"fusion": "gating"})
    rows["untrimmed"] = _linked(whole, trimming=None, nms=None)
    rows["cnn-untrimmed"] = _linked(rows["cnn-average"], trimming=None, nms=None)
    rows["shuffled-labels"] = with_parts(whole, training={"shuffled_labels": True})
    return rows


def _scored_by(config: ReclnetConfig, cell: str) -> ReclnetConfig:
    """With the scores of the detectors, or of that recurrent cell."""
    if cell == "cnn":
        return with_parts(config, model={"scores": "detector", "fusion": "average"})
    if cell == "fc":
        return with_parts(config, model={"recurrent": fully_connected(config.model)})
    parts: dict[str, Any] = {"cell": cell}
    return with_parts(config, model={"recurrent": replace(config.model.recurrent, **parts)})


def fully_connected(model: ModelConfig) -> RecurrentConfig:
    """The baseline without memory: layers in place of its recurrent units, with about as many weights."""
    first, second = (round(wide * own / 256) for wide, own in zip(FC_UNITS, model.recurrent.units))
    return replace(model.recurrent, cell="fc", units=(first, second))


def _linked(config: ReclnetConfig, **parts: Any) -> ReclnetConfig:
    """With fields of the linking replaced."""
    linking = replace(config.postprocess.linking, **parts)
    return replace(config, postprocess=replace(config.postprocess, linking=linking))
