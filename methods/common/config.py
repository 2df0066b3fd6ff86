"""Parts of configurations that several methods share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Config = TypeVar("Config", bound="DataclassInstance")
CROPS = "crops of the training videos"
"""What a result says of networks that were first trained on them."""


@dataclass(frozen=True)
class CropsConfig:
    """Training on crops of people, where no published weights are to start from; ours."""

    steps: int = 0  # 0: there is no such stage
    batch: int = 48
    side: int = 48  # pixels of the network's frame
    shift: int = 5  # of a crop's middle from the person's, at most
    learning_rate: float = 3e-3
    weight_decay: float = 0.05
    colour: tuple[float, float, float] = (0.5, 2.0, 2.0)  # largest change of hue, saturation, exposure


def with_parts(config: Config, **parts: dict[str, Any]) -> Config:
    """The config with fields of its parts replaced: ``with_parts(config, training={"steps": 5})``."""
    return replace(config, **{name: replace(getattr(config, name), **kw) for name, kw in parts.items()})
