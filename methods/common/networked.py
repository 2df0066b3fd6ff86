"""What methods share that read the same fields of their configs, or predict by one object, their network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.records import Detections
from methods.base import Info, Method

if TYPE_CHECKING:
    from bench.footage import Footage


class ConfiguredMethod(Method):
    """A method whose config holds ``model.frame_size`` and ``cpu_threads``."""

    @property
    def frame_size(self) -> tuple[int, int]:
        size: tuple[int, int] = self.config.model.frame_size
        return size

    @property
    def cpu_threads(self) -> int:
        threads: int = self.config.cpu_threads
        return threads


class NetworkMethod(ConfiguredMethod):
    """``load`` and ``begin`` set ``predictor``, which has a ``predict`` like that of a method."""

    def __init__(self, config: Any, info: Info) -> None:
        super().__init__(config, info)
        self.predictor: Any = None

    def predict(self, footage: Footage, frames: Sequence[int]) -> Detections:
        return self._predicted(footage, frames)

    def _predicted(self, *asked: Any) -> Detections:
        """What the predictor says. Raises ValueError before ``load`` or ``begin``."""
        if self.predictor is None:
            raise ValueError(f"{self.name}: load the checkpoints before predicting")
        found: Detections = self.predictor.predict(*asked)
        return found


def check_streamed(method: Method) -> None:
    """Raises ValueError where flow is computed before the method sees a frame: a stream has none."""
    if method.flow is not None:
        raise ValueError(
            f"{method.name} with {method.flow.setting}={method.flow.source} cannot be streamed: that flow is "
            "computed before, from the whole video; a flow network inside the method can be"
        )
