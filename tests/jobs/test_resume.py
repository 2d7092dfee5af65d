"""A job goes on in a kernel that never ran its cell: from its stored text and the notebook's names."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from astraml_lab.errors import Conflict
from astraml_lab.jobs.planning import make_plan
from astraml_lab.lab import build_spec
from astraml_lab.objectives import CellCode, parse_cell
from astraml_lab.spec import Categorical, Float, JobState, objectives_of

if TYPE_CHECKING:
    from plugins.jobs import Bench

    from astraml_lab.jobs import Job
    from astraml_lab.trial import Trial

CELL = """
low = 0.25
x = Float(0.0, high)
report(score=x * helper(2))
"""


def helper(step: int) -> int:
    return step + 1


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Stand for the notebook: `notebook.setattr("__main__.name", …)` defines a name in it."""
    return monkeypatch


def define(notebook: pytest.MonkeyPatch, **names: object) -> None:
    for name, value in names.items():
        notebook.setattr(f"__main__.{name}", value, raising=False)


def left_behind(
    bench: Bench, source: str, names: dict[str, Any], name: str = "digits", **options: Any
) -> Job:
    """Return a job whose kernel died before its first trial."""
    cell = parse_cell(source, names)
    spec = build_spec(cell.space, objectives_of("score"), {"trials": 3, "seed": 0, "name": name, **options})
    plan = make_plan(spec, CellCode(cell, names, job=name), bench.pool)
    _, lease = bench.store.create_job("default", name, **plan.stored(), owner="a kernel that died")
    bench.store.release(lease)
    return bench.manager.find(name)


def test_a_cell_goes_on_from_its_text(bench: Bench, notebook: pytest.MonkeyPatch) -> None:
    job = left_behind(bench, CELL, {"helper": helper, "high": 1.0})
    assert job.state is JobState.STALE
    assert "%tune resume digits goes on" in job.view().reason
    define(notebook, helper=helper, high=1.0)

    assert job.resume() is job
    assert job.wait(120).state is JobState.SUCCEEDED
    assert job.view().finished == 3
    assert job.spec.definitions[0].program is not None
    assert set(job.spec.definitions[0].program.names) == {"helper", "high"}


def test_what_is_missing_is_named_with_what_to_type_then(bench: Bench, notebook: pytest.MonkeyPatch) -> None:
    job = left_behind(bench, CELL, {"helper": helper, "high": 1.0})
    with pytest.raises(Conflict) as caught:
        job.resume()
    assert str(caught.value) == (
        "first run the cells that define `helper`, `high`, then `%tune resume digits`: digits uses them"
    )
    define(notebook, high=1.0)
    with pytest.raises(Conflict, match="define `helper`, then"):
        job.resume()
    assert job.state is JobState.STALE


def test_what_has_changed_is_named_and_starts_no_generation(
    bench: Bench, notebook: pytest.MonkeyPatch
) -> None:
    job = left_behind(bench, CELL, {"helper": helper, "high": 1.0})
    define(notebook, helper=helper, high=2.0)
    with pytest.raises(
        Conflict, match=r"cannot go on as the same search: changed `high`\. Undo that, or run"
    ):
        job.resume()
    assert bench.manager.find("digits").generation == 1
    assert job.state is JobState.STALE


def test_the_space_is_the_stored_one(bench: Bench, notebook: pytest.MonkeyPatch) -> None:
    columns = frozenset({"a"})
    source = "c = Categorical(sorted(table.keys()))\nx = lab.Float(0, 1)\nreport(score=x)\n"
    names: dict[str, Any] = {"table": Table(columns), "lab": sys.modules["astraml_lab"]}
    job = left_behind(bench, source, names)
    define(notebook, table=Table(columns | {"b"}))  # `lab` is not even imported

    job.resume().wait(120)
    assert job.state is JobState.SUCCEEDED
    assert {trial.params["c"] for trial in job.trials.values()} == {"a"}


class Table:
    """Data, as far as a fingerprint can tell."""

    def __init__(self, columns: frozenset[str]) -> None:
        self._columns = columns

    def keys(self) -> frozenset[str]:
        return self._columns


def test_labels_mean_the_objects_of_this_kernel(bench: Bench, notebook: pytest.MonkeyPatch) -> None:
    source = 'act = Categorical({"up": up, "down": down})\nx = Float(0, 1)\nreport(score=act(x))\n'
    job = left_behind(bench, source, {"up": up, "down": down}, trials=6)
    define(notebook, up=up, down=down)

    job.resume().wait(120)
    assert job.state is JobState.SUCCEEDED, job
    for trial in job.trials.values():
        x = trial.params["x"]
        assert trial.params["act"] in {"up", "down"}
        assert trial.values == ((x,) if trial.params["act"] == "up" else (-float(str(x)),))


def up(x: float) -> float:
    return x


def down(x: float) -> float:
    return -x


def train(trial: Trial) -> float:
    return float(trial.number)


def test_a_function_is_found_by_its_name(bench: Bench, notebook: pytest.MonkeyPatch) -> None:
    job = stale_function(bench, train)
    with pytest.raises(
        Conflict, match=r"first run the cells that define `train`, then `%tune resume digits`"
    ):
        job.resume()
    define(notebook, train=down)
    with pytest.raises(Conflict, match=r"digits .*as the same search: changed"):
        job.resume()
    define(notebook, train=train)

    assert job.resume(4).wait(120).view().finished == 4


