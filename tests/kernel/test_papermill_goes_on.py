"""A notebook that papermill runs is killed half-way; run again, it goes on; run once more, it only shows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import nbformat
import psutil
import pytest
from plugins.patience import until

from astraml_lab.jobs.stored import StoredReader
from astraml_lab.spec import JobState
from astraml_lab.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from astraml_lab.spec import TrialView

pytestmark = pytest.mark.slow

TRIALS = 24
HELD = f"""
while trial.number >= {TRIALS // 2} and not os.path.exists(f"{{folder}}/go"):
    time.sleep(0.01)
"""
"""The second half of the trials begins its work when a file is there."""
CELLS = (
    ("parameters", "trials = 4\nfolder = '.'"),
    ("", "%load_ext astraml_lab\nimport os\ndef helper(step):\n    return step + 1"),
    (
        "",
        """%%tune --maximize score --trials $trials --parallel 2 --prune off --seed 3 --name nightly
x = Float(0.0, 1.0)

import time
with open(f"{folder}/started", "a") as log:
    log.write(f"{trial.number} {x!r}\\n")
"""
        + HELD
        + """
for step in range(3):
    time.sleep(0.1)
    report(score=x * helper(step))
""",
    ),
    ("", "import astraml_lab as lab\nprint('best', lab.job('nightly').best.values)"),
)
RUN = """
import sys, papermill
given = {"trials": int(sys.argv[3]), "folder": sys.argv[4]}
papermill.execute_notebook(sys.argv[1], sys.argv[2], parameters=given, progress_bar=False)
"""


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    cells = []
    for tag, source in CELLS:
        cell = nbformat.v4.new_code_cell(source)
        cell.metadata["tags"] = [tag] if tag else []
        cells.append(cell)
    made = nbformat.v4.new_notebook(cells=cells)
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = tmp_path / "nightly.ipynb"
    nbformat.write(made, path)
    return path


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    with Store(home) as made:
        yield made


def execute(notebook: Path) -> subprocess.Popen[bytes]:
    output = notebook.with_name("output.ipynb")
    command = [sys.executable, "-c", RUN, str(notebook), str(output), str(TRIALS), str(notebook.parent)]
    with notebook.with_name("errors").open("wb") as errors:
        return subprocess.Popen(command, stderr=errors)


def until_half(store: Store) -> dict[int, TrialView]:
    until(lambda: len(finished(store)) >= TRIALS // 3)
    return finished(store)


def finished(store: Store) -> dict[int, TrialView]:
    found = store.load_job("default", "nightly")
    trials = () if found is None else store.load_trials(found.id)
    return {trial.number: trial for trial in trials if trial.state.ended}


def starts(notebook: Path) -> list[str]:
    return notebook.with_name("started").read_text().splitlines()


def kill_kernel(papermill: subprocess.Popen[bytes]) -> None:
    (kernel,) = (
        child for child in psutil.Process(papermill.pid).children() if "ipykernel" in str(child.cmdline())
    )
    os.kill(kernel.pid, signal.SIGKILL)


def kill_papermill(papermill: subprocess.Popen[bytes]) -> None:
    papermill.kill()


@pytest.mark.parametrize("kill", [kill_kernel, kill_papermill])
def test_it_goes_on_where_it_was(
    notebook: Path, store: Store, kill: Callable[[subprocess.Popen[bytes]], None]
) -> None:
    first = execute(notebook)
    before = until_half(store)
    kill(first)
    assert first.wait(120) != 0
    found = store.load_job("default", "nightly")
    assert found is not None
    until(lambda: StoredReader(store, found).view().state is JobState.STALE)
    before = finished(store)
    began_before = starts(notebook)

    notebook.with_name("go").touch()
    second = execute(notebook)
    assert second.wait(120) == 0, notebook.with_name("errors").read_text()
    after = finished(store)
    assert {n: trial.values for n, trial in after.items()}.items() >= {
        n: trial.values for n, trial in before.items()
    }.items()
    assert sorted(after) == list(range(TRIALS))
    again = set(starts(notebook)[: len(began_before)]) & set(starts(notebook)[len(began_before) :])
    assert not {int(line.split()[0]) for line in again} & set(before)
    assert len(set(starts(notebook))) == TRIALS
    assert shows_the_end(notebook)

    third = execute(notebook)
    assert third.wait(120) == 0
    assert len(starts(notebook)) == len(began_before) + TRIALS - len(before)
    assert finished(store) == after
    assert shows_the_end(notebook)
    print(  # noqa: T201 - the counts
        f"{kill.__name__}: {len(before)} of {TRIALS} had finished, {len(again)} ran again with the same "
        f"parameters, {len(after)} in the end; in the third run the cell took {seconds(notebook):.1f} s"
    )


def seconds(notebook: Path) -> float:
    """Return how long the cell of the job took."""
    cells = nbformat.read(notebook.with_name("output.ipynb"), as_version=4).cells
    (cell,) = (cell for cell in cells if cell.source.startswith("%%tune"))
    return float(cell.metadata.papermill.duration)


def shows_the_end(notebook: Path) -> bool:
    """Whether the executed notebook has the final picture and the words of the end."""
    cells = nbformat.read(notebook.with_name("output.ipynb"), as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.output_type == "error"]
    pictures = [output for output in outputs if "application/vnd.plotly.v1+json" in output.get("data", {})]
    words = "".join(str(output.get("text", "")) for output in outputs)
    words += "".join(output.get("data", {}).get("text/plain", "") for output in outputs)
    return bool(pictures) and f"{TRIALS}/{TRIALS} trials" in words and "best (" in words
