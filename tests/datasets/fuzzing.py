"""Annotation files damaged in all ways that a seeded generator thinks of.

:func:`cases` gives case after case; each is a folder whose file is broken, and must be read or refused.
"""

from __future__ import annotations

import copy
import os
import random
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from fuzz_targets import Target, lay_out, targets

MARK = "fuzz-was-here"
"""The file that a hostile pickle would make."""


class Hostile:
    """Unpickled carelessly, this calls something."""

    def __init__(self, call: Any, *arguments: Any) -> None:
        self.call, self.arguments = call, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.call, self.arguments


def odd_values(chance: random.Random) -> Any:
    """Something of a type or value that no reader expects."""
    return chance.choice(
        [
            None, True, -1, 2**70, 0, float("nan"), float("inf"), -1e300, "", "text", "../../etc/passwd",
            b"\xff", [], {}, (), [[]], {"a": 1}, [None] * 3, np.uint8(3), np.float32("nan"), np.zeros(0),
            np.zeros((2, 4)), np.full((6, 4), np.nan), np.full((6, 4), 1e308), np.zeros((6, 5)),
            np.array(["a"]), np.zeros((3, 3, 3)), np.full((5, 5), -7.5, np.float32), np.array(5), "x" * 5000,
            "nul\0", "\ud800", 10**4000,
        ]
    )  # fmt: skip


def hostile_values(chance: random.Random) -> Any:
    """Something that does harm when a pickle of it is loaded carelessly."""
    bomb: Any = []
    for _ in range(60):
        bomb = chance.choice([[bomb, bomb], (bomb, bomb)])
    return chance.choice(
        [
            Hostile(os.system, f"touch {MARK}"),
            Hostile(exec, f"open({MARK!r}, 'w')"),
            Hostile(os.mkdir, MARK),
            Hostile(eval, f"open({MARK!r}, 'w')"),
            Hostile(np.zeros, 1 << 40),
            Hostile(bytes, 1 << 40),
            Hostile(bytearray, 1 << 40),
            Hostile(np.ndarray, (1 << 40,)),
            Hostile(range, 1 << 40),
            Hostile(time.sleep, 60),
            Path("/etc/passwd"),
            re.compile("a"),
            np.array([Hostile(os.mkdir, MARK)], dtype=object),
            np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
            {1, 2},
            1 + 2j,
            bomb,
        ]
    )  # fmt: skip


def put(content: Any, value: Any, chance: random.Random) -> Any:
    """A copy of the content with the value somewhere within it, or instead of a key."""
    content = copy.deepcopy(content)
    if not isinstance(content, (dict, list)) or not content:
        return value
    at = content
    while True:
        key = chance.choice(list(at) if isinstance(at, dict) else range(len(at)))
        inner = at[key]
        if isinstance(inner, (dict, list)) and len(inner) and chance.random() < 0.8:
            at = inner
            continue
        if isinstance(at, dict) and chance.random() < 0.25:
            at.pop(key)
            if value.__hash__ is not None and chance.random() < 0.7 and not isinstance(value, tuple):
                at[value] = inner
        else:
            at[key] = value
        return content


def damaged_array(content: Any, chance: random.Random) -> Any:
    """A MATLAB variable of another kind, or with a field of another kind."""
    if content.dtype.names and chance.random() < 0.8:
        content = copy.deepcopy(content)
        row = content[0, chance.randrange(content.shape[1])]
        field = chance.choice(content.dtype.names)
        if field == "tubes" and chance.random() < 0.6:
            row["tubes"][0, 0][chance.choice(row["tubes"].dtype.names)] = matlab_value(chance)
        else:
            row[field] = matlab_value(chance)
        return content
    return matlab_value(chance)


def matlab_value(chance: random.Random) -> Any:
    return chance.choice(
        [
            0, -3, 1.5, np.nan, "text", "../up", np.zeros(0), np.zeros((4, 4)), np.full((6, 4), np.inf),
            {"a": 1}, np.zeros((8, 8, 3)), np.zeros((2, 2, 2, 2)), np.array([["a", "bc"]]), np.array(1 + 2j),
            np.array([[1, "a"]], dtype=object), np.zeros((0, 4)), True, 1e300,
        ]
    )  # fmt: skip


def damaged_bytes(data: bytes, chance: random.Random) -> bytes:
    """Cut, with bytes changed, taken out, put in, doubled, set to zero, or something else altogether."""
    data = data or b"0"
    kind, length = chance.randrange(8), len(data)
    at, to = sorted((chance.randrange(length + 1), chance.randrange(length + 1)))
    to = min(to, at + 200) if chance.random() < 0.7 else to
    if kind == 0:
        return data[:at]
    if kind == 1:
        changed = bytearray(data)
        for _ in range(chance.choice((1, 1, 2, 5, 19))):
            changed[chance.randrange(length)] = chance.randrange(256)
        return bytes(changed)
    if kind == 2:
        return data[:at] + data[to:]
    if kind == 3:
        return data[:at] + chance.randbytes(chance.randrange(1, 50)) + data[at:]
    if kind == 4:
        return data[:to] + data[at:]
    if kind == 5:
        return data[:at] + bytes(to - at) + data[to:]
    if kind == 6:
        return chance.randbytes(chance.randrange(400))
    return swapped_token(data, chance)


def swapped_token(data: bytes, chance: random.Random) -> bytes:
    """With a word or number replaced."""
    words = [match.span() for match in re.finditer(rb"[\w.\-/]+", data)]
    odd = (
        "-1",
        "1e999",
        "nan",
        "",
        "9" * 400,
        "0x10",
        "1,2",
        '"',
        "../..",
        "\0",
        "\u00e9",
        "\n",
        "9" * 9,
        "1e-400",
        "/x",
    )
    start, end = chance.choice(words) if words else (0, 0)
    return data[:start] + chance.choice(odd).encode() + data[end:]


def damage(folder: Path, target: Target, chance: random.Random) -> Path:
    """A folder with the file of the target damaged. Returns the file."""
    random.seed(chance.random())
    lay_out(folder)
    path = folder / target.file
    target.write(path, target.content)
    kind = chance.random()
    if target.is_pickle and kind < 0.4:
        value = odd_values(chance) if kind < 0.25 else hostile_values(chance)
        target.write(path, put(target.content, value, chance))
    elif isinstance(target.content, np.ndarray) and kind < 0.4:
        target.write(path, damaged_array(target.content, chance))
    else:
        data = path.read_bytes()
        for _ in range(chance.choice((1, 1, 1, 3))):
            data = damaged_bytes(data, chance)
        path.write_bytes(data)
    return path


def cases(folder: Path, count: int, seed: int) -> Iterator[tuple[Target, Path, Path]]:
    """(target, root, damaged file) of so many cases, the targets in turn."""
    chance, every = random.Random(seed), targets()
    for number in range(count):
        target = every[number % len(every)]
        root = folder / str(number)
        yield target, root, damage(root, target, chance)
