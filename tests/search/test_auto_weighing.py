"""AutoSampler with several objectives and with constraints."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import optuna
import pytest
from optuna.samplers import RandomSampler
from optuna.trial import TrialState

from astraml_lab.search import AutoSampler, dominated
from astraml_lab.search.auto import why
from astraml_lab.search.auto.history import NOTE

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


pytestmark = pytest.mark.usefixtures("quiet_optuna")


def point(trial: optuna.Trial) -> dict[str, Any]:
    trial.suggest_float("x", 0, 1)
    trial.suggest_float("lr", 1e-5, 1e-1, log=True)
    trial.suggest_categorical("kind", ["a", "b", "c"])
    return trial.params


def values(params: dict[str, Any]) -> tuple[float, float]:
    far = 1 + (math.log10(params["lr"]) + 3.2) ** 2 + 0.4 * "bca".index(params["kind"])
    return params["x"], far * (1 - math.sqrt(params["x"] / far))


def study_of(
    sampler: BaseSampler | None = None,
    directions: tuple[Literal["minimize", "maximize"], ...] = ("minimize",) * 2,
) -> optuna.Study:
    return optuna.create_study(directions=[*directions], sampler=sampler or AutoSampler(seed=1))


def searched(study: optuna.Study, count: int) -> list[dict[str, Any]]:
    found = []
    for _ in range(count):
        trial = study.ask()
        found.append(point(trial))
        study.tell(trial, values(found[-1]))
    return found


def volume(study: optuna.Study) -> float:
    return dominated([trial.values for trial in study.trials if trial.values], [1.0, 2.0])


def test_forty_trials_dominate_more_than_four_hundred_random_ones() -> None:
    ours, random = study_of(), study_of(RandomSampler(seed=0))
    searched(ours, 40)
    searched(random, 400)
    assert volume(ours) > volume(random)


def test_maximising_is_minimising_the_negative() -> None:
    down, mixed = study_of(), study_of(directions=("minimize", "maximize"))
    for expected in searched(down, 12):
        trial = mixed.ask()
        assert point(trial) == expected
        first, second = values(expected)
        mixed.tell(trial, (first, -second))


def test_the_same_seed_goes_on_where_another_process_left_off() -> None:
    whole = searched(study_of(), 13)
    storage = optuna.storages.InMemoryStorage()
    before = optuna.create_study(
        storage=storage, study_name="s", directions=["minimize"] * 2, sampler=AutoSampler(seed=1)
    )
    searched(before, 9)
    resumed = optuna.load_study(study_name="s", storage=storage, sampler=AutoSampler(seed=1))
    assert searched(resumed, 4) == whole[9:]


def test_eight_trials_at_once_differ() -> None:
    study = study_of()
    searched(study, 12)
    asked = [point(study.ask()) for _ in range(8)]
    shares = np.sort([params["x"] for params in asked])
    assert len({tuple(params.values()) for params in asked}) == 8
    assert shares[-1] - shares[0] > 0.3, "along the front, not eight times its best gap"


def test_with_three_objectives_every_other_point_is_tpes() -> None:
    study = study_of(directions=("minimize",) * 3)
    for _ in range(20):
        trial = study.ask()
        params = point(trial)
        study.tell(trial, (*values(params), math.log10(params["lr"])))
    drawn = [trial.number for trial in study.trials[1:] if not why(trial)]
    assert drawn == [10, 12, 14, 16, 18], "the others are the model's"


def test_what_fails_is_avoided() -> None:
    study = study_of()
    failed = []
    for _ in range(30):
        trial = study.ask()
        params = point(trial)
        if params["lr"] < 5e-4:
            study.tell(trial, state=TrialState.FAIL)
            failed.append(trial.number)
        else:
            study.tell(trial, values(params))
    assert len([number for number in failed if number >= 10]) < 8
    assert volume(study) > 0.8


def test_a_value_without_end_spoils_its_own_objective_alone() -> None:
    study = study_of()
    for _ in range(20):
        trial = study.ask()
        params = point(trial)
        first, second = values(params)
        study.tell(trial, (first, math.inf if params["lr"] > 1e-2 else second))
    assert volume(study) > 0.8


def test_an_objective_that_never_changes_is_left_out() -> None:
    study = study_of()
    for _ in range(25):
        trial = study.ask()
        study.tell(trial, (7.0, values(point(trial))[1]))
    assert min(trial.values[1] for trial in study.trials) < 0.05
    assert "7 ± 0" in " ".join(why(trial) for trial in study.trials)


def test_three_objectives_are_weighed_too() -> None:
    study = study_of(directions=("minimize",) * 3)
    for _ in range(14):
        trial = study.ask()
        params = point(trial)
        study.tell(trial, (*values(params), abs(math.log10(params["lr"]) + 4)))
    assert "models" in study.trials[-1].system_attrs[NOTE]


def test_four_objectives_go_to_tpe() -> None:
    study = study_of(directions=("minimize",) * 4)
    for _ in range(13):
        trial = study.ask()
        params = point(trial)
        study.tell(trial, (*values(params), params["lr"], -params["x"]))
    assert not any(NOTE in trial.system_attrs for trial in study.trials)
    assert why(study.trials[-1]) == ""


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_each_proposal_says_what_it_expects_of_each_objective() -> None:
    study = study_of(directions=("minimize", "maximize"))
    study.set_metric_names(["seconds", "accuracy"])
    for _ in range(22):
        trial = study.ask()
        first, second = values(point(trial))
        study.tell(trial, (1000 * first, -second))
    said = [why(trial) for trial in study.trials if "gain" in why(trial)]
    assert said
    assert all(" ± " in one and "accuracy " in one and "no trial so far beats that" in one for one in said)
    expected = [float(one.split("seconds ")[1].split(" ")[0]) for one in said]
    assert all(-200 < each < 1200 for each in expected), "in the objective's own terms"
    assert all(len(trial.system_attrs.get(NOTE, "")) < 2000 for trial in study.trials)


def constrained(study: optuna.Study, count: int, limit: float = 0.6) -> list[optuna.trial.FrozenTrial]:
    """The lowest loss lies where x is largest, which takes too long."""
    for _ in range(count):
        trial = study.ask()
        params = point(trial)
        seconds = params["x"] + 0.3 * ("abc".index(params["kind"]) == 1)
        trial.set_constraint("0 seconds", 1000 * (seconds - limit))
        study.tell(trial, values(params)[1])
    return [trial for trial in study.trials if all(each <= 0 for each in trial.constraints.values())]


def test_the_best_that_keeps_to_a_constraint_is_found() -> None:
    study = study_of(directions=("minimize",))
    kept = constrained(study, 35)
    # x = 0.3 with the kind that costs time, x = 0.6 with a worse one
    best = min(
        values({"x": 0.3, "lr": 10**-3.2, "kind": "b"})[1], values({"x": 0.6, "lr": 10**-3.2, "kind": "c"})[1]
    )
    assert min(trial.value for trial in kept if trial.value is not None) < best + 0.05
    assert sum(trial.number > 20 for trial in kept) > 6, "most of the later trials are near the limit"


def test_a_point_that_keeps_to_it_is_looked_for_first() -> None:
    study = study_of(directions=("minimize",))
    kept = constrained(study, 30, limit=0.02)
    assert kept
    said = [why(trial) for trial in study.trials]
    before, after = said[: kept[0].number + 1], said[kept[0].number + 1 :]
    assert any(one.startswith("no trial keeps to the constraints so far") for one in before)
    assert any("it keeps to the constraints" in one for one in after)
    assert not any(one.startswith("no trial keeps") for one in after)


def test_several_objectives_keep_to_several_constraints() -> None:
    study = study_of()
    for _ in range(30):
        trial = study.ask()
        params = point(trial)
        trial.set_constraint("memory", params["x"] - 0.7)
        trial.set_constraint("speed", 0.2 - params["x"])
        study.tell(trial, values(params))
    assert sum(0.2 <= trial.params["x"] <= 0.7 for trial in study.trials[12:]) > 12
    assert "it keeps to the constraints" in why(study.trials[-1])


def test_a_constraint_that_was_never_measured_is_far_missed_and_one_without_a_word_is_unknown() -> None:
    study = study_of(directions=("minimize",))
    for number in range(20):
        trial = study.ask()
        params = point(trial)
        if number % 3:
            trial.set_constraint("seconds", math.inf if params["x"] > 0.8 else params["x"] - 0.5)
        study.tell(trial, values(params)[1])
    assert "constraints" in why(study.trials[-1])


def test_every_model_is_noted_with_many_columns_and_constraints() -> None:
    study = study_of()
    for _ in range(10):
        trial = study.ask()
        x = [trial.suggest_float(f"x{index}", 0, 1) for index in range(28)]
        for index in range(5):
            trial.set_constraint(f"limit {index}", x[index] - 0.7)
        study.tell(trial, (sum(x), -x[0]))
    noted = json.loads(study.trials[-1].system_attrs[NOTE])
    assert [len(model) for model in noted["models"]] == [28 + 2] * 7
