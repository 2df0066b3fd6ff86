"""Sources are found by name, also those of other packages, and say why they cannot be used."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from bench.flow import FlowSource, finding, names, source, sources
from bench.flow.classical import Dis

OUTSIDER = """
from dataclasses import dataclass
from bench.flow import FlowSource

@dataclass(frozen=True)
class Still(FlowSource):
    name = "still"

    def between(self, frames_THW3):
        raise NotImplementedError

text = "no source"
"""


@pytest.fixture
def outsider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module with a source, and of one whose package is not installed."""
    (tmp_path / "outsiders_flow.py").write_text(OUTSIDER)
    (tmp_path / "needy_flow.py").write_text("import no_such_package_here\n")
    monkeypatch.syspath_prepend(tmp_path)
    return "outsiders_flow"


def test_sources_are_named_as_they_name_themselves() -> None:
    found = sources()
    assert {"dis", "tvl1", "brox", "raft", "raft-small"} <= set(found) <= set(names())
    assert {name: kind.name for name, kind in found.items()} == {name: name for name in found}
    assert isinstance(source("DIS"), Dis)


def test_near_names_are_told() -> None:
    with pytest.raises(ValueError, match="unknown flow source 'diss'; did you mean dis"):
        source("diss")


def test_a_source_without_code_is_not_available(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(finding.ENTRIES, "flownet9", "methods.nn.no_such_module:FlowNet9")
    with pytest.raises(
        ValueError,
        match=r"'flownet9' is not available: its code .*; without weights there are brox, dis, tvl1$",
    ):
        source("FlowNet-9")
    assert "flownet9" in names()
    assert "flownet9" not in sources()


def test_another_package_adds_a_source(outsider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("still", f"{outsider}:Still", "bench.flow")
    monkeypatch.setattr(finding, "entry_points", lambda group: [entry] if group == "bench.flow" else [])
    assert isinstance(source("still"), FlowSource)
    assert "still" in sources()


def test_module_and_attribute_name_a_source(outsider: str) -> None:
    assert source(f"{outsider}:Still").name == "still"
    for wrong, said in (
        (f"{outsider}:text", "is no flow source"),
        (f"{outsider}:Stil", "is no flow source"),
        ("no_such_module:Still", "its code"),
        ("needy_flow:Any", "it needs no_such_package_here, which is not installed"),
    ):
        with pytest.raises(ValueError, match=f"{wrong}' is not available: .*{said}"):
            source(wrong)


def test_classical_flow_needs_no_torch_and_learned_flow_says_so() -> None:
    program = """
        import sys
        sys.modules["torch"] = sys.modules["torchvision"] = None
        import numpy as np
        from bench.flow import source
        assert source("brox").compute(np.zeros((2, 32, 32, 3), np.uint8)).shape == (2, 32, 32, 2)
        try:
            source("raft")
        except ValueError as error:
            print(error)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True,
                          timeout=60, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "'raft' is not available: it needs torch, which is not installed" in done.stdout


def test_importing_is_light() -> None:
    program = (
        "import sys, bench.flow; print({'torch', 'cv2', 'decord', 'mlflow', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "set()\n"
