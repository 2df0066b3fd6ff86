"""Darknet-19: the published layouts, the original program's file, the reference outputs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from layouts import layout_of, published
from torch import Tensor, nn

from methods.nn.darknet import Darknet19, DarknetConfig, space_to_depth
from methods.nn.darknet_weights import from_official, load_published, to_official, widened

REFERENCE = Path(__file__).parents[2] / "reference"
SMALL = DarknetConfig(width=1 / 64, out_channels=20)
COCO = DarknetConfig(out_channels=425)
VOC = DarknetConfig(out_channels=145, passthrough=None)


def on_meta(config: DarknetConfig) -> Darknet19:
    with torch.device("meta"):
        return Darknet19(config)


@pytest.mark.parametrize(
    ("config", "layout", "name"),
    [(COCO, "cfg", "darknet_yolo_cfg_coco_marvis"), (VOC, "voc", "darknet19_yolov2_longcw_24cls")],
)
def test_published_layouts(config: DarknetConfig, layout: str, name: str) -> None:
    assert layout_of(to_official(on_meta(config).state_dict(), layout)) == published(name)


def test_space_to_depth_is_the_clean_form() -> None:
    with np.load(REFERENCE / "space_to_depth.npz") as stored:
        x, expected = torch.from_numpy(stored["x"]), stored["longcw_and_marvis"]
    assert np.array_equal(space_to_depth(x).numpy(), expected)


@pytest.mark.parity
def test_reference_output(
    shared: Path, fill: Callable[..., nn.Module], uniform: Callable[..., Tensor]
) -> None:
    network = Darknet19(VOC)
    names = {name: name for name in network.state_dict()}
    official = dict(zip(names, to_official({n: torch.zeros(0) for n in names}, "voc")))
    fill(network, official)
    with np.load(shared / "reference/darknet19_yolov2_longcw_24cls_recipe.npz") as stored:
        expected = stored["conv5_raw"]
    with torch.no_grad():
        found = network(uniform("yolo", (1, 3, 320, 320), 0, 1)).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def write_binary(network: Darknet19, path: Path, version: tuple[int, int, int] = (0, 1, 0)) -> None:
    """The original program's file, written from what the documentation of the format says."""
    seen = np.array([7, 0] if version[1] >= 2 else [7], np.int32)
    parts = [np.array(version, np.int32).tobytes(), seen.tobytes()]
    state = {name: value.numpy().astype("<f4") for name, value in network.state_dict().items()}
    order = ["fine", "coarse", "passthrough", "fuse"]
    blocks = sorted({n.rsplit(".", 2)[0] for n in state if ".conv." in n}, key=lambda b: (
        order.index(b.split(".")[0]), int(b.split(".")[1]) if "." in b else 0))  # fmt: skip
    for block in blocks:
        for kind in ("bn.bias", "bn.weight", "bn.running_mean", "bn.running_var", "conv.weight"):
            parts.append(state[f"{block}.{kind}"].tobytes())
    parts += [state["head.bias"].tobytes(), state["head.weight"].tobytes()]
    path.write_bytes(b"".join(parts))


@pytest.mark.parametrize("version", [(0, 1, 0), (0, 2, 5)])
def test_the_original_programs_file(tmp_path: Path, version: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    trained, path = Darknet19(SMALL), tmp_path / "yolo.weights"
    write_binary(trained, path, version)
    network = Darknet19(SMALL)
    load_published(network, path)
    for name, value in trained.state_dict().items():
        assert torch.equal(network.state_dict()[name], value), name


def test_a_file_that_is_not_what_it_says(tmp_path: Path) -> None:
    network, path = Darknet19(SMALL), tmp_path / "yolo.weights"
    write_binary(network, path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-400])
    with pytest.raises(ValueError, match=r"yolo.weights ends within head.weight \(20, 16, 1, 1\)"):
        load_published(network, path)
    path.write_bytes(whole + bytes(40))
    with pytest.raises(ValueError, match="not the same layers"):
        load_published(network, path)
    path.write_bytes(b"PK\x03\x04 something else")
    with pytest.raises(ValueError, match="no darknet weights file"):
        load_published(network, path)
    with pytest.raises(FileNotFoundError):
        load_published(network, tmp_path / "none.weights")


@pytest.mark.parametrize("layout", ["cfg", "voc"])
def test_official_state_dicts_load_without_their_head(tmp_path: Path, layout: str) -> None:
    torch.manual_seed(1)
    passthrough = 64 if layout == "cfg" else None
    trained = Darknet19(DarknetConfig(width=1 / 64, out_channels=20, passthrough=passthrough))
    path = tmp_path / "official.pt"
    torch.save({"state_dict": to_official(trained.state_dict(), layout)}, path)
    network = Darknet19(DarknetConfig(width=1 / 64, passthrough=passthrough))
    load_published(network, path)
    for name, value in network.state_dict().items():
        assert torch.equal(trained.state_dict()[name], value), name


def test_more_input_channels_begin_as_the_mean_colour(tmp_path: Path) -> None:
    trained, path = Darknet19(SMALL), tmp_path / "official.pt"
    torch.save(to_official(trained.state_dict()), path)
    network = Darknet19(DarknetConfig(width=1 / 64, out_channels=7, in_channels=6))
    load_published(network, path)
    first = network.state_dict()["fine.0.conv.weight"]
    assert torch.equal(first, widened(trained.state_dict()["fine.0.conv.weight"], 6))
    assert torch.equal(first[:, 3], first[:, :3].mean(dim=1))


def test_unknown_keys_are_named() -> None:
    assert set(from_official({"models.0.conv1.weight": torch.zeros(1), "other.weight": torch.zeros(1)})) == {
        "fine.0.conv.weight", "other.weight",
    }  # fmt: skip


def test_sizes() -> None:
    network = Darknet19(DarknetConfig(width=1 / 64, pools=(True, True, False, False, True))).eval()
    assert network(torch.zeros(1, 3, 96, 128)).shape == (1, 16, 12, 16)
    with pytest.raises(ValueError, match="multiples of 8, got 100x96"):
        network(torch.zeros(1, 3, 96, 100))
    with pytest.raises(ValueError, match="last pooling"):
        DarknetConfig(pools=(True, True, True, True, False))


def test_layouts_are_the_inventories(shared: Path) -> None:
    for name in json.loads((REFERENCE / "layouts.json").read_text()):
        keys = json.loads((shared / f"inventory/{name}.json").read_text())["keys"]
        state = {key: torch.empty(shape, device="meta") for key, shape in keys.items()}
        assert layout_of(state) == published(name)
