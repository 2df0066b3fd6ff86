"""MENet as a :class:`methods.base.Method`, built on YOWO."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.files.store import digest_file
from bench.sources import placeless
from methods.base import FlowNeed, Stream, TrainingData, TrainingStage
from methods.menet.config import MenetConfig, configs
from methods.nn import published
from methods.yowo.method import Yowo, weight_digests

if TYPE_CHECKING:
    from methods.base import Info
    from methods.menet.network import MenetNetwork
    from methods.yowo.network import YowoNetwork
    from methods.yowo.predict import Predictor


class Menet(Yowo):
    """YOWO with learnt motion. See the package's docstring for the paper and its readings."""

    name = "menet"
    title = "MENet"
    paper = "menet2020"
    builds_on = ("yowo",)
    weights = (
        published.RESNEXT_KINETICS,
        published.RESNEXT_HMDB51,
        published.MARS_KINETICS,
        published.MARS_FLOW,
        published.YOLO_COCO,
        published.RAFT,
    )

    def __init__(self, config: MenetConfig, info: Info) -> None:
        super().__init__(config, info)  # type: ignore[arg-type]  # has all parts that YOWO's config has
        self.distilled = config.distillation.enabled and "3d" in config.model.branches
        _check(config, self.distilled)

    @classmethod
    def configs(cls, dataset: str, size: str) -> Mapping[str, MenetConfig]:  # type: ignore[override]
        return configs(dataset, size)

    @property
    def flow(self) -> FlowNeed | None:
        config: MenetConfig = self.config
        if self._sees_flow:
            return FlowNeed(config.motion.flow, config.model.frame_size, "motion.flow")
        if self.distilled:
            size, source = config.model.frame_size, config.distillation.flow
            return FlowNeed(source, size, "distillation.flow", only_training=True)
        return None

    @property
    def _sees_flow(self) -> bool:
        return self.config.motion.spatial == "flow" and "2d" in self.config.model.branches

    def facts(self) -> dict[str, Any]:
        need, found, teacher = self.flow, super().facts(), self.config.distillation.teacher_weights
        if teacher:
            others = "" if found["pretraining"] == "none" else f"{found['pretraining']}, "
            found["pretraining"] = f"{others}{Path(teacher).name} (teacher)"
        return found | {"flow_source": need.source if need else None}

    def check(self) -> None:
        super().check()
        teacher = self.config.distillation.teacher_weights
        if teacher and not Path(teacher).is_file():
            raise ValueError(
                f"distillation.teacher_weights: no file {teacher}; `bench weights menet` says where MARS's "
                "flow network is to be had"
            )

    def training_config(self) -> Mapping[str, Any]:
        """The teacher reads the 3-D branch and its own settings; the others build on those before them."""
        config: MenetConfig = self.config
        stages: dict[str, Any] = {}
        if self.distilled:
            stages |= self._distillation_config()
        elif self.cropped:
            stages["crops"] = self.crops_config()
        stages["detector"] = {
            "model": asdict(placeless(config.model)),
            "motion": asdict(config.motion),
            "training": asdict(config.training),
            "weights": weight_digests(config.model),
        }
        return stages

    def _distillation_config(self) -> dict[str, Any]:
        """What the teacher, where it is trained, and the student read; of files their digests."""
        model, how = self.config.model, asdict(placeless(self.config.distillation))
        shared = self.crops_config() | {"non_local": self.config.motion.non_local}
        start = {"start": digest_file(Path(model.pretrained_3d))} if model.pretrained_3d else {}
        given = self.config.distillation.teacher_weights
        if given:
            read = {name: value for name, value in how.items() if name != "teacher_steps"}
            taught = {"teacher": digest_file(Path(given))}
            return {"student": shared | start | taught | {"distillation": read}}
        read = {name: value for name, value in how.items() if name not in ("alpha", "student_steps")}
        return {
            "teacher": shared | {"distillation": read},
            "student": shared | start | {"distillation": how},
        }

    def stream(self, video: str, size: tuple[int, int]) -> Stream:
        if self._sees_flow:
            raise ValueError(
                f"{self.name} with flow as input cannot be streamed; with motion.spatial=srm it can"
            )
        return super().stream(video, size)

    @property
    def history(self) -> int:
        return max(super().history, self.config.motion.maps + 1)

    def training_stage(
        self, name: str, data: TrainingData, seed: int, checkpoints: Mapping[str, Path]
    ) -> TrainingStage:
        from methods.menet.detector import detector_stage
        from methods.menet.distillation import ClipStage

        if name == "crops":
            return self.crops_stage(data, seed)
        if name == "detector":
            return detector_stage(self, data, seed, checkpoints)
        given = self.config.distillation.teacher_weights
        teacher = Path(given) if given else checkpoints.get("teacher")
        return ClipStage(name, self.config, self.info, data, seed, teacher)

    def network(self) -> MenetNetwork:
        from methods.menet.network import MenetNetwork

        return MenetNetwork(self.config.model, self.config.motion, len(self.info.classes))

    def predictor_of(self, network: YowoNetwork) -> Predictor:
        from methods.menet.detector import view_inputs
        from methods.yowo.predict import Predictor

        inputs = view_inputs(self.config)
        return Predictor(self.config, self.info, network, lambda footage, frame: inputs(footage, frame, None))


def _check(config: MenetConfig, distilled: bool) -> None:
    """Refuse before training what would only fail in it, or do nothing."""
    if config.motion.spatial == "srm" and config.motion.maps < 1:
        raise ValueError("motion.maps is the number of maps of SRM: at least 1, or --set motion.spatial=rgb")
    if config.distillation.teacher_weights and not distilled:
        raise ValueError(
            "distillation.teacher_weights names a teacher, and nothing is distilled: leave it out, or "
            "--set distillation.enabled=true and take a variant with the 3-D branch"
        )
    same = config.motion.flow == config.distillation.flow
    if config.motion.spatial == "flow" and config.distillation.enabled and not same:
        raise ValueError(
            f"motion.flow is {config.motion.flow} and distillation.flow {config.distillation.flow}: one run "
            "reads one flow; set both to the same, or --set distillation.enabled=false"
        )
