from __future__ import annotations

import dataclasses
import json
import os
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from plugins.fake_job import FakeReader, play

from astraml_lab.clock import FakeClock
from astraml_lab.errors import StoreUnavailable
from astraml_lab.jobs.holding import BY_HAND
from astraml_lab.spec import (
    Categorical,
    Discrete,
    FailureKind,
    Float,
    JobState,
    Space,
    TrialState,
    TrialView,
)
from astraml_lab.store.processes import this_host
from astraml_lab.ui import feed as feed_module
from astraml_lab.ui.audience import LEASE_SECONDS, Attention, Audience, Want
from astraml_lab.ui.feed import ROWS, Feed
from astraml_lab.ui.lines import LINES, SAMPLE, sampled
from astraml_lab.ui.traces import POINTS

if TYPE_CHECKING:
    import pytest

    from astraml_lab.spec import AnyDimension
    from astraml_lab.ui.frames import Frame

LOOK = Attention((Want("accuracy", "step"),))


def next_frame(feed: Feed, attention: Attention = LOOK) -> Frame:
    frame = feed.frame(attention)
    assert frame is not None
    return frame


def values_of(frame: Frame) -> np.ndarray:
    return np.frombuffer(frame.buffers()[1], dtype="<f4")


def test_nothing_travels_while_nothing_changes() -> None:
    reader = FakeReader(clock=FakeClock())
    play(reader, 6)
    feed = Feed(reader, reader.clock)
    next_frame(feed)
    assert feed.frame(LOOK) is None


def test_only_the_new_points_of_a_line_travel() -> None:
    reader = FakeReader(clock=FakeClock())
    reader.start(0)
    reader.report(0, 1, accuracy=0.5)
    feed = Feed(reader, reader.clock)
    next_frame(feed)
    reader.report(0, 2, accuracy=0.75)
    frame = next_frame(feed)
    assert frame.head["charts"] == [
        {"lines": [{"n": 0, "k": 1, "p": 1, "c": 2}], "m": "accuracy", "a": "step"}
    ]
    assert values_of(frame).tolist() == [2.0, 0.75]
    assert "job" not in frame.head


def test_a_view_that_comes_later_gets_everything() -> None:
    reader = FakeReader(clock=FakeClock())
    play(reader, 6)
    feed = Feed(reader, reader.clock)
    first = next_frame(feed)
    feed.start_over()
    again = next_frame(feed)
    assert again.head["fresh"]
    assert sorted(row["n"] for row in again.head["rows"]) == [0, 1, 2, 3, 4, 5]
    assert values_of(again).tolist() == values_of(first).tolist()


def test_a_large_job_stays_within_the_budget_of_lines_points_and_rows() -> None:
    clock = FakeClock()
    reader = FakeReader(trials=1_000, clock=clock)
    for number in range(500):
        reader.start(number, lr=0.1)
        for step in range(3):
            reader.report(number, step, accuracy=number + step)
        reader.end(number)
    reader.start(500)
    for step in range(1_000):
        reader.report(500, step, accuracy=float(np.sin(step)))
    feed = Feed(reader, clock)
    frame = next_frame(feed)
    chart = frame.head["charts"][0]
    assert len(frame.head["rows"]) == ROWS
    assert len(chart["show"]) == LINES
    assert 500 in chart["show"]
    assert 499 in chart["show"]  # the best
    assert max(line["p"] for line in chart["lines"]) <= POINTS
    waiting = feed.more
    assert waiting
    frames = [frame]
    while feed.more:
        frames.append(next_frame(feed))
    assert sum(len(each.head.get("rows", ())) for each in frames) == 501
    bands = [chart["band"] for each in frames for chart in each.head.get("charts", []) if "band" in chart]
    assert bands[-1]["trials"] == bands[-1]["of"] == 501 - LINES


