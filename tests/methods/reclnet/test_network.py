"""The networks of the streams and their fusion: sizes, memory, what a sequence depends on."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from methods.reclnet.network import FusedNetwork, StreamNetwork
from methods.reclnet.recurrent_config import FC_UNITS, Cell, FusionKind, RecurrentConfig, RecurrentTraining

SMALL = RecurrentConfig(hidden=6, units=(4, 3))


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def stream_of(cell: Cell, features: int, classes: int, units: tuple[int, int] = (256, 256)) -> StreamNetwork:
    with torch.device("meta"):
        return StreamNetwork(RecurrentConfig(cell, units=units), features, classes)


@pytest.mark.parametrize(
    ("features", "classes", "count"),
    [(4096, 24, 5_587_481), (4096, 10, 5_580_299), (832, 24, 2_245_145), (832, 10, 2_237_963)],
)
def test_streams_have_the_published_sizes(features: int, classes: int, count: int) -> None:
    """With two biases a gate, as PyTorch counts; the paper's equations have one."""
    assert parameters(stream_of("torch-gru", features, classes)) == count
    assert parameters(stream_of("torch-lstm", features, classes)) == count + 459_776
    for cell, recurrent in (("gru", 1_377_792), ("lstm", 1_837_056)):
        network = stream_of(cell, features, classes)
        assert parameters(network.r1) + parameters(network.r2) == recurrent
        assert parameters(network) == count - 1_379_328 + recurrent


def test_the_baseline_without_memory_is_as_large_as_the_gru() -> None:
    network = stream_of("fc", 4096, 24, FC_UNITS)
    size = parameters(network.r1) + parameters(network.r2)
    assert size == 1_378_010
    assert abs(size - 1_377_792) < 0.001 * size
    assert (network.out.in_features, network.state_size) == (1370, 0)


@pytest.mark.parametrize(("classes", "gating", "layer"), [(24, 50, 25_625), (10, 22, 11_275)])
def test_fusion_learns_only_its_own_layer(classes: int, gating: int, layer: int) -> None:
    wanted: dict[FusionKind, int] = {"gating": gating, "layer": layer}
    for kind, count in wanted.items():
        rgb, flow = (stream_of("gru", 832, classes) for _ in range(2))
        with torch.device("meta"):
            network = FusedNetwork(rgb, flow, RecurrentConfig(), kind)
        assert sum(p.numel() for p in network.parameters() if p.requires_grad) == count


def small_stream(seed: int, cell: Cell = "gru", relu: bool = False) -> StreamNetwork:
    torch.manual_seed(seed)
    return StreamNetwork(RecurrentConfig(cell, 6, (4, 3), relu), 5, 2)


def seen(streams: int = 1) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(7, 3, 5, generator=generator) for _ in range(streams)]


@pytest.mark.parametrize("cell", ["gru", "torch-gru", "lstm", "torch-lstm", "fc"])
def test_sequences_of_a_batch_do_not_see_each_other(cell: Cell) -> None:
    network = small_stream(0, cell)
    (features,) = seen()
    together = network(features, torch.zeros(3, network.state_size))
    alone = network(features[:, 1:2], torch.zeros(1, network.state_size))
    torch.testing.assert_close(together.logits_TBC[:, 1:2], alone.logits_TBC)
    torch.testing.assert_close(together.state_BS[1:2], alone.state_BS)
    assert together.logits_TBC.shape == (7, 3, 3)
    assert together.units_TBU.shape == (7, 3, 7)


def test_the_state_is_what_a_later_stretch_needs() -> None:
    network = small_stream(0)
    (features,) = seen()
    whole = network(features, torch.zeros(3, network.state_size))
    first = network(features[:3], torch.zeros(3, network.state_size))
    second = network(features[3:], first.state_BS)
    torch.testing.assert_close(torch.cat([first.logits_TBC, second.logits_TBC]), whole.logits_TBC)
    forgotten = network(features[3:], torch.zeros_like(first.state_BS))
    assert (forgotten.logits_TBC - second.logits_TBC).abs().max() > 1e-4


def test_the_first_layer_has_an_activation_only_where_asked() -> None:
    plain, bent = small_stream(0), small_stream(0, relu=True)
    (features,) = seen()
    state = torch.zeros(3, plain.state_size)
    assert not torch.allclose(plain(features, state).logits_TBC, bent(features, state).logits_TBC)
    for network in (plain, bent):
        nn.init.constant_(network.fc.bias, 100.0)  # where nothing is negative both are the same
    torch.testing.assert_close(plain(features, state).logits_TBC, bent(features, state).logits_TBC)


def test_fused_networks_give_what_the_paper_says() -> None:
    rgb, flow = small_stream(0), small_stream(1)
    one, two = seen(2)
    state = torch.zeros(3, rgb.state_size)
    a, b = rgb(one, state), flow(two, state)
    both = torch.zeros(3, 2 * rgb.state_size)
    gated = FusedNetwork(rgb, flow, SMALL, "gating")
    torch.testing.assert_close(gated(one, two, both).logits_TBC, (a.logits_TBC + b.logits_TBC) / 2)
    with torch.no_grad():
        gated.fusion.weight_2C.copy_(torch.tensor([[1.0, 2, 3], [4, 5, 6]]))  # type: ignore[operator, union-attr]
    weighted = a.logits_TBC * torch.tensor([1, 2, 3]) + b.logits_TBC * torch.tensor([4, 5, 6])
    torch.testing.assert_close(gated(one, two, both).logits_TBC, weighted)
    layered = FusedNetwork(rgb, flow, SMALL, "layer")
    output = layered(one, two, both)
    weight, bias = layered.fusion.weight, layered.fusion.bias
    units = torch.cat([a.units_TBU, b.units_TBU], dim=2)
    torch.testing.assert_close(output.logits_TBC, units @ weight.T + bias)  # type: ignore[union-attr, operator]
    torch.testing.assert_close(output.state_BS, torch.cat([a.state_BS, b.state_BS], dim=1))


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match=r"hidden=0.*at least 1"):
        RecurrentConfig(hidden=0)
    with pytest.raises(ValueError, match=r"tracks=0.*at least 1"):
        RecurrentTraining(tracks=0)
    with pytest.raises(ValueError, match=r"epochs=0 and steps=0: set one above 0"):
        RecurrentTraining(epochs=0)
