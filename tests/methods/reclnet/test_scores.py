"""Scores of tracks, the rows that are stored of them, and the tubes that they become."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from recurrent_examples import Arrays, features_of, track_arrays
from scipy.ndimage import median_filter

from bench.records import STREAMS, Detections
from bench.tubes import PUBLISHED, Linking
from bench.tubes.fusion import AverageFusion
from bench.tubes.labelling import BinaryLabelling
from bench.tubes.scoring import TubeScoring
from bench.tubes.tracks import GivenTracks
from methods.reclnet.network import FusedNetwork, StreamNetwork
from methods.reclnet.recurrent_config import RecurrentConfig
from methods.reclnet.scores import detections, network_scores
from methods.reclnet.steps import frame_steps, steps_of
from methods.reclnet.trained import TrackScores

SMALL = RecurrentConfig(hidden=6, units=(4, 3))
RULES = PUBLISHED["reclnet"]


def network(seed: int, classes: int = 2) -> StreamNetwork:
    torch.manual_seed(seed)
    return StreamNetwork(SMALL, 5, classes).eval()


def alone(network: StreamNetwork, rows: np.ndarray) -> np.ndarray:
    """The scores of one track, in one piece."""
    with torch.no_grad():
        seen = torch.from_numpy(rows.astype(np.float32))[:, None]
        return network(seen, torch.zeros(1, network.state_size)).logits_TBC.softmax(2)[:, 0].numpy()


def test_each_track_is_scored_as_if_it_were_alone() -> None:
    """More tracks than are scored at once, of all lengths."""
    lengths = np.random.default_rng(0).integers(1, 60, 130)
    tracks = track_arrays(lengths.tolist())
    features = features_of(tracks, 5, 0)
    made = network(0)
    scores = network_scores(made, frame_steps(tracks), [features["flow"]])
    for track in range(130):
        rows = tracks["track_N"] == track
        np.testing.assert_allclose(scores[rows], alone(made, features["flow"][rows]), atol=1e-6)


def test_frames_that_share_features_share_scores() -> None:
    tracks = track_arrays([10, 3], start=2)
    step = np.array([0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4], np.int32)
    rows = np.random.default_rng(0).normal(size=(5, 5)).astype(np.float16)
    made = network(0)
    scores = network_scores(made, steps_of(tracks["track_N"], step), [rows])
    wanted = np.concatenate([alone(made, rows[:3]), alone(made, rows[3:])])
    np.testing.assert_allclose(scores, wanted[step], atol=1e-6)


def test_fused_networks_take_both_streams() -> None:
    tracks = track_arrays([30, 12])
    features = features_of(tracks, 5, 0)
    rgb, flow = network(0), network(1)
    fused = FusedNetwork(rgb, flow, SMALL, "gating")
    steps = frame_steps(tracks)
    scores = TrackScores({"fused": fused}).of(steps, features)["fused"]
    one, two = TrackScores({"rgb": rgb, "flow": flow}).of(steps, features).values()
    product = np.sqrt(one * two)
    np.testing.assert_allclose(scores, product / product.sum(axis=1, keepdims=True), atol=1e-6)


def test_no_tracks_have_no_scores_and_no_rows() -> None:
    tracks = track_arrays([])
    scores = network_scores(network(0), frame_steps(tracks), [features_of(tracks, 5, 0)["rgb"]])
    assert scores.shape == (0, 3)
    found = detections("v", tracks, {"rgb": scores, "flow": scores}, 0.01)
    assert len(found) == 0
    assert len(RULES.tubes(found)) == 0


def test_without_networks_the_detector_scores_the_distinct_boxes() -> None:
    scores_MC = np.array([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]], np.float16)
    steps = steps_of(np.array([0, 0, 1]), np.array([1, 0, 1]))
    found = TrackScores({}).of(steps, {"rgb": scores_MC})["rgb"]
    assert found.dtype == np.float32
    assert found.tolist() == [[0, 1, 0], [0.5, 0.25, 0.25], [0, 1, 0]]


def scored(values: list[list[float]]) -> np.ndarray:
    """Scores with what the classes leave for background."""
    of_classes = np.array(values, np.float32)
    return np.concatenate([1 - of_classes.sum(axis=1, keepdims=True), of_classes], axis=1)


def pairs_of(found: Detections) -> list[tuple[int, int, float]]:
    return [(int(b), int(c), round(float(s), 4)) for b, c, s in zip(found.box, found.label, found.score)]


def test_a_track_of_a_class_has_scores_of_that_class() -> None:
    tracks = track_arrays([2, 1], label=1, start=4)
    found = detections("v", tracks, {"rgb": scored([[0.7, 0.2], [0.7, 0.0], [0.1, 0.001]])}, 0.01)
    assert pairs_of(found) == [(0, 1, 0.2), (1, 1, 0.0)]
    assert (found.frame.tolist(), found.track.tolist()) == ([4, 5], [0, 0])  # type: ignore[union-attr]
    assert found.stream is not None
    assert {STREAMS[code] for code in found.stream} == {"rgb"}
    np.testing.assert_array_equal(found.boxes_N4, tracks["boxes_N4"][:2])


def test_tracks_of_persons_keep_what_is_above_the_floor_and_no_gaps() -> None:
    scores = [[0.5, 0.002, 0.001], [0.004, 0.003, 0.001], [0.3, 0.02, 0.001]]
    found = detections("v", track_arrays([3]), {"fused": scored(scores)}, 0.01)
    assert pairs_of(found) == [(0, 0, 0.5), (1, 0, 0.004), (2, 0, 0.3), (2, 1, 0.02)]
    paths = GivenTracks().link(found)
    assert paths.frame.tolist() == [0, 1, 2] * 2
    np.testing.assert_allclose(paths.score, [0.5, 0.004, 0.3, 0, 0, 0.02])


def test_streams_keep_the_same_rows_so_that_they_can_be_averaged() -> None:
    """Also where one of them says nothing at all, as a detector in half precision may."""
    rgb, flow = scored([[0.5, 0.001], [0.001, 0.001]]), scored([[0.0, 0.0], [0.0, 0.3]])
    found = detections("v", track_arrays([2]), {"rgb": rgb, "flow": flow}, 0.01)
    assert pairs_of(found) == [(0, 0, 0.5), (1, 1, 0.001), (0, 0, 0.0), (1, 1, 0.3)]
    silent = detections("v", track_arrays([2]), {"rgb": rgb, "flow": 0 * flow}, 0.01)
    for rows, wanted in ((found, [0.25, 0.1505]), (silent, [0.25, 0.0005])):
        fused = AverageFusion(nms=None).fuse(rows)
        np.testing.assert_allclose(fused.score, wanted, rtol=1e-5)


def tubes_by_hand(tracks: Arrays, scores_NC: np.ndarray) -> list[tuple[int, int, int, int, float]]:
    """Section 3.3 of one class: (track, class, first, last frame, score) of what is left, best first."""
    found = []
    for track in range(int(tracks["track_N"].max()) + 1):
        rows = np.flatnonzero(tracks["track_N"] == track)
        label = int(tracks["label_T"][track])
        s = scores_NC[rows, label + 1]
        inside = median_filter(s, 25, mode="reflect") >= 0.1
        edges = np.flatnonzero(np.diff(inside, prepend=False, append=False))
        for first, end in edges.reshape(-1, 2):
            found.append((track, label, first, end - 1, float(np.sort(s[first:end])[::-1][:40].mean())))
    left: list[tuple[int, int, int, int, float]] = []
    for one in sorted(found, key=lambda tube: -tube[4]):
        if all(overlap(tracks, one, best) <= 0.2 for best in left if best[1] == one[1]):
            left.append(one)
    return left


def overlap(tracks: Arrays, one: tuple, other: tuple) -> float:
    """Temporal IoU times the mean spatial IoU of common frames, boxes with inclusive edges."""
    frames = range(max(one[2], other[2]), min(one[3], other[3]) + 1)
    if not frames:
        return 0.0
    total = []
    for frame in frames:
        a, b = (
            tracks["boxes_N4"][(tracks["track_N"] == t[0]) & (tracks["frame_N"] == frame)][0]
            for t in (one, other)
        )
        w, h = (min(a[i + 2], b[i + 2]) - max(a[i], b[i]) + 1 for i in (0, 1))
        areas = [(c[2] - c[0] + 1) * (c[3] - c[1] + 1) for c in (a, b)]
        inside = max(w, 0) * max(h, 0)
        total.append(inside / (sum(areas) - inside))
    union = max(one[3], other[3]) - min(one[2], other[2]) + 1
    return float(len(frames) / union * np.mean(total))


def noisy(seed: int) -> tuple[Arrays, np.ndarray]:
    """Ten tracks of two classes, some near others; scores that rise and fall."""
    rng = np.random.default_rng(seed)
    tracks = track_arrays(rng.integers(60, 150, 10).tolist())
    tracks["label_T"] = np.arange(10, dtype=np.int16) % 2
    tracks["boxes_N4"] = (tracks["boxes_N4"] - 97 * tracks["track_N"][:, None]).astype(np.float32)
    wave = np.sin(tracks["frame_N"] / rng.uniform(5, 25, 10)[tracks["track_N"]])
    of_class = np.clip(0.15 * wave + 0.1 + rng.normal(0, 0.08, len(wave)), 0, 0.5)
    return tracks, scored(np.stack([of_class, of_class], axis=1).tolist())


@pytest.mark.parametrize("seed", range(5))
def test_tubes_are_those_of_section_3_3(seed: int) -> None:
    tracks, scores = noisy(seed)
    wanted = tubes_by_hand(tracks, scores)
    tubes = RULES.tubes(detections("v", tracks, {"fused": scores}, 0.001))
    head = tubes.starts
    last = np.append(head[1:], len(tubes)) - 1
    found = [
        (int(label), int(first), int(end), float(score))
        for label, first, end, score in zip(
            tubes.label[head], tubes.frame[head], tubes.frame[last], tubes.score[head], strict=True
        )
    ]
    assert len(wanted) > 4
    pairs = zip(sorted(found), sorted(tube[1:] for tube in wanted), strict=True)
    for one, other in pairs:
        assert one[:3] == other[:3]
        assert one[3] == pytest.approx(other[3], rel=1e-5)


def test_the_viterbi_row_labels_each_track_against_background() -> None:
    """A dip of one frame costs two changes; silence of many does not pay."""
    tracks = track_arrays([60], label=0)
    value = np.full(60, 0.9)
    value[10], value[30:] = 0.2, 0.05
    rules = Linking(
        linker=GivenTracks(), trimming=BinaryLabelling(), scoring=TubeScoring(min_frames=1), nms=0.2
    )
    tubes = rules.tubes(
        detections("v", tracks, {"fused": scored(np.stack([value, 0 * value], 1).tolist())}, 0.01)
    )
    assert len(tubes.starts) == 1
    assert tubes.frame.tolist() == list(range(30))
