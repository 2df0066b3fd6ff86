"""Overrides of a config from the command line: ``--set model.flow=dis``."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from bench.names import choose


def apply(config: Any, settings: Sequence[str]) -> Any:
    """``config`` with every ``path.to.field=value`` applied.

    Values are Python literals (``3``, ``true``, ``(128, 96)``), or else text. Raises ValueError for a key
    that does not exist, naming near ones, and for a value of another type than the field's.
    """
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise ValueError(f"--set {setting!r}: expected key=value, as in --set training.steps=500")
        config = _set(config, key.strip().split("."), _value(text.strip()), key)
    return config


def _value(text: str) -> Any:
    if text.lower() in ("true", "false", "none"):
        return {"true": True, "false": False, "none": None}[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _set(config: Any, path: list[str], value: Any, key: str) -> Any:
    known = [f.name for f in fields(config)]
    try:
        name = choose(path[0], known, "config key")
    except ValueError as error:
        raise ValueError(f"--set {key}: {error}") from None
    current = getattr(config, name)
    if len(path) > 1:
        if not is_dataclass(current):
            raise ValueError(f"--set {key}: {name} has no parts; it is {current!r}")
        return replace(config, **{name: _set(current, path[1:], value, key)})
    if is_dataclass(current):
        parts = ", ".join(f.name for f in fields(current))
        raise ValueError(f"--set {key}: name one of its parts: {parts}")
    return replace(config, **{name: _fitting(value, current, key)})


def _fitting(value: Any, current: Any, key: str) -> Any:
    """``value`` as the type of the present value: an int where a float is wanted is fine."""
    if isinstance(current, bool) != isinstance(value, bool):
        raise ValueError(f"--set {key}: {value!r} given, a value like {current!r} expected")
    if isinstance(current, float) and isinstance(value, int):
        return float(value)
    if isinstance(current, tuple) and isinstance(value, (list, tuple)):
        return tuple(tuple(v) if isinstance(v, list) else v for v in value)
    if current is not None and not isinstance(value, type(current)):
        raise ValueError(f"--set {key}: {value!r} given, a value like {current!r} expected")
    return value
