"""Published weights: what an entry of ``bench weights`` says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Weights:
    """One file of published weights that training can start from.

    use: what it is for, and the setting or variable that names it; page: of the authors, where it or a link
    to it is; file: its usual name; parameters: of the network that was published; check: ``module:function``
    of this entry's name and a path, which raises ValueError naming the first difference.
    """

    name: str
    use: str
    page: str
    licence: str
    file: str
    check: str
    parameters: int
