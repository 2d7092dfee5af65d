"""What a job's text says where its picture cannot be shown."""

from __future__ import annotations

from dataclasses import replace

from plugins.fake_job import FakeReader

from astraml_lab.spec import TrialState, TrialView
from astraml_lab.ui.text import summary

FRONT = replace(FakeReader(pareto=True).view(), best=tuple(range(9)))
TRIALS = tuple(
    TrialView(number, TrialState.COMPLETE, {}, values=(place / 10, float(place)))
    for number, place in enumerate((4, 8, 0, 2, 6, 1, 3, 5, 7))
)


def shown(count: int) -> list[str]:
    text = summary(replace(FRONT, best=FRONT.best[:count]), TRIALS, 0.0)
    return [line.strip() for line in text.splitlines()[1:]]


def test_a_long_front_is_told_from_end_to_end_with_what_is_left_out() -> None:
    said = shown(9)
    assert [line.split()[1] for line in said[:-1]] == ["2", "3", "0", "4", "1"]
    assert said[-1] == "and 4 more on the front: job.pareto"


def test_a_short_front_is_told_whole_in_its_order() -> None:
    assert [line.split()[1] for line in shown(5)] == ["2", "3", "0", "4", "1"]
