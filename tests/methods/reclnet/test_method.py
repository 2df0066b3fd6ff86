"""RecLNet as a method: its stages, what it extracts, what its variants share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import narrow
import numpy as np
import pytest

from bench.files.tables import write_tubes
from bench.footage import Footage
from bench.records import Detections, GroundTruth, Tubes
from bench.runs.plan import Plan, Request
from bench.speed.subject import Job, opened
from bench.testing import INFO, Remade, footage, noise, toy_truth, training_data
from bench.training import CHECKPOINT, Compute, train
from bench.tubes.cutting import cut
from bench.tubes.tracks import TrackingByDetection
from bench.tubes.trimming import ThresholdTrimming
from methods.reclnet.config import ReclnetConfig, configs
from methods.reclnet.detector_training import DetectorStage, empty_stacks, stacked
from methods.reclnet.labels import FrameLabels
from methods.reclnet.method import Reclnet
from methods.reclnet.pictures import pictures
from methods.reclnet.steps import ROWS
from methods.reclnet.tracking import PERSON_TRACKS

RUNS = Path("runs")
RECURRENT = "recurrent-rgb", "recurrent-flow"
FEATURES = "features-rgb", "features-flow"
SOFTMAX = "softmax-rgb", "softmax-flow"
LINKER = replace(TrackingByDetection(), start_score=0.01, min_iou=0.05, min_boxes=1)
PERSONS = replace(PERSON_TRACKS, min_frames=1, linker=LINKER)


def trained(config: ReclnetConfig, folder: Path) -> tuple[Reclnet, Footage]:
    """The method with all stages trained, and footage that it may be asked about."""
    method = Reclnet(config, INFO)
    checkpoints: dict[str, Path] = {}
    for name in method.training_config():
        data = training_data(method.frame_size, Remade(method, checkpoints))
        train(method.training_stage(name, data, 0, checkpoints), folder / name, 0, Compute("cpu"))
        checkpoints[name] = folder / name / CHECKPOINT
    seen = noise(3, 6, annotation=(320, 240), size=method.frame_size)
    seen.extractions = Remade(method, checkpoints)
    method.load(checkpoints, "cpu")
    return method, seen


@pytest.mark.parametrize(
    ("dataset", "row", "stages", "extractions"),
    [
        ("ucf24", "default", ["rgb", "flow", *RECURRENT, "fusion"], ["tracks", *FEATURES]),
        ("ucf24", "gru-average", ["rgb", "flow", *RECURRENT], ["tracks", *FEATURES]),
        ("ucf24", "lstm-flow", ["rgb", "flow", RECURRENT[1]], ["tracks", FEATURES[1]]),
        ("ucf24", "cnn-rgb", ["rgb", "flow"], ["tracks", SOFTMAX[0]]),
        ("daly", "cnn-average", ["rgb", "flow", "box-size"], ["paths", "tracks", *SOFTMAX]),
    ],
)  # fmt: skip
def test_every_variant_trains_what_it_needs(
    dataset: str, row: str, stages: Sequence[str], extractions: Sequence[str]
) -> None:
    method = Reclnet(configs(dataset, "full")[row], INFO)
    assert list(method.training_config()) == stages
    assert list(method.extractions()) == extractions
    for one in method.extractions().values():
        assert set(one.stages) <= set(stages)


def test_cells_and_seeds_share_tracks_and_features(tmp_path: Path, micro_cache: Path) -> None:
    (tmp_path / "cache").symlink_to(micro_cache)

    def keys(variant: str, *overrides: str) -> dict[str, str]:
        request = Request(
            "reclnet", "ucf24-mini.micro", variant=variant, runs_dir=tmp_path, overrides=overrides
        )
        plan = Plan.of(request)
        return {**plan.extraction_keys, "predict": plan.predict_key, **plan.train_keys}

    gru, fc, cnn = keys("gru-average"), keys("fc-average"), keys("cnn-average")
    for name in ("tracks", *FEATURES):
        assert gru[name] == fc[name]
    assert cnn["tracks"] == gru["tracks"]
    assert len({gru["predict"], fc["predict"], cnn["predict"]}) == 3
    alone = {stream: keys(f"cnn-{stream}") for stream in ("rgb", "flow")}
    assert len({cnn["predict"], *(found["predict"] for found in alone.values())}) == 3
    assert keys("cnn-viterbi")["predict"] == cnn["predict"]
    again = keys("gru-average", "recurrent_seed=1")
    assert again["features-flow"] == gru["features-flow"]
    assert keys("gru-rgb")["features-rgb"] == gru["features-rgb"]
    assert again["recurrent-rgb"] != gru["recurrent-rgb"]
    longer = keys("gru-average", "tracks.min_frames=3")
    assert longer["rgb"] == gru["rgb"]
    assert longer["tracks"] != gru["tracks"]


def test_with_tracks_from_a_file_only_what_is_read_of_detectors_is_trained(tmp_path: Path) -> None:
    """And of RGB alone no flow is needed; a frame has as many boxes as the file."""
    path, row = tmp_path / "tracks.parquet", configs("ucf24-mini", "tiny")["gru-rgb"]
    write_tubes(path, standing(3, 6), {})
    own, given = (Reclnet(replace(row, tracks=replace(row.tracks, file=f)), INFO) for f in ("", str(path)))
    assert own.flow is not None
    assert given.flow is None
    assert list(given.training_config()) == ["rgb", "recurrent-rgb"]
    assert given.training_config()["rgb"] == own.training_config()["rgb"]
    found = given.extractions()
    assert {name: one.stages for name, one in found.items()} == {"tracks": (), "features-rgb": ("rgb",)}
    width = row.model.detector.trunk.feature_size
    assert found["features-rgb"].bytes_per_frame == 3 * 2 * width
    assert own.extractions()["features-rgb"].bytes_per_frame == 5 * len(INFO.classes) * 2 * width


def standing(count: int, frames: int) -> Tubes:
    """So many persons in every frame of the videos that tests are trained on and asked about."""
    names = tuple(f"run/v_run_g0{i}_c01" for i in (0, 1, 3))
    lengths = (frames, 4, frames)
    video = np.concatenate([np.full(n * count, v) for v, n in enumerate(lengths)])
    person = np.concatenate([np.repeat(np.arange(count), n) for n in lengths])
    frame = np.concatenate([np.tile(np.arange(n), count) for n in lengths])
    boxes = np.stack([20 * person + 2, person + 2, 20 * person + 20, person + 30], axis=1)
    ones = np.ones(len(video))
    return Tubes(names, video, video * count + person, -ones, ones, frame, boxes)


def test_a_method_learns_on_tracks_from_a_file(tmp_path: Path) -> None:
    write_tubes(tmp_path / "tracks.parquet", standing(2, 6), {})
    config = narrow.reclnet(streams=("rgb",), fusion="average")
    _, seen = trained(
        replace(config, tracks=replace(config.tracks, file=str(tmp_path / "tracks.parquet"))), tmp_path
    )
    assert seen.extracted("tracks")["label_T"].tolist() == [-1, -1]
    assert len(seen.extracted("features-rgb")[ROWS]) == 2 * 6


@pytest.mark.parametrize(
    ("method", "tracks", "shared"),
    [
        ("reclnet", "both", {"rgb", "tracks", "features-rgb", "recurrent-rgb"}),
        ("reclnet", "rgb", {"rgb", "tracks", "features-rgb", "recurrent-rgb"}),
        ("reclnet-pp", "rgb", {"rgb", "tracks", "features-rgb", "recurrent-rgb", "i3d-rgb"}),
    ],
)
def test_one_stream_alone_is_that_of_both(
    tmp_path: Path, micro_cache: Path, method: str, tracks: str, shared: set[str]
) -> None:
    """Nothing of the stream is made again, whatever flow the other reads."""
    (tmp_path / "cache").symlink_to(micro_cache)
    streams = ("tracks.streams=('rgb',)",) if tracks == "rgb" and method == "reclnet" else ()
    keys = []
    for words in (("model.streams=('rgb',)",), ()):
        fusion = ("postprocess.linking.fusion=none",) if words else ()
        request = Request(
            method, "ucf24-mini.micro", variant="tiny+default", runs_dir=tmp_path,
            overrides=(*words, *streams, *fusion),
        )  # fmt: skip
        plan = Plan.of(request)
        keys.append({**plan.extraction_keys, **plan.train_keys})
    alone, both = keys
    assert {name for name in alone if alone[name] == both.get(name)} >= shared
    assert "fusion" in both


def test_scores_of_tracks_are_bounded_by_their_classes(tmp_path: Path) -> None:
    method, seen = trained(narrow.reclnet(), tmp_path)
    tracks = seen.extracted("tracks")
    found = method.predict(seen, range(6))
    assert found.track is not None
    assert len(found)
    assert np.array_equal(found.label, tracks["label_T"][found.track])
    assert set(found.stream.tolist() if found.stream is not None else []) == {2}
    assert np.bincount(found.track)[found.track].max() == 6


def test_person_tracks_are_adapted_to_the_annotation(tmp_path: Path) -> None:
    tracking = replace(PERSONS, box_size_iou=0.0)
    method, seen = trained(replace(narrow.reclnet(), tracks=tracking), tmp_path)
    raw, adapted = seen.extracted("paths"), seen.extracted("tracks")
    assert len(raw["frame"]) == len(adapted["frame_N"]) > 0
    assert (adapted["label_T"] == -1).all()
    assert not np.allclose(raw["boxes_R4"], adapted["boxes_N4"])
    labels = method.predict(seen, range(6)).label
    assert set(labels.tolist()) == {0, 1, 2}


def test_without_a_pair_to_learn_from_boxes_stay(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tracking = replace(PERSONS, box_size_iou=1.0)
    _, seen = trained(replace(narrow.reclnet(), tracks=tracking), tmp_path)
    assert "no annotated box has a track box" in caplog.text
    raw, kept = seen.extracted("paths"), seen.extracted("tracks")
    assert len(raw["frame"])
    assert np.allclose(raw["boxes_R4"], kept["boxes_N4"], atol=1e-3)


def test_whole_tracks_are_left_for_a_protocol_that_trims() -> None:
    columns: dict[str, Any] = {
        "video": [0] * 6, "frame": range(6), "box": range(6), "label": [1] * 6, "track": [0] * 6,
        "boxes_N4": np.tile([4, 4, 30, 40], (6, 1)), "score": [0.0, 0.02, 0.9, 0.9, 0.02, 0.0],
        "stream": [2] * 6,
    }  # fmt: skip
    rows = Detections(("v",), **columns)
    lengths = {}
    for row in ("default", "untrimmed"):
        config = configs("ucf24", "full")[row]
        linking = config.postprocess.linking
        if isinstance(linking.trimming, ThresholdTrimming):
            linking = replace(linking, trimming=replace(linking.trimming, window=1))
        config = replace(config, postprocess=replace(config.postprocess, linking=linking))
        _, tubes = Reclnet.postprocess(rows, 6, config, INFO)
        assert tubes is not None
        lengths[row] = len(tubes)
    assert lengths == {"default": 2, "untrimmed": 6}


def test_tracks_that_are_cut_later_are_not_suppressed_before() -> None:
    columns: dict[str, Any] = {
        "video": [0] * 16, "frame": [*range(8)] * 2, "box": range(16), "label": [1] * 16,
        "track": [0] * 8 + [1] * 8, "boxes_N4": np.tile([4, 4, 30, 40], (16, 1)),
        "score": [0.9] * 4 + [0.2] * 4 + [0.1] * 4 + [0.8] * 4, "stream": [2] * 16,
    }  # fmt: skip
    rows = Detections(("v",), **columns)
    _, tubes = Reclnet.postprocess(rows, 8, configs("ucf24", "full")["untrimmed"], INFO)
    assert tubes is not None
    left = cut(tubes, np.array([[0, frame] for frame in range(4, 8)]))
    assert sorted(set(left.score.tolist())) == pytest.approx([0.2, 0.8])


def test_a_mirrored_flow_picture_is_that_of_mirrored_motion() -> None:
    config, data = narrow.reclnet(), training_data()
    training = replace(config.training, zoom=(1.0, 1.0), flip=False, background=0.0)
    stage = DetectorStage("flow", training, INFO, data, 0, Reclnet(config, INFO).started_detector)
    stage.prepare(RUNS)
    footage = next(iter(data.footage.values()))
    numbers, rng = np.array([1]), np.random.default_rng(0)
    plain, mirrored = (stage._pictures(footage, numbers, None, flip, rng)[0] for flip in (False, True))
    back = mirrored[:, ::-1].astype(int)
    inner = (plain[..., 0] > 0) & (plain[..., 0] < 255) & (back[..., 0] < 255)
    assert inner.any()
    assert np.array_equal(back[..., 0][inner], 256 - plain[..., 0].astype(int)[inner])
    assert np.array_equal(back[..., 1:], plain[..., 1:])


@pytest.mark.parametrize("mirror", [False, True])
def test_a_detector_learns_from_the_pictures_of_flow_that_it_is_shown_later(mirror: bool) -> None:
    """Of flow at another size than the detector's."""
    config, random = narrow.reclnet(), np.random.default_rng(0)
    stage = DetectorStage("flow", config.training, INFO, training_data(), 0, Reclnet(config, INFO).detector)
    field = random.integers(-20, 20, (3, 24, 32, 2)).astype(np.int8)
    shown = footage(np.zeros((3, 48, 64, 3), np.uint8), field, bound=10.0)
    seen = stage._pictures(shown, np.array([1, 2]), None, mirror, random).astype(int)
    wanted = pictures(shown, "flow", np.array([1, 2]))
    if mirror:
        wanted = wanted[:, :, ::-1]
        seen[..., 0] = 256 - seen[..., 0]
    assert np.abs(seen - wanted).max() <= 1


