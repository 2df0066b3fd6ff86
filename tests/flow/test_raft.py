"""RAFT around torchvision's network: what goes in, what comes out, and its weights. Weights are random."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchvision.models.optical_flow import raft_small

from bench.flow import raft, source
from bench.flow.classical import Dis
from bench.flow.raft import Raft, RaftSmall

Sliding = Callable[..., np.ndarray]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("raft") / "raft_small.pth"
    torch.save(raft_small().state_dict(), path)
    return path


@pytest.fixture(autouse=True)
def no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    for name in ("BENCH_RAFT_WEIGHTS", "BENCH_RAFT_SMALL_WEIGHTS"):
        monkeypatch.delenv(name, raising=False)


def frames(height: int, width: int, count: int = 2) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, height, width, 3), np.uint8)


def theirs(weights: Path, frames_THW3: np.ndarray) -> np.ndarray:
    """Flow of the first pair by torchvision itself."""
    network = raft_small()
    network.load_state_dict(torch.load(weights, weights_only=True))
    scaled = torch.from_numpy(frames_THW3).permute(0, 3, 1, 2).float() / 255 * 2 - 1
    with torch.inference_mode():
        return network.eval()(scaled[:1], scaled[1:2], num_flow_updates=2)[-1][0].permute(1, 2, 0).numpy()


def test_frames_of_a_fitting_size_go_through_as_they_are(weights: Path) -> None:
    seen = frames(128, 136)
    flow = RaftSmall(weights, updates=2).compute(seen)
    assert flow.shape == (2, 128, 136, 2)
    assert flow.dtype == np.float32
    np.testing.assert_allclose(flow[0], theirs(weights, seen), atol=1e-4)
    np.testing.assert_array_equal(flow[0], flow[1])


@pytest.mark.parametrize(("height", "width"), [(96, 128), (131, 137), (17, 150)])
def test_other_frames_are_padded_by_their_edges_and_cut_back(height: int, width: int, weights: Path) -> None:
    seen = frames(height, width)
    tall, wide = max(128, -(-height // 8) * 8), max(128, -(-width // 8) * 8)
    top, left = (tall - height) // 2, (wide - width) // 2
    rows = np.clip(np.arange(tall) - top, 0, height - 1)
    columns = np.clip(np.arange(wide) - left, 0, width - 1)
    wanted = theirs(weights, seen[:, rows][:, :, columns])[top : top + height, left : left + width]
    np.testing.assert_allclose(RaftSmall(weights, updates=2).compute(seen)[0], wanted, atol=1e-4)


class ByDis(nn.Module):
    """Takes what RAFT takes and gives what it gives, found by DIS."""

    def __init__(self) -> None:
        super().__init__()
        self.none = nn.Parameter(torch.zeros(1))

    def forward(self, first: Tensor, second: Tensor, num_flow_updates: int) -> list[Tensor]:
        assert num_flow_updates == 12
        pairs = torch.stack([first, second], 1).permute(0, 1, 3, 4, 2)
        assert -1 <= pairs.min() < -0.5
        assert 0.5 < pairs.max() <= 1
        pictures = ((pairs + 1) * 127.5).round().to(torch.uint8).numpy()
        flow = np.stack([Dis().compute(pair)[0] for pair in pictures])
        return [torch.zeros(1), torch.from_numpy(flow).permute(0, 3, 1, 2)]


def test_direction_unit_and_order(monkeypatch: pytest.MonkeyPatch, weights: Path, sliding: Sliding) -> None:
    """With a network that finds the truth, the source returns the truth, of every pair."""
    monkeypatch.setattr(raft, "_network", lambda *words: ByDis())
    seen = np.concatenate([sliding(3, -1, frames=5), sliding(-2, 2, frames=4)])
    flow = Raft(weights).compute(seen)
    assert flow.shape == (9, 64, 96, 2)
    middle = np.median(flow[:, 16:-16, 16:-16], axis=(1, 2))
    np.testing.assert_allclose(middle[:4], [[3, -1]] * 4, atol=0.15)
    np.testing.assert_allclose(middle[5:], [[-2, 2]] * 4, atol=0.15)


def test_missing_weights_are_told_with_the_mend() -> None:
    with pytest.raises(
        ValueError, match=r"'raft' is not available: its weights .*set BENCH_RAFT_WEIGHTS to "
    ):
        source("raft-large")
    with pytest.raises(ValueError, match=r"'raft-small' .*BENCH_RAFT_SMALL_WEIGHTS.*brox, dis, tvl1"):
        source("raft-small")


def test_a_variable_names_the_weights(weights: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BENCH_RAFT_SMALL_WEIGHTS", str(weights))
    found = source("raft-small")
    assert found == RaftSmall(weights)
    monkeypatch.setenv("BENCH_RAFT_SMALL_WEIGHTS", str(tmp_path / "gone.pth"))
    with pytest.raises(
        ValueError, match=r"BENCH_RAFT_SMALL_WEIGHTS names .*gone\.pth, where there is no file"
    ):
        source("raft-small")


def test_weights_in_torchvisions_cache_are_found(weights: Path, tmp_path: Path) -> None:
    cached = tmp_path / "torch/hub/checkpoints/raft_small_C_T_V2-01064c6d.pth"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(weights.read_bytes())
    assert source("raft-small") == RaftSmall(cached)


@pytest.mark.parametrize("content", ["other network", "text", "list"])
def test_weights_that_do_not_fit_are_refused(
    content: str, weights: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = weights
    if content != "other network":
        path = tmp_path / "weights.pth"
        path.write_text("text") if content == "text" else torch.save([1, 2], path)  # type: ignore[func-returns-value]
    monkeypatch.setenv("BENCH_RAFT_WEIGHTS", str(path))
    with pytest.raises(
        ValueError, match=rf"'raft' is not available: {path} does not fit torchvision's raft_large"
    ):
        source("raft")


def test_the_key_is_that_of_the_bytes(weights: Path, tmp_path: Path) -> None:
    moved, other = tmp_path / "moved.pth", tmp_path / "other.pth"
    moved.write_bytes(weights.read_bytes())
    other.write_bytes(weights.read_bytes()[:-1])
    key = RaftSmall(weights).key
    assert key.startswith("raft-small-")
    assert RaftSmall(moved).key == key != RaftSmall(other).key
    assert RaftSmall(weights, updates=20).key != key


def test_it_leaves_the_number_of_threads_alone(weights: Path) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        RaftSmall(weights, updates=1).compute(frames(64, 64))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
