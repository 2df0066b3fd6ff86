"""Is motion needed, and does it suffice? Two classifiers of crops at the true boxes, one sees a frame, the
other a clip.

    python -m datasets.mini.check ucf24-mini --size small
    python -m datasets.mini.check ucf24-mini --clip=-3,-1,1      what these frames around the key-frame tell

Both are trained on the motion-only classes to tell each class from the others of its pose group, and decide
once for every test actor, at one random frame of its tube: frames of a tube are not independent, tubes
nearly are, and an average over frames would be a classifier of the tube, not of a frame. A sound miniature
keeps the first within the 95% interval of chance and lets the second pass 80%.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from scipy.stats import binom
from torch import Tensor, nn

from datasets.mini import ava, ava_script, daly, daly_script, jhmdb, ucf24
from datasets.mini.ava_classes import AVA_MINI
from datasets.mini.check_samples import OFFSETS, STORED, Filmed, Samples, Source, collect
from datasets.mini.classes import DALY_MINI, JHMDB_MINI, UCF24_MINI, MiniClass, mirror_labels

SEEN = 48  # side of the part of a crop that the classifier sees
STEPS, BATCH = 700, 48


@dataclass(frozen=True)
class Finding:
    """Percent of test tubes told rightly within their pose group, from one frame and from a clip, over all
    and per group (frame, clip); `chance`: the 95% interval of guessing; `tubes`: decisions."""

    frame: float
    clip: float
    groups: dict[str, tuple[float, float]]
    chance: tuple[float, float]
    tubes: int

    @property
    def sound(self) -> bool:
        """Whether motion is needed and suffices."""
        return self.chance[0] <= self.frame <= self.chance[1] and self.clip > 80.0


def _frame_input(samples: Samples, chosen: np.ndarray) -> Tensor:
    return torch.from_numpy(samples.frames_NHWC[chosen]).permute(0, 3, 1, 2).float() / 64.0 - 2.0


def _clip_input(samples: Samples, chosen: np.ndarray, offsets: Sequence[int]) -> Tensor:
    """Time folded into channels: grey frames, all 8 or some, and their differences."""
    places = [OFFSETS.index(offset) for offset in offsets]
    grey = torch.from_numpy(samples.clips_NTHW[chosen][:, places]).float() / 64.0 - 2.0
    return torch.cat([grey, grey[:, 1:] - grey[:, :-1]], dim=1)


def _network(channels: int, classes: int) -> nn.Module:
    def block(inside: int, outside: int, stride: int) -> list[nn.Module]:
        convolution = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
        return [convolution, nn.BatchNorm2d(outside), nn.ReLU(inplace=True)]

    layers = [
        *block(channels, 32, 2),
        *block(32, 64, 2),
        *block(64, 64, 1),
        *block(64, 128, 2),
        *block(128, 128, 1),
    ]
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Dropout(0.3), nn.Linear(1152, classes)
    )


def _rivals(classes: Sequence[MiniClass]) -> Tensor:
    """Bool [class, class]: of one pose group."""
    return torch.tensor([[one.family == two.family for two in classes] for one in classes])


def _augmented(
    inputs: Tensor, labels: Tensor, mirror: Tensor, random: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Other contrast, negatives, shifts and, half the time, mirrored batches; a mirrored video has the
    mirrored label."""
    top, left = random.integers(0, STORED - SEEN + 1, 2)
    contrast = random.uniform(0.5, 1.5, (len(labels), 1, 1, 1)) * random.choice(
        (-1.0, 1.0), (len(labels), 1, 1, 1)
    )
    inputs = inputs[:, :, top : top + SEEN, left : left + SEEN] * torch.from_numpy(contrast).float()
    return (inputs.flip(3), mirror[labels]) if random.random() < 0.5 else (inputs, labels)


Inputs = Callable[[Samples, np.ndarray], Tensor]


