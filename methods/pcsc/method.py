"""PCSC as a :class:`methods.base.Method`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.files.store import digest_file
from bench.records import Detections, Tubes
from bench.sources import placeless
from methods.base import FlowNeed, Info, TrainingData, TrainingStage
from methods.common.labels import several_labels_notes
from methods.common.networked import NetworkMethod
from methods.nn import published
from methods.pcsc import postprocess
from methods.pcsc.config import ModelConfig, PcscConfig, PostprocessConfig, configs


class Pcsc(NetworkMethod):
    """Progressive cross-stream cooperation. See the package's docstring for the paper and its readings."""

    name = "pcsc"
    title = "PCSC"
    paper = "pcsc2019"
    lookahead = None
    weights = (published.I3D_RGB, published.I3D_FLOW, published.FLOWNET2)

    def __init__(self, config: PcscConfig, info: Info) -> None:
        super().__init__(config, info)
        _check(config)
        _check_data(config, info)

    @classmethod
    def configs(cls, dataset: str, size: str) -> Mapping[str, PcscConfig]:
        return configs(dataset, size)

    @property
    def flow(self) -> FlowNeed | None:
        model = self.config.model
        return FlowNeed(model.flow, model.frame_size, "model.flow") if "flow" in model.streams else None

    def facts(self) -> dict[str, Any]:
        model = self.config.model
        return {
            "pretraining": "Kinetics-400 (I3D)" if model.pretrained else "none",
            "flow_source": model.flow if "flow" in model.streams else None,
            "boxes_from": "own",
            "frame_size": list(model.frame_size),
            "notes": several_labels_notes(self.info),
        }

    def check(self) -> None:
        model = self.config.model
        weights = [published_weights(model, stream) for stream in model.streams if model.pretrained]
        if model.frozen_batch_norm and not weights:
            raise ValueError(
                "model.frozen_batch_norm normalises with the statistics of published weights, but none are "
                "named: --set model.pretrained=FOLDER names those of I3D, "
                "--set model.frozen_batch_norm=false trains from scratch"
            )

    def training_config(self) -> Mapping[str, Any]:
        """The detector reads model, training and the weights it starts from; actionness what links tubes."""
        model = self.config.model
        start = [digest_file(published_weights(model, s)) for s in model.streams if model.pretrained]
        stages: dict[str, Any] = {
            "detector": {
                "model": asdict(placeless(model)),
                "training": asdict(self.config.training),
                "weights": start,
            }
        }
        if self.config.actionness.enabled:
            linked = self.linking_of_training_tubes()
            stages["actionness"] = {
                "actionness": asdict(self.config.actionness),
                "postprocess": {k: v for k, v in asdict(linked).items() if k in TRAINING_TUBES_READ},
                "prediction": self.prediction_config(),
            }
        return stages

    def linking_of_training_tubes(self) -> PostprocessConfig:
        """The postprocess config that links training tubes: the last trained stage, whatever is reported."""
        return PostprocessConfig(stage=self.config.model.stages)

    def prediction_config(self) -> Any:
        return {"score_floor": self.config.score_floor, "rows_per_stage": self.config.rows_per_stage}

    def training_stage(
        self, name: str, data: TrainingData, seed: int, checkpoints: Mapping[str, Path]
    ) -> TrainingStage:
        from methods.pcsc import training
        from methods.pcsc.actionness import ActionnessStage

        if name == "detector":
            model = self.config.model
            weights = {s: published_weights(model, s) for s in model.streams if model.pretrained}
            return training.DetectorStage(self.config, self.info, data, seed, weights)
        return ActionnessStage(self, data, seed, checkpoints["detector"])

    def load(self, checkpoints: Mapping[str, Path], device: str) -> None:
        from methods.pcsc.predict import Predictor

        self.predictor = Predictor.load(self.config, self.info, checkpoints, device)

    def begin(self, device: str) -> None:
        from methods.pcsc.predict import Predictor

        self.predictor = Predictor.begin(self.config, self.info, self.config.actionness.enabled).to(device)

    @classmethod
    def postprocess(
        cls, predictions: Detections, num_frames: int, config: PcscConfig, info: Info
    ) -> tuple[Detections, Tubes | None]:
        settings = config.postprocess
        return postprocess.detections_and_tubes(predictions, len(info.classes), settings, info.linked)


def published_weights(model: ModelConfig, stream: str) -> Path:
    """The I3D weights of a stream in ``model.pretrained``. Raises ValueError naming what was looked for."""
    folder = Path(model.pretrained)
    for suffix in (".npz", ".pt", ".pth"):
        if (folder / f"{stream}{suffix}").is_file():
            return folder / f"{stream}{suffix}"
    raise ValueError(f"no I3D weights of the {stream} stream in {folder}: wanted {stream}.npz, .pt or .pth")


def _check(config: PcscConfig) -> None:
    """Refuse before training what would only fail after it."""
    model, after = config.model, config.postprocess
    if set(model.streams) != {"rgb", "flow"} and (model.stages or model.feature_cooperation):
        raise ValueError(
            f"model.streams is {', '.join(model.streams)}: stages or feature_cooperation needs both streams; "
            "--set model.stages=0 --set model.feature_cooperation=false"
        )
    if after.refine and not config.actionness.enabled:
        raise ValueError("postprocess.refine needs actionness: --set postprocess.refine=false leaves it out")
    if after.window < 1 or after.window % 2 == 0:
        raise ValueError(f"postprocess.window is {after.window}: a median filter needs an odd window")
    if after.stage > model.stages:
        raise ValueError(f"postprocess.stage is {after.stage}, but the model has {model.stages} stages")


def _check_data(config: PcscConfig, info: Info) -> None:
    """Refuse what has no meaning on this kind of data."""
    if info.multi_label and config.model.class_specific_boxes:
        raise ValueError(
            "model.class_specific_boxes has no meaning where a person has several labels and one box: "
            "--set model.class_specific_boxes=false"
        )
    if config.actionness.enabled and not info.linked:
        raise ValueError(
            "actionness refines tubes, but this dataset scores single frames: "
            "--set actionness.enabled=false --set postprocess.refine=false"
        )


TRAINING_TUBES_READ = ("stage", "nms", "score_floor", "boxes_per_frame", "linking")
