"""`job.debug(7)` and the cell that runs one configuration in the foreground."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

import astraml_lab as lab
from astraml_lab.errors import Conflict, NotFound
from astraml_lab.jobs.debug import foreground
from astraml_lab.jobs.last_words import last_words, without_last_words
from astraml_lab.lab import build_spec
from astraml_lab.objectives import CellCode, parse_cell
from astraml_lab.spec import Categorical, Float, JobState, objectives_of

if TYPE_CHECKING:
    from plugins.jobs import Bench

    from astraml_lab.jobs import Job
    from astraml_lab.trial import Trial

CELL = '''
from __future__ import annotations

sizes = {"s": 3, "l": 30}          # how wide
lr = Float(0.1, 0.9); rows = []
size = Categorical(
    sizes,
)  # of the net
act = Categorical({"up": up, "down": down})
off = Float(0.5, 1.0, when={"size": "s"})

# one epoch after the other
for epoch in range(3):
    print("epoch", epoch)
    rows.append(act(lr))
    text = """two
lines"""
    if epoch == 2 and trial.number == 1:
        share = size / (epoch - 2)
    report(score=rows[-1], seed=trial.seed, step=epoch)
'''


def up(x: float) -> float:
    return x


def down(x: float) -> float:
    return -x


def ran(bench: Bench, source: str, names: dict[str, Any], **options: Any) -> Job:
    cell = parse_cell(source, names)
    spec = build_spec(
        cell.space, objectives_of("score"), {"trials": 2, "seed": 0, "name": "digits", **options}
    )
    return bench.manager.launch(spec, CellCode(cell, names, job="digits"), attended=True).wait(120)


def run(source: str, **names: Any) -> dict[str, Any]:
    """Run a cell like a notebook does; return its names."""
    space = {"__name__": "__main__", **names}
    exec(compile(source, "<new cell>", "exec", dont_inherit=True), space)  # noqa: S102 - what a notebook does
    return space


def test_all_that_is_known_of_a_trial_is_said(bench: Bench) -> None:
    job = ran(bench, CELL, {"up": up, "down": down})
    text = job.debug(1)
    view = job.trials[1].view()

    first, reason, *_ = text.splitlines()
    assert first.startswith("digits, trial 1: failed (exception), cpu, ")
    assert reason == "ZeroDivisionError: division by zero"
    assert "share = size / (epoch - 2)" in text
    assert f"lr = {view.params['lr']!r}" in text
    assert f"Parameters (seed {view.seed}):" in text
    assert text.rstrip().endswith("  epoch 0\n  epoch 1\n  epoch 2")
    assert text.count("Traceback") == 1
    assert job.debug(0).count("\n\n") == 2  # no traceback
    with pytest.raises(NotFound, match="no trial 9"):
        job.debug(9)


def test_the_cell_fails_like_the_trial_with_its_values_in_sight(bench: Bench) -> None:
    job = ran(bench, CELL, {"up": up, "down": down})
    source, view = job.trial_as_cell(1), job.trials[1].view()
    names = {"up": up, "down": down, "__name__": "__main__"}
    with pytest.raises(ZeroDivisionError):
        exec(compile(source, "<new cell>", "exec", dont_inherit=True), names)  # noqa: S102 - what a notebook does

    assert names["lr"] == view.params["lr"]
    assert names["size"] == {"s": 3, "l": 30}[str(view.params["size"])]
    assert names["act"] is {"up": up, "down": down}[str(view.params["act"])]
    assert names["text"] == "two\nlines"
    assert names["epoch"] == 2
    assert "lr = " in source
    assert "# Float(0.1, 0.9)" in source


def test_a_good_trial_prints_its_reports_and_stores_nothing(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    job = ran(bench, CELL, {"up": up, "down": down})
    before = job.reader.trials()[1]
    seed = job.trials[0].view().seed
    names = run(job.trial_as_cell(0), up=up, down=down)

    printed = capsys.readouterr().out
    value = lab.job("digits").trials[0].metrics["score"]
    assert printed.count("epoch") == 3
    assert printed.count("report step ") == 3
    assert f"seed {seed}" in printed
    assert names["rows"][-1] == value
    assert not names["trial"].checkpoint_dir.exists()
    assert job.reader.trials()[1] == before
    assert job.trials[0].log.tail().count("epoch 0") == 1


def test_comments_stay_where_nothing_has_to_be_written_anew(bench: Bench) -> None:
    source = "x = Float(0, 1)  # the rate\n# first\nreport(score=x)  # then\n"
    assert ran(bench, source, {}).trial_as_cell(0).splitlines()[1:] == [
        "from astraml_lab import foreground, report",
        "",
        f"x = {lab.job('digits').trials[0].params['x']!r}  # Float(0, 1)",
        "",
        'with foreground("digits", 0, params={"x": x}) as trial:',
        "    # first",
        "    report(score=x)  # then",
    ]


def test_the_device_is_the_trials(bench: Bench) -> None:
    source = ran(bench, "x = Float(0, 1)\nmodel = [str(device)]\nreport(score=x)\n", {}).trial_as_cell(0)
    assert "    device = trial.device\n" in source
    assert run(source)["model"] == ["cpu"]


def test_a_changed_value_reaches_trial_and_code(bench: Bench) -> None:
    source = ran(bench, "x = Float(0, 1)\nseen = trial.params['x']\nreport(score=x)\n", {}).trial_as_cell(0)
    assignment = next(line for line in source.splitlines() if line.startswith("x = "))

    assert run(source.replace(assignment, "x = 7.0"))["seen"] == 7.0


def test_functions_are_called_as_the_job_calls_them(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    def takes_trial(trial: Trial, lr: float) -> float:
        lab.report(loss=lr)
        return float(trial.params["lr"]) * 2

    def takes_any(report: Any, /, *, depth: int = 3, **params: float) -> float:
        report(loss=depth)
        return params["lr"]

    for function, call in ((takes_trial, "trial, **params"), (takes_any, "trial.report, **params")):
        job = bench.run(function, {"lr": Float(0, 1)}, name=function.__name__, trials=1)
        source, lr = job.trial_as_cell(0), job.trials[0].params["lr"]
        assert f"    print({function.__name__}({call}))" in source
        run(source, takes_trial=takes_trial, takes_any=takes_any)
        last = capsys.readouterr().out.splitlines()[-1]
        assert float(last) in {lr, float(str(lr)) * 2}


def test_a_function_with_objects_says_where_they_go(bench: Bench) -> None:
    def train(x: float, act: Any) -> float:
        return float(act(x))

    space = {"x": Float(0, 1), "act": Categorical({"up": up})}
    source = bench.run(train, space, name="digits", trials=1).trial_as_cell(0)
    assert "# act: put the object here that the label stands for" in source
    assert run(source.replace("'up'", "up"), train=train, up=up)


def test_what_was_suggested_on_the_way_is_there_again(bench: Bench) -> None:
    def train(trial: Trial) -> float:
        return float(trial.suggest_float("lr", 0, 1))

    job = bench.run(train, {}, name="digits", trials=1)
    with lab.foreground(job, 0) as trial:
        assert train(trial) == job.trials[0].params["lr"]
        with pytest.raises(Conflict, match="trial 0 had no `width`"):
            trial.suggest_int("width", 1, 2)


def test_a_trial_that_ends_itself_says_so(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    job = bench.run(lambda x: x, name="digits", trials=1)
    with lab.foreground("digits", 0) as trial:
        if trial.number == 0:
            trial.infeasible("too wide")

    assert capsys.readouterr().out == "The trial would end here: too wide\n"
    assert job.state is JobState.SUCCEEDED
    with pytest.raises(NotFound, match="the function of digits has no name"):
        job.trial_as_cell(0)


def test_an_older_generation_is_named(bench: Bench) -> None:
    def train(x: float) -> float:
        return x

    old = bench.run(train, name="the 'old' one", project="p 1", trials=1)
    assert """foreground("the 'old' one", 0, project="p 1", params""" in old.trial_as_cell(0)
    bench.run(train, name="the 'old' one", project="p 1", trials=1, new=True)
    assert 'project="p 1", generation=1, params' in old.trial_as_cell(0)


def test_busy_gpus_are_left_alone(gpu_bench: Bench) -> None:
    job = gpu_bench.run(lambda x: x, name="digits", trials=1, parallel=1)
    pool = gpu_bench.pool
    with foreground(job, 0, pool) as trial, foreground(job, 0, pool) as second:
        assert (trial.devices, second.devices) == ((0,), (1,))
        with pytest.raises(Conflict, match="no GPU is free for it"), foreground(job, 0, pool):
            pass
    with foreground(job, 0, pool) as trial:
        assert trial.devices == (0,)


@pytest.mark.parametrize("listed", [["Extension modules: numpy, " + "x" * 100, "y, z (total: 90)"], []])
def test_last_words_end_before_the_list_of_modules_however_long(listed: list[str]) -> None:
    said = [
        "Fatal Python error: Aborted",
        "",
        "Current thread 0x1 (most recent call first):",
        '  File "a.py", line 1',
    ]
    after = ["second attempt"] if listed else []
    lines = ["epoch 1", *said, "", *listed, *after]
    assert last_words(lines) == "\n".join(said) + "\n"
    assert without_last_words(lines) == ["epoch 1", *after]
    assert last_words(["epoch 1"]) == ""
    assert without_last_words(["epoch 1"]) == ["epoch 1"]


def test_a_crash_is_told_once_and_without_the_list_of_modules(bench: Bench) -> None:
    def crash(x: float) -> None:
        print("before", x)  # noqa: T201 - what user code does
        os.abort()

    job = bench.run(crash, trials=1, executor="processes", max_failures=1)
    said = job.debug(0)
    assert said.count("Fatal Python error: Aborted") == 1
    assert "Extension modules" not in said
    assert "  before" in said
    assert "# Trial 0 ended its whole process; in the foreground that may end" in job.trial_as_cell(0)
