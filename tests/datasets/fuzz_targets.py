"""A small whole file of every kind that the datasets read, how it is written and how it is read."""

from __future__ import annotations

import pickle
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.io import savemat

from bench.interop.ava import read_label_map
from datasets.ava import AvaV22
from datasets.base import Dataset
from datasets.custom import Custom
from datasets.daly import Daly
from datasets.jhmdb import Jhmdb
from datasets.ucf24 import Ucf24

sys.path.insert(0, str(Path(__file__).parent))
import daly_example


@dataclass(frozen=True)
class Target:
    """A file of a dataset: how to write a whole one from its content, and how it is read."""

    file: str
    content: Any
    write: Callable[[Path, Any], None]
    read: Callable[[Path], object]
    is_pickle: bool = False


def read_all(kind: type[Dataset]) -> Callable[[Path], object]:
    """Everything of a dataset that is annotation."""

    def read(root: Path) -> object:
        data = kind(root)
        truth = data.ground_truth()
        return truth, [data.split(name) for name in data.splits[:1]], data.quirks()

    return read


def write_pickle(path: Path, content: Any) -> None:
    path.write_bytes(pickle.dumps(content, protocol=random.randrange(6)))


def write_mat(name: str) -> Callable[[Path, Any], None]:
    def write(path: Path, content: Any) -> None:
        savemat(path, {name: content}, do_compression=bool(random.randrange(2)))

    return write


def write_text(path: Path, content: str) -> None:
    path.write_text(content, encoding="utf-8", errors="surrogatepass")


def write_parquet(path: Path, content: dict[str, Any]) -> None:
    pq.write_table(pa.table(content), path)


UCF = ("Alpha/v_Alpha_g01_c01", "Alpha/v_Alpha_g08_c02", "Beta/v_Beta_g01_c01", "Beta/v_Beta_g08_c01")


def ucf_content() -> dict[str, Any]:
    boxes = np.arange(24, dtype=np.uint8).reshape(6, 4) + 1
    return {
        name: {
            "numf": np.uint8(9),
            "label": name.startswith("Beta") + 0,
            "annotations": [
                {"label": name.startswith("Beta") + 0, "sf": 1, "ef": 7, "boxes": boxes + number}
            ],
        }
        for number, name in enumerate(UCF)
    }


def mat_content() -> Any:
    rows = np.zeros((1, len(UCF)), [("num_imgs", "O"), ("name", "O"), ("tubes", "O")])
    for i, (name, video) in enumerate(ucf_content().items()):
        tubes = np.zeros((1, 1), [(field, "O") for field in ("ef", "sf", "class", "boxes")])
        one = video["annotations"][0]
        tubes[0, 0] = (np.uint8(7), np.uint8(2), np.uint8(one["label"] + 1), one["boxes"])
        rows[0, i] = (video["numf"], name, tubes)
    return rows


CLIPS = ("clap/A_clap_f_cm_np1_fr_bad_0", "run/B_run_f_cm_np1_fr_bad_0", "run/C_run_f_cm_np1_fr_bad_1")


def act_content() -> dict[str, Any]:
    rows = np.column_stack([np.arange(5) + 1, np.arange(20).reshape(5, 4)]).astype(np.float32)
    return {
        "labels": ["clap", "run"],
        "gttubes": {name: {name.startswith("run") + 0: [rows]} for name in CLIPS},
        "nframes": dict.fromkeys(CLIPS, 6),
        "resolution": dict.fromkeys(CLIPS, (24, 32)),
        "train_videos": [list(CLIPS[:2])],
        "test_videos": [list(CLIPS[2:])],
    }


AVA = "".join(f"movie{m},{904 + s:04d},0.1,0.2,0.5,0.9,{12 + s},{s}\n" for m in range(3) for s in range(4))
OWN = "video,tube,label,frame,x1,y1,x2,y2\n" + "".join(
    f"v{v},{t},{'sit' if t else 'run'},{f},1.5,2,30,40\n"
    for v in range(2)
    for t in range(2)
    for f in range(3)
)
LABELS = "".join(f'item {{\n  name: "action {n}"\n  id: {n}\n}}\n' for n in range(1, 9))


