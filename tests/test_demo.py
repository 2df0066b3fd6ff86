"""``bench demo``: videos of every shape, whole or not, and what is written of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest

from bench.demo import demonstrate
from bench.files.store import digest, digest_file
from bench.runs.reopen import Finished
from bench.runs.reporter import Reporter
from bench.runs.trained import checkpoints
from bench.showing.scenes import Choice
from bench.training import Compute
from bench.video.writing import write_video

sys.path.insert(0, str(Path(__file__).parent / "outsider"))
import centre_box

CLASSES = ("run", "jump", "swim")


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    import methods.base as base

    there = base.available() | {"centre-box": "centre_box:CentreBox"}
    monkeypatch.setattr(base, "available", lambda: there)


@pytest.fixture
def run(tmp_path: Path) -> Finished:
    """A finished run of a method that says a box of each class in every frame."""
    return finished(tmp_path)


def finished(tmp_path: Path, **changed: Any) -> Finished:
    identity: dict[str, Any] = {
        "method": "centre-box", "variant": "tiny+default", "config_digest": digest(centre_box.Config()),
        "config": {}, "checkpoint_digests": {}, "code_version": "0.0.9",
    }  # fmt: skip
    result: Any = SimpleNamespace(
        identity=SimpleNamespace(**identity | changed), dataset="ucf24-mini@1.micro", inputs={"net": "k"},
        per_class={"frame_ap/0.50": dict.fromkeys(CLASSES)},
    )  # fmt: skip
    (tmp_path / "store").mkdir(exist_ok=True)
    return Finished(tmp_path / "ucf24-mini@1.micro" / "centre", result, tmp_path)


def film(path: Path, frames: int, width: int, height: int) -> Path:
    write_video(path, (np.full((height, width, 3), 10 + k % 200, np.uint8) for k in range(frames)), 25)
    return path


def shown(file: Path, run: Finished, out: Path) -> dict[str, Any]:
    """The JSON that is written; the other files are there and the film is whole."""
    demo = demonstrate(file, run, Compute("cpu"), Reporter())
    files = demo.write(out, Choice())
    assert [path.suffix for path in files] == [".json", ".mp4", ".png", ".svg"]
    assert all(path.stat().st_size for path in files)
    with av.open(str(files[1])) as container:
        assert sum(1 for _ in container.decode(video=0)) == demo.frames
    content: dict[str, Any] = json.loads(files[0].read_text())
    return content


@pytest.mark.parametrize(("frames", "width", "height"), [(12, 96, 160), (5, 8, 6), (4, 2048, 1152)])
def test_any_size_and_shape(frames: int, width: int, height: int, run: Finished, tmp_path: Path) -> None:
    """A box of half the frame in its middle, in pixels of the file's own frames."""
    found = shown(film(tmp_path / "clip.mp4", frames, width, height), run, tmp_path / "out")
    assert (found["frames"], found["width"], found["height"]) == (frames, width, height)
    assert sorted(tube["class"] for tube in found["tubes"]) == sorted(CLASSES)
    tube = found["tubes"][0]
    assert (tube["start"], tube["end"], tube["frames"]) == (0, frames, list(range(frames)))
    assert (tube["start_seconds"], tube["end_seconds"]) == (0, round(frames / 25, 3))
    box = [0.25 * width, 0.25 * height, 0.75 * width, 0.75 * height]
    np.testing.assert_allclose(tube["boxes"][0], box, atol=0.01)
    assert len(tube["scores"]) == frames


def test_one_frame_is_no_tube_but_no_error_either(run: Finished, tmp_path: Path) -> None:
    """Online linking wants four boxes."""
    found = shown(film(tmp_path / "one.mp4", 1, 64, 48), run, tmp_path / "out")
    assert (found["frames"], found["tubes"]) == (1, [])


def test_a_portrait_is_said_to_be_squeezed(run: Finished, tmp_path: Path) -> None:
    upright = shown(film(tmp_path / "upright.mp4", 3, 48, 96), run, tmp_path / "out")
    (note,) = upright["notes"]
    assert note.startswith("frames of 48x96 are squeezed to the network's 64x48")
    assert shown(film(tmp_path / "usual.mp4", 3, 96, 72), run, tmp_path / "out")["notes"] == []


def test_a_folder_of_frames(run: Finished, tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "frames").mkdir()
    for number in range(3):
        Image.new("RGB", (40, 30)).save(tmp_path / f"frames/{number:03d}.png")
    assert shown(tmp_path / "frames", run, tmp_path / "out")["frames"] == 3


def test_what_is_no_video_is_refused_by_name(run: Finished, tmp_path: Path) -> None:
    whole = film(tmp_path / "whole.mp4", 20, 64, 48).read_bytes()
    (tmp_path / "half.mp4").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "folder").mkdir()
    for name in ("half.mp4", "empty.mp4", "text.mp4", "folder", "absent.mp4"):
        with pytest.raises(ValueError, match=name):
            demonstrate(tmp_path / name, run, Compute("cpu"), Reporter())


def test_nothing_found_is_written_too(run: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(self: Any, predictions: Any, *_: Any) -> Any:
        return predictions[:0], centre_box.Config().postprocess.tubes(predictions[:0])

    monkeypatch.setattr(centre_box.CentreBox, "postprocess", nothing)
    assert shown(film(tmp_path / "clip.mp4", 4, 64, 48), run, tmp_path / "out")["tubes"] == []


def test_a_method_without_tubes_is_refused(
    run: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(centre_box.CentreBox, "postprocess", lambda self, rows, *_: (rows, None))
    with pytest.raises(ValueError, match="Centre box makes no tubes"):
        demonstrate(film(tmp_path / "clip.mp4", 4, 64, 48), run, Compute("cpu"), Reporter())


def test_another_configuration_is_refused(tmp_path: Path) -> None:
    run = finished(tmp_path, config_digest="0")
    with pytest.raises(ValueError, match=r"reads otherwise in this version; it was made by version 0\.0\.9"):
        demonstrate(film(tmp_path / "clip.mp4", 4, 64, 48), run, Compute("cpu"), Reporter())


def test_a_checkpoint_must_be_there_and_the_same(tmp_path: Path) -> None:
    run = finished(tmp_path, checkpoint_digests={"net": "0"})
    with pytest.raises(ValueError, match=r"checkpoint of stage net is gone \(.*k/checkpoint\.pt\)"):
        checkpoints(run)
    path = run.store.folder("train", "k") / "checkpoint.pt"
    path.write_bytes(b"weights")
    with pytest.raises(ValueError, match="is not the checkpoint"):
        checkpoints(run)
    assert checkpoints(finished(tmp_path, checkpoint_digests={"net": digest_file(path)})) == {"net": path}


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Videos above 100 kB of frames are long: never whole in memory."""
    from bench.video import reader

    monkeypatch.setattr(reader, "SHORT", 100_000)
    reader.kept_frames.clear()
    yield
    reader.kept_frames.clear()


@pytest.mark.usefixtures("little")
def test_a_long_video_is_read_piece_by_piece(run: Finished, tmp_path: Path) -> None:
    found = shown(film(tmp_path / "long.mp4", 150, 64, 48), run, tmp_path / "out")
    assert found["frames"] == 150
    assert {tube["end"] for tube in found["tubes"]} == {150}
