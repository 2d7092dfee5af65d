from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from plugins.fake_job import FakeReader, play

from astraml_lab.clock import FakeClock
from astraml_lab.search import Importance
from astraml_lab.ui.audience import Attention, Audience, Want
from astraml_lab.ui.feed import Feed
from astraml_lab.ui.importances import PAUSE, Importances

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astraml_lab.spec import JobView, TrialView

ASKED = Attention((Want("accuracy", "importance"),))


class Computed:
    """Computes when it is let, and notes on which threads."""

    def __init__(self) -> None:
        self.threads: list[str] = []
        self.may = threading.Event()
        self.done = threading.Semaphore(0)

    def __call__(self, _view: JobView, trials: Sequence[TrialView], index: int) -> Importance:
        self.threads.append(threading.current_thread().name)
        self.may.wait(120)
        self.done.release()
        return Importance({"lr": 1.0}, trials=len(trials), of=index)


def wait_for_threads() -> None:
    for thread in threading.enumerate():
        if thread.name == "astraml-importance":
            thread.join(120)


def ask(importances: Importances, reader: FakeReader) -> Importance | None:
    return importances.ask("accuracy", reader.view(), reader.trials()[1])


def test_an_importance_is_computed_on_a_thread_of_its_own_and_nobody_waits_for_it() -> None:
    reader = FakeReader(clock=FakeClock())
    play(reader, 6)
    compute = Computed()
    importances = Importances(reader.clock, compute)
    assert ask(importances, reader) is None
    assert ask(importances, reader) is None
    compute.may.set()
    wait_for_threads()
    found = ask(importances, reader)
    assert found is not None
    assert found.shares == {"lr": 1.0}
    assert compute.threads == ["astraml-importance"]


def test_it_is_computed_again_only_when_trials_finished_and_not_at_once() -> None:
    clock = FakeClock()
    reader = FakeReader(clock=clock)
    play(reader, 6)
    compute = Computed()
    compute.may.set()
    importances = Importances(clock, compute)
    ask(importances, reader)
    wait_for_threads()
    clock.advance(100)
    ask(importances, reader)
    wait_for_threads()
    assert len(compute.threads) == 1, "nothing had finished"
    for number in (50, 51):
        reader.start(number, lr=0.1)
        reader.report(number, 1, accuracy=0.5)
        reader.end(number)
        ask(importances, reader)
        wait_for_threads()
    assert len(compute.threads) == 2, "the second came too soon"
    clock.advance(PAUSE)
    ask(importances, reader)
    wait_for_threads()
    assert len(compute.threads) == 3


def test_what_cannot_be_computed_is_said_in_words() -> None:
    reader = FakeReader(clock=FakeClock())
    play(reader, 2)

    def fail(_view: JobView, _trials: Sequence[TrialView], _index: int) -> Importance:
        raise ZeroDivisionError

    importances = Importances(reader.clock, fail)
    ask(importances, reader)
    wait_for_threads()
    found = ask(importances, reader)
    assert found is not None
    assert found.reason == "It could not be computed: ZeroDivisionError."
    assert importances.ask("loss", reader.view(), ()) == Importance(
        reason="This metric is no objective of the job."
    )


def test_an_importance_travels_once_while_its_tab_is_open_and_no_line_does() -> None:
    reader = FakeReader(clock=FakeClock())
    play(reader, 12)
    feed = Feed(reader, reader.clock)
    first = feed.frame(ASKED)
    assert first is not None
    assert "charts" not in first.head
    assert first.head["space"]["lr"] == {"kind": "number", "low": 1e-4, "high": 0.1, "log": True}
    assert first.head["space"]["act"] == {"kind": "words", "choices": ["relu", "gelu"]}
    wait_for_threads()
    frame = feed.frame(ASKED)
    assert frame is not None
    (head,) = frame.head["importance"]
    assert head["m"] == "accuracy"
    assert {"lr", "width"} <= {name for name, _ in head["shares"]}
    assert sum(share for _, share in head["shares"]) > 0.99
    assert head["trials"] == head["of"] > 4
    assert feed.frame(ASKED) is None


def test_a_message_changes_only_what_it_names() -> None:
    audience = Audience(FakeClock())
    audience.hear({"t": "hello", "c": "a"})
    assert audience.attention() == Attention()
    audience.hear(
        {"t": "want", "c": "a", "want": [["loss", "importance"], ["loss", "cosine"]], "details": [3]}
    )
    assert audience.hear({"t": "select", "c": "a", "numbers": [3, 4]})
    assert audience.attention() == Attention((Want("loss", "importance"),), (3,), (3, 4))
    assert not audience.hear({"t": "alive", "c": "a"})
    audience.hear({"t": "want", "c": "a", "want": [], "details": []})
    assert audience.attention() == Attention((), (), (3, 4))
