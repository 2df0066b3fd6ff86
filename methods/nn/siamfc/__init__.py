"""SiamFC (Bertinetto et al., "Fully-Convolutional Siamese Networks for Object Tracking", arXiv 1606.09549).

It looks for what a box shows in one frame in the frames that follow: both are embedded by one network, and
where the embeddings agree most is the thing. It knows no classes and is not changed while it tracks. The
sizes and constants are those of the PyTorch port whose weights are about, huanglianghua/siamfc-pytorch; that
differs from the paper in three scales for five, in their steps and in how fast the size follows.

``network`` holds the network, ``tracking`` follows a box, ``crops`` cuts the squares that the network sees,
``fitting`` trains a narrow one on rendered people.
"""