def test_a_window_of_smaller_flow_shows_its_part_moving_faster() -> None:
    config, random = narrow.reclnet(), np.random.default_rng(0)
    stage = DetectorStage("flow", config.training, INFO, training_data(), 0, Reclnet(config, INFO).detector)
    field = np.zeros((1, 24, 32, 2), np.int8)
    field[:, :12, :16], field[:, 12:, 16:] = 20, -10
    shown = footage(np.zeros((1, 48, 64, 3), np.uint8), field, bound=12.7)
    seen = stage._pictures(shown, np.array([0]), (0, 0, 32, 24), False, random)
    assert seen.shape == (1, 48, 64, 3)
    assert (seen[..., :2] == 128 + 16 * 2 * 2).all()
    seen = stage._pictures(shown, np.array([0]), (32, 24, 32, 24), False, random)
    assert (seen[..., :2] == 128 - 16 * 2).all()


def test_at_full_size_flow_is_that_of_the_video_and_at_size_tiny_that_of_the_detector() -> None:
    for dataset in ("ucf24", "jhmdb", "daly"):
        whole, tiny = (Reclnet(configs(dataset, size)["default"], INFO) for size in ("full", "tiny"))
        assert whole.flow is not None
        assert tiny.flow is not None
        assert (whole.flow.size, whole.frame_size) == ((320, 240), (800, 600))
        assert tiny.flow.size == tiny.frame_size
        read = whole.training_config()
        assert read["flow"] == read["rgb"] | {"flow_size": (320, 240)}
        assert tiny.training_config()["flow"] == tiny.training_config()["rgb"]


