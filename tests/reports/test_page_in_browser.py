"""The page in a browser: sorting, differences by class, and that names stay names.

Needs the extra ``browser`` (Playwright) and a Chromium: the system's, or ``playwright install chromium``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reports.leaderboard import write_report

Make = Callable[..., Path]
EVIL = "<script>window.hurt = 1</script>"
CLASSES = (EVIL, "\u202eقفز", "Diving", "Fencing")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="needs the extra: pip install -e .[browser]")
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with api.sync_playwright() as playwright:
        try:
            running = playwright.chromium.launch(
                executable_path=found, args=["--no-sandbox"] if os.geteuid() == 0 else []
            )
        except api.Error as error:
            pytest.skip(
                f"no Chromium: install the system's, or `playwright install chromium` ({error!s:.80})"
            )
        yield running
        running.close()


@pytest.fixture
def page(browser: Any, make: Make, tmp_path: Path) -> Iterator[Any]:
    make("a", 0.9, classes=CLASSES, title="Alpha", method="alpha")
    make("b", 0.5, classes=CLASSES, title=EVIL, method="m" * 10_000)
    make("c", 0.2, classes=CLASSES, title="\u202eقفز", method="rtl")
    write_report(tmp_path / "runs", tmp_path / "out")
    tab = browser.new_page(viewport={"width": 1440, "height": 900})
    tab.problems = []
    tab.on("pageerror", lambda error: tab.problems.append(str(error)))
    tab.on("request", lambda request: tab.problems.append(request.url) if "http" in request.url[:5] else None)
    tab.goto((tmp_path / "out" / "index.html").as_uri())
    yield tab
    assert tab.problems == []
    tab.close()


def column(page: Any, number: int) -> list[str]:
    cells = page.locator(f"table.board tbody tr td:nth-child({number})")
    return [cell.strip().split("\n")[0] for cell in cells.all_inner_texts()]


def test_a_click_sorts_another_turns_a_third_restores(page: Any) -> None:
    before = column(page, 2)
    head = page.locator("table.board th", has_text="frame-mAP")
    number = 1 + page.locator("table.board th").all_inner_texts().index(head.inner_text())
    button = head.locator("button")
    button.click()
    falling = [float(text) for text in column(page, number) if text != "–"]
    assert falling == sorted(falling, reverse=True)
    assert column(page, number)[-1] == "–"  # what has no number is last either way
    assert head.get_attribute("aria-sort") == "descending"
    button.press("Enter")
    rising = [float(text) for text in column(page, number) if text != "–"]
    assert rising == sorted(falling)
    assert column(page, number)[-1] == "–"
    button.click()
    assert head.get_attribute("aria-sort") is None
    assert column(page, 2) == before


def test_names_sort_as_text(page: Any) -> None:
    page.locator("table.board th", has_text="method").locator("button").click()
    names = column(page, 2)
    assert names.index("Alpha") < names.index("PCSC + TR")


def test_differences_follow_the_choice(page: Any) -> None:
    box = page.locator("[data-differences]")
    values = lambda: [float(text) for text in box.locator(".value").all_inner_texts()]  # noqa: E731
    first = values()
    assert len(first) == len(CLASSES)
    assert first == sorted(first, reverse=True)
    assert any(first)
    choices = box.locator("select")
    one, other = choices.nth(0).input_value(), choices.nth(1).input_value()
    choices.nth(0).select_option(other)
    assert values() == [0.0] * len(CLASSES)
    choices.nth(1).select_option(one)
    assert values() == sorted((-value for value in first), reverse=True)


def test_names_stay_names(page: Any) -> None:
    assert page.evaluate("window.hurt") is None
    assert EVIL in page.locator("[data-differences] .name").all_inner_texts()
    assert EVIL in page.locator("table.board .name").all_inner_texts()
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
