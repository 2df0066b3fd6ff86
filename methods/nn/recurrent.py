"""Recurrent units that hand their state from one stretch of a sequence to the next.

Every unit maps ``input_TBD`` (time first) and ``state_BS``, the state before the first step, to
``(output_TBM, state_BS)``, the state after the last; ``output_size`` is M and ``state_size`` S. A sequence
begins with a state of zeros.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class _Gated(nn.Module):
    """Weights of a unit of ``gates`` gates with one bias each, drawn as PyTorch draws those of its units."""

    gates: int

    def __init__(self, inputs: int, size: int):
        super().__init__()
        self.output_size = self.state_size = size
        self.weight_ih = nn.Parameter(torch.empty(self.gates * size, inputs))
        self.weight_hh = nn.Parameter(torch.empty(self.gates * size, size))
        self.bias = nn.Parameter(torch.empty(self.gates * size))
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -(size**-0.5), size**-0.5)

    def _projected(self, input_TBD: Tensor) -> Tensor:
        """What the inputs of all steps give to the gates, in one product."""
        return F.linear(input_TBD, self.weight_ih, self.bias)


class GRU(_Gated):
    """The gated recurrent unit of Cheron et al. 2018, eq. 2 (Cho et al. 2014).

    The reset gate multiplies the state *before* the recurrent product; PyTorch and cuDNN multiply after it,
    another function. Rows of the weights: reset gate, update gate, candidate, in PyTorch's order.
    """

    gates = 3

    def forward(self, input_TBD: Tensor, state_BS: Tensor) -> tuple[Tensor, Tensor]:
        """As the module's description says; S = M."""
        size = self.output_size
        of_gates, of_candidate = self._projected(input_TBD).split([2 * size, size], dim=2)
        gates_MG, candidate_MM = (w.t() for w in self.weight_hh.split([2 * size, size]))
        h, outputs = state_BS, []
        for gates, candidate in zip(of_gates.unbind(), of_candidate.unbind()):
            r, z = torch.addmm(gates, h, gates_MG).sigmoid().chunk(2, dim=1)
            n = torch.addmm(candidate, r * h, candidate_MM).tanh()
            h = n + z * (h - n)
            outputs.append(h)
        return torch.stack(outputs), h


class LSTM(_Gated):
    """The long short-term memory of Cheron et al. 2018, eq. 1, without peepholes.

    Rows of the weights: input gate, forget gate, candidate, output gate, in PyTorch's order. PyTorch's own
    unit is the same function with two biases a gate, of which only the sum counts.
    """

    gates = 4

    def __init__(self, inputs: int, size: int):
        super().__init__(inputs, size)
        self.state_size = 2 * size

    def forward(self, input_TBD: Tensor, state_BS: Tensor) -> tuple[Tensor, Tensor]:
        """As the module's description says; S = 2 M, the output h and the cell c."""
        recurrent_MG = self.weight_hh.t()
        h, c = state_BS.chunk(2, dim=1)
        outputs = []
        for gates in self._projected(input_TBD).unbind():
            i, f, g, o = torch.addmm(gates, h, recurrent_MG).chunk(4, dim=1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            outputs.append(h)
        return torch.stack(outputs), torch.cat([h, c], dim=1)


class TorchGRU(nn.GRU):
    """PyTorch's GRU: its reset gate acts after the recurrent product, two biases a gate; cuDNN on a GPU."""

    def __init__(self, inputs: int, size: int):
        super().__init__(inputs, size)
        self.output_size = self.state_size = size

    def forward(  # type: ignore[override]
        self, input_TBD: Tensor, state_BS: Tensor
    ) -> tuple[Tensor, Tensor]:
        """As the module's description says; S = M."""
        output_TBM, last_1BM = super().forward(input_TBD, state_BS[None].contiguous())
        return output_TBM, last_1BM[0]


class TorchLSTM(nn.LSTM):
    """PyTorch's LSTM: the function of :class:`LSTM` with two biases a gate; cuDNN on a GPU."""

    def __init__(self, inputs: int, size: int):
        super().__init__(inputs, size)
        self.output_size, self.state_size = size, 2 * size

    def forward(  # type: ignore[override]
        self, input_TBD: Tensor, state_BS: Tensor
    ) -> tuple[Tensor, Tensor]:
        """As the module's description says; S = 2 M, the output h and the cell c."""
        h_1BM, c_1BM = (part[None].contiguous() for part in state_BS.chunk(2, dim=1))
        output_TBM, (h_1BM, c_1BM) = super().forward(input_TBD, (h_1BM, c_1BM))
        return output_TBM, torch.cat([h_1BM[0], c_1BM[0]], dim=1)


class Dense(nn.Linear):
    """A fully connected layer and a ReLU, every step by itself: what a unit without memory can do."""

    def __init__(self, inputs: int, size: int):
        super().__init__(inputs, size)
        self.output_size, self.state_size = size, 0

    def forward(  # type: ignore[override]
        self, input_TBD: Tensor, state_BS: Tensor
    ) -> tuple[Tensor, Tensor]:
        """As the module's description says; S = 0."""
        return F.relu(super().forward(input_TBD)), state_BS


Unit = GRU | LSTM | TorchGRU | TorchLSTM | Dense
"""Any of them; all are made from the length of an input and M."""
