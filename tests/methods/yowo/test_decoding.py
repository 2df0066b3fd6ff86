"""Decoding and suppression against what YOWO's program makes of a stored map."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bench.records import Detections
from bench.testing import INFO
from methods.nn.region import Regions
from methods.yowo.config import UCF24_ANCHORS, base
from methods.yowo.postprocess import suppressed
from methods.yowo.predict import Predictor


class Replayed(nn.Module):
    """In the place of a network: a stored map of the last convolution."""

    def __init__(self, map_BFHW: np.ndarray) -> None:
        super().__init__()
        self.map_BFHW = torch.from_numpy(map_BFHW)
        self.anchors_A2 = nn.Parameter(torch.tensor(UCF24_ANCHORS))

    def regions(self, inputs: Mapping[str, Tensor]) -> Regions:
        return Regions.of(self.map_BFHW, len(UCF24_ANCHORS))


@pytest.mark.parity
def test_the_same_boxes_stay(shared: Path) -> None:
    config = base("ucf24", "full")
    with np.load(shared / "reference/yowo_decode_nms_ucf24.npz") as stored:
        predictor = Predictor(config, INFO, Replayed(stored["raw"]))  # type: ignore[arg-type]
        kept_N5, classes_NC, decoded = stored["kept_xywh_conf"], stored["kept_cls"], stored["n_decoded"]
    with torch.no_grad():
        boxes_R4, objectness_R, classes_RC = (value[0].numpy() for value in predictor.scored({}))
    best_R, rows = classes_RC.max(axis=1), np.arange(len(boxes_R4))
    assert (objectness_R * best_R > config.postprocess.score_floor).sum() == decoded[0]
    found = suppressed(
        Detections(
            videos=("v",), video=0 * rows, frame=0 * rows, box=rows, boxes_N4=boxes_R4,
            label=classes_RC.argmax(axis=1), score=best_R, objectness=objectness_R,
        ),
        config.postprocess,
    )  # fmt: skip
    assert found.objectness is not None
    found = found[np.argsort(-found.objectness, kind="stable")]
    unit_N4 = found.boxes_N4 / 224
    centred_N4 = np.concatenate([(unit_N4[:, :2] + unit_N4[:, 2:]) / 2, unit_N4[:, 2:] - unit_N4[:, :2]], 1)
    np.testing.assert_allclose(centred_N4, kept_N5[:, :4], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.objectness, kept_N5[:, 4], rtol=1e-6)
    np.testing.assert_allclose(classes_RC[found.box], classes_NC, rtol=1e-6)
