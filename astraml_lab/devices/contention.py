"""Whether the trials of a job take the GIL from each other: then threads are slower than one at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from astraml_lab.clock import SystemClock
from astraml_lab.devices.activate import available_cores

if TYPE_CHECKING:
    from collections.abc import Callable

    from astraml_lab.clock import Clock

WAITS_PER_CPU_SECOND = 2500
"""For each thread but one: above this they wait for each other rather than work, see `ThreadContention`."""
_TOO_MANY_WAITS = 15000  # likewise: the GIL cannot change hands that often, so it is something else
_CORES_BUSY = 0.9
_SAMPLES = 3
_WAITS_PER_CALL = 2
# So many calls a second explain no wait: at 40 short trials a second our own bookkeeping makes them, and
# waits for none. An objective with no more than these cannot reach the limit by waiting for its files.
_FREE_CALLS = 1000


@dataclass(frozen=True)
class ProcessUse:
    """What this process has used since it started, with the threads that have ended.

    Attributes:
        cpu: Seconds of CPU.
        waits: How often a thread gave its core away because it had to wait: for the GIL, a disk, a clock.
        calls: How often it read or wrote a file.
    """

    cpu: float
    waits: int
    calls: int


class ThreadContention:
    """Notices that the trials of a job, in threads on the CPU, cost each other throughput.

    A thread that waits for the GIL gives its core away. So where threads compute, and nevertheless wait
    thousands of times for each second of CPU, they are passing the GIL around. Sleepers use no CPU, long
    operations do not wait, and waits for files are known by the many reads and writes that go with them. CPU
    use alone tells nothing: two threads that train a small network use 1.7 cores to do the work of 0.7.

    Measured on two mostly quiet cores with our switch interval of 0.2 ms. Throughput is that of all threads,
    where one thread alone is 1; waits are those per second of CPU:

        two threads                             throughput   cores used   waits
        digits network (torch, batch of 64)     0.74         1.7          3000-3500
        smaller network (64 wide)               0.85         1.7          4000-5200
        numpy on 1,000 numbers                  0.73-0.86    1.8          2800-4900
        pure-Python loop                        0.8-1.0      1.1          2800-5600
        random forest (sklearn)                 1.4-2        1.65         1800-2000
        network 512 wide, batch of 256          1.7-2        1.95         200-300
        convolutions                            2            2.0          10
        big matrices (one thread uses 2 cores)  1            2.0          40
        write and fsync in a loop               1.3          0.7          16000, two for each write
        messages over a socket pair             1.3          1.4          130000
        sleep of 0.2 ms in a loop               2            0.15         43000

    With four threads each of these waits about three times as often. Where other programs keep the machine
    busy, the waits are fewer and nothing is said.

    Args:
        clock: Says how much time lies between two samples; by default the machine's.
        read: Returns what the process has used; None where the system does not tell.
        cores: How many cores the process may use.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        read: Callable[[], ProcessUse | None] | None = None,
        cores: int | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._read = read or read_use
        self._cores = cores or available_cores()
        self._before: tuple[float, ProcessUse] | None = None
        self._in_a_row = 0

    def sample(self, running: int) -> bool:
        """Look once; call it about once a second, also while fewer than two trials run.

        Args:
            running: How many trials of one job run in threads on the CPU.

        Returns:
            Whether it is clear that threads cost throughput: three looks in a row say so.
        """
        use = self._read() if running > 1 and self._cores > 1 else None
        now, before = self._clock.monotonic(), self._before
        self._before = None if use is None else (now, use)
        if use is None or before is None or not _contended(before[1], use, now - before[0], running):
            self._in_a_row = 0
            return False
        self._in_a_row += 1
        return self._in_a_row >= _SAMPLES


def read_use() -> ProcessUse | None:
    """Return what this process has used; None where there is no `/proc`."""
    try:
        lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    import resource  # not on Windows

    counts = dict(line.split(": ") for line in lines)
    used = resource.getrusage(resource.RUSAGE_SELF)
    calls = int(counts["syscr"]) + int(counts["syscw"])
    return ProcessUse(used.ru_utime + used.ru_stime, used.ru_nvcsw, calls)


def _contended(before: ProcessUse, now: ProcessUse, seconds: float, running: int) -> bool:
    cpu = now.cpu - before.cpu
    calls = now.calls - before.calls - _FREE_CALLS * seconds
    waits = now.waits - before.waits - _WAITS_PER_CALL * max(0.0, calls)
    if cpu < _CORES_BUSY * seconds or cpu <= 0:
        return False
    return WAITS_PER_CPU_SECOND <= waits / cpu / (running - 1) <= _TOO_MANY_WAITS
