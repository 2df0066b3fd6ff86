"""RFB-Flow: "Learning motion representation for real-time spatio-temporal action localization" (Zhang et al.,
Pattern Recognition 103:107312, 2020).

A flow network inside the detector sees the key-frame and its neighbours; a 1x1 convolution makes a picture
of its flow. Key-frame and flow picture go through one trunk, RFB Net 300 on VGG16; at each of six scales a
fusion block joins their maps for SSD's heads. Boxes are linked online (Singh et al. 2017). One frame of
look-ahead.

Faithful: trunk, priors, matching, multibox loss with three hard negatives a positive, the four fusions, flow
network frozen first and tuned later, SSD's augmentation, linking with temporal labelling. Readings: the paper
names one and two pairs of frames, ``default`` takes two; the fusion's convolutions are one a level (the
released program has two); the flow network's learning rate once it is tuned, a tenth. PWC-Net sees blue
first, as its authors' weights did in training, and red first in ``released``, as that program feeds it. Rows
without fusion and without several scales are read as :func:`methods.rfb_flow.config.configs` says. On several
labels a person the classes are sigmoids without background. Ours: both streams in one batch of the trunk.
Size ``tiny`` is first trained on crops of the training videos instead of ImageNet, and sees flow between
earlier frames, too.
Not reproduced: the released loader's single class, missing mean and truth drawn into the picture; the loss of
the flow against true flow (equation 1), which the program leaves out as well. Brox flow is computed before,
at the detector's 300x300, between neighbouring frames.

Published: UCF101-24 split 1 frame-mAP@0.5 67.7, video-mAP@0.2 74.8; J-HMDB frame 37.4; AVA frame 15.2.

    bench run --method rfb-flow --dataset ucf24-mini
"""

from methods.rfb_flow.method import RfbFlow

METHOD = RfbFlow

__all__ = ["METHOD", "RfbFlow"]
