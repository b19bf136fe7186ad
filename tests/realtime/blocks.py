"""Audio blocks from memory, cut anywhere."""

import dataclasses
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from edmlive.sources.audio import AudioBlock


def cut(samples: NDArray[np.float32], at: Iterable[int] = ()) -> list[AudioBlock]:
    """Blocks that end at these frames and at the end; empty ones where two are the same."""
    return [AudioBlock(part, time.monotonic()) for part in np.split(samples, sorted(at))]


@dataclass
class BlockSource:
    """A source of ready blocks, captured when they are asked for; at its end it may raise."""

    blocks: list[AudioBlock]
    rate: int
    live: bool = False
    fault: str | None = None
    wanted: float = 0.0
    error: BaseException | None = None
    name: str = "memory"
    channels: int = field(init=False)

    def __post_init__(self) -> None:
        self.channels = self.blocks[0].samples.shape[1]

    def __iter__(self) -> Iterator[AudioBlock]:
        for block in self.blocks:
            yield dataclasses.replace(block, time=time.monotonic())
        if self.error is not None:
            raise self.error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None: ...
