"""A small scene, and writers of every format that others use. They know the formats, not the readers."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.records import Detections, GroundTruth, TruthBoxes, TruthTubes, Tubes, VideoTable

CLASSES = ("Biking", "Diving", "Fencing")
LENGTHS = {
    f"{name}/v_{name}_g{group:02}_c01": 6 + group
    for name, group in zip(("Biking", "Biking", "Diving", "Fencing", "Fencing"), (1, 2, 1, 1, 2))
}
VIDEOS = tuple(LENGTHS)
WIDTH, HEIGHT = 320, 240
CORNERS = ("x1", "y1", "x2", "y2")


def truth() -> GroundTruth:
    """Two people in every video, both doing its class, boxes of whole pixels."""
    rng = np.random.default_rng(5)
    rows, tubes = [], []
    for v, (name, frames) in enumerate(LENGTHS.items()):
        for person in range(2):
            start, end = int(rng.integers(0, 2)), frames - int(rng.integers(0, 2))
            corner = np.array([20 + 150 * person, 30]) + rng.integers(0, 20, 2)
            tubes.append((v, len(tubes), CLASSES.index(name.split("/")[0]), start, end))
            drift = rng.integers(0, 3, (end - start, 2)).cumsum(axis=0)
            size = rng.integers(60, 100, 2)
            rows += [
                (v, tubes[-1][1], start + t, *(corner + d), *(corner + d + size)) for t, d in enumerate(drift)
            ]
    video, tube, label, start, end = np.array(tubes).T
    table = np.array(rows)
    sizes = (np.full(len(VIDEOS), side) for side in (WIDTH, HEIGHT, 25))
    groups = tuple(name.rsplit("_", 1)[0] for name in VIDEOS)
    return GroundTruth(
        CLASSES,
        VideoTable(VIDEOS, np.array(list(LENGTHS.values())), *sizes, groups),
        TruthTubes(VIDEOS, video, tube, label, start, end, np.zeros(len(tubes), bool)),
        TruthBoxes(VIDEOS, table[:, 0], table[:, 1], table[:, 2], table[:, 3:]),
    )


def predictions(seed: int = 0) -> tuple[Detections, Tubes]:
    """People found a few pixels off, now and then as another class, and boxes where nobody is."""
    rng = np.random.default_rng(seed)
    known = truth()
    order = np.argsort(known.boxes.tube, kind="stable")
    boxes = known.boxes[order]
    label = known.box_labels()[order].astype(int)
    found = boxes.boxes_N4 + rng.integers(-12, 13, (len(boxes), 4))
    other = np.where(rng.random(len(boxes)) < 0.2, (label + 1) % 3, label)
    score = np.float32(0.1 + 0.8 * rng.permutation(2 * len(boxes)) / (2 * len(boxes)))
    noise = np.float32([5, 5, 25, 25]) + rng.integers(0, 180, (len(boxes), 1))
    by_video = np.argsort(np.tile(boxes.video, 2) * 100 + np.tile(boxes.frame, 2), kind="stable")
    detections = Detections(
        VIDEOS, np.tile(boxes.video, 2), np.tile(boxes.frame, 2), np.arange(2 * len(boxes)),
        np.concatenate([found, noise]), np.concatenate([other, rng.integers(0, 3, len(boxes))]), score,
    )[by_video]  # fmt: skip
    tube_score = np.float32(0.1 + 0.05 * rng.permutation(len(known.tubes)))[boxes.tube]
    off = 30 * rng.integers(0, 2, (len(known.tubes), 1))[boxes.tube]
    tubes = Tubes(
        VIDEOS, boxes.video, boxes.tube, label, tube_score, boxes.frame, found + off, score[: len(boxes)]
    )
    return detections, tubes


def names_of(rows: Any) -> list[str]:
    return [rows.videos[v] for v in rows.video]


def write_parquet(path: Path, columns: dict[str, Any], **metadata: Any) -> Path:
    """A table as any program might write it."""
    text = {key: json.dumps(value) for key, value in metadata.items()}
    pq.write_table(pa.table(columns).replace_schema_metadata(text), path)
    return path


def corners(boxes_N4: Any) -> dict[str, Any]:
    return {name: boxes_N4[:, i] for i, name in enumerate(CORNERS)}


def parquet_truth(path: Path) -> Path:
    known = truth()
    columns = {"video": names_of(known.boxes), "tube": known.boxes.tube, "label": known.box_labels(),
               "frame": known.boxes.frame, **corners(known.boxes.boxes_N4)}  # fmt: skip
    return write_parquet(path, columns, classes=CLASSES, videos=LENGTHS)


def parquet_detections(path: Path, found: Detections, **changes: Any) -> Path:
    columns = {"video": names_of(found), "frame": found.frame, **corners(found.boxes_N4),
               "label": found.label, "score": found.score}  # fmt: skip
    return write_parquet(path, {k: v for k, v in (columns | changes).items() if v is not None})


def parquet_tubes(path: Path, found: Tubes, **changes: Any) -> Path:
    columns = {"video": names_of(found), "tube": found.tube, "label": found.label, "score": found.score,
               "frame": found.frame, **corners(found.boxes_N4), "frame_score": found.frame_score}  # fmt: skip
    return write_parquet(path, {k: v for k, v in (columns | changes).items() if v is not None})


def dump(path: Path, content: Any, protocol: int = 2) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


def gt_pickle(path: Path) -> Path:
    """``*-GT.pkl`` of two splits; the second tests the videos in the opposite order."""
    known = truth()
    tubes: dict[str, dict[int, list[np.ndarray]]] = {name: {} for name in VIDEOS}
    for tube, video, label in zip(known.tubes.tube, known.tubes.video, known.tubes.label):
        boxes = known.boxes[known.boxes.tube == tube]
        rows = np.column_stack([boxes.frame + 1, boxes.boxes_N4]).astype(np.float32)
        tubes[VIDEOS[video]].setdefault(int(label), []).append(rows)
    content = {
        "labels": list(CLASSES),
        "gttubes": tubes,
        "nframes": dict(LENGTHS),
        "resolution": dict.fromkeys(VIDEOS, (HEIGHT, WIDTH)),
        "train_videos": [[], []],
        "test_videos": [list(VIDEOS), list(VIDEOS[::-1])],
    }
    return dump(path, content)


def act_folder(root: Path, found: Detections, tubes: Tubes | None, moc: bool = False) -> Path:
    """Boxes of single frames in ACT's files, or in MOC's."""
    for video, rows in found.by_video():
        for frame in range(LENGTHS[video]):
            here = rows[rows.frame == frame]
            content: Any = np.column_stack([here.label, here.score, here.boxes_N4]).astype(np.float32)
            if moc:
                one = np.column_stack([here.boxes_N4, here.score]).astype(np.float32)
                content = {label + 1: one[here.label == label] for label in range(len(CLASSES))}
            dump(root / video / f"{frame + 1:05}.pkl", content if moc else (content, content))
    if tubes is not None:
        for video, rows in tubes.by_video():
            dump(root / f"{video}_tubes.pkl", {
                label: [(frames_of(tube), tube.score[0]) for tube in each_tube(rows[rows.label == label])]
                for label in range(len(CLASSES))
            })  # fmt: skip
    return root


def each_tube(rows: Tubes) -> list[Tubes]:
    return [rows[rows.tube == number] for number in dict.fromkeys(rows.tube.tolist())]


def frames_of(tube: Tubes) -> np.ndarray:
    assert tube.frame_score is not None
    return np.column_stack([tube.frame + 1, tube.boxes_N4, tube.frame_score]).astype(np.float32)


def multisports_frames(path: Path, found: Detections, array: bool = False) -> Path:
    rows = np.column_stack([found.video, found.frame + 1, found.label, found.score, found.boxes_N4])
    return dump(path, rows if array else list(rows))


def multisports_tubes(path: Path, tubes: Tubes) -> Path:
    def listed(label: int) -> list[tuple[str, float, np.ndarray]]:
        mine = each_tube(tubes[tubes.label == label])
        return [(VIDEOS[tube.video[0]], tube.score[0], frames_of(tube)) for tube in mine]

    return dump(path, {label: listed(label) for label in range(len(CLASSES))})


def yowo_folder(root: Path, found: Detections) -> Path:
    root.mkdir(parents=True)
    for video, rows in found.by_video():
        for frame in range(LENGTHS[video]):
            here = rows[rows.frame == frame]
            lines = [
                " ".join(map(repr, [int(label) + 1, float(score), *(box + 1).tolist()]))
                for label, score, box in zip(here.label, here.score, here.boxes_N4)
            ]
            (root / f"{video.replace('/', '_')}_{frame + 1:05}.txt").write_text("\n".join(lines))
    return root


def yowo_truth(root: Path) -> Path:
    root.mkdir(parents=True)
    known = truth()
    labels = known.box_labels()
    for video, frame, label, box in zip(known.boxes.video, known.boxes.frame, labels, known.boxes.boxes_N4):
        with (root / f"{VIDEOS[video].replace('/', '_')}_{frame + 1:05}.txt").open("a") as file:
            file.write(" ".join(map(repr, [int(label) + 1, *(box + 1).tolist()])) + "\n")
    return root


def coco_images() -> list[dict[str, Any]]:
    return [
        {"id": 100 * v + t, "file_name": f"{video}/{t + 1:05}.jpg", "width": WIDTH, "height": HEIGHT}
        for v, (video, frames) in enumerate(LENGTHS.items())
        for t in range(frames)
    ]


def coco_box(box: Any) -> list[float]:
    x1, y1, x2, y2 = map(float, box)
    return [x1, y1, x2 - x1, y2 - y1]


def coco_truth(path: Path) -> Path:
    known = truth()
    boxes, labels = known.boxes, known.box_labels()
    entries = [
        {"id": i, "image_id": 100 * int(v) + int(t), "category_id": 10 * (int(c) + 1), "bbox": coco_box(box),
         "track_id": int(tube)}
        for i, (v, t, c, tube, box) in enumerate(
            zip(boxes.video, boxes.frame, labels, boxes.tube, boxes.boxes_N4)
        )
    ]  # fmt: skip
    categories = [{"id": 10 * (i + 1), "name": name} for i, name in enumerate(CLASSES)]
    path.write_text(json.dumps({"images": coco_images(), "categories": categories, "annotations": entries}))
    return path


def coco_results(path: Path, found: Detections, whole: bool = False) -> Path:
    entries: Any = [
        {
            "image_id": 100 * int(v) + int(t),
            "category_id": 10 * (int(c) + 1),
            "bbox": coco_box(box),
            "score": float(s),
        }
        for v, t, c, box, s in zip(found.video, found.frame, found.label, found.boxes_N4, found.score)
    ]
    if whole:
        categories = [{"id": 10 * (i + 1), "name": name.lower()} for i, name in enumerate(CLASSES)]
        entries = {"images": coco_images(), "categories": categories, "annotations": entries}
    path.write_text(json.dumps(entries))
    return path


def ava_csv(path: Path, scored: bool = True) -> Path:
    """Rows of two movies, one frame a second, as AVA writes them."""
    rng = np.random.default_rng(9)
    lines = []
    for number in range(40):
        left, top = rng.integers(0, 500, 2) / 1000
        fields = [f"{left:.3f}", f"{top:.3f}", f"{left + 0.3:.3f}", f"{top + 0.4:.3f}", str(3 + number % 10)]
        score = [f"{rng.random():.4f}"] * scored
        lines.append(",".join([f"movie{number % 2}", f"{902 + number // 4:04}", *fields, *score]))
    path.write_text("\n".join(lines) + "\n")
    return path