def test_stacks_begin_where_a_person_stays() -> None:
    keys = stacked(toy_truth(), 2)
    starts = list(zip(keys.video.tolist(), keys.frame.tolist()))
    assert starts == [(0, 1), (0, 2), (1, 0)]
    assert keys.boxes_N4.shape == (3, 2, 4)
    boxes, labels = keys.truth_at(0)
    assert np.array_equal(boxes, np.tile(np.array([1, 2, 21, 30], np.float32), (1, 2, 1)))
    assert labels.tolist() == [0]
    with pytest.raises(ValueError, match="4 consecutive frames"):
        stacked(toy_truth(), 4)


def drawn(frame: int, shift: float = 0.0) -> GroundTruth:
    """The toy annotation as if one box of its first tube had been drawn, and all others tracked."""
    truth = toy_truth()
    boxes = truth.boxes[(truth.boxes.tube == 7) & (truth.boxes.frame == frame)]
    return replace(truth, boxes=replace(boxes, boxes_N4=boxes.boxes_N4 + np.float32([0, 0, 0, shift])))


def test_single_frames_are_those_that_were_drawn() -> None:
    keys = stacked(toy_truth(), 1, drawn(2, shift=3))
    assert (keys.video.tolist(), keys.frame.tolist()) == ([0], [2])
    assert keys.boxes_N4.tolist() == [[[1, 2, 21, 33]]]


