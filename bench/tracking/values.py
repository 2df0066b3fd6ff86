"""What a result is called in MLflow: the names of runs, metrics, parameters and tags. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bench.files.store import digest
from bench.protocol import Protocol
from bench.results.result import Estimate, Identity, Result

LONGEST_NAME = 240
"""Characters of a name; MLflow takes 250."""
LONGEST_CLASS = 80
LONGEST_VALUE = 5000
"""Characters of a parameter or tag; MLflow takes 6000."""
NOTE = "mlflow.note.content"
"""The tag that the dashboard shows as a run's description."""
DECIMALS = 3
"""Of the numbers, so that tables of runs can be read; ``result.json`` has all."""
SHOWN_LEVELS = ("frame_ap/0.50", "video_ap/0.20", "video_ap/0.50")
"""Per-class AP that is logged beside the ranking metric's; ``result.json`` has every threshold."""


def run_name(identity: Identity) -> str:
    """``pcsc tiny+default seed 0``."""
    return shortened(f"{identity.method} {identity.variant} seed {identity.seed}")


def run_key(identity: Identity) -> str:
    """What makes two runs of one experiment the same: method, variant, files given and seed."""
    name = " ".join((*identity.configuration, f"seed {identity.seed}"))
    plain = re.sub(r"[^\w+.-]+", "-", name)
    return plain if len(plain) <= LONGEST_NAME else f"{plain[:100]}-{digest(name)}"


def shortened(name: str) -> str:
    """A name of a length that MLflow takes; what is cut is told apart by a digest."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 20]}...{digest(name)}"


def accepted(name: str) -> str:
    """A name of letters, digits and signs that MLflow takes for a metric or parameter."""
    return shortened(re.sub(r"[^\w./ -]+", "-", name))


def class_slugs(names: Sequence[str]) -> dict[str, str]:
    """Class name -> lower-case letters, digits and dashes, unique: ``CliffDiving`` -> ``cliff-diving``."""
    slugs: dict[str, str] = {}
    for name in names:
        spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()
        slug = re.sub(r"[^a-z0-9]+", "-", spaced)[:LONGEST_CLASS].strip("-") or "class"
        taken = set(slugs.values())
        slugs[name] = next(
            s for s in (slug, *(f"{slug}-{i}" for i in range(2, len(names) + 2))) if s not in taken
        )
    return slugs


def flat_metrics(result: Result) -> dict[str, float]:
    """The numbers of a result by one name each; what is not applicable is absent."""
    flat = dict(result.speed.values) if result.speed else {}
    flat |= {f"seconds/{step}": value for step, value in result.times.steps.items()}
    for name, estimate in result.metrics.items():
        flat |= _with_interval(name, estimate)
    for name in dict.fromkeys((result.ranking_metric.replace("_map/", "_ap/"), *SHOWN_LEVELS)):
        classes = result.per_class.get(name, {})
        slugs = class_slugs(list(classes))
        flat |= {f"{name}/{slugs[c]}": estimate.value for c, estimate in classes.items() if estimate}
    for level, kinds in result.errors.items():
        flat |= {f"error/{level}/{kind}": share for kind, share in kinds.items() if share is not None}
    return {name: round(value, DECIMALS) for name, value in flat.items()}


def _with_interval(name: str, estimate: Estimate | None) -> dict[str, float]:
    if estimate is None:
        return {}
    bounds = {f"interval_low/{name}": estimate.low, f"interval_high/{name}": estimate.high}
    return {name: estimate.value} | {key: bound for key, bound in bounds.items() if bound is not None}


def flatten(tree: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Nested mappings as one: ``{"a": {"b": 1}}`` -> ``{"prefix.a.b": 1}``."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        name = f"{prefix}.{key}" if prefix else key
        flat |= flatten(value, name) if isinstance(value, Mapping) else {name: value}
    return flat


def identity_tags(identity: Identity) -> dict[str, str]:
    """What is run."""
    given = {"files": "; ".join(identity.given)[:LONGEST_VALUE]} if identity.sources else {}
    return given | {
        "method": identity.method[:LONGEST_VALUE],
        "variant": identity.variant[:LONGEST_VALUE],
        "seed": str(identity.seed),
        "paper": identity.paper[:LONGEST_VALUE],
        "config digest": identity.config_digest,
        "code version": identity.code_version,
    }


def protocol_tags(rules: Protocol) -> dict[str, str]:
    """On what it is run."""
    return {
        "dataset": rules.dataset,
        "split": rules.split,
        "protocol": rules.id,
        "data kind": "rendered" if rules.synthetic else "real",
    }


def note(result: Result) -> str:
    """The headline of a run in Markdown: its metrics with their intervals."""
    lines = [
        f"Scored under `{result.protocol}`, in percent.",
        "",
        "| metric | value | 95% interval |",
        "|---|--:|---|",
    ]
    for name, estimate in result.metrics.items():
        if estimate is not None:
            known = estimate.low is not None and estimate.high is not None
            bounds = f"{estimate.low:.1f} to {estimate.high:.1f}" if known else ""
            title = f"**{name}**" if name == result.ranking_metric else name
            lines.append(f"| {title} | {estimate.value:.1f} | {bounds} |")
    return "\n".join(lines)


def tags(result: Result) -> dict[str, str]:
    """What a table of runs is filtered and grouped by."""
    training = result.training
    found = identity_tags(result.identity) | protocol_tags(result.rules)
    found |= {
        "coverage": f"{result.coverage.videos}/{result.coverage.expected}",
        "ranked": "yes" if result.ranked else "no",
        "hardware": result.environment.gpu or result.environment.cpu,
    }
    if training:
        found |= {
            "flow": training.flow,
            "pretraining": training.pretraining,
            "boxes from": training.boxes_from,
            "training data": training.data,
            "checkpoint": training.checkpoint,
        }
    found[NOTE] = note(result)
    return {name: value[:LONGEST_VALUE] for name, value in found.items()}
