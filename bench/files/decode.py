"""JSON types to annotated dataclasses, every error naming the place."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from math import isfinite
from typing import Any, Literal


def decode(kind: Any, value: Any, where: str) -> Any:
    """``value``, as JSON holds it, as the type ``kind``.

    Kinds: dataclasses, ``dict[str, T]``, ``tuple[T, ...]``, ``T | None``, Literal, int, float, str, bool
    and Any. ``where`` starts every message: a file name with a colon. Raises ValueError for missing and
    unknown fields, wrong types, NaN and infinities.
    """
    if is_dataclass(kind):
        return _dataclass(kind, value, where)  # type: ignore[arg-type]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return None if value is None else decode(arguments[0], value, where)
    if origin is Literal:
        return _require(value in arguments, value, where, f"is none of {', '.join(map(repr, arguments))}")
    if origin is dict:
        _require(isinstance(value, dict), value, where, "is no object")
        return {key: decode(arguments[1], entry, f"{where}[{key!r}]") for key, entry in value.items()}
    if origin is tuple:
        _require(isinstance(value, list), value, where, "is no list")
        return tuple(decode(arguments[0], entry, f"{where}[{i}]") for i, entry in enumerate(value))
    if kind is float:
        return _number(value, where)
    if kind is Any:
        return _anything(value, where)
    return _require(type(value) is kind, value, where, f"is no {kind.__name__}")


def _dataclass(kind: Callable[..., Any], value: Any, where: str) -> Any:
    _require(isinstance(value, dict), value, where, "is no object")
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]
    below = f"{where} " if where.endswith(":") else f"{where}."
    for name, entry in known.items():
        if name not in value and entry.default is MISSING and entry.default_factory is MISSING:
            raise ValueError(f"{below}{name} is missing")
    for name in value:
        if name not in known:
            raise ValueError(f"{below}{name} is unknown; there are {', '.join(known)}")
    hints = typing.get_type_hints(kind)
    decoded = {name: decode(hints[name], entry, f"{below}{name}") for name, entry in value.items()}
    try:
        return kind(**decoded)
    except ValueError as error:
        raise ValueError(f"{where} {error}") from error


def _number(value: Any, where: str) -> float:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(_require(number and isfinite(value), value, where, "is no finite number"))


def _anything(value: Any, where: str) -> Any:
    if isinstance(value, dict):
        return {key: _anything(entry, f"{where}[{key!r}]") for key, entry in value.items()}
    if isinstance(value, list):
        return [_anything(entry, f"{where}[{i}]") for i, entry in enumerate(value)]
    return _number(value, where) if isinstance(value, float) else value


def _require(good: bool, value: Any, where: str, said: str) -> Any:
    if not good:
        raise ValueError(f"{where} {said}: {value!r:.80}")
    return value
