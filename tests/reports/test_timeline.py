"""The timeline: what is written in it, and that the same scene gives the same bytes."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

from bench.showing.scenes import Scene, Track
from reports.drawing import colour
from reports.timeline import write_timeline


def track(
    name: str, span: tuple[int, int], score: float | None = None, overlap: float | None = None
) -> Track:
    count = span[1] - span[0]
    curve = None if score is None else np.linspace(0, score, count)
    return Track(name, span, np.arange(*span), np.zeros((count, 4), np.float32), score, curve, overlap)


SCENE = Scene(
    "Diving/v_Diving_g01_c01",
    (track("Diving", (5, 30), 0.8, 0.62), track("Cliff<Diving>", (0, 40), 0.3)),
    (track("Diving", (10, 28)),), 7, 40, 25.0,
)  # fmt: skip


def texts(path: Path) -> list[str]:
    """What a picture says."""
    return [
        " ".join(node.itertext()).strip()
        for node in ElementTree.parse(path).iter()
        if node.tag.endswith("text")
    ]


def test_everything_is_said(tmp_path: Path) -> None:
    png, svg = write_timeline(SCENE, tmp_path / "deep", "a", "Diving, 2 of 7 tubes")
    said = texts(svg)
    for words in ("1  Diving", "2  Cliff<Diving>", "annotated  Diving", "0.80", "0.62", "0.30", "–", "IoU"):
        assert re.sub(r"\s+", " ", words) in [re.sub(r"\s+", " ", text) for text in said], (words, said)
    assert "Diving, 2 of 7 tubes" in said
    assert any("0 to 1" in text for text in said)
    content = svg.read_text()
    assert all(colour(place).lower() in content.lower() for place in range(2))
    picture = cv2.imread(str(png))
    assert picture is not None
    assert min(picture.shape[:2]) > 250
    assert np.mean(picture > 250) > 0.5


def test_the_same_scene_gives_the_same_bytes(tmp_path: Path) -> None:
    first = write_timeline(SCENE, tmp_path / "1", "a", "t")
    second = write_timeline(SCENE, tmp_path / "2", "a", "t")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


@pytest.mark.parametrize(
    ("best", "top"), [(0.83, "1"), (0.031, "0.05"), (0.012, "0.02"), (1.7, "2"), (35.0, "50"), (1.0, "1")]
)
def test_the_scale_fits_the_scores(tmp_path: Path, best: float, top: str) -> None:
    scene = replace(SCENE, tubes=(track("Diving", (0, 9), best),))
    _, svg = write_timeline(scene, tmp_path, "a", "t")
    assert any(f"0 to {top};" in text for text in texts(svg))


@pytest.mark.parametrize(
    "scene",
    [
        replace(SCENE, tubes=(), found=None),
        replace(SCENE, truth=()),
        replace(SCENE, tubes=(), truth=(), found=0),
        replace(SCENE, tubes=(track("Diving", (3, 4), 0.5),), frames=1, fps=0.0),
        replace(SCENE, tubes=(replace(SCENE.tubes[0], score_T=None),)),
        replace(SCENE, tubes=(track("Diving", (0, 9), 0.0), track("Diving", (0, 9), -0.5))),
    ],
)
def test_odd_scenes_are_drawn_too(tmp_path: Path, scene: Scene) -> None:
    for path in write_timeline(scene, tmp_path, "a", "t"):
        assert path.stat().st_size > 1000


def test_a_curve_is_broken_where_frames_are_left_out(tmp_path: Path) -> None:
    whole = track("Diving", (0, 40), 0.8)
    rows = np.r_[0:10, 30:40]
    gap = replace(whole, frame_T=whole.frame_T[rows], score_T=np.array(whole.score_T)[rows],
                  boxes_T4=whole.boxes_T4[rows])  # fmt: skip
    moves = []
    for name, tube in (("whole", whole), ("gap", gap)):
        _, svg = write_timeline(replace(SCENE, tubes=(tube,)), tmp_path, name, "t")
        line = re.search(rf'<path d="([^"]*)"[^>]*stroke: {colour(0).lower()}', svg.read_text())
        assert line
        moves.append(line[1].count("M"))
    assert moves == [1, 2]
