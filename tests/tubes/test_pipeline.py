"""The whole way from predictions to tubes."""

from __future__ import annotations

import itertools
import sys
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.files.store import digest, plain
from bench.records import STREAMS, Detections, Tubelets, Tubes
from bench.runs.settings import apply, differences
from bench.tubes import FUSIONS, LINKERS, PUBLISHED, TRIMMINGS, Linking
from bench.tubes.scoring import TubeScoring
from bench.tubes.tubelet_linking import TubeletLinking

sys.path.insert(0, str(Path(__file__).parent))
from tube_scenes import as_tubelets, many, random_video

BARE = Linking(scoring=TubeScoring(min_frames=1))


def two_streams(seed: int, frames: int = 20) -> Detections:
    """One video with everything that a rule may want: streams that share boxes, tracks, actionness."""
    rgb = random_video(seed, frames, people=4, classes=3, levels=None)
    rng = np.random.default_rng(seed)
    flow = replace(rgb, score=rng.uniform(size=len(rgb)))
    found = Detections.concat([rgb, flow])
    stream = np.repeat([STREAMS.index("rgb"), STREAMS.index("flow")], len(rgb))
    track = found.box - found.box[np.searchsorted(rgb.frame, rgb.frame)[np.tile(np.arange(len(rgb)), 2)]]
    return replace(found, stream=stream, track=track, actionness=rng.uniform(size=len(found)))


def tubes_of(tubes: Tubes, video: int) -> Tubes:
    rows = tubes[tubes.video == video]
    return replace(rows, tube=rows.tube - rows.tube.min(initial=np.iinfo(np.int32).max))


@pytest.mark.parametrize(
    ("fusion", "linker", "trimming"),
    list(itertools.product(FUSIONS, sorted(set(LINKERS) - {"tubelet"}), [None, *TRIMMINGS])),
)
def test_every_combination_makes_tubes(fusion: str, linker: str, trimming: str | None) -> None:
    linking = Linking(
        FUSIONS[fusion], LINKERS[linker], None if trimming is None else TRIMMINGS[trimming], BARE.scoring, 0.3
    )
    found = many([two_streams(1), two_streams(2)])
    tubes = linking.tubes(found, np.array([20, 20]))
    assert tubes.videos == ("0", "1")
    heads = tubes[tubes.starts]
    assert heads.tube.tolist() == list(range(len(heads)))
    group = heads.video.astype(int) * 10 + heads.label
    assert np.all(np.diff(group) >= 0)
    assert np.isfinite(tubes.score).all()
    if trimming is None:
        assert len(heads) > 0


@settings(max_examples=20, deadline=None)
@given(name=st.sampled_from(sorted(PUBLISHED)), seeds=st.lists(st.integers(0, 99), min_size=1, max_size=3))
def test_many_videos_at_once_are_each_alone(name: str, seeds: list[int]) -> None:
    linking = PUBLISHED[name]
    parts: list[Any] = [two_streams(seed) for seed in seeds]
    if isinstance(linking.linker, TubeletLinking):
        parts = [as_tubelets(part, 5) for part in parts]
    whole = type(parts[0]).concat([replace(part, videos=(str(i),)) for i, part in enumerate(parts)])
    together = linking.tubes(whole, np.full(len(parts), 20))
    for i, part in enumerate(parts):
        alone, mine = linking.tubes(part, np.array([20])), tubes_of(together, i)
        for column in ("tube", "label", "score", "frame", "boxes_N4", "frame_score"):
            np.testing.assert_array_equal(getattr(mine, column), getattr(alone, column))


def test_inputs_are_not_changed() -> None:
    found = two_streams(3)
    before = {name: None if (a := getattr(found, name)) is None else a.copy() for name in found.columns()}
    for linking in PUBLISHED.values():
        if not isinstance(linking.linker, TubeletLinking):
            linking.tubes(found)
    tubelets = as_tubelets(found, 4)
    scores = tubelets.score.copy()
    PUBLISHED["moc"].tubes(tubelets)
    np.testing.assert_array_equal(tubelets.score, scores)
    for name, values in before.items():
        np.testing.assert_array_equal(getattr(found, name), values)


