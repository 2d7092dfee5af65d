"""What a dashboard costs: ours, plotly's FigureWidget, and optuna-dashboard, in one Chromium and one run.

Two jobs: 20 trials that report at 4 Hz, each with 250 points drawn, and the same beside 10,000 finished ones;
one more ends per second. For each: bytes and the kernel's milliseconds per update, the main thread's
milliseconds per update, and the time until a chart and the first rows are on the page; ours also per chart.

Ours and FigureWidget are cells of a real JupyterLab; of 10,000 trials FigureWidget draws every mark beside
the lines. optuna-dashboard serves a study with the same trials from an SQLite file, in which nothing happens:
an update is a request of its own, with the bytes of the answer and the server's milliseconds.

A machine that does other things tells nothing: `chrt -r 10` in front of the command goes before them.
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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import comm

sys.path.insert(0, str(Path(__file__).parents[1]))
from plugins.dashboard_cost import WIRE, WireComm, bench_dashboard, bench_figure_widget
from plugins.large_job import PERIOD, POINTS, RUNNING
from plugins.main_thread import Work, watched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page
    from plugins.lab_server import LabServer
    from plugins.notebook_page import NotebookPage

TESTS = Path(__file__).parents[1]
SECONDS = 8.0
"""How long the main thread is watched."""
TAB_SECONDS = 5.0
FILL_SECONDS = 0.25 / 400
"""In which the table takes up a trial."""

OURS = f"""import sys; sys.path.insert(0, {str(TESTS)!r})
from plugins import large_job
from plugins.fake_job import FakeJob
from astraml_lab.ui.presenter import NotebookPresenter
reader = large_job.moving(FINISHED, OBJECTIVES)
NotebookPresenter().show(FakeJob(reader), live=True)"""
WIDGET = f"""import threading, numpy as np, plotly.graph_objects as go
x, done = np.arange({POINTS}), np.random.default_rng(0).uniform(size=FINISHED).astype("f4")
lines = [go.Scatter(x=x, y=np.sin(x / 40 + line).astype("f4")) for line in range({RUNNING})]
figure = go.FigureWidget([*lines, go.Scatter(y=done, mode="markers")] if FINISHED else lines)
def move():
    moves = 0
    while not pause.wait({PERIOD}):
        moves += 1
        with figure.batch_update():
            for line, trace in enumerate(figure.data[:{RUNNING}]):
                trace.y = np.sin((x + moves) / 40 + line).astype("f4")
            if FINISHED and moves % 4 == 0:
                figure.data[-1].y = np.append(figure.data[-1].y, np.float32(0.5))
