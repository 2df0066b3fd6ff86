"""Studies and their trials in MLflow."""

from __future__ import annotations

from pathlib import Path

from bench.tracking import record_study, resync, tracking_uri
from bench.tracking.server import import_client
from bench.tuning.record import StudyRecord, Trial

TRIALS = (
    Trial(0, "complete", (40.0,), {"nms": 0.3, "link": "viterbi"}, "", 1.0),
    Trial(1, "pruned", (), {"nms": 0.9, "link": "viterbi"}, "", 0.5),
    Trial(2, "complete", (43.5,), {"nms": 0.4, "link": "online"}, "", 1.0),
)
RULES = "ucf24-mini@1.micro/1/act@1"
STUDY = StudyRecord(
    name="o'study", title="PCSC tiny+default", protocol=RULES, dataset="ucf24-mini@1.micro", seed=0,
    tuned_on="validation of train", videos=12, objectives=("video_map/0.50",), space=(), trials=TRIALS,
    best=2, pareto=(2,), settings=("postprocess.nms=0.4",), importances={"nms": 0.8, "link": 0.2},
)  # fmt: skip


def test_a_study_is_a_parent_with_its_trials(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "tune"
    STUDY.write(folder)
    record_study(folder, tmp_path)
    again = record_study(folder, tmp_path)
    client = import_client()(tracking_uri(tmp_path))
    experiment = client.get_experiment_by_name(f"tune/{RULES}")
    assert experiment is not None
    runs = list(client.search_runs([experiment.experiment_id]))
    (parent,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    assert parent.info.run_id == again
    trials = {run.info.run_name: run for run in runs if run.data.tags.get("mlflow.parentRunId") == again}
    assert set(trials) == {"trial 0 (as published)", "trial 1", "trial 2"}
    assert trials["trial 2"].data.params == {"nms": "0.4", "link": "online"}
    assert trials["trial 2"].data.metrics == {"video_map/0.50": 43.5}
    assert trials["trial 1"].info.status == "KILLED"
    best = client.get_metric_history(again, "best/video_map/0.50")
    assert [(m.step, m.value) for m in best] == [(0, 40.0), (2, 43.5)]
    assert parent.data.params["best.nms"] == "0.4"
    assert parent.data.metrics["gain"] == 3.5
    assert [outcome.what for outcome in resync(tmp_path, send=True)] == ["there already"]
