"""SiamFC: its layout, where it finds what it follows, and that it learns to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bench.metrics.boxes import iou
from bench.training import CHECKPOINT, Compute, train
from methods.nn.published_checks import siamfc
from methods.nn.siamfc.config import PUBLISHED, FittingConfig
from methods.nn.siamfc.crops import EXEMPLAR, SEARCH, crop, square_side
from methods.nn.siamfc.fitting import Pairs, SiamFCStage, response_loss
from methods.nn.siamfc.network import SiamFC
from methods.nn.siamfc.tracking import SiamFCTracker

NARROW = (4, 4, 4, 4, 4)
GREY = np.full(3, 100.0)


def tracked(frames: int, step: float = 2.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Textured squares in a noisy room; the box is of the one that moves to the right and grows a little."""
    random = np.random.default_rng(seed)
    texture = np.kron(random.integers(0, 255, (4, 4, 3)), np.ones((6, 6, 1))).astype(np.uint8)
    other = np.kron(random.integers(0, 255, (3, 6, 3)), np.ones((8, 4, 1))).astype(np.uint8)
    pictures = np.kron(random.integers(60, 140, (6, 10, 3)), np.ones((16, 16, 1))).astype(np.uint8)
    pictures = np.repeat(pictures[None], frames, axis=0)
    boxes = []
    for number, picture in enumerate(pictures):
        picture[60:84, 100:124] = other
        x = round(20 + step * number)
        picture[20:44, x : x + 24] = texture
        boxes.append([x, 20, x + 24, 44])
    return pictures, np.array(boxes, float)


@pytest.fixture
def narrow() -> SiamFC:
    torch.manual_seed(0)
    return SiamFC(NARROW).eval()


def test_the_shapes_are_the_papers() -> None:
    with torch.device("meta"):
        network = SiamFC()
        exemplars, searches = torch.empty(2, 3, EXEMPLAR, EXEMPLAR), torch.empty(2, 3, SEARCH, SEARCH)
    assert network.backbone(exemplars).shape == (2, 256, 6, 6)
    assert network.backbone(searches).shape == (2, 256, 22, 22)
    assert network(exemplars, searches).shape == (2, 17, 17)
    assert sum(value.numel() for value in network.parameters()) == 2_336_320


def test_a_response_is_the_product_of_the_maps(narrow: SiamFC) -> None:
    exemplars, searches = 255 * torch.rand(2, 3, EXEMPLAR, EXEMPLAR), 255 * torch.rand(2, 3, SEARCH, SEARCH)
    with torch.no_grad():
        together = narrow(exemplars, searches)
        maps, wide = narrow.backbone(exemplars), narrow.backbone(searches)
        for pair in range(2):
            alone = narrow.respond(maps[pair : pair + 1], searches[pair : pair + 1])
            torch.testing.assert_close(alone[0], together[pair])
        expected = (maps[1] * wide[1, :, 3:9, 5:11]).sum() / 1000
    torch.testing.assert_close(together[1, 3, 5], expected)


@pytest.mark.parametrize("prefix", ["backbone.", "features.", "module.backbone.", ""])
def test_files_of_ports_are_read(narrow: SiamFC, prefix: str, tmp_path: Path) -> None:
    state = {f"{prefix}{name}": value for name, value in narrow.backbone.state_dict().items()}
    torch.save(state, tmp_path / "file.pth")
    found = SiamFC.of_file(tmp_path / "file.pth")
    assert not found.training
    for name, value in narrow.state_dict().items():
        torch.testing.assert_close(found.state_dict()[name], value)


def test_the_published_layout_passes_the_check_and_a_narrower_one_does_not(
    narrow: SiamFC, tmp_path: Path
) -> None:
    with torch.device("meta"):
        names = SiamFC().state_dict()
    assert {name.split(".")[0] for name in names} == {"backbone"}
    shapes = {name: torch.zeros((), dtype=value.dtype).expand(value.shape) for name, value in names.items()}
    torch.save(shapes, tmp_path / "siamfc_alexnet_e50.pth")
    siamfc("siamfc", tmp_path / "siamfc_alexnet_e50.pth")
    torch.save(narrow.state_dict(), tmp_path / "narrow.pth")
    with pytest.raises(ValueError, match=r"conv1\.0\.weight is \(4, 3, 11, 11\) and must be \(96, 3, "):
        siamfc("siamfc", tmp_path / "narrow.pth")


