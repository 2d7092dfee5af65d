from __future__ import annotations

import ctypes
import os
import queue
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from contracts.executor_contract import ExecutorContract, RecordingChannel
from plugins.patience import PATIENCE, gone, until, within

from astraml_lab.executors import Executor, Outcome, ProcessExecutor, Task
from astraml_lab.process import OutOfMemoryCounter, Templates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from executors.conftest import Bench

    from astraml_lab.executors import Stream
    from astraml_lab.trial import Channel


class TestForked(ExecutorContract):
    @pytest.fixture
    def executor(self, forking: Templates) -> Iterator[Executor]:
        executor = ProcessExecutor(home=forking)
        yield executor
        assert executor.close(PATIENCE)


class TestSpawned(ExecutorContract):
    @pytest.fixture
    def executor(self) -> Iterator[Executor]:
        servers = Templates(fork=False, heavy=())
        executor = ProcessExecutor(home=servers)
        yield executor
        assert executor.close(PATIENCE)
        assert servers.close(PATIENCE)


@pytest.mark.parametrize(
    ("end", "sentence"),
    [
        (lambda _channel: ctypes.string_at(0), "crashed: segmentation fault (SIGSEGV)"),
        (lambda _channel: os.abort(), "crashed: aborted (SIGABRT)"),
        (lambda _channel: os._exit(3), "ended itself with exit code 3 (os._exit)"),
        (lambda _channel: os.kill(os.getpid(), signal.SIGKILL), "was killed (SIGKILL) from outside"),
        (
            lambda _channel: os.kill(os.getpid(), signal.SIGTERM),
            "was ended by a signal (SIGTERM) from outside",
        ),
    ],
)
def test_a_process_that_dies_costs_its_trial_and_is_told_in_words(
    bench: Bench, end: Any, sentence: str
) -> None:
    assert bench.end(end) == Outcome(lost=sentence)
    assert bench.value(lambda _channel: "next") == "next"


def test_a_crash_leaves_the_place_where_it_happened_in_the_log(bench: Bench) -> None:
    bench.end(lambda _channel: ctypes.string_at(0))
    assert "Segmentation fault" in bench.text("err")
    assert "test_processes.py" in bench.text("err")


def test_a_process_that_was_killed_while_memory_ran_out_is_told_from_another(
    forking: Templates, tmp_path: Path
) -> None:
    events = tmp_path / "memory.events"
    events.write_text("oom 1\noom_kill 1\n")
    executor = ProcessExecutor(home=forking, memory=OutOfMemoryCounter([events]))
    ends: queue.Queue[Outcome] = queue.Queue()

    def run(_channel: Channel) -> None:
        events.write_text("oom 2\noom_kill 2\n")  # as the system does, which this test cannot bring about
        os.kill(os.getpid(), signal.SIGKILL)

    executor.submit(Task("t", run, RecordingChannel()), ends.put)
    assert ends.get(timeout=PATIENCE) == Outcome(
        lost="was killed by the system because memory ran out", out_of_memory=True
    )
    executor.close(PATIENCE)


def test_a_process_stuck_in_c_code_that_holds_the_lock_is_killed(bench: Bench) -> None:
    def run(channel: Channel) -> None:
        channel.report({"begun": 1}, None)
        ctypes.PyDLL(None).pause()  # `PyDLL` keeps the interpreter lock

    channel = bench.start(run)
    while not channel.reports:
        time.sleep(0.01)
    with within(20):
        assert bench.handle.kill()
        assert bench.ends.get(timeout=PATIENCE).lost == "was killed because its job asked for it"


def test_a_task_that_was_cancelled_at_once_does_not_run(forking: Templates) -> None:
    executor = ProcessExecutor([_SlowToLoad()], home=forking)
    ends: queue.Queue[Outcome] = queue.Queue()
    handle = executor.submit(Task("t", lambda _channel: "ran", RecordingChannel()), ends.put)
    handle.cancel()
    assert ends.get(timeout=PATIENCE) == Outcome(error="cancelled before it began")
    assert executor.close(PATIENCE)


class _SlowToLoad:
    def __reduce__(self) -> tuple[Any, ...]:
        def load() -> str:
            import time

            time.sleep(2)
            return "loaded"

        return load, ()


