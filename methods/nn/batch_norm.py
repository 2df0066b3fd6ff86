"""Batch normalisation whose statistics can be frozen for fine-tuning."""

from __future__ import annotations

from typing import Self

from torch import nn


class BatchNorm3d(nn.BatchNorm3d):
    """`nn.BatchNorm3d` that, once `frozen`, stays in evaluation mode through every later `train()`.

    Parameter and buffer names are those of `nn.BatchNorm3d`; `frozen` is not part of the state dict.
    """

    frozen = False

    def train(self, mode: bool = True) -> Self:
        return super().train(mode and not self.frozen)


def freeze_batch_norm(network: nn.Module, affine: bool = False) -> None:
    """Normalise with the stored running statistics from now on, in training too.

    The usual way to fine-tune published weights with a few clips a batch. With `affine` the scale and the
    shift stop learning as well. Raises ValueError where the network has no layer that can be frozen.
    """
    layers = [module for module in network.modules() if isinstance(module, BatchNorm3d)]
    if not layers:
        raise ValueError(f"{type(network).__name__} has no BatchNorm3d of methods.nn.batch_norm to freeze")
    for layer in layers:
        layer.frozen = True
        layer.eval()
        if affine:
            layer.requires_grad_(False)
