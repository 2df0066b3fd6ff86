"""The two-stream YOLO as a method: prediction, streaming, postprocessing, what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import default_collate
from two_stream_examples import plain, predictor

from bench.records import Detections
from bench.testing import INFO, footage, noise
from methods.two_stream_yolo import clips
from methods.two_stream_yolo.config import TwoStreamYoloConfig, configs
from methods.two_stream_yolo.method import LINKED, TwoStreamYolo
from methods.two_stream_yolo.postprocess import best_of_frames, detections_and_tubes
from reports.published import numbers


def test_flow_is_to_the_next_frame_and_of_the_last_that_before(small: TwoStreamYoloConfig) -> None:
    made, seen = predictor(small), noise(0)
    changed = seen.rgb_THW3.copy()
    changed[4:] = 0
    one, other = (made.predict(video, range(5)) for video in (seen, footage(changed)))
    for frame in range(5):
        same = np.array_equal(one.score[one.frame == frame], other.score[other.frame == frame])
        assert same == (frame < 3)
    last = footage(seen.rgb_THW3[:5])
    alone = made.predict(last, [4])
    changed = seen.rgb_THW3[:5].copy()
    changed[3] = 0  # what flow is from, of the last frame
    assert not np.array_equal(alone.score, made.predict(footage(changed), [4]).score)


def test_every_frame_has_a_detection_however_weak(small: TwoStreamYoloConfig) -> None:
    made = predictor(replace(small, score_floor=0.999))
    found = made.predict(noise(0), range(6))
    assert found.frame.tolist() == list(range(6))
    everything = predictor(small).predict(noise(0), range(6))
    best = best_of_frames(everything, multi_label=False)
    assert np.array_equal(best.score, found.score)
    assert np.array_equal(best.label, found.label)


def test_scores_are_objectness_times_class(small: TwoStreamYoloConfig) -> None:
    made = predictor(replace(small, boxes_per_frame=100))
    boxes, scores_NC = made.predict(noise(0), [2]).dense(3)
    assert len(boxes) == 4 * 3 * 2
    inputs = default_collate([clips.inputs(noise(0), 2, small.model)])
    with torch.no_grad():
        regions = made.network.regions(inputs, made.network.flow_of(inputs))
    total = scores_NC.sum(axis=1)
    np.testing.assert_allclose(np.sort(total), np.sort(regions.objectness_BAHW.flatten()), rtol=1e-4)


def test_several_labels_are_sigmoids_of_one_box(small: TwoStreamYoloConfig) -> None:
    info = replace(INFO, multi_label=True)
    made = predictor(replace(small, model=replace(small.model, first_objectness=0.9)), info)
    found = made.predict(noise(0), range(2))
    _, scores_NC = found.dense(3)
    assert scores_NC.sum(axis=1).max() > 1
    best, tubes = TwoStreamYolo.postprocess(found, 6, small, info)
    assert tubes is None
    assert len(best) == 6
    assert len(set(best.box.tolist())) == 2


def rows(frame: list[int], score: list[float], label: list[int]) -> Detections:
    count = len(frame)
    boxes = np.tile(np.array([[10, 10, 40, 60]], np.float32), (count, 1))
    numbers = np.zeros(count), np.array(frame), np.arange(count)
    return Detections(("v",), *numbers, boxes, np.array(label), np.array(score))


def test_the_best_box_of_each_frame_and_no_tubes(small: TwoStreamYoloConfig) -> None:
    found = rows([3, 1, 1, 3, 1], [0.2, 0.5, 0.9, 0.7, 0.9], [0, 1, 2, 1, 0])
    best, tubes = detections_and_tubes(found, 9, small.postprocess, INFO)
    assert tubes is None
    assert best.frame.tolist() == [1, 3]
    assert best.box.tolist() == [2, 3]  # of equals the first


def test_linked_boxes_are_a_variant_of_the_same_predictions() -> None:
    for dataset in ("ucf24-mini", "jhmdb-mini"):
        found = configs(dataset, "tiny")
        one, other = (TwoStreamYolo(found[row], INFO) for row in ("default", "linked"))
        assert one.training_config() == other.training_config()
        assert one.prediction_config() == other.prediction_config()
        assert one.facts()["notes"] == ()
        assert other.facts()["notes"] == (LINKED,)
        many = rows(list(range(12)) * 2, [0.5] * 12 + [0.4] * 12, [1] * 24)
        detections, tubes = TwoStreamYolo.postprocess(many, 12, found["linked"], INFO)
        assert len(detections) == 12  # the second box of each frame is suppressed
        assert tubes is not None
        assert tubes.frame.tolist() == list(range(12))


def test_where_tubes_alone_are_scored_every_row_links() -> None:
    for row, config in configs("daly-mini", "tiny").items():
        assert config.postprocess.linked is not None, row
    assert configs("ucf24-mini", "tiny")["default"].postprocess.linked is None


def test_a_stream_needs_the_flow_network_inside(small: TwoStreamYoloConfig) -> None:
    config = replace(plain(small, flow_rate=0.0), model=replace(small.model, flow="dis"))
    method = TwoStreamYolo(config, INFO)
    assert method.flow is not None
    assert (method.flow.source, method.flow.size) == ("dis", (64, 48))
    with pytest.raises(ValueError, match=r"model\.flow=dis cannot be streamed"):
        method.stream("v", (64, 48))
    made = predictor(config, inside=False)
    method.predictor = made
    found = method.predict(noise(0), range(6))
    assert set(found.frame.tolist()) == set(range(6))


REFUSED: Mapping[str, tuple[dict[str, Any], str]] = {
    "size": ({"model": {"frame_size": (60, 48)}}, r"model\.frame_size is 60x48: .* multiples of 16"),
    "crop": ({"recognition": {"crop": 50}}, r"recognition\.crop is 50: .*multiple of 16, or 0"),
    "tuned": ({"model": {"flow": "brox"}}, r"training\.flow_rate tunes.*model\.flow=brox"),
    "weights": (
        {"model": {"flow": "dis", "flow_weights": "f.pt"}, "training": {"flow_rate": 0.0}},
        r"model\.flow_weights is of a flow network; model\.flow=dis",
    ),
    "back": ({"model": {"flow_steps": ((1, -1),)}}, r"model\.flow_steps is .*each goes from"),
    "ahead": ({"model": {"flow_steps": ((-1, 1), (0, 2))}}, r"model\.flow_steps is .*the next after the key"),
    "steps": (
        {"model": {"flow": "dis", "flow_steps": ((-1, 1),)}, "training": {"flow_rate": 0.0}},
        r"model\.flow_steps: dis is computed before",
    ),
    "recognition": ({"recognition": {"flow": "dis"}}, r"recognition\.flow=dis is computed before"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_work_is_refused(name: str, small: TwoStreamYoloConfig) -> None:
    parts, message = REFUSED[name]
    changed: dict[str, Any] = {part: replace(getattr(small, part), **kw) for part, kw in parts.items()}
    with pytest.raises(ValueError, match=message):
        TwoStreamYolo(replace(small, **changed), INFO)


def test_missing_starts_are_refused_before_training(
    small: TwoStreamYoloConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("FLOWNET2", "FLOWNET2_CSS"):
        monkeypatch.delenv(f"BENCH_{name}_WEIGHTS", raising=False)
    full = configs("ucf24", "full")

    def refuses(message: str, config: TwoStreamYoloConfig, **model: Any) -> None:
        with pytest.raises(ValueError, match=message):
            TwoStreamYolo(replace(config, model=replace(config.model, **model)), INFO).check()

    refuses("--set model.voc=FILE", full["flownet2-voc"])
    refuses("--set recognition.clips=FOLDER", full["default"], voc=None)
    refuses("FLOWNET2_WEIGHTS", full["flownet2-voc"], voc=None)
    css = replace(full["tuned-flownet2-css-kinetics"], recognition=small.recognition)
    refuses("FLOWNET2_CSS_WEIGHTS", css, voc=None)
    refuses("model.voc: no file", small, voc=str(tmp_path / "none.npz"))
    refuses("model.flow_weights: no file", small, flow_weights=str(tmp_path / "none.pt"))
    gone = replace(small, recognition=replace(small.recognition, clips=str(tmp_path / "none")))
    refuses("recognition.clips: no folder", gone)
    TwoStreamYolo(small, INFO).check()
    with pytest.raises(ValueError, match="load the checkpoints"):
        TwoStreamYolo(small, INFO).predict(noise(0), [0])


def test_the_rows_of_the_paper() -> None:
    full, tiny = configs("ucf24", "full"), configs("ucf24-mini", "tiny")
    assert full["default"] == full["tuned-flownet2-kinetics"]
    for row in ("brox-voc", "flownet2-voc", "tuned-flownet2-voc"):
        assert full[row].recognition.clips is None
        assert "recognition" not in TwoStreamYolo(full[row], INFO).training_config()
    flows = {row: (full[row].model.flow, full[row].training.flow_rate > 0) for row in full}
    assert flows["brox-kinetics"] == ("brox", False)
    assert flows["flownet2-kinetics"] == ("flownet2", False)
    assert flows["tuned-flownet2-voc"] == ("flownet2", True)
    assert flows["tuned-flownet2-css-kinetics"] == ("flownet2-css", True)
    assert flows["tuned-flownet2-sd-kinetics"] == ("flownet2-sd", True)
    assert full["brox-kinetics"].recognition.flow == "flownet2"
    assert tiny["flownet2-voc"].model.flow == "tiny"
    for rows, apart in (
        (full, "none"),
        (tiny, "brox"),
    ):  # trained once for all that see as many fields of flow
        shared = [row for row in rows if row.endswith("kinetics") and not row.startswith(apart)]
        keys = [TwoStreamYolo(rows[row], INFO).training_config()["recognition"] for row in shared]
        assert len(keys) >= 4
        assert all(key == keys[0] for key in keys)


def test_every_printed_number_has_its_row() -> None:
    ours = [number for number in numbers() if number.our_method == "two-stream-yolo"]
    assert {number.table for number in ours} == {"II", "III", "IV"}
    assert {number.our_variant for number in ours} <= set(configs("ucf24", "full"))
