"""`tune(notebook="train.ipynb")`: each trial is an execution by papermill, in a kernel of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import nbformat
import psutil
import pytest
from plugins.notebooks import write_notebook
from plugins.patience import PATIENCE, Stopwatch, until

import astraml_lab as lab
from astraml_lab.errors import Conflict
from astraml_lab.lab import build_spec
from astraml_lab.objectives import KINDS, NotebookCode, call_in
from astraml_lab.spec import Discrete, FailureKind, Float, Int, TrialState, objectives_of

if TYPE_CHECKING:
    from pathlib import Path

PARAMETERS = """
lr: float = 0.1
width = 3
batch = 8
momentum: float | None = 0.9
epochs: int = 1
"""
TRAIN = """
import os, json
from astraml_lab import report
print("lr", lr, flush=True)
with open(os.path.join(os.environ["ASTRAML_CHECKPOINT_DIR"], "seen.json"), "w") as file:
    json.dump([lr, width, batch, momentum, epochs, os.environ["ASTRAML_SEED"], os.getcwd(),
               os.environ["CUDA_VISIBLE_DEVICES"]], file)
"""
REPORT = """
for epoch in range(epochs):
    report(score=lr * width + epoch, step=epoch)
lr * 2
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder whose name papermill would take for a template."""
    made = tmp_path / "my {project}"
    made.mkdir()
    monkeypatch.chdir(made)
    return made


def start(notebook: str | lab.Notebook = "train.ipynb", /, **options: Any) -> lab.Job:
    given: dict[str, Any] = {"space": {"lr": Float(0.0, 1.0)}, "maximize": "score", "seed": 1, **options}
    job: lab.Job = lab.tune(notebook=notebook, **{"trials": 1, "wait": False, **given})
    return job


def tune(notebook: str | lab.Notebook = "train.ipynb", /, **options: Any) -> lab.Job:
    job = start(notebook, **options).wait(PATIENCE)
    assert job.state.ended, job
    return job


def kernel_of(file: Path) -> psutil.Process:
    """Return the kernel that has written its id into a file."""
    until(lambda: file.exists() and file.read_text().isdigit())
    return psutil.Process(int(file.read_text()))


def is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_a_trial_is_an_execution_with_its_values_and_is_kept(folder: Path) -> None:
    write_notebook(folder / "train.ipynb", PARAMETERS, TRAIN, REPORT)
    space = {
        "lr": Float(0.5, 1.0),
        "width": Int(1, 4),
        "batch": Discrete([16.0, 32.0]),
        "momentum": Float(0.5, 0.9, when={"batch": 16.0}),
    }

    job = tune(lab.Notebook("train.ipynb", parameters={"epochs": 2}), space=space, trials=2, parallel=2)
    for number in (0, 1):
        trial = job.trials[number]
        params: dict[str, Any] = trial.params
        assert trial.values == (params["lr"] * params["width"] + 1,), trial.reason
        seen = json.loads((trial.checkpoint_dir / "seen.json").read_text())
        assert seen[:5] == [params["lr"], params["width"], params["batch"], params["momentum"], 2]
        assert seen[5:] == [seen[5], str(folder), ""]
        log = trial.log.tail()
        assert f"lr {params['lr']}" in log
        assert str(params["lr"] * 2) in log
        assert "WARNING" not in log
        assert trial.notebook is not None
        executed = nbformat.read(trial.notebook, as_version=4)
        injected = executed.cells[2]
        assert injected.metadata.tags == ["injected-parameters"]
        assert f"lr = {params['lr']}" in injected.source
        assert executed.cells[-1].outputs[0].data["text/plain"] == str(params["lr"] * 2)
        names = {each.name for each in trial.folder.iterdir()}
        assert names == {"checkpoint", "log.txt", "metrics.jsonl", "notebook.ipynb", "output"}
    assert {job.trials[0].params["batch"], job.trials[1].params["batch"]} <= {16.0, 32.0}


def test_what_a_kernel_logs_after_its_last_cell_is_not_told(folder: Path) -> None:
    """As where the interrupt that comes first hits, or ipykernel flushes its streams to a closed socket."""
    end = """
    import logging

    loggers = [logging.getLogger(name) for name in ("IPKernelApp", "tornado.general")]

    def executed():
        with open("executed.txt", "a") as file:
            print(next(number), file=file)
        for logger in loggers:
            logger.error("late")

    number = iter(range(100))
    file = logging.FileHandler("late.txt")
    file.setLevel("ERROR")
    for logger in loggers:
        logger.addHandler(file)
    get_ipython().events.register("post_execute", executed)
    """
    write_notebook(folder / "train.ipynb", PARAMETERS, TRAIN, REPORT, end, "lr")
    trial = tune().trials[0]
    assert trial.view().state is TrialState.COMPLETE, trial.reason
    cells = 2
    assert len((folder / "executed.txt").read_text().split()) == cells + 1
    assert len((folder / "late.txt").read_text().split()) == 2 * cells


def test_an_exception_is_told_with_its_cell_and_the_notebook_is_kept_as_far_as_it_came(folder: Path) -> None:
    write_notebook(
        folder / "train.ipynb", PARAMETERS, "def f(x):\n    raise ValueError(f'no {x}')", "f('good')", "1"
    )
    trial = tune().trials[0]
    view = trial.view()
    assert (view.state, view.kind) == (TrialState.FAILED, FailureKind.EXCEPTION)
    assert view.reason == "train.ipynb, cell [4]: ValueError: no good"
    assert "raise ValueError(f'no {x}')" in view.traceback
    assert "\x1b" not in view.traceback
    assert trial.log.tail().count("ValueError: no good") == 1
    assert trial.notebook is not None
    code = [each for each in nbformat.read(trial.notebook, as_version=4).cells if each.cell_type == "code"]
    assert [each.execution_count for each in code] == [1, 2, 3, 4, None]


def test_a_kernel_that_dies_is_told_and_tried_again(folder: Path) -> None:
    write_notebook(
        folder / "train.ipynb", PARAMETERS, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    )
    view = tune(retry_delay=0.01).trials[0].view()
    assert (view.kind, view.attempt) == (FailureKind.CRASHED, 2)
    assert view.reason == "train.ipynb, cell [3]: its kernel died"


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_a_stopped_trial_ends_its_kernel_at_once_also_where_a_cell_hangs(folder: Path, executor: str) -> None:
    hang = """
    import os, signal, time
    from astraml_lab import report
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("here", flush=True)
    report(score=1.0)
    open("pid", "w").write(str(os.getpid()))
    while True:
        try:
            time.sleep(600)
        except KeyboardInterrupt:
            pass
    """
    write_notebook(folder / "train.ipynb", PARAMETERS, hang)
    job = start(executor=executor)
    kernel = kernel_of(folder / "pid")
    watch = Stopwatch()
    job.stop()
    until(lambda: is_gone(kernel))
    took = watch.seconds
    trial = job.wait(PATIENCE).trials[0]
    assert trial.state is TrialState.STOPPED
    assert took < 5, took
    assert trial.notebook is not None
    texts = [each.get("text", "") for each in nbformat.read(trial.notebook, as_version=4).cells[3].outputs]
    assert texts == ["here\n", "[astraml] The trial was told to end here.\n"]


def test_a_pruned_trial_ends_its_kernel(folder: Path) -> None:
    slow = """
    import os, time
    from astraml_lab import report
    number = int(os.environ["ASTRAML_TRIAL"])
    for step in range(4 if number == 0 else 10_000):
        report(score=-float(number), step=step)
        time.sleep(0.02)
    """
    write_notebook(folder / "train.ipynb", PARAMETERS, slow)
    job = tune(trials=2, parallel=1, patience=6)
    assert [trial.state for trial in job.trials.values()] == [TrialState.COMPLETE, TrialState.COMPLETE]
    assert "6 reports" in job.trials[1].reason
    assert job.trials[1].notebook is not None
    assert "told to end here" in job.trials[1].notebook.read_text()


def test_the_notebook_is_read_at_the_launch_and_again_when_a_job_goes_on(folder: Path) -> None:
    file = write_notebook(folder / "train.ipynb", PARAMETERS, TRAIN, REPORT)
    tune(name="digits")
    resumed = lab.resume("digits", trials=2).wait(PATIENCE)
    assert len(resumed.trials) == 2
    assert tune(name="digits", trials=2).view().generation == 1
    write_notebook(file, PARAMETERS, TRAIN, REPORT.replace("epoch,", "epoch + 1,"))
    with pytest.raises(Conflict, match=r"changed the notebook train\.ipynb"):
        lab.resume("digits", trials=3)
    file.unlink()
    with pytest.raises(Conflict, match="there is no file"):
        lab.resume("digits", trials=3)


def test_a_job_of_a_notebook_is_written_as_the_call_that_runs_it_and_read_back(folder: Path) -> None:
    file = write_notebook(folder / "train.ipynb", PARAMETERS, TRAIN, REPORT)
    kind = KINDS["notebook"]
    spec = build_spec({"lr": Float(0.0, 1.0)}, objectives_of(["score"], []), {"trials": 3})
    made = kind.make(" train.ipynb ", spec, {})
    assert isinstance(made.code, NotebookCode)
    assert made.code.program.source == str(file)
    assert kind.write is not None
    cell = kind.write("train.ipynb", spec)
    assert 'tune(\n    notebook="train.ipynb",' in cell
    again = call_in(cell, {"Float": Float})
    assert again is not None
    program = again.definitions[0].program
    assert program is not None
    assert (program.kind, program.source) == ("notebook", "train.ipynb")
    assert kind.write("train.ipynb", again) == cell

    given = lab.Notebook("train.ipynb", kernel="python3", parameters={"epochs": 2})
    job = tune(given, name="digits")
    cell = job.export("cell")
    assert f'notebook=Notebook("{file}", kernel="python3", parameters={{' in cell
    assert "from astraml_lab import Float, Notebook, tune" in cell
    again = call_in(cell, {})
    assert again is not None
    assert again.definitions[0].program == job.spec.definitions[0].program
    assert "nothing can step" not in job.narrowed(0)
    assert "Notebook(" in job.narrowed(0)
