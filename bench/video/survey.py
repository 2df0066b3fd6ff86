"""Looking at many videos before they are needed: which are whole, and which are not."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from bench.video.index import VideoIndex
from bench.video.pictures import VideoError
from bench.video.video import Video

log = logging.getLogger("bench")

NAMED = 5


def survey(
    videos: Sequence[Video], workers: int = 2, compare: bool = False
) -> Iterator[tuple[Video, VideoIndex | VideoError]]:
    """(video, what it holds or what is wrong with it) of every video in order, as :meth:`Video.index`.

    ``workers`` are examined side by side. What is known of a video by then is kept, so a survey that was
    stopped goes on where it was.
    """

    def look(video: Video) -> VideoIndex | VideoError:
        try:
            return video.index(compare)
        except VideoError as error:
            return error

    with ThreadPoolExecutor(workers) as pool:
        try:
            yield from zip(videos, pool.map(look, videos))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def readable(
    videos: Sequence[Video],
    skip_broken: bool,
    workers: int = 2,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Video]:
    """The videos that can be read whole. Those that cannot are named: in a warning each with ``skip_broken``.

    Without it raises VideoError that counts them and names the first ones.
    """
    good, broken = [], []
    for done, (video, found) in enumerate(survey(videos, workers), 1):
        if isinstance(found, VideoError):
            broken.append(found)
            if skip_broken:
                log.warning("skipped: %s", found)
        else:
            good.append(video)
        progress(done, len(videos))
    if broken and not skip_broken:
        some = "\n".join(f"  {error}" for error in broken[:NAMED])
        more = "\n  ..." if len(broken) > NAMED else ""
        raise VideoError(f"{len(broken)} of {len(videos)} videos cannot be read whole:\n{some}{more}")
    return good