def lay_out(root: Path) -> None:
    """The whole files of every dataset, side by side."""
    for folder in ("splitfiles", "splits", "puppet_mask/clap/A_clap_f_cm_np1_fr_bad_0", "annotations"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "splitfiles/testlist01.txt").write_text("".join(f"{name}.avi\n" for name in UCF[::2]))
    (root / "splitfiles/trainlist01.txt").write_text("".join(f"{name}.avi 1\n" for name in UCF[1::2]))


def ucf_lists(root: Path) -> object:
    (root / "splitfiles/pyannot.pkl").write_bytes(pickle.dumps(ucf_content()))
    return read_all(Ucf24)(root)


def masks(root: Path) -> object:
    return Jhmdb(root).ground_truth()


def clips(root: Path) -> object:
    """The lists of J-HMDB beside whole masks."""
    return Jhmdb(root).listed(1) and Jhmdb(root).split("1")


def own(root: Path) -> object:
    """``splits.csv`` and the others beside a whole annotation."""
    if not (root / "annotations.csv").exists() and not (root / "annotations.parquet").exists():
        (root / "annotations.csv").write_text(OWN)
    return read_all(Custom)(root)


def with_ava(root: Path) -> object:
    if not (root / "ava_val_v2.2.csv").exists():
        (root / "ava_val_v2.2.csv").write_text(AVA)
    return AvaV22(root).ground_truth(), AvaV22(root).split("val")


def write_clips(path: Path, content: str) -> None:
    mask = np.zeros((8, 8, 3), np.uint8)
    mask[2:4, 3:5] = 1
    savemat(
        path.parents[1] / "puppet_mask/clap/A_clap_f_cm_np1_fr_bad_0/puppet_mask.mat", {"part_mask": mask}
    )
    write_text(path, content)


def parquet_content() -> dict[str, Any]:
    names = ["v0"] * 4 + ["v1"] * 2
    corners = {corner: np.arange(6.0) + (corner in ("x2", "y2")) * 9 for corner in ("x1", "y1", "x2", "y2")}
    return {
        "video": names, "tube": np.array([0, 0, 1, 1, 0, 0]), "frame": np.array([0, 1, 0, 1, 2, 3]),
        "label": ["run", "run", "sit", "sit", "run", "run"], **corners,
    }  # fmt: skip


def targets() -> tuple[Target, ...]:
    mask = np.zeros((8, 8, 3), np.uint8)
    mask[2:4, 3:5] = 1
    names = "A_clap_f_cm_np1_fr_bad_0.avi 2\nB_clap_f_cm_np1_fr_bad_0.avi 0\n"
    folder = "puppet_mask/clap/A_clap_f_cm_np1_fr_bad_0/puppet_mask.mat"
    return (
        Target("splitfiles/pyannot.pkl", ucf_content(), write_pickle, read_all(Ucf24), True),
        Target("splitfiles/finalAnnots.mat", mat_content(), write_mat("annot"), read_all(Ucf24)),
        Target("JHMDB-GT.pkl", act_content(), write_pickle, read_all(Jhmdb), True),
        Target(folder, mask, write_mat("part_mask"), masks),
        Target("daly1.1.0.pkl", daly_example.annotation(), write_pickle, read_all(Daly), True),
        Target("splitfiles/testlist01.txt", "".join(f"{n}.avi\n" for n in UCF[::2]), write_text, ucf_lists),
        Target("splits/clap_test_split1.txt", names, write_clips, clips),
        Target("ava_val_v2.2.csv", AVA, write_text, read_all(AvaV22)),
        Target("ava_val_excluded_timestamps_v2.2.csv", "movie0,0904\nmovie1,905\n", write_text, with_ava),
        Target("labels.pbtxt", LABELS, write_text, lambda root: read_label_map(root / "labels.pbtxt")),
        Target("annotations.csv", OWN, write_text, own),
        Target("annotations.parquet", parquet_content(), write_parquet, own),
        Target("splits.csv", "video,part\nv0,train\nv1,test\n", write_text, own),
        Target(
            "videos.csv", "video,frames,width,height,fps,group\nv0,9,64,48,25,a\nv1,9,,,,b\n", write_text, own
        ),
        Target("classes.txt", "run\nsit\n", write_text, own),
    )
