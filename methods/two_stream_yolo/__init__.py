"""Two-stream YOLO: "Real-time end-to-end action detection with two-stream networks" (El-Nouby and Taylor,
CRV 2018).

A flow network inside the detector estimates the motion from a frame to the next. Frame and flow go each
through a Darknet-19 of its own; their last maps are concatenated, and one 1x1 convolution reads boxes,
classes and overlap off them as YOLOv2 does. Training starts from Pascal VOC, learns to recognise actions in
labelled clips (Kinetics), then to detect them; the flow network stays as it is or is tuned at a small rate of
its own. At test the best box of a frame is its detection; the paper links nothing and tests trimmed videos.

Faithful: both networks with the layouts of the published weights, anchors, fusion, optimisers, rates and
batch, two neighbouring frames of every video an epoch, one box a frame. No code of the paper is known; what
it leaves open is read so. Fused are the maps before YOLOv2's last convolution (``fused-heads``: the outputs
of that). The flow stream sees u, v and the length of flow, over 20 pixels. The label is of the first frame
of the pair; of the last frame of a video the flow is that of the one before. Recognition is a 1x1 convolution
on the fused maps and their mean over the frame, its flow FlowNet2's whatever the detector's is. The loss is
YOLOv2's; ``released-loss`` is that of yolo2-pytorch, which the paper builds on. Numbers of steps are ours. On
several labels a person the classes are sigmoids, and a frame keeps the best box with all its labels.
``linked`` is ours: the same predictions linked online, for untrimmed videos.

Published (UCF101-24 split 1, trimmed): frame-mAP 81.3, 74.1, 34.4 at IoU .2, .5, .75.

    bench run --method two-stream-yolo --dataset ucf24-mini
    bench run --method two-stream-yolo --dataset ucf24 --set model.voc=FILE --set recognition.clips=FOLDER
"""

from methods.two_stream_yolo.method import TwoStreamYolo

METHOD = TwoStreamYolo

__all__ = ["METHOD", "TwoStreamYolo"]