def test_another_file_is_refused_by_its_first_difference(narrow: SiamFC, tmp_path: Path) -> None:
    torch.save({"features.0.weight": torch.zeros(64, 3, 11, 11)}, tmp_path / "alexnet.pth")
    with pytest.raises(ValueError, match=r"missing .*conv1\.0\.weight.* siamfc_alexnet_e50\.pth"):
        SiamFC.of_file(tmp_path / "alexnet.pth")
    state = narrow.state_dict()
    del state["backbone.conv4.1.running_var"]
    torch.save(state | {"backbone.conv6.0.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"missing 1 \(.*conv4\.1\.running_var\); unexpected 1 \(.*conv6\.0"):
        SiamFC.of_file(tmp_path / "other.pth")
    with pytest.raises(FileNotFoundError):
        SiamFC.of_file(tmp_path / "absent.pth")


def test_a_crop_at_its_own_size_is_a_piece_of_the_frame() -> None:
    frame = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)
    np.testing.assert_array_equal(crop(frame, np.array([30.0, 20.0]), 10, 10, GREY), frame[15:25, 25:35])
    corner = crop(frame, np.array([0.0, 0.0]), 8, 8, GREY)
    np.testing.assert_array_equal(corner[4:, 4:], frame[:4, :4])
    assert (corner[:4] == 100).all()
    half = crop(np.full((40, 60, 3), 7, np.uint8), np.array([60.0, 20.0]), 20, 40, GREY)
    assert (half[:, :18] == 7).all()
    assert (half[:, 22:] == 100).all()


def test_the_square_of_a_box_is_the_papers() -> None:
    assert square_side(np.array([30.0, 50.0])) == pytest.approx(np.sqrt((30 + 40) * (50 + 40)))


class Seeing(torch.nn.Module):
    """Stands for the network: responds to red."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(1))

    def backbone(self, crops: torch.Tensor) -> torch.Tensor:
        return crops

    def respond(self, exemplar: torch.Tensor, searches: torch.Tensor) -> torch.Tensor:
        red = searches[:, :1]
        near = torch.nn.functional.avg_pool2d(red, 15, stride=8)  # 31x31, centres 8 pixels apart
        return near[:, 0, 7:24, 7:24]  # the middle one is the crop's


def test_the_peak_of_the_response_is_where_the_box_goes() -> None:
    frames = np.zeros((6, 200, 300, 3), np.uint8)
    centres = np.array([[100, 90], [108, 86], [112, 90], [120, 100], [130, 100], [140, 95]])
    for frame, (x, y) in zip(frames, centres):
        frame[y - 4 : y + 4, x - 4 : x + 4, 0] = 255
    found = SiamFCTracker(Seeing())(list(frames), np.array([80.0, 60.0, 120.0, 120.0]))  # type: ignore[arg-type]
    assert np.abs((found[:, :2] + found[:, 2:]) / 2 - centres).max() < 2.5
    shape = (found[:, 2] - found[:, 0]) / (found[:, 3] - found[:, 1])
    np.testing.assert_allclose(shape, 40 / 60)


def test_boxes_that_cannot_be_followed_are_kept_where_they_are(narrow: SiamFC) -> None:
    black = [np.zeros((48, 64, 3), np.uint8)] * 3
    for box in ([70.0, 50.0, 90.0, 60.0], [3.0, 3.0, 3.0, 3.0], [-50.0, -9.0, -40.0, -2.0]):
        found = SiamFCTracker(narrow)(black, np.array(box))
        np.testing.assert_array_equal(found[0], box)
        assert found.shape == (3, 4)
    assert np.isnan(SiamFCTracker(narrow)(black, np.array([3.0, 3.0, 3.0, 9.0]))[1:]).all()


def test_the_loss_wants_a_peak_in_the_middle() -> None:
    flat = torch.zeros(1, 17, 17)
    assert float(response_loss(flat)) == pytest.approx(np.log(2))
    peak = torch.full((1, 17, 17), -9.0)
    peak[0, 6:11, 6:11] = torch.tensor(
        [[9.0 if abs(y) + abs(x) <= 2 else -9.0 for x in range(-2, 3)] for y in range(-2, 3)]
    )
    assert float(response_loss(peak)) < 1e-3
    assert float(response_loss(peak.roll(5, 2))) > 4


def test_pairs_show_the_person_in_the_middle_of_both() -> None:
    frames, boxes = tracked(20)
    pairs = Pairs([(frames, boxes)], FittingConfig(stretch=0.0, apart=3))
    exemplars, searches = pairs.batch(4, np.random.default_rng(0))
    assert exemplars.shape == (4, 3, EXEMPLAR, EXEMPLAR)
    assert searches.shape == (4, 3, SEARCH, SEARCH)
    middle = searches[:, :, 64:191, 64:191]
    assert float((exemplars - middle)[:, :, 40:87, 40:87].abs().mean()) < 25
    with pytest.raises(ValueError, match="there is none"):
        Pairs([], FittingConfig())


def fitted(folder: Path, steps: int) -> Path:
    config = FittingConfig(widths=(8, 8, 8, 8, 8), steps=steps, batch=2, learning_rate=3e-3)
    stage = SiamFCStage(config, lambda: [tracked(8, seed=seed) for seed in range(1, 5)], 0)
    train(stage, folder, 0, Compute("cpu", threads=1))
    return folder / CHECKPOINT


def test_it_learns_to_follow(tmp_path: Path) -> None:
    frames, boxes = tracked(12, step=4.0)
    pairs = Pairs([(frames, boxes)], FittingConfig()).batch(4, np.random.default_rng(0))
    before, after = (SiamFC.of_file(fitted(tmp_path / str(steps), steps)) for steps in (1, 40))
    assert response_loss(after(*pairs)) < 0.7 * response_loss(before(*pairs))
    assert iou(SiamFCTracker(after)(list(frames), boxes[0]), boxes, 0).min() > 0.5


def test_the_same_fitting_gives_the_same_weights(tmp_path: Path) -> None:
    one, two = (torch.load(fitted(tmp_path / name, 3)) for name in ("one", "two"))
    assert all(torch.equal(one[key], two[key]) for key in one)


def test_the_published_network_is_wider() -> None:
    assert all(narrow < wide for narrow, wide in zip(FittingConfig().widths, PUBLISHED))
