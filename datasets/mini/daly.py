"""`daly-mini`: ten classes in the layout of DALY, long videos with short actions and boxes on key-frames.

Videos differ in size and frame rate, some are upright. People also do what is none of the classes, and
now and then an action is seen in a mirror. `extended/` holds the boxes of every frame as they were drawn.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.files.tables import digest_ground_truth, write_ground_truth
from bench.records import GroundTruth, TruthBoxes
from datasets.daly import Daly
from datasets.mini.classes import DALY_MINI
from datasets.mini.daly_script import render_film
from datasets.mini.draw import Draw
from datasets.mini.film import Appearance, Film, Reel
from datasets.mini.folder import Edition, whole_folder
from datasets.mini.render import Progress, describe, render_all, total_digest

NAME = "daly-mini"
VERSION = 1
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
MOST_KEYFRAMES = 5  # of an instance; about one a second


@dataclass(frozen=True)
class Size:
    """Training and test videos of each class; seconds of a video."""

    train: int
    test: int
    seconds: tuple[float, float]


SIZES = {
    "micro": Size(train=1, test=1, seconds=(2.4, 4.0)),
    "small": Size(train=6, test=2, seconds=(16.0, 20.0)),
    "medium": Size(train=12, test=6, seconds=(16.0, 32.0)),
    "full": Size(train=31, test=20, seconds=(16.0, 32.0)),
}
"""`full` has as many videos as DALY: 310 to train on, 200 to test on."""


def reels(root: Path, size: str = "small") -> list[Reel]:
    """The videos in the order of training and test, classes by turns. ValueError: unknown size."""
    if size not in SIZES:
        raise ValueError(f"{NAME} has no size {size!r}; sizes: {', '.join(SIZES)}")
    spec, found = SIZES[size], []
    for number in range((spec.train + spec.test) * len(DALY_MINI)):
        key = f"{NAME}@{VERSION}.{size}/{number}"
        draw = Draw(key, "name")
        name = "".join(draw.pick(LETTERS) for _ in range(11)) + ".mp4"
        label = number % len(DALY_MINI)
        found.append(Reel(name, key, root / "daly" / "videos" / name, label, spec.seconds))
    return found


def tested(size: str) -> list[str]:
    """Names of the test videos."""
    return [reel.name for reel in reels(Path(), size)[SIZES[size].train * len(DALY_MINI) :]]


@dataclass(frozen=True)
class Instance:
    """A person doing an action in frames `start` .. `end - 1`; `boxes_T4`: the part of its box in the
    picture, float64 pixels, in each of them; `flags` as in the annotation of DALY."""

    label: int
    start: int
    end: int
    boxes_T4: np.ndarray
    flags: dict[str, bool]


def instances(film: Film) -> list[Instance]:
    """What is annotated of a film, by label and then in order of time."""
    found = [_instance(one, label) for one in film.cast for label in one.role.labels]
    return sorted(found, key=lambda one: (one.label, one.start))


def _instance(seen: Appearance, label: int) -> Instance:
    person = seen.role.person
    acting = slice(person.start, person.end)
    share, boxes_T4 = float(seen.share_T[acting].mean()), seen.seen_T4[acting]
    flags = {
        "isReflection": person.framed,
        "isAmbiguous": share < 0.6,
        "isOutsideFOV": share < 0.9,
        "isSmall": person.height < 0.45 * min(seen.size),
        "isOccluded": False,
        "isShotcut": False,
        "isZoom": False,
    }
    return Instance(label, seen.first + person.start, seen.first + person.end, boxes_T4, flags)


def _keyframes(one: Instance, film: Film) -> Iterator[dict[str, object]]:
    """At equal distances, about one a second."""
    length, form = one.end - one.start, film.format
    count = min(max(length // form.rate, 1), MOST_KEYFRAMES)
    for number in range(count):
        place = (2 * number + 1) * length // (2 * count)
        box = np.round(one.boxes_T4[place] / np.tile(form.size, 2), 6)
        frame = one.start + place
        yield {"time": frame / form.rate, "frameNumber": frame + 1, "boundingBox": box[None],
               "objects": np.zeros((0, 7)), "pose": np.zeros((0, 4))}  # fmt: skip


def _entry(one: Instance, film: Film) -> dict[str, object]:
    times = {"beginTime": one.start / film.format.rate, "endTime": (one.end - 1) / film.format.rate}
    return {**times, "flags": one.flags, "keyframes": list(_keyframes(one, film))}


def _annotation(films: Sequence[Film], main: Sequence[int], test: Sequence[str]) -> dict[str, object]:
    names = [one.name for one in DALY_MINI]
    metadata, annotated = {}, {}
    for film, label in zip(films, main, strict=True):
        width, height = film.format.size
        metadata[film.name] = {
            "fps": float(film.format.rate), "nbframes_ffmpeg": film.frames, "width": width, "height": height,
            "duration": film.frames / film.format.rate,
        }  # fmt: skip
        by_action: dict[str, list[dict[str, object]]] = {}
        for one in instances(film):
            by_action.setdefault(names[one.label], []).append(_entry(one, film))
        annotated[film.name] = {"suggestedClass": names[label], "annot": by_action}
    return {"labels": names, "splits": [list(test)], "metadata": metadata, "annot": annotated,
            "joints": [], "objectList": []}  # fmt: skip


def drawn_truth(truth: GroundTruth, films: Sequence[Film]) -> GroundTruth:
    """The annotation with the boxes of every frame of its spans as they were drawn."""
    by_name = {film.name: instances(film) for film in films}
    found = [one for name in truth.videos.names for one in by_name[name]]
    lengths = [one.end - one.start for one in found]
    boxes = TruthBoxes(
        truth.videos.names,
        np.repeat(truth.tubes.video, lengths),
        np.repeat(truth.tubes.tube, lengths),
        np.concatenate([np.arange(one.start, one.end) for one in found]),
        np.concatenate([one.boxes_T4 for one in found]),
    )
    return replace(truth, boxes=boxes)


def _manifest(size: str, films: Sequence[Film]) -> dict[str, object]:
    test = set(tested(size))
    rows = {
        film.name: {
            "set": "test" if film.name in test else "train",
            "frames": film.frames,
            "size": film.format.size,
            "fps": film.format.rate,
            "instances": len(instances(film)),
        }
        for film in films
    }
    facts = {"name": NAME, "version": VERSION, "size": size, "digest": total_digest(films)}
    return {**facts, "classes": describe(DALY_MINI), "videos": rows}


def render_daly_mini(
    root: Path, size: str = "small", workers: int = 2, progress: Progress | None = None
) -> None:
    """Render the dataset under `root` (`dataset.json`, `daly/daly1.1.0.pkl`, `daly/videos`, `daly/extended`),
    whole or not at all.

    `size`: one of `SIZES`; `workers`: processes, without influence on the result; `progress(done, total)`
    counts videos. If `root` holds this rendering already it is left alone. ValueError: unknown size, or
    `root` holds something else.
    """
    reels(root, size)
    with whole_folder(root, Edition(NAME, VERSION, size)) as partial:
        if partial is None:
            return
        todo = reels(partial, size)
        films = render_all(render_film, todo, workers, progress)
        content = _annotation(films, [reel.label for reel in todo], tested(size))
        (partial / "daly" / "daly1.1.0.pkl").write_bytes(pickle.dumps(content, protocol=2))
        truth = Daly(partial / "daly").ground_truth()
        made = {"tracker": "drawn", "annotation": digest_ground_truth(truth)}
        write_ground_truth(partial / "daly" / "extended", drawn_truth(truth, films), made)
        (partial / "dataset.json").write_text(json.dumps(_manifest(size, films), indent=1) + "\n")
