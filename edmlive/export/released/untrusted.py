"""Reading tensors from PyTorch pickles without letting them run anything.

A pickle is a program. Here it may only build dictionaries, lists, numbers, text, tensors, and inert stand-ins for the
classes it is known to hold; any other name is refused, and reported. Time and memory are bounded by the size of the
file and by the limits below, whatever it declares. Both of PyTorch's formats are read: today's zip
file, and the stream of pickles and raw storages from before version 1.6.
"""

import io
import math
import pickle
import pickletools
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edmlive.errors import ModelError
from edmlive.util.files import read_up_to

LARGEST_BYTES = 1 << 28
"""Of the file, and of what it unpacks to; the released checkpoint is a fifth of this."""
_LONGEST_NAME = 100
_MOST_INSTRUCTIONS = 100_000
_MOST_ENTRIES = 10_000
_MOST_DIMENSIONS = 8
_LARGEST_INTEGER = 1 << 40

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_DTYPES: dict[str, np.dtype[Any]] = {
    "FloatStorage": np.dtype("<f4"),
    "DoubleStorage": np.dtype("<f8"),
    "HalfStorage": np.dtype("<f2"),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
    "ByteStorage": np.dtype("u1"),
    "BoolStorage": np.dtype("?"),
}

Storages = dict[str, NDArray[Any]]


class Module:
    """Stands in for a pickled ``torch.nn.Module``: its attributes, and no behaviour."""

    def __init__(self) -> None:
        self.state: dict[Any, Any] = {}


class _Tensor:
    """A view of a storage, whose values come later in a legacy file."""

    def __init__(self, storage: Any, offset: Any, shape: Any, stride: Any, *_: Any) -> None:
        if not isinstance(storage, _Storage) or len(_expect(shape, tuple, list)) > _MOST_DIMENSIONS:
            raise pickle.UnpicklingError("a tensor has an impossible shape")
        numbers = (offset, *shape, *_expect(stride, tuple, list)[:_MOST_DIMENSIONS])
        if not all(isinstance(number, int) and 0 <= number < _LARGEST_INTEGER for number in numbers):
            raise pickle.UnpicklingError("a tensor has an impossible shape")
        self.storage, self.offset, self.shape, self.stride = storage, offset, tuple(shape), tuple(stride)

    @property
    def size(self) -> int:
        return int(math.prod(self.shape) * self.storage.dtype.itemsize)

    def read(self, storages: Storages) -> NDArray[Any]:
        values = storages[self.storage.key]
        last = self.offset + sum((n - 1) * step for n, step in zip(self.shape, self.stride, strict=True))
        if 0 not in self.shape and (last >= len(values) or math.prod(self.shape) > len(values)):
            raise pickle.UnpicklingError("a tensor reaches beyond its storage, or repeats it")
        if 0 in self.shape:
            return np.zeros(self.shape, values.dtype)
        steps = [step * values.itemsize for step in self.stride]
        return np.lib.stride_tricks.as_strided(values[self.offset :], self.shape, steps).copy()


class _Storage:
    """Where the values of tensors are."""

    def __init__(self, key: str, dtype: np.dtype[Any]) -> None:
        self.key, self.dtype = key, dtype


def read_state(path: Path, classes: frozenset[str]) -> dict[str, NDArray[Any]]:
    """Read the parameters and buffers of a pickled module or state dictionary.

    A module or dictionary that is referred to several times counts once.

    Parameters
    ----------
    path
        The file, from ``torch.save``.
    classes
        Full names of the module classes that it may hold, such as ``torch.nn.modules.linear.Linear``.

    Returns
    -------
    dict
        Arrays by dotted name.

    Raises
    ------
    ModelError
        It is no such file, is broken, names any other class, or is larger or longer than any such checkpoint; nothing
        in it has been run.
    """
    try:
        data = read_up_to(path, LARGEST_BYTES)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}.") from None
    if len(data) > LARGEST_BYTES:
        raise ModelError(f"{path} is larger than {LARGEST_BYTES >> 20} MB.")
    try:
        content, storages = (_from_zip if zipfile.is_zipfile(io.BytesIO(data)) else _from_stream)(data, classes)
        return _arrays(dict(_tensors(content)), storages)
    except _ForbiddenNameError as error:
        name = ascii(str(error)[:_LONGEST_NAME])[1:-1][:_LONGEST_NAME]  # it may be meant for the terminal
        raise ModelError(f"{path} is refused: it asks for {name}, and nothing of it was run.") from None
    except Exception as error:  # a hostile pickle can raise anything
        raise ModelError(f"{path} cannot be read as a PyTorch checkpoint: {type(error).__name__}.") from None


class _ForbiddenNameError(Exception):
    """A pickle asked for something that is not admitted."""


