"""What is refused before training: settings that contradict each other, starts that are missing."""

from __future__ import annotations

from pathlib import Path

from methods.nn.flow.inside import is_inside
from methods.nn.flow.named import NETWORKS
from methods.nn.priors import rfb_map_sizes
from methods.rfb_flow.config import ModelConfig, RfbFlowConfig

FILES = ("pretrained", "flow_weights", "published")


def check_config(config: RfbFlowConfig) -> None:
    """Refuse before training what would only fail in it. Raises ValueError naming the setting."""
    model, side = config.model, config.crops.side
    if not is_inside(model.flow) and model.flow_pairs != "two":
        raise ValueError(
            f"model.flow={model.flow} is computed before, from each frame to the next: "
            "--set model.flow_pairs=two, or a flow network inside: " + ", ".join(NETWORKS)
        )
    if not is_inside(model.flow) and model.flow_weights:
        raise ValueError(
            f"model.flow_weights does nothing: {model.flow} is computed before, by a flow source"
        )
    if model.flow_rgb and not model.flow.startswith("pwc-net"):
        raise ValueError(
            f"model.flow_rgb does nothing: model.flow={model.flow} is no PWC-Net: --set model.flow_rgb=false"
        )
    if model.separate_fusion and model.fusion == "none":
        raise ValueError("model.separate_fusion does nothing where model.fusion is none")
    if not 1 <= len(model.priors) <= 6:
        raise ValueError(f"model.priors has {len(model.priors)} levels: the trunk has 1 to 6 maps")
    _check_maps("model.frame_size", model.frame_size, len(model.priors))
    if config.crops.steps:
        _check_maps("crops.side", (side, side), len(model.priors))


def _check_maps(setting: str, size: tuple[int, int], levels: int) -> None:
    """Raise ValueError where the setting makes pictures that are too small for so many maps."""
    try:
        rfb_map_sizes(size, levels)
    except ValueError as error:
        raise ValueError(f"{error}: --set {setting}, or --variant single-scale") from None


def check_starts(model: ModelConfig) -> None:
    """Raise ValueError where weights that training starts from are not named or not there."""
    if model.pretrained == "" and not model.published:
        raise ValueError(
            "this row starts from VGG16 of ImageNet: --set model.pretrained=FILE names it (`bench weights"
            " rfb-flow` says where it is to be had), --set model.pretrained=none trains from scratch"
        )
    for name in FILES:
        path = getattr(model, name)
        if path and not Path(path).is_file():
            raise ValueError(
                f"model.{name}: no file {path}; `bench weights rfb-flow` says where it is to be had"
            )
