from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from plugins.fake_job import FakeJob, FakeReader, play

from astraml_lab.clock import FakeClock
from astraml_lab.errors import Conflict
from astraml_lab.jobs.selected import Selected
from astraml_lab.spec import JobState
from astraml_lab.ui.actions import Actions
from astraml_lab.ui.answers import Answer
from astraml_lab.ui.audience import LEASE_SECONDS
from astraml_lab.ui.cell_watch import CellWatch
from astraml_lab.ui.dashboard import Dashboard
from astraml_lab.ui.hands import Hands
from astraml_lab.ui.jobs_table import TableWidget
from astraml_lab.ui.live import QUIET_SECONDS, Live
from astraml_lab.ui.page_widget import PageWidget, answer_in_subshell
from astraml_lab.ui.publisher import Publisher
from astraml_lab.ui.schedule import PERIOD

if TYPE_CHECKING:
    from collections.abc import Callable


class Watched:
    """A dashboard outside a kernel; what it sends is kept."""

    def __init__(
        self, on_stop: Callable[[], object] | None = None, on_trial: Callable[[int], object] | None = None
    ) -> None:
        self.clock = FakeClock()
        self.reader = FakeReader(clock=self.clock)
        self.woken = 0
        play(self.reader, 4)
        self.job = job = FakeJob(self.reader)
        if on_stop is not None:
            job.stop = on_stop  # type: ignore[method-assign, assignment]
        if on_trial is not None:
            job.stop_trial = on_trial  # type: ignore[method-assign, assignment]
        self.board = Dashboard(
            self.reader,
            actions=Actions.of(job),
            selection=job.selection,
            clock=self.clock,
            wake=self._wake,
        )
        self.sent: list[tuple[dict[str, Any], list[bytes]]] = []
        self.board.send = lambda content, buffers=(): self.sent.append((content, list(buffers)))

    def _wake(self) -> None:
        self.woken += 1

    def say(self, **message: object) -> None:
        self.board._handle_custom_msg({"c": "view", **message}, [])

    def kinds(self) -> list[str]:
        return [content["t"] for content, _ in self.sent]


def test_nothing_is_sent_before_a_view_asks_and_after_its_lease() -> None:
    watched = Watched()
    assert watched.board.publish() is None
    assert not watched.sent
    watched.say(t="hello")
    assert watched.woken
    assert watched.board.publish() == PERIOD
    assert watched.kinds() == ["frame"]
    watched.clock.advance(LEASE_SECONDS + 1)
    watched.reader.start(50)
    assert watched.board.publish() is None
    assert watched.kinds() == ["frame"]


def test_a_watched_dashboard_that_has_no_news_says_now_and_then_that_its_kernel_lives() -> None:
    watched = Watched()
    for _ in range(40):
        watched.say(t="alive")
        watched.board.publish()
        watched.clock.advance(0.25)
    assert watched.kinds() == ["frame", "beat"]


def test_frames_are_numbered_and_a_hello_starts_over() -> None:
    watched = Watched()
    watched.say(t="hello")
    watched.board.publish()
    watched.reader.start(9)
    watched.clock.advance(1)
    watched.board.publish()
    watched.say(t="hello")
    watched.board.publish()
    assert [content["seq"] for content, _ in watched.sent] == [1, 2, 3]
    heads = [json.loads(buffers[0]) for _, buffers in watched.sent]
    assert [len(head["rows"]) for head in heads] == [4, 1, 5]
    assert heads[2]["fresh"]


def test_stop_acts_at_once_in_the_thread_of_the_message_and_is_answered_by_the_publisher() -> None:
    threads: list[str] = []
    watched = Watched(on_stop=lambda: threads.append(threading.current_thread().name))
    subshell = threading.Thread(
        target=watched.say, kwargs={"t": "do", "do": "stop", "id": "1"}, name="subshell"
    )
    subshell.start()
    subshell.join()
    assert threads == ["subshell"]
    assert not watched.sent
    watched.board.publish()
    assert [content for content, _ in watched.sent[:2]] == [
        {"t": "taken", "id": "1"},
        {"t": "done", "do": "stop", "id": "1", "error": ""},
    ]


