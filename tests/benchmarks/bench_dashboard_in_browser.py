"""What a dashboard costs the browser: ours, plotly's FigureWidget, and optuna-dashboard, in one Chromium.

For each: the time until everything is on the page, and the main thread's work per second while the job moves
(for the large job: while nothing but two trials of many move). Ours and FigureWidget are cells of a real
JupyterLab; optuna-dashboard serves a study with the same trials from an SQLite file.
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
LINES, POINTS = 20, 250

OURS = f"""import sys, threading; sys.path.insert(0, {str(TESTS)!r})
import numpy as np
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
            reader._changed[TRIALS - 1] = reader._cursor
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


def in_lab(page: Page, lab: LabServer, name: str, source: str, shown: str) -> tuple[float, float]:
    """Run a cell; return the seconds until `shown` is on the page, and the main thread's load after that."""
    from plugins.notebook_page import NotebookPage

    notebook = NotebookPage(page, lab)
    lab.write_notebook(f"{name}.ipynb", ["import plotly, anywidget, astraml_lab.ui.dashboard", source])
    notebook.open(f"{name}.ipynb")
    notebook.run_cell(0)
    idle = busy_share(page)
    began = time.monotonic()
    notebook.start_cell(1)
    page.locator(shown).first.wait_for(timeout=120_000)
    opened = time.monotonic() - began
    page.wait_for_timeout(3_000)
    load = busy_share(page) - idle
    lab.end_kernels()
    return opened, load


def in_optuna_dashboard(page: Page, folder: Path, trials: int) -> tuple[float, float]:
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
        return opened, busy_share(page)


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

        def measured(words: str, measure: Callable[[Page], tuple[float, float]]) -> tuple[float, float]:
            page = browser.new_page(viewport={"width": 1400, "height": 1000})
            opened, load = measure(page)
            print(f"{words:<44} open {opened:6.2f} s   main thread {load:6.0f} ms per second", flush=True)
            page.close()
            return opened, load

        line = ".astraml .js-line"
        small = OURS.replace("TRIALS_HERE", str(LINES))
        large = OURS.replace("TRIALS_HERE", str(trials))
        ours = measured(
            f"dashboard, {LINES} x {POINTS} points, 4 Hz",
            lambda page: in_lab(page, lab, "small", small, line),
        )
        theirs = measured(
            f"FigureWidget, {LINES} x {POINTS} points, 4 Hz",
            lambda page: in_lab(page, lab, "widget", WIDGET, ".js-plotly-plot .js-line"),
        )
        ours_large = measured(
            f"dashboard, {trials} trials", lambda page: in_lab(page, lab, "large", large, line)
        )
        optuna_large = measured(
            f"optuna-dashboard, {trials} trials", lambda page: in_optuna_dashboard(page, Path(folder), trials)
        )
        browser.close()
    print(
        f"browser: ms_update={ours[1] / 4:.1f} x_figurewidget={theirs[1] / ours[1]:.1f} "
        f"open_large={ours_large[0]:.2f} x_optuna_open={optuna_large[0] / ours_large[0]:.1f}"
    )


if __name__ == "__main__":
    main()
