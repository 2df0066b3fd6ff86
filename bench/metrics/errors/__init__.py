"""Error decompositions: what a mAP was lost to. numpy alone, percent outside, nothing written into inputs.

==========  =====================================  ======================================================
``frame``   shares over recall of the kinds of     :mod:`bench.metrics.errors.frame` (ACT)
            wrong detections
``tube``    the same for tubes                     :mod:`bench.metrics.errors.tube` (MultiSports)
``oracle``  mAP with components assumed correct    :mod:`bench.metrics.errors.oracle` (RecLNet, table 8)
``dap``     mAP gained by fixing one kind of       :mod:`bench.metrics.errors.dap` (TIDE, for tubes)
            error alone
==========  =====================================  ======================================================

Names are ``error/<decomposition>/<kind>``. Each module states its definitions.
"""

from bench.metrics.errors.decompose import Decomposition, decompose

__all__ = ["Decomposition", "decompose"]
