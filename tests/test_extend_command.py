"""Trackers by name for `bench data extend`: which there are, and where a learned one's weights come from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.commands import data_trackers
from bench.commands.data_trackers import find_tracker
from datasets.mini import tracked, ucf24
from datasets.trackers import TRACKERS
from methods.nn.siamfc import config
from methods.nn.siamfc.network import SiamFC

NARROW = config.FittingConfig(widths=(4, 4, 4, 4, 4), steps=2, batch=1)


def quiet(done: int, total: int) -> None:
    pass


def one_track() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    frames = np.random.default_rng(0).integers(0, 255, (4, 96, 128, 3), np.uint8)
    yield frames, np.tile([30.0, 20.0, 60.0, 80.0], (4, 1))


def test_opencvs_need_nothing(tmp_path: Path) -> None:
    assert find_tracker("CSRT", None, tmp_path, quiet) == ("csrt", TRACKERS["csrt"])
    with pytest.raises(ValueError, match="--weights: kcf learns nothing; --tracker siamfc takes them"):
        find_tracker("kcf", tmp_path / "x.pth", tmp_path, quiet)
    with pytest.raises(ValueError, match="did you mean siamfc"):
        find_tracker("siamfcc", None, tmp_path, quiet)


def test_weights_are_taken_from_a_file(tmp_path: Path) -> None:
    torch.save(SiamFC(NARROW.widths).state_dict(), tmp_path / "file.pth")
    name, tracker = find_tracker("siamfc", tmp_path / "file.pth", tmp_path, quiet)
    assert name.startswith("siamfc-")
    frames, boxes = next(one_track())
    assert tracker(list(frames), boxes[0]).shape == (4, 4)
    with pytest.raises(ValueError, match=r"there is no file .*absent"):
        find_tracker("siamfc", tmp_path / "absent.pth", tmp_path, quiet)
    assert not (tmp_path / "store").exists()


def test_without_weights_a_narrow_one_is_fitted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rendered = []
    monkeypatch.setattr(config, "FittingConfig", lambda: NARROW)
    monkeypatch.setattr(tracked, "training_tracks", lambda: rendered.append(1) or one_track())
    told: list[tuple[int, int]] = []
    first, _ = find_tracker("siamfc", None, tmp_path, lambda done, total: told.append((done, total)))
    again, _ = find_tracker("siamfc", None, tmp_path, quiet)
    assert (first, rendered, told) == (again, [1], [(2, 2)])
    assert len(list((tmp_path / "store" / data_trackers.STEP).iterdir())) == 1


def test_the_rendered_tracks_are_of_people(monkeypatch: pytest.MonkeyPatch) -> None:
    first = next(job.name for job in ucf24.jobs(Path(), tracked.SIZE) if job.name.endswith(tracked.GROUPS))
    monkeypatch.setattr(tracked, "GROUPS", (first,))
    found = list(tracked.training_tracks())
    assert found
    for frames, boxes in found:
        assert frames.shape[1:] == (96, 128, 3)
        assert len(frames) == len(boxes)
        assert (boxes[:, :2] >= 0).all()
        assert (boxes[:, 2:] <= [128, 96]).all()
        assert ((boxes[:, 2:] - boxes[:, :2]) > 4).all()
