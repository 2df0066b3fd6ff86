"""What is refused before training: settings that contradict each other, starts that are missing."""

from __future__ import annotations

from pathlib import Path

from methods.nn.flow.inside import is_inside
from methods.nn.flow.named import NETWORKS
from methods.two_stream_yolo.config import NEXT, OWN, TwoStreamYoloConfig


def check_config(config: TwoStreamYoloConfig) -> None:
    """Refuse before training what would only fail in it. Raises ValueError naming the setting."""
    model, recognition = config.model, config.recognition
    stride = 2 ** sum(model.pools)
    if any(side % stride for side in model.frame_size):
        width, height = model.frame_size
        raise ValueError(f"model.frame_size is {width}x{height}: both must be multiples of {stride}")
    if recognition.clips == OWN and recognition.crop % stride:
        raise ValueError(
            f"recognition.crop is {recognition.crop}: must be a multiple of {stride}, or 0 for whole frames"
        )
    if not is_inside(model.flow) and model.flow_weights:
        raise ValueError(f"model.flow_weights is of a flow network; model.flow={model.flow} is none")
    if not is_inside(model.flow) and config.training.flow_rate:
        raise ValueError(
            f"training.flow_rate tunes a flow network, but model.flow={model.flow} is computed before: "
            "--set training.flow_rate=0, or a flow network inside: " + ", ".join(NETWORKS)
        )
    if not model.flow_steps or not all(start < end <= 1 for start, end in model.flow_steps):
        raise ValueError(
            f"model.flow_steps is {model.flow_steps}: each goes from a frame to a later one, the next "
            "after the key-frame at most: ((-1, 1),)"
        )
    if not is_inside(model.flow) and model.flow_steps != NEXT:
        raise ValueError(f"model.flow_steps: {model.flow} is computed before, from each frame to the next")
    if recognition.clips is not None and not is_inside(recognition.flow):
        raise ValueError(
            f"recognition.flow={recognition.flow} is computed before, and clips to recognise have none: "
            "take a flow network: " + ", ".join(NETWORKS)
        )


def check_starts(config: TwoStreamYoloConfig) -> None:
    """Raise ValueError where weights or clips that training starts from are not named or not there."""
    model, recognition = config.model, config.recognition
    if model.voc == "":
        raise ValueError(
            "this row starts from Darknet-19 of Pascal VOC: --set model.voc=FILE names it (`bench weights "
            "two-stream-yolo` says where it is to be had), --set model.voc=none trains from scratch"
        )
    if recognition.clips == "":
        raise ValueError(
            "this row learns to recognise actions first: --set recognition.clips=FOLDER names a folder of "
            f"CLASS/CLIP, as of Kinetics; {OWN} takes the training videos; the rows ending in -voc do without"
        )
    for name, path in (("model.voc", model.voc), ("model.flow_weights", model.flow_weights)):
        if path and not Path(path).is_file():
            raise ValueError(f"{name}: no file {path}; `bench weights two-stream-yolo` says where it is")
    if recognition.clips not in (None, OWN) and not Path(str(recognition.clips)).is_dir():
        raise ValueError(f"recognition.clips: no folder {recognition.clips}")
    if recognition.listed and not Path(recognition.listed).is_file():
        raise ValueError(f"recognition.listed: no file {recognition.listed}")
    if recognition.listed and recognition.clips in (None, OWN):
        raise ValueError(
            "recognition.listed lists clips of a folder: name it, --set recognition.clips=FOLDER"
        )
