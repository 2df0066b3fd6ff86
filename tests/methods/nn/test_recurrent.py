"""Recurrent units against equations written out step by step, and against stored outputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from methods.nn.recurrent import GRU, LSTM, Dense, TorchGRU, TorchLSTM, Unit
from methods.reclnet.network import StreamNetwork
from methods.reclnet.recurrent_config import RecurrentConfig

REFERENCE = Path(__file__).parents[2] / "reference" / "reclnet_gru.npz"
UNITS = (GRU, LSTM, TorchGRU, TorchLSTM, Dense)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def drawn(unit: Unit, steps: int, batch: int, inputs: int) -> tuple[Tensor, Tensor]:
    """An input and a state that is not zero."""
    generator = torch.Generator().manual_seed(3)
    seen = torch.randn(steps, batch, inputs, generator=generator)
    return seen, torch.randn(batch, unit.state_size, generator=generator).tanh()


def rows_of(unit: nn.Module, gates: int) -> list[list[np.ndarray]]:
    """W, U and b of each gate in float64."""
    parts = [unit.weight_ih, unit.weight_hh, unit.bias]
    return [[p.detach().double().numpy() for p in split] for split in zip(*(p.chunk(gates) for p in parts))]  # type: ignore[union-attr, operator]


def test_the_gru_is_equation_2() -> None:
    torch.manual_seed(0)
    unit = GRU(5, 4)
    seen, state = drawn(unit, 7, 3, 5)
    (Wr, Ur, br), (Wz, Uz, bz), (Wh, Uh, bh) = rows_of(unit, 3)
    h, wanted = state.double().numpy(), []
    for x in seen.double().numpy():
        z = sigmoid(x @ Wz.T + h @ Uz.T + bz)
        r = sigmoid(x @ Wr.T + h @ Ur.T + br)
        h = z * h + (1 - z) * np.tanh(x @ Wh.T + (r * h) @ Uh.T + bh)
        wanted.append(h)
    output, last = unit(seen, state)
    np.testing.assert_allclose(output.detach(), wanted, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(last.detach(), output[-1].detach())


def test_the_lstm_is_equation_1() -> None:
    torch.manual_seed(0)
    unit = LSTM(5, 4)
    seen, state = drawn(unit, 7, 3, 5)
    (Wi, Ui, bi), (Wf, Uf, bf), (Wc, Uc, bc), (Wo, Uo, bo) = rows_of(unit, 4)
    h, c = np.split(state.double().numpy(), 2, axis=1)
    wanted = []
    for x in seen.double().numpy():
        f, i, o = (sigmoid(x @ W.T + h @ U.T + b) for W, U, b in ((Wf, Uf, bf), (Wi, Ui, bi), (Wo, Uo, bo)))
        c = f * c + i * np.tanh(x @ Wc.T + h @ Uc.T + bc)
        h = o * np.tanh(c)
        wanted.append(h)
    output, last = unit(seen, state)
    np.testing.assert_allclose(output.detach(), wanted, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(last.detach(), np.hstack([h, c]), rtol=1e-4, atol=1e-6)


def one_bias(theirs: nn.Module) -> dict[str, Tensor]:
    """PyTorch's weights with the sum of the two biases."""
    state = theirs.state_dict()
    weights = {name: state[f"{name}_l0"] for name in ("weight_ih", "weight_hh")}
    return {**weights, "bias": state["bias_ih_l0"] + state["bias_hh_l0"]}


def test_pytorchs_lstm_is_the_same_function_and_its_gru_is_not() -> None:
    torch.manual_seed(0)
    differences = {}
    for ours, theirs in ((GRU(5, 4), TorchGRU(5, 4)), (LSTM(5, 4), TorchLSTM(5, 4))):
        ours.load_state_dict(one_bias(theirs))
        seen, state = drawn(ours, 9, 3, 5)
        pairs = zip(ours(seen, state), theirs(seen, state), strict=True)
        differences[type(ours).__name__] = max(float((a - b).detach().abs().max()) for a, b in pairs)
    assert differences["LSTM"] < 1e-6
    assert differences["GRU"] > 1e-3


@pytest.mark.parametrize("kind", UNITS)
def test_a_sequence_in_two_stretches_is_the_whole(kind: Callable[[int, int], Unit]) -> None:
    torch.manual_seed(0)
    unit = kind(5, 4)
    seen, state = drawn(unit, 9, 3, 5)
    whole, last = unit(seen, state)
    first, between = unit(seen[:4], state)
    second, end = unit(seen[4:], between)
    assert whole.shape == (9, 3, unit.output_size)
    assert last.shape == (3, unit.state_size)
    torch.testing.assert_close(torch.cat([first, second]), whole)
    torch.testing.assert_close(end, last)


@pytest.mark.parametrize("kind", [GRU, LSTM])
def test_gradients_are_those_of_finite_differences(kind: type[GRU | LSTM]) -> None:
    torch.manual_seed(0)
    unit = kind(3, 2).double()
    seen, state = (value.double().requires_grad_() for value in drawn(unit, 4, 2, 3))
    names = ("weight_ih", "weight_hh", "bias")

    def of(seen: Tensor, state: Tensor, *weights: Tensor) -> Tensor:
        return torch.func.functional_call(unit, dict(zip(names, weights)), (seen, state))[0]  # type: ignore[no-any-return]

    assert torch.autograd.gradcheck(of, (seen, state, *(getattr(unit, name) for name in names)))


def test_a_layer_without_memory_sees_one_step() -> None:
    torch.manual_seed(0)
    unit = Dense(5, 4)
    seen, state = drawn(unit, 6, 3, 5)
    changed = seen.clone()
    changed[2] += 1
    same = (unit(seen, state)[0] == unit(changed, state)[0]).all(dim=2).all(dim=1)
    assert same.tolist() == [True, True, False, True, True, True]
    assert (unit(seen, state)[0] >= 0).all()


@pytest.mark.parametrize(
    ("cell", "stored"), [("gru", "logits_paper_eq2_gru"), ("torch-gru", "logits_torch_gru")]
)
def test_a_stream_with_reference_weights_gives_the_stored_outputs(
    fill: Callable[..., nn.Module], uniform: Callable[..., Tensor], cell: str, stored: str
) -> None:
    """Weights under the reference's names, those of PyTorch's GRU; eq. 2 has the sum of its biases."""
    network = fill(StreamNetwork(RecurrentConfig("torch-gru"), 4096, 24))
    if cell == "gru":
        theirs, network = network, StreamNetwork(RecurrentConfig("gru"), 4096, 24)
        for name in ("fc", "out"):
            getattr(network, name).load_state_dict(getattr(theirs, name).state_dict())
        for name in ("r1", "r2"):
            getattr(network, name).load_state_dict(one_bias(getattr(theirs, name)))
    seen = uniform("reclnet", (2, 20, 4096), 0, 1).transpose(0, 1)
    with np.load(REFERENCE) as arrays, torch.no_grad():
        logits_TBC = network(seen, torch.zeros(2, 512)).logits_TBC
        np.testing.assert_allclose(logits_TBC.transpose(0, 1), arrays[stored], rtol=1e-4, atol=1e-5)
