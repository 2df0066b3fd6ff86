"""The result of a run: its predictions scored under its plan's protocol, with all that is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bench import __version__
from bench.files.store import digest, digest_file, plain, write_json
from bench.records import Detections, Tubes
from bench.results.result import Coverage, Identity, Result, Training
from bench.results.scoring import Origin, Scored, write_scored
from bench.runs.plan import Plan
from bench.runs.predict import speed_of


def write_result(
    plan: Plan, detections: Detections, tubes: Tubes | None, checkpoints: Mapping[str, Path]
) -> Result:
    """Score a run under its plan's protocol; write ``result.json``, its matches and ``config.json``."""
    write_json(plan.folder / "config.json", plan.method.config)
    origin = Origin(
        identity=_identity(plan, checkpoints),
        coverage=_coverage(plan),
        training=_training(plan),
        speed=speed_of(plan.store.folder("predict", plan.predict_key)),
        seconds=_seconds(plan),
        inputs={**plan.train_keys, "predict": plan.predict_key, "link": plan.link_key},
    )
    return write_scored(plan.folder, Scored(plan.test_truth, detections, tubes), plan.protocol, origin)


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


def _training(plan: Plan) -> Training | None:
    """None for a method that learns nothing."""
    if not plan.train_keys:
        return None
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


def _seconds(plan: Plan) -> dict[str, float]:
    store = plan.store
    steps = {stage: store.facts("train", key)["seconds"] for stage, key in plan.train_keys.items()}
    steps["predict"] = store.facts("predict", plan.predict_key)["seconds"]
    steps["link"] = store.facts("link", plan.link_key)["seconds"]
    return steps
