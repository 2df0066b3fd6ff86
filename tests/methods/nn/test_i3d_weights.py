from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from methods.nn.i3d import I3D, I3DConfig
from methods.nn.i3d_weights import from_tensorflow, load_published, tensorflow_name

LAYOUTS = json.loads((Path(__file__).parents[2] / "reference/i3d_layouts.json").read_text())
BIAS = "Mixed_5b.b2b.bn.bias"


@pytest.fixture(scope="module")
def variables() -> dict[str, np.ndarray]:
    """Random arrays under the names of the authors' RGB checkpoint."""
    random = np.random.default_rng(0)
    return {
        name: random.standard_normal(shape, dtype=np.float32) for name, shape in LAYOUTS["tensorflow"].items()
    }


@pytest.fixture(scope="module")
def npz(variables, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("i3d") / "rgb.npz"
    np.savez(path, **variables)
    yield path
    path.unlink()


def state_of(network: I3D) -> dict[str, torch.Tensor]:
    return {k: v.clone() for k, v in network.state_dict().items() if not k.endswith("tracked")}


def test_every_variable_is_used_and_every_parameter_set(npz: Path, variables) -> None:
    network = I3D(I3DConfig())
    with torch.no_grad():
        for value in network.state_dict().values():
            value.fill_(7)
    load_published(network, npz)
    state = state_of(network)
    scales = [key for key in state if key.endswith("bn.weight")]
    assert len(scales) == 57
    assert all(bool((state.pop(key) == 1).all()) for key in scales)
    assert len(state) == len(variables) == 230
    assert sum(v.numel() for v in state.values()) == 12_704_544
    named = {f"RGB/inception_i3d/{tensorflow_name(key)}": key for key in state}
    assert set(named) == set(variables)
    for name, key in named.items():
        value = variables[name]
        expected = value.transpose(4, 3, 0, 1, 2) if value.ndim == 5 else value
        assert np.array_equal(state[key].numpy(), expected), name


def test_branch_with_the_odd_name(npz: Path, variables) -> None:
    assert tensorflow_name(BIAS) == "Mixed_5b/Branch_2/Conv3d_0a_3x3/batch_norm/beta"
    assert tensorflow_name("Mixed_5c.b2b.bn.bias") == "Mixed_5c/Branch_2/Conv3d_0b_3x3/batch_norm/beta"


def test_trunk_only(npz: Path, variables) -> None:
    network = I3D(I3DConfig(num_classes=None, last_endpoint="Mixed_4f"))
    load_published(network, npz)
    expected = variables["RGB/inception_i3d/Mixed_4f/Branch_3/Conv3d_0b_1x1/batch_norm/moving_mean"]
    assert np.array_equal(network.Mixed_4f.b3b.bn.running_mean.numpy(), expected)


@pytest.mark.parametrize(
    "name", ["flow_imagenet", "flow_scratch", "rgb_imagenet", "rgb_scratch", "rgb_scratch_kin600"]
)
def test_all_published_checkpoints(shared: Path, name: str) -> None:
    shapes = json.loads((shared / f"inventory/i3d_tf_checkpoint_{name}.json").read_text())["keys"]
    state = from_tensorflow({key: torch.empty(shape, device="meta") for key, shape in shapes.items()}, name)
    config = I3DConfig(2 if name.startswith("flow") else 3, 600 if "600" in name else 400)
    with torch.device("meta"):
        expected = I3D(config).state_dict()
    assert {k: v.shape for k, v in state.items()} == {
        k: v.shape for k, v in expected.items() if not k.endswith("tracked")
    }
    if name == "rgb_imagenet":
        assert shapes == LAYOUTS["tensorflow"]


@pytest.mark.parametrize("counters", [True, False])
def test_pytorch_layout(tmp_path: Path, counters: bool) -> None:
    source, network = I3D(I3DConfig(in_channels=2)), I3D(I3DConfig(in_channels=2, num_classes=None))
    state = source.state_dict() if counters else state_of(source)
    torch.save({"state_dict": {f"module.{key}": value for key, value in state.items()}}, tmp_path / "flow.pt")
    load_published(network, tmp_path / "flow.pt")
    expected = state_of(source)
    assert all(torch.equal(value, expected[key]) for key, value in state_of(network).items())


def test_misfits_are_named_and_nothing_is_changed(tmp_path: Path) -> None:
    network = I3D(I3DConfig(num_classes=None, last_endpoint="Mixed_3b"))
    before = state_of(network)
    state = state_of(I3D(I3DConfig(num_classes=None, last_endpoint="Mixed_3b")))
    for key in [key for key in state if key.startswith("Mixed_3b")]:
        state[key.replace("Mixed_3b", "Mixed_9z")] = state.pop(key)
    state["Conv3d_2b_1x1.bn.bias"] = torch.zeros(3)
    torch.save(state, tmp_path / "odd.pth")
    with pytest.raises(ValueError, match="does not fit") as error:
        load_published(network, tmp_path / "odd.pth")
    message = str(error.value)
    assert "odd.pth does not fit: missing 30 (Mixed_3b.b0.conv3d.weight," in message
    assert "and 25 more); unexpected 30 (Mixed_9z.b0.conv3d.weight" in message
    assert "Conv3d_2b_1x1.bn.bias is (3,) and must be (64,)" in message
    assert all(torch.equal(before[key], value) for key, value in state_of(network).items())


def test_missing_and_unexpected_variables_are_named(variables) -> None:
    tensors = {name: torch.empty(0) for name in variables}
    del tensors["RGB/inception_i3d/Mixed_5b/Branch_2/Conv3d_0a_3x3/conv_3d/w"]
    tensors["RGB/inception_i3d/Mixed_5b/Branch_2/Conv3d_0b_3x3/conv_3d/w"] = torch.empty(0)
    with pytest.raises(
        ValueError, match=r"missing 1 \(Mixed_5b/Branch_2/Conv3d_0a_3x3.*unexpected 1 \(Mixed_5b"
    ):
        from_tensorflow(tensors, "x.npz")


def test_other_width_and_other_classes_say_so(npz: Path) -> None:
    with pytest.raises(ValueError, match="Published weights are for width 1"):
        load_published(I3D(I3DConfig(num_classes=None, width=0.125)), npz)
    with pytest.raises(
        ValueError, match=r"logits.conv3d.bias is \(400,\) and must be \(24,\).*num_classes=None"
    ):
        load_published(I3D(I3DConfig(num_classes=24)), npz)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.pt", b"no weights here", "a.pt is no PyTorch checkpoint"),
        ("b.npz", b"no weights here", "b.npz is no .npz"),
        ("c.pth", b"", "c.pth is no PyTorch checkpoint"),
    ],
)
def test_files_that_are_no_checkpoints(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        load_published(I3D(I3DConfig(num_classes=None, width=0.1)), tmp_path / name)


def test_other_contents_and_absent_files(tmp_path: Path) -> None:
    network = I3D(I3DConfig(num_classes=None, width=0.1))
    torch.save([torch.zeros(1)], tmp_path / "list.pt")
    with pytest.raises(ValueError, match="it holds a list"):
        load_published(network, tmp_path / "list.pt")
    torch.save({"epoch": 3}, tmp_path / "state.pt")
    with pytest.raises(ValueError, match="'epoch' is a int, not a tensor"):
        load_published(network, tmp_path / "state.pt")
    with pytest.raises(FileNotFoundError, match="no checkpoint at"):
        load_published(network, tmp_path / "absent.pt")
    np.savez(tmp_path / "objects.npz", a=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match=r"objects\.npz is no \.npz"):
        load_published(network, tmp_path / "objects.npz")