def _inert(*_: Any) -> None:
    """Stand in for what no tensor depends on."""


def _rebuild_parameter(tensor: Any, *_: Any) -> _Tensor:
    found: _Tensor = _expect(tensor, _Tensor)
    return found


_ADMITTED: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": dict,
    "builtins.set": _inert,
    "__builtin__.set": _inert,
    "torch._utils._rebuild_tensor_v2": _Tensor,
    "torch._utils._rebuild_parameter": _rebuild_parameter,
    "torch.device": _inert,
    "torch.nn.backends.thnn._get_thnn_function_backend": _inert,  # every module of version 1.3 held one
}


def _expect(value: Any, *kinds: type) -> Any:
    if not isinstance(value, kinds):
        raise pickle.UnpicklingError(f"a {type(value).__name__} where there should be none")
    return value


class _Unpickler:
    """Runs the instructions that PyTorch's pickles consist of, each in time and memory of its own length.

    Python's own unpickler lets a few hundred bytes take gigabytes, by the number of a memo, or for ever, by tuples of
    tuples as a key.

    Parameters
    ----------
    file
        Read up to the end of one pickle by `load`.
    classes
        Full names of the module classes that it may hold.
    """

    def __init__(self, file: io.BytesIO, classes: frozenset[str] = frozenset()) -> None:
        self._file = file
        self._classes = classes
        self._stack: list[Any] = []
        self._outer: list[list[Any]] = []  # what was on the stack before each mark
        self._memo: dict[int, Any] = {}

    def load(self) -> Any:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(self._file)):
            if count > _MOST_INSTRUCTIONS:
                raise pickle.UnpicklingError("too many instructions")
            if opcode.name == "STOP":
                return self._stack.pop()
            if opcode.name in _LITERALS:
                self._stack.append(argument)
            elif opcode.name in _CONSTANTS:
                self._stack.append(_CONSTANTS[opcode.name]())
            elif opcode.name not in ("PROTO", "FRAME"):
                name = _SAME_AS.get(opcode.name, opcode.name)
                method = getattr(self, f"_{name.lower()}", None)
                if method is None:
                    raise pickle.UnpicklingError(f"no checkpoint has the instruction {name}")
                method(argument)
        raise pickle.UnpicklingError("it does not end")

    def _mark(self, _: None) -> None:
        self._outer.append(self._stack)
        self._stack = []

    def _since_mark(self) -> list[Any]:
        items, self._stack = self._stack, self._outer.pop()
        return items

    def _take(self, count: int) -> list[Any]:
        items = [self._stack.pop() for _ in range(count)]
        return items[::-1]

    def _put(self, number: int) -> None:
        self._memo[number] = self._stack[-1]

    def _memoize(self, _: None) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def _get(self, number: int) -> None:
        self._stack.append(self._memo[number])

    def _tuple(self, _: None) -> None:
        items = self._since_mark()
        self._stack.append(tuple(items))

    def _tuple1(self, _: None) -> None:
        self._stack.append(tuple(self._take(1)))

    def _tuple2(self, _: None) -> None:
        self._stack.append(tuple(self._take(2)))

    def _tuple3(self, _: None) -> None:
        self._stack.append(tuple(self._take(3)))

    def _setitem(self, _: None) -> None:
        self._set(self._take(2))

    def _setitems(self, _: None) -> None:
        self._set(self._since_mark())

    def _set(self, items: list[Any]) -> None:
        target = _expect(self._stack[-1], dict)
        for key, value in zip(items[::2], items[1::2], strict=True):
            if isinstance(key, int) and abs(key) > _LARGEST_INTEGER:  # these can be chosen so that all collide
                raise pickle.UnpicklingError("an impossible key")
            target[_expect(key, str, int)] = value

    def _append(self, _: None) -> None:
        items = self._take(1)
        _expect(self._stack[-1], list).extend(items)

    def _appends(self, _: None) -> None:
        items = self._since_mark()
        _expect(self._stack[-1], list).extend(items)

    def _global(self, names: str) -> None:
        self._find(names.replace(" ", ".", 1))

    def _stack_global(self, _: None) -> None:
        module, name = self._take(2)
        self._find(f"{_expect(module, str)}.{_expect(name, str)}")

    def _find(self, name: str) -> None:
        if name in self._classes:
            self._stack.append(Module)
        elif name.startswith("torch.") and name.removeprefix("torch.") in _DTYPES:
            self._stack.append(_DTYPES[name.removeprefix("torch.")])
        elif name in _ADMITTED:
            self._stack.append(_ADMITTED[name])
        else:
            raise _ForbiddenNameError(name)

    def _reduce(self, _: None) -> None:
        function, arguments = self._take(2)
        if function is dict or function is Module:
            arguments = _expect(arguments, tuple)[:0]  # copies could grow without bound; PyTorch's are filled later
        elif not callable(function) or isinstance(function, np.dtype):
            raise pickle.UnpicklingError("a call of what cannot be called")
        self._stack.append(function(*_expect(arguments, tuple)[:_MOST_DIMENSIONS]))

    def _build(self, _: None) -> None:
        (state,) = self._take(1)
        if isinstance(self._stack[-1], Module):
            self._stack[-1].state = _expect(state, dict)

    def _binpersid(self, _: None) -> None:
        kind, first, *rest = _expect(self._stack.pop(), tuple)
        if kind == "module":  # (class, source file, source text): the source is not looked at
            self._stack.append(first)
        elif kind == "storage" and isinstance(first, np.dtype):
            self._stack.append(_Storage(_expect(rest[0], str), first))
        else:
            raise _ForbiddenNameError("a persistent object that is no storage")


