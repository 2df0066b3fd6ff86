"""What stands in for weights of Kinetics: the 3-D branch first learns what the people in crops do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from methods.common.crops import Crop, CropNetwork
from methods.nn.resnext3d import ResNeXt3D
from methods.nn.weights import load_checked, read_tensors
from methods.yowo.clips import clip_frames, unit_clip
from methods.yowo.config import ModelConfig
from methods.yowo.network import Trunk, trunk_of


class CropClassifier(CropNetwork):
    """The 3-D branch, global average pooling and a layer of classes."""

    def __init__(self, model: ModelConfig, num_classes: int):
        super().__init__()
        self.trunk = trunk_of(model)
        self.fc = nn.Linear(self.trunk.config.out_channels, num_classes)

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """logits_BC of ``clip`` (B, 3, T, side, side)."""
        logits: Tensor = self.fc(ResNeXt3D.pooled(self.trunk(inputs["clip"])))
        return logits


def crop_inputs(crop: Crop, model: ModelConfig, colour: tuple[float, float, float]) -> dict[str, Tensor]:
    """``clip`` of a crop, (3, T, side, side)."""
    return {"clip": unit_clip(crop.rgb(clip_frames(crop.frame, model), colour), model.clip_input)}


def load_crops(trunk: Trunk, path: Path) -> None:
    """Give a 3-D branch what was learnt of crops: all but the layer of classes."""
    tensors = {name.removeprefix("trunk."): tensor for name, tensor in read_tensors(path).items()}
    load_checked(trunk, tensors, str(path), ignore=["fc."], hint="It was trained with another config")
