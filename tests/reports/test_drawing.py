"""What is drawn on frames, read back from the pixels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from bench.showing.scenes import Scene, Track
from reports.drawing import TUBE_COLOURS, Sizes, colour, drawn

WIDTH, HEIGHT, FRAMES = 80, 60, 6
GREY = 90


def rgb(text: str) -> np.ndarray:
    return np.array([int(text[i : i + 2], 16) for i in (1, 3, 5)])


def frames(count: int = FRAMES) -> Iterator[np.ndarray]:
    yield from (np.full((HEIGHT, WIDTH, 3), GREY, np.uint8) for _ in range(count))


def track(box: list[float], span: tuple[int, int] = (0, FRAMES), score: float | None = 0.5) -> Track:
    count = span[1] - span[0]
    return Track("Diving", span, np.arange(*span), np.tile(np.float32(box), (count, 1)), score)


def pages(scene: Scene, size: tuple[int, int] = (WIDTH, HEIGHT)) -> np.ndarray:
    return np.stack(list(drawn(scene, frames(), size)))


def at(page: np.ndarray, x: float, y: float) -> np.ndarray:
    """The pixel at a place of the frame, in its own pixels; enlarged ten times below the head line."""
    sizes = Sizes.of(WIDTH, HEIGHT)
    return page[sizes.head + round(10 * y), round(10 * x)].astype(int)


def test_a_tube_is_drawn_in_its_colour_where_it_is_and_when() -> None:
    found = pages(Scene("v", (track([20, 25, 50, 45], (2, 4)),), (), 1, FRAMES, 25.0))
    for number, page in enumerate(found):
        edge = at(page, 20, 40)
        expected = rgb(colour(0)) if number in (2, 3) else np.full(3, GREY)
        np.testing.assert_array_equal(edge, expected)
        np.testing.assert_array_equal(at(page, 35, 38), np.full(3, GREY))  # nothing hides what is inside


def test_boxes_are_in_the_annotations_pixels() -> None:
    """Of frames of half the width and a third of the height."""
    found = pages(Scene("v", (track([10, 10, 25, 15]),), (), 1, FRAMES, 25.0), (WIDTH // 2, HEIGHT // 3))
    np.testing.assert_array_equal(at(found[0], 20, 40), rgb(colour(0)))


def test_each_tube_has_a_colour_and_annotation_is_white_and_dashed() -> None:
    tubes = (track([5, 30, 20, 55]), track([30, 30, 45, 55]))
    page = pages(Scene("v", tubes, (track([55, 30, 70, 55], score=None),), 2, FRAMES, 25.0))[0]
    np.testing.assert_array_equal(at(page, 5, 45), rgb(colour(0)))
    np.testing.assert_array_equal(at(page, 30, 45), rgb(colour(1)))
    edge = np.array([at(page, 55.1, y) for y in np.arange(31, 54, 0.1)]).mean(axis=1)
    assert 0.3 < np.mean(edge > 250) < 0.7  # dashes
    assert np.mean(edge < 40) > 0.3  # and dark between them, to be seen on white


def test_edges_stay_in_the_picture() -> None:
    page = pages(Scene("v", (track([-20, -20, WIDTH + 20, HEIGHT + 20]),), (), 1, FRAMES, 25.0))[0]
    for x, y in ((0, 30), (WIDTH - 0.1, 30), (40, HEIGHT - 0.1)):
        np.testing.assert_array_equal(at(page, x, y), rgb(colour(0)))


def test_labels_do_not_cover_each_other_or_a_small_box() -> None:
    """Two tubes with one box: both names are above it, one above the other, and the box shows its inside."""
    box = [30.0, 30.0, 36.0, 36.0]
    page = pages(Scene("v", (track(box), track(box, score=0.4)), (track(box, score=None),), 2, FRAMES, 25.0))[
        0
    ]
    sizes = Sizes.of(WIDTH, HEIGHT)
    picture = page[sizes.head : sizes.head + sizes.height].astype(int)
    for place in range(2):
        rows, _ = np.nonzero((picture == rgb(colour(place))).all(axis=2)[:300])
        assert rows.max() - rows.min() + 1 >= sizes.text  # a ground of its own, whole
    np.testing.assert_array_equal(at(page, 33, 33), np.full(3, GREY))


def test_the_strip_says_when() -> None:
    spans = Scene(
        "v", (track([20, 25, 50, 45], (0, 3)),), (track([20, 25, 50, 45], (3, 6), None),), 1, FRAMES, 25.0
    )
    found = pages(spans)
    sizes = Sizes.of(WIDTH, HEIGHT)
    strip = found[:, sizes.head + sizes.height :].astype(int)
    first, second = (strip[0, sizes.row // 2 + 1 + row * sizes.row] for row in (0, 1))
    np.testing.assert_array_equal(first[300], rgb(colour(0)))
    assert first[500].max() < 40
    np.testing.assert_array_equal(second[500], [255, 255, 255])
    assert second[300].max() < 40
    here = [int(np.argmax((page[sizes.row] == rgb("#ff3b30")).all(axis=1))) for page in strip]
    assert here == sorted(here)
    assert len(set(here)) == FRAMES  # the mark moves on


@pytest.mark.parametrize(
    ("width", "height"),
    [(320, 240), (128, 96), (1920, 1080), (240, 320), (341, 257), (4000, 100), (64, 4000)],
)
def test_pages_have_even_sides_of_a_readable_size(width: int, height: int) -> None:
    scene = Scene("a/long-name-" + 30 * "x", (), (track([1, 1, 9, 9], score=None),), None, FRAMES)
    page = next(drawn(scene, iter([np.zeros((height, width, 3), np.uint8)]), (width, height)))
    assert page.dtype == np.uint8
    assert not any(side % 2 for side in page.shape[:2])
    sizes = Sizes.of(width, height)
    assert 800 <= max(sizes.width, sizes.height) <= 1280
    assert sizes.width / sizes.height == pytest.approx(width / height, rel=0.06)


def test_nothing_to_draw_is_the_frame_under_its_name() -> None:
    page = pages(Scene("v", (), (), 0, FRAMES))[0]
    np.testing.assert_array_equal(at(page, 40, 30), np.full(3, GREY))


def test_frames_are_drawn_as_they_come() -> None:
    taken = []

    def coming() -> Iterator[np.ndarray]:
        for number, frame in enumerate(frames()):
            taken.append(number)
            yield frame

    next(drawn(Scene("v", (), (), 0, FRAMES), coming(), (WIDTH, HEIGHT)))
    assert taken == [0]


def test_colours_differ_and_come_again() -> None:
    assert len(set(TUBE_COLOURS)) == len(TUBE_COLOURS)
    assert colour(len(TUBE_COLOURS)) == colour(0)
