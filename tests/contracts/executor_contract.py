"""What every executor promises; each back end inherits the class and provides the `executor` fixture."""

from __future__ import annotations

import contextvars
import gc
import os
import queue
import threading
import time
import weakref
from typing import TYPE_CHECKING, NoReturn

import pytest
from plugins.patience import PATIENCE

from astraml_lab.errors import InvalidSpec, MissingExtra, NotFound, Problem, TrialPruned, TrialStopped
from astraml_lab.executors import Executor, Outcome, Stream, Task
from astraml_lab.spec import Float

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from astraml_lab.spec import AnyDimension, ParamValue
    from astraml_lab.trial import Channel

_VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("contract", default="unset")


class RecordingChannel:
    """A channel that keeps what it is told."""

    def __init__(self) -> None:
        self.reports: list[tuple[dict[str, float], int | None]] = []
        self.stopping = threading.Event()

    def report(self, metrics: Mapping[str, float], step: int | None) -> None:
        self.reports.append((dict(metrics), step))

    def should_stop(self) -> bool:
        return self.stopping.is_set()

    def secret(self, name: str) -> str:
        raise NotFound(f"no secret {name} here")

    def suggest(self, name: str, dimension: AnyDimension) -> ParamValue:
        raise AssertionError(f"nobody suggests {name} {dimension} here")


class Model:
    """Stands for something that fills a GPU."""


class ExecutorContract:
    """What all promise. Inherit, and override the fixture `executor`."""

    @pytest.fixture
    def executor(self) -> Executor:
        pytest.fail("a contract's heir brings its own executor")

    @pytest.fixture
    def end(self, executor: Executor) -> Callable[[Callable[[Channel], object]], Outcome]:
        """Run something and wait for its outcome."""

        def run(function: Callable[[Channel], object]) -> Outcome:
            ends: queue.Queue[Outcome] = queue.Queue()
            executor.submit(Task("trial-7", function, RecordingChannel()), ends.put)
            return ends.get(timeout=PATIENCE)

        return run

    def test_a_task_gets_its_channel_and_returns_its_value(self, executor: Executor) -> None:
        channel, ends = RecordingChannel(), queue.Queue[Outcome]()

        def run(channel: Channel) -> str:
            channel.report({"loss": 0.5}, 3)
            return "done"

        handle = executor.submit(Task("trial-7", run, channel), ends.put)
        assert ends.get(timeout=PATIENCE) == Outcome(value="done")
        assert channel.reports == [({"loss": 0.5}, 3)]
        assert executor.close(PATIENCE)
        assert not handle.alive

    @pytest.mark.parametrize(
        "kind", [ValueError, SystemExit, KeyboardInterrupt, GeneratorExit, BaseException]
    )
    def test_whatever_is_raised_is_an_outcome(
        self, end: Callable[[Callable[[Channel], object]], Outcome], kind: type[BaseException]
    ) -> None:
        def run(_channel: Channel) -> NoReturn:
            raise kind("learning rate is nonsense")

        outcome = end(run)
        assert outcome.value is None
        assert outcome.error == f"{kind.__name__}: learning rate is nonsense"
        assert outcome.error_type == f"builtins.{kind.__name__}"
        assert 'raise kind("learning rate is nonsense")' in outcome.traceback

    def test_an_exception_that_cannot_be_printed_is_an_outcome_too(
        self, end: Callable[[Callable[[Channel], object]], Outcome]
    ) -> None:
        class Unprintable(Exception):
            def __str__(self) -> str:
                raise ValueError

        def run(_channel: Channel) -> NoReturn:
            raise Unprintable

        assert "Unprintable" in (end(run).error or "")

    def test_the_end_is_told_exactly_once(self, executor: Executor) -> None:
        ends: list[Outcome] = []
        handles = [
            executor.submit(Task(f"trial-{number}", lambda _channel: None, RecordingChannel()), ends.append)
            for number in range(20)
        ]
        assert executor.close(PATIENCE)
        for handle in handles:
            handle.cancel()
            handle.cancel()
            assert not handle.alive
        assert len(ends) == 20

    def test_the_beginning_is_told_once_and_before_the_end(self, executor: Executor) -> None:
        said: list[str] = []
        over = threading.Event()

        def end(_outcome: Outcome) -> None:
            said.append("ended")
            over.set()

        channel = RecordingChannel()
        executor.submit(Task("t", lambda _channel: None, channel, begun=lambda: said.append("begun")), end)
        assert over.wait(PATIENCE)
        assert said == ["begun", "ended"]

    def test_a_closed_executor_takes_nothing(self, executor: Executor) -> None:
        assert executor.close(PATIENCE)
        assert executor.close(PATIENCE)
        with pytest.raises(RuntimeError, match="closed"):
            executor.submit(Task("trial-7", lambda _channel: None, RecordingChannel()), lambda _outcome: None)

    def test_kill_ends_what_can_be_killed_and_says_where_it_cannot(self, executor: Executor) -> None:
        ends: queue.Queue[Outcome] = queue.Queue()
        channel = RecordingChannel()

        def run(channel: Channel) -> str:
            channel.report({"begun": 1.0}, None)
            while killable:
                pass
            return "came to its end"

        killable = executor.can_kill
        handle = executor.submit(Task("trial-7", run, channel), ends.put)
        while not channel.reports:
            time.sleep(0.01)
        if executor.can_kill:
            assert handle.kill()
            assert handle.kill()
            outcome = ends.get(timeout=PATIENCE)
            assert outcome.lost.startswith("was killed")
            assert (outcome.value, outcome.error, outcome.out_of_memory) == (None, None, False)
            assert executor.close(PATIENCE)
            assert ends.empty()
        else:
            assert not handle.kill()
            assert ends.get(timeout=PATIENCE) == Outcome(value="came to its end")

    def test_a_task_may_bring_an_environment_and_a_place_for_output(self, executor: Executor) -> None:
        ends: queue.Queue[Outcome] = queue.Queue()
        written: list[tuple[Stream, str]] = []

        def run(_channel: Channel) -> int:
            return 7

        task = Task(
            "trial-7",
            run,
            RecordingChannel(),
            env={"ASTRAML_CONTRACT": "1"},
            write=lambda stream, text: written.append((stream, text)),
        )
        executor.submit(task, ends.put)
        assert ends.get(timeout=PATIENCE) == Outcome(value=7)
        assert written == []
        assert "ASTRAML_CONTRACT" not in os.environ

    @pytest.mark.parametrize(
        "error",
        [
            TrialPruned("pruned at step 4: loss 0.91 is above the median 0.62"),
            TrialStopped("stopped by you"),
            InvalidSpec([Problem("lr", "-1", "more than 0")], subject="the trial"),
            MissingExtra("ray", "ray"),
            ValueError("not ours"),
        ],
        ids=lambda error: type(error).__name__,
    )
    def test_what_the_channel_raises_reaches_the_code_as_it_is(
        self, executor: Executor, error: BaseException
    ) -> None:
        class Refusing(RecordingChannel):
            def report(self, metrics: Mapping[str, float], step: int | None) -> None:  # noqa: ARG002
                raise error

        def run(channel: Channel) -> tuple[str, str, str]:
            try:
                channel.report({"loss": 1.0}, 4)
            except BaseException as caught:  # noqa: BLE001
                more = getattr(caught, "reason", "") or str(getattr(caught, "problems", ""))
                return type(caught).__name__, str(caught), more
            return "", "", ""

        ends: queue.Queue[Outcome] = queue.Queue()
        executor.submit(Task("trial-7", run, Refusing()), ends.put)
        more = getattr(error, "reason", "") or str(getattr(error, "problems", ""))
        assert ends.get(timeout=PATIENCE).value == (type(error).__name__, str(error), more)

    def test_should_stop_and_suggest_are_answered(self, executor: Executor) -> None:
        class Answering(RecordingChannel):
            def suggest(self, name: str, dimension: AnyDimension) -> ParamValue:
                return f"{name} of {dimension}"

        channel = Answering()
        channel.stopping.set()
        dimension = Float(0.0, 1.0)

        def run(channel: Channel) -> tuple[bool, ParamValue]:
            return channel.should_stop(), channel.suggest("lr", dimension)

        ends: queue.Queue[Outcome] = queue.Queue()
        executor.submit(Task("trial-7", run, channel), ends.put)
        assert ends.get(timeout=PATIENCE).value == (True, f"lr of {dimension}")


