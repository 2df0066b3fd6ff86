"""Every example of docs/formats.md, written as it stands there, read and scored by its own command."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bench.commands.score import command
from bench.interop.formats import FORMATS, Manner, read_predictions, read_truth
from bench.results.result import Result

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", DOCUMENT, re.MULTILINE | re.DOTALL))
COMMANDS = [
    line for name in FORMATS for line in re.findall(r"^bench score (.+)$", SECTIONS[name], re.MULTILINE)
]


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which all examples are written."""
    folder = tmp_path_factory.mktemp("examples")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for program in re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL):
            exec(compile(program, "docs/formats.md", "exec"), {})
        for name, text in re.findall(r"^`(\S+)`:\n```text\n(.*?)```", DOCUMENT, re.MULTILINE | re.DOTALL):
            Path(name).parent.mkdir(exist_ok=True)
            Path(name).write_text(text)
    return folder


def test_every_format_has_a_section_with_a_command() -> None:
    assert set(FORMATS) <= set(SECTIONS)
    assert all("bench score" in SECTIONS[name] for name in FORMATS)
    assert len(COMMANDS) == 10


@pytest.mark.parametrize("arguments", COMMANDS)
def test_a_command_scores_everything(
    examples: Path, tmp_path: Path, arguments: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(examples)
    done = CliRunner().invoke(
        command, [*shlex.split(arguments), "--out", str(tmp_path)], catch_exceptions=False
    )
    assert done.exit_code == 0
    metrics = Result.read(tmp_path).metrics
    assert metrics["frame_map/0.50"].value == pytest.approx(100)  # type: ignore[union-attr]
    tubes = metrics["video_map/0.50"]
    linked = "--tubes" in arguments or "video_detections" in arguments or "predictions act " in arguments
    assert (tubes is not None) == linked
    assert tubes is None or tubes.value > 0


@pytest.mark.parametrize(
    ("file", "truth"),
    [
        ("detections.parquet", "truth.parquet"),
        ("act", "truth.parquet"),
        ("frame_detections.pkl", "Example-GT.pkl"),
        ("video_detections.pkl", "truth.parquet"),
        ("yowo", "truth.parquet"),
        ("coco-whole.json", "truth.parquet"),
        ("coco-results.json", "coco-truth.json"),
    ],
)
def test_shifts_lead_to_the_same_boxes(examples: Path, file: str, truth: str) -> None:
    """Frames, boxes, labels and scores are those of the text, to the last bit, whatever the origin."""
    known = read_truth(examples / truth)
    found = read_predictions(examples / file, None, known, Manner()).detections
    assert found is not None
    assert [found.videos[v] for v in found.video] == [
        "Diving/v_Diving_g01_c01", "Diving/v_Diving_g01_c01", "Fencing/v_Fencing_g02_c01"
    ]  # fmt: skip
    np.testing.assert_array_equal(found.frame, [0, 1, 2])
    np.testing.assert_array_equal(found.label, [0, 0, 1])
    np.testing.assert_array_equal(found.score, np.float32([0.9, 0.8, 0.7]))
    expected = [[10, 20, 50, 90], [12, 20, 52, 90], [100, 30, 180, 200]]
    np.testing.assert_array_equal(found.boxes_N4, expected)


@pytest.mark.parametrize("file", ["Example-GT.pkl", "yowo-truth", "coco-truth.json"])
def test_truth_is_the_same_in_every_format(examples: Path, file: str) -> None:
    ours = read_truth(examples / "truth.parquet").annotation
    found = read_truth(examples / file).annotation
    np.testing.assert_array_equal(found.boxes.boxes_N4, ours.boxes.boxes_N4)
    np.testing.assert_array_equal(found.boxes.frame, ours.boxes.frame)
    np.testing.assert_array_equal(found.boxes.video, ours.boxes.video)
    np.testing.assert_array_equal(found.box_labels(), ours.box_labels())
    assert [name.replace("/", "_") for name in ours.videos.names] == [
        name.replace("/", "_") for name in found.videos.names
    ]
