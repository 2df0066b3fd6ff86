"""The conformance kit: what any :class:`methods.base.Method` must keep, as tests to inherit.

    from bench.testing import MethodConformance

    class TestMine(MethodConformance):
        method = Mine

        @classmethod
        def config(cls):
            return small_config()  # trains within seconds; frames of any size

pytest runs the inherited tests: the method is trained once, on footage of noise, and then asked for what the
harness relies on. :func:`noise`, :func:`toy_truth` and :func:`training_data` serve other tests as well.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bench.footage import Arrays, Extractions, Footage
from bench.records import Array, Detections, GroundTruth, TruthBoxes, TruthTubes, Tubes, VideoTable
from bench.video import Video
from methods.base import SIZES, Info, Method, TrainingData

INFO = Info(("run", "wave left", "wave right"), flipped_labels=(0, 2, 1))
DATASETS = ("ucf24", "jhmdb", "ucf24-mini", "jhmdb-mini")


@dataclass(frozen=True)
class Pictures(Video):
    """A video that is an array."""

    rgb_THW3: Array | None = None

    def read(self, size: tuple[int, int] | None = None) -> Array:
        assert self.rgb_THW3 is not None
        return self.rgb_THW3


@dataclass(frozen=True)
class Vectors:
    """A flow store that holds one array."""

    stored_THW2: Array
    bound: float

    def read_quantized(self, video: Video) -> tuple[Array, float]:
        """The array and what 127 stands for."""
        return self.stored_THW2, self.bound


def footage(
    rgb_THW3: Array,
    flow_THW2: Array | None = None,
    bound: float = 10.0,
    annotation: tuple[int, int] | None = None,
    name: str = "run/v_run_g01_c01",
) -> Footage:
    """Footage of an array; flow is int8, zero unless given; ``annotation``: its frame size, if another."""
    height, width = rgb_THW3.shape[1:3]
    if flow_THW2 is None:
        flow_THW2 = np.zeros((*rgb_THW3.shape[:3], 2), np.int8)
    across, down = annotation or (width, height)
    video = Pictures(name, Path(name), across, down, rgb_THW3)
    return Footage(video, (width, height), Vectors(flow_THW2, bound))  # type: ignore[arg-type]


def noise(
    seed: int = 0,
    frames: int = 6,
    annotation: tuple[int, int] | None = None,
    size: tuple[int, int] = (64, 48),
) -> Footage:
    """Footage of random pixels and random flow."""
    random = np.random.default_rng(seed)
    width, height = size
    rgb = random.integers(0, 256, (frames, height, width, 3)).astype(np.uint8)
    flow = random.integers(-127, 128, (frames, height, width, 2)).astype(np.int8)
    return footage(rgb, flow, annotation=annotation, name=f"run/v_run_g{seed:02d}_c01")


def toy_truth() -> GroundTruth:
    """Two videos; tubes numbered out of order; the second tube of the first video is of another class."""
    names = ("run/v_run_g00_c01", "run/v_run_g01_c01")
    sizes: Any = ([6, 4], [64, 64], [48, 48], [25, 25], ("g00", "g01"))
    tubes: Any = ([0, 0, 1], [7, 3, 5], [0, 1, 2], [1, 2, 0], [4, 3, 2], [False] * 3)
    at = np.array([[1, 2, 21, 30]] * 3 + [[40, 8, 60, 40]] + [[10, 10, 30, 40]] * 2, np.float32)
    boxes: Any = ([0, 0, 0, 0, 1, 1], [7, 7, 7, 3, 5, 5], [1, 2, 3, 2, 0, 1], at)
    table, rows = VideoTable(names, *sizes), TruthBoxes(names, *boxes)
    return GroundTruth(INFO.classes, table, TruthTubes(names, *tubes), rows)


def sliding() -> Iterator[tuple[Array, Array]]:
    """Two clips of coarse noise that slides by a pixel a frame, uint8 [4, 48, 64, 3], and their flow."""
    noise = np.random.default_rng(5).integers(0, 256, (12, 20, 3)).astype(np.uint8)
    noise = noise.repeat(4, axis=0).repeat(4, axis=1)
    for u in (-1, 1):
        flow = np.broadcast_to(np.array([u, 0], np.float32), (4, 48, 64, 2))
        yield np.stack([noise[:, 8 - u * t : 72 - u * t] for t in range(4)]), flow


class Remade:
    """The extractions of a method, ready as far as these checkpoints allow; computed once a video."""

    def __init__(self, method: Method, checkpoints: Mapping[str, Path]) -> None:
        self.method = method
        self.found: dict[tuple[str, str, int], Arrays] = {}
        for name, one in method.extractions().items():
            if set(one.stages) <= set(checkpoints):
                method.load_extraction(name, {stage: checkpoints[stage] for stage in one.stages}, "cpu")

    def __call__(self, footage: Footage, name: str) -> Arrays:
        key = (name, footage.name, len(footage))
        if key not in self.found:
            self.found[key] = self.method.extract(name, footage)
        return self.found[key]


def training_data(size: tuple[int, int] = (64, 48), extractions: Extractions | None = None) -> TrainingData:
    """The annotation of :func:`toy_truth` with footage of noise, and the motion of :func:`sliding`."""
    library = {f"run/v_run_g{i:02d}_c01": noise(i, annotation=(64, 48), size=size) for i in (0, 1)}
    for one in library.values():
        one.extractions = extractions
    return TrainingData(toy_truth(), library, motion=sliding)  # type: ignore[arg-type]


class MethodConformance:
    """Tests of one method. A subclass names ``method`` and gives a small ``config``."""

    method: ClassVar[type[Method]]
    _folder: ClassVar[tempfile.TemporaryDirectory[str]]
    _checkpoints: ClassVar[dict[str, Path]]
    _extractions: ClassVar[Remade]

    @classmethod
    def config(cls) -> Any:
        """A config that trains within seconds."""
        raise NotImplementedError(f"{cls.__name__}.config: give a config that trains within seconds")

    @classmethod
    def trained(cls) -> Method:
        """A new instance with all stages trained; they are trained once for the class."""
        from bench.training import CHECKPOINT, Compute, train

        method = cls.method(cls.config(), INFO)
        if "_checkpoints" not in cls.__dict__:
            cls._folder = tempfile.TemporaryDirectory(prefix="conformance-")
            checkpoints: dict[str, Path] = {}
            for name in method.training_config():
                data = training_data(method.frame_size, Remade(method, checkpoints))
                stage = method.training_stage(name, data, 0, checkpoints)
                folder = Path(cls._folder.name) / name
                train(stage, folder, 0, Compute("cpu"))
                checkpoints[name] = folder / CHECKPOINT
            cls._checkpoints = checkpoints
        cls._extractions = Remade(method, cls._checkpoints)
        method.load(cls._checkpoints, "cpu")
        return method

    @classmethod
    def stir(cls, method: Method) -> None:
        """Change the weights so that predictions hang on all that the method sees.

        After a few steps a network may hardly heed its flow, and a stream that sees another would pass. Does
        nothing unless a subclass gives it.
        """

    @classmethod
    def footage(cls, frames: int = 6, seed: int = 3) -> Footage:
        """Noise at the method's size, annotated at 320x240."""
        method = cls.method(cls.config(), INFO)
        made = noise(seed, frames, annotation=(320, 240), size=method.frame_size)
        made.extractions = lambda footage, name: cls._extractions(footage, name)
        return made

    def test_every_config_builds(self) -> None:
        """Each row of each dataset in both sizes, and there is a default."""
        for dataset in DATASETS:
            for size in SIZES:
                rows = self.method.configs(dataset, size)
                assert "default" in rows, f"{dataset}, {size}: no row `default`"
                for row, config in rows.items():
                    built = self.method(config, INFO)
                    assert built.training_config() is not None, row
                    assert len(built.frame_size) == 2, row

    def test_tunable_fields_have_ranges_their_defaults_lie_in(self) -> None:
        """The fields of ``config.postprocess`` whose metadata hold a range."""
        config = self.config()
        for name, value, allowed in tunable(getattr(config, "postprocess", None)):
            low, high = allowed
            assert low < high, f"{name}: the range {allowed} is empty"
            assert value is None or low <= value <= high, f"{name} is {value}, outside {allowed}"

    def test_prediction_is_deterministic(self) -> None:
        """The same frames give the same rows, bit for bit."""
        method = self.trained()
        same_rows(method.predict(self.footage(), range(6)), method.predict(self.footage(), range(6)))

    def test_rows_lie_where_they_may(self) -> None:
        """Frames that were asked for, labels of the classes, boxes inside the annotation's frame."""
        found = self.trained().predict(self.footage(), [1, 3, 4])
        assert set(found.frame.tolist()) <= {1, 3, 4}
        assert found.videos == (self.footage().name,)
        if len(found):
            assert found.label.min() >= 0
            assert found.label.max() < len(INFO.classes)
            assert np.isfinite(found.score).all()
            assert np.isfinite(found.boxes_N4).all()
            assert found.boxes_N4.min() >= -1e-3
            assert found.boxes_N4[:, [0, 2]].max() <= 320 + 1e-2
            assert found.boxes_N4[:, [1, 3]].max() <= 240 + 1e-2

    def test_inputs_are_left_as_they_were(self) -> None:
        """Neither pictures, nor flow, nor stored predictions are written into."""
        method, seen = self.trained(), self.footage()
        pictures, flow = seen.rgb_THW3.copy(), seen.flow_THW2[0][:].copy()
        found = method.predict(seen, range(6))
        assert np.array_equal(seen.rgb_THW3, pictures)
        assert np.array_equal(seen.flow_THW2[0][:], flow)
        before = copy.deepcopy(found)
        method.postprocess(found, 6, self.config(), INFO)
        same_rows(found, before)

    def test_one_frame_at_a_time_equals_all_at_once(self) -> None:
        """Batches change nothing beyond rounding."""
        method = self.trained()
        together = method.predict(self.footage(), range(6))
        alone = Detections.concat([method.predict(self.footage(), [frame]) for frame in range(6)])
        close_rows(alone, together)
        predict = method.in_order(self.footage())
        close_rows(Detections.concat([predict(part) for part in (range(4), [4], [5])]), together)

    def test_a_video_of_one_frame(self) -> None:
        """Detections and tubes of it lie on that frame."""
        method = self.trained()
        found = method.predict(self.footage(frames=1), [0])
        detections, tubes = method.postprocess(found, 1, self.config(), INFO)
        assert set(detections.frame.tolist()) <= {0}
        assert tubes is None or set(tubes.frame.tolist()) <= {0}

    def test_nothing_asked_and_nothing_found(self) -> None:
        """No frames give no rows, and no rows no detections and no tubes."""
        method = self.trained()
        nothing = method.predict(self.footage(), [])
        assert len(nothing) == 0
        detections, tubes = method.postprocess(nothing, 6, self.config(), INFO)
        assert len(detections) == 0
        assert tubes is None or len(tubes) == 0

    def test_postprocess_is_a_function_of_the_rows(self) -> None:
        """Twice the same; tubes are of the classes and on frames that have predictions around them."""
        method = self.trained()
        found = method.predict(self.footage(), range(6))
        first, again = (method.postprocess(found, 6, self.config(), INFO) for _ in range(2))
        same_rows(first[0], again[0])
        for tubes in (first[1], again[1]):
            assert tubes is None or not len(tubes) or 0 <= tubes.frame.min() <= tubes.frame.max() < 6
            assert tubes is None or not len(tubes) or tubes.label.max() < len(INFO.classes)
        if first[1] is not None and again[1] is not None:
            same_rows(first[1], again[1])

    def test_without_linking_the_detections_are_the_same(self) -> None:
        """Where no tubes are wanted there are none, and nothing else changes."""
        method, alone = self.trained(), replace(INFO, linked=False)
        for found in (method.predict(self.footage(), [1, 4]), method.predict(self.footage(), [])):
            detections, tubes = method.postprocess(found, 6, self.config(), alone)
            assert tubes is None
            same_rows(detections, method.postprocess(found, 6, self.config(), INFO)[0])

    def test_boxes_lie_on_the_tracks(self) -> None:
        """Where detections name tracks, those have their boxes; any other method says that it has none."""
        method, seen = self.trained(), self.footage()
        found = method.predict(seen, range(6))
        if found.track is None:
            with _raises(ValueError):
                method.tracks(seen)
            return
        tracks = method.tracks(seen)
        assert tracks.videos == (seen.name,)
        places = zip(tracks.tube.tolist(), tracks.frame.tolist())
        boxes = dict(zip(places, tracks.boxes_N4.tolist()))
        for track, frame, box in zip(found.track.tolist(), found.frame.tolist(), found.boxes_N4.tolist()):
            assert boxes[track, frame] == box

    def test_checkpoints_carry_all_that_was_learnt(self) -> None:
        """Two instances with the same checkpoints predict the same."""
        one, other = self.trained(), self.trained()
        same_rows(one.predict(self.footage(), range(6)), other.predict(self.footage(), range(6)))

    def test_a_stream_equals_prediction(self) -> None:
        """Frame by frame as at once, for methods that can be streamed; the others say that they cannot."""
        method, seen = self.trained(), self.footage(frames=9)
        if method.lookahead is None:
            with _raises(ValueError):
                method.stream(seen.name, seen.annotation_size)
            return
        self.stir(method)
        stream = method.stream(seen.name, seen.annotation_size)
        parts = [stream.push(frame) for frame in seen.rgb_THW3]
        streamed = Detections.concat(parts)
        whole = method.predict(seen, range(9 - method.lookahead))
        close_rows(streamed, whole)


