"""RecLNet++ as a :class:`methods.base.Method`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.files.store import digest_file
from methods.base import Extraction, Info, Reads, TrainingData, TrainingStage
from methods.nn import published
from methods.reclnet.method import Reclnet
from methods.reclnet.steps import features_of
from methods.reclnet_pp.config import ReclnetPpConfig, configs

if TYPE_CHECKING:
    from bench.footage import Arrays, Footage
    from bench.records import Array
    from methods.nn.i3d import I3D
    from methods.reclnet.steps import Steps
    from methods.reclnet.tracks import Tracks

I3D_STAGE = "i3d-"


class ReclnetPp(Reclnet):
    """RecLNet on other tracks and features. See the package's docstring for the paper and its readings."""

    name, title = "reclnet-pp", "RecLNet++"
    builds_on = ("reclnet",)
    weights = (published.I3D_RGB, published.I3D_FLOW, published.RESNET101_IMAGENET, published.VGG16_IMAGENET)

    def __init__(self, config: ReclnetPpConfig, info: Info) -> None:
        super().__init__(config, info)
        if config.model.scores != "recurrent":
            raise ValueError(
                "model.scores=detector: a detector of stacks scores no single boxes; see reclnet"
            )
        self.i3d: dict[str, I3D] = {}

    @classmethod
    def configs(cls, dataset: str, size: str) -> Mapping[str, Any]:
        return configs(dataset, size)

    @property
    def stack(self) -> int:
        frames: int = self.config.stack
        return frames

    @property
    def described_streams(self) -> tuple[str, ...]:
        return ()  # I3D does

    def facts(self) -> dict[str, Any]:
        detector = self.config.model.pretrained if self.detector_streams else ""
        named = {"ImageNet": detector, "Kinetics-400 (I3D)": self.config.i3d}
        trained = [name for name, weights in named.items() if weights]
        return super().facts() | {"pretraining": " and ".join(trained) or "none"}

    def check(self) -> None:
        super().check()
        for stream in self.config.model.streams:
            self._published(stream)
        if not self.config.i3d and not self.config.clips.steps:
            raise ValueError(
                f"{self.name} at full size starts from published I3D weights and none are named: --set "
                "i3d=FOLDER names those, `bench weights reclnet-pp` says where they are to be had, "
                "--set clips.steps=N trains I3D on the annotated boxes, --variant tiny does so small"
            )

    def _published(self, stream: str) -> Path | None:
        """The I3D weights of a stream. Raises ValueError naming what was looked for."""
        if not self.config.i3d:
            return None
        found = sorted(Path(self.config.i3d).glob(f"{stream}.*"))
        if len(found) != 1:
            raise ValueError(f"i3d={self.config.i3d}: {len(found)} files {stream}.*, there must be one")
        return found[0]

    def detection_stages(self) -> dict[str, Any]:
        config = self.config
        stages = {name: read | {"stack": config.stack} for name, read in super().detection_stages().items()}
        if not config.i3d:
            seen = config.features
            read = {"clips": asdict(config.clips), "shuffled": config.training.shuffled_labels}
            read["network"] = (seen.frame_size, seen.width, seen.stem_kernel)
            for stream in config.model.streams:
                stages[f"{I3D_STAGE}{stream}"] = read | self.scaled_from(stream)
        return stages

    def feature_config(self, stream: str) -> Any:
        path = self._published(stream)
        weights = {stream: digest_file(path)} if path else {}
        return {"i3d": asdict(self.config.features), "weights": weights, **self.scaled_from(stream)}

    def scaled_from(self, stream: str) -> dict[str, tuple[int, int]]:
        """The size of what I3D's pictures of a stream are scaled from, where it is not theirs."""
        model = self.config.model
        size = model.flow_size if stream == "flow" else model.frame_size
        return {} if size == self.config.features.frame_size else {"scaled_from": size}

    def reads(self, stage: str) -> Reads:
        """The I3D of a stream reads nothing of the other, and no boxes that a tracker added."""
        if stage.startswith(I3D_STAGE):
            return Reads((), flow=stage == f"{I3D_STAGE}flow", tracked=False)
        return super().reads(stage)

    def training_stage(
        self, name: str, data: TrainingData, seed: int, checkpoints: Mapping[str, Path]
    ) -> TrainingStage:
        from methods.reclnet_pp.clip_training import ClipStage

        if not name.startswith(I3D_STAGE):
            return super().training_stage(name, data, seed, checkpoints)
        return ClipStage(name.removeprefix(I3D_STAGE), self.config, self.info, data, seed)

    @property
    def feature_size(self) -> int:
        from methods.reclnet.i3d_features import channels_of

        return channels_of(self.config.features)

    def row_extraction(self, stream: str, needed: tuple[str, ...]) -> Extraction:
        from methods.reclnet.i3d_features import bytes_per_frame

        config = self.config
        stages = needed if config.i3d else (*needed, f"{I3D_STAGE}{stream}")
        size = bytes_per_frame(self.per_frame, self.feature_size)
        return Extraction(stages, self.feature_config(stream), size)

    def load_extraction(self, name: str, checkpoints: Mapping[str, Path], device: str) -> None:
        from methods.reclnet.i3d_features import i3d_of
        from methods.reclnet_pp.clip_training import load_i3d

        super().load_extraction(name, checkpoints, device)
        for stream in self.config.model.streams:
            if name == features_of(stream):
                network = i3d_of(self.config.features, stream)
                load_i3d(network, self._published(stream), checkpoints.get(f"{I3D_STAGE}{stream}"))
                self.i3d[stream] = network.to(device).eval()

    def features(self, footage: Footage, stream: str, tracks: Tracks) -> Array:
        """I3D's features along the tracks."""
        from methods.reclnet.i3d_features import track_features

        return track_features(footage, stream, self.i3d[stream], tracks, self.config.features)

    def steps(self, tracks: Arrays) -> Steps:
        from methods.reclnet.i3d_features import map_steps

        return map_steps(tracks)
