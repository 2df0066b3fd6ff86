"""Files that a configuration names: what is a difference, what is kept of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from bench.files.store import digest_file, plain
from bench.runs.settings import apply, differences, of_label, restored
from bench.sources import SOURCE, Source, digest_source, placeless, recorded, sources


@dataclass(frozen=True)
class Model:
    start: str = field(default="", metadata=SOURCE)
    more: str | None = field(default=None, metadata=SOURCE)
    clips: str | None = field(default="own", metadata=SOURCE | {"words": ("own",)})
    width: int = 8


@dataclass(frozen=True)
class Config:
    model: Model = Model()
    name: str = ""


DEFAULT = Config()
PATH = "/some folder/weights.pth"


@pytest.mark.parametrize(
    ("setting", "label"),
    [
        (f"model.start={PATH}", []),
        (f"model.more={PATH}", ["model.more=weights.pth"]),
        ("model.clips=/data/kinetics/", ["model.clips=kinetics"]),
        ("model.clips=none", ["model.clips=None"]),
        (f"name={PATH}", [f"name={PATH}"]),
    ],
)
def test_a_file_that_a_row_leaves_open_is_no_difference_and_of_others_the_name_is_said(
    setting: str, label: list[str]
) -> None:
    config = apply(DEFAULT, [setting])
    assert differences(DEFAULT, config) == label
    _, said = of_label(" ".join(["full+row", *label]))
    assert apply(DEFAULT, restored(DEFAULT, said, plain(config))) == config


def test_words_and_what_is_left_out_are_no_files() -> None:
    assert sources(DEFAULT) == {}
    assert placeless(DEFAULT) is DEFAULT
    open_row = replace(DEFAULT, model=replace(DEFAULT.model, clips=""))
    assert differences(open_row, apply(open_row, ["model.clips=own"])) == ["model.clips=own"]


def test_what_a_run_was_given_is_told_by_name_and_content(tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    file.write_bytes(b"numbers")
    config = apply(DEFAULT, [f"model.start={file}", "model.width=4"])
    assert sources(config) == {"model.start": Source("weights.pth", digest_file(file))}
    assert placeless(config) == replace(DEFAULT, model=replace(DEFAULT.model, width=4))
    file.unlink()
    with pytest.raises(ValueError, match=r"model\.start: no file or folder .*weights\.pth"):
        sources(config)


def test_a_result_that_knows_fewer_fields_changes_nothing() -> None:
    assert recorded(DEFAULT, {"model": {"width": 4}}) == []
    assert recorded(DEFAULT, {}) == []


def test_a_folder_is_known_by_its_files_and_by_names_and_sizes_in_its_folders(tmp_path: Path) -> None:
    def made(name: str, weights: bytes = b"rgb", clip: bytes = b"video", **more: bytes) -> str:
        folder = tmp_path / name
        (folder / "Class" / "frames").mkdir(parents=True)
        (folder / "rgb.npz").write_bytes(weights)
        (folder / "Class" / "clip.avi").write_bytes(clip)
        (folder / "Class" / "frames" / "1.jpg").write_bytes(b"deeper")
        for other, content in more.items():
            (folder / other).write_bytes(content)
        return digest_source(folder)

    first = made("first")
    assert made("second") == first
    assert made("hidden", **{".listing": b"x"}) == first
    assert made("same size, not read", clip=b"other") == first
    assert made("other weights", weights=b"gbr") != first
    assert made("other size", clip=b"longer video") != first
    assert made("one file more", flow=b"") != first
    with pytest.raises(FileNotFoundError):
        digest_source(tmp_path / "nothing")
