"""The picture that a page stores while it shows the live view, and where it replaces the view."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from plugins.fake_job import FakeJob, FakeReader, play

from astraml_lab.clock import FakeClock
from astraml_lab.errors import NotFound
from astraml_lab.spec import JobState
from astraml_lab.ui.live import GREETING, WIDGET, Live
from astraml_lab.ui.places import within
from astraml_lab.ui.publisher import Publisher
from astraml_lab.ui.static_bundle import PLOTLY

if TYPE_CHECKING:
    import pytest


class Cell:
    """An output that notes what is shown in it."""

    outputs: tuple[dict[str, Any], ...] = ()

    @property
    def holds(self) -> set[str]:
        return set(self.outputs[-1]["data"])


class NoThread(Publisher):
    """What is due is published by the test."""

    def add(self, published: object) -> None:
        """Let it be."""

    wake = add


class Scene:
    """A job of twelve trials, half of them over, and its dashboard in one place."""

    def __init__(self) -> None:
        self.clock = FakeClock(1_700_000_000.0)
        self.reader = FakeReader(trials=12, clock=self.clock)
        play(self.reader, 6)
        self.live = Live(FakeJob(self.reader), NoThread(self.clock), self.clock)
        self.dashboard = self.live._dashboard
        self.sent: list[dict[str, Any]] = []
        self.dashboard.send = lambda content, _buffers=None: self.sent.append(content)  # it has no page
        self.cell = Cell()
        with within(self.cell):
            self.live.show()

    def hear(self, **message: Any) -> None:
        self.dashboard._hear({"c": "a", **message})

    def pictures(self) -> list[dict[str, Any]]:
        """Publish, and return the pictures that were sent since the last call."""
        self.live.publish()
        found = [each for each in self.sent if each["t"] == "picture"]
        self.sent.clear()
        return found


def title(picture: dict[str, Any]) -> str:
    return str(picture["data"][PLOTLY]["layout"]["title"]["text"])


def test_a_page_that_can_store_it_gets_a_picture_at_once_then_once_a_minute_and_at_the_end() -> None:
    scene = Scene()
    scene.hear(t="hello", keeps=True)
    (first,) = scene.pictures()
    assert re.search(r"running at \d{4}-\d\d-\d\d \d\d:\d\d", title(first)), "how old it is"
    assert not first["last"]
    scene.hear(t="alive", keeps=True)
    assert scene.pictures() == []
    scene.clock.advance(70)
    assert scene.pictures() == []  # nobody looks
    scene.hear(t="alive", keeps=True)
    assert len(scene.pictures()) == 1
    scene.reader.finish()
    (last,) = scene.pictures()
    assert last["last"]
    assert "succeeded" in title(last)
    assert "--live" in title(last)
    assert scene.pictures() == []
    assert scene.cell.holds == {WIDGET, "text/plain"}  # the view stays
    scene.hear(t="hello", keeps=True)  # the page was loaded again
    assert [each["last"] for each in scene.pictures()] == [True]


def test_a_picture_of_a_pause_is_not_what_is_stored_of_a_job_that_runs_again() -> None:
    scene = Scene()
    scene.reader.change(state=JobState.PAUSED)
    scene.hear(t="hello", keeps=True)
    assert "paused" in title(scene.pictures()[0])
    scene.reader.change(state=JobState.RUNNING)
    (again,) = scene.pictures()
    assert "running" in title(again)
    assert scene.pictures() == []


def test_a_page_that_cannot_gets_the_picture_in_the_views_place() -> None:
    scene = Scene()
    scene.hear(t="hello", keeps=False)
    scene.reader.finish()
    assert scene.pictures() == []
    assert PLOTLY in scene.cell.holds


def test_a_job_that_ends_before_its_page_has_opened_the_view_waits_for_it_a_moment() -> None:
    scene = Scene()
    scene.reader.finish()
    assert scene.pictures() == []
    assert WIDGET in scene.cell.holds
    scene.clock.advance(GREETING)
    scene.pictures()
    assert PLOTLY in scene.cell.holds


def test_a_view_that_is_given_away_leaves_its_picture() -> None:
    scene = Scene()
    scene.hear(t="hello", keeps=True)
    scene.reader.finish()
    scene.pictures()
    scene.live.close()
    assert PLOTLY in scene.cell.holds


def test_the_views_of_a_deleted_job_are_told_and_it_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    scene.hear(t="hello", id="v", pictures=True)
    scene.pictures()

    def deleted() -> None:
        raise NotFound("the job was deleted")

    monkeypatch.setattr(scene.reader, "view", deleted)
    assert scene.live.publish() is None
    assert scene.sent == [{"t": "deleted"}]
    scene.live.close()
