"""What stands in for weights of ImageNet: trunk and fusion first learn what the people in crops do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from methods.common.crops import Crop, CropNetwork
from methods.nn.weights import load_checked, read_tensors
from methods.rfb_flow import clips
from methods.rfb_flow.config import ModelConfig
from methods.rfb_flow.network import RfbFlowNetwork

PREFIX = "network."


class CropClassifier(CropNetwork):
    """The network up to its fused maps; each level's mean has a layer of classes, whose logits are added."""

    def __init__(self, network: RfbFlowNetwork, num_classes: int) -> None:
        super().__init__()
        self.network = network
        channels = network.config.channels
        self.fc = nn.ModuleList(nn.Linear(count, num_classes) for count in channels)

    def known(self, inputs: dict[str, Tensor], device: str) -> dict[str, Tensor]:
        """The inputs with flow, which is not learnt here."""
        return self.network.known(inputs, device)

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """logits_BC; inputs: those of the network, of crops."""
        maps = self.network.fused(*self.network.seen(inputs))[-1]
        logits = [layer(found.mean(dim=(2, 3))) for layer, found in zip(self.fc, maps)]
        return torch.stack(logits).sum(dim=0)


def crop_inputs(
    crop: Crop, model: ModelConfig, colour: tuple[float, float, float], inside: bool
) -> dict[str, Tensor]:
    """What the network sees of a crop; ``inside``: it estimates flow itself."""
    kind, length = model.flow_pairs, len(crop.footage)
    frames = clips.clip_frames(crop.frame, length, kind) if inside else np.array([crop.frame])
    found = {"frames": clips.pictures(crop.rgb(frames, colour))}
    if not inside:
        found["flow"] = clips.crop_fields(crop.footage, crop.frame, crop.window, crop.mirror)
    return found


def load_crops(network: RfbFlowNetwork, path: Path) -> None:
    """Give the network what was learnt of crops: all but the layers of classes."""
    tensors = {name.removeprefix(PREFIX): tensor for name, tensor in read_tensors(path).items()}
    load_checked(network, tensors, str(path), ignore=["fc."], hint="It was trained with another config")
