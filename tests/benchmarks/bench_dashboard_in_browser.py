"""What a dashboard costs the browser: ours, plotly's FigureWidget, and optuna-dashboard, in one Chromium.

For each: the time until a chart and the first rows are on the page, and the main thread's work per second and
its longest task while 20 trials report at 4 Hz (in the large job beside thousands of finished ones; what
optuna-dashboard shows stands still). Ours and FigureWidget are cells of a real JupyterLab; optuna-dashboard
serves a study with the same trials from an SQLite file.
"""

from __future__ import annotations

import argparse
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS))

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page
    from plugins.lab_server import LabServer

SECONDS = 10.0
"""How long the main thread is watched."""
FILLS_IN = 9_000
"""Milliseconds after which the table of the large job has all of its rows."""
LINES, POINTS = 20, 250

OURS = f"""import sys, threading; sys.path.insert(0, {str(TESTS)!r})
import dataclasses, numpy as np
from plugins.fake_job import FakeJob, FakeReader
from astraml_lab.spec import CurveView, TrialState, TrialView
from astraml_lab.ui.presenter import NotebookPresenter
LINES, POINTS, TRIALS = {LINES}, {POINTS}, TRIALS_HERE
class Reader(FakeReader):
    moves = 0
    def curve(self, trial, metric):
        steps = np.arange(POINTS, dtype=float)
        return CurveView(trial, metric, steps, np.sin((steps + self.moves) / 40 + trial), self.moves)
reader = Reader("bench", trials=TRIALS)
rng, now = np.random.default_rng(0), reader.clock.time()
def trial(number):
    runs, value = number >= TRIALS - LINES, float(rng.uniform())
    params = dict(lr=float(10 ** rng.uniform(-4, -1)), width=int(rng.integers(16, 256)), act="relu")
    state = TrialState.RUNNING if runs else TrialState.COMPLETE
    return TrialView(number, state, params, values=None if runs else (value,), metrics=dict(accuracy=value),
                     started_at=now, ended_at=None if runs else now + 1, device="cpu", step=POINTS)
reader._trials = dict((number, trial(number)) for number in range(TRIALS))
reader._changed = dict.fromkeys(reader._trials, 1)
reader.change(metric_names=("accuracy",))
reader.put(reader._trials[TRIALS - 1])
def move():
    while True:
        pause.wait(0.25)
        with reader.lock:
            reader.moves += 1
            reader._cursor += 1
            for number in range(TRIALS - LINES, TRIALS):
                trial = reader._trials[number]
                reader._trials[number] = dataclasses.replace(trial, step=POINTS + reader.moves)
                reader._changed[number] = reader._cursor
pause = threading.Event()
threading.Thread(target=move, daemon=True).start()
NotebookPresenter().show(FakeJob(reader), live=True)"""
WIDGET = f"""import threading, numpy as np, plotly.graph_objects as go
x = np.arange({POINTS})
figure = go.FigureWidget([go.Scatter(x=x, y=np.sin(x / 40 + line).astype("f4")) for line in range({LINES})])
def move():
    moves = 0
    while True:
        pause.wait(0.25); moves += 1
        with figure.batch_update():
            for line, trace in enumerate(figure.data):
                trace.y = np.sin((x + moves) / 40 + line).astype("f4")
pause = threading.Event()
threading.Thread(target=move, daemon=True).start()
figure"""


WATCH = """shown => {
    window.watched = { pressed: 0, shown: 0, longest: 0 };
    document.addEventListener("keydown", (event) => {
        if (event.key === "Enter") watched.pressed = performance.now();
    }, true);
    new MutationObserver(() => {
        if (watched.pressed && !watched.shown && shown.every((each) => document.querySelector(each))) {
            watched.shown = performance.now();
        }
    }).observe(document.body, { subtree: true, childList: true });
    new PerformanceObserver((list) => {
        for (const task of list.getEntries()) watched.longest = Math.max(watched.longest, task.duration);
    }).observe({ entryTypes: ["longtask"] });
}"""


@dataclass(frozen=True)
class Cost:
    """What a page cost."""

    opened: float
    """Seconds until it was there."""
    load: float
    """Milliseconds per second for which its main thread works."""
    longest: float = 0.0
    """Milliseconds of its longest task after that; browsers tell of those above 50 ms only."""


def busy_share(page: Page) -> float:
    """Return the milliseconds per second for which the page's main thread works."""
    client = page.context.new_cdp_session(page)
    client.send("Performance.enable")

    def worked() -> float:
        metrics = client.send("Performance.getMetrics")["metrics"]
        return next(float(each["value"]) for each in metrics if each["name"] == "TaskDuration")

    before, began = worked(), time.monotonic()
    page.wait_for_timeout(1_000 * SECONDS)
    return 1_000 * (worked() - before) / (time.monotonic() - began)


