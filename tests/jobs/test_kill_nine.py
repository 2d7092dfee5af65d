"""A trial that somebody saw as finished survives `kill -9` at any moment, and the job goes on."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from astraml_lab.jobs.planning import make_plan
from astraml_lab.spec import JobState

if TYPE_CHECKING:
    from plugins.jobs import Bench

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("ASTRAML_TEST_KILLS", "3"))
TRIALS = 60
CHILD = """
import os, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from plugins.jobs import Bench

def train(trial):
    for step in range(20):
        trial.report(score=trial.params["x"] * step, loss=step)
    return trial.params["x"]

job = Bench(Path({home!r})).launch(train, name="killed", trials={trials}, parallel=2)
seen, cursor = set(), 0
while not job.state.ended:
    cursor, changed = job.reader.trials(cursor)
    for view in changed:
        if view.state.ended and view.number not in seen:
            seen.add(view.number)
            os.write(1, f"{{view.number}} {{view.state}} {{view.values}}\\n".encode())
"""


@pytest.mark.parametrize("seed", range(KILLS))
def test_what_was_seen_as_finished_is_in_the_store(bench: Bench, home: Path, seed: int) -> None:
    tests = str(Path(__file__).parents[1])
    script = CHILD.format(tests=tests, home=str(home), trials=TRIALS)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        seen = [child.stdout.readline()]
        time.sleep(random.Random(seed).uniform(0, 0.6))  # noqa: S311 - the moment of the kill varies
        child.send_signal(signal.SIGKILL)
        seen += child.stdout.read().splitlines(keepends=True)
    told = {int(line.split()[0]): line.strip() for line in seen if line.endswith("\n")}

    job = bench.manager.find("killed")
    stored = {n: f"{n} {trial.state} {trial.values}" for n, trial in job.trials.items()}
    assert told
    assert {number: stored[number] for number in told} == told

    found = bench.store.load_job("default", "killed")
    assert found is not None
    spec, code = bench.prepare(lambda x: x, name="killed", trials=TRIALS, parallel=2)
    went_on = bench.manager._resume(found, make_plan(spec, code, bench.pool)).wait(120)
    assert went_on.state is JobState.SUCCEEDED
    assert went_on.view().finished == TRIALS
    after = {n: f"{n} {trial.state} {trial.values}" for n, trial in went_on.trials.items()}
    assert {number: after[number] for number in told} == told
    assert sorted(after) == list(range(len(after)))
