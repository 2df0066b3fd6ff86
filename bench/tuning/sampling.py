"""The order of trials that can be repeated: each draws by a seed of its own."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from bench.files.store import digest

SLOT = "slot"
"""Attribute of a trial: which of the N trials of its study it is."""


class SlotSampler(BaseSampler):
    """Tree-structured Parzen estimators (Bergstra et al. 2011) seeded anew for every trial.

    The seed is of the study's seed and the trial's place in it, so that what a trial draws depends on the
    trials before it alone, not on which process draws, nor on whether it was killed in between.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._inner = self._seeded(-1)

    def _seeded(self, slot: int) -> TPESampler:
        seed = int(digest([self._seed, slot])[:8], 16)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return TPESampler(seed=seed, multivariate=True, group=True, constant_liar=True)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Optuna calls this before a trial draws."""
        self._inner = self._seeded(trial.user_attrs.get(SLOT, -1))
        self._inner.before_trial(study, trial)

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """As the estimator has it."""
        return self._inner.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """As the estimator draws it."""
        return self._inner.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """As the estimator draws it."""
        return self._inner.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self, study: optuna.Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """Optuna calls this when a trial has ended."""
        self._inner.after_trial(study, trial, state, values)