def test_arrays_that_cannot_be_written_are_linked_too() -> None:
    found = two_streams(4)
    frozen = replace(found)
    for name in frozen.columns():
        if getattr(frozen, name) is not None:
            getattr(frozen, name).flags.writeable = False
    for name in sorted(set(PUBLISHED) - {"act", "moc"}):
        np.testing.assert_array_equal(
            PUBLISHED[name].tubes(frozen).score, PUBLISHED[name].tubes(two_streams(4)).score
        )


def test_suppression_leaves_the_better_of_two_tubes() -> None:
    found = random_video(0, frames=20, people=1, classes=1, levels=None)
    twice = replace(found, boxes_N4=found.boxes_N4 + 1, score=found.score / 2, box=found.box + 100)
    both = Detections.concat([found, twice])
    loose = replace(BARE, linker=replace(LINKERS["online"], nms=1.0))  # type: ignore[type-var]
    assert len(loose.tubes(both).starts) == 2 * len(loose.tubes(found).starts)
    kept = replace(loose, nms=0.3).tubes(both)
    np.testing.assert_array_equal(kept.boxes_N4, loose.tubes(found).boxes_N4)


def test_tubelets_have_no_streams() -> None:
    with pytest.raises(ValueError, match="tubelets have no streams"):
        replace(PUBLISHED["act"], fusion=FUSIONS["union"]).tubes(Tubelets.empty(["v"]))


def test_rules_are_told_apart_in_what_is_stored() -> None:
    """Two rules with the same numbers are not the same config."""
    same = {"threshold": 0.1, "window": 17}
    a, b = (replace(BARE, trimming=replace(TRIMMINGS[n], **same)) for n in ("threshold", "actionness"))  # type: ignore[type-var]
    assert digest(a) != digest(b)
    assert plain(a)["trimming"]["name"] == "threshold"


def test_settings_choose_rules_and_their_numbers() -> None:
    chosen = apply(
        Linking(),
        ["linker=viterbi", "linker.tracks=5", "trimming=binary labelling", "trimming.alpha=2", "nms=0.3"],
    )
    assert chosen.linker == replace(LINKERS["viterbi"], tracks=5)  # type: ignore[type-var]
    assert chosen.trimming == replace(TRIMMINGS["binary-labelling"], alpha=2.0)  # type: ignore[type-var]
    said = ["linker=viterbi", "linker.tracks=5", "trimming=binary-labelling", "trimming.alpha=2.0", "nms=0.3"]
    assert differences(Linking(), chosen) == said
    assert apply(Linking(), said) == chosen
    assert apply(chosen, ["trimming=none"]).trimming is None
    assert differences(chosen, apply(chosen, ["trimming=none"])) == ["trimming=none"]
    with pytest.raises(ValueError, match="did you mean viterbi"):
        apply(Linking(), ["linker=viterby"])
    with pytest.raises(ValueError, match=r"linker\.name"):
        apply(Linking(), ["linker.name=viterbi"])


def tunable(config: Any) -> list[tuple[Any, Any]]:
    """(config, field) of everything that the config and all its choices let search."""
    found = []
    for field in fields(config):
        value = getattr(config, field.name)
        for part in (value, *field.metadata.get("choices", ())):
            if is_dataclass(part):
                found += tunable(part)
        if field.metadata:
            found.append((config, field))
    return found


def test_every_range_and_choice_can_be_taken() -> None:
    """Both ends of each range and every choice make a config; defaults are inside."""
    searched = tunable(Linking())
    assert len(searched) > 40
    for config, field in searched:
        default = getattr(config, field.name)
        if "range" in field.metadata:
            low, high = field.metadata["range"]
            assert low < high
            assert default is None or low <= default <= high, (config, field.name)
            for value in (low, high):
                kind = get_type_hints(type(config))[field.name]
                assert type(value) in (kind, *get_args(kind)), (config, field.name)
                replace(config, **{field.name: value})
        else:
            assert default in field.metadata["choices"]
            for value in field.metadata["choices"]:
                assert getattr(replace(config, **{field.name: value}), field.name) == value
