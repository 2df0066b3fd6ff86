"""Names of videos that may be hostile, the files they stand for, and lists that may be broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from datasets.base import DataError
from datasets.files import ENDINGS, check_name, find_video, read_lines

HOSTILE = {
    "/etc/passwd": "leads out",
    "//etc/passwd": "leads out",
    "../secret": "leads out",
    "Class/../../secret": "leads out",
    "..": "leads out",
    "Class/..": "leads out",
    "": "empty part",
    "Class//v": "empty part",
    "Class/": "empty part",
    "./v": "empty part",
    "Class/\0v": "control character",
    "Class/v\n": "control character",
    "Class/\x7f": "control character",
    "..\\secret": "backslash",
    "C:\\Windows": "backslash",
    "Class/\ud800": "no Unicode",
    "v" * 241: "too long",
    "/".join(["v" * 100] * 12): "too long",
}
STRANGE = (
    "run/Goal!_(it's)_&_ünï",
    "-JxYbelw4Ls.mp4",
    "a...b/..c",
    "v 1",
    "~/v",
    "$HOME",
    "%2e%2e",
    "v" * 240,
)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_refused_with_the_name_and_the_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError) as refused:
        check_name(name, "list.txt, line 3")
    assert str(refused.value).startswith("list.txt, line 3: the video name")
    assert HOSTILE[name] in str(refused.value)
    assert repr(name)[:100].rstrip("'") in str(refused.value)
    with pytest.raises(DataError, match=HOSTILE[name]):
        find_video(tmp_path, ("videos",), name)


@pytest.mark.parametrize("name", [b"v", 3, None, ("a", "b"), ["v"]])
def test_what_is_no_text_is_no_name(name: object) -> None:
    with pytest.raises(DataError, match=f"not {type(name).__name__}"):
        check_name(name, "list.txt")


@pytest.mark.parametrize("name", STRANGE)
def test_strange_names_that_stay_inside_are_taken_as_they_are(tmp_path: Path, name: str) -> None:
    assert check_name(name, "list.txt") == name
    path = tmp_path / "videos" / f"{name.removesuffix('.mp4')}.mkv"
    path.parent.mkdir(parents=True)
    path.touch()
    assert find_video(tmp_path, ("videos",), name) == path


def test_files_of_any_usual_kind_come_before_folders_of_frames(tmp_path: Path) -> None:
    folders = ("videos", "more", "frames")
    assert find_video(tmp_path, folders, "Class/v") is None
    frames = tmp_path / "frames" / "Class" / "v"
    frames.mkdir(parents=True)
    assert find_video(tmp_path, folders, "Class/v") == frames
    (tmp_path / "more" / "Class").mkdir(parents=True)
    for suffix in reversed(ENDINGS):
        path = tmp_path / "more" / "Class" / f"v{suffix}"
        path.touch()
        assert find_video(tmp_path, folders, "Class/v") == path
        assert find_video(tmp_path, folders, "Class/v.webm") == path
    assert find_video(tmp_path, folders, "Class/v2") is None


def test_links_may_not_lead_out_of_the_data_root(tmp_path: Path) -> None:
    root, outside = tmp_path / "data", tmp_path / "outside"
    (root / "videos").mkdir(parents=True)
    (root / "frames").mkdir()
    outside.mkdir()
    (outside / "secret.mp4").touch()
    (outside / "folder").mkdir()
    (root / "videos" / "file.mp4").symlink_to(outside / "secret.mp4")
    (root / "videos" / "Class").symlink_to(outside)
    (root / "frames" / "folder").symlink_to(outside / "folder")
    for name in ("file", "Class/secret", "folder"):
        with pytest.raises(DataError, match=rf"the video '{name}' is a link to .*outside.*; move the file"):
            find_video(root, ("videos", "frames"), name)


def test_a_whole_folder_may_be_a_link_and_links_inside_may_be_used(tmp_path: Path) -> None:
    root, disk = tmp_path / "data", tmp_path / "disk"
    (disk / "Class").mkdir(parents=True)
    (disk / "Class" / "v.mp4").touch()
    (disk / "Class" / "w.mp4").symlink_to(disk / "Class" / "v.mp4")
    root.mkdir()
    (root / "videos").symlink_to(disk)
    (tmp_path / "linked").symlink_to(root)
    for start in (root, tmp_path / "linked"):
        assert find_video(start, ("videos",), "Class/v") == start / "videos/Class/v.mp4"
        assert find_video(start, ("videos",), "Class/w") == start / "videos/Class/w.mp4"


def test_lines_are_numbered_and_stripped(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes("\ufeffone\r\n\n  two \n".encode())
    assert read_lines(path) == [(1, "one"), (3, "two")]
    path.write_bytes(b"one\n\xff\xfe\n")
    with pytest.raises(DataError, match=r"list\.txt: no text in UTF-8 .*byte 4"):
        read_lines(path)
    with pytest.raises(DataError, match=r"gone\.txt: cannot be read"):
        read_lines(tmp_path / "gone.txt")
    with pytest.raises(DataError, match="cannot be read"):
        read_lines(tmp_path)
