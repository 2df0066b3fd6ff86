"""Reading pickles without running code: numpy arrays, numbers, strings, lists, dicts and tuples.

A pickle is a program. This reader knows the instructions that build plain data and no others, calls nothing
that a file names, and believes no size that a file states before the bytes are there. Arrays are rebuilt from
their bytes, under the module names of numpy 1 and of numpy 2. Text that Python 2 wrote is read as Latin-1.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from struct import unpack
from typing import Any, ClassVar

import numpy as np

from bench.files.pickle_parts import MAKERS, Dtype, Refused, raw_bytes

MOST_BYTES = 256 << 20
"""Of a file. Annotation of a few thousand videos takes a tenth of that."""
MOST_EXPANDED = 1 << 30
"""Bytes of the content when all that is referred to twice is counted twice; an entry counts as 100."""

_PLAIN = {
    "PROTO", "FRAME", "STOP", "MARK", "POP", "POP_MARK", "DUP", "NONE", "NEWTRUE", "NEWFALSE", "INT",
    "LONG", "BININT", "BININT1", "BININT2", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING", "BINSTRING",
    "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "UNICODE", "BINUNICODE",
    "SHORT_BINUNICODE", "BINUNICODE8", "TUPLE", "EMPTY_TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "LIST",
    "EMPTY_LIST", "EMPTY_DICT", "GLOBAL", "STACK_GLOBAL", "PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE", "GET",
    "BINGET", "LONG_BINGET",
}  # fmt: skip
"""Instructions that are safe as Python's own interpreter has them."""


class _Global(str):
    """The name of a maker, as it lies on the stack: REDUCE calls the maker, nothing else can be done."""


class _Plain(pickle._Unpickler):
    """Python's own interpreter of pickles without the instructions that data does not need."""

    dispatch: ClassVar[dict[int, Callable[..., None]]]
    stack: list[Any]
    append: Callable[[Any], None]
    pop_mark: Callable[[], list[Any]]
    read: Callable[[int], bytes]

    def find_class(self, module: str, name: str) -> Any:
        if f"{module}.{name}" not in MAKERS:
            raise Refused(f"it asks for {f'{module}.{name}':.80}")
        return _Global(f"{module}.{name}")

    def reduce(self) -> None:
        arguments, called = self.stack.pop(), self.stack.pop()
        if type(called) is not _Global or type(arguments) is not tuple:
            raise Refused("it calls something")
        self.stack.append(MAKERS[called](*arguments))

    def build(self) -> None:
        state, made = self.stack.pop(), self.stack[-1]
        if type(made) is Dtype:
            made.set_state(state)
        elif type(made) is np.ndarray and not made.size:
            shape, dtype, fortran, data = state[-4:]
            raw = raw_bytes(shape, dtype, data)
            made.__setstate__((1, shape, dtype.value, bool(fortran), raw))  # type: ignore[arg-type]
        else:
            raise Refused("it changes something")

    def set_items(self, items: list[Any]) -> None:
        """Keys are numbers and strings: a tuple of tuples of tuples may take for ever to hash."""
        target = self.stack[-1]
        if type(target) is not dict:
            raise Refused("it sets items of something else than a dict")
        for key in items[::2]:
            if key is not None and not isinstance(key, (str, int, float, bytes, np.generic)):
                raise Refused(f"it has a dict with a {type(key).__name__} as a key")
        target.update(zip(items[::2], items[1::2], strict=True))

    def set_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self.set_items([key, value])

    def make_dict(self) -> None:
        items = self.pop_mark()
        self.append({})
        self.set_items(items)

    def extend(self, items: list[Any]) -> None:
        if type(self.stack[-1]) is not list:
            raise Refused("it appends to something else than a list")
        self.stack[-1].extend(items)

    def byte_array(self) -> None:
        (size,) = unpack("<Q", self.read(8))
        if size > MOST_BYTES:
            raise Refused(f"it states {size} bytes in one piece")
        self.append(bytearray(self.read(size)))


def _refuse(name: str) -> Callable[[_Plain], None]:
    def refused(_: _Plain) -> None:
        raise Refused(f"it uses the instruction {name}")

    return refused


_OWN: dict[str, Callable[[_Plain], None]] = {
    "REDUCE": _Plain.reduce,
    "BUILD": _Plain.build,
    "SETITEM": _Plain.set_item,
    "SETITEMS": lambda self: self.set_items(self.pop_mark()),
    "DICT": _Plain.make_dict,
    "APPEND": lambda self: self.extend([self.stack.pop()]),
    "APPENDS": lambda self: self.extend(self.pop_mark()),
    "BYTEARRAY8": _Plain.byte_array,
}
_Plain.dispatch = {
    code[0]: pickle._Unpickler.dispatch[code[0]] if name in _PLAIN else _OWN.get(name, _refuse(name))
    for name, code in vars(pickle).items()
    if name.isupper() and isinstance(code, bytes) and len(code) == 1
}


def load_plain(path: Path) -> Any:
    """The content of a pickle that holds numpy arrays, numbers, strings, lists, dicts and tuples alone.

    Raises ValueError naming the file if it is missing, larger than :data:`MOST_BYTES`, not a whole pickle, or
    asks for anything else; nothing that the file names is run.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{path}: {path.stat().st_size >> 20} MiB are too many for annotation")
    try:
        content = _Plain(io.BytesIO(path.read_bytes()), encoding="latin1").load()
        _check_expanded(content)
    except Refused as error:
        raise ValueError(
            f"{path}: refused, {error}; annotation holds only numbers, strings, lists, dicts, tuples and "
            f"numpy arrays. Get the file from its official source"
        ) from error
    except Exception as error:  # a broken pickle may raise anything
        raise ValueError(f"{path}: not a whole pickle ({error!r:.200}); get the file again") from error
    return content


def _check_expanded(content: Any) -> None:
    """Refuse lists of the same lists of the same lists: small in the file, endless to walk through."""
    sizes: dict[int, int] = {}
    opened: set[int] = set()
    todo: list[Any] = [[content]]
    while todo:
        entry = todo[-1]
        if id(entry) in sizes:
            todo.pop()
            continue
        inner = entry.values() if type(entry) is dict else entry if type(entry) in (list, tuple) else ()
        pending = [one for one in inner if type(one) in (list, tuple, dict) and id(one) not in sizes]
        if not pending:
            sizes[id(entry)] = 100 + sum(sizes.get(id(one)) or _size(one) for one in inner)
        elif id(entry) not in opened:
            opened.add(id(entry))
            todo += pending
        else:  # it is within itself
            sizes[id(entry)] = MOST_EXPANDED + 1
        if sizes.get(id(entry), 0) > MOST_EXPANDED:
            raise Refused("it is without end when read through")


def _size(entry: Any) -> int:
    if type(entry) in (_Global, Dtype):
        raise Refused("it holds a name of numpy as data")
    return 100 + (entry.nbytes if type(entry) is np.ndarray else 0)
