from __future__ import annotations

import pickle
from typing import Any, cast

import pytest
from plugins.fake_job import FakeJob, FakeReader

import astraml_lab as lab
from astraml_lab.clock import FakeClock
from astraml_lab.jobs import JobList
from astraml_lab.spec import JobState, JobView, TrialState
from astraml_lab.ui.jobs_table import ROWS, JobsTable, buttons_of, key_of, row_of
from astraml_lab.ui.jobs_text import job_table
from astraml_lab.ui.presenter import NotebookPresenter

EVIL = "<img src=x onerror=alert(1)>\"' 🤖" + "x" * 10_000


class Publisher:
    """Writes down who wants to be published."""

    def __init__(self) -> None:
        self.woken = 0

    def wake(self, _published: object) -> None:
        self.woken += 1

    def discard(self, _published: object) -> None:
        self.woken = -1


class Listed:
    """Jobs that a test makes up, behind a table whose page is this test."""

    def __init__(self, *names: str, state: JobState = JobState.RUNNING) -> None:
        self.clock = FakeClock(1_000_000.0)
        self.jobs = {name: FakeJob(FakeReader(name, clock=self.clock)) for name in names}
        for job in self.jobs.values():
            job.reader.change(state=state)
        self.asked = 0
        self.publisher = Publisher()
        self.table = JobsTable(JobList(self.ask, self.find), cast("Any", self.publisher), self.clock)
        self.sent: list[dict[str, Any]] = []
        self.table.table.send = self.sent.append

    def ask(self) -> list[JobView]:
        self.asked += 1
        return [job.reader.view() for job in self.jobs.values()]

    def find(self, view: JobView) -> Any:
        return self.jobs[view.name]

    def say(self, **message: Any) -> None:
        self.table._hear({"c": "page", **message})

    def press(self, act: str, name: str) -> dict[str, Any]:
        self.say(t="do", do=act, id="1", job=f"7 default/{name}")
        self.table.publish()
        return next(each for each in self.sent if each["t"] == "done")


def test_nothing_travels_and_nothing_is_read_while_nobody_looks() -> None:
    listed = Listed("digits")
    before = listed.asked
    assert listed.table.publish() is None
    assert listed.sent == []
    assert listed.asked == before
    listed.say(t="hello")
    assert listed.publisher.woken == 1
    assert listed.table.publish() == 1.0
    assert [row["name"] for row in listed.sent[0]["rows"]] == ["digits"]
    listed.clock.advance(11)
    assert listed.table.publish() is None


def test_only_what_changed_travels() -> None:
    listed = Listed("digits", "other")
    listed.say(t="hello")
    listed.table.publish()
    listed.table.publish()
    assert len(listed.sent) == 1
    listed.jobs["digits"].reader.change(counts={TrialState.COMPLETE: 3})
    listed.table.publish()
    assert listed.sent[1]["rows"][0]["finished"] == 3
    listed.say(t="hello")  # a second page knows nothing yet
    listed.table.publish()
    assert len(listed.sent) == 3


def test_looking_takes_a_small_share_of_the_kernels_time() -> None:
    listed = Listed("digits")
    ask = listed.ask

    def slowly() -> list[JobView]:
        listed.clock.advance(0.5)
        return ask()

    listed.table._jobs.ask = slowly
    listed.say(t="hello")
    assert listed.table.publish() == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("state", "buttons"),
    [
        (JobState.RUNNING, ["show", "pause", "stop"]),
        (JobState.QUEUED, ["show", "pause", "stop"]),
        (JobState.PAUSED, ["show", "resume", "stop"]),
        (JobState.STALE, ["show", "resume", "stop"]),
        (JobState.STOPPING, ["show"]),
        (JobState.SUCCEEDED, ["show", "delete"]),
        (JobState.FAILED, ["show", "delete"]),
        (JobState.CANCELLED, ["show", "delete"]),
    ],
)
def test_the_buttons_are_those_that_the_state_allows(state: JobState, buttons: list[str]) -> None:
    listed = Listed("digits", state=state)
    view = listed.ask()[0]
    assert buttons_of(view) == buttons
    assert row_of(view)["can"] == buttons


