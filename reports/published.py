"""The papers' own numbers, as data: ``published.csv``, one row a number, with paper and table."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from bench.protocol import Protocol

CSV = Path(__file__).with_name("published.csv")
METRICS = {"F-mAP": "frame_map", "V-mAP": "video_map", "ST-mAP": "video_map"}
NAMES = {
    "pcsc2019": "PCSC",
    "zhang2020": "RFB flow (Zhang)",
    "elnouby2018": "Two-stream YOLO (El-Nouby)",
    "menet2020": "MENet",
    "reclnet2018": "RecLNet",
}
"""What stands for "Ours" in a paper's tables."""

DATASETS = {"ucf24": "UCF101-24", "jhmdb": "J-HMDB-21", "daly": "DALY"}
MEAN = "avg of 3"
"""A paper's word for the mean over all splits."""
UNSTATED = ("pcsc2019",)
"""Papers that do not say by which rules their numbers were made."""
SETTINGS = {"": "untrimmed", "trimmed": "trimmed", "gt-trimmed": "GT-trimmed"}


@dataclass(frozen=True)
class Number:
    """One printed number. ``value`` as printed (``~5`` too); ``quoted``: of another paper's method.

    our_method, our_variant, our_protocol, metric_key: which of our results answers it, and where it stands
    there (:func:`reports.answers.estimate`); empty where none can. The variant is that of the full size.
    flow: the source of flow that the row was made with, as ours is called; ``none``: without any.
    """

    paper: str
    method: str
    variant: str
    dataset: str
    protocol: str
    split: str
    metric: str
    iou_threshold: str
    value: str
    unit: str
    quoted: bool
    table: str
    note: str
    our_method: str
    our_variant: str
    our_protocol: str
    metric_key: str
    flow: str

    @property
    def name(self) -> str | None:
        """As in results: ``frame_map/0.50``; None for what results do not hold."""
        if self.metric not in METRICS:
            return None
        low, _, high = self.iou_threshold.partition(":")
        bounds = [f"{float(bound):.2f}" for bound in (low, high) if bound]
        return f"{METRICS[self.metric]}/{'-'.join(bounds)}"


@dataclass(frozen=True)
class PublishedMethod:
    """A row of a paper: metric name -> value as printed.

    evaluator: by whose rules, as far as the paper says.
    """

    paper: str
    tables: tuple[str, ...]
    method: str
    variant: str
    values: dict[str, str]
    fps: str = ""
    notes: tuple[str, ...] = field(default=())
    evaluator: str = ""

    @property
    def rules(self) -> str:
        """``evaluator road``, or that none is named."""
        return f"evaluator {self.evaluator}" if self.evaluator else "no evaluator named"


@cache
def numbers() -> tuple[Number, ...]:
    """All numbers, in the order of the file."""
    with CSV.open(newline="", encoding="utf-8") as file:
        return tuple(_number(row) for row in csv.DictReader(file))


def _number(row: dict[str, str]) -> Number:
    quoted = row.pop("quoted_competitor") == "1"
    return Number(**row, quoted=quoted)


def published_methods(protocol: Protocol, metrics: Iterable[str]) -> list[PublishedMethod]:
    """The papers' own rows that were measured as ``protocol`` says: dataset, split and trimming.

    Rendered data has none. A paper's mean over all splits is another number than that of any split, and fits
    a protocol of the mean alone. Rows come from the tables that compare with other methods, or from all where
    a paper has no such table; a row whose numbers are all in another row of its method is left out.
    """
    fitting = [number for number in numbers() if _fits(number, protocol)]
    compared = {(n.paper, n.table) for n in fitting if n.quoted}
    papers = {paper for paper, _ in compared}
    own = [n for n in fitting if not n.quoted and ((n.paper, n.table) in compared or n.paper not in papers)]
    rows: dict[tuple[str, str, str], list[Number]] = {}
    for number in own:
        rows.setdefault((number.paper, number.method, number.variant), []).append(number)
    wanted = set(metrics)
    methods = [_method(entries, wanted) for entries in rows.values()]
    shown = [m for m in methods if m.values and "short classes" not in m.variant]
    return [m for m in shown if not any(_repeats(m, other) for other in shown)]


def mean_alone(protocol: Protocol) -> bool:
    """Whether papers print means over all splits of what this protocol measures on a single one."""
    whole = replace(protocol, split="mean")
    return protocol != whole and any(_fits(number, whole) for number in numbers())


def _fits(number: Number, protocol: Protocol) -> bool:
    if protocol.synthetic or number.dataset != DATASETS.get(protocol.dataset):
        return False
    trimmed_videos = protocol.dataset == "jhmdb"
    setting = "trimmed" if trimmed_videos else SETTINGS[protocol.trimming]
    return number.protocol == setting and number.split == (
        MEAN if protocol.split == "mean" else protocol.split
    )


def _method(entries: list[Number], wanted: set[str]) -> PublishedMethod:
    first = entries[0]
    speeds = [n.value for n in entries if n.metric == "speed"]
    rules = [n.our_protocol for n in entries if n.our_protocol and n.paper not in UNSTATED]
    return PublishedMethod(
        first.paper,
        tuple(dict.fromkeys(n.table for n in entries)),
        _display(first),
        first.variant,
        {n.name: n.value for n in entries if n.name in wanted and n.name},
        speeds[0] if speeds else "",
        tuple(dict.fromkeys(n.note for n in entries if n.note)),
        evaluator_of(rules[0]) if rules else "",
    )


def evaluator_of(protocol: str) -> str:
    """``ucf24/1/voc+trimmed@1`` -> ``voc``."""
    return protocol.rpartition("/")[2].partition("@")[0].partition("+")[0]


def _display(number: Number) -> str:
    """The method's name, without "(Ours)" and citation marks; "Ours" alone by the paper's method."""
    name = number.method.replace("(Ours)", "").replace("(ours)", "").partition("[")[0].strip(" *")
    return name.replace("Ours", NAMES[number.paper])


def _repeats(method: PublishedMethod, other: PublishedMethod) -> bool:
    same = (method.paper, method.method) == (other.paper, other.method)
    return same and method is not other and method.values.items() < other.values.items()
