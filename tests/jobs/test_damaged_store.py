"""A store that is damaged while no kernel runs, and under one: what is recovered, said, and goes on."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from plugins.jobs import Bench
from plugins.patience import until

from astraml_lab.errors import StoreUnavailable
from astraml_lab.jobs.planning import make_plan
from astraml_lab.spec import JobState, TrialState
from astraml_lab.store.trials import DAMAGED

if TYPE_CHECKING:
    from collections.abc import Callable

    from astraml_lab.jobs import Job
    from astraml_lab.spec import TrialView
    from astraml_lab.trial import Trial

PAGE = 4096
TRIALS = {"done": 12, "cut": 24, "other": 6}
CUT_AT = 12
CHILD = """
import os, sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from plugins.jobs import Bench

def train(trial):
    if trial.number >= {cut_at}:
        time.sleep(100)
    trial.report(score=trial.params["x"], loss=1.0)

bench = Bench(Path({home!r}))
bench.run(train, name="done", trials={done})
bench.run(train, name="other", project="vision", trials={other})
job = bench.launch(train, name="cut", trials={cut}, parallel=2)
while job.view().finished < {cut_at} or len(job.view().running) < 2:
    time.sleep(0.01)
assert bench.manager._writer.flush()
print("ready", flush=True)
time.sleep(100)
"""
Shown = dict[str, dict[int, "TrialView"]]


def train(trial: Trial) -> None:
    trial.report(score=trial.params["x"], loss=1.0)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a kernel leaves that was killed in the middle of its third job."""
    home = tmp_path_factory.mktemp("original") / "home"
    tests = str(Path(__file__).parents[1])
    script = CHILD.format(tests=tests, home=str(home), cut_at=CUT_AT, **TRIALS)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        child.send_signal(signal.SIGKILL)
    return home