def test_our_own_errors_are_shown_and_foreign_ones_named() -> None:
    def ours() -> None:
        raise Conflict("The job has already ended.")

    def foreign() -> None:
        raise ZeroDivisionError

    for action, words in ((ours, "The job has already ended."), (foreign, "It failed: ZeroDivisionError.")):
        watched = Watched(on_stop=action)
        watched.say(t="do", do="stop", id=1)
        watched.board.publish()
        assert watched.sent[1][0]["error"] == words


def test_the_page_is_told_that_somebody_is_at_it_before_the_button_is_done() -> None:
    def slow() -> None:
        watched.board.publish()
        assert watched.kinds()[0] == "taken"
        assert watched.woken == 1

    watched = Watched(on_stop=slow)
    board_hears(watched)
    watched.board.publish()
    assert "done" in watched.kinds()


def board_hears(watched: Watched) -> None:
    watched.board._handle_custom_msg({"t": "do", "do": "stop", "id": 1}, [])


def test_a_button_of_one_trial_gets_its_number_and_its_answer_is_shown() -> None:
    ended: list[int] = []
    watched = Watched(on_trial=ended.append)
    watched.say(t="do", do="stop_trial", id=1, n=7)
    watched.board.publish()
    assert ended == [7]
    assert watched.sent[1][0] == {"t": "done", "do": "stop_trial", "id": "1", "error": ""}


def test_an_answer_may_hold_a_sentence_a_cell_or_a_file() -> None:
    watched = Watched()
    answers = [Answer(said="Done."), Answer(cell="%%tune"), Answer(file="trials.csv", text="number")]
    watched.board._actions = Actions({"csv": lambda request: answers[request.given["which"]]})
    for which in range(3):
        watched.say(t="do", do="csv", id=which, given={"which": which})
    watched.board.publish()
    done = [content for content, _ in watched.sent if content["t"] == "done"]
    plain = {"t": "done", "do": "csv", "error": ""}
    assert done == [
        plain | {"id": "0", "said": "Done."},
        plain | {"id": "1", "cell": "%%tune"},
        plain | {"id": "2", "file": "trials.csv", "text": "number"},
    ]


def test_what_was_selected_on_a_page_is_told() -> None:
    told: list[tuple[int, ...]] = []
    selected = Selected()
    board = Dashboard(FakeReader(), selection=selected, clock=FakeClock())
    for numbers in ([3, 1], [], ["x", -1, True, 2.5, 4, 4], "all"):
        board._handle_custom_msg({"t": "select", "c": "view", "numbers": numbers}, [])
        told.append(selected.numbers)
    assert told == [(3, 1), (), (4,), ()]


def test_a_choice_of_python_and_of_another_page_reaches_every_page_once() -> None:
    watched = Watched()

    def news() -> list[dict[str, Any]]:
        watched.sent.clear()
        watched.clock.advance(0.25)
        watched.say(t="alive")
        watched.board.publish()
        heads = [json.loads(buffers[0]) for content, buffers in watched.sent if content["t"] == "frame"]
        return [head["selected"] for head in heads if "selected" in head]

    watched.say(t="hello")
    assert news() == []  # nothing was ever chosen
    watched.job.selection.choose([2, 0])
    assert news() == [{"numbers": [2, 0], "seen": {}}]
    assert news() == []
    watched.say(t="select", numbers=[1], count=3)
    assert watched.job.selection.numbers == (1,)
    assert news() == [{"numbers": [1], "seen": {"view": 3}}]
    watched.say(t="select", c="other", numbers=[1], count=1)
    assert news() == [{"numbers": [1], "seen": {"view": 3, "other": 1}}]
    watched.say(t="hello")
    assert news() == [{"numbers": [1], "seen": {"view": 3, "other": 1}}]


