from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from nbclient import NotebookClient
from plugins.fake_job import FakeJob, FakeReader, play

from astraml_lab.clock import FakeClock
from astraml_lab.errors import InvalidSpec
from astraml_lab.ui.presenter import NotebookPresenter
from astraml_lab.ui.static_bundle import PLOTLY

if TYPE_CHECKING:
    from collections.abc import Callable

TESTS = Path(__file__).parents[1]
FIRST = f"""import sys, time; sys.path.insert(0, {str(TESTS)!r})
from plugins.fake_job import FakeJob, FakeReader, play
from astraml_lab.ui.presenter import NotebookPresenter
presenter = NotebookPresenter(); reader = FakeReader(); job = FakeJob(reader); play(reader, 6)"""
WIDGET = "application/vnd.jupyter.widget-view+json"


def executed(*cells: str) -> nbformat.NotebookNode:
    made = [nbformat.v4.new_code_cell(cell) for cell in (FIRST, *cells)]
    notebook: nbformat.NotebookNode = nbformat.v4.new_notebook(cells=made)
    NotebookClient(notebook, timeout=120, iopub_timeout=120, kernel_name="python3").execute()
    return notebook


def test_outside_a_notebook_a_job_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    reader = FakeReader(clock=FakeClock())
    job = FakeJob(reader)
    play(reader, 6)
    reader.change(eta=200.0)
    presenter = NotebookPresenter(clock=reader.clock)
    presenter.show(job, live=True)
    presenter.show(job, live=False)
    presenter.close(job)
    capsys.readouterr()
    reader.clock.advance(80.0)  # type: ignore[attr-defined]  # the fake clock
    presenter.progress(job)
    line = "digits  6/40 trials  best accuracy 0.9621 (trial 3)  1 m 20 s, about 3 m left\n"
    assert capsys.readouterr().out == line


def test_the_best_is_told_with_its_value_though_it_ends_while_the_job_is_read(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = FakeReader(clock=FakeClock())
    play(reader, 3)
    reader.start(3, lr=0.01)
    reader.report(3, 1, accuracy=0.999)

    def read_while_it_ends(read: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*given: int) -> Any:
            found = read(*given)
            if (trial := reader.trial(3)) is not None and not trial.state.ended:
                reader.end(3)
            return found

        return wrapped

    monkeypatch.setattr(reader, "view", read_while_it_ends(reader.view))
    monkeypatch.setattr(reader, "trials", read_while_it_ends(reader.trials))
    NotebookPresenter(clock=reader.clock).progress(FakeJob(reader))
    assert "best accuracy 0." in capsys.readouterr().out


def test_the_clock_of_a_paused_job_stands_still(capsys: pytest.CaptureFixture[str]) -> None:
    reader = FakeReader(clock=FakeClock())
    presenter = NotebookPresenter(clock=reader.clock)
    reader.change(held_at=(reader.view().started_at or 0.0) + 60.0, held=20.0)
    reader.clock.advance(500.0)  # type: ignore[attr-defined]  # the fake clock
    presenter.progress(FakeJob(reader))
    assert "  40 s" in capsys.readouterr().out


def test_a_figure_comes_from_the_reader() -> None:
    reader = FakeReader(clock=FakeClock())
    assert NotebookPresenter().figure(FakeJob(reader), "history").data == ()
    with pytest.raises(InvalidSpec):
        NotebookPresenter().figure(FakeJob(reader), "pie")


def test_an_ended_job_is_a_picture_or_where_that_is_asked_a_dashboard_that_stays() -> None:
    show = "reader.finish(); presenter.show(job, live=True)"
    notebook = executed(show, "presenter.show(job, live=True, kept=True); time.sleep(1.5)")
    (picture,), (kept,) = (cell.outputs for cell in notebook.cells[1:])
    assert PLOTLY in picture.data
    assert WIDGET in kept.data
    assert PLOTLY not in kept.data


def test_headless_there_is_no_widget_one_line_of_progress_and_the_final_picture() -> None:
    cells = "presenter.show(job, live=False)\npresenter.progress(job)\nreader.finish()\npresenter.close(job)"
    notebook = executed(cells)
    shown, line = notebook.cells[1].outputs
    assert PLOTLY in shown.data
    assert WIDGET not in shown.data
    assert "text/html" not in shown.data
    assert line.text.count("\n") == 1
    assert "6/40 trials" in line.text
    assert "widgets" not in notebook.metadata


def test_a_finished_job_is_shown_as_its_picture_at_once() -> None:
    notebook = executed("reader.finish(); presenter.show(job, live=True)")
    assert PLOTLY in notebook.cells[1].outputs[0].data


def test_a_live_view_becomes_the_picture_when_the_job_ends_in_each_place_where_it_is_shown() -> None:
    show = "presenter.show(job, live=True)"
    wait = """import astraml_lab.ui.live
astraml_lab.ui.live.GREETING = 0.3  # no page will open the view
reader.finish()
live = presenter._live[job.id]; until = time.monotonic() + 60
while live._places and time.monotonic() < until: time.sleep(0.02)"""
    notebook = executed(show, show, wait)
    for index in (1, 2):
        data: dict[str, Any] = notebook.cells[index].outputs[0].data
        assert PLOTLY in data
        assert WIDGET not in data
    models = notebook.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"].values()
    assert sum(model["model_name"] == "AnyModel" for model in models) == 1
