"""Training of the class-specific actionness detectors (section 3.5).

The frame detector is applied to training videos and its boxes are linked to tubes. Boxes of tubes of class i
are the examples of detector i: positive where they overlap a truth box of the class.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.files.store import write_atomic
from bench.metrics.boxes import iou
from bench.records import Detections, GroundTruth
from bench.tubes.paths import Paths
from methods.base import TrainingData, TrainingStage
from methods.common.keyframes import with_shuffled_labels
from methods.pcsc.postprocess import union_of_stages
from methods.pcsc.predict import Predictor, actionness_layer
from methods.pcsc.training import ActionnessExamples

if TYPE_CHECKING:
    from methods.pcsc.method import Pcsc


class ActionnessStage(TrainingStage):
    """Logistic regression on features of linked training tubes; the frame detector stays as it is."""

    name = "actionness"

    def __init__(self, method: Pcsc, data: TrainingData, seed: int, detector: Path) -> None:
        self.method, self.data, self.seed = method, data, seed
        self.config = method.config.actionness
        self.detector = detector
        self.truth = data.truth
        if method.config.training.shuffled_labels:
            self.truth = with_shuffled_labels(data.truth, seed)
        self.steps = self.config.steps
        self.examples: ActionnessExamples | None = None

    def prepare(self, folder: Path) -> nn.Module:
        videos = self._videos()
        missing = [v for v in videos if not _part(folder, v).is_file()]
        if missing:
            predictor = Predictor.load(
                self.method.config, self.method.info, {"detector": self.detector}, self.data.device
            )
            with ThreadPoolExecutor(self.data.workers) as pool:
                jobs = [pool.submit(self._save_examples, folder, video, predictor) for video in missing]
                for done, job in enumerate(jobs, 1):
                    job.result()
                    self.data.report("tubes for actionness", done, len(jobs))
        self.examples = ActionnessExamples.concat([_read(_part(folder, v)) for v in videos])
        if not len(self.examples.label):
            raise ValueError(
                "no tube was linked on the training videos, so actionness has no examples: "
                "train the detector longer, or leave it out: "
                "--set actionness.enabled=false --set postprocess.refine=false"
            )
        torch.manual_seed(self.seed)
        return actionness_layer(self.method.config, len(self.method.info.classes))

    def optimiser(self, module: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.AdamW(module.parameters(), self.config.learning_rate)

    def learning_rate(self, step: int) -> float:
        return self.config.learning_rate

    def batch(self, step: int) -> Any:
        assert self.examples is not None
        rng = np.random.default_rng([self.seed, 4, step])
        rows = rng.integers(len(self.examples.label), size=self.config.batch)
        return {
            "features": torch.from_numpy(self.examples.features_ND[rows].astype(np.float32)),
            "label": torch.from_numpy(self.examples.label[rows].astype(np.int64)),
            "positive": torch.from_numpy(self.examples.positive[rows].astype(np.float32)),
        }

    def losses(self, module: nn.Module, batch: Any) -> dict[str, Tensor]:
        logits = module(batch["features"]).gather(1, batch["label"][:, None])[:, 0]
        return {"actionness": F.binary_cross_entropy_with_logits(logits, batch["positive"])}

    def _videos(self) -> list[str]:
        """The first ``videos_per_class`` training videos of each class in a seeded order (all when 0)."""
        truth, limit = self.truth, self.config.videos_per_class
        if not limit:
            return list(truth.videos.names)
        order = np.random.default_rng([self.seed, 5]).permutation(len(truth.videos))
        label = np.full(len(truth.videos), -1)
        label[truth.tubes.video] = truth.tubes.label
        taken = [v for c in np.unique(truth.tubes.label) for v in order[label[order] == c][:limit]]
        return [truth.videos.names[v] for v in sorted(taken)]

    def _save_examples(self, folder: Path, video: str, predictor: Predictor) -> None:
        examples = self._examples_of(video, predictor)
        write_atomic(_part(folder, video), lambda temporary: np.savez(temporary, **vars(examples)))

    def _examples_of(self, video: str, predictor: Predictor) -> ActionnessExamples:
        footage = self.data.footage[video]
        config = self.method.linking_of_training_tubes()
        found, features = predictor.predict_with_features(footage, range(len(footage)))
        numbered = Detections(**{**vars(found), "track": np.arange(len(found))})
        kept = union_of_stages(numbered, len(self.method.info.classes), config)
        assert kept.track is not None
        paths = config.linking.link(kept)
        positive = overlaps_truth(paths, self.truth.select([video]), self.config.overlap)
        seed = [self.seed, 6, self.truth.videos.names.index(video)]
        chosen = np.random.default_rng(seed).permutation(len(paths))[: self.config.boxes_per_video]
        rows = kept.track[paths.row[chosen]]
        return ActionnessExamples(features[rows], paths.label[chosen], positive[chosen])


def overlaps_truth(paths: Paths, truth: GroundTruth, threshold: float) -> np.ndarray:
    """Whether a row of the paths has IoU > ``threshold`` with a truth box of its class and frame. [R]"""
    labels = truth.box_labels()
    positive = np.zeros(len(paths), bool)
    for row in range(len(labels)):
        same = np.flatnonzero((paths.frame == truth.boxes.frame[row]) & (paths.label == labels[row]))
        overlap = iou(paths.boxes_R4[same], truth.boxes.boxes_N4[row], 0)
        positive[same] |= overlap > threshold
    return positive


def _part(folder: Path, video: str) -> Path:
    return folder / "examples" / f"{video.replace('/', '__')}.npz"


def _read(path: Path) -> ActionnessExamples:
    with np.load(path, allow_pickle=False) as arrays:
        return ActionnessExamples(arrays["features_ND"], arrays["label"], arrays["positive"])
