"""Which results are ranked, in which rank, and why others are not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.metrics.bootstrap import paired_difference
from bench.metrics.evaluation import Evaluation
from bench.results.result import ON_SCORED, Result, read_matches


def configuration(result: Result) -> tuple[str, ...]:
    """What was run, whatever the seed: its names, the files that it was given, and all of its settings.

    Names alone are not enough: what a method's variant stands for may change from one version to the next.
    """
    return (*result.identity.configuration, result.identity.config_digest)


def ranks(entries: Sequence[tuple[Path, Result]]) -> list[int]:
    """1 + the number of configurations that are significantly better: the paired 95% interval is above 0.

    Seeds of one configuration count as one and never outrank each other.
    """
    better: list[set[tuple[str, ...]]] = [set() for _ in entries]
    level = "tube" if entries and entries[0][1].ranking_metric.startswith("video_map") else "frame"
    compared = entries if len(entries) > 1 else []
    evidence = [Evaluation({}, {}, *read_matches(path.parent, level)) for path, _ in compared]
    for i, (_, one) in enumerate(entries):
        for j, (_, other) in enumerate(entries[:i]):
            if configuration(one) == configuration(other):
                continue
            difference = paired_difference(evidence[i], evidence[j], one.ranking_metric, one.rules)
            if difference.better > 0:
                better[j].add(configuration(one))
            elif difference.better < 0:
                better[i].add(configuration(other))
    return [1 + len(names) for names in better]


def why_unranked(result: Result) -> str:
    """The reason, in the fewest words."""
    coverage, training = result.coverage, result.training
    if result.identity.tuned == ON_SCORED:
        return f"tuned on {ON_SCORED}"
    if coverage.partial:
        return f"partial {coverage.videos}/{coverage.expected}"
    if training and training.videos < training.listed:
        return f"trained on {training.videos}/{training.listed}"
    return "not applicable"
