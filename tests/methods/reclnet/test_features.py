"""Features of tracks: fc7 of distinct boxes, and I3D's maps pooled along the tracks."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from torchvision.ops import roi_align
from track_examples import SIZE, Reader, numbered, paths, whole_tracks

from bench.footage import Footage
from bench.records import Array
from bench.testing import footage
from methods.nn.i3d import I3D
from methods.reclnet import described, i3d_features
from methods.reclnet.described import fc7
from methods.reclnet.i3d_config import FRAMES, I3DFeatures
from methods.reclnet.i3d_features import ENDPOINT, channels_of, i3d_of, map_steps, pieces, track_features
from methods.reclnet.pictures import pictures
from methods.reclnet.steps import Steps, frame_steps, steps_of
from methods.reclnet.tracks import Tracks

SMALL = I3DFeatures(frame_size=SIZE, width=0.0625, stem_kernel=(3, 3, 3))


def noise(frames: int) -> Footage:
    random = np.random.default_rng(frames)
    rgb = random.integers(0, 256, (frames, SIZE[1], SIZE[0], 3)).astype(np.uint8)
    return footage(rgb, random.integers(-127, 128, (frames, SIZE[1], SIZE[0], 2)).astype(np.int8))


def network(stream: str = "rgb", config: I3DFeatures = SMALL) -> I3D:
    torch.manual_seed(0)
    return i3d_of(config, stream).eval()


def four_frames(tracks: Tracks) -> Steps:
    """The steps of the tracks; ``feature_P`` is the map of each."""
    return steps_of(tracks.track_N, tracks.frame_N // FRAMES)


def test_rows_of_fc7_are_of_the_distinct_boxes_in_their_own_frames() -> None:
    tracks = whole_tracks(4, 9)
    for stream in ("rgb", "flow"):
        reader = Reader(flow=stream == "flow")
        found = fc7(numbered(9), stream, reader, tracks, 2)
        assert found.dtype == np.float16
        np.testing.assert_array_equal(found[:, 0], tracks.frame_M)
        np.testing.assert_allclose(found[:, 1:], tracks.distinct_M4, rtol=1e-3)
        assert max(reader.batches) == 2


def test_steps_of_frames_point_to_the_distinct_boxes() -> None:
    tracks = Tracks.of(paths([[1, 2, 9, 9]] * 4, [3, 4, 3, 4], [0, 0, 1, 1], [0, 0, 1, 1]))
    steps = frame_steps(tracks.arrays())
    assert steps.feature_P.tolist() == [0, 1, 0, 1]
    assert steps.bounds.tolist() == [0, 2, 4]


def test_only_frames_that_have_boxes_are_looked_at() -> None:
    tracks = Tracks.of(paths([[1, 2, 9, 9]] * 3, [20, 21, 22], [0] * 3, [0] * 3))
    reader = Reader()
    found = fc7(numbered(100), "rgb", reader, tracks, 2)
    assert sum(reader.batches) == 3
    assert found[:, 0].tolist() == [20, 21, 22]


@pytest.mark.parametrize("annotation", [SIZE, (SIZE[0] * 4, SIZE[1] * 2)])
def test_fc7_is_pooled_from_network_pixels(annotation: tuple[int, int]) -> None:
    scale = np.tile(np.divide(annotation, SIZE), 2)
    tracks = Tracks.of(paths(np.array([[4, 4, 20, 30]]) * scale, [2], [0], [0]))
    found = fc7(numbered(3, annotation), "rgb", Reader(), tracks, 8)
    np.testing.assert_allclose(found, [[2, 4, 4, 20, 30]])


def test_no_tracks_have_no_features() -> None:
    nothing = Tracks.of(paths(np.zeros((0, 4)), [], [], []))
    assert len(fc7(numbered(3), "rgb", Reader(), nothing, 2)) == 0
    found = track_features(noise(8), "flow", network("flow"), nothing, SMALL)
    assert found.shape == (0, channels_of(SMALL))
    assert len(map_steps(nothing.arrays()).track_P) == 0


def test_a_track_has_a_step_for_every_four_frames_of_the_video() -> None:
    tracks = Tracks.of(
        paths(np.arange(52.0).reshape(13, 4), [*range(6), *range(3, 10)], [0] * 6 + [1] * 7, [0] * 13)
    )
    steps = four_frames(tracks)
    assert steps.of_N.tolist() == [0, 0, 0, 0, 1, 1, 2, 3, 3, 3, 3, 4, 4]
    assert steps.feature_P.tolist() == [0, 1, 0, 1, 2]
    assert tracks.frame_N[steps.middle_P].tolist() == [2, 5, 3, 6, 9]
    rows = map_steps(tracks.arrays())
    assert rows.feature_P.tolist() == [0, 1, 2, 3, 4]
    assert rows.of_N.tolist() == steps.of_N.tolist()


def pooled_by_torchvision(shown: Footage, network: I3D, tracks: Tracks) -> Array:
    """Features of each step, from the whole video at once."""
    steps = four_frames(tracks)
    clip = torch.from_numpy(shown.rgb_THW3.astype(np.float32) / 127.5 - 1).permute(3, 0, 1, 2)[None]
    with torch.no_grad():
        maps = network.forward_endpoints(clip, [ENDPOINT])[ENDPOINT][0].transpose(0, 1).contiguous()
    rois = np.column_stack([steps.feature_P, tracks.boxes_N4[steps.middle_P]])
    pooled: Array = roi_align(maps, torch.from_numpy(rois).float(), 1, 1 / 16, 16, aligned=True).numpy()
    return pooled[:, :, 0, 0]


def test_features_are_the_mean_over_the_box_in_the_map_of_the_step() -> None:
    shown, tracks = noise(21), whole_tracks(3, 21)
    rgb, flow = (track_features(shown, name, network(name), tracks, SMALL) for name in ("rgb", "flow"))
    expected = pooled_by_torchvision(shown, network(), tracks)
    assert rgb.dtype == np.float16
    assert rgb.shape == flow.shape == (3 * 6, channels_of(SMALL))
    np.testing.assert_allclose(rgb, expected, rtol=2e-3, atol=1e-3)
    assert np.std(expected) > 0.1
    assert not np.allclose(flow, rgb, atol=0.01)


def test_a_long_video_in_pieces_has_the_features_of_the_whole() -> None:
    shown, tracks = noise(152), whole_tracks(2, 152)
    whole = track_features(shown, "rgb", network(), tracks, SMALL)
    cut = replace(SMALL, chunk=112, context=40)
    assert len(list(pieces(152, cut))) > 1
    found = track_features(shown, "rgb", network(), tracks, cut)
    np.testing.assert_allclose(found, whole, rtol=2e-3, atol=1e-3)
    blind = track_features(shown, "rgb", network(), tracks, replace(cut, context=0))
    assert np.abs(blind - whole).max() > 0.05


def test_pieces_keep_every_map_once_and_are_no_longer_than_allowed() -> None:
    for frames in (1, 999, 1000, 1001, 1603, 5002):
        cut = list(pieces(frames, I3DFeatures()))
        kept = [m for _, _, maps in cut for m in maps]
        assert kept == list(range(-(-frames // 4)))
        assert all(end - start <= 1000 and start % 4 == 0 for start, end, _ in cut)
        for start, end, maps in cut:
            assert maps.start * 4 - start >= 100 or start == 0
            assert end - maps.stop * 4 >= 100 or end == frames


def test_frames_of_another_size_than_the_footage_see_the_same_boxes() -> None:
    columns, rows = np.meshgrid(np.arange(SIZE[0]) * 4, np.arange(SIZE[1]) * 5)
    ramp = np.stack([columns, rows, columns], axis=-1).astype(np.uint8)[None].repeat(8, axis=0)
    doubled = footage(ramp.repeat(2, axis=1).repeat(2, axis=2), annotation=SIZE)
    config = replace(SMALL, frame_size=(SIZE[0] * 2, SIZE[1] * 2))

    def features_in(shown: Footage, box: list[int]) -> Array:
        tracks = Tracks.of(paths([box] * 8, range(8), [0] * 8, [0] * 8))
        return track_features(shown, "rgb", network("rgb", config), tracks, config).astype(float)

    here, elsewhere = [34, 20, 60, 44], [4, 4, 30, 28]
    expected = features_in(doubled, here)
    same, other = (np.abs(features_in(footage(ramp), box) - expected).max() for box in (here, elsewhere))
    assert same < other / 4


@pytest.mark.parametrize(("chunk", "context"), [(1001, 100), (1000, 90), (200, 100), (100, -4)])
def test_pieces_that_cannot_be_are_refused(chunk: int, context: int) -> None:
    with pytest.raises(ValueError, match=r"features\.chunk"):
        I3DFeatures(chunk=chunk, context=context)


def test_pictures_of_flow_are_x_y_and_magnitude_in_pixels_of_the_flow() -> None:
    flow = np.zeros((3, 48, 64, 2), np.int8)
    flow[0, ..., 0], flow[1, ..., 1] = 127, -127
    shown = footage(np.zeros((3, 48, 64, 3), np.uint8), flow, bound=4.0)
    found = pictures(shown, "flow", np.array([[0, 1], [2, 9]]))
    assert found.shape == (2, 2, 48, 64, 3)
    assert found[0, 0, 5, 5].tolist() == [192, 128, 192]
    assert found[0, 1, 5, 5].tolist() == [128, 64, 192]
    assert found[1, :, 5, 5].tolist() == [[128, 128, 128]] * 2  # past the last field it repeats
    half = pictures(shown, "flow", np.array([0, 1]), (32, 12))
    assert half.shape == (2, 12, 32, 3)
    assert half[0, 5, 5].tolist() == [192, 128, 192]
    assert half[1, 5, 5].tolist() == [128, 64, 192]


def test_a_picture_of_smaller_flow_is_enlarged_with_motion_as_it_was() -> None:
    """It is the picture that is enlarged, as the authors': where two motions meet its magnitude stays."""
    flow = np.zeros((1, 12, 16, 2), np.int8)
    flow[..., :8, 0], flow[..., 8:, 0] = 127, -127
    shown = footage(np.zeros((1, 48, 64, 3), np.uint8), flow, bound=4.0)
    found = pictures(shown, "flow", np.array([0]))
    assert found.shape == (1, 48, 64, 3)
    assert found[0, 20, [5, 60]].tolist() == [[192, 128, 192], [64, 128, 192]]
    assert (found[..., 2] == 192).all()
    assert pictures(shown, "rgb", np.array([0])).shape == found.shape


def test_a_full_disk_is_named_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", Full)
    with pytest.raises(ValueError, match=r"720 bytes of features.*No space left.*TMPDIR"):
        fc7(numbered(8), "rgb", Reader(), whole_tracks(9, 8), 2)


def test_space_is_reckoned_as_is_needed() -> None:
    tracks = whole_tracks(3, 40)
    found = fc7(numbered(40), "rgb", Reader(), tracks, 8)
    assert described.bytes_per_frame(3, 5) == found.nbytes / 40
    maps = track_features(noise(40), "rgb", network(), tracks, SMALL)
    assert i3d_features.bytes_per_frame(3, channels_of(SMALL)) == maps.nbytes / 40
