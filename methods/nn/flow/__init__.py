"""Networks for optical flow: FlowNet 2 and its parts, PWC-Net, and a narrow one for a CPU.

All are a :class:`methods.nn.flow.network.FlowNetwork`, found by name in :mod:`methods.nn.flow.named`.
"""
