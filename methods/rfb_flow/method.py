"""RFB-Flow as a :class:`methods.base.Method`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from bench.files.store import digest_file
from bench.records import Detections, Tubes
from bench.sources import placeless
from methods.base import FlowNeed, Info, Stream, TrainingData, TrainingStage
from methods.common.config import CROPS
from methods.common.labels import several_labels_notes
from methods.common.networked import NetworkMethod, check_streamed
from methods.nn import published
from methods.nn.flow.inside import is_fitted, is_inside, weights_file, weights_key
from methods.rfb_flow import postprocess
from methods.rfb_flow.checks import FILES, check_config, check_starts
from methods.rfb_flow.config import ModelConfig, RfbFlowConfig, configs, offsets

if TYPE_CHECKING:
    from bench.footage import Footage
    from methods.rfb_flow.network import RfbFlowNetwork
    from methods.rfb_flow.predict import Known


class RfbFlow(NetworkMethod):
    """Flow and detection in one network. See the package's docstring for the paper and its readings."""

    name = "rfb-flow"
    title = "RFB-Flow"
    paper = "zhang2020"
    lookahead = 1
    paper_protocols: ClassVar[Mapping[str, str]] = {"ucf24": "road", "jhmdb": "road"}
    weights = (published.VGG16_REDUCED, published.PWC_NET, published.FLOWNET2, published.FLOWNET2_S)

    def __init__(self, config: RfbFlowConfig, info: Info) -> None:
        super().__init__(config, info)
        check_config(config)

    @classmethod
    def configs(cls, dataset: str, size: str) -> Mapping[str, RfbFlowConfig]:
        return configs(dataset, size)

    @property
    def history(self) -> int:
        seen = offsets(self.config.model.flow_pairs)
        return seen[-1] - seen[0] + 1

    @property
    def flow(self) -> FlowNeed | None:
        model = self.config.model
        return None if is_inside(model.flow) else FlowNeed(model.flow, model.frame_size, "model.flow")

    def facts(self) -> dict[str, Any]:
        model = self.config.model
        started = "ImageNet (VGG16)" if model.pretrained else "none"
        if self.config.crops.steps:
            started = CROPS
        if model.published:
            started = f"the whole network ({Path(model.published).name})"
        return {
            "pretraining": started,
            "flow_source": model.flow,
            "boxes_from": "own",
            "frame_size": list(model.frame_size),
            "notes": several_labels_notes(self.info),
        }

    def check(self) -> None:
        check_starts(self.config.model)
        if not fitted(self.config.model):
            self._flow_weights()

    def training_config(self) -> Mapping[str, Any]:
        config, model = self.config, self.config.model
        weights = {n: digest_file(Path(p)) for n in FILES if (p := getattr(model, n)) and Path(p).is_file()}
        stages: dict[str, Any] = {"flow": asdict(config.fitting)} if fitted(model) else {}
        flow = None if model.published else weights_key(model.flow, model.flow_weights)
        network = {"model": asdict(placeless(model)), "weights": weights, "flow": flow}
        if config.crops.steps:
            shuffled = config.training.shuffled_labels
            stages["crops"] = network | {"crops": asdict(config.crops), "shuffled": shuffled}
        stages["detector"] = network | {"training": asdict(config.training)}
        return stages

    def prediction_config(self) -> Any:
        return {"boxes_per_class": self.config.boxes_per_class, "score_floor": self.config.score_floor}

    def training_stage(
        self, name: str, data: TrainingData, seed: int, checkpoints: Mapping[str, Path]
    ) -> TrainingStage:
        from methods.nn.flow.fitting import FlowStage
        from methods.rfb_flow.crops import load_crops
        from methods.rfb_flow.start import start
        from methods.rfb_flow.training import DetectorStage

        if name == "flow":
            return FlowStage(self.config.fitting, data, seed)

        def build() -> RfbFlowNetwork:
            return start(self.network(), checkpoints.get("flow") or self._flow_weights())

        if name == "crops":
            return self._crops_stage(data, seed, build)

        def build_further() -> RfbFlowNetwork:
            network = build()
            if "crops" in checkpoints:
                load_crops(network, checkpoints["crops"])
            return network

        return DetectorStage(self.config, self.info, data, seed, build_further)

    def _crops_stage(
        self, data: TrainingData, seed: int, build: Callable[[], RfbFlowNetwork]
    ) -> TrainingStage:
        from methods.common.crops import CropStage
        from methods.rfb_flow.crops import CropClassifier, crop_inputs

        model, crops, inside = self.config.model, self.config.crops, is_inside(self.config.model.flow)
        return CropStage(
            crops,
            self.info,
            data,
            seed,
            lambda: CropClassifier(build(), len(self.info.classes)),
            lambda crop: crop_inputs(crop, model, crops.colour, inside),
            self.config.training.shuffled_labels,
        )

    def network(self) -> RfbFlowNetwork:
        """The network as it is before any weights are loaded."""
        from methods.rfb_flow.start import build_network

        model = self.config.model
        outputs = len(self.info.classes) + (not self.info.multi_label)
        return build_network(model, outputs, is_inside(model.flow))

    def _flow_weights(self) -> Path | None:
        """What a flow network inside starts from; None: there is none, or the whole network's file holds it.

        Raises ValueError with the reason where there is none.
        """
        model = self.config.model
        if not is_inside(model.flow) or model.published:
            return None
        return weights_file(model.flow, model.flow_weights)

    def load(self, checkpoints: Mapping[str, Path], device: str) -> None:
        from methods.nn.weights import load_network
        from methods.rfb_flow.predict import Predictor

        network = self.network()
        load_network(network, checkpoints["detector"])
        self.predictor = Predictor(self.config, self.info, network.to(device))

    def begin(self, device: str) -> None:
        from methods.rfb_flow.predict import Predictor

        self.predictor = Predictor(self.config, self.info, self.network().to(device))

    def in_order(self, footage: Footage) -> Callable[[Sequence[int]], Detections]:
        """Flow between two frames is estimated once, though key-frames of two calls may need it."""
        known: Known = {}
        return lambda frames: self._predicted(footage, frames, known)

    def stream(self, video: str, size: tuple[int, int]) -> Stream:
        """Raises ValueError where flow is computed before: a stream has none."""
        check_streamed(self)
        return super().stream(video, size)

    @classmethod
    def postprocess(
        cls, predictions: Detections, num_frames: int, config: RfbFlowConfig, info: Info
    ) -> tuple[Detections, Tubes | None]:
        return postprocess.detections_and_tubes(predictions, num_frames, config.postprocess, info.linked)


def fitted(model: ModelConfig) -> bool:
    """Whether a stage of its own trains the flow network."""
    return is_fitted(model.flow, model.flow_weights or model.published)
