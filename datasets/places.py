"""Where downloaded files belong in the layout that the readers want, by their names."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePosixPath

from bench.video import IMAGE_SUFFIXES, VIDEO_SUFFIXES

Place = Callable[[PurePosixPath], PurePosixPath | None]
"""Path of a downloaded file, with the folders above it -> path below the dataset's folder, or None."""

UCF24_CLASSES = frozenset(
    {
        *("Basketball", "BasketballDunk", "Biking", "CliffDiving", "CricketBowling", "Diving", "Fencing"),
        *("FloorGymnastics", "GolfSwing", "HorseRiding", "IceDancing", "LongJump", "PoleVault"),
        *("RopeClimbing", "SalsaSpin", "SkateBoarding", "Skiing", "Skijet", "SoccerJuggling", "Surfing"),
        *("TennisSwing", "TrampolineJumping", "VolleyballSpiking", "WalkingWithDog"),
    }
)
"""Those of the 101 classes of UCF101 that are annotated."""


def jhmdb(path: PurePosixPath) -> PurePosixPath | None:
    """J-HMDB: ``ReCompress_Videos``, ``Rename_Images``, ``puppet_mask``, split lists, ``JHMDB-GT.pkl``."""
    if path.name == "JHMDB-GT.pkl":
        return PurePosixPath(path.name)
    if re.fullmatch(r".+_test_split[123]\.txt", path.name):
        return PurePosixPath("splits", path.name)
    if path.name == "puppet_mask.mat":
        return _below(path, "puppet_mask", 3)
    if path.suffix.lower() in VIDEO_SUFFIXES:
        return _below(path, "ReCompress_Videos", 2)
    return _below(path, "Rename_Images", 3) if path.suffix.lower() in IMAGE_SUFFIXES else None


def ucf24(path: PurePosixPath) -> PurePosixPath | None:
    """UCF101-24: the videos or frames of its 24 classes, split lists, and the corrected annotation."""
    if path.name == "UCF101v2-GT.pkl":
        return PurePosixPath(path.name)
    if re.fullmatch(r"(train|test)list0[123]\.txt|testlist01_annotated\.txt|classInd\.txt", path.name):
        return PurePosixPath("splitfiles", path.name)
    if path.name in ("pyannot.pkl", "finalAnnots.mat"):
        return PurePosixPath("splitfiles", path.name)
    video = re.fullmatch(r"v_(\w+)_g\d\d_c\d\d", path.stem)
    if video and path.suffix.lower() in VIDEO_SUFFIXES and video[1] in UCF24_CLASSES:
        return PurePosixPath("videos", video[1], path.name)
    images = _below(path, "rgb-images", 3) if path.suffix.lower() in IMAGE_SUFFIXES else None
    return images if images and images.parts[1] in UCF24_CLASSES else None


def _below(path: PurePosixPath, folder: str, count: int) -> PurePosixPath | None:
    """``folder`` and the last ``count`` parts, if those are what lies below such a folder."""
    if len(path.parts) > count and path.parts[-count - 1] == folder and not path.name.startswith("."):
        return PurePosixPath(folder, *path.parts[-count:])
    return None


PLACES: dict[str, Place] = {"jhmdb": jhmdb, "ucf24": ucf24}
"""By the names of datasets."""
