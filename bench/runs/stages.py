"""The stages of a run, each alone: which run is meant, and what must have been done before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from bench.files.store import read_json
from bench.metrics.track_recall import Coverage, coverage
from bench.names import choose
from bench.protocol import TubeRules
from bench.records import Tubes
from bench.results.result import FILE, NO_RESULTS
from bench.runs.plan import Plan, Request
from bench.runs.reopen import Finished, Predicted, Relinked, relink, relink_plan
from bench.runs.reporter import Reporter
from bench.runs.run import ASKED, Run
from methods.base import Method, no_tracks

OF_THE_RUN = ("method", "dataset", "variant", "split", "seed", "precision", "overrides", "fit")
"""What a run was asked for."""
ANEW = ("device", "data_root", "protocol", "feature_budget")
"""What may be said anew."""
UNSAID = (None, "", 0, (), "train", "32-true", "auto", 50.0)
"""Values of options that say nothing."""


def plan_of(name: str | None, words: Mapping[str, Any]) -> Plan:
    """The plan of the run of that name (:func:`find_asked`), or of what the options ask for.

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
    request = find_asked(name, words["runs_dir"], words.get("data_root"))
    anew = {w: words[w] for w in ANEW if words.get(w) not in UNSAID}
    return Plan.of(replace(request, **anew, partial=request.partial or bool(words.get("partial"))))


def find_asked(name: str, runs_dir: Path, data_root: Path | None = None) -> Request:
    """What the run was asked for that ``name`` means (:func:`find_folder`); asked again in this place."""
    folder = find_folder(name, runs_dir)
    if (folder / ASKED).is_file():
        return _read(folder)
    return Finished.of(folder).plan(data_root).request


def find_folder(name: str, runs_dir: Path) -> Path:
    """The folder of the begun or finished run that ``name`` means: itself, its name, or a part of that.

    Raises ValueError where there is none, or where there are several.
    """
    folder = Path(name).parent if Path(name).name == FILE else Path(name)
    if any((folder / file).is_file() for file in (FILE, ASKED)):
        return folder.resolve()
    if folder.exists():
        raise ValueError(f"{folder} is no run: it has no {FILE}; a run's folder is {runs_dir}/DATASET/RUN")
    paths = sorted({path.parent for file in (FILE, ASKED) for path in runs_dir.glob(f"*/*/{file}")})
    known = {path.name: path for path in paths if path.parent.name not in NO_RESULTS}
    if not known:
        raise ValueError(f"no run {name}, and none below {runs_dir}; name its folder, or --runs-dir")
    meant = [name] if name in known else [each for each in known if name in each]
    if len(meant) > 1:
        some = ", ".join(meant[:5])
        raise ValueError(f"{name} may be {len(meant)} runs: {some}{' ...' * (len(meant) > 5)}; name one")
    return known[meant[0] if meant else choose(name, known, "run")].resolve()


def _read(folder: Path) -> Request:
    """Of the folder where it lies now, which need not be where it was run."""
    path = folder / ASKED
    content = read_json(path)
    known = {field.name for field in fields(Request)}
    wrong = sorted(set(content) - known) if isinstance(content, dict) else ["no object"]
    if wrong:
        raise ValueError(
            f"{path}: unknown {', '.join(wrong)}; the run is of another version, name its options"
        )
    root = content["data_root"]
    content |= {"runs_dir": folder.parents[1], "data_root": None if root is None else Path(root)}
    return Request(**content | {"overrides": tuple(content["overrides"])})


def train(run: Run) -> Mapping[str, Path]:
    """Train all stages, after what can be refused was refused; stage -> checkpoint."""
    run.begin()
    run.flow(run.plan.train_truth, "flow of training videos", training=True)
    return run.train()


def predict(run: Run) -> Path:
    """Predict the test videos with the weights that are there; the folder of the predictions.

    Raises ValueError where it was not trained yet.
    """
    run.begin()
    checkpoints = checkpoints_of(run.plan)
    plan = run.plan
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
    folder = find_folder(name, runs_dir)
    if (folder / FILE).is_file():
        return relink(folder, data_root, overrides, reporter, out)
    plan = Plan.of(find_asked(name, runs_dir, data_root))
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
        raise ValueError(
            f"{plan.title} on {plan.protocol.id} is not predicted yet: `bench predict` comes first"
        )


def checkpoints_of(plan: Plan) -> Mapping[str, Path]:
    """Stage -> checkpoint of a run that is trained. Raises ValueError where it is not."""
    from bench.training import CHECKPOINT

    missing = [stage for stage, key in plan.train_keys.items() if not plan.store.is_done("train", key)]
    if missing:
        raise ValueError(
            f"{plan.title} on {plan.protocol.id} is not trained yet ({missing[0]}): `bench train` comes first"
        )
    return {stage: plan.store.folder("train", key) / CHECKPOINT for stage, key in plan.train_keys.items()}
