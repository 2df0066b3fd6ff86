"""Windows of the network's frame."""

from __future__ import annotations

import pytest

from methods.common.windows import Window, rescaled


@pytest.mark.parametrize(
    ("window", "wanted"),
    [
        ((0, 0, 800, 600), (0, 0, 320, 240)),
        ((-100, 50, 600, 300), (-40, 20, 240, 120)),
        ((401, 301, 1, 1), (160, 120, 1, 1)),
    ],
)
def test_a_window_is_the_same_part_of_a_frame_of_another_size(window: Window, wanted: Window) -> None:
    assert rescaled(window, (800, 600), (320, 240)) == wanted
    assert rescaled(window, (800, 600), (800, 600)) == window
    assert rescaled(None, (800, 600), (320, 240)) is None
