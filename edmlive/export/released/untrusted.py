"""Reading tensors from PyTorch pickles without letting them run anything.

A pickle is a program. Here it may only build dictionaries, lists, numbers, text, tensors, and inert stand-ins for the
classes it is known to hold; any other name is refused, and reported. Both of PyTorch's formats are read: today's zip
file, and the stream of pickles and raw storages from before version 1.6.
"""

import io
import math
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edmlive.errors import ModelError

LARGEST_BYTES = 1 << 30
_LONGEST_NAME = 100

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

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, dict):
            raise pickle.UnpicklingError("a module's state is not a dictionary")
        self.__dict__.update(state)


class _Tensor:
    """A view of a storage, whose values come later in a legacy file."""

    def __init__(self, storage: tuple[str, str, int], offset: int, shape: tuple[int, ...], stride: tuple[int, ...]):
        if not all(isinstance(number, int) and number >= 0 for number in (offset, *shape, *stride)):
            raise pickle.UnpicklingError("a tensor has an impossible shape")
        self.storage, self.offset, self.shape, self.stride = storage, offset, shape, stride

    def read(self, storages: Storages) -> NDArray[Any]:
        values = storages[self.storage[1]]
        last = self.offset + sum((n - 1) * step for n, step in zip(self.shape, self.stride, strict=True))
        if 0 not in self.shape and (last >= len(values) or math.prod(self.shape) > len(values)):
            raise pickle.UnpicklingError("a tensor reaches beyond its storage, or repeats it")
        steps = [step * values.itemsize for step in self.stride]
        return np.lib.stride_tricks.as_strided(values[self.offset :], self.shape, steps).copy()


def read_state(path: Path, classes: frozenset[str]) -> dict[str, NDArray[Any]]:
    """Read the parameters and buffers of a pickled module or state dictionary.

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
        It is no such file, is broken, or names any other class; nothing in it has been run.
    """
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise ModelError(f"{path} is larger than {LARGEST_BYTES >> 20} MB.")
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}.") from None
    try:
        content, storages = (_from_zip if zipfile.is_zipfile(io.BytesIO(data)) else _from_stream)(data, classes)
        return {name: tensor.read(storages) for name, tensor in _tensors(content)}
    except _ForbiddenNameError as error:
        name = ascii(str(error))[1:-1][:_LONGEST_NAME]  # it may be meant for the terminal
        raise ModelError(f"{path} is refused: it asks for {name}, and nothing of it was run.") from None
    except Exception as error:  # a hostile pickle can raise anything
        raise ModelError(f"{path} cannot be read as a PyTorch checkpoint: {type(error).__name__}.") from None


class _ForbiddenNameError(Exception):
    """A pickle asked for something that is not admitted."""


class _Reader(pickle.Unpickler):
    def __init__(self, file: Any, classes: frozenset[str]) -> None:
        super().__init__(file)
        self._classes = classes

    def find_class(self, module: str, name: str) -> Any:
        full = f"{module}.{name}"
        if full in self._classes:
            return type(name, (Module,), {})
        if module == "torch" and name in _DTYPES:
            return name
        admitted: Mapping[str, Callable[..., Any]] = {
            "collections.OrderedDict": OrderedDict,
            "builtins.set": set,
            "__builtin__.set": set,
            "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
            "torch._utils._rebuild_parameter": _rebuild_parameter,
            "torch.device": _inert,
            "torch.nn.backends.thnn._get_thnn_function_backend": _inert,  # every module of version 1.3 held one
        }
        if full not in admitted:
            raise _ForbiddenNameError(full)
        return admitted[full]

    def persistent_load(self, pid: Any) -> Any:
        kind, first, *rest = pid
        if kind == "module":  # (class, source file, source text): the source is not looked at
            return first
        if kind != "storage" or first not in _DTYPES:
            raise _ForbiddenNameError(f"a {kind} of {first}")
        key, _location, size = rest[:3]
        return first, str(key), int(size)


def _rebuild_tensor(storage: Any, offset: int, shape: Any, stride: Any, *_: Any) -> _Tensor:
    return _Tensor(storage, offset, tuple(shape), tuple(stride))


def _rebuild_parameter(tensor: _Tensor, *_: Any) -> _Tensor:
    return tensor


def _inert(*description: Any) -> Any:
    return description


def _from_zip(data: bytes, classes: frozenset[str]) -> tuple[Any, Storages]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > LARGEST_BYTES:
            raise pickle.UnpicklingError("unpacks to too much")
        (name,) = (entry for entry in archive.namelist() if entry.endswith("/data.pkl"))
        content = _Reader(io.BytesIO(archive.read(name)), classes).load()
        root = name.removesuffix("data.pkl")
        return content, {
            key: np.frombuffer(archive.read(f"{root}data/{key}"), _DTYPES[kind])
            for kind, key, _ in {tensor.storage for _, tensor in _tensors(content)}
        }


def _from_stream(data: bytes, classes: frozenset[str]) -> tuple[Any, Storages]:
    file = io.BytesIO(data)
    if _Reader(file, frozenset()).load() != _LEGACY_MAGIC:
        raise pickle.UnpicklingError("not PyTorch's")
    for _ in ("protocol version", "system"):
        _Reader(file, frozenset()).load()
    content = _Reader(file, classes).load()
    kinds = {tensor.storage[1]: _DTYPES[tensor.storage[0]] for _, tensor in _tensors(content)}
    storages = {}
    for key in _Reader(file, frozenset()).load():
        size = int.from_bytes(file.read(8), "little")
        kind = kinds.get(key, _DTYPES["FloatStorage"])  # one that no tensor refers to: floats, as all here are
        storages[key] = np.frombuffer(file.read(size * kind.itemsize), kind)
    return content, storages


def _tensors(content: Any, prefix: str = "") -> Iterator[tuple[str, _Tensor]]:
    """Yield the tensors of a module, or of a dictionary of tensors, by dotted name."""
    if isinstance(content, Module):
        state = vars(content)
        for kind in ("_parameters", "_buffers"):
            yield from _tensors(state.get(kind) or {}, prefix)
        for name, child in (state.get("_modules") or {}).items():
            yield from _tensors(child, f"{prefix}{name}.")
    elif isinstance(content, dict):
        for name, value in content.items():
            if isinstance(value, _Tensor):
                yield f"{prefix}{name}", value
