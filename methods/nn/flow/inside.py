"""A flow network inside a method: whether there is one, and which weights it starts from. No torch."""

from __future__ import annotations

from pathlib import Path

from bench.files.store import digest_file
from bench.flow import source
from bench.flow.base import LearnedSource
from methods.nn.flow.named import NETWORKS

FITTED = "tiny"
"""The flow network that a training stage of its own fits."""


def is_inside(flow: str) -> bool:
    """Whether flow of that name is estimated inside a network, rather than computed before."""
    return flow in NETWORKS


def is_fitted(flow: str, weights: str) -> bool:
    """Whether a stage of its own makes the weights: ``weights`` names none."""
    return flow == FITTED and not weights


def weights_file(flow: str, weights: str) -> Path:
    """The weights that a flow network starts from: ``weights``, else the file that the flow source names.

    Raises ValueError with the reason where there are none.
    """
    if weights:
        return Path(weights)
    try:
        found = source(flow)
    except ValueError as error:
        mend = "--set model.flow_weights=FILE names them, --variant tiny fits a small flow network itself"
        raise ValueError(f"{error}; {mend}") from None
    assert isinstance(found, LearnedSource)
    return found.weights


def weights_key(flow: str, weights: str) -> str | None:
    """What stands in a key for the weights of a flow network; None where a stage makes them."""
    if not is_inside(flow) or is_fitted(flow, weights):
        return None
    try:
        path = weights_file(flow, weights)
    except ValueError:
        return flow  # it cannot be used here: the run stops before it computes anything
    return digest_file(path) if path.is_file() else flow
