"""Two kernels, four jobs, one store: both pause, resume, stop and ask for points in all of them at random."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from astraml_lab.jobs.stored import StoredReader
from astraml_lab.spec import JobState, TrialState
from astraml_lab.store import Store

if TYPE_CHECKING:
    from astraml_lab.spec import TrialView

pytestmark = pytest.mark.slow

SECONDS = float(os.environ.get("ASTRAML_TEST_STRESS", "20"))
KERNELS = {
    "a": {"a-threads": (150, "threads"), "a-more": (150, "threads")},
    "b": {"b-threads": (150, "threads"), "b-processes": (60, "processes")},
}
CHILD = """
import collections, json, random, sys, threading, time
sys.path.insert(0, {tests!r})
from pathlib import Path
from plugins.jobs import Bench
from astraml_lab.errors import Conflict, NotFound
from astraml_lab.spec import JobState, TrialState

mine, everybody = {mine!r}, {everybody!r}
bench, chance = Bench(Path({home!r})), random.Random({seed})
deeds, troubles = collections.Counter(), []

def train(trial):
    for step in range(4):
        time.sleep(0.02)
        print("step", step)
        trial.report(score=trial.params["x"] * step, loss=step)

def start(name):
    trials, executor = mine[name]
    return bench.launch(
        train, name=name, trials=trials, executor=executor, parallel=2, prune="off", retries=3, seed=None
    )

def deed(name):
    job = bench.manager.find(name)
    state = job.state
    if state.ended:
        return "look"
    what = chance.choices(["pause", "resume", "enqueue", "stop", "stop trial", "look"], [4, 8, 6, 1, 2, 8])[0]
    if what == "pause":
        job.pause()
    elif what == "resume" and state is JobState.PAUSED:
        job.resume()
    elif what == "enqueue" and job.view().finished < job.view().trials / 2:  # later on the budget would grow
        job.enqueue({{"x": chance.random()}})
    elif what == "stop":
        job.stop()
    elif what == "stop trial":
        job.stop_trial(max(job.trials, default=0))
    else:
        what = "look"
        views = [job.view() for job in bench.manager.jobs()]
        troubles.extend(view.reason for view in views if "locked" in view.reason)
    return what

def interfere(until):
    while time.monotonic() < until:
        time.sleep(chance.uniform(0, 0.1))
        try:
            deeds[deed(chance.choice(everybody))] += 1
        except (Conflict, NotFound) as refused:
            deeds["refused"] += 1
        except BaseException as error:
            troubles.append(f"{{type(error).__name__}}: {{error}}")

def keep_going(until):
    while True:
        jobs = [bench.manager.find(name) for name in mine]
        for job in jobs:
            state = job.state
            if state is JobState.CANCELLED:
                start(job.name)
                deeds["taken up again"] += 1
            elif state is JobState.PAUSED and time.monotonic() > until:
                job.resume()
        if all(job.state is JobState.SUCCEEDED for job in jobs):
            return
        if time.monotonic() > until + 120:
            troubles.append(f"still {{jobs}}")
            return
        time.sleep(0.2)

for name in mine:
    start(name)
until = time.monotonic() + {seconds}
others = [threading.Thread(target=interfere, args=(until,)) for _ in range(2)]
for each in others:
    each.start()
keep_going(until)
for each in others:
    each.join()
reasons = [job.view().reason for job in bench.manager.jobs()]
bench.close()
print("|" + json.dumps([deeds, troubles]), flush=True)
"""


def begin(home: Path, name: str) -> subprocess.Popen[str]:
    script = CHILD.format(
        tests=str(Path(__file__).parents[1]),
        home=str(home),
        mine=KERNELS[name],
        everybody=[job for jobs in KERNELS.values() for job in jobs],
        seed=ord(name),
        seconds=SECONDS,
    )
    return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)


def counted(trials: tuple[TrialView, ...]) -> int:
    return sum(trial.state.counts for trial in trials)


def test_nobody_hears_of_a_lock_and_every_budget_is_exact(home: Path) -> None:
    children = {name: begin(home, name) for name in KERNELS}
    said = {name: child.communicate(timeout=280)[0] for name, child in children.items()}
    store = Store(home)
    for name, text in said.items():
        deeds, troubles = json.loads(text.partition("|")[2])
        print(f"kernel {name}: {deeds}")  # noqa: T201 - what it did
        assert troubles == []
    for name, (budget, _) in {n: j for jobs in KERNELS.values() for n, j in jobs.items()}.items():
        found = store.load_job("default", name)
        assert found is not None
        trials = store.load_trials(found.id)
        print(f"{name}: {dict(Counter(trial.state.value for trial in trials))}")  # noqa: T201 - the counts
        assert found.state is JobState.SUCCEEDED, StoredReader(store, found).view().reason
        assert counted(trials) == budget
        assert [trial.number for trial in trials] == list(range(len(trials)))
        assert all(
            trial.values == (3 * float(trial.params["x"] or 0),)
            for trial in trials
            if trial.state is TrialState.COMPLETE
        )
        assert {trial.state for trial in trials} <= {TrialState.COMPLETE, TrialState.STOPPED}
    store.close()