def test_output_comes_in_order_decoded_and_without_loss(bench: Bench) -> None:
    def run(_channel: Channel) -> None:
        print("grün", flush=True)  # noqa: T201
        os.write(1, b"by \xff hand\n")
        ctypes.CDLL(None).puts(b"from C")
        print("wrong", file=sys.stderr)  # noqa: T201
        print("the last words", end="")  # noqa: T201

    bench.value(run)
    assert bench.text("out").startswith("grün\nby \\xff hand\n")
    assert sorted(bench.text("out")[len("grün\nby \\xff hand\n") :]) == sorted("the last wordsfrom C\n")
    assert bench.text("err") == "wrong\n"


def test_a_hundred_megabytes_of_prints_pass_through(forking: Templates) -> None:
    executor = ProcessExecutor(home=forking)
    ends: queue.Queue[Outcome] = queue.Queue()
    seen = 0

    def write(_stream: Stream, text: str) -> None:
        nonlocal seen
        seen += len(text)

    def run(_channel: Channel) -> None:
        for _ in range(1000):
            print("x" * 99_999)  # noqa: T201

    executor.submit(Task("t", run, RecordingChannel(), write=write), ends.put)
    assert ends.get(timeout=PATIENCE) == Outcome()
    assert seen == 100_000_000
    executor.close(PATIENCE)


def test_a_grandchild_that_holds_the_pipe_does_not_hold_up_the_end(bench: Bench) -> None:
    def run(_channel: Channel) -> int:
        import subprocess

        return subprocess.Popen(["sleep", "600"], start_new_session=True).pid

    with within(30):
        pid = bench.value(run)
    os.kill(int(str(pid)), signal.SIGKILL)


def test_what_a_trial_leaves_behind_in_its_session_is_killed(bench: Bench) -> None:
    def run(_channel: Channel) -> list[int]:
        import subprocess

        return [
            subprocess.Popen(["sleep", "600"]).pid,
            subprocess.Popen(["sleep", "600"], process_group=0).pid,
        ]

    pids = bench.value(run)
    assert isinstance(pids, list)
    until(lambda: all(gone(pid) for pid in pids))  # killed by the time the end is told, and dead soon after


