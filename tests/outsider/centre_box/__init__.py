"""A box of half the frame's size in its middle, for every class alike: what knowing nothing is worth."""

from dataclasses import dataclass, field

import numpy as np

from bench.records import Detections
from bench.tubes import Linking
from bench.tubes.scoring import TubeScoring
from methods.base import Method


@dataclass(frozen=True)
class Config:
    size: float = field(default=0.5, metadata={"range": (0.1, 1.0)})
    postprocess: Linking = Linking(scoring=TubeScoring(min_frames=1))


class CentreBox(Method):
    """A box in the middle of every frame."""

    name, title, paper, lookahead, frame_size = "centre-box", "Centre box", "", 0, (64, 48)

    @classmethod
    def configs(cls, dataset, size):
        return {"default": Config(), "small": Config(size=0.25)}

    def predict(self, footage, frames):
        classes, count = len(self.info.classes), len(frames)
        half = self.config.size / 2
        box = np.tile(footage.annotation_size, 2) * np.array([0.5 - half, 0.5 - half, 0.5 + half, 0.5 + half])
        frame = np.repeat(np.asarray(frames, np.int32), classes)
        return Detections(
            videos=(footage.name,), video=np.zeros(len(frame)), frame=frame, box=frame,
            boxes_N4=np.tile(box, (len(frame), 1)), label=np.tile(np.arange(classes), count),
            score=np.full(len(frame), 1 / classes),
        )  # fmt: skip

    @classmethod
    def postprocess(cls, predictions, num_frames, config, info):
        return predictions, config.postprocess.tubes(predictions) if info.linked else None
