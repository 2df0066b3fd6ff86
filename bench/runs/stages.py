"""The stages of a run, each alone: which run is meant, and what must have been done before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.metrics.track_recall import Coverage, coverage
from bench.protocol import TubeRules
from bench.records import Tubes
from bench.results.result import FILE, Result
from bench.runs.begun import asked_of, check_same, earlier, read_today
from bench.runs.naming import ASKED, find_run
from bench.runs.plan import Plan, Request
from bench.runs.reopen import Finished, Predicted, Relinked, relink, relink_plan
from bench.runs.reporter import Reporter
from bench.runs.run import Run
from methods.base import Method, no_tracks

OF_THE_RUN = ("method", "dataset", "variant", "split", "seed", "precision", "overrides", "fit")
"""What a run was asked for."""
ANEW = ("device", "data_root", "protocol", "feature_budget")
"""What may be said anew."""
UNSAID = (None, "", 0, (), "train", "32-true", "auto", 50.0)
"""Values of options that say nothing."""


def plan_of(name: str | None, words: Mapping[str, Any]) -> Plan:
    """The plan of the run of that name (:func:`find_run`), or of what the options ask for.

    Beside a run, options say where it goes on (device, data, room for features) and how it is scored.
    Raises ValueError for options that contradict it, and where neither is named.
    """
    if name is None:
        missing = [f"--{word}" for word in ("method", "dataset") if not words.get(word)]
        if missing:
            raise ValueError(f"name a run, or {' and '.join(missing)}")
        return Plan.of(Request(**words))
    for word in OF_THE_RUN:
        if words.get(word) not in UNSAID:
            raise ValueError(f"--{word.replace('overrides', 'set')}: the run {name} says that; leave one out")
    return again(find_run(name, words["runs_dir"]), words)


def again(folder: Path, words: Mapping[str, Any]) -> Plan:
    """The plan of the run in a folder, with what the options say anew.

    Raises ValueError where this version makes another run of what it was asked for.
    """
    request = _asked(folder, words.get("data_root"))
    anew = {w: words[w] for w in ANEW if words.get(w) not in UNSAID}
    partial = request.partial or bool(words.get("partial"))
    with read_today(folder):
        plan = Plan.of(replace(request, **anew, partial=partial))
    if partial == request.partial:
        own = (folder / ASKED).is_file()
        check_same(folder, plan, plan.folder if own else plan.folder_of(Result.read(folder).rules))
    return plan


def _asked(folder: Path, data_root: Path | None) -> Request:
    """What a run was asked for. Raises ValueError for one that was tuned."""
    if (folder / ASKED).is_file():
        return asked_of(folder)
    finished = Finished.of(folder)
    if finished.result.identity.tuned:
        raise ValueError(f"{folder} was tuned, and belongs to its study: `bench tune` makes it")
    return finished.plan(data_root).request


def train(run: Run) -> Mapping[str, Path]:
    """Train all stages, after what can be refused was refused; stage -> checkpoint."""
    run.begin()
    run.flow(run.plan.train_truth, "flow of training videos", training=True)
    return run.train()


def predict(run: Run) -> Path:
    """Predict the test videos with the weights that are there; the folder of the predictions.

    Raises ValueError where it was not trained yet.
    """
    plan, checkpoints = run.plan, checkpoints_of(run.plan)
    run.begin()
    if plan.method.flow and not plan.method.flow.only_training:
        run.flow(plan.test_truth, "flow of test videos", training=False)
    run.predict(checkpoints)
    return plan.store.folder("predict", plan.predict_key)


def score(run: Run) -> None:
    """Link, where that is not done, and score under every protocol of the plan; the results are written.

    Raises ValueError where it was not predicted yet.
    """
    predicted(run.plan)
    run.score(*run.link(), checkpoints_of(run.plan))


def link(
    name: str,
    runs_dir: Path,
    data_root: Path | None,
    overrides: Sequence[str],
    reporter: Reporter,
    out: Path | None,
) -> Relinked:
    """Link the predictions of a run once more (:func:`bench.runs.reopen.relink`), finished or not."""
    folder = find_run(name, runs_dir)
    if (folder / FILE).is_file():
        return relink(folder, data_root, overrides, reporter, out)
    plan = again(folder, {"data_root": data_root})
    predicted(plan)
    return relink_plan(replace(Predicted.of(plan.request), key=plan.predict_key), overrides, reporter, out)


def recall(run: Run) -> tuple[Coverage, Tubes]:
    """What the tracks of a run's method cover of the test annotation, and those tracks.

    Tracks that are not kept are made. Raises ValueError where it was not trained yet, and for a method
    without tracks.
    """
    plan = run.plan
    checkpoints = checkpoints_of(plan)
    if type(plan.method).tracks is Method.tracks:  # before flow is computed for nothing
        raise ValueError(no_tracks(plan.method.name))
    if plan.method.flow and not plan.method.flow.only_training:
        run.flow(plan.test_truth, "flow of test videos", training=False)
    tracks = run.tracks(checkpoints)
    return coverage(plan.test_truth, tracks, plan.protocol.evaluator.tubes or TubeRules()), tracks


def predicted(plan: Plan) -> None:
    """Raise ValueError where the test videos were not predicted."""
    if not plan.store.is_done("predict", plan.predict_key):
        raise ValueError(_lacking(plan, "predicted", "predict"))


def checkpoints_of(plan: Plan) -> Mapping[str, Path]:
    """Stage -> checkpoint of a run that is trained. Raises ValueError where it is not."""
    from bench.training import CHECKPOINT

    missing = [stage for stage, key in plan.train_keys.items() if not plan.store.is_done("train", key)]
    if missing:
        raise ValueError(_lacking(plan, "trained", "train", f" ({missing[0]})"))
    return {stage: plan.store.folder("train", key) / CHECKPOINT for stage, key in plan.train_keys.items()}


def _lacking(plan: Plan, what: str, command: str, where: str = "") -> str:
    """That something comes first, and whose work cannot stand for it."""
    other = earlier(plan)
    by, why = (" by this version", f"; {other}, which this one cannot go on with") if other else ("", "")
    first = f"`bench {command}` comes first"
    return f"{plan.title} on {plan.protocol.id} is not {what} yet{by}{where}: {first}{why}"
