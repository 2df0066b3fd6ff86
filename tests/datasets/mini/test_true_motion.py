"""The true motion of rendered videos, against how they are drawn and against their pictures."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.mini import flow_error, jhmdb, ucf24
from datasets.mini.motion import TrueMotion, _pieces, _similarity, training_clips, true_motion
from datasets.mini.render import Job, frames_of, staged
from datasets.mini.scene import ZOOM, far_to_near
from datasets.mini.stage import VIEW

JOBS = [*ucf24.jobs(Path(), "micro")[1::9], *jhmdb.jobs(Path(), "micro")[1::9]]


def named(job: Job) -> str:
    return job.name


@pytest.fixture(scope="module", params=JOBS[::3], ids=named)
def seen(request: pytest.FixtureRequest) -> tuple[np.ndarray, TrueMotion]:
    return frames_of(request.param)[0].astype(np.float32).mean(-1), true_motion(request.param)


def brought_back(grey_THW: np.ndarray, truth: TrueMotion, t: int) -> np.ndarray:
    """Frame t + 1 as it looked in frame t, at the exposure of frame t."""
    y, x = np.mgrid[: grey_THW.shape[1], : grey_THW.shape[2]].astype(np.float32)
    u, v = np.moveaxis(truth.flow_THW2[t], -1, 0)
    later = cv2.remap(grey_THW[t + 1], x + u, y + v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return later * (np.median(grey_THW[t]) / np.median(later))


def test_moving_figures_are_found_again_where_the_flow_says(seen: tuple[np.ndarray, TrueMotion]) -> None:
    grey, truth = seen
    moved = [
        np.abs(brought_back(grey, truth, t) - grey[t])[truth.moving_THW[t]] for t in range(len(grey) - 1)
    ]
    still = [np.abs(grey[t + 1] - grey[t])[truth.moving_THW[t]] for t in range(len(grey) - 1)]
    assert np.concatenate(still).mean() > 2.5 * np.concatenate(moved).mean()


def test_shapes_and_the_last_field(seen: tuple[np.ndarray, TrueMotion]) -> None:
    grey, truth = seen
    assert truth.flow_THW2.shape == (*grey.shape, 2)
    assert truth.flow_THW2.dtype == np.float32
    assert truth.figure_THW.shape == grey.shape
    assert truth.camera_T2.shape == (len(grey), 2)
    np.testing.assert_array_equal(truth.flow_THW2[-1], truth.flow_THW2[-2])
    assert not (truth.moving_THW & ~truth.figure_THW).any()
    flow, figure = truth.flow_THW2[:-1], truth.figure_THW[:-1]
    camera = np.broadcast_to(truth.camera_T2[:-1, None, None], flow.shape)
    np.testing.assert_array_equal(flow[~figure], camera[~figure])


@pytest.mark.parametrize("job", JOBS, ids=named)
def test_the_background_moves_as_the_camera(job: Job) -> None:
    """To the pixel, on the picture that is drawn upon."""
    scene, truth = staged(job), true_motion(job)
    views = [scene.backdrop.view(number, frame.shake) for number, frame in enumerate(scene.frames)]
    for (now, following), camera in zip(pairwise(views), truth.camera_T2):
        u, v = (camera * ZOOM).astype(int)
        rows = slice(max(0, -v), VIEW[1] - max(0, v))
        columns = slice(max(0, -u), VIEW[0] - max(0, u))
        there = following[rows.start + v : rows.stop + v, columns.start + u : columns.stop + u]
        np.testing.assert_array_equal(now[rows, columns], there)


@pytest.mark.parametrize("job", JOBS, ids=named)
def test_every_piece_takes_its_joints_along(job: Job) -> None:
    scene = staged(job)
    people = [person for _, person in far_to_near(scene.actors, scene.idle)]
    drawn = [_pieces(people, number, 10.0, frame.shake) for number, frame in enumerate(scene.frames)]
    for now, following in pairwise(drawn):
        assert len(now) == len(following)
        for before, after in zip(now, following):
            turn, shift = _similarity(before, after)
            moved = [turn * complex(*point) + shift for point in before.points]
            np.testing.assert_allclose(moved, [complex(*point) for point in after.points], atol=1e-6)


@pytest.mark.parametrize("job", JOBS[::4], ids=named)
def test_figures_are_where_something_is_drawn(job: Job) -> None:
    scene, truth = staged(job), true_motion(job)
    for t in (0, len(scene.frames) // 2):
        view = scene.backdrop.view(t, scene.frames[t].shake)
        bare = cv2.resize(view, None, fx=1 / ZOOM, fy=1 / ZOOM, interpolation=cv2.INTER_AREA).astype(float)
        seen = scene.frames[t].pixels.astype(float)
        drawn = np.abs(seen - bare * np.median(seen / np.maximum(bare, 1))).max(-1) > 30
        assert (drawn & truth.figure_THW[t]).sum() > 0.8 * drawn.sum() > 0
        assert (drawn & truth.figure_THW[t]).sum() > 0.6 * truth.figure_THW[t].sum()


def test_errors_are_means_over_their_pixels() -> None:
    flow = np.zeros((3, 2, 4, 2), np.float32)
    flow[:, 0, 0] = (3, 4)
    flow[:, 1, 0] = (0, 0.4)
    figure = np.zeros((3, 2, 4), bool)
    figure[:, :, 0] = True
    truth = TrueMotion(flow, np.zeros((3, 2), np.float32), figure)
    assert flow_error.error([flow], [truth]) == flow_error.Finding(0, 0, 0)
    found = np.full_like(flow, 0)
    found[-1] = 99  # the last field has no following frame
    off = flow_error.error([found, found], [truth, truth])
    assert off.everywhere == pytest.approx(5.4 / 8)
    assert off.moving == pytest.approx(5)
    assert off.background == 0


def test_the_table_has_a_row_for_every_source(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(flow_error, "names", lambda: ["dis", "raft"])
    monkeypatch.setattr(flow_error, "tested_jobs", lambda: ucf24.jobs(tmp_path, "small")[:1])
    monkeypatch.setenv("BENCH_RAFT_WEIGHTS", str(tmp_path / "none"))
    monkeypatch.setattr("sys.argv", ["flow_error"])
    flow_error.main()
    out = capsys.readouterr().out
    still, dis = (
        [float(cell) for cell in line.split("|")[2:5]]
        for line in out.splitlines()
        if "no motion" in line or "dis" in line[:8]
    )
    assert all(found < 0.8 * nothing for found, nothing in zip(dis, still))
    assert "| `raft` | - | - | - | - | - |" in out
    assert "BENCH_RAFT_WEIGHTS names" in out
    assert "python -m datasets.mini.flow_error raft" in out
    assert "1 videos, 12 pairs" in out


def test_the_table_is_of_test_videos_of_every_class() -> None:
    jobs = flow_error.tested_jobs()
    assert [job.label for job in jobs] == list(range(24))
    assert {ucf24.group_of(job.name) for job in jobs} == {1}


def test_clips_to_learn_from_are_training_videos() -> None:
    job = next(job for job in ucf24.jobs(Path(), "small") if ucf24.group_of(job.name) >= 8)
    frames, flow = next(training_clips())
    np.testing.assert_array_equal(frames, frames_of(job)[0])
    np.testing.assert_array_equal(flow, true_motion(job).flow_THW2)
