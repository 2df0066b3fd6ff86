"""Published weights that methods can start from: what each is, where its authors keep it, under which terms.

Nothing here is downloaded. Each entry names the function that checks a file by loading it the way training
does, into a network without memory of its own; this module needs no torch.
"""

from __future__ import annotations

from bench.published import Weights
from methods.nn.flow.named import NETWORKS

UNSTATED = "none stated; ask the authors"
CHECKS = "methods.nn.published_checks"
FREIBURG = "research only (the authors of FlowNet 2.0); NVIDIA's conversion Apache-2.0"

YOWO_UCF24 = Weights(
    "yowo-ucf24",
    "the whole network, UCF101-24: model.pretrained",
    "https://github.com/wei-tim/YOWO",
    UNSTATED,
    "yowo_ucf101-24_16f_best_*.pth",
    "methods.yowo.start:check",
    121_095_050,
)
YOWO_JHMDB = Weights(
    "yowo-jhmdb",
    "the whole network, J-HMDB-21: model.pretrained",
    "https://github.com/wei-tim/YOWO",
    UNSTATED,
    "yowo_jhmdb-21_16f_best_*.pth",
    "methods.yowo.start:check",
    121_079_690,
)
RESNEXT_KINETICS = Weights(
    "resnext-101-kinetics",
    "3D ResNeXt-101, Kinetics-400: model.pretrained_3d",
    "https://github.com/kenshohara/3D-ResNets-PyTorch",
    "MIT",
    "resnext-101-kinetics.pth",
    f"{CHECKS}:resnext",
    48_340_816,
)
RESNEXT_HMDB51 = Weights(
    "resnext-101-hmdb51",
    "3D ResNeXt-101, tuned on HMDB51 (for J-HMDB-21): model.pretrained_3d",
    "https://github.com/kenshohara/3D-ResNets-PyTorch",
    "MIT",
    "resnext-101-kinetics-hmdb51_split1.pth",
    f"{CHECKS}:resnext",
    47_625_715,
)
MARS_KINETICS = Weights(
    "mars-kinetics",
    "3D ResNeXt-101 of RGB that imitates flow, Kinetics-400: model.pretrained_3d",
    "https://github.com/craston/MARS",
    UNSTATED,
    "MARS_Kinetics_16f.pth",
    f"{CHECKS}:resnext",
    48_340_816,
)
MARS_FLOW = Weights(
    "mars-flow-kinetics",
    "3D ResNeXt-101 of flow, Kinetics-400, MARS's teacher: distillation.teacher_weights",
    "https://github.com/craston/MARS",
    UNSTATED,
    "Flow_Kinetics_16f.pth",
    f"{CHECKS}:resnext",
    48_318_864,
)
YOLO_COCO = Weights(
    "yolo-coco",
    "Darknet-19 with YOLOv2's layers, COCO: model.pretrained_2d",
    "https://pjreddie.com/darknet/yolov2/",
    "darknet's: any use",
    "yolo.weights",
    f"{CHECKS}:darknet",
    50_962_889,
)
YOLO_VOC = Weights(
    "yolo-voc",
    "Darknet-19 with YOLOv2's layers, Pascal VOC: model.voc",
    "https://github.com/longcw/yolo2-pytorch",
    UNSTATED,
    "yolo-voc.weights.h5, as .npz",
    f"{CHECKS}:darknet",
    67_137_565,
)
I3D_RGB = Weights(
    "i3d-rgb",
    "I3D of RGB, ImageNet and Kinetics-400: rgb.pt in the folder model.pretrained (reclnet-pp: i3d)",
    "https://github.com/google-deepmind/kinetics-i3d",
    "Apache-2.0",
    "rgb_imagenet.pt, or the authors' as .npz",
    f"{CHECKS}:i3d",
    12_697_264,
)
I3D_FLOW = Weights(
    "i3d-flow",
    "I3D of flow, ImageNet and Kinetics-400: flow.pt in the folder model.pretrained (reclnet-pp: i3d)",
    "https://github.com/google-deepmind/kinetics-i3d",
    "Apache-2.0",
    "flow_imagenet.pt, or the authors' as .npz",
    f"{CHECKS}:i3d",
    12_675_312,
)
VGG16_IMAGENET = Weights(
    "vgg16-imagenet",
    "VGG16, ImageNet; torchvision downloads it when it is asked to: vgg16(weights='DEFAULT')",
    "https://docs.pytorch.org/vision/stable/models/vgg.html",
    "BSD-3-Clause; ImageNet's terms",
    "vgg16-397923af.pth",
    f"{CHECKS}:torchvision",
    138_357_544,
)
RESNET101_IMAGENET = Weights(
    "resnet101-imagenet",
    "ResNet-101, ImageNet; torchvision downloads it when it is asked to: resnet101(weights='IMAGENET1K_V1')",
    "https://docs.pytorch.org/vision/stable/models/resnet.html",
    "BSD-3-Clause; ImageNet's terms",
    "resnet101-63fe2227.pth",
    f"{CHECKS}:torchvision",
    44_549_160,
)
RAFT = Weights(
    "raft",
    "optical flow `raft`: BENCH_RAFT_WEIGHTS; torchvision downloads it when it is asked to: "
    "raft_large(weights='DEFAULT')",
    "https://docs.pytorch.org/vision/stable/models/raft.html",
    "BSD-3-Clause",
    "raft_large_C_T_SKHT_V2-ff5fadd5.pth",
    f"{CHECKS}:torchvision",
    5_257_536,
)
RAFT_SMALL = Weights(
    "raft-small",
    "optical flow `raft-small`: BENCH_RAFT_SMALL_WEIGHTS; torchvision downloads it when it is asked to: "
    "raft_small(weights='DEFAULT')",
    "https://docs.pytorch.org/vision/stable/models/raft.html",
    "BSD-3-Clause",
    "raft_small_C_T_V2-01064c6d.pth",
    f"{CHECKS}:torchvision",
    990_162,
)
VGG16_REDUCED = Weights(
    "vgg16-reduced",
    "VGG16 with reduced fully connected layers, ImageNet: model.pretrained",
    "https://github.com/amdegroot/ssd.pytorch",
    "MIT; ImageNet's terms",
    "vgg16_reducedfc.pth",
    f"{CHECKS}:vgg16_reduced",
    20_483_904,
)
SIAMFC = Weights(
    "siamfc",
    "the tracker SiamFC, GOT-10k: bench data extend --tracker siamfc --weights",
    "https://github.com/huanglianghua/siamfc-pytorch",
    UNSTATED,
    "siamfc_alexnet_e50.pth",
    f"{CHECKS}:siamfc",
    2_336_320,
)


