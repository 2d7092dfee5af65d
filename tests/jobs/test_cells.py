"""What a job gives back as cells runs as it stands, and as a smaller search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from astraml_lab.errors import Conflict, NotFound
from astraml_lab.lab import build_spec
from astraml_lab.objectives import call_in
from astraml_lab.objectives.cell import CellCode
from astraml_lab.objectives.cell_source import parse_cell
from astraml_lab.spec import Categorical, Float, Int, objectives_of

if TYPE_CHECKING:
    from plugins.jobs import Bench

    from astraml_lab.jobs import Job

CELL = """# größer: 'x' — first
lr: float = Float(1e-4, 1e-1, log=True)  # the rate
size = Categorical({"s": 3, "l": small + 27}); width = Int(8, 128)
act = Categorical(acts)
momentum = Float(0.5, 0.99,
                 when={"act": "relu"})
report(score=-abs(lr - 0.01) + width / 1000)  # then
"""
NAMES = {"acts": ["relu", "gelu"], "small": 3, "Float": Float, "Int": Int, "Categorical": Categorical}


def ran(bench: Bench, source: str = CELL, **options: Any) -> Job:
    cell = parse_cell(source, NAMES)
    given = {"trials": 8, "seed": 0, "name": "digits", **options}
    spec = build_spec(cell.space, objectives_of("score"), given)
    return bench.manager.launch(spec, CellCode(cell, NAMES, job="digits"), attended=True).wait(120)


def test_the_narrowed_cell_has_smaller_dimensions_and_starts_from_what_fits(
    bench: Bench,
) -> None:
    job = ran(bench)
    chosen = [view.number for view in job.reader.trials()[1] if view.params["act"] == "gelu"][:2]
    source = job.narrowed(*chosen)
    line, said, first, rate, both, act, momentum, last = source.splitlines()

    assert line == (
        "%%tune --maximize score --name digits-narrow --trials 8 --parallel 1 --warm-start digits --seed 0"
    )
    assert said == f"# digits, around trials {chosen[0]}, {chosen[1]}"
    assert first == "# größer: 'x' — first"
    assert rate.startswith("lr: float = Float(")
    assert rate.endswith(", log=True)  # the rate")
    assert both.split("; ")[1].startswith("width = Int(")
    assert act == "act = Categorical(['gelu'])"
    assert momentum == "momentum = None"
    assert last == CELL.splitlines()[-1]

    cell = parse_cell("\n".join(source.splitlines()[1:]), NAMES)
    assert set(cell.space.names()) == {"lr", "size", "width", "act"}
    for number in chosen:
        params: dict[str, Any] = job.trials[number].params
        assert cell.space["lr"].low <= params["lr"] <= cell.space["lr"].high  # type: ignore[union-attr]  # a Float
        assert params["size"] in cell.space["size"].choices  # type: ignore[union-attr]  # a Categorical

    smaller = ran(bench, "\n".join(source.splitlines()[1:]), name="digits-narrow", warm_start=("digits",))
    assert smaller.state == "SUCCEEDED"
    assert "warm start" in smaller.view().note or "starts from" in smaller.view().note
    assert "--name digits-narrow-2" in job.narrowed(0)


def test_without_numbers_the_selected_trials_count(bench: Bench) -> None:
    job = ran(bench)
    with pytest.raises(Conflict, match="no trial is selected"):
        job.narrowed()
    job.select(3)
    assert job.narrowed() == job.narrowed(3)
    with pytest.raises(NotFound, match="no trial 77"):
        job.narrowed(77)


def test_an_earlier_generation_is_named_as_the_source(bench: Bench) -> None:
    old = ran(bench)
    ran(bench, CELL.replace("1e-4", "1e-3"))
    assert "--warm-start digits#1 " in old.narrowed(0).replace("'", "")


def test_a_function_is_tuned_by_a_call(bench: Bench) -> None:
    def train(x: float, act: str) -> float:
        return x if act else 0.0

    job = bench.run(train, {"x": Float(0.0, 1.0), "act": Categorical({"a": 1})}, name="f", parallel=2)
    assert job.narrowed(0).splitlines() == [
        "# f, around trial 0",
        "from astraml_lab import Categorical, Float, tune",
        "",
        "# act: put the objects here that the labels stand for",
        "job = tune(",
        "    train,",
        "    space={",
        f'        "x": {lab_narrowed(job)!r},',
        "        \"act\": Categorical(['a']),",
        "    },",
        '    maximize="score",',
        '    name="f-narrow",',
        "    trials=4,",
        "    parallel=2,",
        "    warm_start=('f',),",
        "    seed=0,",
        ")",
    ]


def lab_narrowed(job: Job) -> Any:
    from astraml_lab.spec import narrowed

    return narrowed(job.spec.space, [job.trials[0].params])["x"]


def test_a_job_of_a_function_is_a_call_that_reads_as_the_same_job(bench: Bench) -> None:
    def train(x: float) -> float:
        return x

    job = bench.launch(train, trials=3, name="digits", seed=1).wait(120)
    again = call_in(job.export("cell"), {"train": train})

    assert again is not None
    same = {"space", "objectives", "trials", "name", "seed", "parallel"}
    assert {name: getattr(again, name) for name in same} == {name: getattr(job.spec, name) for name in same}


def test_the_selection_is_a_table_of_trials_in_the_order_of_choice(bench: Bench) -> None:
    job = ran(bench)
    assert job.selected.empty
    job.select(5, 2)
    assert list(job.selected.index) == [5, 2]
    assert list(job.selected.columns) == list(job.df.columns)
    job.select([1], 1, range(3, 5))
    assert list(bench.manager.find("digits").selected.index) == [1, 3, 4]
    with pytest.raises(NotFound, match="no trial 99"):
        job.select(0, 99)
    assert job.selection.numbers == (1, 3, 4)
    job.select(job.df.index[2], job.df.index[:2])  # numpy's numbers
    assert job.selection.numbers == (2, 0, 1)
    job.select()
    assert job.selected.empty


def test_the_table_is_exported_as_text(bench: Bench) -> None:
    text = ran(bench).export("csv")
    assert text.splitlines()[0].startswith("number,state,lr,size,width")
    assert len(text.splitlines()) == 9
