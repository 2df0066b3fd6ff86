"""YOWO as a :class:`methods.base.Method`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.files.store import digest_file
from bench.records import Detections, Tubes
from methods.base import FlowNeed, Method, TrainingData, TrainingStage
from methods.yowo import postprocess
from methods.yowo.config import ModelConfig, YowoConfig, configs

if TYPE_CHECKING:
    from bench.footage import Footage
    from methods.base import Info
    from methods.yowo.network import YowoNetwork
    from methods.yowo.predict import Predictor

PRETRAINED = ("pretrained", "pretrained_3d", "pretrained_2d")


class Yowo(Method):
    """You only watch once. See the package's docstring for the paper and its readings."""

    name = "yowo"
    title = "YOWO"
    paper = "yowo2019"
    lookahead = 0

    def __init__(self, config: YowoConfig, info: Info) -> None:
        super().__init__(config, info)
        check_model(config.model)
        self._predictor: Predictor | None = None

    @classmethod
    def configs(cls, dataset: str, size: str) -> Mapping[str, YowoConfig]:
        return configs(dataset, size)

    @property
    def frame_size(self) -> tuple[int, int]:
        return self.config.model.frame_size

    @property
    def cpu_threads(self) -> int:
        return self.config.cpu_threads

    @property
    def flow(self) -> FlowNeed | None:
        return None

    def facts(self) -> dict[str, Any]:
        model = self.config.model
        started = [Path(getattr(model, name)).name for name in PRETRAINED if getattr(model, name)]
        return {
            "pretraining": ", ".join(started) or "none",
            "flow_source": None,
            "boxes_from": "own",
            "frame_size": list(model.frame_size),
        }

    def check(self) -> None:
        check_weights(self.config.model)

    def training_config(self) -> Mapping[str, Any]:
        model = self.config.model
        return {
            "detector": {
                "model": asdict(model),
                "training": asdict(self.config.training),
                "weights": weight_digests(model),
            }
        }

    def prediction_config(self) -> Any:
        config = self.config
        return {name: getattr(config, name) for name in ("boxes_per_frame", "score_floor", "class_floor")}

    def training_stage(
        self, name: str, data: TrainingData, seed: int, checkpoints: Mapping[str, Path]
    ) -> TrainingStage:
        from methods.yowo.training import DetectorStage

        return DetectorStage(
            self.config.model, self.config.training, self.info, data, seed, self.started_network
        )

    def network(self) -> YowoNetwork:
        """The network as it is before any weights are loaded."""
        from methods.yowo.network import YowoNetwork

        return YowoNetwork(self.config.model, len(self.info.classes))

    def started_network(self) -> YowoNetwork:
        """The network with the weights that training starts from."""
        from methods.yowo.start import start

        return start(self.network(), self.config.model)

    def load(self, checkpoints: Mapping[str, Path], device: str) -> None:
        from methods.yowo.predict import Predictor, load_network

        network = self.network()
        load_network(network, checkpoints["detector"])
        self._predictor = Predictor(self.config, self.info, network.to(device))

    def predict(self, footage: Footage, frames: Sequence[int]) -> Detections:
        return self._loaded().predict(footage, frames)

    def _loaded(self) -> Predictor:
        if self._predictor is None:
            raise ValueError(f"{self.name}: load the checkpoints before predicting")
        return self._predictor

    @property
    def history(self) -> int:
        model = self.config.model
        return model.clip_stride * (model.clip_length - 1) + 1

    @classmethod
    def postprocess(
        cls, predictions: Detections, num_frames: int, config: YowoConfig, info: Info
    ) -> tuple[Detections, Tubes]:
        return postprocess.detections_and_tubes(predictions, num_frames, config.postprocess)


def check_model(model: ModelConfig) -> None:
    """Refuse before training what would only fail in it. Raises ValueError naming the setting."""
    if not model.branches or not {"3d", "2d"} >= set(model.branches):
        raise ValueError(f"model.branches is {model.branches}: one or both of 3d, 2d")
    stride = 2 ** sum(model.pools_2d)
    if any(side % stride for side in model.frame_size):
        width, height = model.frame_size
        raise ValueError(f"model.frame_size is {width}x{height}: both must be multiples of {stride}")


def check_weights(model: ModelConfig) -> None:
    """Raise ValueError if weights to start from are asked for and not there."""
    for name in PRETRAINED:
        path = getattr(model, name)
        if path and not Path(path).is_file():
            raise ValueError(f"model.{name}: no file {path}; `bench weights yowo` says where it is to be had")
    if model.frozen and not (model.pretrained or model.pretrained_3d):
        raise ValueError(
            "model.frozen keeps the branches as they begin, but no weights are named: "
            "--set model.pretrained_3d=FILE --set model.pretrained_2d=FILE name those of Kinetics and COCO, "
            "--set model.frozen=false trains from scratch"
        )


def weight_digests(model: ModelConfig) -> dict[str, str]:
    """Digests of the weights that training starts from."""
    return {name: digest_file(Path(getattr(model, name))) for name in PRETRAINED if getattr(model, name)}