def in_lab(page: Page, lab: LabServer, name: str, source: str, shown: list[str]) -> Cost:
    """Run a cell; `shown` is what has to be on the page, timed from the key press in the page itself."""
    from plugins.notebook_page import NotebookPage

    notebook = NotebookPage(page, lab)
    made, _, show = source.rpartition("\n")
    lab.write_notebook(f"{name}.ipynb", ["import plotly, anywidget, astraml_lab.ui.dashboard", made, show])
    notebook.open(f"{name}.ipynb")
    notebook.run_cell(0)
    notebook.run_cell(1)
    idle = busy_share(page)
    page.evaluate(WATCH, shown)
    notebook.start_cell(2)
    page.wait_for_function("watched.shown > 0", timeout=120_000)
    opened = page.evaluate("(watched.shown - watched.pressed) / 1000")
    page.wait_for_timeout(FILLS_IN)
    page.evaluate("watched.longest = 0")
    load = busy_share(page) - idle
    longest = page.evaluate("watched.longest")
    lab.end_kernels()
    return Cost(opened, load, longest)


def in_optuna_dashboard(page: Page, folder: Path, trials: int) -> Cost:
    """Serve a study of as many trials with optuna-dashboard."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    url = f"sqlite:///{folder}/study{trials}.db"
    study = optuna.create_study(study_name="bench", storage=url, direction="maximize")
    study.add_trials(list(optuna_trials(trials)))
    with serving(url) as address:
        began = time.monotonic()
        page.goto(f"{address}/dashboard/studies/1")
        page.locator(".js-plotly-plot .scatterlayer").first.wait_for(timeout=300_000)
        opened = time.monotonic() - began
        page.wait_for_timeout(5_000)
        return Cost(opened, busy_share(page))


def optuna_trials(count: int) -> Iterator[Any]:
    """Make trials like ours, the last 20 of them with curves."""
    import numpy as np
    import optuna
    from optuna.distributions import FloatDistribution, IntDistribution

    space = {"lr": FloatDistribution(1e-4, 1e-1, log=True), "width": IntDistribution(16, 256)}
    rng = np.random.default_rng(0)
    for number in range(count):
        params = {"lr": float(10 ** rng.uniform(-4, -1)), "width": int(rng.integers(16, 256))}
        curve = np.sin(np.arange(POINTS) / 40 + number).tolist() if number >= count - LINES else [0.5]
        yield optuna.trial.create_trial(
            params=params,
            distributions=space,
            value=float(rng.uniform()),
            intermediate_values=dict(enumerate(curve)),
        )


@contextmanager
def serving(url: str) -> Iterator[str]:
    """Run optuna-dashboard's server over a storage."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).with_name("optuna-dashboard")), url, "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(200):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def main() -> None:
    """Print the figures; the last line is for machines."""
    from playwright.sync_api import sync_playwright
    from plugins.browser import CHROMIUM_OPTIONS
    from plugins.lab_server import running_lab

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10_000, help="of the large job")
    trials: int = parser.parse_args().trials
    with (
        tempfile.TemporaryDirectory() as folder,
        running_lab(Path(folder)) as lab,
        sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_OPTIONS)

        def measured(words: str, measure: Callable[[Page], Cost]) -> Cost:
            page = browser.new_page(viewport={"width": 1400, "height": 1000})
            cost = measure(page)
            print(
                f"{words:<44} open {cost.opened:6.2f} s   main thread {cost.load:6.0f} ms per second   "
                f"longest task {cost.longest:4.0f} ms",
                flush=True,
            )
            page.close()
            return cost

        ready = [".astraml .js-line", ".astraml tr[data-n]:nth-child(12)"]
        small = OURS.replace("TRIALS_HERE", str(LINES))
        large = OURS.replace("TRIALS_HERE", str(trials))
        ours = measured(
            f"dashboard, {LINES} x {POINTS} points, 4 Hz",
            lambda page: in_lab(page, lab, "small", small, ready),
        )
        theirs = measured(
            f"FigureWidget, {LINES} x {POINTS} points, 4 Hz",
            lambda page: in_lab(page, lab, "widget", WIDGET, [".js-plotly-plot .js-line"]),
        )
        ours_large = measured(
            f"dashboard, {trials} trials", lambda page: in_lab(page, lab, "large", large, ready)
        )
        optuna_large = measured(
            f"optuna-dashboard, {trials} trials", lambda page: in_optuna_dashboard(page, Path(folder), trials)
        )
        browser.close()
    print(
        f"browser: ms_update={ours.load / 4:.1f} ms_large={ours_large.load / 4:.1f} "
        f"x_figurewidget={theirs.load / ours.load:.1f} open_large={ours_large.opened:.2f} "
        f"x_optuna_open={optuna_large.opened / ours_large.opened:.1f}"
    )


if __name__ == "__main__":
    main()