_LITERALS = frozenset(
    {
        "BINFLOAT",
        "BININT",
        "BININT1",
        "BININT2",
        "BINUNICODE",
        "LONG1",
        "SHORT_BINUNICODE",
    }
)
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_SET": _inert,
    "EMPTY_TUPLE": tuple,
    "NEWFALSE": lambda: False,
    "NEWTRUE": lambda: True,
    "NONE": lambda: None,
}
_SAME_AS = {
    "BINGET": "GET",
    "BINPUT": "PUT",
    "LONG_BINGET": "GET",
    "LONG_BINPUT": "PUT",
    "NEWOBJ": "REDUCE",
}


def _from_zip(data: bytes, classes: frozenset[str]) -> tuple[Any, Storages]:
    if data.count(b"PK\x01\x02") > _MOST_ENTRIES:
        raise pickle.UnpicklingError("too many files")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > LARGEST_BYTES:
            raise pickle.UnpicklingError("unpacks to too much")
        (name,) = (entry for entry in archive.namelist() if entry.endswith("/data.pkl"))
        content = _Unpickler(io.BytesIO(archive.read(name)), classes).load()
        root = name.removesuffix("data.pkl")
        return content, {
            key: np.frombuffer(archive.read(f"{root}data/{key}"), dtype) for key, dtype in _dtypes(content).items()
        }


def _from_stream(data: bytes, classes: frozenset[str]) -> tuple[Any, Storages]:
    file = io.BytesIO(data)
    if _Unpickler(file).load() != _LEGACY_MAGIC:
        raise pickle.UnpicklingError("not PyTorch's")
    for _ in ("protocol version", "system"):
        _Unpickler(file).load()
    content = _Unpickler(file, classes).load()
    dtypes = _dtypes(content)
    storages = {}
    for key in _expect(_Unpickler(file).load(), list):
        size = int.from_bytes(file.read(8), "little")
        dtype = dtypes.get(key, _DTYPES["FloatStorage"])  # one that no tensor refers to: floats, as all here are
        storages[key] = np.frombuffer(file.read(size * dtype.itemsize), dtype)
    return content, storages


def _dtypes(content: Any) -> dict[str, np.dtype[Any]]:
    """Return the types of all storages that tensors refer to."""
    return {tensor.storage.key: tensor.storage.dtype for _, tensor in _tensors(content)}


def _arrays(tensors: dict[str, _Tensor], storages: Storages) -> dict[str, NDArray[Any]]:
    """Read tensors, each once, which together may be no larger than twice their storages."""
    distinct = {id(tensor): tensor for tensor in tensors.values()}
    if sum(tensor.size for tensor in distinct.values()) > 2 * sum(values.nbytes for values in storages.values()):
        raise pickle.UnpicklingError("tensors repeat their storages")
    arrays = {number: tensor.read(storages) for number, tensor in distinct.items()}
    return {name: arrays[id(tensor)] for name, tensor in tensors.items()}


def _tensors(content: Any) -> Iterator[tuple[str, _Tensor]]:
    """Yield the tensors of a module, or of a dictionary of tensors, by dotted name."""
    seen: set[int] = set()
    waiting = [("", content)]
    while waiting:
        prefix, found = waiting.pop()
        if id(found) in seen or len(prefix) > _LONGEST_NAME:
            continue
        seen.add(id(found))
        if isinstance(found, Module):
            modules = _expect(found.state.get("_modules") or {}, dict)
            waiting += [(f"{prefix}{name}.", child) for name, child in reversed(modules.items())]
            waiting += [(prefix, found.state.get(kind) or {}) for kind in ("_buffers", "_parameters")]
        elif isinstance(found, dict):
            yield from ((f"{prefix}{name}", value) for name, value in found.items() if isinstance(value, _Tensor))