class InProcessContract(ExecutorContract):
    """What executors promise whose tasks run in the kernel: the objects are the kernel's own."""

    def test_a_task_runs_in_a_fresh_copy_of_the_context(
        self, end: Callable[[Callable[[Channel], object]], Outcome]
    ) -> None:
        def run(_channel: Channel) -> str:
            before = _VARIABLE.get()
            _VARIABLE.set("changed by a task")
            return before

        token = _VARIABLE.set("the caller's")
        try:
            assert [end(run).value, end(run).value, _VARIABLE.get()] == ["the caller's"] * 3
        finally:
            _VARIABLE.reset(token)

    @pytest.mark.parametrize("fails", [False, True])
    def test_nothing_of_the_task_is_held_when_the_end_is_told(
        self, executor: Executor, *, fails: bool
    ) -> None:
        kept: list[weakref.ref[Model]] = []
        alive: queue.Queue[list[bool]] = queue.Queue()

        def task() -> Task:
            given = Model()
            kept.append(weakref.ref(given))

            def run(_channel: Channel) -> None:
                made = Model()
                kept.append(weakref.ref(made))
                if fails:
                    try:
                        dict[Model, None]()[given]
                    except KeyError as error:
                        raise RuntimeError from error

            return Task("trial-7", run, RecordingChannel())

        def on_end(outcome: Outcome) -> None:
            assert (outcome.error is not None) == fails
            gc.collect()
            alive.put([model() is not None for model in kept])

        executor.submit(task(), on_end)
        assert alive.get(timeout=PATIENCE) == [False, False]
        assert executor.close(PATIENCE)