def _flow(name: str, parameters: int, page: str, licence: str) -> Weights:
    """The file of a flow network of :mod:`methods.nn.flow.named`."""
    use = f"optical flow `{name}`: BENCH_{name.upper().replace('-', '_')}_WEIGHTS"
    return Weights(name, use, page, licence, NETWORKS[name].file, f"{CHECKS}:flow", parameters)


NVIDIA = "https://github.com/NVIDIA/flownet2-pytorch", FREIBURG
NVLABS = "https://github.com/NVlabs/PWC-Net", "CC BY-NC-SA 4.0"
FLOWNET2 = _flow("flownet2", 162_518_834, *NVIDIA)
FLOWNET2_CSS = _flow("flownet2-css", 116_565_942, *NVIDIA)
FLOWNET2_CS = _flow("flownet2-cs", 77_870_620, *NVIDIA)
FLOWNET2_SD = _flow("flownet2-sd", 45_371_666, *NVIDIA)
FLOWNET2_S = _flow("flownet2-s", 38_676_506, *NVIDIA)
FLOWNET2_C = _flow("flownet2-c", 39_175_298, *NVIDIA)
PWC_NET = _flow("pwc-net", 9_374_340, *NVLABS)
PWC_NET_OLD = _flow("pwc-net-old", 8_749_280, *NVLABS)

ALL: dict[str, Weights] = {
    found.name: found for found in list(globals().values()) if isinstance(found, Weights)
}
"""Every entry by its name, in the order of this file."""
