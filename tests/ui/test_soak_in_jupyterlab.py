"""A dashboard that is watched for long: nothing grows in the kernel or on the page.

By default about a minute in which the kernel sends as often as it can, which is a good part of an hour's
updates; `ASTRAML_SOAK_SECONDS=900` makes it longer.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from plugins.lab_server import LabServer
    from plugins.notebook_page import NotebookPage

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SECONDS = float(os.environ.get("ASTRAML_SOAK_SECONDS", "48"))
LIMIT = SECONDS + 900
RATE = 100
"""Frames per second, at most; four are usual."""
TABS = ("History", "Parallel", "Slice", "Timeline", "Metrics")

LOAD = f"""import sys, threading; sys.path.insert(0, {str(Path(__file__).parents[1])!r})
import dataclasses, gc, json, os, time
import comm, numpy as np
from plugins.fake_job import FakeJob, FakeReader, play
import astraml_lab.ui.dashboard as dashboards, astraml_lab.ui.schedule as schedule
from astraml_lab.spec import TrialState
from astraml_lab.ui.presenter import NotebookPresenter
schedule.PERIOD = dashboards.PERIOD = 1 / {RATE}
presenter = NotebookPresenter()"""
JOB = """reader = FakeReader("soak", trials=400); job = FakeJob(reader)
play(reader, 300, epochs=9)
def report(number, step):
    with reader.lock:
        steps, values, times = reader._curves.setdefault((number, "accuracy"), ([], [], []))
        if len(steps) >= 250:  # it starts over, so that nothing grows by itself
            for column in (steps, values, times):
                column.clear()
            reader.logs[number] = []
        steps.append(len(steps)); values.append(float(np.sin(step / 40 + number))); times.append(time.time())
        trial = reader._trials[number]
        attempt = trial.attempt + (len(steps) == 1)
        last = dict(accuracy=values[-1])
        reader._trials[number] = dataclasses.replace(trial, attempt=attempt, metrics=last)
        reader._cursor += 1
        reader._changed[number] = reader._cursor
        reader.logs.setdefault(number, []).append(f"step {step}")
def work():
    step = 0
    while True:
        for number in range(300, 320):
            report(number, step)
        step += 1
        pause.wait(0.02)
for number in range(300, 320):
    reader.start(number, lr=0.01, width=64, act="relu")
pause = threading.Event()
threading.Thread(target=work, daemon=True).start()"""
FIGURES = """import ctypes
def figures():
    while True:
        gc.collect(); ctypes.CDLL(None).malloc_trim(0)
        pages = int(open("/proc/self/statm").read().split()[1])
        if job.id not in presenter._live:
            pause.wait(0.2)
            continue
        found = dict(rss=pages * os.sysconf("SC_PAGE_SIZE") / 1e6, comms=len(comm.get_comm_manager().comms),
                     threads=threading.active_count(), frames=presenter._live[job.id]._dashboard._sequence)
        with open("soak.tmp", "w") as file:
            json.dump(found, file)
        os.replace("soak.tmp", "soak.json")
        pause.wait(2)
threading.Thread(target=figures, daemon=True).start()"""
SHOW = "presenter.show(job, live=True)"
SHOWN = 3
"""The cell that shows the job. No other is touched: JupyterLab itself keeps hundreds of nodes and a thousand
listeners each time that another cell becomes the active one."""


@dataclass(frozen=True)
class Figures:
    """What there is of everything, at one moment."""

    seconds: float
    frames: int
    rss: float
    """Megabytes of the kernel."""
    heap: float
    """Megabytes of the page's script, without garbage."""
    nodes: int
    listeners: int
    comms: int
    threads: int


def figures(notebook: NotebookPage, folder: Path, began: float) -> Figures:
    client = notebook.page.context.new_cdp_session(notebook.page)
    client.send("Performance.enable")
    for _ in range(3):
        client.send("HeapProfiler.collectGarbage")
    found = {each["name"]: each["value"] for each in client.send("Performance.getMetrics")["metrics"]}
    client.detach()
    kernel: dict[str, Any] = json.loads((folder / "soak.json").read_text())
    heap = found["JSHeapUsedSize"] / 1e6
    nodes, listeners = int(found["Nodes"]), int(found["JSEventListeners"])
    return Figures(time.monotonic() - began, heap=heap, nodes=nodes, listeners=listeners, **kernel)


def look_around(notebook: NotebookPage) -> None:
    """Do what a person does over the day: tabs, trials, filters, the same job shown once more."""
    view = notebook.output(SHOWN).locator(".astraml")
    for tab in TABS:
        view.get_by_role("tab", name=tab).click()
        notebook.page.wait_for_timeout(300)
    view.locator("tr[data-n='319']").click()
    expect(view.locator(".astraml-detail")).to_contain_text("step")
    notebook.page.wait_for_timeout(500)
    view.get_by_label("Filter the trials").fill("running")
    notebook.page.wait_for_timeout(300)
    view.get_by_label("Filter the trials").fill("")
    view.locator("tr[data-n='319']").click()
    notebook.run_cell(SHOWN)
    expect(view.locator(".js-line").first).to_be_attached()
    notebook.page.wait_for_timeout(500)


@pytest.mark.timeout(LIMIT)
def test_a_view_that_is_watched_for_long_does_not_grow(
    jupyter_lab: LabServer, notebook: NotebookPage
) -> None:
    jupyter_lab.write_notebook("soak.ipynb", [LOAD, JOB, FIGURES, SHOW])
    notebook.open("soak.ipynb")
    for index in range(4):
        notebook.run_cell(index)
    expect(notebook.output(SHOWN).locator(".astraml .js-line").first).to_be_attached()
    look_around(notebook)
    began, taken = time.monotonic(), []
    for quarter in range(1, 5):
        until = began + SECONDS * quarter / 4
        while time.monotonic() < until - 5:
            look_around(notebook)
        notebook.page.wait_for_timeout(max(0.0, 1_000 * (until - time.monotonic())))
        taken.append(figures(notebook, jupyter_lab.root, began))
    notebook.screenshot("soak-end").with_suffix(".json").write_text(
        json.dumps(list(map(asdict, taken)), indent=1)
    )

    first, last = taken[0], taken[-1]
    assert last.frames - first.frames > 10 * (last.seconds - first.seconds)
    assert last.rss - first.rss < 12
    assert last.heap - first.heap < 4
    assert last.nodes - first.nodes < 400
    assert last.listeners - first.listeners < 60
    assert (last.comms, last.threads) == (first.comms, first.threads)
