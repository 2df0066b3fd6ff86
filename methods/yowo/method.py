"""YOWO as a :class:`methods.base.Method`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from bench.files.store import digest_file
from bench.records import Detections, Tubes
from bench.sources import placeless
from methods.base import FlowNeed, TrainingData, TrainingStage
from methods.common.config import CROPS
from methods.common.labels import several_labels_notes
from methods.common.networked import NetworkMethod
from methods.nn import published
from methods.yowo import postprocess
from methods.yowo.config import ModelConfig, YowoConfig, configs

if TYPE_CHECKING:
    from bench.published import Weights
    from methods.base import Info
    from methods.yowo.network import YowoNetwork
    from methods.yowo.predict import Predictor

SEEN = ("frame_size", "clip_length", "clip_stride", "clip_input")
"""Fields of the model that say what the 3-D branch sees."""
PRETRAINED = ("pretrained", "pretrained_3d", "pretrained_2d")


class Yowo(NetworkMethod):
    """You only watch once. See the package's docstring for the paper and its readings."""

    name = "yowo"
    title = "YOWO"
    paper = "yowo2019"
    lookahead = 0
    weights: ClassVar[tuple[Weights, ...]] = (
        published.YOWO_UCF24,
        published.YOWO_JHMDB,
        published.RESNEXT_KINETICS,
        published.RESNEXT_HMDB51,
        published.MARS_KINETICS,
        published.YOLO_COCO,
    )
    paper_protocols: ClassVar[Mapping[str, str]] = {"ucf24": "yowo", "jhmdb": "yowo"}

    def __init__(self, config: YowoConfig, info: Info) -> None:
        super().__init__(config, info)
        check_model(config.model)

    @classmethod
    def configs(cls, dataset: str, size: str) -> Mapping[str, YowoConfig]:
        return configs(dataset, size)

    @property
    def flow(self) -> FlowNeed | None:
        return None

    def facts(self) -> dict[str, Any]:
        model = self.config.model
        started = [Path(getattr(model, name)).name for name in PRETRAINED if getattr(model, name)]
        if self.cropped:
            started.append(CROPS)
        return {
            "pretraining": ", ".join(started) or "none",
            "flow_source": None,
            "boxes_from": "own",
            "frame_size": list(model.frame_size),
            "notes": several_labels_notes(self.info),
        }

    def check(self) -> None:
        check_weights(self.config.model)

    def training_config(self) -> Mapping[str, Any]:
        stages = {"crops": self.crops_config()} if self.cropped else {}
        model = self.config.model
        stages["detector"] = {
            "model": asdict(placeless(model)),
            "training": asdict(self.config.training),
            "weights": weight_digests(model),
        }
        return stages

    @property
    def cropped(self) -> bool:
        """Whether the 3-D branch is first trained on crops."""
        return bool(self.config.crops.steps) and "3d" in self.config.model.branches

    def crops_config(self) -> dict[str, Any]:
        """What the training on crops reads."""
        shuffled = self.config.training.shuffled_labels
        return {
            "trunk": trunk_settings(placeless(self.config.model)),
            "crops": asdict(self.config.crops),
            "shuffled": shuffled,
        }

    def prediction_config(self) -> Any:
        config = self.config
        return {name: getattr(config, name) for name in ("boxes_per_frame", "score_floor", "class_floor")}

    def training_stage(
        self, name: str, data: TrainingData, seed: int, checkpoints: Mapping[str, Path]
    ) -> TrainingStage:
        from methods.yowo.training import DetectorStage

        if name == "crops":
            return self.crops_stage(data, seed)
        config, crops = self.config, checkpoints.get("crops")
        return DetectorStage(
            config.model, config.training, self.info, data, seed, lambda: self.started_network(crops)
        )

    def crops_stage(self, data: TrainingData, seed: int) -> TrainingStage:
        """The training of the 3-D branch on crops."""
        from methods.common.crops import CropStage
        from methods.yowo.crops import CropClassifier, crop_inputs

        model, crops = self.config.model, self.config.crops
        return CropStage(
            crops,
            self.info,
            data,
            seed,
            lambda: CropClassifier(model, len(self.info.classes)),
            lambda crop: crop_inputs(crop, model, crops.colour),
            self.config.training.shuffled_labels,
        )

    def network(self) -> YowoNetwork:
        """The network as it is before any weights are loaded."""
        from methods.yowo.network import YowoNetwork

        return YowoNetwork(self.config.model, len(self.info.classes))

    def started_network(self, crops: Path | None = None) -> YowoNetwork:
        """The network with the weights that training starts from; ``crops``: the checkpoint of that stage."""
        from methods.yowo.crops import load_crops
        from methods.yowo.start import start

        network = start(self.network(), self.config.model)
        if crops is not None:
            load_crops(network.backbone_3d, crops)
        return network

    def load(self, checkpoints: Mapping[str, Path], device: str) -> None:
        from methods.nn.weights import load_network

        network = self.network()
        load_network(network, checkpoints["detector"])
        self.predictor = self.predictor_of(network.to(device))

    def begin(self, device: str) -> None:
        self.predictor = self.predictor_of(self.network().to(device))

    def predictor_of(self, network: YowoNetwork) -> Predictor:
        """What predicts with a network."""
        from methods.yowo.predict import Predictor

        return Predictor(self.config, self.info, network)

    @property
    def history(self) -> int:
        model = self.config.model
        return model.clip_stride * (model.clip_length - 1) + 1

    @classmethod
    def postprocess(
        cls, predictions: Detections, num_frames: int, config: YowoConfig, info: Info
    ) -> tuple[Detections, Tubes | None]:
        return postprocess.detections_and_tubes(predictions, num_frames, config.postprocess, info.linked)


def check_model(model: ModelConfig) -> None:
    """Refuse before training what would only fail in it. Raises ValueError naming the setting."""
    if not model.branches or not {"3d", "2d"} >= set(model.branches):
        raise ValueError(f"model.branches is {model.branches}: one or both of 3d, 2d")
    stride = 2 ** sum(model.pools_2d)
    if model.kind_3d == "folded" and stride != 16:
        raise ValueError(
            f"model.pools_2d makes cells of {stride} pixels; model.kind_3d=folded has those of 16"
        )
    if any(side % stride for side in model.frame_size):
        width, height = model.frame_size
        raise ValueError(f"model.frame_size is {width}x{height}: both must be multiples of {stride}")


def check_weights(model: ModelConfig) -> None:
    """Raise ValueError if weights to start from are asked for and not there."""
    for name in PRETRAINED:
        path = getattr(model, name)
        if path and not Path(path).is_file():
            raise ValueError(f"model.{name}: no file {path}; `bench weights yowo` says where it is to be had")
    if model.pretrained_3d and model.kind_3d != "resnext":
        raise ValueError("model.pretrained_3d is a ResNeXt: --set model.kind_3d=resnext too")
    if model.frozen and not (model.pretrained or model.pretrained_3d):
        raise ValueError(
            "model.frozen keeps the branches as they begin, but no weights are named: "
            "--set model.pretrained_3d=FILE --set model.pretrained_2d=FILE name those of Kinetics and COCO, "
            "--set model.frozen=false trains from scratch"
        )


def trunk_settings(model: ModelConfig) -> dict[str, Any]:
    """The settings that the 3-D branch alone reads."""
    return {name: value for name, value in asdict(model).items() if name.endswith("_3d") or name in SEEN}


def weight_digests(model: ModelConfig) -> dict[str, str]:
    """Digests of the weights that training starts from."""
    return {name: digest_file(Path(getattr(model, name))) for name in PRETRAINED if getattr(model, name)}
