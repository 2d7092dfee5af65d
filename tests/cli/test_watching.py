from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import astraml_lab as lab
from astraml_lab.cli.watching import Watch
from astraml_lab.jobs.presenter import presenter

if TYPE_CHECKING:
    import pytest

SPACE = {"x": lab.Float(0, 1)}


def test_a_job_that_ends_while_it_is_shown_is_said_to_have_ended(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    go = threading.Event()

    def hold(x: float) -> float:
        go.wait(120)
        return 0.0 * x

    job = lab.tune(hold, SPACE, maximize="score", trials=1, name="digits", wait=False)
    shows = presenter().show

    def show(shown: Any, **how: Any) -> None:
        shows(shown, **how)
        go.set()
        job.wait(120)

    monkeypatch.setattr(presenter(), "show", show)

    assert Watch(job, owned=True).run() == 0
    before, after = capsys.readouterr().out.rstrip().rsplit("\n", 1)
    assert "digits  0/1 trials" in before
    assert after.startswith("digits  succeeded  1/1 trials  best score 0 (trial 0)")


def test_a_job_that_has_ended_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    job = lab.tune(lambda x: 0.0 * x, SPACE, maximize="score", trials=1, name="digits")
    capsys.readouterr()

    assert Watch(job, owned=True).run() == 0
    assert capsys.readouterr().out.count("digits  succeeded") == 1
