"""One bad trial can hurt nothing but itself: each kind, in threads and in processes, with what is said of it.

`pytest -s -k quoted` on this file prints the table.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import textwrap
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, get_args

import pytest
from jobs.bad_trials import (
    ALONE,
    CROWD,
    FUNCTIONS,
    KILL_GRACE,
    NOT_RUN,
    ROWS,
    SLOW,
    STOP_GRACE,
    TIMEOUT,
    Row,
    Where,
    as_markdown,
)
from plugins.jobs import Bench
from plugins.patience import gone

from astraml_lab.errors import InvalidSpec
from astraml_lab.lab import build_spec
from astraml_lab.objectives import CellCode, parse_cell
from astraml_lab.spec import Float, JobState, TrialState, objectives_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from astraml_lab.jobs import Job
    from astraml_lab.spec import TrialView
    from astraml_lab.trial import Trial

    Probe = Callable[[Job, int], str]

STOP, KILL = 5.0, 5.0
FILE = "<tune bad>"
"""What tracebacks call the cell."""


class Forever:
    """Waits until the test lets go; in a process, which nobody lets go, for ever."""

    def __init__(self) -> None:
        self.over = threading.Event()

    def __call__(self, timeout: float | None = None) -> None:
        self.over.wait(timeout)

    def __reduce__(self) -> tuple[Any, ...]:
        def wait(timeout: float | None = None) -> None:
            import threading

            threading.Event().wait(timeout)

        return (lambda: wait), ()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One bench for all jobs here: the servers of processes start once."""
    made = Bench(tmp_path_factory.mktemp("home"))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def short_graces(monkeypatch: pytest.MonkeyPatch) -> None:
    _shorten(monkeypatch)


def _shorten(monkeypatch: pytest.MonkeyPatch) -> None:
    flights = sys.modules["astraml_lab.jobs.flights"]
    monkeypatch.setattr(flights, "STOP_GRACE", STOP)
    monkeypatch.setattr(flights, "KILL_GRACE", KILL)


def parts_of(rows: Sequence[Row]) -> str:
    """Return code whose trial 2k + 1 misbehaves as row k says; the others say what they see of it."""
    lines = []
    for index, row in enumerate(rows):
        lines.append(f"{'elif' if index else 'if'} trial.number == {2 * index + 1}:")
        lines += textwrap.indent(textwrap.dedent(row.code).strip(), "    ").split("\n")
    lines += [
        "else:",
        "    import os",
        "    print('astray' if 'ASTRAY' in os.environ else 'clean', os.getcwd())",
    ]
    return "\n".join([*lines, "    report(score=0.5)"])


@contextmanager
def launched(stage: Bench, rows: Sequence[Row], where: Where, **options: Any) -> Iterator[Job]:
    """Run the rows as one cell."""
    forever = Forever()
    names = {"Float": Float, "forever": forever}
    cell = parse_cell("x = Float(0.0, 1.0)\n" + parts_of(rows), names, filename=FILE)
    given = {"trials": 2 * len(rows) + 1, "seed": 0, "prune": "off", "name": "bad", "new": True, **options}
    spec = build_spec(cell.space, objectives_of("score"), {**given, "executor": where})
    job = stage.manager.launch(spec, CellCode(cell, names, job="bad"), attended=True)
    try:
        yield job
    finally:
        forever.over.set()
        job.stop().wait(120)
        for thread in threading.enumerate():
            if thread.name.startswith("bad trial"):
                thread.join(120)


def run(rows: Sequence[Row], where: Where) -> list[Row]:
    """Return those that can be run there."""
    return [row for row in rows if not row.expected(where).startswith("(")]


def seen(view: TrialView) -> str:
    """Say what a person sees of a trial's end."""
    kind = ""
    if view.kind is not None:
        kind = f" ({view.kind})" if view.kind.is_failure else f" ({view.kind}, no failure)"
    reason = f": {view.reason}" if view.reason else ""
    return " · ".join([f"{view.state}{kind}{reason}", *view.notes])


