"""What people download of J-HMDB and UCF101, in little, as folders and archives."""

from __future__ import annotations

import io
import pickle
import stat
import tarfile
import zipfile
from pathlib import Path

import numpy as np

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
