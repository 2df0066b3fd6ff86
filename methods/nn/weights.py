"""Reading other people's checkpoints and checking them against a network, with errors that name the keys."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Collection, Iterable, Mapping
from os import PathLike
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

NAMED = 5  # keys listed in a message; the rest are counted


def read_tensors(path: str | PathLike[str]) -> dict[str, Tensor]:
    """Name -> tensor, from a `.pt`/`.pth`/`.tar` state dict of PyTorch or an `.npz` of arrays.

    Nothing in the file is executed. A state dict may lie under the key `state_dict`, and its names may carry
    the prefix `module.` of a data-parallel model; both are removed.
    Raises FileNotFoundError, and ValueError naming the file where it is no such checkpoint.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint at {path}")
    content = _read_npz(path) if path.suffix == ".npz" else _read_torch(path)
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not content:
        raise ValueError(f"{path} is no checkpoint: it holds a {type(content).__name__}, not named tensors")
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise ValueError(
                f"{path} is no checkpoint: {name!r} is a {type(value).__name__}, not a tensor. "
                "A whole training state must be reduced to its state dict first"
            )
    return _without_prefix(dict(content))


def check_tensors(
    expected: Mapping[str, Collection[int]],
    found: Mapping[str, Collection[int]],
    source: str,
    hint: str = "",
) -> None:
    """Compare two tables name -> shape; raise ValueError naming what is missing, unexpected or misshapen.

    `source` is what the message calls the checkpoint, `hint` is added at its end.
    """
    problems = []
    if missing := [name for name in expected if name not in found]:
        problems.append(f"missing {_some(missing)}")
    if unexpected := [name for name in found if name not in expected]:
        problems.append(f"unexpected {_some(unexpected)}")
    misshapen = [
        f"{name} is {tuple(found[name])} and must be {tuple(shape)}"
        for name, shape in expected.items()
        if name in found and tuple(found[name]) != tuple(shape)
    ]
    if misshapen:
        problems.append(f"shapes differ: {_some(misshapen)}")
    if problems:
        raise ValueError(f"{source} does not fit: " + "; ".join(problems) + (f". {hint}" if hint else ""))


def load_checked(
    network: nn.Module,
    tensors: Mapping[str, Tensor],
    source: str,
    ignore: Iterable[str] = (),
    hint: str = "",
) -> None:
    """Copy `tensors` into every parameter and buffer of `network`; change nothing if one does not fit.

    ignore: prefixes of names in `tensors` that the network may lack (parts that it was built without).
    The counters `num_batches_tracked` may be missing, as old checkpoints lack them. Errors: `check_tensors`.
    """
    state = network.state_dict()
    ignored = tuple(ignore)
    found = {name: t for name, t in tensors.items() if name in state or not name.startswith(ignored)}
    expected = {
        name: tuple(t.shape)
        for name, t in state.items()
        if name in found or not name.endswith("num_batches_tracked")
    }
    check_tensors(expected, {name: tuple(t.shape) for name, t in found.items()}, source, hint)
    network.load_state_dict(state | found)


def load_network(network: nn.Module, path: Path) -> None:
    """The checkpoint that training left of a network, refusing one of another config. Errors: both above."""
    load_checked(network, read_tensors(path), str(path), hint="It was trained with another config")


def _read_npz(path: Path) -> dict[str, Tensor]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    except (ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is no .npz of numeric arrays: {error}") from error


def _read_torch(path: Path) -> object:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, LookupError) as error:
        reason = str(error).splitlines()[0].partition(". ")[0] if str(error) else type(error).__name__
        raise ValueError(f"{path} is no PyTorch checkpoint of plain tensors: {reason}") from error


def _without_prefix(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    if all(name.startswith("module.") for name in tensors):
        return {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
    return tensors


def _some(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{len(names)} ({', '.join(names[:NAMED])}{more})"
