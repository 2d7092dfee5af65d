from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
import pytest
from plugins.fake_job import FakeReader, play

from astraml_lab.clock import FakeClock
from astraml_lab.errors import InvalidSpec
from astraml_lab.spec import JobState, TrialState, TrialView
from astraml_lab.ui import picture
from astraml_lab.ui.charts import figure
from astraml_lab.ui.static_bundle import LIMIT, PLOTLY, bundle

if TYPE_CHECKING:
    from pathlib import Path

    from astraml_lab.spec import ParamValue

KINDS = ("metrics", "history", "timeline", "parallel", "importance", "slice")
EVIL = '<script>alert("x")</script> <b>$\\frac{1}{2}$</b>'


TEX = re.compile(r"([^$]*)([$]+[^$]*[$]+)([^$]*)")
"""What plotly takes for a formula (svg_text_utils.js)."""


def strings(value: Any) -> list[str]:
    """Return every text inside a figure."""
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [text for part in parts for text in strings(part)]


def finished(*, pareto: bool = False, trials: int = 20) -> FakeReader:
    reader = FakeReader(pareto=pareto, trials=trials, clock=FakeClock())
    play(reader, trials)
    reader.finish()
    return reader


@pytest.mark.parametrize("pareto", [False, True])
def test_the_final_picture_is_plotly_and_text_and_nothing_that_needs_a_kernel(*, pareto: bool) -> None:
    made = bundle(finished(pareto=pareto), 0.0)
    assert set(made) == {PLOTLY, "text/plain"}
    go.Figure(made[PLOTLY])
    json.dumps(made, allow_nan=False)
    assert "20/20 trials" in made["text/plain"]
    assert "lr=" in made["text/plain"]


def test_the_final_picture_of_a_large_job_is_small() -> None:
    reader = FakeReader(trials=300, clock=FakeClock())
    rng = np.random.default_rng(0)
    for number in range(300):
        reader.start(number, lr=0.1)
        values = rng.normal(size=300)
        reader._curves[number, "accuracy"] = (list(range(300)), values.tolist(), [0.0] * 300)
        reader.report(number, 300, accuracy=float(values[-1]))
        reader.end(number, reason="a long reason " * 10)
    assert len(json.dumps(bundle(reader, 0.0))) < LIMIT < 300_000


@pytest.mark.parametrize("pareto", [False, True])
def test_long_names_of_many_trials_fit_the_final_picture(*, pareto: bool) -> None:
    reader = FakeReader(trials=2_000, pareto=pareto, clock=FakeClock())
    names = [f"encoder/blocks/{index}/attention/projection/dropout probability" for index in range(10)]
    for number in range(2_000):
        params: dict[str, ParamValue] = {name: f"{name}={number}" for name in names}
        values = (float(number), float(number)) if pareto else (float(number),)
        reader._trials[number] = TrialView(
            number, TrialState.COMPLETE, params, values=values, reason=names[0] * 9
        )
    reader._changed = dict.fromkeys(range(2_000), 1)
    reader.change(param_names=tuple(names), best=reader._best())
    assert len(json.dumps(bundle(reader, 0.0))) < 300_000


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_without_a_trial_has_every_picture(kind: str) -> None:
    reader = FakeReader(clock=FakeClock())
    assert isinstance(figure(reader, kind), go.Figure)
    json.dumps(bundle(reader, 0.0), allow_nan=False)


@pytest.mark.parametrize("kind", KINDS)
def test_names_from_users_are_no_markup_in_a_picture(kind: str) -> None:
    reader = FakeReader(clock=FakeClock())
    objective = reader.view().objectives[0].model_copy(update={"metric": EVIL})
    reader.change(objectives=(objective,), name=EVIL, param_names=(EVIL,))
    reader.start(0, **{EVIL: EVIL})
    reader.report(0, 1, **{EVIL: 0.5})
    reader.report(0, 2, **{EVIL: 0.6})
    reader.end(0, reason=EVIL)
    reader.finish(JobState.FAILED, EVIL)
    for drawn in (figure(reader, kind).to_plotly_json(), bundle(reader, 0.0)[PLOTLY]):
        text = json.dumps(drawn, default=str)
        assert "<script" not in text
        assert "<b>$" not in text
        assert not [words for words in strings(drawn) if TEX.search(words)]
        assert "&amp;#36;" not in text


