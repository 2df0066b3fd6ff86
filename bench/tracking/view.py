"""What the dashboard shows first: a saved view of an experiment, with the columns that a researcher compares.

MLflow keeps a shared view as a tag of the experiment: JSON, deflated, in base 64. Where another version of
MLflow reads it otherwise, the dashboard opens with its own defaults.
"""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

KEY = "bench"
TAG = f"mlflow.sharedViewState.{KEY}"
METRICS = ("video_map/0.20", "video_map/0.50", "video_map/0.75", "video_map/0.50-0.95", "frame_map/0.50")
SPEED = "fps/evaluation"
TAGS = ("flow", "pretraining", "boxes from", "ranked", "hardware")
ERRORS = ("error/frame/localization", "error/frame/classification", "error/frame/time", "error/frame/missed")


def address(experiment: str) -> str:
    """Below the dashboard's address: the runs of an experiment compared in this view."""
    return f"#/experiments/{experiment}/runs?viewStateShareKey={KEY}&compareRunsMode=CHART"


def shared_view(ranking_metric: str) -> dict[str, str]:
    """The tag that holds the view, sorted by the protocol's ranking metric."""
    text = json.dumps(_state(ranking_metric), separators=(",", ":"))
    packed = base64.b64encode(zlib.compress(text.encode())).decode()
    return {TAG: f"deflate;{packed}"}


def _state(ranking_metric: str) -> dict[str, Any]:
    metrics = list(dict.fromkeys((ranking_metric, *METRICS)))
    columns = [f"metrics.`{name}`" for name in (*metrics, SPEED)] + [f"tags.`{name}`" for name in TAGS]
    charts = [_bars(name, "accuracy") for name in (*metrics, SPEED)] + [
        _bars(name, "errors") for name in ERRORS
    ]
    return {
        "orderByKey": f"metrics.`{ranking_metric}`",
        "orderByAsc": False,
        "searchFilter": "",
        "lifecycleFilter": "Active",
        "startTime": "ALL",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": columns,
        "compareRunCharts": charts,
        "compareRunSections": [
            _section("accuracy", "Accuracy (%) and speed"),
            _section("errors", "Errors of boxes (%)"),
        ],
        "hideEmptyCharts": True,
    }


def _bars(metric: str, section: str) -> dict[str, Any]:
    return {
        "type": "BAR",
        "uuid": f"bench-{metric}",
        "metricKey": metric,
        "metricSectionId": f"bench-{section}",
        "runsCountToCompare": 10,
        "isGenerated": False,
        "deleted": False,
    }


def _section(name: str, title: str) -> dict[str, Any]:
    kept = {"isReordered": True, "deleted": False, "isGenerated": False}
    return {"uuid": f"bench-{name}", "name": title, "display": True, **kept}
