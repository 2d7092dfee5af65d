from __future__ import annotations

import json
import subprocess
import sys

import pytest

from astraml_lab.clock import FakeClock
from astraml_lab.devices import ThreadContention
from astraml_lab.devices.contention import ProcessUse, read_use


class Job:
    """Trials whose use of the process a test makes up, second by second."""

    def __init__(self, cores: int = 2) -> None:
        self.clock = FakeClock()
        self.use: ProcessUse | None = ProcessUse(100.0, 5000, 5000)
        self.watch = ThreadContention(self.clock, lambda: self.use, cores)
        self.watch.sample(2)

    def second(self, cpu: float, waits: int, calls: int = 0, *, running: int = 2) -> bool:
        assert self.use is not None
        self.clock.advance(1)
        self.use = ProcessUse(self.use.cpu + cpu, self.use.waits + waits, self.use.calls + calls)
        return self.watch.sample(running)


def test_three_looks_in_a_row_make_it_clear() -> None:
    job = Job()
    assert [job.second(1.7, 6000) for _ in range(5)] == [False, False, True, True, True]


def test_a_quiet_second_begins_the_count_anew() -> None:
    job = Job()
    seconds = [(1.7, 6000), (1.7, 6000), (1.9, 100), (1.7, 6000), (1.7, 6000), (1.7, 6000)]
    assert [job.second(cpu, waits) for cpu, waits in seconds] == [False] * 5 + [True]


@pytest.mark.parametrize(
    ("cpu", "waits", "calls"),
    [
        pytest.param(0.02, 200, 0, id="sleep"),
        pytest.param(0.15, 6500, 0, id="short sleeps"),
        pytest.param(2.0, 70, 0, id="big matrices"),
        pytest.param(1.96, 600, 0, id="a wide network"),
        pytest.param(1.65, 3200, 0, id="a random forest"),
        pytest.param(0.68, 12000, 6000, id="write and fsync"),
        pytest.param(1.2, 12000, 6000, id="much of it"),
        pytest.param(1.4, 180000, 0, id="messages over a socket pair"),
        pytest.param(1.0, 2000, 0, id="one computes and one sleeps"),
    ],
)
def test_work_that_threads_do_well_is_never_blamed(cpu: float, waits: int, calls: int) -> None:
    job = Job()
    assert not any(job.second(cpu, waits, calls) for _ in range(10))


def test_more_threads_may_wait_more() -> None:
    forest, network = Job(), Job()
    assert not any(forest.second(1.65, 9200, running=4) for _ in range(5))
    assert any(network.second(1.7, 25000, running=4) for _ in range(5))


def test_one_trial_one_core_and_a_system_that_does_not_tell_are_never_blamed() -> None:
    single, core, mute = Job(), Job(cores=1), Job()
    assert not any(single.second(1.7, 6000, running=1) for _ in range(5))
    assert not any(core.second(1.7, 6000) for _ in range(5))
    mute.use = None
    assert not any(mute.watch.sample(2) for _ in range(5))


def test_a_time_with_one_trial_is_not_counted_as_time_with_two() -> None:
    job = Job()
    assert not any(job.second(1.7, 6000) for _ in range(2))
    job.second(1.7, 6000, running=1)
    assert [job.second(1.7, 6000) for _ in range(4)] == [False, False, False, True]


# On cores that others keep busy it does not show. So it goes before them, where it may: as a process, and as
# a session, by which Linux shares out the cores first. And it looks for short times: there are moments
# without them, if no seconds.
WATCH = """
import contextlib, json, os, pathlib, sys, threading, time
with contextlib.suppress(OSError):
    os.nice(-20)
    pathlib.Path("/proc/self/autogroup").write_text("-20")
from astraml_lab.clock import SystemClock
from astraml_lab.devices import ProcessTuning, ThreadContention

def loop():
    while not stop.is_set():
        sum(range(1000))

def doze():
    while not stop.is_set():
        time.sleep(0.001)

def network():
    import torch
    from torch.nn.functional import cross_entropy
    x, y = torch.randn(64, 64), torch.randint(0, 10, (64,))
    net = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
    optimizer = torch.optim.Adam(net.parameters())
    while not stop.is_set():
        optimizer.zero_grad()
        cross_entropy(net(x), y).backward()
        optimizer.step()

def matrices():
    import torch
    a = torch.randn(1500, 1500)
    while not stop.is_set():
        a @ a

kind, seconds = sys.argv[1], float(sys.argv[2])
if kind in ("network", "matrices"):
    import torch
stop = threading.Event()
ProcessTuning().start(1)
pair = [threading.Thread(target=globals()[kind]) for _ in range(2)]
for thread in pair:
    thread.start()
watch, until, clear = ThreadContention(SystemClock(), cores=2), time.monotonic() + seconds, False
while not clear and time.monotonic() < until:
    clear = watch.sample(2)
    time.sleep(0.25)
stop.set()
for thread in pair:
    thread.join()
print(json.dumps(clear), flush=True)
"""


def watched(kind: str, seconds: float) -> bool:
    command = [sys.executable, "-c", WATCH, kind, str(seconds)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=seconds + 120, start_new_session=True
    )
    return bool(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["loop", "network"])
def test_threads_that_pass_the_gil_around_are_noticed(kind: str) -> None:
    assert watched(kind, 600), "a second or two on a quiet machine, minutes on a busy one"


@pytest.mark.parametrize("kind", ["doze", "matrices"])
def test_threads_that_sleep_or_compute_long_are_not(kind: str) -> None:
    assert not watched(kind, 3)


def test_a_look_costs_next_to_nothing() -> None:
    import timeit

    assert read_use() is not None
    assert min(timeit.repeat(read_use, number=20, repeat=5)) / 20 < 0.001
