"""Downloads put into the layout: folders and archives, and what is said of what is still missing."""

from __future__ import annotations

import os
import sys
from pathlib import Path, PurePosixPath

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

sys.path.insert(0, str(Path(__file__).parent))
from packed import (
    CLIPS,
    UCF,
    contents,
    jhmdb_files,
    jhmdb_wanted,
    part,
    ucf_files,
    write_folder,
    write_tar,
    write_zip,
)


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
        ValueError, match="daly is put in place by hand, as `bench datasets` says; prepared are jhmdb, ucf24"
    ):
        place("daly", tmp_path, tmp_path / "daly")
    with pytest.raises(DataError, match="no such folder or archive"):
        place("jhmdb", tmp_path / "gone", tmp_path / "jhmdb")
    done = CliRunner().invoke(command, ["prepare", "jhmdb", "--from", str(tmp_path)])
    assert "--data-root or BENCH_DATA" in str(done.exception)