def test_a_trial_that_reported_once_is_a_point_as_no_line_would_be_seen() -> None:
    reader = FakeReader(trials=2, clock=FakeClock())
    play(reader, 2, epochs=1)
    assert {trace.mode for trace in figure(reader, "metrics").data if len(trace.x) == 1} == {"markers"}


def test_the_kinds_of_figures_have_their_options() -> None:
    reader = finished(pareto=True)
    assert len(figure(reader, "metrics", metric="loss").data) > 10
    assert figure(reader, "metrics", by="time").layout.xaxis.title.text == "time (UTC)"
    front = figure(reader, "pareto")
    assert "latency_ms" in front.layout.xaxis.title.text
    assert len(front.data[1].x) == len(reader.view().best)


def test_the_history_of_the_second_objective_shows_its_own_values_and_direction() -> None:
    reader = finished(pareto=True)
    done = [trial for trial in reader.trials()[1] if trial.values]
    shown, best = figure(reader, "history", metric="latency_ms").data
    values = [trial.values[1] for trial in done if trial.values]
    assert list(shown.y) == pytest.approx(values, rel=1e-4)
    assert list(best.y)[-1] == pytest.approx(min(values), rel=1e-4)
    assert list(best.y) == sorted(best.y, reverse=True)
    first = figure(reader, "history").data[1]
    assert list(first.y) == sorted(first.y)


def test_the_history_draws_what_violates_a_constraint_and_never_takes_it_for_the_best() -> None:
    reader = FakeReader(trials=4, clock=FakeClock())
    for number, accuracy in enumerate((0.9, 0.4, 0.8, 0.7)):
        reader.start(number, lr=0.1)
        reader.report(number, 1, accuracy=accuracy)
        state = TrialState.PRUNED if number == 3 else TrialState.COMPLETE  # with a value, as vendors have it
        reader.end(number, state, values=(accuracy,))
    reader.change(violating=(0, 2))
    shown, best = figure(reader, "history").data
    assert list(shown.x) == [0, 1, 2, 3]
    assert (list(best.x), list(best.y)) == ([1, 3], [0.4, 0.7])
    reader.change(violating=(0, 1, 2, 3))
    assert not list(figure(reader, "history").data[1].x)


def test_the_front_marks_what_violates_a_constraint() -> None:
    reader = finished(pareto=True)
    done = [trial.number for trial in reader.trials()[1] if trial.values]
    reader.change(best=(done[0],), violating=(done[1], done[2]))
    rest, front, outside = figure(reader, "pareto").data
    assert (len(front.x), len(outside.x), len(rest.x)) == (1, 2, len(done) - 3)
    assert outside.name == "outside the constraints"


def test_the_importance_is_a_bar_per_parameter_or_a_sentence() -> None:
    drawn = figure(finished(), "importance")
    (bars,) = drawn.data
    assert {"lr", "width"} <= set(bars.y)
    assert sum(bars.x) == pytest.approx(1, abs=0.01)
    assert list(bars.x) == sorted(bars.x)
    few = figure(finished(trials=2), "importance")
    assert not few.data
    assert "needs 4 finished trials" in few.layout.annotations[0].text


