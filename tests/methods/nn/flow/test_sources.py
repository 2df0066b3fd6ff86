"""The networks as flow sources: found by name, their weights missing, misfitting or there."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.flow import finding, source, sources
from methods.nn import flow_sources
from methods.nn.flow.named import NETWORKS, build
from methods.nn.flow_sources import SOURCES, NetworkSource, pwc_net_old, tiny


@pytest.fixture(autouse=True)
def no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in SOURCES.values():
        monkeypatch.delenv(kind.variable(), raising=False)
    flow_sources._network.cache_clear()


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    torch.save(build("tiny").state_dict(), tmp_path / "tiny.pt")
    return tmp_path / "tiny.pt"


def test_every_network_is_a_source_of_the_same_name() -> None:
    found = {name: kind for name, kind in sources().items() if issubclass(kind, NetworkSource)}
    assert set(found) == set(NETWORKS) == set(finding.NETWORKS)
    assert all(kind.advice == NETWORKS[name].advice for name, kind in found.items())


def test_sources_reach_other_processes(weights: Path) -> None:
    for kind in SOURCES.values():
        sent = pickle.loads(pickle.dumps(kind(weights)))
        assert type(sent) is kind
        assert sent == kind(weights)
    assert tiny(weights) != pwc_net_old(weights)
    with pytest.raises(AttributeError, match="no attribute 'flownet9'"):
        _ = flow_sources.flownet9


@pytest.mark.parametrize(
    ("name", "file", "terms"),
    [
        ("flownet2", "FlowNet2_checkpoint.pth.tar", "no commercial use"),
        ("flownet2-css", "FlowNet2-CSS_checkpoint.pth.tar", "no commercial use"),
        ("pwc-net", "pwc_net.pth.tar", "CC BY-NC-SA 4.0"),
    ],
)
def test_missing_weights_are_told_with_file_place_and_terms(name: str, file: str, terms: str) -> None:
    with pytest.raises(ValueError, match="without weights there are brox, dis, tvl1") as told:
        source(name)
    variable = f"BENCH_{name.upper().replace('-', '_')}_WEIGHTS"
    message = str(told.value)
    assert message.startswith(
        f"flow source {name!r} is not available: its weights are not there; set {variable}"
    )
    assert file in message
    assert "https://github.com/" in message
    assert terms in message


def test_weights_of_another_network_are_refused(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_PWC_NET_OLD_WEIGHTS", str(weights))
    with pytest.raises(ValueError, match=r"tiny.pt does not fit: missing 116 \(conv1a.0.weight"):
        source("pwc-net-old")
    weights.write_text("no weights")
    with pytest.raises(ValueError, match=r"not available: .*tiny.pt is no PyTorch checkpoint"):
        source("pwc-net-old")


def test_every_pair_goes_through_the_network(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_TINY_WEIGHTS", str(weights))
    seen = np.random.default_rng(0).integers(0, 256, (7, 34, 50, 3), np.uint8)
    found = source("tiny")
    assert found == tiny(weights)
    flow = found.compute(seen)
    assert flow.shape == (7, 34, 50, 2)
    assert flow.dtype == np.float32
    network = build("tiny")
    network.load_state_dict(torch.load(weights, weights_only=True))
    pictures = torch.from_numpy(seen).permute(0, 3, 1, 2).float()
    with torch.no_grad():
        wanted = torch.cat([network(pictures[t : t + 1], pictures[t + 1 : t + 2]) for t in range(6)])
    np.testing.assert_allclose(flow[:6], wanted.permute(0, 2, 3, 1).numpy(), atol=1e-4)
    np.testing.assert_array_equal(flow[6], flow[5])


def test_the_key_names_the_network_and_its_weights(weights: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.pt"
    other.write_bytes(weights.read_bytes() + b" ")
    assert tiny(weights).key.startswith("tiny-")
    assert len({tiny(weights).key, tiny(other).key, pwc_net_old(weights).key}) == 3