def test_what_cannot_be_found_by_its_name_says_so(bench: Bench) -> None:
    job = stale_function(bench, lambda x: x)
    with pytest.raises(Conflict, match=r"its function has no name\): run what launched it, and it goes on"):
        job.resume()
    labels = {"x": Float(0, 1), "act": Categorical({"up": up})}
    other = stale_function(bench, train_with, labels, name="objects")
    with pytest.raises(Conflict, match="`act` stands for objects"):
        other.resume()


def train_with(x: float, act: Any) -> float:
    return float(act(x))


def stale_function(bench: Bench, function: Any, space: Any = None, name: str = "digits") -> Job:
    spec, code = bench.prepare(function, space, name=name, trials=2)
    plan = make_plan(spec, code, bench.pool)
    _, lease = bench.store.create_job("default", name, **plan.stored(), owner="a kernel that died")
    bench.store.release(lease)
    return bench.manager.find(name)


def test_a_finished_job_says_how_to_get_more_of_it(bench: Bench, notebook: pytest.MonkeyPatch) -> None:
    define(notebook, train=train)
    job = bench.run(train, name="digits", trials=2)
    for trials in (None, 2):
        with pytest.raises(Conflict) as caught:
            job.resume(trials)
        assert str(caught.value) == (
            "digits is SUCCEEDED after 2 trials: all trials are done. "
            "`%tune resume digits --trials 12` runs more."
        )
    assert job.resume(3).wait(120).view().finished == 3


def test_a_stopped_job_goes_on_with_its_budget(bench: Bench, notebook: pytest.MonkeyPatch) -> None:
    go = threading.Event()

    def hold(trial: Trial) -> float:
        while trial.number == 1 and not go.wait(0.02):
            trial.report(score=0.0)
        return float(trial.number)

    define(notebook, hold=hold)
    job = bench.launch(hold, name="digits", trials=3)
    while 1 not in list(job.trials):
        go.wait(0.02)
    job.stop().wait(120)
    assert job.state is JobState.CANCELLED
    go.set()

    assert job.resume().wait(120).state is JobState.SUCCEEDED
    assert job.view().finished == 3


def test_a_running_job_that_is_resumed_goes_on(bench: Bench) -> None:
    go = threading.Event()

    def hold(x: float) -> float:
        go.wait(120)
        return x

    job = bench.launch(hold, name="digits", trials=1)
    assert job.resume(2).state is JobState.RUNNING
    go.set()
    assert job.wait(120).view().finished == 2


def test_a_stale_job_is_stopped_and_resumed_again(bench: Bench, notebook: pytest.MonkeyPatch) -> None:
    job = left_behind(bench, CELL, {"helper": helper, "high": 1.0})
    define(notebook, helper=helper, high=1.0)
    assert job.stop().state is JobState.CANCELLED
    assert job.resume().wait(120).state is JobState.SUCCEEDED


RACER = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from plugins.jobs import Bench
from astraml_lab.errors import Conflict

bench = Bench(Path({home!r}))
print("ready", flush=True)
for line in sys.stdin:
    job = bench.manager.find(line.strip())
    try:
        job.resume()
    except Conflict as error:
        print(f"lost {{error}}", flush=True)
    else:
        print("attached" if job.elsewhere else "won", flush=True)
"""
ROUNDS = int(os.environ.get("ASTRAML_TEST_ROUNDS", "4"))
HELD = """
import os, time
x = Float(0, 1)
while not os.path.exists({over!r}):
    time.sleep(0.01)
report(score=x)
"""


def test_of_two_kernels_that_take_a_job_over_one_wins(bench: Bench, home: Path, tmp_path: Path) -> None:
    names = [f"race{number}" for number in range(ROUNDS)]
    for name in names:
        left_behind(bench, HELD.format(over=str(tmp_path / name)), {}, name=name, trials=1)
    script = RACER.format(tests=str(Path(__file__).parents[1]), home=str(home))
    start = [sys.executable, "-c", script]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
    with subprocess.Popen(start, **pipes) as one, subprocess.Popen(start, **pipes) as two:
        kernels = [one, two]
        assert [said(kernel) for kernel in kernels] == ["ready", "ready"]
        results = []
        for name in names:
            for kernel in kernels:
                assert kernel.stdin is not None
                kernel.stdin.write(f"{name}\n")
            results.append([said(kernel) for kernel in kernels])
            (tmp_path / name).touch()  # not before both have asked: a job that has ended is nobody's to win
            assert bench.manager.find(name).wait(120).state is JobState.SUCCEEDED
        for kernel in kernels:
            kernel.kill()

    for result in results:
        winner = result.index("won")
        lost = result[1 - winner]
        assert result.count("won") == 1
        assert lost == "attached" or f"process {kernels[winner].pid} on" in lost, lost
    assert [len(bench.manager.find(name).trials) for name in names] == [1] * ROUNDS


def said(kernel: subprocess.Popen[str]) -> str:
    assert kernel.stdout is not None
    return kernel.stdout.readline().strip()
