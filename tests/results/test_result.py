"""result.json: reading, writing, and what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bench.protocol import Protocol, evaluator
from bench.results.result import Environment, Estimate, Result, Times, read_all, read_matches, write_matches

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "result-schema.md"


def example() -> dict[str, Any]:
    """The example of the documentation."""
    block = re.search(r"```json\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert block
    content: dict[str, Any] = json.loads(block[1])
    return content


def matches(score: float = 0.5) -> tuple[pd.DataFrame, pd.DataFrame]:
    found = pd.DataFrame({
        "video": ["a", "b"], "group": ["g1", "g2"], "label": [0, 1], "level": ["frame", "tube"],
        "threshold": [0.5, 0.2], "score": [score, 0.25], "true_positive": [True, False],
    })  # fmt: skip
    truth = pd.DataFrame({"group": ["g1"], "label": [0], "class": ["A"], "level": ["frame"], "count": [3]})
    return found, truth


def stored(folder: Path, change: Callable[[dict[str, Any]], object] = lambda content: None) -> Path:
    """The example with its matches in ``folder``, the JSON changed by ``change`` behind the schema's back."""
    content = example() | {"matches_digest": write_matches(folder, *matches())}
    change(content)
    path = folder / "result.json"
    path.write_text(json.dumps(content))
    return path


def test_the_documented_example_round_trips(tmp_path: Path) -> None:
    result = Result.read(stored(tmp_path))
    assert result.identity.config["training"]["rate"] == 0.001
    assert result.metrics["frame_map/0.50"] == Estimate(61.25, 55.0, 66.5)
    assert result.per_class["frame_ap/0.50"]["Fencing"] is None
    assert result.errors["dap"]["missed"] is None
    assert result.errors_per_class["frame"]["missed"]["Basketball"] == 6.5
    assert result.synthetic
    assert result.ranked
    assert result.rules == Protocol("ucf24-mini@1.small", "1", evaluator("act"))
    path = result.write(tmp_path)
    assert Result.read(tmp_path) == result
    assert json.loads(path.read_text()) == example() | {"matches_digest": result.matches_digest}


def test_results_of_before_curves_were_kept_are_read(tmp_path: Path) -> None:
    assert Result.read(stored(tmp_path, remove("curves"))).curves == {}
    assert Result.read(stored(tmp_path)).curves["frame_map"]["0.50"] == 61.25


def test_times_do_not_count_in_comparisons(tmp_path: Path) -> None:
    result = Result.read(stored(tmp_path))
    later = replace(result, times=Times("2021-01-01", {"train": 1.0}))
    other = replace(result, truth_digest="0")
    assert later.comparable() == result.comparable() != other.comparable()


def remove(*keys: str) -> Callable[[dict[str, Any]], object]:
    def change(content: dict[str, Any]) -> None:
        for key in keys[:-1]:
            content = content[key]
        del content[keys[-1]]

    return change


