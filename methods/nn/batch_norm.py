"""Batch normalisation whose statistics can be frozen for fine-tuning."""

from __future__ import annotations

from typing import Self

from torch import nn


class _Freezable(nn.Module):
    """A layer that, once `frozen`, stays in evaluation mode through every later `train()`.

    Parameter and buffer names are those of PyTorch's layer; `frozen` is not part of the state dict.
    """

    frozen = False

    def train(self, mode: bool = True) -> Self:
        return super().train(mode and not self.frozen)


class BatchNorm2d(_Freezable, nn.BatchNorm2d):
    """`nn.BatchNorm2d` that can be frozen."""


class BatchNorm3d(_Freezable, nn.BatchNorm3d):
    """`nn.BatchNorm3d` that can be frozen."""


def freeze_batch_norm(network: nn.Module, affine: bool = False) -> None:
    """Normalise with the stored running statistics from now on, in training too.

    The usual way to fine-tune published weights with a few clips a batch. With `affine` the scale and the
    shift stop learning as well. Raises ValueError where the network has no layer that can be frozen.
    """
    layers = [module for module in network.modules() if isinstance(module, _Freezable)]
    if not layers:
        raise ValueError(
            f"{type(network).__name__} has no BatchNorm3d or BatchNorm2d of methods.nn to freeze"
        )
    for layer in layers:
        layer.frozen = True
        layer.eval()
        if affine:
            layer.requires_grad_(False)
