"""Learning rates as functions of the step, and the optimisers that the methods use."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import torch


def one_cycle(peak: float, step: int, steps: int) -> float:
    """Linear up over the first tenth of the steps, down to zero on a cosine."""
    rise = max(1, steps // 10)
    if step < rise:
        return peak * (step + 1) / rise
    return peak * (0.5 + 0.5 * math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def drops(peak: float, step: int, milestones: Sequence[float], factor: float, warmup: int = 0) -> float:
    """Linear up over ``warmup`` steps, times ``factor`` at each milestone (a step) that is reached."""
    warm = min(1.0, (step + 1) / max(1, warmup))
    return peak * warm * factor ** sum(step >= m for m in milestones)


def make_optimiser(
    name: str,
    parameters: Iterable[torch.nn.Parameter] | Iterable[dict[str, Any]],
    learning_rate: float,
    weight_decay: float,
) -> torch.optim.Optimizer:
    """``sgd`` with momentum 0.9, or ``adamw``, of parameters or groups of them."""
    if name == "sgd":
        return torch.optim.SGD(parameters, learning_rate, momentum=0.9, weight_decay=weight_decay)
    return torch.optim.AdamW(parameters, learning_rate, weight_decay=weight_decay, fused=True)