@pytest.fixture(scope="module")
def shown(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """Every finished trial of it."""
    home = tmp_path_factory.mktemp("sound") / "home"
    shutil.copytree(original, home)
    bench = Bench(home)
    assert bench.manager.notices == ()
    found = finished(bench)
    bench.close()
    assert {name: len(each) for name, each in found.items()} == {**TRIALS, "cut": CUT_AT}
    return found


def finished(bench: Bench) -> Shown:
    """Return what is shown as a result: not what says of itself that it is damaged."""
    return {
        job.name: {view.number: view for view in job.reader.trials()[1] if is_result(view)}
        for job in bench.manager.jobs()
    }


def is_result(view: TrialView) -> bool:
    return view.state.ended and view.reason != DAMAGED


def cut(name: str, part: float, odd: int = 0) -> Callable[[Path], None]:
    def damage(home: Path) -> None:
        file = home / name
        os.truncate(file, int(file.stat().st_size * part) // PAGE * PAGE + odd)

    return damage


def flip(seed: int) -> Callable[[Path], None]:
    def damage(home: Path) -> None:
        # in the file, where a log would have newer pages
        with closing(sqlite3.connect(home / "lab.db")) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        chance = random.Random(seed)  # noqa: S311 - which bits
        content = bytearray((home / "lab.db").read_bytes())
        for page in chance.sample(range(len(content) // PAGE), 5):
            content[page * PAGE + chance.randrange(PAGE)] ^= 1 << chance.randrange(8)
        (home / "lab.db").write_bytes(content)

    return damage


def overwrite(name: str, size: int, *, zeros: bool = False) -> Callable[[Path], None]:
    def damage(home: Path) -> None:
        with (home / name).open("r+b") as file:
            size_here = min(size, (home / name).stat().st_size)
            file.write(bytes(size_here) if zeros else random.Random(0).randbytes(size_here))  # noqa: S311

    return damage


def remove(name: str) -> Callable[[Path], None]:
    return lambda home: (home / name).unlink()


DAMAGES: dict[str, Callable[[Path], None]] = {
    "the file cut at 1/4": cut("lab.db", 0.25),
    "the file cut at 1/2": cut("lab.db", 0.5),
    "the file cut at 3/4, in a page": cut("lab.db", 0.75, odd=100),
    "the file emptied": cut("lab.db", 0),
    **{f"a bit in each of 5 pages ({seed})": flip(seed) for seed in range(5)},
    "the first page zeroed": overwrite("lab.db", PAGE, zeros=True),
    "all of the file zeroed": overwrite("lab.db", 2**30, zeros=True),
    "the log deleted": remove("lab.db-wal"),
    "the log's beginning overwritten": overwrite("lab.db-wal", 3000),
    "the log overwritten": overwrite("lab.db-wal", 2**30),
    "the log cut at 1/2": cut("lab.db-wal", 0.5),
    "the log's index deleted": remove("lab.db-shm"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_what_is_recovered_is_as_it_was_and_the_job_goes_on(
    original: Path, shown: Shown, tmp_path: Path, name: str
) -> None:
    home = tmp_path / "damaged"
    shutil.copytree(original, home)
    DAMAGES[name](home)

    bench = Bench(home)
    found = finished(bench)
    said = " ".join(bench.manager.notices)
    lost = {job: len(trials) - len(found.get(job, {})) for job, trials in shown.items() if job in found} | {
        job: len(trials) for job, trials in shown.items() if job not in found
    }
    elsewhere = {job: len(trials) for job, trials in found.items() if job not in shown}
    went_on = go_on(bench, "cut") if "cut" in found else None
    ended = "" if went_on is None else f"; cut went on to {went_on.view().finished} of {TRIALS['cut']}"
    kept = sum(map(len, found.values()))
    print(  # noqa: T201 - the table that this test is for
        f"{name} | {kept} of {sum(map(len, shown.values()))} finished trials"
        f"{f', without their names: {elsewhere}' if elsewhere else ''}{ended} | {said or 'nothing'}"
    )

    # nothing that is shown is not so
    for job, trials in found.items():
        was = shown.get(job)
        for number, view in trials.items():
            if was is not None:
                assert (view.state, view.values, view.params) == (
                    was[number].state,
                    was[number].values,
                    was[number].params,
                )
            else:
                assert any(view.values == each[number].values for each in shown.values() if number in each)
    # what was lost is said
    if any(lost.values()) and kept < sum(map(len, shown.values())):
        assert said.startswith("the store was damaged:")
        assert "lost: " in said or "0 of 0 jobs" in said or " of " in said
    # the job that was cut off goes on, and is as large as it was to be
    if went_on is not None:
        assert went_on.state is JobState.SUCCEEDED
        assert went_on.view().finished == TRIALS["cut"]
        after = {n: t.values for n, t in went_on.trials.items()}
        assert {n: after[n] for n in found["cut"]} == {n: v.values for n, v in found["cut"].items()}
        assert len({t.params["x"] for t in went_on.trials.values() if t.state is TrialState.COMPLETE}) == sum(
            t.state is TrialState.COMPLETE for t in went_on.trials.values()
        )
    bench.close()
    again = Bench(home)
    assert again.manager.notices == ()
    assert all(len(finished(again)[job]) >= len(trials) for job, trials in found.items())
    again.close()


def go_on(bench: Bench, name: str) -> Job | None:
    """Resume a job that lost its kernel, if enough of it is left."""
    found = bench.store.load_job("default", name)
    assert found is not None
    if found.state is not JobState.STALE:
        return None
    spec, code = bench.prepare(train, name=name, trials=TRIALS[name], parallel=2)
    return bench.manager._resume(found, make_plan(spec, code, bench.pool)).wait(120)


def test_a_search_that_cannot_be_read_is_nobodys_and_goes_on_once_it_was_mended(
    original: Path, tmp_path: Path
) -> None:
    home = tmp_path / "damaged"
    shutil.copytree(original, home)
    bench = Bench(home)
    with closing(sqlite3.connect(home / "lab.db")) as connection, connection:
        connection.execute(
            "UPDATE journal SET entries = replace(entries, 'state', 'stale') WHERE position > 30"
        )
    with pytest.raises(StoreUnavailable) as caught:
        go_on(bench, "cut")
    assert str(caught.value) == (
        "cannot read what the search has learned: a row is damaged; restart the kernel: the store mends "
        "itself when it is opened, finished trials are kept"
    )
    assert bench.manager.find("cut").state is JobState.STALE
    bench.close()

    mended = Bench(home)
    assert "journal rows" in mended.manager.notices[0]
    job = go_on(mended, "cut")
    assert job is not None
    assert (job.state, job.view().finished) == (JobState.SUCCEEDED, TRIALS["cut"])
    assert "the search learned" in job.view().note
    mended.close()


UNDER_A_KERNEL: dict[str, Callable[[Path], None]] = {
    "the file cut at 1/2": cut("lab.db", 0.5),
    "the file emptied": cut("lab.db", 0),
    "all of the file zeroed": overwrite("lab.db", 2**30, zeros=True),
    "all of the file overwritten": overwrite("lab.db", 2**30),
    "the log emptied": cut("lab.db-wal", 0),
    "the log overwritten": overwrite("lab.db-wal", 2**30),
}


@pytest.mark.parametrize("name", UNDER_A_KERNEL)
def test_damage_under_a_running_kernel_ends_nothing_and_makes_nothing_up(
    bench: Bench, home: Path, name: str
) -> None:

    gate = threading.Event()

    def slow(trial: Trial) -> None:
        trial.report(score=trial.params["x"], loss=1.0)
        if trial.number >= 6:
            assert gate.wait(120)

    bench.run(train, name="done", trials=6)
    job = bench.launch(slow, name="cut", trials=12, parallel=2, prune="off")
    pause = threading.Event()
    while job.view().finished < 6:
        pause.wait(0.01)
    UNDER_A_KERNEL[name](home)
    before = {n: t.values for n, t in job.trials.items() if t.state.ended}
    gate.set()
    pause.wait(3)  # what it does to the job shows within a look or two
    until(lambda: job.view().state in {JobState.SUCCEEDED, JobState.PAUSED})
    view = job.view()
    shown = {n: t.values for n, t in job.trials.items() if t.state.ended}
    assert before.items() <= shown.items()
    listed = "listed"
    try:
        bench.manager.jobs()
    except StoreUnavailable as error:
        listed = str(error)
        assert listed.endswith("finished trials are kept")
    bench.close()

    again = Bench(home)
    stored = {
        n: t.values
        for each in again.manager.jobs()
        if each.name == "cut" or each.name.startswith("recovered")
        for n, t in each.trials.items()
        if t.state is TrialState.COMPLETE and (each.name == "cut" or t.values == shown.get(n))
    }
    print(  # noqa: T201 - the table
        f"{name} | {view.state}, {len(shown)} shown, {len(stored.keys() & shown.keys())} of them stored | "
        f"{view.reason or 'nothing'} | {listed} | {' '.join(again.manager.notices) or 'nothing'}"
    )
    assert all(shown.get(n, values) == values for n, values in stored.items())
    if "log" not in name:
        assert stored.items() >= shown.items()
    again.close()
