"""A time of day that a test can set, for the processes that it starts and for no others."""

import mmap
import os
import struct
import subprocess
from pathlib import Path

NEEDED = ("cc",)
_LIBRARY = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile double *offset;

int clock_gettime(clockid_t clock, struct timespec *now) {
    long failed = syscall(SYS_clock_gettime, clock, now);
    if (failed || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return failed;
    if (!offset) {
        int file = open(getenv("TIME_OF_DAY"), O_RDONLY);
        offset = mmap(0, 4096, PROT_READ, MAP_SHARED, file, 0);
        close(file);
    }
    now->tv_sec += (long)*offset;
    return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}
"""


class TimeOfDay:
    """What processes with this `environment` read from the clock.

    Parameters
    ----------
    folder
        An empty one, for the library that they load and the offset that they share.
    """

    def __init__(self, folder: Path) -> None:
        library, offset = folder / "time_of_day.so", folder / "time_of_day"
        source = library.with_suffix(".c")
        source.write_text(_LIBRARY)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
        offset.write_bytes(bytes(4096))
        with offset.open("r+b") as file:
            self._offset = mmap.mmap(file.fileno(), 4096)
        preload = " ".join(filter(None, (os.environ.get("LD_PRELOAD"), str(library))))
        self.environment = {"TIME_OF_DAY": str(offset), "LD_PRELOAD": preload}

    def set(self, seconds: int) -> None:
        """Let the clock be ahead of the true time by whole seconds."""
        self._offset[:8] = struct.pack("d", seconds)