def put(value: Any, *keys: str) -> Callable[[dict[str, Any]], object]:
    def change(content: dict[str, Any]) -> None:
        for key in keys[:-1]:
            content = content[key]
        content[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (put(2, "schema_version"), "has schema version 2; this version reads 1"),
        (remove("schema_version"), "has schema version None"),
        (remove("protocol"), "result.json: protocol is missing"),
        (remove("identity", "seed"), "result.json: identity.seed is missing"),
        (remove("errors_per_class"), "result.json: errors_per_class is missing"),
        (put("much", "errors", "frame", "time"), "errors['frame']['time'] is no finite number: 'much'"),
        (put("steep", "curves", "frame_map", "0.05"), "curves['frame_map']['0.05'] is no finite number"),
        (remove("metrics", "video_map/0.50", "low"), None),
        (put(1, "identity", "colour"), "identity.colour is unknown"),
        (put("0", "identity", "seed"), "identity.seed is no int: '0'"),
        (put(True, "identity", "seed"), "identity.seed is no int"),
        (put(float("nan"), "metrics", "video_map/0.50", "value"),
         "metrics['video_map/0.50'].value is no finite number: nan"),
        (put(float("inf"), "identity", "config", "model", "width"), "config['model']['width'] is no finite"),
        (put("drawn", "data_kind"), "data_kind is none of 'real', 'rendered': 'drawn'"),
        (put(False, "synthetic"), "synthetic is False, but data_kind is 'rendered'"),
        (put(11, "coverage", "videos"), "coverage contradicts itself"),
        (put([1], "metrics"), "metrics is no object"),
        (put("ab", "notes"), "notes is no list"),
        (put("ucf24/1/act@1", "protocol"), "but the rules say ('ucf24-mini@1.small/1/act@1'"),
        (put(2, "rules", "evaluator", "frames", "box_extent"), "frames.box_extent is none of 0, 1: 2"),
        (put("0123", "matches_digest"), "not 0123: they are not the ones"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], said: str | None
) -> None:
    path = stored(tmp_path, change)
    if said is None:
        assert Result.read(path).metrics["video_map/0.50"] == Estimate(40.5, None, 47.25)
        return
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        Result.read(path)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("name", ["matches.parquet", "truth_counts.parquet"])
def test_a_result_without_its_matches_is_refused(tmp_path: Path, name: str) -> None:
    result = Result.read(stored(tmp_path))
    (tmp_path / name).unlink()
    with pytest.raises(ValueError, match=f"has no {name}"):
        Result.read(tmp_path)
    with pytest.raises(ValueError, match=f"has no {name}"):
        result.write(tmp_path)


def test_a_result_with_other_matches_is_refused(tmp_path: Path) -> None:
    stored(tmp_path)
    write_matches(tmp_path, *matches(score=0.75))
    with pytest.raises(ValueError, match="score again"):
        Result.read(tmp_path)


def test_unfinite_metrics_are_not_written(tmp_path: Path) -> None:
    result = Result.read(stored(tmp_path))
    before = (tmp_path / "result.json").read_bytes()
    with pytest.raises(ValueError, match="nan cannot be stored"):
        replace(result, metrics={"frame_map/0.50": Estimate(float("nan"))}).write(tmp_path)
    assert (tmp_path / "result.json").read_bytes() == before


def test_partial_and_inapplicable_results_are_not_ranked(tmp_path: Path) -> None:
    result = Result.read(stored(tmp_path))
    assert not replace(result, metrics={"video_map/0.50": None}).ranked
    assert not replace(result, coverage=replace(result.coverage, videos=3, partial=True)).ranked


def test_matches_round_trip_and_wrong_columns(tmp_path: Path) -> None:
    found, truth = matches()
    write_matches(tmp_path, found, truth)
    read_found, read_truth = read_matches(tmp_path)
    assert read_found.astype({"video": str, "group": str, "level": str}).to_dict("list") == found.to_dict(
        "list"
    )
    assert read_truth["count"].tolist() == [3]
    tubes, no_truth = read_matches(tmp_path, "tube")
    assert tubes["video"].tolist() == ["b"]
    assert no_truth.empty
    assert read_found.dtypes["label"] == "int16"
    with pytest.raises(ValueError, match="wrong or missing level"):
        write_matches(tmp_path, found.drop(columns="level"), truth)
    with pytest.raises(ValueError, match="column score has 1 empty or NaN cells"):
        write_matches(tmp_path, found.assign(score=[0.5, None]), truth)


def test_read_all_sorts_prunes_and_reports(tmp_path: Path) -> None:
    for name in ("b/run", "a/run", "store/score/k", "mlartifacts/x"):
        stored(tmp_path / name)
    stored(tmp_path / "c", put(9, "schema_version"))
    found = read_all(tmp_path)
    assert [path.parent.parent.name for path, _ in found.results] == ["a", "b"]
    (path, reason), *rest = found.refused
    assert path == tmp_path / "c" / "result.json"
    assert "schema version 9" in reason
    assert not rest
    assert read_all(tmp_path / "nowhere").results == ()


def test_environment_of_this_process() -> None:
    here = Environment.here(gpu="Some GPU")
    assert here.gpu == "Some GPU"
    assert here.cores >= 1
    assert "numpy" in here.packages
    assert here.cpu
