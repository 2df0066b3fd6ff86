"""Action tubes: how boxes of frames are fused, linked over time, trimmed, scored and suppressed.

====================  ===========================================================  =====================
rule                  what                                                         of
====================  ===========================================================  =====================
``union``             both streams, NMS                                            fusion
``average``           mean of both scores of shared boxes                          RecLNet, ACT
``gating``            softmax of both weighted outputs of shared boxes             RecLNet
``boost``             score of the overlapping flow box added                      Saha et al. 2016
``online``            frame after frame, every class alone                         Singh et al. 2017
``viterbi``           best chains through the whole video                          Gkioxari and Malik
``tubelet``           stacks of K boxes chained, averaged                          ACT, MOC, RecLNet++
``tracking``          person tracks from the best box outwards                     DALY
``given``             the tracks that the predictions name                         RecLNet
``threshold``         median-filtered score above a threshold                      RecLNet
``labelling``         own class wins among all, changes cost                       Singh et al. 2017
``binary-labelling``  own class wins against background                            Saha et al. 2016
``actionness``        median-filtered actionness above a threshold                 PCSC
====================  ===========================================================  =====================

:class:`Linking` is the whole way from predictions to tubes, of any number of videos at once, and what a
config holds; :data:`PUBLISHED` has those of papers by name.
"""

from bench.tubes.base import Fusion, Linker, Trimming
from bench.tubes.pipeline import FUSIONS, LINKERS, PUBLISHED, TRIMMINGS, Linking

__all__ = ["FUSIONS", "LINKERS", "PUBLISHED", "TRIMMINGS", "Fusion", "Linker", "Linking", "Trimming"]