def test_the_range_of_thousands_is_that_of_some_hundred_spread_evenly_over_them() -> None:
    clock = FakeClock()
    reader = FakeReader(trials=3_000, clock=clock)
    for number in range(3_000):
        reader._trials[number] = TrialView(number, TrialState.COMPLETE, {}, ended_at=0.0)
        reader._curves[number, "accuracy"] = ([0.0, 1.0], [number, number + 1.0], [0.0, 0.0])
    reader._changed = dict.fromkeys(range(3_000), 1)
    head = next_frame(Feed(reader, clock)).head["charts"][0]
    assert head["band"]["of"] == 3_000 - len(head["show"])
    assert SAMPLE / 2 <= head["band"]["trials"] <= SAMPLE
    chosen = sampled(range(3_000), 3_000)
    assert max(after - before for before, after in pairwise(chosen)) == 8
    assert set(sampled(range(10_000), 10_000)) & set(range(3_000)) <= set(chosen)


def test_a_chart_that_is_opened_again_goes_on_where_it_was() -> None:
    reader = FakeReader(clock=FakeClock())
    play(reader, 60, epochs=5)
    feed = Feed(reader, reader.clock)
    next_frame(feed)
    next_frame(feed, Attention((Want("loss", "step"),)))
    assert feed.frame(Attention()) is None or not feed.more
    reader.start(60)
    reader.report(60, 1, accuracy=0.5)
    charts = next_frame(feed).head["charts"][0]
    assert [line["n"] for line in charts["lines"]] == [60]
    feed.start_over()
    assert len(next_frame(feed).head["charts"][0]["lines"]) == LINES


def test_an_objective_among_many_metrics_travels_and_an_impossible_point_is_no_failure() -> None:
    reader = FakeReader(clock=FakeClock())
    reader.start(0)
    reader.report(0, 1, **{f"m{index}": float(index) for index in range(60)}, accuracy=0.5)
    reader.end(0, TrialState.FAILED, kind=FailureKind.INFEASIBLE)
    head = next_frame(Feed(reader, reader.clock)).head
    assert next(iter(head["rows"][0]["metrics"])) == "accuracy"
    assert (head["job"]["failed"], head["job"]["infeasible"]) == (0, 1)


def test_the_curves_of_trials_that_ended_long_ago_are_read_once() -> None:
    clock = FakeClock()
    reader = FakeReader(clock=clock)
    play(reader, 6)
    reader.start(6)
    reader.end(6, TrialState.FAILED)
    feed = Feed(reader, clock)
    next_frame(feed)
    clock.advance(10)
    feed.frame(LOOK)
    before = reader.calls
    feed.frame(LOOK)
    assert reader.calls - before == 2  # the job and what changed


def test_the_last_points_of_a_trial_may_come_after_its_end() -> None:
    reader = FakeReader(clock=FakeClock())
    reader.start(0)
    reader.report(0, 1, accuracy=0.5)
    reader.end(0)
    feed = Feed(reader, reader.clock)
    next_frame(feed)
    steps, values, times = reader._curves[0, "accuracy"]
    steps.append(2.0)
    values.append(0.75)
    times.append(0.0)
    assert values_of(next_frame(feed)).tolist() == [2.0, 0.75]


def test_windows_bring_the_mean_between_its_minimum_and_maximum() -> None:
    clock = FakeClock()
    reader = FakeReader(clock=clock)
    reader.start(0)
    for step in range(2_000):
        clock.advance(10)
        reader.report(0, step, accuracy=float(np.sin(step)))
    frame = next_frame(Feed(reader, clock), Attention((Want("accuracy", "time"),)))
    line = frame.head["charts"][0]["lines"][0]
    x, mean, low, high = values_of(frame).reshape(4, -1)
    assert line["c"] == 4
    assert line["p"] == len(x) <= POINTS
    assert (np.diff(x) > 0).all()
    assert ((low <= mean) & (mean <= high)).all()
    assert low.min() == np.float32(min(np.sin(range(2_000))))


def test_a_trial_that_runs_again_is_drawn_again() -> None:
    reader = FakeReader(clock=FakeClock())
    reader.start(0)
    reader.report(0, 1, accuracy=0.5)
    reader.end(0)
    feed = Feed(reader, reader.clock)
    next_frame(feed)
    reader.start(0)
    reader.report(0, 2, accuracy=0.7)
    frame = next_frame(feed)
    assert frame.head["charts"][0]["lines"][0]["n"] == 0