@pytest.mark.parametrize(
    ("name", "number", "given", "answer"),
    [
        ("extend", None, {"more": 10}, {"said": "digits runs up to 50 trials now."}),
        ("extend", None, {"more": 0}, {"error": "How many more trials? A whole number from 1 to 100000."}),
        ("extend", None, {}, {"error": "How many more trials? A whole number from 1 to 100000."}),
        (
            "enqueue",
            None,
            {"numbers": {"lr": 0.01, "width": 64}, "places": {"act": 1}},
            {"said": "Trial 4 tries these values next."},
        ),
        ("enqueue", None, {"places": {"act": 9}}, {"error": "act has no such choice."}),
        (
            "narrow",
            None,
            {"numbers": [2, 1]},
            {"said": "The new cell below searches around the 2 selected trials."},
        ),
        ("narrow", None, {}, {"error": "No trial is selected."}),
        ("best_cell", None, {}, {"cell": "lr = 0.25"}),
        ("trial_cell", 3, {}, {"cell": "with foreground(3):\n    pass"}),
        ("trial_cell", None, {}, {"error": "No trial is selected."}),
        ("csv", None, {}, {"file": "digits.csv", "text": "number,state\n0,csv\n"}),
    ],
)
def test_a_button_does_what_it_says_and_says_what_it_did(
    name: str, number: int | None, given: dict[str, Any], answer: dict[str, str]
) -> None:
    watched = Watched()
    watched.say(t="do", do=name, id=1, n=number, given=given)
    watched.board.publish()
    done = next(content for content, _ in watched.sent if content["t"] == "done")
    assert done | answer == done
    assert bool(done["error"]) == ("error" in answer)


def test_values_that_do_not_fit_are_refused_in_the_words_of_the_search() -> None:
    watched = Watched()
    watched.say(t="do", do="enqueue", id=1, given={"numbers": {"lr": 99, "depth": 3, "width": [1]}})
    watched.board.publish()
    error = watched.sent[1][0]["error"]
    assert "lr" in error
    assert "depth; no such parameter" in error
    assert "width" in error


def test_an_ended_job_gets_more_trials_by_going_on_here() -> None:
    watched = Watched()
    resumed: list[int] = []
    watched.job.resume = resumed.append  # type: ignore[method-assign, assignment]  # what a real job does
    watched.reader.finish()
    watched.say(t="do", do="extend", id=1, given={"more": 5})
    assert resumed == [9]


@pytest.mark.parametrize("number", [None, -1, True, "7", 1.5])
def test_a_button_of_one_trial_without_its_number_does_nothing(number: object) -> None:
    watched = Watched(on_trial=lambda _number: pytest.fail("acted"))
    watched.say(t="do", do="stop_trial", id=1, n=number)
    watched.board.publish()
    assert watched.sent[1][0]["error"] == "No trial is selected."


@pytest.mark.parametrize(
    "message",
    [
        None,
        "stop",
        7,
        [],
        {},
        {"t": "do"},
        {"t": "do", "do": "stop"},
        {"t": "do", "do": ["stop"], "id": 1},
        {"t": "do", "do": "stop", "id": {}},
        {"t": "hello", "c": None, "want": "all"},
    ],
)
def test_a_message_that_fits_nothing_does_nothing(message: object) -> None:
    watched = Watched(on_stop=lambda: pytest.fail("stopped"))
    watched.board._handle_custom_msg(message, [])
    watched.board.publish()
    assert not watched.sent


def test_a_button_that_does_not_exist_is_answered() -> None:
    watched = Watched()
    watched.say(t="do", do="__class__", id=1)
    watched.board.publish()
    assert "cannot do that" in watched.sent[1][0]["error"]