def test_a_stack_has_a_drawn_box_in_its_middle_that_the_tracker_met() -> None:
    """20 pixels of 320 x 240 are 4 of the toy videos, which are 64 x 48; boxes are the tracked ones."""
    keys = stacked(toy_truth(), 3, drawn(2, shift=4))
    assert (keys.video.tolist(), keys.frame.tolist()) == ([0], [1])
    assert keys.boxes_N4.tolist() == [[[1, 2, 21, 30]] * 3]
    for frame, shift in ((1, 0.0), (2, 4.5)):
        with pytest.raises(ValueError, match="3 consecutive frames"):
            stacked(toy_truth(), 3, drawn(frame, shift))


def test_detectors_of_tracked_annotation_see_what_was_drawn() -> None:
    method = Reclnet(narrow.reclnet(), INFO)
    data = replace(training_data(method.frame_size), key_truth=drawn(2))
    stage: Any = method.training_stage("rgb", data, 0, {})
    stage.prepare(RUNS)
    assert stage.examples.keys.frame.tolist() == [2]
    assert (0, 1) not in list(zip(*(column.tolist() for column in stage.examples.empty)))


def test_stacks_of_what_is_not_excluded_keep_their_own_boxes() -> None:
    """The first key-frame of the first video does not count; all others stay with their boxes."""
    truth = replace(toy_truth(), excluded_frames=np.array([[0, 1]], np.int32))
    whole, left = stacked(toy_truth(), 1), stacked(truth, 1)
    assert len(left) == len(whole) - 1
    for index in range(len(left)):
        for one, other in zip(left.truth_at(index), whole.truth_at(index + 1)):
            assert np.array_equal(one, other)