pause = threading.Event()
threading.Thread(target=move, daemon=True).start()
figure"""
READY = [".astraml .js-line", ".astraml tr[data-n]:nth-child(12)"]
WATCH = """shown => {
    window.watched = { pressed: 0, shown: 0 };
    document.addEventListener("keydown", (event) => {
        if (event.key === "Enter") watched.pressed = performance.now();
    }, true);
    new MutationObserver(() => {
        if (watched.pressed && !watched.shown && shown.every((each) => document.querySelector(each))) {
            watched.shown = performance.now();
        }
    }).observe(document.body, { subtree: true, childList: true });
}"""
TABS = ("Metrics", "History", "Slice", "Parallel", "Importance", "Timeline")


@dataclass(frozen=True)
class Cost:
    """What a dashboard costs; per update where it has some."""

    opened: float
    """Seconds until it was there."""
    work: Work
    kilobytes: float
    kernel: float
    """Milliseconds."""


@dataclass(frozen=True)
class Bench:
    """Where pages are measured."""

    browser: Browser
    lab: LabServer
    folder: Path

    @contextmanager
    def page(self) -> Iterator[Page]:
        """Have a fresh page."""
        page = self.browser.new_page(viewport={"width": 1400, "height": 1000})
        yield page
        page.close()

    def opened(self, page: Page, name: str, source: str, shown: list[str]) -> tuple[NotebookPage, float]:
        """Run a cell, and time from the key press in the page itself until all of `shown` is there."""
        from plugins.notebook_page import NotebookPage

        notebook = NotebookPage(page, self.lab)
        made, _, show = source.rpartition("\n")
        self.lab.write_notebook(
            f"{name}.ipynb", ["import plotly, anywidget, astraml_lab.ui.dashboard", made, show]
        )
        notebook.open(f"{name}.ipynb")
        notebook.run_cell(0)
        notebook.run_cell(1)
        page.evaluate(WATCH, shown)
        notebook.start_cell(2)
        page.wait_for_function("watched.shown > 0", timeout=120_000)
        return notebook, page.evaluate("(watched.shown - watched.pressed) / 1000")

    def ours(
        self, finished: int, objectives: tuple[str, ...] = ("accuracy",)
    ) -> tuple[float, dict[str, Work]]:
        """Measure our dashboard: the time to open, and the work of every chart."""
        source = OURS.replace("FINISHED", str(finished)).replace("OBJECTIVES", repr(objectives))
        with self.page() as page:
            _, opened = self.opened(page, f"ours-{finished}-{len(objectives)}", source, READY)
            page.wait_for_timeout(1_000 * (2 + finished * FILL_SECONDS))
            works = {}
            for name in TABS if len(objectives) == 1 else ("Pareto", "Matrix"):
                open_tab(page, name)
                works[name] = watched(self.browser, page, TAB_SECONDS)
            if len(objectives) == 1:
                # The table by itself: beside a chart that stands still, arranged in the way that costs most.
                page.locator("th button[data-key='objective 0']").click()
                page.get_by_label("Filter the trials").fill("lr<0.05")
                open_tab(page, "Importance")
                works["Table, sorted and filtered"] = watched(self.browser, page, TAB_SECONDS)
        self.lab.end_kernels()
        return opened, works

    def figure_widget(self, finished: int) -> tuple[float, Work]:
        """Measure plotly's own widget."""
        shown = [".js-plotly-plot .js-line", *([".js-plotly-plot .point"] if finished else [])]
        with self.page() as page:
            source = WIDGET.replace("FINISHED", str(finished))
            _, opened = self.opened(page, f"widget-{finished}", source, shown)
            page.wait_for_timeout(5_000)
            work = watched(self.browser, page, SECONDS)
        self.lab.end_kernels()
        return opened, work

    def optuna_dashboard(self, finished: int) -> Cost:
        """Serve a study of as many trials with optuna-dashboard."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        url = f"sqlite:///{self.folder}/study{finished}.db"
        study = optuna.create_study(study_name="bench", storage=url, direction="maximize")
        study.add_trials(list(optuna_trials(finished)))
        with self.page() as page, serving(url) as (address, process):
            began = time.monotonic()
            page.goto(f"{address}/dashboard/studies/1")
            page.locator(".js-plotly-plot .scatterlayer").first.wait_for(timeout=300_000)
            opened = time.monotonic() - began
            page.wait_for_timeout(5_000)
            sizes: list[int] = []
            page.on("requestfinished", lambda request: sizes.append(request.sizes()["responseBodySize"]))
            before = server_seconds(process)
            work = watched(self.browser, page, 2 * SECONDS)
            spent = server_seconds(process) - before
            updates = max(1, len(sizes))
            work = replace(work, mean=work.mean * 2 * SECONDS / PERIOD / updates)  # per update of its own
            return Cost(opened, work, sum(sizes) / updates / 1000, 1_000 * spent / updates)


def open_tab(page: Page, name: str) -> None:
    """Open a chart and let it settle."""
    page.get_by_role("tab", name="Pareto" if name == "Matrix" else name).click()
    if name in {"Pareto", "Matrix"}:
        page.get_by_label("Objectives").select_option("all" if name == "Matrix" else "1,0")
    page.wait_for_timeout(1_500)


def optuna_trials(finished: int) -> Iterator[Any]:
    """Make trials like ours, the last 20 of them with curves."""
    import numpy as np
    import optuna
    from optuna.distributions import FloatDistribution, IntDistribution

    space = {"lr": FloatDistribution(1e-4, 1e-1, log=True), "width": IntDistribution(16, 256)}
    rng = np.random.default_rng(0)
    for number in range(finished + RUNNING):
        params = {"lr": float(10 ** rng.uniform(-4, -1)), "width": int(rng.integers(16, 256))}
        curve = np.sin(np.arange(POINTS) / 40 + number).tolist() if number >= finished else [0.5]
        yield optuna.trial.create_trial(
            params=params,
            distributions=space,
            value=float(rng.uniform()),
            intermediate_values=dict(enumerate(curve)),
        )


@contextmanager
def serving(url: str) -> Iterator[tuple[str, int]]:
    """Run optuna-dashboard's server over a storage; its address, and its process."""
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
            yield f"http://127.0.0.1:{port}", process.pid
        finally:
            process.terminate()


