"""PCSC: progressive cross-stream cooperation (Su, Ouyang, Zhou, Xu; CVPR 2019).

Two streams, RGB and flow, each I3D + FPN + Faster R-CNN. Stage 0 detects with each stream alone (the RGB
pyramid helped by the flow features); stages 1 to 4 alternate between RGB and flow: the assisted stream takes
the other's boxes as additional proposals and the other's ROI features as messages. The result of stage t is
NMS over the union of the boxes of stages 0 to t; tubes are linked online (Singh et al. 2017, without their
temporal labelling) and trimmed by class-specific actionness.

Faithful: stages, cooperation at both levels, per-stage losses trained end to end, union with NMS, linking,
actionness trained on the boxes of linked training tubes. No code was published; what the paper leaves open
is marked *ours* in :mod:`methods.pcsc.config`. Ours as well: with several labels a person (AVA) each class is
a sigmoid, background is none of them, a person has one box, and nothing is linked or trimmed.

Published (UCF101-24 split 1): frame-mAP@0.5 79.2, video-mAP@0.5 61.0; J-HMDB: 74.8, 82.2.

    bench run --method pcsc --dataset ucf24-mini
"""

from methods.pcsc.method import Pcsc

METHOD = Pcsc

__all__ = ["METHOD", "Pcsc"]
