"""RFB-Flow as a :class:`methods.base.Method`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from bench.files.store import digest_file
from bench.flow import source
from bench.flow.base import LearnedSource
from bench.records import Detections, Tubes
from methods.base import FlowNeed, Info, Method, Stream, TrainingData, TrainingStage
from methods.nn import published
from methods.nn.flow.named import NETWORKS
from methods.rfb_flow import postprocess
from methods.rfb_flow.config import ModelConfig, RfbFlowConfig, configs

if TYPE_CHECKING:
    import numpy as np

    from bench.footage import Footage
    from methods.rfb_flow.network import RfbFlowNetwork
    from methods.rfb_flow.predict import Known, Predictor

FITTED = "tiny"
"""The flow network that a stage of its own trains."""
FILES = ("pretrained", "flow_weights", "published")


class RfbFlow(Method):
    """Flow and detection in one network. See the package's docstring for the paper and its readings."""

    name = "rfb-flow"
    title = "RFB-Flow"
    paper = "zhang2020"
    lookahead = 1
    paper_protocols: ClassVar[Mapping[str, str]] = {"ucf24": "road", "jhmdb": "road"}
    weights = (published.VGG16_REDUCED, published.PWC_NET, published.FLOWNET2, published.FLOWNET2_S)

    def __init__(self, config: RfbFlowConfig, info: Info) -> None:
        super().__init__(config, info)
        check_model(config.model)
        self._predictor: Predictor | None = None

    @classmethod
    def configs(cls, dataset: str, size: str) -> Mapping[str, RfbFlowConfig]:
        return configs(dataset, size)

    @property
    def frame_size(self) -> tuple[int, int]:
        return self.config.model.frame_size

    @property
    def cpu_threads(self) -> int:
        return self.config.cpu_threads

    @property
    def history(self) -> int:
        return 3

    @property
    def flow(self) -> FlowNeed | None:
        model = self.config.model
        return None if flow_inside(model) else FlowNeed(model.flow, model.frame_size, "model.flow")

    def facts(self) -> dict[str, Any]:
        model = self.config.model
        started = "ImageNet (VGG16)" if model.pretrained else "none"
        if model.published:
            started = f"the whole network ({Path(model.published).name})"
        return {
            "pretraining": started,
            "flow_source": model.flow,
            "boxes_from": "own",
            "frame_size": list(model.frame_size),
        }

    def check(self) -> None:
        model = self.config.model
        for name in FILES:
            path = getattr(model, name)
            if path and not Path(path).is_file():
                raise ValueError(
                    f"model.{name}: no file {path}; `bench weights rfb-flow` says where it is to be had"
                )
        if flow_inside(model) and model.flow != FITTED:
            flow_file(model)

    def training_config(self) -> Mapping[str, Any]:
        config, model = self.config, self.config.model
        weights = {n: digest_file(Path(p)) for n in FILES if (p := getattr(model, n)) and Path(p).is_file()}
        stages: dict[str, Any] = {"flow": asdict(config.fitting)} if fitted(model) else {}
        training = asdict(config.training)
        flow = _flow_key(model)
        stages["detector"] = {"model": asdict(model), "training": training, "weights": weights, "flow": flow}
        return stages

    def prediction_config(self) -> Any:
        return {"boxes_per_class": self.config.boxes_per_class, "score_floor": self.config.score_floor}

    def training_stage(
        self, name: str, data: TrainingData, seed: int, checkpoints: Mapping[str, Path]
    ) -> TrainingStage:
        from methods.nn.flow.fitting import FlowStage
        from methods.rfb_flow.start import start
        from methods.rfb_flow.training import DetectorStage

        if name == "flow":
            return FlowStage(self.config.fitting, data, seed)

        def build() -> RfbFlowNetwork:
            model = self.config.model
            weights = checkpoints.get("flow") or (flow_file(model) if flow_inside(model) else None)
            return start(self.network(), weights)

        return DetectorStage(self.config, self.info, data, seed, build)

    def network(self) -> RfbFlowNetwork:
        """The network as it is before any weights are loaded."""
        from methods.rfb_flow.start import build_network

        model = self.config.model
        outputs = len(self.info.classes) + (not self.info.multi_label)
        return build_network(model, outputs, flow_inside(model))

    def load(self, checkpoints: Mapping[str, Path], device: str) -> None:
        from methods.rfb_flow.predict import Predictor, load_network

        network = self.network()
        load_network(network, checkpoints["detector"])
        self._predictor = Predictor(self.config, self.info, network.to(device))

    def begin(self, device: str) -> None:
        from methods.rfb_flow.predict import Predictor

        self._predictor = Predictor(self.config, self.info, self.network().to(device))

    def predict(self, footage: Footage, frames: Sequence[int], known: Known | None = None) -> Detections:
        """As of any method; ``known``: flow that an earlier call for the same footage has left."""
        if self._predictor is None:
            raise ValueError(f"{self.name}: load the checkpoints before predicting")
        return self._predictor.predict(footage, frames, known)

    def stream(self, video: str, size: tuple[int, int]) -> Stream:
        """Flow between two frames is estimated once, though two key-frames may need it."""
        return FlowStream(self, self.lookahead, video, size)

    @classmethod
    def postprocess(
        cls, predictions: Detections, num_frames: int, config: RfbFlowConfig, info: Info
    ) -> tuple[Detections, Tubes]:
        return postprocess.detections_and_tubes(predictions, num_frames, config.postprocess)


