"""MENet: "Real-time Spatio-temporal Action Localization via Learning Motion Representation" (2020).

YOWO with three additions: the 3-D branch learns from a flow network (distillation as in MARS) and ends in a
non-local block; the 2-D branch sees, beside the key-frame, how the appearance of the last four frames changes
(short-range motion, SRM).

Faithful: distillation by cross-entropy and the mean squared error of the pooled features (eq. 1), the flow
network first, frozen then; non-local block after layer 4, part of the distilled network; SRM as PAN's
persistence of appearance on raw frames; six input channels of the 2-D branch, the RGB frame first. No code
was published: what the paper leaves open is marked *ours* in :mod:`methods.menet.config`.

Published (UCF101-24): frame-mAP@0.5 83.2, video-mAP@0.5 50.8 with SRM; 83.5, 49.5 without. J-HMDB, without:
82.3, 90.9.

    bench run --method menet --dataset ucf24-mini
"""

from methods.menet.method import Menet

METHOD = Menet

__all__ = ["METHOD", "Menet"]