def shortened(row: Row, where: Where) -> str:
    return row.expected(where).replace(STOP_GRACE, f"{STOP:g}").replace(KILL_GRACE, f"{KILL:g}")


def assert_the_others_finished(job: Job) -> None:
    for number in range(0, job.spec.trials, 2):
        assert job.trials[number].state is TrialState.COMPLETE, job.trials[number].view()


# many in one job


class Ran:
    """The job of all rows of `CROWD`, at its end."""

    def __init__(self, job: Job, where: Where) -> None:
        self.job = job
        self.where = where
        self.rows = run(CROWD, where)
        self.said = {}
        for index, row in enumerate(self.rows):
            number = 2 * index + 1
            probe = PROBES.get(row.name)
            more = [probe(job, number)] if probe else []
            self.said[row.name] = " · ".join([seen(job.trials[number].view()), *more])


@pytest.fixture(scope="module", params=get_args(Where))
def ran(stage: Bench, request: pytest.FixtureRequest) -> Iterator[Ran]:
    where: Where = request.param
    folder, environment = os.getcwd(), dict(os.environ)  # noqa: PTH109 - restored below, as it was
    with launched(stage, run(CROWD, where), where, parallel=2) as job:
        job.wait(120)
        try:
            yield Ran(job, where)
        finally:
            os.chdir(folder)
            os.environ.clear()
            os.environ.update(environment)


@pytest.mark.parametrize("row", CROWD, ids=lambda row: row.name)
def test_a_bad_trial_says_what_was_wrong(ran: Ran, row: Row) -> None:
    expected = row.expected(ran.where)
    if expected.startswith("("):  # it would end the kernel, and this test with it
        assert row.name not in ran.said
    else:
        assert ran.said[row.name] == expected


def test_the_trials_in_between_finish_and_so_does_the_job(ran: Ran) -> None:
    assert_the_others_finished(ran.job)
    assert ran.job.state is JobState.SUCCEEDED
    assert ran.job.view().reason == "all trials are done"
    assert ran.job.view().finished == 2 * len(ran.rows) + 1


def test_a_traceback_points_at_the_line_of_the_cell(ran: Ran) -> None:
    """Line 1 is the magic line, line 2 the dimension."""
    text = parts_of(ran.rows).split("\n")
    pointed = 0
    for index, row in enumerate(ran.rows):
        number = 2 * index + 1
        view = ran.job.trials[number].view()
        if not view.traceback:
            continue
        begins = next(at for at, line in enumerate(text, 3) if line.endswith(f"trial.number == {number}:"))
        block = range(begins + 1, begins + 2 + textwrap.dedent(row.code).strip().count("\n"))
        lines = [int(line) for line in re.findall(rf'File "{FILE}", line (\d+)', view.traceback)]
        assert lines, row.name
        assert set(lines) <= set(block), row.name
        assert "astraml_lab" not in view.traceback.replace(FILE, "")
        pointed += 1
    assert pointed > len(ran.rows) / 2


def test_what_was_printed_before_the_end_is_in_the_log_with_the_traceback(ran: Ran) -> None:
    number = 2 * [row.name for row in ran.rows].index("an exception") + 1
    assert ran.job.trials[number].log.tail().endswith("KeyError: 'no such layer'")


def _log_of_the_flood(job: Job, number: int) -> str:
    path = job.trials[number].log.path
    with path.open("rb") as file:
        file.seek(19_000_000)
        end = file.read().decode()
    assert path.stat().st_size < 25_000_000
    (said,) = re.findall(r"\[[\d,]+ lines left out\]", end)
    assert end.partition(said)[2].count("\n") == 501  # the note's own line
    return "its log keeps the first 20 MB and the last 500 lines, with a line that says so"


def _stray_thread(_job: Job, _number: int) -> str:
    alive = any(thread.name == "astray" for thread in threading.enumerate())
    return "its thread goes on in the kernel" if alive else "its thread ended with its process"


def _stray_subprocess(job: Job, number: int) -> str:
    pid = int(job.trials[number].log.tail())
    if gone(pid):
        return "its subprocess was killed"
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return "its subprocess goes on"