def test_a_button_acts_on_its_own_job_and_is_answered() -> None:
    listed = Listed("digits", "other")
    assert listed.press("stop", "other")["error"] == ""
    assert listed.jobs["other"].stopped.is_set()
    assert not listed.jobs["digits"].stopped.is_set()


def test_a_job_that_is_shown_takes_the_place_of_the_one_before_which_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listed = Listed("digits", "other")
    for job in listed.jobs.values():
        monkeypatch.setattr(job, "show", lambda *, live: live, raising=False)
    listed.press("show", "digits")
    (first,) = listed.table.root.children[1:]
    listed.press("show", "other")
    (second,) = listed.table.root.children[1:]
    assert first.comm is None
    assert second.comm is not None


def test_a_button_that_the_state_no_longer_allows_is_refused_in_a_sentence() -> None:
    listed = Listed("digits", state=JobState.SUCCEEDED)
    assert listed.press("pause", "digits")["error"] == "digits is SUCCEEDED: nothing to pause."
    listed.sent.clear()
    assert listed.press("stop", "gone")["error"] == "This job is gone."


@pytest.mark.parametrize(
    "message",
    [
        {"t": "do"},
        {"t": "do", "do": "stop", "id": "1", "job": 7},
        {"t": "do", "do": 3, "id": "1", "job": "7 default/digits"},
        {"t": "do", "do": "__init__", "id": "1", "job": "7 default/digits"},
        {"t": ["hello"]},
        {"c": 3, "t": "hello"},
    ],
)
def test_a_message_that_fits_nothing_does_nothing(message: dict[str, Any]) -> None:
    listed = Listed("digits")
    listed.table.table._on_message(None, {"c": "page", **message}, [])
    listed.table.publish()
    assert not listed.jobs["digits"].stopped.is_set()


def test_a_name_that_holds_anything_stays_text_of_a_bounded_length() -> None:
    listed = Listed(EVIL)
    listed.jobs[EVIL].reader.change(reason=EVIL)
    row = row_of(listed.ask()[0])
    assert len(row["name"]) <= 200
    assert len(row["reason"]) <= 300
    assert row["key"] == key_of(listed.ask()[0])


def test_projects_and_names_that_look_alike_have_keys_of_their_own() -> None:
    first, second = Listed("b/c").ask()[0], Listed("c").ask()[0]
    from dataclasses import replace

    assert key_of(replace(first, project="a")) != key_of(replace(second, project="a/b"))


def test_a_thousand_jobs_are_cut_to_the_newest_and_counted() -> None:
    listed = Listed(*(f"job {index}" for index in range(ROWS + 7)))
    listed.say(t="hello")
    listed.table.publish()
    assert len(listed.sent[0]["rows"]) == ROWS
    assert listed.sent[0]["more"] == 7


def test_a_closed_table_is_published_no_more() -> None:
    listed = Listed("digits")
    listed.table.close()
    assert listed.publisher.woken == -1


def test_the_list_is_a_list_for_programs_and_lists_anew_when_it_is_asked() -> None:
    job = lab.tune(lambda trial: trial.suggest_float("x", 0, 1), maximize="score", trials=2, name="listed")
    jobs = lab.jobs()
    assert isinstance(jobs, list)
    assert jobs == [job.view()]
    assert jobs[0].name == "listed"
    assert pickle.loads(pickle.dumps(jobs)) == list(jobs)  # noqa: S301
    job.delete()
    assert isinstance(jobs, JobList)
    assert jobs.ask() == []
    assert len(jobs) == 1


def test_without_a_notebook_the_list_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    listed = Listed("digits")
    NotebookPresenter().show_list(JobList(listed.ask, listed.find))
    assert capsys.readouterr().out.strip() == job_table(listed.ask()).strip()


def test_the_table_is_saved_with_text_and_no_markup() -> None:
    listed = Listed("digits")
    bundle = listed.table.bundle("the text")
    assert bundle["text/plain"] == "the text"
    assert "text/html" not in bundle
