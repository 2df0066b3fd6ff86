"""Where weights and clips lie is no part of what is run; what is in them is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.files.store import digest, digest_file, plain
from bench.files.tables import write_tubes
from bench.records import Tubes
from bench.runs import settings
from bench.runs.asked import row_of
from bench.runs.plan import Plan, Request
from bench.runs.record import announcement
from bench.sources import marked, placeless, sources
from bench.tracking import Announcement

TRACKS = "tracks.parquet"
GIVEN = {
    "menet": {
        "model.pretrained_3d": "kinetics.pth",
        "model.pretrained_2d": "yolo.weights",
        "distillation.teacher_weights": "flow_kinetics.pth",
    },
    "pcsc": {"model.pretrained": "i3d"},
    "reclnet": {"model.pretrained": "vgg16.pth", "tracks.file": TRACKS},
    "reclnet-pp": {"model.pretrained": "resnet101.pth", "i3d": "i3d"},
    "rfb-flow": {
        "model.pretrained": "vgg16_reducedfc.pth",
        "model.flow_weights": "pwc.pth",
        "model.published": "rfb_flow.pth",
    },
    "two-stream-yolo": {
        "model.voc": "yolo-voc.weights",
        "model.flow_weights": "flownet2.pth",
        "recognition.clips": "clips",
        "recognition.listed": "trainlist01.txt",
    },
    "yowo": {"model.pretrained_3d": "kinetics.pth", "model.pretrained_2d": "yolo.weights"},
}
"""Method -> the files that its rows leave to be named, and what lies there."""
FOLDERS = {"i3d": ("rgb.npz", "flow.npz"), "clips": ("Run/a.avi", "Jump/b.avi")}


def laid(place: Path, name: str, content: str = "numbers") -> Path:
    """A made-up file or folder of that name; tracks are read, and so are some."""
    if name == TRACKS:
        zero, score = np.zeros(1), np.full(1, len(content))
        one = Tubes(("v",), zero, zero, zero, score, zero, np.ones((1, 4)))
        place.mkdir(parents=True, exist_ok=True)
        write_tubes(place / name, one, {})
        return place / name
    for file in (place / name / inner for inner in FOLDERS[name]) if name in FOLDERS else (place / name,):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{content} of {file.name}")
    return place / name


def request(runs_dir: Path, method: str, place: Path) -> Request:
    """The method's default row at full size with its files, which are laid in ``place`` if they are not."""
    files = GIVEN[method]
    found = {
        key: place / name if (place / name).exists() else laid(place, name) for key, name in files.items()
    }
    overrides = tuple(f"{key}={path}" for key, path in found.items())
    return Request(
        method, "ucf24-mini.micro", variant="full", device="cpu", runs_dir=runs_dir, overrides=overrides
    )


def keys(plan: Plan) -> tuple[Any, ...]:
    """All by which something is found that was computed before."""
    return plan.train_keys, plan.extraction_keys, plan.predict_key, plan.link_key, plan.folder


@pytest.mark.parametrize("method", GIVEN)
def test_a_run_with_its_files_bears_the_name_of_its_row(method: str, runs_dir: Path, tmp_path: Path) -> None:
    plan = Plan.of(request(runs_dir, method, tmp_path / "here"))
    assert plan.label == "full+default"
    assert Plan.of(Request(method, "ucf24-mini.micro", variant="full", runs_dir=runs_dir)).label == plan.label


@pytest.mark.parametrize("method", GIVEN)
def test_moved_files_compute_nothing_anew_and_other_content_does(
    method: str, runs_dir: Path, tmp_path: Path
) -> None:
    before = keys(Plan.of(request(runs_dir, method, tmp_path / "here")))
    (tmp_path / "here").rename(tmp_path / "there")
    assert keys(Plan.of(request(runs_dir, method, tmp_path / "there"))) == before
    for name in GIVEN[method].values():
        other = tmp_path / f"other {name}"
        shutil.copytree(tmp_path / "there", other)
        laid(other, name, "longer content")
        changed = keys(Plan.of(request(runs_dir, method, other)))
        assert not any(a == b for a, b in zip(changed[2:], before[2:])), name


@pytest.mark.parametrize("method", GIVEN)
def test_what_was_given_stays_on_record_by_digest(method: str, runs_dir: Path, tmp_path: Path) -> None:
    plan = Plan.of(request(runs_dir, method, tmp_path / "here"))
    told = announcement(plan)
    identity = told.identity
    assert {key: one.name for key, one in identity.sources.items()} == GIVEN[method]
    for key, name in GIVEN[method].items():
        if name not in FOLDERS:
            assert identity.sources[key].digest == digest_file(tmp_path / "here" / name)
        assert f"{key}: {name} ({identity.sources[key].digest})" in told.tags["files"]
    assert Announcement.decode(told.encode()).identity == identity
    moved = Plan.of(request(runs_dir, method, tmp_path / "elsewhere"))
    assert announcement(moved).identity.configuration == identity.configuration
    assert announcement(moved).identity.config_digest == identity.config_digest


@pytest.mark.parametrize("method", GIVEN)
def test_the_files_are_found_again_for_a_finished_run(method: str, runs_dir: Path, tmp_path: Path) -> None:
    """The label does not say them; the configuration of the result does."""
    asked = request(runs_dir, method, tmp_path / "here")
    plan = Plan.of(asked)
    _, said = settings.of_label(plan.label)
    content = json.loads(json.dumps(plain(plan.method.config)))
    default = row_of(asked)[2]
    assert settings.apply(default, settings.restored(default, said, content)) == plan.method.config


@pytest.mark.parametrize("method", GIVEN)
def test_rows_leave_open_what_may_be_given(method: str) -> None:
    default = row_of(Request(method, "ucf24", variant="full"))[2]
    assert set(GIVEN[method]) <= {key for key, _, value in marked(default) if value == ""}
    assert sources(default) == {}
    assert digest(placeless(default)) == digest(default)
