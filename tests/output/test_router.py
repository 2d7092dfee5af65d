# ruff: noqa: T201  (what is printed is what is tested)
from __future__ import annotations

import contextlib
import gc
import io
import logging
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import cloudpickle
import pytest
from rich.console import Console
from tqdm import tqdm
from tqdm.contrib.concurrent import ensure_lock

from astraml_lab.output import TrialSink, capture, install, sink_print, uninstall

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[TrialSink]:
    sink = TrialSink(tmp_path / "log.txt")
    yield sink
    sink.close()


@pytest.fixture
def routed(capsys: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    install()
    yield capsys
    uninstall()


def texts(sink: TrialSink) -> list[str]:
    return [line.text for line in sink.tail()]


@pytest.mark.usefixtures("routed")
def test_code_that_uses_sys_is_pickled_while_trials_run() -> None:
    def largest() -> int:
        return sys.maxsize

    for pickled in (cloudpickle.dumps(largest), cloudpickle.dumps(sys)):
        cloudpickle.loads(pickled)
    assert cloudpickle.loads(cloudpickle.dumps(sys)) is sys


@pytest.mark.usefixtures("routed")
def test_everything_that_a_trial_says_goes_to_its_sink(
    sink: TrialSink, routed: pytest.CaptureFixture[str]
) -> None:
    with capture(sink):
        print("print")
        print("stderr", file=sys.stderr)
        sys.stdout.write("written\n")
        print("dunder", file=sys.__stdout__)
        for _ in tqdm(range(3), desc="bar"):
            pass
        Console().print("rich")
        sink_print(sink)("bound", 1, sep="-")
    found = "\n".join(texts(sink))
    for word in ("print", "stderr", "written", "dunder", "bar: 100%", "rich", "bound-1"):
        assert word in found
    assert routed.readouterr() == ("", "")


def test_handlers_made_before_installing_write_to_the_trial_that_logs(
    sink: TrialSink, capsys: pytest.CaptureFixture[str]
) -> None:
    log = logging.getLogger("made.before")
    handler = logging.StreamHandler()
    log.addHandler(handler)
    install()
    try:
        with capture(sink):
            log.warning("from the trial")
        log.warning("from a cell")
    finally:
        uninstall()
        log.removeHandler(handler)
    assert texts(sink) == ["from the trial"]
    assert capsys.readouterr().err == "from a cell\n"


def test_a_handler_made_by_a_trial_does_not_keep_later_logging(
    tmp_path: Path, routed: pytest.CaptureFixture[str]
) -> None:
    first, second = TrialSink(tmp_path / "1.txt"), TrialSink(tmp_path / "2.txt")
    log = logging.getLogger("made.inside")
    with capture(first):
        handler = logging.StreamHandler()
        log.addHandler(handler)
        log.warning("one")
    with capture(second):
        log.warning("two")
    log.warning("three")
    log.removeHandler(handler)
    assert (texts(first), texts(second), routed.readouterr().err) == (["one"], ["two"], "three\n")
    first.close()
    second.close()


@pytest.mark.usefixtures("routed")
def test_threads_and_pools_of_a_trial_belong_to_it(
    sink: TrialSink, routed: pytest.CaptureFixture[str]
) -> None:
    shared = ThreadPoolExecutor(1)
    shared.submit(print, "cell before").result()
    with capture(sink):
        thread = threading.Thread(target=print, args=("thread",))
        thread.start()
        thread.join()
        with ThreadPoolExecutor(2) as pool:
            for _ in range(2):
                pool.submit(print, "pool").result()
        shared.submit(print, "shared").result()
    shared.submit(print, "cell after").result()
    shared.shutdown()
    assert sorted(texts(sink)) == ["pool", "pool", "shared", "thread"]
    assert routed.readouterr().out == "cell before\ncell after\n"


def test_a_thread_that_outlives_its_job_does_not_print_into_a_cell(
    sink: TrialSink, capsys: pytest.CaptureFixture[str]
) -> None:
    go = threading.Event()

    def late() -> None:
        go.wait(120)
        print("late")

    install()
    with capture(sink):
        thread = threading.Thread(target=late)
        thread.start()
    sink.close()
    uninstall()
    go.set()
    thread.join(120)
    assert texts(sink) == ["late"]
    assert capsys.readouterr().out == ""
    assert threading.Thread.start.__module__ == "threading"


@pytest.mark.usefixtures("routed")
def test_a_pool_whose_thread_a_trial_started_serves_a_cell_afterwards(
    sink: TrialSink, routed: pytest.CaptureFixture[str]
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with capture(sink):
            pool.submit(print, "trial").result()
        pool.submit(print, "cell").result()
    assert (texts(sink), routed.readouterr().out) == (["trial"], "cell\n")


@pytest.mark.usefixtures("routed")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_the_traceback_of_a_trials_thread_is_its_own(
    sink: TrialSink, routed: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    with capture(sink):
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start()
        thread.join()
    assert "ZeroDivisionError: division by zero" in texts(sink)
    assert routed.readouterr().err == ""


@pytest.mark.usefixtures("routed")
def test_a_finished_thread_keeps_nothing_of_the_trial(sink: TrialSink) -> None:
    class Model:
        pass

    model = Model()
    kept = weakref.ref(model)
    with capture(sink):
        thread = threading.Thread(target=print, args=(model,))
        thread.start()
        thread.join()
    gc.disable()
    try:
        del model
        assert kept() is None
        assert "run" not in vars(thread)
    finally:
        gc.enable()


def test_redirecting_in_a_cell_neither_steals_nor_loses(
    sink: TrialSink, routed: pytest.CaptureFixture[str]
) -> None:
    go, done = threading.Event(), threading.Event()

    def trial() -> None:
        with capture(sink):
            go.wait()
            print("from the trial")
            print("as well", file=sys.stderr)
            done.set()

    thread = threading.Thread(target=trial)
    thread.start()
    with contextlib.redirect_stdout(io.StringIO()) as mine, contextlib.redirect_stderr(io.StringIO()):
        assert sys.stdout is mine
        print("from the cell")
        go.set()
        done.wait()
    thread.join()
    print("after")
    assert mine.getvalue() == "from the cell\n"
    assert texts(sink) == ["from the trial", "as well"]
    assert routed.readouterr().out == "after\n"


def test_redirecting_in_a_trial_is_the_trials_own(
    sink: TrialSink, routed: pytest.CaptureFixture[str]
) -> None:
    class Tee(io.StringIO):
        def __init__(self) -> None:
            super().__init__()
            self.before = sys.stdout

        def write(self, text: str, /) -> int:
            super().write(text)
            return self.before.write(text)

    with capture(sink):
        tee = Tee()
        with contextlib.redirect_stdout(tee):
            print("both")
            sink_print(sink)("bound")
            outside = threading.Thread(target=print, args=("same trial",))
            outside.start()
            outside.join()
        print("sink only")
    print("cell")
    assert tee.getvalue() == "both\nbound\nsame trial\n"
    assert texts(sink) == ["both", "bound", "same trial", "sink only"]
    assert routed.readouterr().out == "cell\n"


def test_streams_look_as_before_outside_a_trial_and_are_restored() -> None:
    out, err, kind = sys.stdout, sys.stderr, type(sys)
    start, submit = threading.Thread.start, ThreadPoolExecutor.submit
    install()
    install()
    assert sys.stdout is out
    uninstall()
    assert type(sys) is not kind
    uninstall()
    uninstall()
    assert (sys.stdout, sys.stderr, type(sys)) == (out, err, kind)
    assert vars(sys)["stdout"] is out
    assert "write" not in vars(out)
    assert (threading.Thread.start, ThreadPoolExecutor.submit) == (start, submit)


def test_what_a_print_of_another_thread_has_in_hand_outlives_the_routing() -> None:
    install()
    borrowed = weakref.ref(vars(sys)["stdout"])
    uninstall()
    gc.collect()

    assert borrowed() is not None
    assert vars(sys)["stdout"] is not borrowed()


def test_installing_while_a_cell_redirects_is_undone_in_any_order() -> None:
    out = sys.stdout
    with contextlib.redirect_stdout(io.StringIO()) as mine:
        install()
        print("one")
    assert sys.stdout is out
    uninstall()
    assert sys.stdout is out
    assert mine.getvalue() == "one\n"


def test_a_pool_of_tqdms_leaves_the_bars_of_other_trials_their_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    class Bar(tqdm):  # type: ignore[misc]  # untyped
        pass

    monkeypatch.delattr("tqdm.std.tqdm._lock", raising=False)
    install()
    try:
        with ensure_lock(Bar):
            lock = Bar.get_lock()
        assert Bar.get_lock() is lock
    finally:
        uninstall()


@pytest.mark.usefixtures("routed")
def test_a_trial_cannot_hand_the_kernels_descriptor_to_a_child(sink: TrialSink) -> None:
    with capture(sink), pytest.raises(io.UnsupportedOperation):
        subprocess.run([sys.executable, "-c", "print(1)"], stdout=sys.stdout, check=True)


@pytest.mark.usefixtures("routed")
def test_a_trials_figures_are_its_own(sink: TrialSink) -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    mine = pyplot.figure()
    with capture(sink):
        assert pyplot.get_fignums() == []
        pyplot.figure()
        pyplot.close("all")
        pyplot.figure()
    assert pyplot.get_fignums() == [mine.number]
    pyplot.close(mine)