def test_the_end_of_a_job_is_noticed_though_nobody_looks() -> None:
    watched = Watched()
    watched.reader.finish()
    watched.board.publish()
    assert watched.board.ended


def test_a_frame_that_could_not_be_sent_is_followed_by_one_that_holds_everything() -> None:
    watched = Watched()
    watched.say(t="hello")
    send, watched.board.send = watched.board.send, broken
    with pytest.raises(OSError, match="wire"):
        watched.board.publish()
    watched.board.send = send
    watched.board.publish()
    head = json.loads(watched.sent[0][1][0])
    assert head["fresh"]
    assert len(head["rows"]) == 4


def broken(*_ignored: object) -> None:
    raise OSError("the wire is cut")


@pytest.mark.parametrize(
    ("state", "pause"),
    [(JobState.RUNNING, QUIET_SECONDS), (JobState.STALE, None), (JobState.SUCCEEDED, None)],
)
def test_unwatched_a_job_is_looked_at_only_while_it_moves_by_itself(
    state: JobState, pause: float | None
) -> None:
    clock = FakeClock()
    reader = FakeReader(clock=clock)
    live = Live(FakeJob(reader), Publisher(clock), clock)
    reader.change(state=state)
    assert live.publish() == pause


def test_a_view_that_is_looked_at_again_wakes_its_dashboard() -> None:
    watched = Watched()
    watched.say(t="hello")
    woken = watched.woken
    watched.say(t="alive")
    assert watched.woken == woken
    watched.clock.advance(LEASE_SECONDS + 1)
    watched.say(t="alive")
    assert watched.woken == woken + 1


class Shell:
    """What of a shell is listened to."""

    def __init__(self, kind: str) -> None:
        self.events = self
        self.kind = kind
        self.listeners: dict[str, Any] = {}

    def get_parent(self) -> dict[str, Any]:
        return {"header": {"msg_type": self.kind}}

    def register(self, event: str, listener: Any) -> None:
        self.listeners[event] = listener

    def unregister(self, event: str, listener: Any) -> None:
        assert self.listeners.pop(event) == listener


def test_the_cell_that_runs_already_is_seen_and_the_listeners_are_taken_off() -> None:
    watch, shell = CellWatch(), Shell("execute_request")
    watch.attach(shell)
    watch.attach(shell)
    seen = [watch.running]
    for event in ("post_run_cell", "pre_run_cell"):
        shell.listeners[event]()
        seen.append(watch.running)
    assert seen == [True, False, True]
    watch.detach()
    assert shell.listeners
    watch.detach()
    assert not shell.listeners
    watch.attach(Shell("comm_msg"))
    assert watch.running is False


def test_the_patch_of_the_comm_is_left_out_where_there_is_nothing_to_patch() -> None:
    class Comm:
        _reply_subshell_for: object = None

    comm = Comm()
    answer_in_subshell(comm)
    assert comm._reply_subshell_for is not None
    answer_in_subshell(None)
    plain = object()
    answer_in_subshell(plain)


def test_a_job_that_is_stopped_from_the_dashboard_shows_it() -> None:
    reader = FakeReader(clock=FakeClock())
    job = FakeJob(reader)
    reader.start(0)
    board = Dashboard(reader, actions=Actions.of(job), clock=reader.clock)
    board._handle_custom_msg({"t": "do", "do": "stop", "id": 1, "c": "view"}, [])
    assert job.stopped.is_set()
    board.publish()
    assert board.ended


@pytest.mark.parametrize("widget", [Dashboard, Hands, TableWidget])
def test_every_widget_drops_and_logs_what_it_cannot_act_on(
    widget: type[PageWidget], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("no such thing")

    monkeypatch.setattr(widget, "_hear", fail)
    shown = widget.__new__(widget)
    shown._on_message(shown, {"t": "do"}, [])
    assert f"A message for a {widget.__name__} was dropped." in caplog.text
    caplog.clear()
    shown._on_message(shown, "no message", [])
    assert not caplog.text
