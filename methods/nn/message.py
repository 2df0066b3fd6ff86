"""Message passing between the streams (Su et al., "Improving Action Localization by Progressive Cross-stream
Cooperation", CVPR 2019, section 3.3, eq. 1)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class MessagePassing(nn.Module):
    """`assisted + f(assistant)`; f: 1x1 convolution C -> C / reduction, ReLU, 1x1 convolution back to C.

    The paper states neither the reduction (here 4), nor an activation after the second convolution (none),
    nor the initialisation (PyTorch's default). For maps and for pooled regions alike.
    """

    def __init__(self, channels: int, reduction: int = 4):
        super().__init__()
        if not 1 <= reduction <= channels:
            raise ValueError(f"reduction must be in 1 .. channels = {channels}, not {reduction}")
        self.reduce = nn.Conv2d(channels, channels // reduction, 1)
        self.expand = nn.Conv2d(channels // reduction, channels, 1)

    def forward(self, assisted_BCHW: Tensor, assistant_BCHW: Tensor) -> Tensor:
        """(B, C, H, W) twice -> (B, C, H, W). Raises ValueError where the shapes differ."""
        if assisted_BCHW.shape != assistant_BCHW.shape:
            raise ValueError(
                f"features of the two streams differ in shape: {tuple(assisted_BCHW.shape)} and "
                f"{tuple(assistant_BCHW.shape)}; pool both over time and with the same boxes"
            )
        message_BCHW: Tensor = self.expand(F.relu(self.reduce(assistant_BCHW), inplace=True))
        return assisted_BCHW + message_BCHW