def train(samples: Samples, inputs: Inputs, classes: Sequence[MiniClass], steps: int, seed: int) -> nn.Module:
    """A small convolutional network that tells each class from the others of its pose group."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    network = _network(inputs(samples, np.array([0])).shape[1], len(classes)).to(
        memory_format=torch.channels_last
    )
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
    rivals, mirror = _rivals(classes), torch.tensor(mirror_labels(tuple(classes)))
    for _ in range(steps):
        chosen = random.integers(0, len(samples.labels_N), BATCH)
        batch, labels = inputs(samples, chosen), torch.from_numpy(samples.labels_N[chosen])
        batch, labels = _augmented(batch, labels, mirror, random)
        scores = network(batch.contiguous(memory_format=torch.channels_last))
        loss = nn.functional.cross_entropy(scores.masked_fill(~rivals[labels], -1e4), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return network.eval()


@torch.no_grad()
def right(network: nn.Module, samples: Samples, inputs: Inputs, classes: Sequence[MiniClass]) -> np.ndarray:
    """Bool [N]: whether the best class of the pose group is the true one."""
    edge = (STORED - SEEN) // 2
    batch = inputs(samples, np.arange(len(samples.labels_N)))[:, :, edge : edge + SEEN, edge : edge + SEEN]
    labels = torch.from_numpy(samples.labels_N)
    scores = network(batch).masked_fill(~_rivals(classes)[labels], -1e4)
    found: np.ndarray = (scores.argmax(1) == labels).numpy()
    return found


def chance_interval(labels_N: np.ndarray, classes: Sequence[MiniClass]) -> tuple[float, float]:
    """The 95% interval, in percent, of the share that guessing within the pose group tells rightly
    (binomial)."""
    odds = statistics.fmean(1.0 / int(_rivals(classes)[label].sum()) for label in labels_N)
    low, high = (float(binom.ppf(q, len(labels_N), odds)) for q in (0.025, 0.975))
    return 100.0 * low / len(labels_N), 100.0 * high / len(labels_N)


def _ucf24(size: str) -> tuple[Sequence[Source], set[str], tuple[MiniClass, ...]]:
    jobs = ucf24.jobs(Path(), size)
    return jobs, {job.name for job in jobs if ucf24.group_of(job.name) < 8}, UCF24_MINI


def _jhmdb(size: str) -> tuple[Sequence[Source], set[str], tuple[MiniClass, ...]]:
    return jhmdb.jobs(Path(), size), set(jhmdb.tested_videos(size, 0)), JHMDB_MINI


def _daly(size: str) -> tuple[Sequence[Source], set[str], tuple[MiniClass, ...]]:
    films = [Filmed(reel, daly_script.script, 0) for reel in daly.reels(Path(), size)]
    return films, set(daly.tested(size)), DALY_MINI


def _ava(size: str) -> tuple[Sequence[Source], set[str], tuple[MiniClass, ...]]:
    films = [Filmed(reel, ava_script.script, 1) for reel in ava.reels(Path(), size)]
    return films, set(ava.parts(size)["val"]), AVA_MINI


SPLITS = {ucf24.NAME: _ucf24, jhmdb.NAME: _jhmdb, daly.NAME: _daly, ava.NAME: _ava}
"""By miniature: its videos at a size, which of them its first split tests, and its classes."""


def _percent(frame_N: np.ndarray, clip_N: np.ndarray) -> tuple[float, float]:
    return 100.0 * float(frame_N.mean()), 100.0 * float(clip_N.mean())


def check(
    dataset: str,
    size: str = "small",
    steps: int = STEPS,
    seed: int = 0,
    workers: int = 2,
    offsets: Sequence[int] = OFFSETS,
) -> Finding:
    """Train both classifiers on the first split of a miniature and test them.

    offsets: of the clip's frames from the key-frame. Raises ValueError for an unknown dataset or size, and
    for offsets that are not among :data:`OFFSETS`.
    """
    if dataset not in SPLITS:
        raise ValueError(f"nothing to check in {dataset!r}; there are {', '.join(SPLITS)}")
    if not offsets or not set(offsets) <= set(OFFSETS):
        raise ValueError(f"--clip: a clip is of the frames {', '.join(map(str, OFFSETS))}, or some of them")
    videos, tested, classes = SPLITS[dataset](size)
    moving = frozenset(label for label, one in enumerate(classes) if one.motion_only)
    known = collect([one for one in videos if one.name not in tested], moving, True, workers)
    new = collect([one for one in videos if one.name in tested], moving, False, workers)
    inputs: tuple[Inputs, Inputs] = (_frame_input, partial(_clip_input, offsets=offsets))
    frame, clip = (right(train(known, see, classes, steps, seed), new, see, classes) for see in inputs)
    families = np.array([classes[label].family for label in new.labels_N])
    groups = {
        str(one): _percent(frame[families == one], clip[families == one]) for one in np.unique(families)
    }
    chance = chance_interval(new.labels_N, classes)
    return Finding(*_percent(frame, clip), groups, chance, len(new.labels_N))


def main() -> None:
    """Print the finding for one miniature; exit status 1 if it is not sound."""
    parser = argparse.ArgumentParser(description="is motion needed, and does it suffice?")
    parser.add_argument("dataset", choices=tuple(SPLITS))
    parser.add_argument("--size", default="small")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--clip", default=",".join(map(str, OFFSETS)), help="offsets of the clip's frames")
    chosen = parser.parse_args()
    try:
        offsets = [int(offset) for offset in chosen.clip.split(",")]
        found = check(chosen.dataset, chosen.size, chosen.steps, chosen.seed, offsets=offsets)
    except ValueError as error:
        parser.error(str(error))
    for group, (frame, clip) in found.groups.items():
        print(f"{group:8s} one frame {frame:5.1f}%  clip {clip:5.1f}%")
    low, high = found.chance
    shares = f"one frame {found.frame:.1f}%, clip {found.clip:.1f}% of {found.tubes} test tubes"
    print(f"{shares}; guessing {low:.1f}-{high:.1f}%")
    raise SystemExit(0 if found.sound else 1)


if __name__ == "__main__":
    main()
