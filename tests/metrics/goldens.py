"""Reading of the reference inputs: 1-based frames become 0-based, boxes stay as they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from bench.records import Detections, GroundTruth, TruthBoxes, TruthTubes, Tubes, VideoTable

BOX = ["x1", "y1", "x2", "y2"]


def ground_truth(classes: list[str], videos: pd.DataFrame, boxes: pd.DataFrame) -> GroundTruth:
    """Videos: name, nframes, height, width. Boxes: video, tube, cls, frame (1-based), x1..y2."""
    names = tuple(videos["name"])
    boxes = boxes.assign(number=boxes.groupby(["video", "tube"], sort=False).ngroup())
    heads = boxes.groupby("number", sort=True).agg(
        video=("video", "first"), cls=("cls", "first"), first=("frame", "min"), last=("frame", "max")
    )
    groups = tuple(name.rsplit("_c", 1)[0] for name in names)
    table = VideoTable(
        names, videos["nframes"], videos["width"], videos["height"], np.full(len(names), 25.0), groups
    )
    tubes = TruthTubes(
        names,
        heads["video"],
        heads.index,
        heads["cls"],
        heads["first"] - 1,
        heads["last"],
        np.zeros(len(heads), bool),
    )
    rows = TruthBoxes(
        names, boxes["video"], boxes["number"], boxes["frame"] - 1, boxes[BOX].to_numpy(np.float32)
    )
    return GroundTruth(tuple(classes), table, tubes, rows)


def detections(names: tuple[str, ...], frame: pd.DataFrame) -> Detections:
    """Video, frame (1-based), cls, score, x1..y2."""
    boxes = frame[BOX].to_numpy(np.float32).reshape(-1, 4)
    return Detections(
        names, frame["video"], frame["frame"] - 1, np.arange(len(frame)), boxes, frame["cls"], frame["score"]
    )


def tubes(names: tuple[str, ...], frame: pd.DataFrame) -> Tubes:
    """Video, tube, cls, frame (1-based), x1..y2, score, tube_score; tubes numbered within their video."""
    number = frame.groupby(["video", "cls", "tube"], sort=False).ngroup()
    boxes = frame[BOX].to_numpy(np.float32).reshape(-1, 4)
    return Tubes(
        names,
        frame["video"],
        number,
        frame["cls"],
        frame["tube_score"],
        frame["frame"] - 1,
        boxes,
        frame["score"],
    )


def case(data: dict[str, Any]) -> tuple[GroundTruth, Detections | None, Tubes | None]:
    """One adversarial case."""
    columns = ["video", "tube", "cls", "frame", *BOX]
    boxes = [
        [tube["video"], i, tube["cls"], *row]
        for i, tube in enumerate(data["gt_tubes"])
        for row in tube["boxes"]
    ]
    truth = ground_truth(data["labels"], pd.DataFrame(data["videos"]), _table(boxes, columns))
    names = truth.videos.names
    found = linked = None
    if "frame_dets" in data:
        found = detections(names, _table(data["frame_dets"], ["video", "frame", "cls", "score", *BOX]))
    if "det_tubes" in data:
        rows = [
            [tube["video"], i, tube["cls"], tube["score"], *row]
            for i, tube in enumerate(data["det_tubes"])
            for row in tube["boxes"]
        ]
        linked = tubes(names, _table(rows, ["video", "tube", "cls", "tube_score", "frame", *BOX, "score"]))
    return truth, found, linked


def _table(rows: list[list[float]], columns: list[str]) -> pd.DataFrame:
    whole = ["video", "tube", "cls", "frame"]
    return pd.DataFrame(rows, columns=columns).astype({name: int for name in whole if name in columns})


def write_ava(source: Path, folder: Path) -> tuple[Path, Path, Path]:
    """Ground truth, predictions and excluded timestamps of one AVA input as CSV files of those names."""
    facts = json.loads((source / "meta.json").read_text())
    decimals = int(facts["score_unit"].split(",")[0].removeprefix("1e-"))
    paths = []
    for name in ("gt", "dets"):
        rows = pd.read_parquet(source / f"{name}.parquet")
        columns = {
            "video": pd.Series([f"vid{i:04d}" for i in range(rows["video"].max() + 1)])[rows["video"]],
            "timestamp": pd.Series([f"{i:04d}" for i in range(2000)])[rows["timestamp"]],
        }
        columns |= {edge: _decimal(rows[edge], 3) for edge in BOX} | {"action": rows["action_id"]}
        columns |= {"score": _decimal(rows["score"], decimals)} if "score" in rows else {}
        paths.append(folder / f"{name}.csv")
        table = pa.table({key: pa.array(np.asarray(value)) for key, value in columns.items()})
        pa.csv.write_csv(table, paths[-1], pa.csv.WriteOptions(include_header=False, quoting_style="none"))
    paths.append(folder / "excluded.csv")
    paths[-1].write_text("".join(f"vid{video:04d},{time:04d}\n" for video, time in facts["excluded"]))
    return paths[0], paths[1], paths[2]


def _decimal(values: pd.Series, decimals: int) -> np.ndarray:
    """Whole numbers of 10^-decimals as numbers whose shortest text is the decimal."""
    return values.to_numpy().astype(np.float64) / 10**decimals


def write_ava_lines(case: dict[str, list[str]], folder: Path) -> tuple[Path, Path, Path | None]:
    """The same of one adversarial case; None where it has no excluded timestamps."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / f"{name}.csv" for name in ("gt", "det", "excluded") if name in case}
    for name, path in paths.items():
        path.write_text("\n".join(case[name]) + "\n")
    return paths["gt"], paths["det"], paths.get("excluded")
