"""Examples made one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


def stack(examples: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The tensors of each name, one behind the other in a new first dimension."""
    return {name: torch.stack([example[name] for example in examples]) for name in examples[0]}