def server_seconds(pid: int) -> float:
    """Return the CPU seconds that a process has used."""
    import psutil

    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def told(words: str, cost: Cost, kernel: str = "kernel") -> None:
    """Print what something costs."""
    work = cost.work
    print(
        f"{words:<34} open {cost.opened:6.2f} s  {kernel} {cost.kernel:6.2f} ms {cost.kilobytes:7.1f} kB  "
        f"main thread {work.mean:6.1f} ms per update, {work.most:6.1f} in the worst, "
        f"longest task {work.longest:6.1f}",
        flush=True,
    )


def compare(bench: Bench, finished: int) -> str:
    """Measure and print one job; return its ratios."""
    job = f"{finished:,} trials" if finished else f"{RUNNING} x {POINTS}"
    kernel, size, _ = bench_dashboard(finished, growing=bool(finished))
    opened, works = bench.ours(finished)
    ours = Cost(opened, works["Metrics"], size / 1000, kernel)
    told(f"dashboard, {job}", ours)
    their_kernel, their_size = bench_figure_widget(finished)
    widget = Cost(*bench.figure_widget(finished), their_size / 1000, their_kernel)
    told(f"FigureWidget, {job}", widget)
    _, pareto = bench.ours(finished, ("accuracy", "speed", "size"))
    for name, work in {**works, **pareto}.items():
        print(
            f"    {name:<28} {work.mean:6.1f} ms per update, {work.most:6.1f} in the worst, "
            f"longest task {work.longest:6.1f}",
            flush=True,
        )
    optuna = bench.optuna_dashboard(finished)
    told(f"optuna-dashboard, {job}", optuna, "server")
    worst = max(work.most for work in (*works.values(), *pareto.values()))
    return (
        f"{job}: ms_update={ours.work.mean:.1f} ms_worst={worst:.1f} open={ours.opened:.2f} "
        f"x_figurewidget={widget.work.mean / ours.work.mean:.1f} "
        f"x_figurewidget_open={widget.opened / ours.opened:.1f} "
        f"x_figurewidget_kernel={widget.kernel / ours.kernel:.1f} "
        f"x_figurewidget_bytes={widget.kilobytes / ours.kilobytes:.1f} "
        f"x_optuna={optuna.work.mean / ours.work.mean:.1f} x_optuna_open={optuna.opened / ours.opened:.1f} "
        f"x_optuna_server={optuna.kernel / ours.kernel:.0f} "
        f"x_optuna_bytes={optuna.kilobytes / ours.kilobytes:.1f}"
    )


def main() -> None:
    """Print the figures; the last lines are for machines."""
    from playwright.sync_api import sync_playwright
    from plugins.browser import CHROMIUM_OPTIONS
    from plugins.lab_server import running_lab

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10_000, help="of the large job")
    trials: int = parser.parse_args().trials
    comm.create_comm = WireComm
    with (
        tempfile.TemporaryDirectory() as folder,
        running_lab(Path(folder)) as lab,
        sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_OPTIONS)
        bench = Bench(browser, lab, Path(folder))
        ratios = [compare(bench, finished) for finished in (0, trials)]
        browser.close()
    WIRE.socket.close()
    print("\n".join(ratios))


if __name__ == "__main__":
    main()
