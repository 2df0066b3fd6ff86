"""What of ours answers a printed number: results, and for frame rates the measurements of ``bench speed``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import mean, stdev
from typing import NamedTuple

from bench.metrics.errors.oracle import SUBSETS
from bench.results.result import Estimate, Result
from bench.speed.rows import Row, by_device
from reports.published import Number
from reports.tables import with_interval

RATE = "fps/end_to_end/batch_"
"""Metric keys of frame rates begin so, and end in the number of frames at a time."""


class Value(NamedTuple):
    """One value of ours as a table shows it, and what must be said of it below the table."""

    text: str
    note: str = ""


def answers(
    shown: Iterable[Number], results: Iterable[Result], timed: Sequence[Row]
) -> dict[Number, tuple[Value, ...]]:
    """Ours of every number that a method of the suite is to answer; of those without a result none.

    Tuned and partial results do not answer. Seeds of one configuration are one value; runs that were given
    other files are others, and so is every device.
    """
    found = _by_answer(results)
    return {
        number: _rates(number, timed) if number.metric_key.startswith(RATE) else _values(number, found)
        for number in shown
        if number.our_method
    }


def variant_of(number: Number) -> str:
    """The variant that answers a number."""
    return f"full+{number.our_variant}"


def dataset_of(number: Number) -> str:
    """The dataset on which ours answers a number."""
    return number.our_protocol.partition("/")[0]


def batch_of(number: Number) -> str:
    """Frames at a time of a frame rate; empty for every other number."""
    return number.metric_key.removeprefix(RATE) if number.metric_key.startswith(RATE) else ""


def estimate(result: Result, key: str) -> Estimate | None:
    """What a result holds under a key; None: not applicable.

    ``frame_map/0.50``, ``detections/f_score`` ... as in ``metrics``; ``video_ap/0.30/<class>`` of one class;
    ``video_map/0.30/short``: the mean of a subset of the classes; ``error/oracle/short/none``: of the
    decompositions.
    """
    kind, _, rest = key.partition("/")
    if kind == "error":
        level, _, name = rest.partition("/")
        return _plain(result.errors.get(level, {}).get(name))
    threshold, _, part = rest.partition("/")
    if not part:
        return result.metrics.get(key)
    classes = result.per_class.get(f"{kind.replace('_map', '_ap')}/{threshold}", {})
    if kind.endswith("_ap"):
        return classes.get(part)
    values = [one.value for name in SUBSETS[part] if (one := classes.get(name)) is not None]
    return _plain(mean(values)) if len(values) == len(SUBSETS[part]) else None


def _plain(value: float | None) -> Estimate | None:
    return None if value is None else Estimate(value)


def _by_answer(results: Iterable[Result]) -> dict[tuple[str, str, str], list[Result]]:
    """Results by method, variant and protocol."""
    found: dict[tuple[str, str, str], list[Result]] = {}
    for result in results:
        identity = result.identity
        if not (result.coverage.partial or identity.tuned):
            found.setdefault((identity.method, identity.variant, result.protocol), []).append(result)
    return found


def _values(number: Number, found: dict[tuple[str, str, str], list[Result]]) -> tuple[Value, ...]:
    """A value a configuration, those that were given most files first."""
    groups: dict[tuple[str, ...], list[Result]] = {}
    for result in found.get((number.our_method, variant_of(number), number.our_protocol), []):
        if estimate(result, number.metric_key) is not None:
            groups.setdefault(result.identity.configuration, []).append(result)
    ordered = sorted(groups, key=lambda configuration: (-len(configuration), configuration))
    return tuple(_value(groups[configuration], number.metric_key) for configuration in ordered)


def _value(seeds: Sequence[Result], key: str) -> Value:
    """``74.9 [70.1–79.0]``, of several seeds ``74.9 ± 0.4``."""
    found = [one for result in seeds if (one := estimate(result, key)) is not None]
    spread = f"{mean(v.value for v in found):.1f} ± {stdev(v.value for v in found):.1f}" if found[1:] else ""
    identity = seeds[0].identity
    given = f"{identity.method} {identity.variant} was given " * bool(identity.sources)
    return Value(spread or with_interval(found[0]), given + ", ".join(identity.given))


def _rates(number: Number, timed: Sequence[Row]) -> tuple[Value, ...]:
    """``38.2 on NVIDIA H200`` of every device."""
    batch = int(batch_of(number))
    found = by_device(timed, number.our_method, variant_of(number), dataset_of(number), batch)
    return tuple(
        Value(f"{row.end_to_end.fps:.1f} on {device}", f"{row.key.method} {row.key.variant}, {row.way}")
        for device, row in sorted(found.items())
    )