def test_the_line_of_a_trial_that_is_tried_again_starts_over() -> None:
    reader = FakeReader(clock=FakeClock())
    reader.start(0)
    reader.report(0, 1, accuracy=0.5)
    feed = Feed(reader, reader.clock)
    next_frame(feed)
    before = reader._trials[0]
    reader._curves.clear()
    reader.put(dataclasses.replace(before, state=TrialState.WAITING, attempt=2, notes=("attempt 1 failed",)))
    row = next_frame(feed).head["rows"][0]
    assert (row["attempt"], row["notes"]) == (2, ["attempt 1 failed"])
    reader.put(dataclasses.replace(before, attempt=2))
    reader.report(0, 1, accuracy=0.7)
    frame = next_frame(feed)
    assert frame.head["charts"][0]["lines"] == [{"n": 0, "k": 0, "p": 1, "c": 2}]


def size_of(frame: Frame | None) -> int:
    return 0 if frame is None else sum(len(each) for each in frame.buffers())


def test_of_ten_thousand_choices_the_first_travel_and_once() -> None:
    reader = FakeReader(clock=FakeClock())
    words = [f"the choice of number {number:05}" for number in range(10_000)]
    space: dict[str, AnyDimension] = {
        "word": Categorical(words),
        "place": Discrete(range(10_000)),
        "x": Float(0, 1, when={"word": words}),
    }
    reader.change(space=Space(space), param_names=tuple(space))
    feed = Feed(reader, reader.clock)
    first = next_frame(feed)
    sent = first.head["space"]
    assert (len(sent["word"]["choices"]), sent["word"]["of"]) == (500, 10_000)
    assert (len(sent["place"]["values"]), sent["place"]["of"], sent["place"]["high"]) == (500, 10_000, 9_999)
    assert "when" not in sent["x"]
    assert size_of(first) < 25_000
    reader.start(0)
    assert size_of(next_frame(feed)) < 1_500


def test_many_dimensions_share_what_travels_of_their_choices() -> None:
    reader = FakeReader(clock=FakeClock())
    words = ["x" * 30 + str(number) for number in range(100)]
    space = Space({f"p{index}": Categorical(words) for index in range(300)})
    reader.change(space=space, param_names=tuple(space.names()))
    frame = next_frame(Feed(reader, reader.clock))
    assert {len(each["choices"]) for each in frame.head["space"].values()} == {20}
    assert size_of(frame) < 200_000
    reader.change(space=Space({f"p{index}": Categorical(words[:15]) for index in range(200)}))
    head = next_frame(Feed(reader, reader.clock)).head["space"]
    assert {(len(each["choices"]), each.get("of")) for each in head.values()} == {(15, None)}


def test_what_has_not_changed_is_not_even_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    for name in ("space_head", "importance_head"):
        real = getattr(feed_module, name)

        def counted(*given: Any, name: str = name, real: Any = real) -> Any:
            made.append(name)
            return real(*given)

        monkeypatch.setattr(feed_module, name, counted)
    reader = FakeReader(clock=FakeClock())
    feed = Feed(reader, reader.clock)
    look = Attention((Want("loss", "importance"),))
    assert next_frame(feed, look).head["importance"][0]["reason"] == "This metric is no objective of the job."
    for number in range(5):
        reader.start(number)
        assert "space" not in next_frame(feed, look).head
    assert made == ["space_head", "importance_head"]
    feed.start_over()
    assert {"space", "importance"} <= next_frame(feed, look).head.keys()


def test_who_runs_a_job_is_said_where_that_is_another_kernel() -> None:
    reader = FakeReader(clock=FakeClock())
    feed = Feed(reader, reader.clock)
    for owner, elsewhere in (("", ""), ("far:7", "far:7"), (f"{this_host()}:{os.getpid()}", "")):
        reader.change(owner=owner, reason=owner)
        assert next_frame(feed).head["job"]["elsewhere"] == elsewhere


def test_what_only_a_person_can_resume_is_told_from_what_goes_on_by_itself() -> None:
    reader = FakeReader(clock=FakeClock())
    feed = Feed(reader, reader.clock)
    for reason, hand in ((BY_HAND, True), ("the disk is full", False)):
        reader.change(state=JobState.PAUSED, reason=reason, disk_bytes=7)
        job = next_frame(feed).head["job"]
        assert (job["hand"], job["disk"]) == (hand, 7)


