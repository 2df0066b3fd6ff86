"""Downloads put into the layout: folders, archives, hostile and broken ones, and what is still missing."""

from __future__ import annotations

import io
import os
import pickle
import shutil
import stat
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from bench.commands.data import command
from datasets.base import DataError
from datasets.downloads import Placed, place, still_missing
from datasets.jhmdb import Jhmdb
from datasets.places import PLACES, UCF24_CLASSES
from datasets.ucf24 import Ucf24

CLIPS = ("run/Goal!_(it's)_run_f_nm_np1_ba_med_0", "walk/b_walk_u_nm_np1_fr_med_1")
UCF = ("Basketball/v_Basketball_g01_c01", "Biking/v_Biking_g08_c02")


def jhmdb_files() -> dict[str, bytes]:
    """What J-HMDB's downloads hold, by path."""
    rows_N5 = np.array([[t + 1, 8, 8, 40, 40] for t in range(3)], np.float32)
    truth = {
        "labels": ["run", "walk"],
        "gttubes": {name: {label: [rows_N5]} for label, name in enumerate(CLIPS)},
        "nframes": dict.fromkeys(CLIPS, 3),
        "train_videos": [[CLIPS[0]]] * 3,
        "test_videos": [[CLIPS[1]]] * 3,
        "resolution": dict.fromkeys(CLIPS, (48, 64)),
    }
    found = {f"ReCompress_Videos/{name}.avi": name.encode() * 100 for name in CLIPS}
    found |= {f"puppet_mask/{name}/puppet_mask.mat": b"mask" for name in CLIPS}
    found |= {f"splits/{c}_test_split{n}.txt": b"x.avi 1\n" for c in ("run", "walk") for n in (1, 2, 3)}
    return found | {"JHMDB-GT.pkl": pickle.dumps(truth), "README.txt": b"of no use"}


def ucf_files() -> dict[str, bytes]:
    """What UCF101's downloads hold, by path: a class that is not annotated too."""
    boxes = np.array([[1, 1, 10, 20]] * 4, np.uint8)
    truth = {
        name: {"numf": 4, "label": label, "annotations": [{"label": label, "sf": 0, "ef": 4, "boxes": boxes}]}
        for label, name in enumerate(UCF)
    }
    found = {f"UCF-101/{name}.avi": name.encode() for name in (*UCF, "Archery/v_Archery_g01_c01")}
    for n in (1, 2, 3):
        found[f"ucfTrainTestlist/trainlist0{n}.txt"] = f"{UCF[0]}.avi 1\n".encode()
        found[f"ucfTrainTestlist/testlist0{n}.txt"] = f"{UCF[1]}.avi\n".encode()
    return found | {
        "annots/splitfiles/pyannot.pkl": pickle.dumps(truth),
        "ucfTrainTestlist/classInd.txt": b"1 A",
    }


def write_folder(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def write_tar(path: Path, files: dict[str, bytes], *more: tarfile.TarInfo) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, f"w:{path.suffix[1:].replace('tgz', 'gz').replace('tar', '')}") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        for member in more:
            archive.addfile(member, io.BytesIO(bytes(member.size)))
    return path


def write_zip(path: Path, files: dict[str, bytes], **modes: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = modes.get("mode", stat.S_IFREG | 0o644) << 16
            archive.writestr(info, data)
    return path


def part(files: dict[str, bytes], start: str) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if name.startswith(start)}


