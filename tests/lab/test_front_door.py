from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

import astraml_lab as lab
from astraml_lab import errors
from astraml_lab.spec import JobState

if TYPE_CHECKING:
    from pathlib import Path

SPACE = {"x": lab.Float(0.0, 1.0), "n": lab.Int(1, 3)}


def score(x: float, n: int) -> float:
    return x * n


def test_the_public_names_are_these() -> None:
    assert lab.__all__ == sorted(lab.__all__)
    for name in lab.__all__:
        assert getattr(lab, name) is not None
    assert dir(lab) == lab.__all__


def test_a_function_is_tuned_and_waited_for_where_nobody_is_at_the_keyboard() -> None:
    job = lab.tune(score, SPACE, maximize="score", trials=5, name="plain")

    assert job.state is JobState.SUCCEEDED
    assert lab.job("plain").best.number == job.best.number
    assert lab.job().name == "plain"
    assert [view.name for view in lab.jobs(state="succeeded")] == ["plain"]
    assert lab.jobs(project="other") == []


def test_the_data_frames_have_what_a_user_expects() -> None:
    def curve(x: float, n: int, report: Any) -> None:
        for step in range(5):
            report(score=x * step, loss=n)

    job = lab.tune(curve, SPACE, maximize="score", trials=3, prune="off")

    assert list(job.df.columns[:5]) == ["state", "x", "n", "score", "loss"]
    assert len(job.metrics("score")) == 15
    windows = job.metrics("score", window="1m")
    assert windows["count"].sum() == 15
    assert windows["max"].max() == job.metrics("score")["value"].max()
    assert len(job.study.trials) == 3
    assert job.study.best_value == pytest.approx(job.df["score"].max())
    assert "x = " in job.best_as_cell()
    for kind in ("metrics", "history", "timeline", "parallel"):
        assert job.figure(kind).data


def test_what_a_second_run_does_not_compare_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [0.5] * 1000

    def first(x: float, n: int) -> float:
        return x * n + rows[0]

    for _ in range(2):
        lab.tune(first, SPACE, maximize="score", trials=1, name="again")
    said = capsys.readouterr().out
    assert said.count("again: the same search as before, not started anew. Not compared: rows (list);") == 1


def test_check_runs_the_first_configuration_and_stores_nothing() -> None:
    found = lab.tune(score, SPACE, maximize="score", check=True)

    assert len(found.samples) == 5
    assert set(found.metrics) == {"score"}
    assert lab.jobs() == []


def test_a_failing_check_shows_the_users_lines() -> None:
    def broken(x: float, n: int) -> float:
        return x / (n - n)

    with pytest.raises(errors.JobFailed, match=r"return x / \(n - n\)"):
        lab.tune(broken, SPACE, maximize="score", check=True)


def test_mistakes_are_refused_at_the_door() -> None:
    with pytest.raises(errors.InvalidSpec, match=r'trails; no such argument \(did you mean "trials"\?\)'):
        lab.tune(score, SPACE, maximize="score", trails=3)
    with pytest.raises(errors.InvalidSpec, match="a dimension: Float"):
        lab.tune(score, {"x": (0, 1)}, maximize="score")  # type: ignore[dict-item]
    with pytest.raises(errors.InvalidSpec, match="name the metric"):
        lab.tune(score, SPACE)
    with pytest.raises(errors.InvalidSpec, match="takes no such parameter"):
        lab.tune(score, {**SPACE, "z": lab.Int(1, 2)}, maximize="score")
    with pytest.raises(errors.InvalidSpec, match='did you mean "RUNNING"'):
        lab.jobs(state="runing")
    with pytest.raises(errors.NotFound, match="has no job yet"):
        lab.job()
    with pytest.raises(errors.RequestRefused, match="Member must not be null"):
        lab.submit({"HyperParameterTuningJobName": "x"})


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("maximise", 'did you mean "maximize"?'),
        ("minimise", 'did you mean "minimize"?'),
        ("maximze", 'did you mean "maximize"?'),
        ("direction", 'did you mean "maximize" or "minimize"?'),
        ("n_trials", 'did you mean "trials"?'),
        ("search_space", 'did you mean "space"?'),
        ("n_jobs", 'did you mean "parallel"?'),
        ("timeout", 'did you mean "max_runtime" or "trial_timeout"?'),
        ("fn", "what each trial runs comes first, without a name"),
        ("xyzzy", "known: maximize, minimize, space, notebook, "),
    ],
)
def test_an_argument_that_there_is_not_is_told_with_its_name_here(given: str, hint: str) -> None:
    with pytest.raises(errors.InvalidSpec) as refused:
        lab.tune(score, SPACE, **{given: "score"})

    (problem,) = refused.value.problems
    assert (problem.path, problem.allowed) == (given, "no such argument")
    assert hint in problem.hint


def test_a_failed_job_fails_the_script_with_one_sentence(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(
        "import astraml_lab as lab\n"
        "def train(x):\n    return 1 / 0\n"
        "lab.tune(train, {'x': lab.Float(0, 1)}, maximize='score', trials=3)\n"
    )
    ran = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)

    assert ran.returncode == 1
    assert "JobFailed" in ran.stderr
    assert "ZeroDivisionError: division by zero" in ran.stderr
