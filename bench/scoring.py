"""From detections and tubes to a written result: scored, with intervals and all that is known of the run."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from bench import __version__
from bench.metrics import evaluate, intervals
from bench.plan import Plan
from bench.predict import speed_of
from bench.records import Detections, Tubes
from bench.result import Coverage, Environment, Estimate, Identity, Result, Times, Training, write_matches
from bench.store import digest, digest_file, plain, write_json
from bench.tables import digest_ground_truth


def write_result(
    plan: Plan, detections: Detections, tubes: Tubes | None, checkpoints: Mapping[str, Path]
) -> Result:
    """Score under the plan's protocol; write ``result.json``, its matches and ``config.json``."""
    began = time.monotonic()
    evaluation = evaluate(plan.test_truth, detections, tubes, plan.protocol)
    bounds = intervals(evaluation.matches, evaluation.truth, plan.protocol)
    matches_digest = write_matches(plan.folder, evaluation.matches, evaluation.truth)
    write_json(plan.folder / "config.json", plan.method.config)

    def estimate(name: str, value: float | None) -> Estimate | None:
        return None if value is None else Estimate(value, *bounds.get(name, (None, None)))

    result = Result(
        identity=_identity(plan, checkpoints),
        protocol=plan.protocol.id,
        rules=plan.protocol,
        dataset=plan.dataset.id,
        split=plan.protocol.split,
        data_kind="rendered" if plan.protocol.synthetic else "real",
        coverage=_coverage(plan),
        metrics={name: estimate(name, value) for name, value in evaluation.metrics.items()},
        per_class={
            name: {c: estimate(f"{name}/{c}", value) for c, value in table.items()}
            for name, table in evaluation.per_class.items()
        },
        errors={},
        speed=speed_of(plan.store.folder("predict", plan.predict_key)),
        training=_training(plan),
        environment=Environment.here(),
        truth_digest=digest_ground_truth(plan.test_truth),
        matches_digest=matches_digest,
        times=_times(plan, time.monotonic() - began),
        inputs={**plan.train_keys, "predict": plan.predict_key, "link": plan.link_key},
    )
    result.write(plan.folder)
    return result


def _coverage(plan: Plan) -> Coverage:
    scored, expected = len(plan.test_videos), len(plan.expected_videos)
    return Coverage(scored, expected, scored < expected)


def _identity(plan: Plan, checkpoints: Mapping[str, Path]) -> Identity:
    method = plan.method
    return Identity(
        method=method.name,
        variant=plan.label,
        title=method.title,
        config=plain(method.config),
        config_digest=digest(method.config),
        seed=plan.request.seed,
        checkpoint_digests={stage: digest_file(path) for stage, path in checkpoints.items()},
        code_version=__version__,
        paper=method.paper,
    )


def _training(plan: Plan) -> Training:
    facts = plan.method.facts()
    first = next(iter(plan.train_keys.values()))
    return Training(
        data="train",
        videos=len(plan.train_truth.videos),
        listed=len(plan.dataset.split(plan.protocol.split).train),
        steps=int(plan.store.facts("train", first)["steps"]),
        pretraining=facts["pretraining"],
        flow=facts["flow_source"] or "none",
        boxes_from=facts["boxes_from"],
        checkpoint="last",
    )


def _times(plan: Plan, scoring: float) -> Times:
    store = plan.store
    steps = {stage: store.facts("train", key)["seconds"] for stage, key in plan.train_keys.items()}
    steps["predict"] = store.facts("predict", plan.predict_key)["seconds"]
    steps["link"] = store.facts("link", plan.link_key)["seconds"]
    return Times(datetime.now(UTC).isoformat(timespec="seconds"), steps | {"score": round(scoring, 3)})