class _raises:
    """``pytest.raises`` without pytest, so that the kit can be imported where it is not installed."""

    def __init__(self, kind: type[Exception]) -> None:
        self.kind = kind

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        assert kind is not None, f"{self.kind.__name__} expected, nothing was raised"
        return issubclass(kind, self.kind)


def tunable(config: Any, prefix: str = "") -> Iterator[tuple[str, Any, Sequence[float]]]:
    """(name, value, range) of every field of a config tree whose metadata hold a range."""
    if not is_dataclass(config):
        return
    for field in fields(config):
        value = getattr(config, field.name)
        if "range" in field.metadata:
            yield prefix + field.name, value, field.metadata["range"]
        yield from tunable(value, f"{prefix}{field.name}.")


def same_rows(a: Detections | Tubes, b: Detections | Tubes) -> None:
    """Assert that all columns are equal, bit for bit."""
    for name in a.columns():
        one, other = getattr(a, name), getattr(b, name)
        assert (one is None) == (other is None), name
        assert one is None or np.array_equal(one, other), name


def close_rows(a: Detections, b: Detections, best: int = 20) -> None:
    """Assert that two predictions agree but for rounding, frame by frame.

    The ``best`` scores of a frame are compared in falling order, and the boxes' mean weighted by score:
    rounding may reorder equals and move a weak row across a floor.
    """
    assert set(a.frame.tolist()) == set(b.frame.tolist())
    for frame in np.unique(a.frame):
        one, other = (rows[rows.frame == frame] for rows in (a, b))
        first, second = (np.sort(rows.score)[::-1][:best] for rows in (one, other))
        np.testing.assert_allclose(first, second, rtol=1e-3, atol=1e-5, err_msg=f"frame {frame}")
        mean, same = (np.average(r.boxes_N4, axis=0, weights=r.score + 1e-9) for r in (one, other))
        np.testing.assert_allclose(mean, same, rtol=1e-3, atol=0.1, err_msg=f"frame {frame}")
