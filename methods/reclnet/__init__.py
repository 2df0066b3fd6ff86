"""RecLNet: recurrent localization on person tracks.

Cheron, Osokin, Laptev and Schmid, "Modeling Spatio-Temporal Human Track Structure for Action Localization",
arXiv 1806.11008, 2018.

Faithful: Faster R-CNN streams of RGB and flow pictures on frames, boxes linked over the whole video into five
tracks a class (UCF101-24) or into person tracks (DALY), fc7 along the tracks, two GRU layers a stream as
equation 2 has them with the reset gate before the recurrent product, streams trained first and then their
fusion, truncated back-propagation, the median filter, threshold, top-40 score and 3D-NMS.
The recurrent code was not published; what the paper leaves open is marked *ours*. DALY's person detector was
trained on MPII: here a person is what the detector does not call background, or tracks come from a file.
Frames are normalised as torchvision's networks are trained.
Where the features of a stream take more than 1.6 GB, batches are of the tracks of few videos at a time
(``learning.group_gb``), so that room on disk changes no number.
With several labels a person (AVA) a box is learnt as the one that overlaps it most: softmax, ours.
"""

from methods.reclnet.method import Reclnet as METHOD

__all__ = ["METHOD"]