def test_background_is_learnt_from_stacks_in_which_nobody_is() -> None:
    video, frame = np.array([0, 0, 0, 0, 1, 1]), np.array([0, 1, 2, 5, 6, 7])
    found = empty_stacks(video, frame, 2)
    assert list(zip(*(column.tolist() for column in found))) == [(0, 0), (0, 1), (1, 6)]
    assert [len(column) for column in empty_stacks(video, frame, 7)] == [0, 0]
    assert empty_stacks(video, frame, 1)[1].tolist() == frame.tolist()


def test_space_is_reckoned_without_building_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    built = Reclnet(narrow.reclnet(), INFO)
    assert built.detector().trunk.feature_size == built.config.model.detector.trunk.feature_size == 12
    monkeypatch.setattr(Reclnet, "detector", None)
    method = Reclnet(configs("ucf24", "full")["default"], INFO)
    assert method.extractions()["features-rgb"].bytes_per_frame == 15 * 2 * 4096


def test_all_stages_of_the_control_learn_the_same_labels() -> None:
    config = replace(narrow.reclnet(), recurrent_seed=3)
    config = replace(config, training=replace(config.training, shuffled_labels=True))
    method, data = Reclnet(config, INFO), training_data()
    detector: Any = method.training_stage("rgb", data, 1, {})
    recurrent: Any = method.training_stage("recurrent-rgb", data, 1, {})
    assert recurrent.seed == 4
    taught = FrameLabels.of(detector.truth, 0.3)
    assert np.array_equal(recurrent.learning.labels.__self__.label_G, taught.label_G)