def test_the_log_of_the_opened_trial_travels_when_it_grows_once_a_second() -> None:
    clock = FakeClock()
    reader = FakeReader(clock=clock)
    reader.start(3)
    reader.logs[3] = ["one"]
    feed = Feed(reader, clock)
    look = Attention(details=(3, 99))
    assert next_frame(feed, look).head["details"] == [{"n": 3, "log": ["one"], "traceback": ""}]
    reader.logs[3].append("two")
    assert feed.frame(look) is None
    clock.advance(1.0)
    assert next_frame(feed, look).head["details"][0]["log"] == ["one", "two"]


def test_why_the_opened_trial_was_tried_is_asked_for_once_and_of_no_other() -> None:
    clock = FakeClock()
    reader = FakeReader(clock=clock)
    for number in (3, 4):
        reader.start(number)
        reader.logs[number] = ["one"]
    asked: list[int] = []

    def why(number: int) -> str:
        asked.append(number)
        if len(asked) == 1:
            raise StoreUnavailable("the disk is full")
        return "a gain:\n<b>0.9</b>"

    feed = Feed(reader, clock, why=why)
    assert "details" not in next_frame(feed, Attention()).head
    assert asked == []
    look = Attention(details=(3,))
    assert "why" not in next_frame(feed, look).head["details"][0]
    for text in ("two", "three"):
        clock.advance(1.0)
        reader.logs[3].append(text)
        assert next_frame(feed, look).head["details"][0]["why"] == "a gain: <b>0.9</b>"
    assert asked == [3, 3]


def test_a_frame_is_strict_json_whatever_was_reported() -> None:
    reader = FakeReader(clock=FakeClock())
    reader.start(0, lr=float("inf"), act="x" * 10_000)
    reader.report(0, 1, accuracy=float("nan"), loss=float("-inf"))
    reader.end(0, TrialState.COMPLETE)
    head: dict[str, Any] = json.loads(next_frame(Feed(reader, reader.clock)).buffers()[0])
    row = head["rows"][0]
    assert row["metrics"] == {"accuracy": "NaN", "loss": "-∞"}
    assert row["values"] == ["NaN"]
    assert row["params"]["lr"] == "∞"
    assert len(row["params"]["act"]) == 200


def test_a_lease_runs_out_and_is_renewed() -> None:
    clock = FakeClock()
    audience = Audience(clock)
    assert not audience.looking()
    assert audience.hear({"t": "hello", "c": "a", "want": [["loss", "step"]], "details": [4]})
    assert audience.attention() == Attention((Want("loss", "step"),), (4,))
    clock.advance(LEASE_SECONDS - 1)
    assert audience.looking()
    assert not audience.hear({"t": "alive", "c": "a", "want": [["loss", "step"]], "details": [4]})
    clock.advance(LEASE_SECONDS + 1)
    assert not audience.looking()
    audience.hear({"t": "alive", "c": "a"})
    audience.hear({"t": "bye", "c": "a"})
    assert not audience.looking()


def test_nothing_from_a_browser_is_believed() -> None:
    audience = Audience(FakeClock())
    bad: list[dict[str, Any]] = [
        {},
        {"c": 5},
        {"c": ""},
        {"c": "x" * 65},
        {"t": "bye", "c": "never came"},
    ]
    assert not any(audience.hear(message) for message in bad)
    assert not audience.looking()
    odd = {
        "c": "a",
        "want": ["x", [1, "step"], ["m", "sideways"], ["m"], 7, ["m", "step"]],
        "details": [True, "x", -1],
    }
    audience.hear(odd)
    assert audience.attention() == Attention(wants=())
    audience.hear({"c": "b", "want": [["m", "step"]], "details": 7})
    assert audience.attention() == Attention((Want("m", "step"),))
    for number in range(100):
        audience.hear({"c": f"client {number}", "want": [[f"m{number}", "step"]], "details": [number]})
    assert len(audience.attention().wants or ()) <= 4
