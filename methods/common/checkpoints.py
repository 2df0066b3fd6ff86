"""What training left, read for prediction."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from methods.nn.weights import load_checked, read_tensors


def load_network(network: nn.Module, path: Path) -> None:
    """The checkpoint of a network, refusing one of another config by the first keys that differ.

    Raises FileNotFoundError, and ValueError naming the file and the keys.
    """
    load_checked(network, read_tensors(path), str(path), hint="It was trained with another config")