def test_the_environment_is_the_kernels_with_the_tasks_on_top(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASTRAML_TEST_A", "the kernel's")
    monkeypatch.setenv("ASTRAML_TEST_B", "the kernel's")
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    names = ("ASTRAML_TEST_A", "ASTRAML_TEST_B", "MPLBACKEND", "OMP_NUM_THREADS")

    def run(_channel: Channel) -> list[str | None]:
        return [os.environ.get(name) for name in names]

    task = {"ASTRAML_TEST_B": "the task's", "OMP_NUM_THREADS": "2"}
    assert bench.value(run, task) == ["the kernel's", "the task's", "agg", "2"]


def test_a_trial_is_a_main_process_in_a_session_of_its_own_and_stands_back(bench: Bench) -> None:
    def run(_channel: Channel) -> tuple[object, ...]:
        import multiprocessing

        return (
            multiprocessing.parent_process(),
            multiprocessing.current_process().name,
            multiprocessing.current_process().daemon,
            os.getsid(0) == os.getpid() != session,
            os.getcwd(),  # noqa: PTH109
            sys.stdin.read(),
            os.nice(0) - niceness,
        )

    session, niceness = os.getsid(0), os.nice(0)
    here = os.getcwd()  # noqa: PTH109
    assert bench.value(run) == (None, "MainProcess", False, True, here, "", 10)


def test_each_trial_is_a_fresh_process(bench: Bench) -> None:
    def run(_channel: Channel) -> tuple[int, bool, float]:
        import random

        seen = hasattr(os, "astraml_was_here")
        os.astraml_was_here = True  # type: ignore[attr-defined]  # that is the point
        return os.getpid(), seen, random.random()  # noqa: S311

    first, second = bench.value(run), bench.value(run)
    assert isinstance(first, tuple)
    assert isinstance(second, tuple)
    assert first[0] != second[0]
    assert first[1] is second[1] is False
    assert first[2] != second[2]


def test_what_is_shared_is_loaded_once_and_not_sent_again(forking: Templates) -> None:
    import numpy as np

    data = np.arange(25_000_000)  # 200 MB

    def run(_channel: Channel) -> tuple[int, int]:
        return int(data[-1]), int(data.__array_interface__["data"][0])

    executor = ProcessExecutor([data], home=forking)
    ends: queue.Queue[Outcome] = queue.Queue()
    executor.submit(Task("t", run, RecordingChannel()), ends.put)
    first = ends.get(timeout=PATIENCE).value
    with within(10):
        for _ in range(3):
            executor.submit(Task("t", run, RecordingChannel()), ends.put)
            # at the same address: it was loaded before the fork
            assert ends.get(timeout=PATIENCE).value == first
    assert executor.close(PATIENCE)


def test_what_is_shared_and_cannot_be_loaded_is_every_trials_error(forking: Templates) -> None:
    class Vanished:
        def __reduce__(self) -> tuple[Any, ...]:
            def load() -> None:
                raise LookupError("the file has moved")

            return load, ()

    executor = ProcessExecutor([Vanished()], home=forking)
    ends: queue.Queue[Outcome] = queue.Queue()
    for _ in range(2):
        executor.submit(Task("t", lambda _channel: None, RecordingChannel()), ends.put)
        outcome = ends.get(timeout=PATIENCE)
        assert outcome.error == "LookupError: the file has moved"
        assert 'raise LookupError("the file has moved")' in outcome.traceback
    assert executor.close(PATIENCE)


def test_what_cannot_be_sent_is_named(bench: Bench, forking: Templates) -> None:
    settings = {"lock": threading.Lock()}

    def run(_channel: Channel) -> object:
        return settings

    outcome = bench.end(run)
    assert outcome.error == (
        "`settings['lock']` (_thread.lock) cannot be sent to a process: cannot pickle '_thread.lock' object"
    )
    executor = ProcessExecutor([1, settings], home=forking)
    ends: queue.Queue[Outcome] = queue.Queue()
    executor.submit(Task("t", lambda _channel: None, RecordingChannel()), ends.put)
    assert "`shared[1]['lock']` (_thread.lock)" in (ends.get(timeout=PATIENCE).error or "")
    assert executor.close(PATIENCE)


def test_what_cannot_come_back_is_an_error(bench: Bench) -> None:
    outcome = bench.end(lambda _channel: (number for number in range(3)))
    assert outcome.error == (
        "returned a generator, which cannot come back from its process: cannot pickle 'generator' object"
    )


def test_report_from_a_process_that_the_trial_forked_is_refused_in_a_sentence(bench: Bench) -> None:
    def run(channel: Channel) -> tuple[str, str]:
        import multiprocessing

        def work(said: object) -> None:
            try:
                channel.report({"loss": 1.0}, None)
            except Exception as error:  # noqa: BLE001
                said.put(f"{type(error).__name__}: {error}")  # type: ignore[attr-defined]  # a queue

        forks = multiprocessing.get_context("fork")
        said = forks.SimpleQueue()
        child = forks.Process(target=work, args=(said,))
        child.start()
        text = said.get()
        child.join()
        channel.report({"loss": 2.0}, None)
        return text, "and the trial goes on"

    value = bench.value(run)
    assert isinstance(value, tuple)
    assert value[0].startswith("NotInTrial: `report` and its like work in the trial's own process")
    assert value[1] == "and the trial goes on"


def test_threads_of_a_trial_report_at_once(bench: Bench) -> None:
    def run(channel: Channel) -> None:
        import threading

        def work() -> None:
            for step in range(50):
                channel.report({"loss": 1.0}, step)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    channel = bench.start(run)
    assert bench.ends.get(timeout=PATIENCE) == Outcome()
    assert sorted(step or 0 for _, step in channel.reports) == sorted([*range(50)] * 4)


def test_a_template_that_dies_takes_its_trials_along_and_is_replaced(bench: Bench) -> None:
    template = bench.value(lambda _channel: os.getppid())

    def run(channel: Channel) -> None:
        channel.report({"begun": 1}, None)
        time.sleep(600)

    channel = bench.start(run)
    while not channel.reports:
        time.sleep(0.01)
    os.kill(int(str(template)), signal.SIGKILL)
    assert (
        bench.ends.get(timeout=PATIENCE).lost == "was lost with the template process of its job, which died"
    )
    assert bench.value(lambda _channel: os.getppid()) != template


def test_a_base_that_dies_is_replaced() -> None:
    servers = Templates(fork=True, heavy=())
    executor = ProcessExecutor(home=servers)
    ends: queue.Queue[Outcome] = queue.Queue()
    first = servers.base().probe().pid
    os.kill(first, signal.SIGKILL)
    executor.submit(Task("t", lambda _channel: "ran", RecordingChannel()), ends.put)
    assert ends.get(timeout=PATIENCE) == Outcome(value="ran")
    assert servers.base().probe().pid != first
    assert executor.close(PATIENCE)
    assert servers.close(PATIENCE)


def test_twenty_tasks_from_four_threads(bench: Bench) -> None:
    def submit(first: int) -> None:
        for number in range(first, first + 5):
            bench.executor.submit(Task("t", _twice(number), RecordingChannel()), bench.ends.put)

    threads = [threading.Thread(target=submit, args=(first,)) for first in range(0, 20, 5)]
    for thread in threads:
        thread.start()
    values = [bench.ends.get(timeout=PATIENCE).value for _ in range(20)]
    assert sorted(map(str, values)) == sorted(str(2 * number) for number in range(20))


def _twice(number: int) -> Any:
    return lambda _channel: 2 * number


def test_nothing_is_left_after_many_tasks_and_a_close() -> None:
    def left() -> tuple[int, int, int]:
        me = psutil.Process()
        return me.num_fds(), threading.active_count(), len(me.children(recursive=True))

    before = left()
    servers = Templates(fork=True, heavy=())
    executor = ProcessExecutor(home=servers)
    ends: queue.Queue[Outcome] = queue.Queue()
    for _ in range(5):
        for _ in range(10):
            executor.submit(Task("t", lambda _channel: None, RecordingChannel()), ends.put)
        assert [ends.get(timeout=PATIENCE) for _ in range(10)] == [Outcome()] * 10
    assert executor.close(PATIENCE)
    assert servers.close(PATIENCE)
    # A thread that has told its end is still leaving.
    until(lambda: all(now <= then for now, then in zip(left(), before, strict=True)))


def test_an_executor_without_servers_of_its_own_brings_and_ends_them() -> None:
    executor = ProcessExecutor()
    executor.prepare()
    ends: queue.Queue[Outcome] = queue.Queue()
    executor.submit(Task("t", lambda _channel: 3, RecordingChannel()), ends.put)
    assert ends.get(timeout=PATIENCE) == Outcome(value=3)
    assert executor.close(PATIENCE)


def test_tracebacks_show_the_lines_of_a_cell_and_its_module_travels(bench: Bench) -> None:
    import linecache
    import types

    source = "def fail(x):\n    raise ValueError(x)  # a line of a cell\n\nclass Net:\n    size = 3\n"
    linecache.cache["<cell 12>"] = (len(source), None, source.splitlines(keepends=True), "<cell 12>")
    module = types.ModuleType("astraml_cell_made_up")
    exec(compile(source, "<cell 12>", "exec"), vars(module))  # noqa: S102
    sys.modules[module.__name__] = module
    try:
        outcome = bench.end(lambda _channel: module.fail(module.Net.size))
    finally:
        del sys.modules[module.__name__], linecache.cache["<cell 12>"]
    assert outcome.error == "ValueError: 3"
    assert "raise ValueError(x)  # a line of a cell" in outcome.traceback


def test_what_a_trial_wants_done_at_its_exit_is_done(bench: Bench, tmp_path: Path) -> None:
    def run(_channel: Channel) -> str:
        import atexit
        import tempfile

        atexit.register((tmp_path / "done").touch)
        run.folder = tempfile.TemporaryDirectory(dir=tmp_path)  # type: ignore[attr-defined]  # lives to the end
        return str(run.folder.name)  # type: ignore[attr-defined]  # see above

    folder = Path(str(bench.value(run)))
    assert (tmp_path / "done").exists()
    assert not folder.exists()


def test_what_is_shared_is_not_undone_at_a_trials_exit(forking: Templates, tmp_path: Path) -> None:
    class Folder:
        """Makes a temporary folder where it is loaded."""

        def __reduce__(self) -> tuple[Any, ...]:
            import tempfile

            return tempfile.TemporaryDirectory, (None, None, tmp_path)

    shared = Folder()
    executor = ProcessExecutor([shared], home=forking)
    ends: queue.Queue[Outcome] = queue.Queue()
    for _ in range(2):
        executor.submit(Task("t", lambda _channel: Path(shared.name).exists(), RecordingChannel()), ends.put)  # type: ignore[attr-defined]  # there
        assert ends.get(timeout=PATIENCE) == Outcome(value=True)
    assert executor.close(PATIENCE)