def contents(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def jhmdb_wanted() -> dict[str, bytes]:
    return {name: data for name, data in jhmdb_files().items() if name != "README.txt"}


def test_unpacked_folders_are_linked(tmp_path: Path) -> None:
    downloads = write_folder(tmp_path / "downloads" / "deeper", jhmdb_files()).parent
    root = tmp_path / "data" / "jhmdb"
    assert place("jhmdb", downloads, root) == Placed(new=11, there=0, others=1)
    assert contents(root) == jhmdb_wanted()
    video = f"ReCompress_Videos/{CLIPS[0]}.avi"
    assert os.path.samefile(root / video, downloads / "deeper" / video)
    assert not (root / video).is_symlink()
    assert Jhmdb(root).video_path(CLIPS[0]) == root / video
    assert still_missing(Jhmdb, root) == []
    assert place("jhmdb", downloads, root) == Placed(new=0, there=11, others=1)


def test_copies_are_made_where_they_are_asked_for_or_links_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    downloads = write_folder(tmp_path / "downloads", jhmdb_files())
    video = f"ReCompress_Videos/{CLIPS[0]}.avi"

    def no_link(*_: object) -> None:
        raise OSError("another file system")

    place("jhmdb", downloads, tmp_path / "copied", copy=True)
    monkeypatch.setattr(os, "link", no_link)
    place("jhmdb", downloads, tmp_path / "unlinkable")
    for root in (tmp_path / "copied", tmp_path / "unlinkable"):
        assert contents(root) == jhmdb_wanted()
        assert not os.path.samefile(root / video, downloads / video)


def test_archives_of_every_kind_are_unpacked(tmp_path: Path) -> None:
    files, downloads = jhmdb_files(), tmp_path / "downloads"
    dotted = {f"./{name}": data for name, data in part(files, "ReCompress_Videos").items()}
    write_tar(downloads / "ReCompress_Videos.tar.gz", dotted)
    write_zip(downloads / "puppet_mask.zip", part(files, "puppet_mask"))
    write_tar(downloads / "splits.tar.bz2", part(files, "splits"))
    write_tar(downloads / "more" / "truth.tar", {"a/b/JHMDB-GT.pkl": files["JHMDB-GT.pkl"]})
    told: list[str] = []
    placed = place("jhmdb", downloads, tmp_path / "jhmdb", tell=lambda path: told.append(path.name))
    assert placed == Placed(new=11, there=0, others=0)
    assert contents(tmp_path / "jhmdb") == jhmdb_wanted()
    assert sorted(told) == ["ReCompress_Videos.tar.gz", "puppet_mask.zip", "splits.tar.bz2", "truth.tar"]


def test_an_archive_without_its_outer_folder_is_understood_by_its_name(tmp_path: Path) -> None:
    files = part(jhmdb_files(), "ReCompress_Videos/")
    inner = {name.removeprefix("ReCompress_Videos/"): data for name, data in files.items()}
    path = write_tar(tmp_path / "ReCompress_Videos.tgz", inner)
    assert place("jhmdb", path, tmp_path / "jhmdb").new == 2
    assert contents(tmp_path / "jhmdb") == files


def test_ucf101_keeps_the_annotated_classes(tmp_path: Path) -> None:
    files, downloads, root = ucf_files(), tmp_path / "downloads", tmp_path / "data" / "ucf24"
    write_zip(downloads / "UCF101.zip", part(files, "UCF-101"))
    write_zip(downloads / "UCF101TrainTestSplits-RecognitionTask.zip", part(files, "ucfTrainTestlist"))
    write_folder(downloads / "corrected", part(files, "annots"))
    assert place("ucf24", downloads, root) == Placed(new=10, there=0, others=1)
    assert sorted(contents(root))[-2:] == [f"videos/{name}.avi" for name in UCF]
    assert still_missing(Ucf24, root) == []
    assert Ucf24(root).split("1").test == (UCF[1],)


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


def test_another_file_in_the_place_is_not_overwritten(tmp_path: Path) -> None:
    downloads = write_folder(tmp_path / "downloads", jhmdb_files())
    write_folder(tmp_path / "jhmdb", {"JHMDB-GT.pkl": b"mine"})
    with pytest.raises(
        DataError, match=r"JHMDB-GT\.pkl is there with 4 bytes, .* remove the one that is wrong"
    ):
        place("jhmdb", downloads, tmp_path / "jhmdb")
    assert (tmp_path / "jhmdb/JHMDB-GT.pkl").read_bytes() == b"mine"


def test_the_data_root_may_lie_in_the_downloads(tmp_path: Path) -> None:
    downloads = write_folder(tmp_path / "downloads", jhmdb_files())
    os.mkfifo(downloads / "ReCompress_Videos" / "pipe.avi")
    for _ in range(2):
        place("jhmdb", downloads, downloads / "data" / "jhmdb")
    assert contents(downloads / "data" / "jhmdb") == jhmdb_wanted()


@given(
    st.lists(
        st.text(
            st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1, max_size=9
        ),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from(["JHMDB-GT.pkl", "x.avi", "v_Biking_g08_c02.avi", "puppet_mask.mat", "00001.jpg"]),
    st.sampled_from(sorted(PLACES)),
)
def test_places_are_below_the_root(folders: list[str], name: str, dataset: str) -> None:
    clean = [folder for folder in folders if folder not in (".", "..")]
    for above in ("ReCompress_Videos", "puppet_mask", "rgb-images", "Rename_Images"):
        found = PLACES[dataset](PurePosixPath(above, *clean, name))
        assert found is None or (not found.is_absolute() and ".." not in found.parts and found.name == name)


@pytest.mark.realdata
def test_the_annotated_classes_of_ucf101_are_those(shared: Path) -> None:
    assert set(Ucf24(shared / "data/ucf24").classes) == UCF24_CLASSES


def test_the_command_says_what_is_missing(tmp_path: Path) -> None:
    files, data = jhmdb_files(), tmp_path / "data"

    def prepare(*words: object) -> tuple[int, str]:
        done = CliRunner().invoke(command, ["prepare", *map(str, words), "--data-root", str(data)])
        assert done.exception is None or isinstance(done.exception, SystemExit)
        return done.exit_code, done.output

    some = write_folder(tmp_path / "some", part(files, "splits") | part(files, "JHMDB-GT"))
    code, said = prepare("jhmdb", "--from", some)
    assert code == 1
    assert "7 files put in place, 0 were there, 0 of no use" in said
    assert f"missing   2 of 2 videos: {CLIPS[0]}, {CLIPS[1]}" in said
    assert "`bench data list` says where to get it" in said
    rest = write_tar(tmp_path / "ReCompress_Videos.tar.gz", part(files, "ReCompress_Videos"))
    code, said = prepare("J-HMDB", "--from", rest)
    assert code == 0
    assert "`bench data check jhmdb` reads all of it" in said
    code, said = prepare("ucf24", "--from", some)
    assert code == 1
    assert "pyannot.pkl" in said


def test_what_cannot_be_prepared_is_said(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match="unknown dataset that can be prepared 'daly'; there are: jhmdb, ucf24"
    ):
        place("daly", tmp_path, tmp_path / "daly")
    with pytest.raises(DataError, match="no such folder or archive"):
        place("jhmdb", tmp_path / "gone", tmp_path / "jhmdb")
    done = CliRunner().invoke(command, ["prepare", "jhmdb", "--from", str(tmp_path)])
    assert "--data-root or BENCH_DATA" in str(done.exception)
