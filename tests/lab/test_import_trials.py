from __future__ import annotations

from typing import TYPE_CHECKING

import optuna
import pytest

import astraml_lab as lab
from astraml_lab.errors import Conflict, InvalidSpec
from astraml_lab.spec import JobState

if TYPE_CHECKING:
    from pathlib import Path


def score(x: float) -> float:
    return -x * x


def test_a_frame_that_left_comes_back_and_warms_the_next_job() -> None:
    first = lab.tune(score, {"x": lab.Float(-1, 1)}, maximize="score", trials=4, name="first")
    again = lab.import_trials(first.df, name="again")

    assert again.state is JobState.SUCCEEDED
    assert again.best.params == first.best.params
    assert [view.name for view in lab.jobs()] == ["again", "first"]
    second = lab.tune(
        score, {"x": lab.Float(-2, 2)}, maximize="score", trials=1, name="second", warm_start=("again",)
    )
    assert "starts from 4 trials of again#1" in second.view().note
    assert second.why(0) == "initial design: the best of again#1"
    with pytest.raises(Conflict, match="--name again-2"):
        lab.import_trials(first.df, name="again")


def test_options_are_checked_like_those_of_a_job(tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_text("x,score\n1,2\n")
    with pytest.raises(InvalidSpec, match="printable characters"):
        lab.import_trials(tmp_path / "runs.csv", name=" runs", maximize="score")
    with pytest.raises(InvalidSpec, match="each metric may be an objective once"):
        lab.import_trials(tmp_path / "runs.csv", maximize="score", minimize="score")
    job = lab.import_trials(str(tmp_path / "runs.csv"), maximize="score", params="x")
    assert job.best.params == {"x": 1}


def test_a_study_keeps_its_name() -> None:
    study = optuna.create_study(study_name="theirs")
    distribution = optuna.distributions.FloatDistribution(0, 1)
    study.add_trial(
        optuna.trial.create_trial(value=0.5, params={"x": 0.5}, distributions={"x": distribution})
    )
    assert lab.import_trials(study).name == "theirs"