def test_a_slice_has_a_pane_per_parameter_on_the_scale_of_its_dimension() -> None:
    drawn = figure(finished(pareto=True), "slice", metric="latency_ms")
    layout = drawn.layout
    kinds = [layout.xaxis.type, layout.xaxis2.type, layout.xaxis3.type, layout.xaxis4.type]
    assert kinds == ["log", "linear", "category", "linear"]
    assert len(drawn.data) == 4
    assert len(drawn.data[3].x) < len(drawn.data[0].x), "momentum is not active in every trial"
    alone = figure(finished(), "slice", params="lr")
    assert [trace.xaxis for trace in alone.data] == ["x"]
    assert "appear here" in figure(FakeReader(), "slice").layout.annotations[0].text


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("metric", {}, 'did you mean "metrics"?'),
        ("heatmap", {}, "one of metrics, history, pareto, parallel, importance, slice, timeline"),
        ("slice", {"params": ["wdith"]}, 'did you mean "width"?'),
        ("importance", {"metric": "loss"}, "accuracy"),
        ("pareto", {}, "two or more"),
        ("metrics", {"metrics": "loss"}, "metric, by"),
        ("metrics", {"metric": "los"}, 'did you mean "loss"?'),
        ("metrics", {"by": "epoch"}, "one of step, time"),
        ("history", {"metric": "loss"}, "accuracy"),
    ],
)
def test_a_figure_that_does_not_exist_is_refused_in_words(
    kind: str, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidSpec) as caught:
        figure(finished(trials=4), kind, **options)
    assert words in str(caught.value)


def test_there_is_no_png_without_a_browser(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("BROWSER_PATH", raising=False)
    assert picture.png_of({"data": [], "layout": {}}) is None


def test_a_png_that_takes_too_long_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER_PATH", "/nowhere")
    assert picture.png_of({"data": [], "layout": {}}, seconds=0.05) is None


def test_the_band_says_what_it_is() -> None:
    reader = finished(trials=60)
    assert any("band: the other " in text for text in strings(bundle(reader, 0.0)[PLOTLY]))


def test_the_picture_of_a_narrow_page_has_whole_lines_and_short_cells() -> None:
    reader = FakeReader("digits", trials=30, clock=FakeClock())
    play(reader, 30)
    reader.finish(JobState.FAILED, "the first five trials failed: " + "the learning rate is too wild, " * 20)
    drawn = bundle(reader, 0.0)[PLOTLY]
    lines = re.sub(r"<(?!br)[^>]+>", "", drawn["layout"]["title"]["text"]).split("<br>")
    assert len(lines) == 5
    assert max(map(len, lines)) <= 72
    cells = drawn["data"][-1]["cells"]["values"]
    assert not [text for text in strings(cells) if "<" in text], "a table of plotly shows tags as they are"
    assert max(map(len, strings(cells))) < 60


def test_the_picture_shows_last_reports_in_grey_and_in_short_why_a_trial_has_no_result() -> None:
    reader = FakeReader("digits", trials=6, clock=FakeClock())
    play(reader, 6)
    reader.finish()
    table = bundle(reader, 0.0)[PLOTLY]["data"][-1]
    names = [re.sub("<[^>]+>", "", name) for name in table["header"]["values"]]
    row = table["cells"]["values"][names.index("trial")].index("2")
    values, colours = table["cells"]["values"], table["cells"]["font"]["color"]
    assert values[names.index("ended")][row] == "pruned at step 8"
    assert values[names.index("accuracy")][row] == "0.715"
    assert colours[names.index("accuracy")][row] != colours[names.index("accuracy")][0]


def test_long_names_over_the_charts_of_a_picture_are_cut() -> None:
    reader = FakeReader("digits", trials=6, pareto=True, clock=FakeClock())
    play(reader, 6)
    long = tuple(each.model_copy(update={"metric": "m" * 200}) for each in reader.view().objectives)
    reader.change(objectives=long)
    layout = bundle(reader, 0.0)[PLOTLY]["layout"]
    titles = [note["text"] for note in layout["annotations"]] + [layout["yaxis2"]["title"]["text"]]
    assert max(map(len, titles)) < 50
