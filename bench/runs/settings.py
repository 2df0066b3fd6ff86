"""Overrides of a config from the command line: ``--set model.flow=dis``."""

from __future__ import annotations

import ast
import math
import re
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import Field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal

from bench.names import choose
from bench.sources import is_given, recorded

LENGTHS = re.compile(r"(\w+_)?steps|epochs")
"""Names of fields that say how long a stage is trained."""
BATCHES = re.compile(r"(\w+_)?batch")
"""Names of fields that say how many things are handled at once."""
OVERLAPS = re.compile(r"nms|(\w+_)?iou")
"""Names of fields that hold an IoU."""


def apply(config: Any, settings: Sequence[str]) -> Any:
    """``config`` with every ``path.to.field=value`` applied.

    Values are Python literals (``3``, ``true``, ``none``, ``(128, 96)``), or text where the field holds
    text. Raises ValueError for a key that does not exist, naming near ones, and for a value of another type
    than the field's or that can mean nothing: negative steps, empty batches, an IoU of 7.
    """
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise ValueError(f"--set {setting!r}: expected key=value, as in --set training.steps=500")
        config = _set(config, key.strip().split("."), text.strip(), key)
    return config


def _set(config: Any, path: list[str], text: str, key: str) -> Any:
    known = [f.name for f in fields(config) if f.init]
    try:
        name = choose(path[0], known, "config key")
    except ValueError as error:
        raise ValueError(f"--set {key}: {error}") from None
    current = getattr(config, name)
    choices = _choices(config, name)
    if len(path) == 1 and choices:
        try:
            return replace(config, **{name: choices[choose(text, choices, name)]})
        except ValueError as error:
            raise ValueError(f"--set {key}: {error}") from None
    if len(path) > 1:
        if not is_dataclass(current):
            raise ValueError(f"--set {key}: {name} has no parts; it is {current!r}")
        return replace(config, **{name: _set(current, path[1:], text, key)})
    if is_dataclass(current):
        parts = ", ".join(f.name for f in fields(current))
        raise ValueError(f"--set {key}: name one of its parts: {parts}")
    kind = typing.get_type_hints(type(config))[name]
    try:
        value = text if kind is str else _fitting(_literal(text), kind)
    except TypeError:
        raise ValueError(f"--set {key}: {text!r} given, a value like {current!r} expected") from None
    if least := _meaningless(next(f for f in fields(config) if f.name == name), value):
        raise ValueError(f"--set {key}: {text} given, {least} expected")
    return replace(config, **{name: value})


def _meaningless(field: Field[Any], value: Any) -> str:
    """What is expected, where a number can mean nothing in that field; else nothing.

    A field that is tuned above 0 holds nothing below it. Scores may be of any height, IoUs may not.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return ""
    if OVERLAPS.fullmatch(field.name):
        return "" if 0 <= value <= 1 else "a fraction of 0 to 1"
    if BATCHES.fullmatch(field.name):
        return "" if value >= 1 else "1 or more"
    low, _ = field.metadata.get("range", (-math.inf, math.inf))
    return "0 or more" if value < 0 and (low >= 0 or LENGTHS.fullmatch(field.name)) else ""


def _choices(config: Any, name: str) -> dict[str, Any]:
    """Name -> choice of a field that holds one of several dataclasses, or None; empty for other fields."""
    choices = next(f for f in fields(config) if f.name == name).metadata.get("choices", ())
    if not any(map(is_dataclass, choices)):
        return {}
    return {"none" if choice is None else choice.name: choice for choice in choices}


def _literal(text: str) -> Any:
    if text.lower() in ("true", "false", "none"):
        return {"true": True, "false": False, "none": None}[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _fitting(value: Any, kind: Any) -> Any:
    """``value`` as the type of a field: an int where a float is wanted is fine. Raises TypeError."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return None if value is None else _fitting(value, arguments[0])
    if origin is tuple and isinstance(value, (list, tuple)):
        kinds = arguments[:1] * len(value) if arguments[-1] is Ellipsis else arguments
        if len(kinds) == len(value):
            return tuple(_fitting(entry, wanted) for entry, wanted in zip(value, kinds))
    if origin is Literal and value in arguments:
        return value
    if kind is float and type(value) in (int, float) and math.isfinite(value):
        return float(value)
    if kind is not float and type(value) is kind:
        return value
    raise TypeError


def shortened(config: Any, share: float, prefix: str = "") -> list[str]:
    """``path.to.field=value`` by which every stage trains for a share of its steps or epochs, one at least;
    steps at which a rate falls move along."""
    found = []
    for field in fields(config):
        value = getattr(config, field.name)
        if is_dataclass(value):
            found += shortened(value, share, f"{prefix}{field.name}.")
        elif LENGTHS.fullmatch(field.name) and isinstance(value, int) and value:
            found.append(f"{prefix}{field.name}={max(1, round(share * value))}")
        elif field.name == "epochs":
            found.append(f"{prefix}{field.name}={share * value:g}")
        elif field.name == "milestones" and any(one > 1 for one in value):
            found.append(f"{prefix}{field.name}={tuple(round(share * one) for one in value)}")
    return found


def of_label(label: str) -> tuple[str, tuple[str, ...]]:
    """Variant and settings of what tables call a run: ``tiny+default fit=train-minus-val nms=0.3``.

    What is said there of training and tuning (:attr:`bench.runs.plan.Plan.label`) is no setting, and files
    are not said there: :func:`restored`.
    """
    variant, *entries = re.split(r" (?=[\w.]+=)", label)
    return variant, tuple(entry for entry in entries if entry.partition("=")[0] not in ("fit", "tuned"))


def restored(default: Any, overrides: Sequence[str], content: Mapping[str, Any]) -> tuple[str, ...]:
    """The settings that make of ``default`` the config that a result holds as JSON.

    Those that its label says, ``overrides``, and the files that it names, which the label does not say.
    """
    return (*overrides, *recorded(apply(default, overrides), content))


def differences(default: Any, config: Any, prefix: str = "") -> list[str]:
    """``path.to.field=value`` of every field in which ``config`` differs from ``default``.

    A file that ``default`` leaves to be named is no difference, and of any other only the name is said
    (:mod:`bench.sources`).
    """
    found = []
    for field in fields(config):
        before, now = getattr(default, field.name), getattr(config, field.name)
        if type(now) is not type(before) and _choices(config, field.name):
            found.append(f"{prefix}{field.name}={'none' if now is None else now.name}")
            before = now if now is None else type(now)()
        if is_dataclass(now):
            found += differences(before, now, f"{prefix}{field.name}.")
        elif now != before and not (before == "" and is_given(field, now)):
            found.append(f"{prefix}{field.name}={_shown(field, now)}")
    return found


def _shown(field: Field[Any], value: Any) -> str:
    return Path(value).name if is_given(field, value) else str(value)
