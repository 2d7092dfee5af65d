"""Several processes serve one store: each tick runs once, also where one dies between claim and job."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from sqlalchemy import text

from astraml_lab.spec import TickState
from astraml_lab.store import Store

TESTS = str(Path(__file__).parents[1])
HOUR = 3600.0
NOON = 1_800_000_000.0
SERVE = """
import sys, time
sys.path.insert(0, {tests!r})
from pathlib import Path
from plugins.jobs import Bench
from astraml_lab.clock import FakeClock
from astraml_lab.jobs.scheduling import Scheduler

bench, clock = Bench(Path(sys.argv[1])), FakeClock({noon})
wait = sys.argv[2] == "hang"

def train(trial):
    trial.report(score=1.0)

def prepare(record):
    def go(name, run):
        if wait:
            print("claimed", flush=True)
            time.sleep(600)
        return bench.launch(train, name=name, project=record.project, trials=1)
    return go

served = Scheduler(bench.manager, clock, prepare)
print("ready", flush=True)
sys.stdin.readline()
for _ in range({turns}):
    clock.advance({hour})
    served.turn()
for job in served.started:
    job.wait(120)
print(len(served.started), flush=True)
bench.close()
"""


def process(home: Path, how: str, turns: int) -> subprocess.Popen[str]:
    code = SERVE.format(tests=TESTS, noon=NOON, hour=HOUR, turns=turns)
    return subprocess.Popen(
        [sys.executable, "-c", code, str(home), how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def say(child: subprocess.Popen[str], word: str) -> None:
    assert child.stdin is not None
    child.stdin.write(f"{word}\n")
    child.stdin.flush()


def heard(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def add(home: Path, **rule: str | float) -> int:
    with Store(home) as store:
        request = {"schedule": {"cron": "0 * * * *", **rule}}
        made = store.schedules.add("default", "nightly", request=request)
        with store.begin() as connection:
            connection.execute(text("UPDATE schedules SET since = :noon"), {"noon": NOON})
    return made.id


def test_two_processes_that_race_for_every_tick_run_each_once(tmp_path: Path) -> None:
    turns = 20
    # their clocks go apart by hours: nothing counts as missed, so that each tick is still its own run
    schedule = add(tmp_path, overlap="allow", misfire_grace_s=2 * turns * HOUR)
    children = [process(tmp_path, "run", turns) for _ in range(2)]
    assert [heard(child) for child in children] == ["ready"] * 2
    for child in children:
        say(child, "go")
    started = [int(heard(child)) for child in children]
    for child in children:
        child.communicate(timeout=120)
    with Store(tmp_path) as store:
        ticks = store.schedules.ticks(schedule)
        jobs = store.list_jobs()
    assert Counter(tick.state for tick in ticks) == {TickState.STARTED: turns}
    assert len({tick.planned_at for tick in ticks}) == len(jobs) == sum(started) == turns
    assert {job.number for job in jobs} == {1}


def test_a_tick_whose_process_is_killed_before_its_job_is_run_once_by_the_next(tmp_path: Path) -> None:
    schedule = add(tmp_path)
    first = process(tmp_path, "hang", 1)
    assert heard(first) == "ready"
    say(first, "go")
    assert heard(first) == "claimed"
    with Store(tmp_path) as store:
        assert [tick.state for tick in store.schedules.ticks(schedule)] == [TickState.CLAIMED]
    os.kill(first.pid, signal.SIGKILL)
    first.communicate(timeout=120)

    later = [process(tmp_path, "run", 1) for _ in range(2)]
    assert [heard(child) for child in later] == ["ready"] * 2
    for child in later:
        say(child, "go")
    assert sorted(heard(child) for child in later) == ["0", "1"]
    for child in later:
        child.communicate(timeout=120)
    with Store(tmp_path) as store:
        assert [tick.state for tick in store.schedules.ticks(schedule)] == [TickState.STARTED]
        assert len(store.list_jobs()) == 1
