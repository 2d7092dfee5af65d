"""One job, many kernels: each is killed with SIGKILL at a random moment, and nothing is lost."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from plugins.kernel import Kernel

from astraml_lab.jobs.stored import StoredReader
from astraml_lab.spec import FailureKind, JobState, TrialState
from astraml_lab.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from astraml_lab.spec import TrialView

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

KILLS = int(os.environ.get("ASTRAML_TEST_KILLS", "6"))
TRIALS = 6 * KILLS + 10
STEPS = 5
STARTING = 0.2
"""The part of the kills that come at any moment after the cell was sent, the job there or not."""
SETUP = """
%load_ext astraml_lab
import threading
import astraml_lab as lab
from astraml_lab.errors import NotFound

folder = {folder!r}

def note(name, line):
    with open(f"{{folder}}/{{name}}", "ab", buffering=0) as file:
        file.write(line.encode() + b"\\n")

def watch():
    known, cursor = set(), 0
    while True:
        try:
            job = lab.job("killed")
        except NotFound:
            continue
        cursor, changed = job.reader.trials(cursor)
        for view in changed:
            if view.state.ended and view.number not in known:
                known.add(view.number)
                note("shown", f"{{view.number}}|{{view.state}}|{{view.values}}|{{view.params['x']!r}}")

def begins(number, x, first):
    note("started", f"{{number}}|{{x!r}}|{{first}}")

threading.Thread(target=watch, daemon=True).start()
"""
CELL = """%%tune --maximize score --trials {trials} --parallel 2 --name killed --seed 1 --prune off
x = Float(0.0, 1.0)

import time
saved = trial.checkpoint_dir / "step"
first = int(saved.read_text()) if saved.exists() else 0
begins(trial.number, x, first)
for step in range(min(first + 1, {steps}), {steps} + 1):  # killed after its last save: that step once more
    time.sleep(0.06)
    report(score=x * step, step=step)
    if trial.number % 2 == 0:
        half = saved.with_suffix(".half")
        half.write_text(str(step))
        half.replace(saved)
"""


@dataclass
class Evidence:
    """What was seen from outside and inside while the kernels died."""

    shown: dict[int, str] = field(default_factory=dict)
    kills: int = 0
    mid_launch: int = 0


def view_words(view: TrialView) -> str:
    return f"{view.number}|{view.state}|{view.values}|{view.params['x']!r}"


def lines(path: Path) -> list[list[str]]:
    """Return the whole lines of a file: the last may have been cut by the kill."""
    text = path.read_text() if path.exists() else ""
    return [line.split("|") for line in text[: text.rfind("\n") + 1].splitlines()]


def live_and_die(home: Path, folder: Path, store: Store, chance: random.Random, evidence: Evidence) -> None:
    """Run the cell in a new kernel and kill that: mostly while trials run, at times while it starts."""
    kernel = Kernel(home)
    try:
        assert kernel.run(SETUP.format(folder=str(folder))).status == "ok"
        pid = kernel.pid
        client: Any = kernel.client
        client.execute(CELL.format(trials=TRIALS, steps=STEPS))
        if chance.random() < STARTING:
            time.sleep(chance.uniform(0, 3))
        else:
            wait_for_owner(store, pid)
            time.sleep(chance.uniform(0.5, 4))
        os.kill(pid, signal.SIGKILL)
        evidence.kills += 1
    finally:
        kernel.close()


def wait_for_owner(store: Store, pid: int) -> None:
    """Wait until a kernel has taken the job."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        found = store.load_job("default", "killed")
        if found is not None and found.lease is not None and found.lease.pid == pid:
            return
        time.sleep(0.02)
    raise AssertionError("the kernel did not start the job")


def watched(store: Store, evidence: Evidence) -> JobState | None:
    """Look at the job as another kernel does, and remember what it showed."""
    found = store.load_job("default", "killed")
    if found is None:
        evidence.mid_launch += 1
        return None
    reader = StoredReader(store, found)
    for view in reader.trials()[1]:
        if view.state.ended:
            evidence.shown.setdefault(view.number, view_words(view))
    return reader.view().state


def test_fifty_kernels_die_and_no_finished_trial_is_lost(home: Path, tmp_path: Path) -> None:
    chance = random.Random(7)  # noqa: S311 - the moments of the kills
    evidence = Evidence()
    store = Store(home)
    while evidence.kills < KILLS or not evidence.shown:  # on a busy machine a few lives may see no trial end
        live_and_die(home, tmp_path, store, chance, evidence)
        state = watched(store, evidence)
        assert state in {None, JobState.STALE}, f"{state} at once after the kill"

    kernel = Kernel(home)
    assert kernel.run(SETUP.format(folder=str(tmp_path))).status == "ok"
    assert kernel.run(CELL.format(trials=TRIALS, steps=STEPS)).status == "ok"
    assert kernel.run("lab.job('killed').wait(600)", timeout=620).status == "ok"
    kernel.close()

    found = store.load_job("default", "killed")
    assert found is not None
    assert found.number == 1, found.note
    reader = StoredReader(store, found)
    views = {view.number: view for view in reader.trials()[1]}
    inside = {int(words[0]): "|".join(words) for words in lines(tmp_path / "shown")}
    starts: defaultdict[int, list[tuple[str, int]]] = defaultdict(list)
    for begun, x, first in lines(tmp_path / "started"):
        starts[int(begun)].append((x, int(first)))
    stale = [view for view in views.values() if view.kind is FailureKind.STALE]
    states = Counter(view.state for view in views.values())
    again = [number for number, each in starts.items() if len(each) > 1]
    resumed = [number for number, each in starts.items() if any(first for _, first in each)]
    print(  # noqa: T201 - the counts are what this test is run for
        f"\n{evidence.kills} kills ({evidence.mid_launch} before the job was there), {len(views)} trials: "
        f"{dict(states)}; shown as finished inside {len(inside)}, outside {len(evidence.shown)}; "
        f"{len(again)} began again, {len(resumed)} of them from a checkpoint, {len(stale)} given up as stale"
    )

    assert inside
    # every trial that was ever shown as finished is there with its values
    for ended, words in {**inside, **evidence.shown}.items():
        assert view_words(views[ended]) == words
    # the budget is exact, none is there twice, none is missing
    assert reader.view().state is JobState.SUCCEEDED
    assert sum(count for state, count in states.items() if state.counts) == TRIALS
    assert sorted(views) == list(range(TRIALS))
    # no parameters were tried twice but by the trial that was re-queued, which had the same again
    assert all(len({x for x, _ in each}) == 1 for each in starts.values())
    assert len({view.params["x"] for view in views.values()}) == len(views)
    assert all(len(each) <= views[number].attempt for number, each in starts.items())
    # values are those of the parameters, also after a checkpoint
    complete = [view for view in views.values() if view.state is TrialState.COMPLETE]
    assert all(view.values == (float(view.params["x"] or 0) * STEPS,) for view in complete)
    # a trial with a checkpoint goes on however often its kernel dies
    folders = [store.files.trial("default", "killed", 1, view.number) / "checkpoint" for view in stale]
    assert not [path for folder in folders for path in folder.glob("step")]
    assert len(complete) + len(stale) == TRIALS
