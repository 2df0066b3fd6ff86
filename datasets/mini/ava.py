"""`ava-mini`: sixteen evaluated actions of 22 in the layout of AVA v2.2; everybody in one frame a second.

Movies begin at second 900, as the usual cuts do; their first and last two seconds are not annotated. On some
timestamps, which the lists of excluded ones name, not all people are.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets.mini.ava_classes import ACTIONS, AVA_MINI, EVALUATED, label_map
from datasets.mini.ava_script import render_movie
from datasets.mini.draw import Draw
from datasets.mini.film import Film, Reel
from datasets.mini.folder import Edition, whole_folder
from datasets.mini.render import Progress, describe, render_all, total_digest

NAME = "ava-mini"
VERSION = 1
RELEASE = "2.2"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
FIRST_SECOND, MARGIN = 900, 2
VISIBLE = 0.4  # share of a person that must be in the picture
EXCLUDED = 4  # of so many movies one has an excluded timestamp


@dataclass(frozen=True)
class Size:
    """Movies to train on and to validate on, and the seconds of each."""

    train: int
    val: int
    seconds: int


SIZES = {
    "micro": Size(train=5, val=4, seconds=6),
    "small": Size(train=40, val=16, seconds=15),
    "medium": Size(train=120, val=32, seconds=15),
    "full": Size(train=235, val=64, seconds=15),
}
"""`full` has as many movies as AVA: 235 in training, 64 in validation."""


def reels(root: Path, size: str = "small") -> list[Reel]:
    """The movies, those of training first. ValueError: unknown size."""
    if size not in SIZES:
        raise ValueError(f"{NAME} has no size {size!r}; sizes: {', '.join(SIZES)}")
    spec, found = SIZES[size], []
    for number in range(spec.train + spec.val):
        key = f"{NAME}@{VERSION}.{size}/{number}"
        draw = Draw(key, "name")
        name = "".join(draw.pick(LETTERS) for _ in range(11))
        path = root / "ava" / "videos" / f"{name}.mp4"
        found.append(Reel(name, key, path, 0, (spec.seconds, spec.seconds)))
    return found


def parts(size: str) -> dict[str, list[str]]:
    """Names of the movies of `train` and `val`."""
    names = [reel.name for reel in reels(Path(), size)]
    return {"train": names[: SIZES[size].train], "val": names[SIZES[size].train :]}


def excluded(film: Film, number: int) -> list[int]:
    """Seconds at which the annotation is not to be trusted, `number`: of the movie in its part."""
    return [] if number % EXCLUDED else [Draw(NAME, "excluded", film.name).pick(_seconds(film))]


def _seconds(film: Film) -> range:
    lasts = film.frames // film.format.rate
    return range(FIRST_SECOND + MARGIN, FIRST_SECOND + lasts - MARGIN)


def rows(film: Film, incomplete: Collection[int]) -> Iterator[str]:
    """Lines of the annotation: one a person and action, in order of time, people numbered through. Of the
    seconds `incomplete` every other person is left out."""
    width, height = film.format.size
    for second in _seconds(film):
        frame = (second - FIRST_SECOND) * film.format.rate
        for person, one in enumerate(film.cast):
            place = frame - one.first
            if not 0 <= place < len(one.boxes_T4) or one.share_T[place] < VISIBLE:
                continue
            if second in incomplete and person % 2:
                continue
            x1, y1, x2, y2 = one.seen_T4[place] / (width, height, width, height)
            for action in one.role.labels:
                yield f"{film.name},{second:04d},{x1:.3f},{y1:.3f},{x2:.3f},{y2:.3f},{action},{person}\n"


def _write_annotation(folder: Path, size: str, films: Sequence[Film]) -> None:
    by_name = {film.name: film for film in films}
    for part, names in parts(size).items():
        lines: list[str] = []
        passed: list[str] = []
        for number, film in enumerate(by_name[name] for name in names):
            incomplete = excluded(film, number)
            lines += rows(film, incomplete)
            passed += [f"{film.name},{second:04d}\n" for second in incomplete]
        (folder / f"ava_{part}_v{RELEASE}.csv").write_text("".join(lines))
        (folder / f"ava_{part}_excluded_timestamps_v{RELEASE}.csv").write_text("".join(passed))
    (folder / f"ava_action_list_v{RELEASE}.pbtxt").write_text(label_map(tuple(ACTIONS)))
    evaluated = f"ava_action_list_v{RELEASE}_for_activitynet_2019.pbtxt"
    (folder / evaluated).write_text(label_map(tuple(EVALUATED)))


def _manifest(size: str, films: Sequence[Film]) -> dict[str, object]:
    part_of = {name: part for part, names in parts(size).items() for name in names}
    movies = {
        film.name: {
            "set": part_of[film.name],
            "frames": film.frames,
            "size": film.format.size,
            "fps": film.format.rate,
            "people": len(film.cast),
        }
        for film in films
    }
    facts = {"name": NAME, "version": VERSION, "size": size, "digest": total_digest(films)}
    return {**facts, "classes": describe(AVA_MINI), "evaluated": list(EVALUATED), "videos": movies}


def render_ava_mini(
    root: Path, size: str = "small", workers: int = 2, progress: Progress | None = None
) -> None:
    """Render the dataset under `root` (`dataset.json`, `ava/*.csv`, `ava/*.pbtxt`, `ava/videos`), whole or
    not at all.

    `size`: one of `SIZES`; `workers`: processes, without influence on the result; `progress(done, total)`
    counts videos. If `root` holds this rendering already it is left alone. ValueError: unknown size, or
    `root` holds something else.
    """
    reels(root, size)
    with whole_folder(root, Edition(NAME, VERSION, size)) as partial:
        if partial is None:
            return
        films = render_all(render_movie, reels(partial, size), workers, progress)
        _write_annotation(partial / "ava", size, films)
        (partial / "dataset.json").write_text(json.dumps(_manifest(size, films), indent=1) + "\n")