class FlowStream(Stream):
    """A stream that keeps the flow of the last frame."""

    def __init__(self, method: RfbFlow, lookahead: int, video: str, size: tuple[int, int]) -> None:
        super().__init__(method, lookahead, video, size)
        self._known: Known = {}

    def push(self, frame_HW3: np.ndarray) -> Detections:
        number = self._footage.push(frame_HW3) - self._lookahead
        if number < 0:
            return Detections.empty([self._footage.name])
        assert isinstance(self._method, RfbFlow)
        return self._method.predict(self._footage, [number], self._known)


def flow_inside(model: ModelConfig) -> bool:
    """Whether the flow network is part of this one."""
    return model.flow in NETWORKS


def fitted(model: ModelConfig) -> bool:
    """Whether a stage of its own trains the flow network."""
    return model.flow == FITTED and not model.flow_weights and not model.published


def flow_file(model: ModelConfig) -> Path | None:
    """The weights that the flow network starts from. Raises ValueError with the reason if there are none.

    None: those of the whole network hold them.
    """
    if model.flow_weights:
        return Path(model.flow_weights)
    if model.published:
        return None
    try:
        found = source(model.flow)
    except ValueError as error:
        mend = "--set model.flow_weights=FILE names them, --variant tiny fits a small flow network itself"
        raise ValueError(f"{error}; {mend}") from None
    assert isinstance(found, LearnedSource)
    return found.weights


def _flow_key(model: ModelConfig) -> str | None:
    """What stands in the key for the weights of the flow network that no config field names."""
    if not flow_inside(model) or fitted(model):
        return None
    try:
        path = flow_file(model)
    except ValueError:
        return model.flow  # it cannot be used here: the run stops before it computes anything
    return digest_file(path) if path is not None and path.is_file() else None


def check_model(model: ModelConfig) -> None:
    """Refuse before training what would only fail in it. Raises ValueError naming the setting."""
    if not flow_inside(model) and model.flow_pairs != "two":
        raise ValueError(
            f"model.flow={model.flow} is computed before, from each frame to the next: "
            "--set model.flow_pairs=two, or a flow network inside: " + ", ".join(NETWORKS)
        )
    if not flow_inside(model) and model.flow_weights:
        raise ValueError(
            f"model.flow_weights does nothing: {model.flow} is computed before, by a flow source"
        )
    if model.separate_fusion and model.fusion == "none":
        raise ValueError("model.separate_fusion does nothing where model.fusion is none")
    if not 1 <= len(model.priors) <= 6:
        raise ValueError(f"model.priors has {len(model.priors)} levels: the trunk has 1 to 6 maps")
