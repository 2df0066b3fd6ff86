"""The result of a run: its predictions scored under its plan's protocol, with all that is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bench import __version__
from bench.files.store import digest, digest_file, plain, write_json
from bench.records import Detections, Tubes
from bench.results.result import Coverage, Identity, Result, Training
from bench.results.scoring import Origin, Scored, write_scored
from bench.runs.begun import CONFIG
from bench.runs.plan import Plan
from bench.runs.predict import speed_of
from bench.sources import placeless, sources
from bench.tracking import Announcement
from bench.tracking.curves import CURVE
from bench.tracking.values import identity_tags, protocol_tags


def write_results(
    plan: Plan, detections: Detections, tubes: Tubes | None, checkpoints: Mapping[str, Path]
) -> list[Result]:
    """Score a run under each of its plan's protocols, the plan's own first.

    Every result has a folder of its own with ``result.json``, its matches and ``config.json``.
    """
    origin = Origin(
        identity=_identity(plan, checkpoints),
        coverage=_coverage(plan),
        training=_training(plan),
        speed=speed_of(plan.store.folder("predict", plan.predict_key)),
        seconds=_seconds(plan),
        inputs={**plan.train_keys, "predict": plan.predict_key, "link": plan.link_key},
        notes=tuple(plan.method.facts().get("notes", ())),
    )
    results = []
    for protocol in plan.protocols:
        folder = plan.folder_of(protocol)
        write_json(folder / CONFIG, plan.method.config)
        truth = plan.dataset.truth(protocol).select(plan.test_videos)
        results.append(write_scored(folder, Scored(truth, detections, tubes), protocol, origin))
    return results


def announcement(plan: Plan) -> Announcement:
    """What MLflow is told of a run that begins."""
    identity = _identity(plan, {})
    curves = {stage: plan.store.folder("train", key) / CURVE for stage, key in plan.train_keys.items()}
    rules = plan.protocol
    tags = identity_tags(identity) | protocol_tags(rules)
    return Announcement(
        plan.request.runs_dir, plan.folder, rules.id, rules.ranking_metric, identity, tags, curves
    )


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
        config_digest=digest(placeless(method.config)),
        seed=plan.request.seed,
        checkpoint_digests={stage: digest_file(path) for stage, path in checkpoints.items()},
        code_version=__version__,
        paper=method.paper,
        tuned=plan.tuned,
        sources=sources(method.config),
    )


def _training(plan: Plan) -> Training | None:
    """None for a method that learns nothing."""
    if not plan.train_keys:
        return None
    facts = plan.method.facts()
    steps = (plan.store.facts("train", key)["steps"] for key in plan.train_keys.values())
    return Training(
        data=plan.request.fit,
        videos=len(plan.train_truth.videos),
        listed=len(plan.fit_videos),
        steps=sum(map(int, steps)),
        pretraining=facts["pretraining"],
        flow=facts["flow_source"] or "none",
        boxes_from=facts["boxes_from"],
        checkpoint="last",
        precision=plan.request.precision,
    )


def _seconds(plan: Plan) -> dict[str, float]:
    store = plan.store
    steps = {stage: store.facts("train", key)["seconds"] for stage, key in plan.train_keys.items()}
    steps["predict"] = store.facts("predict", plan.predict_key)["seconds"]
    steps["link"] = store.facts("link", plan.link_key)["seconds"]
    return steps
