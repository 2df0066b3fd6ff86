"""What RecLNet does before it looks at time: detectors are trained, tracks made and kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.files.store import digest_file
from methods.base import Extraction, FlowNeed, Info, Reads, TrainingData, TrainingStage
from methods.common.networked import ConfiguredMethod
from methods.reclnet.config import STREAMS
from methods.reclnet.extraction import TrackMaker, bytes_per_frame, path_arrays, read_paths
from methods.reclnet.track_files import TrackFile
from methods.reclnet.tracks import Tracks

if TYPE_CHECKING:
    from bench.footage import Arrays, Footage
    from bench.records import Tubes
    from methods.nn.faster_rcnn.network import FasterRCNN
    from methods.reclnet.detecting import Detector

PATHS, TRACKS, BOX_SIZE = "paths", "tracks", "box-size"


def reads_of(extraction: Extraction) -> Reads:
    """What a stage reads that reads this extraction and no other stage."""
    return Reads(extraction.stages, extraction.flow)


class TrackMethod(ConfiguredMethod):
    """The stages of the detectors and of box sizes, and the extractions ``paths`` and ``tracks``.

    ``paths``, what was linked, is kept only where the size of boxes is learnt from it.
    """

    def __init__(self, config: Any, info: Info) -> None:
        super().__init__(config, info)
        self.maker: TrackMaker | None = None
        self.detectors: dict[str, Detector] = {}
        self._read: dict[str, Path] = {}

    @property
    def stack(self) -> int:
        """Consecutive frames that the detector sees at once."""
        return 1

    @property
    def track_streams(self) -> tuple[str, ...]:
        """Streams whose detections tracks are made of; none where tracks come from a file."""
        tracks = self.config.tracks
        return () if tracks.file else tuple(stream for stream in STREAMS if stream in tracks.streams)

    @property
    def described_streams(self) -> tuple[str, ...]:
        """Streams whose detectors describe the boxes of tracks, by softmax or fc7."""
        streams: tuple[str, ...] = self.config.model.streams
        return streams

    @property
    def detector_streams(self) -> tuple[str, ...]:
        """Streams whose detectors are needed."""
        needed = {*self.track_streams, *self.described_streams}
        return tuple(stream for stream in STREAMS if stream in needed)

    @cached_property
    def per_frame(self) -> float:
        """About how many track rows a frame has, for estimates of space.

        Raises ValueError for a file of tracks that is not there or none.
        """
        tracks = self.config.tracks
        if tracks.file:
            return TrackFile.open(Path(tracks.file)).per_frame()
        return tracks.per_frame(len(self.info.classes))

    @property
    def flow(self) -> FlowNeed | None:
        model = self.config.model
        return FlowNeed(model.flow, model.flow_size, "model.flow") if self.sees_flow else None

    @property
    def sees_flow(self) -> bool:
        """Whether a detector or a scored stream takes flow."""
        return "flow" in (*self.detector_streams, *self.config.model.streams)

    def check(self) -> None:
        model, file = self.config.model, self.config.tracks.file
        for name, path in {"model.pretrained": model.pretrained, "tracks.file": file}.items():
            if path and not Path(path).is_file():
                raise ValueError(f"{name}: no file {path}; `bench weights {self.name}` lists the published")
        if self.detector_streams and model.detector.trunk.needs_weights and not model.pretrained:
            trunk = model.detector.trunk.name
            raise ValueError(
                f"{self.name} at full size starts from ImageNet weights of {trunk}, parts of which stay "
                "fixed, and none are named: --set model.pretrained=FILE names them, `bench weights "
                f"{self.name}` says where they are to be had, --variant tiny starts from nothing"
            )
        if file:
            TrackFile.open(Path(file))

    def detection_stages(self) -> dict[str, Any]:
        """The stages that tracks and features need, with what they read."""
        config, model = self.config, self.config.model
        weights = digest_file(Path(model.pretrained)) if model.pretrained else None
        read = {"frame_size": model.frame_size, "detector": asdict(model.detector), "weights": weights}
        read["training"] = asdict(config.training)
        enlarged = {} if model.flow_size == model.frame_size else {"flow_size": model.flow_size}
        return {s: read | (enlarged if s == "flow" else {}) for s in self.detector_streams}

    def track_config(self) -> Any:
        """What the tracks are made by, beyond the stages they need."""
        read = self.box_size_config()
        del read["box_size_iou"]
        return read

    def box_size_config(self) -> dict[str, Any]:
        """What the size of boxes is learnt by, beyond the stages of the tracks."""
        tracks = self.config.tracks
        given = Path(tracks.file)
        file = digest_file(given) if tracks.file and given.is_file() else ""
        return asdict(tracks) | {"file": file}

    def reads(self, stage: str) -> Reads:
        """A detector reads no other; flow that is computed ahead is that of its stream."""
        if stage == BOX_SIZE:
            return reads_of(self.extractions()[PATHS])
        if stage in self.detector_streams:
            return Reads((), flow=stage == "flow")
        return super().reads(stage)

    def track_stage(self, name: str, data: TrainingData, seed: int) -> TrainingStage:
        """The stage of a detector, or ``box-size``."""
        from methods.reclnet.box_size_training import BoxSizeStage
        from methods.reclnet.detector_training import DetectorStage

        if name == BOX_SIZE:
            return BoxSizeStage(data, PATHS, self.config.tracks.box_size_iou)
        return DetectorStage(name, self.config.training, self.info, data, seed, self.started_detector)

    def extractions(self) -> Mapping[str, Extraction]:
        stages, tracks = self.track_streams, self.track_config()
        size, flow = bytes_per_frame(self.per_frame), "flow" in self.track_streams
        found = {}
        if self.config.tracks.box_size:
            found[PATHS] = Extraction(stages, tracks, flow=flow)
            stages = (*stages, BOX_SIZE)
        return found | {TRACKS: Extraction(stages, tracks, size, flow)}

    def load_extraction(self, name: str, checkpoints: Mapping[str, Path], device: str) -> None:
        from methods.reclnet.box_size_training import load_box_size

        for stream in self.detector_streams:
            if stream in checkpoints:
                self._read_detector(stream, checkpoints[stream], device)
        if name in (PATHS, TRACKS):
            size = load_box_size(checkpoints[BOX_SIZE]) if BOX_SIZE in checkpoints else None
            self.maker = TrackMaker(self.config.tracks, self.detectors, len(self.info.classes), size)

    def _read_detector(self, stream: str, path: Path, device: str) -> None:
        """Read the trained detector, once for all extractions."""
        from methods.nn.weights import load_checked, read_tensors
        from methods.reclnet.network_detector import NetworkDetector

        if self._read.get(stream) != path:
            network = self.detector()
            load_checked(network, read_tensors(path), str(path), hint="Another config trained it")
            self.detectors[stream], self._read[stream] = NetworkDetector(network.to(device)), path

    def extract(self, name: str, footage: Footage) -> Arrays:
        assert self.maker is not None
        if name == PATHS:
            return path_arrays(self.maker.paths(footage))
        known = self.config.tracks.box_size
        paths = read_paths(footage.name, footage.extracted(PATHS)) if known else None
        return self.maker.tracks(footage, paths).arrays()

    def tracks(self, footage: Footage) -> Tubes:
        return Tracks.read(footage.extracted(TRACKS)).tubes(footage.name)

    def detector(self) -> FasterRCNN:
        """The detector of a stream as it is before any weights are loaded."""
        from methods.nn.faster_rcnn.network import FasterRCNN

        return FasterRCNN(self.config.model.detector, len(self.info.classes), self.stack)

    def started_detector(self) -> FasterRCNN:
        """The detector with the weights that training starts from."""
        from methods.nn.faster_rcnn.weights import load_imagenet

        network = self.detector()
        if self.config.model.pretrained:
            load_imagenet(network, self.config.model.pretrained)
        return network
