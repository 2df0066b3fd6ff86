"""Frame-exact reading of video files and of folders of frames.

Frame k is always the k-th that decodes from the start: asking decoders for a frame by number returns wrong
pictures without a word on files with B-frames, and the counts in headers are often wrong. So every file is
decoded once before it is used, in a helper process that can be killed (:mod:`bench.video.helper`); what is
found (:class:`VideoIndex`) is kept, and says how the file may be read.

Every opening of a video raises the audit event ``bench.video.open`` with the path as its argument, so that
``sys.addaudithook`` shows which files a run has read.
"""

from bench.video.index import VideoIndex
from bench.video.pictures import IMAGE_SUFFIXES, VIDEO_SUFFIXES, Frame, VideoError, frame_files, resize
from bench.video.reader import FrameReader
from bench.video.survey import readable, survey
from bench.video.video import OPEN_EVENT, Video

__all__ = [
    "IMAGE_SUFFIXES",
    "OPEN_EVENT",
    "VIDEO_SUFFIXES",
    "Frame",
    "FrameReader",
    "Video",
    "VideoError",
    "VideoIndex",
    "frame_files",
    "readable",
    "resize",
    "survey",
]
