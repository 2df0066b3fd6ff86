"""Where the datasets are to be had: their pages, what to get there, their licences, and how to cite them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """pages: web addresses, the official one first. files: what to get. licence: as far as it is stated."""

    pages: tuple[str, ...]
    files: str
    licence: str
    citation: str


_AVA = Source(
    ("https://research.google.com/ava/", "https://github.com/cvdfoundation/ava-dataset"),
    "the annotation archive of the version, and the movies or their cuts from 900 to 1800 s",
    "annotation CC BY 4.0; the movies are their owners'",
    "C. Gu et al., AVA: A Video Dataset of Spatio-temporally Localized Atomic Visual Actions, CVPR 2018",
)
SOURCES = {
    "jhmdb": Source(
        ("http://jhmdb.is.tue.mpg.de", "https://github.com/vkalogeiton/caffe/tree/act-detector"),
        "ReCompress_Videos.tar.gz, the split lists and puppet_mask.zip; JHMDB-GT.pkl is ACT's (second page)",
        "see the page; its clips are of HMDB51, which is CC BY 4.0",
        "H. Jhuang et al., Towards Understanding Action Recognition, ICCV 2013",
    ),
    "ucf24": Source(
        (
            "https://www.crcv.ucf.edu/data/UCF101.php",
            "https://github.com/gurkirt/corrected-UCF101-Annots",
        ),
        "UCF101.rar and UCF101TrainTestSplits-RecognitionTask.zip; pyannot.pkl is on the second page",
        "see the page; the videos come from YouTube",
        "K. Soomro et al., UCF101: A Dataset of 101 Human Actions Classes From Videos in The Wild, "
        "CRCV-TR-12-01, 2012; boxes corrected by G. Singh et al., Online Real-time Multiple Spatiotemporal "
        "Action Localisation and Prediction, ICCV 2017",
    ),
    "daly": Source(
        ("https://thoth.inrialpes.fr/daly/",),
        "daly1.1.0.pkl; the videos are on YouTube under the names that it has",
        "see the page; the videos are their owners'",
        "P. Weinzaepfel et al., Human Action Localization with Sparse Spatial Supervision, arXiv:1605.05197",
    ),
    "ava-v2.2": _AVA,
    "ava-v2.1": _AVA,
    "ava-v1.0": _AVA,
}
"""By the names of datasets; a miniature and somebody's own data come from nowhere."""
