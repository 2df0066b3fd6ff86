"""Archives that are hostile, broken, too large, or packed by another program."""

from __future__ import annotations

import shutil
import stat
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from datasets.base import DataError
from datasets.downloads import Placed, place

sys.path.insert(0, str(Path(__file__).parent))
from packed import UCF, contents, jhmdb_files, part, ucf_files, write_tar, write_zip


def unrar(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """A program ``unrar`` that runs this with the archive's path in ``archive``."""
    folder.mkdir()
    program = folder / "unrar"
    program.write_text(f"#!{sys.executable}\nimport os, sys, zipfile\narchive = sys.argv[-1]\n{body}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_rar_is_unpacked_by_another_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_zip(tmp_path / "UCF101.rar", part(ucf_files(), "UCF-101"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DataError, match=r"UCF101\.rar: RAR is unpacked by unrar, bsdtar, 7z, none of which"):
        place("ucf24", path, tmp_path / "ucf24")
    unrar(tmp_path / "bin", monkeypatch, "zipfile.ZipFile(archive).extractall()")
    assert place("ucf24", path, tmp_path / "ucf24") == Placed(new=2, there=0, others=1)
    assert sorted(contents(tmp_path / "ucf24")) == [f"videos/{name}.avi" for name in UCF]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("os.symlink('/etc/passwd', 'v_Biking_g08_c02.avi')", "refused, 'v_Biking_g08_c02.avi' is a link"),
        ("os.mkfifo('v_Biking_g08_c02.avi')", "is a link or a device"),
        ("sys.exit('no rar archive')", "unrar cannot unpack it: no rar archive"),
    ],
)
def test_what_is_wrong_with_a_rar_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, said: str
) -> None:
    (tmp_path / "UCF101.rar").write_bytes(b"Rar!")
    unrar(tmp_path / "bin", monkeypatch, body)
    with pytest.raises(DataError, match=said):
        place("ucf24", tmp_path / "UCF101.rar", tmp_path / "ucf24")
    assert not contents(tmp_path / "ucf24")


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


HOSTILE_NAMES = (
    "/etc/JHMDB-GT.pkl",
    "../JHMDB-GT.pkl",
    "a/../../JHMDB-GT.pkl",
    "..\\JHMDB-GT.pkl",
    "C:\\JHMDB-GT.pkl",
    "a\x07b/JHMDB-GT.pkl",
)
HOSTILE_MEMBERS = (
    link("JHMDB-GT.pkl", "/etc/passwd"),
    link("JHMDB-GT.pkl", "../../secret"),
    link("a/JHMDB-GT.pkl", "../../secret", tarfile.LNKTYPE),
    link("JHMDB-GT.pkl", "", tarfile.CHRTYPE),
    link("JHMDB-GT.pkl", "", tarfile.FIFOTYPE),
)


def refused(tmp_path: Path, archive: Path) -> None:
    """Nothing of the archive is used, and nothing else is touched."""
    before = contents(tmp_path)
    with pytest.raises(DataError, match=rf"{archive.name}: refused, .*official source"):
        place("jhmdb", archive, tmp_path / "in" / "jhmdb")
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", HOSTILE_NAMES)
@pytest.mark.parametrize("write", [write_tar, write_zip])
def test_archives_with_names_that_lead_out_are_refused(
    tmp_path: Path, write: Callable[..., Path], name: str
) -> None:
    suffix = "tar" if write is write_tar else "zip"
    files = part(jhmdb_files(), "splits") | {name: b"evil"}
    refused(tmp_path, write(tmp_path / f"a.{suffix}", files))


@pytest.mark.parametrize("member", HOSTILE_MEMBERS, ids=lambda m: f"{m.type!r}-{m.linkname}")
def test_tars_with_links_that_lead_out_or_devices_are_refused(
    tmp_path: Path, member: tarfile.TarInfo
) -> None:
    (tmp_path / "secret").write_text("secret")
    refused(tmp_path, write_tar(tmp_path / "a.tar.gz", part(jhmdb_files(), "splits"), member))


@pytest.mark.parametrize("mode", [stat.S_IFLNK | 0o777, stat.S_IFIFO | 0o644, stat.S_IFCHR | 0o644])
def test_zips_with_links_or_devices_are_refused(tmp_path: Path, mode: int) -> None:
    refused(tmp_path, write_zip(tmp_path / "a.zip", {"JHMDB-GT.pkl": b"/etc/passwd"}, mode=mode))


@pytest.mark.parametrize("name", ["v.tar.gz", "v.zip"])
def test_broken_archives_are_named_and_what_is_placed_is_whole(tmp_path: Path, name: str) -> None:
    rng = np.random.default_rng(0)
    files = {f"ReCompress_Videos/run/{k}.avi": rng.bytes(30_000) for k in range(10)}
    path = tmp_path / name
    write_tar(path, files) if name.endswith("gz") else write_zip(path, files)
    data = path.read_bytes()
    spoilt = bytearray(data)
    spoilt[len(data) // 2 : len(data) // 2 + 500] = bytes(500)
    for broken in (data[: len(data) // 2], bytes(spoilt), b"no archive", b""):
        path.write_bytes(broken)
        root = tmp_path / f"jhmdb{len(broken)}{broken[:1]!r}"
        with pytest.raises(DataError, match=rf"{name}: .*(not a whole archive|cannot be unpacked)"):
            place("jhmdb", path, root)
        assert all(files[found] == data for found, data in contents(root).items())
    path.write_bytes(data)
    place("jhmdb", path, root)
    assert contents(root) == files


def test_a_member_larger_than_the_disk_is_refused_at_once(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar", {"JHMDB-GT.pkl": b"x" * 600})
    header = bytearray(path.read_bytes())
    header[124:136] = b"\x80" + (1 << 60).to_bytes(11, "big")
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header[:512]):06o}\0 ".encode()
    path.write_bytes(header)
    refused(tmp_path, path)


def test_a_full_disk_is_said_before_it_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_tar(tmp_path / "a.tar", {"JHMDB-GT.pkl": b"x" * 600})
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda where: usage._replace(free=500))
    with pytest.raises(DataError, match=r"a\.tar: JHMDB-GT\.pkl takes 600 bytes, 500 are free: make room"):
        place("jhmdb", path, tmp_path / "jhmdb")
    assert not contents(tmp_path / "jhmdb")
