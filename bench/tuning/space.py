"""What is searched: the fields of a config whose metadata say over which values.

A field declares itself where it is defined. ``field(default=0.5, metadata={"range": (0.2, 0.8)})`` is a
number; with ``"step": 2`` a whole number that keeps its parity; ``float | None`` may also be switched off.
``metadata={"choices": ("copy", "interpolate")}`` is one of these; choices that are dataclasses are rules,
each searched over its own numbers when it is chosen. A range over a factor of 30 or more is searched on a
logarithmic scale.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, dataclass, field, fields, is_dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from bench.names import near
from bench.tubes.base import Linker

LOG_FACTOR = 30
DIGITS = 4
"""Significant digits of a number that is tried, so that it can be written down and used again."""

Label = str | bool | int | float


@dataclass(frozen=True)
class Parameter:
    """One thing that is searched: one of ``choices``, or a number from ``low`` to ``high``.

    default: the value that the base configuration has; step: of a whole number, 0 for any other.
    """

    name: str
    default: Label
    choices: tuple[Label, ...] = ()
    low: float = 0.0
    high: float = 0.0
    step: int = 0
    log: bool = False

    def rounded(self, value: Any) -> Any:
        """A number with few digits inside the range; the default and choices as they are."""
        if self.choices or self.step or value == self.default:
            return value
        return min(max(float(f"{value:.{DIGITS}g}"), self.low), self.high)


Ask = Callable[[Parameter], Any]


@dataclass(frozen=True)
class Space:
    """The configurations around ``base``.

    only: patterns of names (``*`` matches); a parameter that none of them names keeps its value. None: all.
    without: choices left out, by (name of the field, label).
    floors: lowest value that makes a difference, by field of ``base``: the stored predictions end there.
    """

    base: Any
    only: tuple[str, ...] | None = None
    without: frozenset[tuple[str, Label]] = frozenset()
    floors: Mapping[str, float] = field(default_factory=dict)

    def chosen(self, ask: Ask) -> Any:
        """The configuration that ``ask`` answers to: it is called once for every parameter that applies."""
        return self._filled(self.base, "", ask)

    def parameters(self) -> dict[str, Parameter]:
        """Every parameter under any choice, by name, in the order of the fields."""
        found: dict[str, Parameter] = {}
        forced: list[dict[str, Label]] = [{}]
        for known in forced:

            def ask(parameter: Parameter, known: dict[str, Label] = known) -> Any:
                if parameter.name not in found:
                    found[parameter.name] = parameter
                    forced.extend(known | {parameter.name: label} for label in parameter.choices)
                return known.get(parameter.name, parameter.default)

            self.chosen(ask)
        return found

    def with_choice(self, name: str, label: Label) -> Any:
        """The base configuration but for one choice."""
        return self.chosen(lambda parameter: label if parameter.name == name else parameter.default)

    def restricted(self, patterns: tuple[str, ...], elsewhere: Mapping[str, str]) -> Space:
        """The space of those parameters alone that the patterns name.

        elsewhere: fields that cannot be searched, and why. Raises ValueError for a pattern that names none.
        """
        known = self.parameters()
        for pattern in patterns:
            if any(_names(pattern, name) for name in known):
                continue
            if pattern in elsewhere:
                raise ValueError(f"--field {pattern}: {elsewhere[pattern]}")
            raise ValueError(f"--field {pattern}: nothing of that name is searched; {near(pattern, known)}")
        return replace(self, only=patterns)

    def _filled(self, config: Any, prefix: str, ask: Ask) -> Any:
        hints = typing.get_type_hints(type(config))
        changes = {}
        for entry in fields(config):
            name, value = prefix + entry.name, getattr(config, entry.name)
            if "range" in entry.metadata:
                changes[entry.name] = self._number(entry, hints[entry.name], name, value, ask)
            elif "choices" in entry.metadata:
                changes[entry.name] = self._choice(entry, name, value, ask)
            elif is_dataclass(value):
                changes[entry.name] = self._filled(value, f"{name}.", ask)
        return replace(config, **changes)

    def _number(self, entry: Field[Any], kind: Any, name: str, value: Any, ask: Ask) -> Any:
        kinds = set(typing.get_args(kind)) or {kind}
        if type(None) in kinds and not self._ask(
            Parameter(f"{name}.on", value is not None, (False, True)), ask
        ):
            return None
        low, high = entry.metadata["range"]
        step = int(entry.metadata.get("step", 1)) if int in kinds else 0
        middle = (low + high) / 2 if not step else low + (high - low) // (2 * step) * step
        default = next(n for n in (value, entry.default, middle) if isinstance(n, (int, float)))
        low, high = min(max(low, self.floors.get(name, low)), default), max(high, default)
        log = 0 < low * LOG_FACTOR <= high and step <= 1
        return self._ask(Parameter(name, default, low=low, high=high, step=step, log=log), ask)

    def _choice(self, entry: Field[Any], name: str, value: Any, ask: Ask) -> Any:
        now = _label(value)
        options = {_label(choice): choice for choice in entry.metadata["choices"]} | {now: value}
        if isinstance(value, Linker):
            options = {now: value}  # the rule itself is the method's, or named by --linker
        labels = tuple(label for label in options if (name, label) not in self.without)
        label = now if len(labels) < 2 else self._ask(Parameter(name, now, labels), ask)
        rule = options[label]
        return self._filled(rule, f"{name}.{label}.", ask) if is_dataclass(rule) else rule

    def _ask(self, parameter: Parameter, ask: Ask) -> Any:
        if self.only is not None and not any(_names(pattern, parameter.name) for pattern in self.only):
            return parameter.default
        return parameter.rounded(ask(parameter))


def usable(space: Space, attempt: Callable[[Any], object]) -> tuple[Space, tuple[str, ...]]:
    """The space without the choices that ``attempt`` refuses with a ValueError, and why each was refused."""
    without, reasons = set(space.without), dict[tuple[str, str], list[str]]()
    for parameter in space.parameters().values():
        for label in parameter.choices:
            config = space.with_choice(parameter.name, label)
            if config == space.base:
                continue
            try:
                attempt(config)
            except ValueError as error:
                without.add((parameter.name, label))
                reasons.setdefault((parameter.name, str(error)), []).append(str(label))
    texts = (f"{name}={', '.join(some)} is not searched: {why}" for (name, why), some in reasons.items())
    return replace(space, without=frozenset(without)), tuple(texts)


def field_names(config: Any, prefix: str = "") -> Iterator[str]:
    """``path.to.field`` of every field of a config tree, parts included."""
    for entry in fields(config):
        yield prefix + entry.name
        value = getattr(config, entry.name)
        if is_dataclass(value):
            yield from field_names(value, f"{prefix}{entry.name}.")


def _label(value: Any) -> Label:
    if value is None:
        return "none"
    name: Label = getattr(value, "name", value)
    return name


def _names(pattern: str, name: str) -> bool:
    """Whether a pattern names a parameter, or a part that holds it."""
    return fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}.*")
