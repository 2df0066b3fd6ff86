"""Which video file something was made from: asked on every use, so it must be quick, and it must be sure."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench.files.store import digest, digest_file
from bench.video import OPEN_EVENT, frame_files
from bench.video.known import identity


@dataclass(frozen=True)
class Origin:
    """A video file or frame folder as it was. ``stamp``: its identity by sizes and times of change;
    ``content``: digest of the bytes, of a folder of all its frames with their names.

    An equal stamp is trusted. Files that were copied have another one; then the content decides.
    """

    stamp: str
    content: str

    @classmethod
    def of(cls, path: Path) -> Self:
        """The origin that a video is now. Raises VideoError if there is none."""
        return cls(identity(path), _content(path))

    def fits(self, path: Path) -> bool:
        """Whether the video at ``path`` is still this one."""
        return path.exists() and (self.stamp == identity(path) or self.content == _content(path))


def _content(path: Path) -> str:
    sys.audit(OPEN_EVENT, str(path))
    if not path.is_dir():
        return digest_file(path)
    return digest([[file.name, digest_file(file)] for file in frame_files(path)])
