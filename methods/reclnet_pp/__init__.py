"""RecLNet++: RecLNet on tracks from stacks of frames and features of I3D.

Cheron, Osokin, Laptev and Schmid, arXiv 1806.11008, 2018, section 5.4.

Faithful: Faster R-CNN (ResNet-101 C4) on stacks of five frames, whose proposals and boxes are one box a frame
with one score; tubelet linking with the constants of the authors' program; I3D's Mixed_4f pooled along the
tracks, one step every four frames; RecLNet's recurrent networks, localization and scoring on them.
Ours: what :mod:`methods.reclnet` marks; and where no published I3D is named, I3D first learns the classes of
annotated boxes (`clips`), since random features show nothing: size ``tiny`` does.
"""

from methods.reclnet_pp.method import ReclnetPp as METHOD

__all__ = ["METHOD"]
