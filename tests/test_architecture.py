"""What may import what."""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import bench
from methods.base import Method, available, find

SHARED = {"nn", "common", "base"}
"""What methods share, below them."""
ROOT = Path(bench.__file__).resolve().parents[1]
PACKAGES = ("bench", "datasets", "methods", "reports")
UPPER = {
    *("bench.cli", "bench.testing", "bench.training"),
    *(f"bench.runs.{name}" for name in ("asked", "begun", "console", "extract", "many", "plan")),
    *(f"bench.runs.{name}" for name in ("predict", "record", "reopen", "run", "stages")),
    "bench.tuning.of_run",
    "bench.runs.trained",
}
"""The harness proper, above datasets and methods. All else in ``bench`` lies below them."""
INTERFACES = {"datasets", "datasets.base", "methods.base"}
"""What the harness proper knows of datasets and methods; the rest only by name at run time."""
WITHOUT_TORCH = (
    *("bench.metrics", "bench.tubes.online", "bench.tubes.trimming", "bench.tubes.scoring", "bench.records"),
    *(
        "bench.protocol",
        "bench.files.tables",
        "bench.results.result",
        "bench.files.store",
        "bench.runs.plan",
        "bench.runs.run",
        "bench.cli",
    ),
    *("bench.results.scoring", "bench.external.rescore", "bench.results.comparison", "bench.interop.formats"),
    *("bench.flow", "bench.video", "bench.footage", "bench.tracking", "bench.runs.settings"),
    *("datasets", "datasets.mini", "datasets.ucf24", "datasets.jhmdb", "methods.base", "methods.pcsc"),
    *("datasets.daly", "datasets.ava", "datasets.custom", "bench.files.pickles"),
    *("methods.pcsc.config", "methods.pcsc.method", "methods.pcsc.postprocess"),
    *("methods.nn.flow.config", "methods.nn.flow.named", "methods.nn.flow_sources"),
    *(
        "bench.external.relink",
        "bench.runs.reopen",
        "bench.showing.sources",
        "reports.drawing",
        "reports.timeline",
    ),
    *("bench.tuning.of_run", "bench.tuning.of_files"),
    *("reports", "reports.leaderboard", "reports.tables", "reports.figures", "reports.published"),
)


def modules() -> dict[str, Path]:
    """Module name -> file, of the whole product."""
    found = {}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports(path: Path, everywhere: bool = False) -> set[str]:
    """Modules of the product that a file imports when it is imported itself; or ``everywhere`` in it."""
    tree = ast.parse(path.read_text())
    nodes = list(ast.walk(tree)) if everywhere else list(_at_import(tree.body))
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in whole}
    return {name for name in found if name.split(".")[0] in PACKAGES}


def _at_import(body: list[ast.stmt]) -> list[ast.stmt]:
    """Statements that run when the module is imported: not those in functions or under TYPE_CHECKING."""
    found: list[ast.stmt] = []
    for node in body:
        found.append(node)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, (ast.If, ast.Try, ast.With, ast.ClassDef)):
            found += _at_import(node.body)
    return found


def test_what_all_share_knows_no_method_dataset_or_report() -> None:
    wrong = {
        name: sorted(bad)
        for name, path in MODULES.items()
        if name.startswith("bench") and name not in UPPER
        if (bad := {i for i in imports(path) if i.split(".")[0] != "bench"} | (imports(path) & UPPER))
    }
    assert not wrong


def test_the_harness_knows_only_interfaces_of_methods_and_datasets() -> None:
    wrong = {
        name: sorted(bad)
        for name in UPPER
        if (bad := {i for i in imports(MODULES[name]) if i.split(".")[0] != "bench"} - INTERFACES)
    }
    assert not wrong


def test_methods_datasets_and_reports_do_not_know_each_other_or_the_harness() -> None:
    wrong = {}
    for name, path in MODULES.items():
        package = name.split(".")[0]
        if package == "bench":
            continue
        bad = {i for i in imports(path, everywhere=True) if i.split(".")[0] not in (package, "bench")}
        bad |= imports(path, everywhere=True) & UPPER
        if bad:
            wrong[name] = sorted(bad)
    assert not wrong


def test_a_method_shares_with_others_only_network_blocks_and_the_interface() -> None:
    wrong = {}
    for name, path in MODULES.items():
        parts = name.split(".")
        if parts[0] != "methods" or len(parts) < 2:
            continue
        allowed = {"base", parts[1]}
        if parts[1] not in SHARED:
            below = find(parts[1].replace("_", "-")).builds_on
            allowed |= {"nn", "common", *(name.replace("-", "_") for name in below)}
        bad = {
            i for i in imports(path, everywhere=True)
            if i.startswith("methods.") and i.split(".")[1] not in allowed
        }  # fmt: skip
        if bad:
            wrong[name] = sorted(bad)
    assert not wrong


def test_no_module_imports_itself_by_a_detour() -> None:
    graph = {name: imports(path) & set(MODULES) for name, path in MODULES.items()}
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " -> ".join((*way, name))
        if name not in done:
            for following in graph[name]:
                visit(following, (*way, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_what_needs_no_torch_imports_without_it() -> None:
    program = f"""
import importlib, importlib.abc, sys

class NoTorch(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "torchvision", "lightning_fabric"):
            raise ModuleNotFoundError(f"{{name}} is blocked", name=name)

sys.meta_path.insert(0, NoTorch())
for name in {WITHOUT_TORCH!r}:
    importlib.import_module(name)
    heavy = [m for m in ("mlflow", "matplotlib") if m in sys.modules and not name.startswith("reports")]
    assert not heavy, (name, heavy)
from methods.base import find
from methods.pcsc.config import configs
method = find("pcsc")
configs = method.configs("ucf24", "full")
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True,
                          timeout=120, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", available())
def test_a_method_is_its_package(name: str) -> None:
    method = find(name)
    assert issubclass(method, Method)
    assert method.name == name
    assert importlib.import_module(f"methods.{name.replace('-', '_')}").METHOD is method
    assert method.__doc__
    assert not getattr(method, "__abstractmethods__", None)
    assert "default" in method.configs("ucf24-mini", "tiny")


def test_every_package_of_a_method_is_found() -> None:
    folders = {p.parent.name for p in (ROOT / "methods").glob("*/__init__.py")} - SHARED
    assert {name.replace("_", "-") for name in folders} <= set(available())
