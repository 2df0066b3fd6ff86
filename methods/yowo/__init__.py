"""YOWO: "You Only Watch Once" (Koepueklue, Wei and Rigoll, 2019), in the state of its program of 2020.

One stage, one network: a 3D ResNeXt-101 sees the 16 frames that end with the key-frame, a Darknet-19 the
key-frame alone; channel fusion and attention (CFAM) joins their maps, and a region head as YOLOv2's says
boxes and classes. Boxes are linked over the whole video by Viterbi.

Faithful: both branches with the layouts of the official checkpoints, CFAM, loss, decoding, NMS, linking
(class probability alone, objectness multiplied in for frames only), augmentation. Ours: on several labels a
person the classes are independent sigmoids; anchors are clustered where the paper gives none; boxes are cut
at the picture's border before the suppression, where the program leaves them.
Size ``tiny`` has another 3-D branch, small and
trained on crops of the training videos instead of Kinetics.
Not reproduced: the frame writer's lines that repeat the top class under other classes' scores.

Published (UCF101-24 split 1): frame-mAP@0.5 80.4, video-mAP@0.5 48.8; J-HMDB: 74.4, 85.7.

    bench run --method yowo --dataset ucf24-mini
"""

from methods.yowo.method import Yowo

METHOD = Yowo

__all__ = ["METHOD", "Yowo"]
