"""Parameters and inputs that any implementation can reproduce from names alone."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.random import RandomState
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parent))  # so that test modules find `layouts`


def _random(name: str) -> RandomState:
    return RandomState(zlib.crc32(name.encode()) & 0x7FFFFFFF)


def _parameter(key: str, shape: tuple[int, ...], normalisation: bool) -> np.ndarray:
    random, kind = _random(key), key.rsplit(".", 1)[-1]
    if len(shape) > 1:
        return random.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
    if kind == "running_var":
        return 1 + 0.5 * random.uniform(size=shape)
    normal = random.standard_normal(shape)
    if kind == "weight":
        return 1 + 0.1 * normal
    if kind != "running_mean" and not kind.startswith("bias"):
        return 0.5 + 0.1 * normal
    return (0.1 if normalisation else 0.01) * normal


@pytest.fixture(scope="session")
def fill() -> Callable[..., nn.Module]:
    """Fill a network with numbers drawn from its keys; returns it in evaluation mode.

    ``official``: our key -> the official one, where they differ.
    """

    def fill(network: nn.Module, official: Mapping[str, str] | None = None) -> nn.Module:
        modules = dict(network.named_modules())
        with torch.no_grad():
            for key, value in network.state_dict().items():
                if not key.endswith("num_batches_tracked"):
                    norm = isinstance(modules[key.rpartition(".")[0]], nn.modules.batchnorm._BatchNorm)
                    name = official[key] if official else key
                    value.copy_(torch.from_numpy(_parameter(name, tuple(value.shape), norm)).float())
        return network.eval()

    return fill


@pytest.fixture(scope="session")
def uniform() -> Callable[..., Tensor]:
    """`uniform(tag, shape, low, high)`: float32 numbers drawn from the tag."""

    def uniform(tag: str, shape: tuple[int, ...], low: float, high: float) -> Tensor:
        return torch.from_numpy(_random(tag).uniform(size=shape) * (high - low) + low).float()

    return uniform
