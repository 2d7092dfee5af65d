"""`job.why(3)`: why a trial's point was tried, wherever and whenever somebody asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from plugins.jobs import Bench
from sqlalchemy import delete

from astraml_lab.errors import NotFound
from astraml_lab.spec import Float
from astraml_lab.store.tables import journal
from astraml_lab.trial import report

if TYPE_CHECKING:
    from pathlib import Path

SPACE = {"x": Float(0.0, 1.0), "y": Float(0.0, 1.0)}


def peak(x: float, y: float) -> None:
    report(score=-((x - 0.3) ** 2) - (y - 0.8) ** 2)


def test_each_trial_says_why_in_one_sentence(bench: Bench) -> None:
    job = bench.run(peak, SPACE, trials=14)
    said = [job.why(number) for number in range(14)]
    assert said[0] == "initial design: the centre of the space"
    assert said[1].startswith("initial design: ")
    assert any(sentence.startswith("a gain: -") for sentence in said)
    assert all("\n" not in sentence for sentence in said)
    assert job.why(job.best) == said[job.best.number]
    assert f"Why these: {said[3]}" in job.debug(3)
    with pytest.raises(NotFound, match="no trial 14"):
        job.why(14)
    for wrong in ("x", slice(3), 1.5):
        said_of_it = r"a trial goes by its number, job\.trials\[3\], not by "
        with pytest.raises(TypeError, match=said_of_it):
            job.trials[wrong]  # type: ignore[index]  # what people try
        with pytest.raises(TypeError, match=said_of_it):
            job.why(wrong)  # type: ignore[arg-type]


def test_another_kernel_and_a_resumed_job_say_the_same(
    bench: Bench, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"peak": peak, "report": report}.items():
        monkeypatch.setattr(f"__main__.{name}", value, raising=False)
    job = bench.run(peak, SPACE, trials=8)
    number = job.enqueue({"x": 0.25, "y": 0.5})
    job.wait(120)
    before = [job.why(number) for number in range(9)]
    assert number == 8
    assert before[8] == "enqueued: somebody asked for this point"
    other = Bench(home)
    try:
        assert [other.manager.find(job.name).why(number) for number in range(9)] == before
    finally:
        other.close()
    job.resume(11).wait(120)
    assert [job.why(number) for number in range(9)] == before
    assert job.why(10).startswith(("a gain", "exploring"))


def test_the_journal_is_read_once_for_all_trials_that_had_begun(bench: Bench) -> None:
    job = bench.run(peak, SPACE, trials=6)
    before = [bench.manager.find(job.name).why(number) for number in range(6)]
    assert job.why(2) == before[2]
    with bench.store.begin() as connection:
        connection.execute(delete(journal))
    assert [job.why(number) for number in range(6)] == before
    assert bench.manager.find(job.name).why(2) == "the search has no record of it"


def test_a_single_run_has_nothing_to_say(bench: Bench) -> None:
    job = bench.run(lambda: report(score=1.0), {}, trials=1)
    assert job.why(0) == "nothing is searched: it has no parameters"