def _stray_environment(job: Job, _number: int) -> str:
    words, _, folder = job.trials[job.spec.trials - 1].log.tail().partition(" ")
    assert (words == "astray") == (folder == "/")
    return "later trials see it" if words == "astray" else "no other trial sees it"


PROBES: dict[str, Probe] = {
    "100 MB of prints": _log_of_the_flood,
    "a thread that never ends": _stray_thread,
    "a subprocess left behind": _stray_subprocess,
    "changes `os.environ` and the working folder": _stray_environment,
}


# a few at a time


@pytest.mark.parametrize("where", get_args(Where))
def test_a_function_that_returns_something_odd_says_what_is_allowed(stage: Bench, where: Where) -> None:
    body = textwrap.indent(parts_of(FUNCTIONS).replace("report(", "trial.report("), "    ")
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(f"def train(trial):\n{body}", names)  # noqa: S102 - as a notebook does
    trials = 2 * len(FUNCTIONS) + 1
    job = stage.run(names["train"], trials=trials, executor=where, prune="off", parallel=2)
    for index, row in enumerate(FUNCTIONS):
        said = re.sub(r" at 0x[^;]*", "", seen(job.trials[2 * index + 1].view()))
        assert said == row.expected(where)
    assert_the_others_finished(job)


@pytest.mark.parametrize("where", get_args(Where))
def test_a_trial_over_its_time_ends_one_way_or_another(stage: Bench, where: Where) -> None:
    rows = run(SLOW, where)
    with launched(stage, rows, where, parallel=2, trial_timeout=TIMEOUT) as job:
        job.wait(120)
        said = {row.name: seen(job.trials[2 * index + 1].view()) for index, row in enumerate(rows)}
        assert said == {row.name: shortened(row, where) for row in rows}
        assert_the_others_finished(job)
        assert job.state is JobState.SUCCEEDED


@pytest.mark.parametrize("where", get_args(Where))
@pytest.mark.parametrize("row", ALONE, ids=lambda row: row.name)
def test_what_a_trial_does_to_its_job(stage: Bench, row: Row, where: Where) -> None:
    timeout = {"trial_timeout": TIMEOUT} if "timeout" in row.threads else {}
    with launched(stage, [row], where, parallel=1, **timeout) as job:
        while not (view := job.wait(0.1).view()).state.ended and view.state is not JobState.PAUSED:
            pass
        good = view.state is JobState.SUCCEEDED
        more = [] if good else [f"the job is {view.state}: {view.reason}"]
        assert " · ".join([seen(job.trials[1].view()), *more]) == shortened(row, where)
        assert job.trials[0].state is TrialState.COMPLETE
        if good:
            assert_the_others_finished(job)
        else:
            job.stop().wait(120)
            apart = stage.run(lambda x: x, trials=2, executor="processes")
            assert apart.state is JobState.SUCCEEDED  # whatever happened to the threads


def test_where_cuda_broke_in_the_kernel_processes_still_have_their_gpus(gpu_bench: Bench) -> None:
    def train(trial: Trial) -> float:
        if trial.number == 1 and trial.devices:
            raise RuntimeError("CUDA error: device-side assert triggered")
        return 0.5

    broken = gpu_bench.run(train, trials=5, parallel=1)
    assert (broken.state, len(broken.trials)) == (JobState.FAILED, 2)
    with pytest.raises(InvalidSpec) as refused:
        gpu_bench.launch(train, trials=2)
    assert str(refused.value.problems[0]) == (
        "gpus is 1; CUDA is broken in this kernel: restart it, or use --executor processes"
    )
    apart = gpu_bench.run(train, trials=4, parallel=1, executor="processes")
    assert apart.state is JobState.SUCCEEDED
    assert [trial.state for trial in apart.trials.values()].count(TrialState.COMPLETE) == 3
    assert gpu_bench.run(train, trials=2, gpus=0).state is JobState.SUCCEEDED


def test_the_table_can_be_quoted() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert all(row.processes for row in ROWS if row.threads in NOT_RUN)
    print("\n" + as_markdown(30, 5))  # noqa: T201 - for those who quote it