def test_a_threshold_of_overlap_is_in_the_keys_of_what_reads_it(tmp_path: Path) -> None:
    """That of labels in those of the recurrent networks; that of box sizes in theirs, not in the paths'."""

    def read(**changes: Any) -> dict[str, Any]:
        parts = {name: replace(getattr(base, name), **fields) for name, fields in changes.items()}
        method = Reclnet(replace(base, **parts), INFO)
        return {**method.training_config(), **{n: one.config for n, one in method.extractions().items()}}

    base = replace(narrow.reclnet(), tracks=PERSONS)
    plain = read()
    for changes, readers in (
        ({"learning": {"label_iou": 0.5}}, {*RECURRENT}),
        ({"learning": {"group_gb": 100.0}}, {*RECURRENT}),
        ({"tracks": {"box_size_iou": 0.6}}, {"box-size"}),
        ({"tracks": {"box_size_iou": 0.5}, "learning": {"label_iou": 0.3, "group_gb": 1.6}}, set()),
    ):
        found = read(**changes)
        assert {name for name in plain if found[name] != plain[name]} == readers


def test_the_thresholds_of_overlap_are_those_of_the_config() -> None:
    base = narrow.reclnet()
    config = replace(base, tracks=replace(PERSONS, box_size_iou=0.6))
    method = Reclnet(replace(config, learning=replace(base.learning, label_iou=0.4)), INFO)
    recurrent: Any = method.training_stage("recurrent-rgb", training_data(), 0, {})
    assert recurrent.learning.labels.__self__.min_iou == 0.4
    sizes: Any = method.training_stage("box-size", training_data(), 0, {})
    assert sizes.min_iou == 0.6
    for wrong in ({"label_iou": 1.5}, {"group_gb": -1.0}, {"group_gb": float("inf")}):
        with pytest.raises(ValueError, match=f"learning.{next(iter(wrong))}"):
            replace(base.learning, **wrong)
    with pytest.raises(ValueError, match=r"tracks\.box_size_iou is 50, must be an IoU, 0 to 1"):
        replace(PERSONS, box_size_iou=50)


def test_it_is_not_timed_frame_by_frame(tmp_path: Path, micro_cache: Path) -> None:
    (tmp_path / "cache").symlink_to(micro_cache)
    with pytest.raises(ValueError, match="scores tracks, features-rgb, features-flow, which are computed"):
        opened(Job("reclnet", runs_dir=tmp_path))


def test_what_would_be_missed_is_named_before_training(tmp_path: Path) -> None:
    config = narrow.reclnet()
    method = Reclnet(replace(config, tracks=replace(config.tracks, file=str(tmp_path / "none"))), INFO)
    with pytest.raises(ValueError, match=r"tracks\.file: no file"):
        method.check()
    with pytest.raises(ValueError, match=r"ImageNet weights of vgg16.*model\.pretrained=FILE"):
        Reclnet(configs("ucf24", "full")["default"], INFO).check()
    average = configs("ucf24", "tiny")["gru-average"]
    Reclnet(average, INFO).check()
    linking = average.postprocess.linking
    apart = replace(average, postprocess=config.postprocess)
    with pytest.raises(ValueError, match=r"nothing fuses them.*fusion=average"):
        Reclnet(apart, INFO).check()
    twice = replace(config, postprocess=replace(config.postprocess, linking=linking))
    with pytest.raises(ValueError, match=r"there is one to link.*fusion=none"):
        Reclnet(twice, INFO).check()
    with pytest.raises(ValueError, match="load the checkpoints"):
        Reclnet(config, INFO).predict(noise(), range(3))
    with pytest.raises(ValueError, match=r"model\.streams"):
        replace(config.model, streams=("rgb", "rgb"))
    with pytest.raises(ValueError, match="take average"):
        replace(config.model, scores="detector", fusion="layer")
