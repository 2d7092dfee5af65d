"""What AutoSampler makes of trials of elsewhere: good ones help, bad ones cost one trial."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState, create_trial

from astraml_lab.search import AutoSampler
from astraml_lab.search.auto import why
from astraml_lab.search.auto.history import note_of
from astraml_lab.search.auto.outcomes import Outcome, Targets
from astraml_lab.search.auto.prior import NO_PRIOR, Prior, Sample, prior_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

    Array = NDArray[np.float64]

SPACE: dict[str, BaseDistribution] = {
    "x": FloatDistribution(0, 1),
    "y": FloatDistribution(0, 1),
    "lr": FloatDistribution(1e-5, 1, log=True),
}
NUMBERS = np.zeros(2, dtype=np.int64)


pytestmark = pytest.mark.usefixtures("quiet_optuna")


def bowl(params: Mapping[str, float]) -> float:
    near = (params["x"] - 0.83) ** 2 + (params["y"] - 0.21) ** 2
    return near + 0.1 * (math.log10(params["lr"]) + 3.6) ** 2


def trials_of(
    name: str, value: Callable[[Mapping[str, float]], float], count: int = 40, seed: int = 9
) -> list[FrozenTrial]:
    random = np.random.default_rng(seed)
    found = []
    for number in range(count):
        params = {"x": random.random(), "y": random.random(), "lr": 10 ** random.uniform(-5, 0)}
        found.append(
            create_trial(
                params=params,
                distributions=SPACE,
                value=value(params),
                user_attrs={"warm": f"{name} trial {number}"},
            )
        )
    return found


def started(*known: FrozenTrial, seed: int = 1, **options: object) -> optuna.Study:
    sampler = AutoSampler(seed=seed, space=SPACE, warm="warm")
    study = optuna.create_study(sampler=sampler, **options)  # type: ignore[arg-type]  # passed on
    study.add_trials(known)
    return study


def searched(study: optuna.Study, count: int, sign: float = 1.0) -> list[float]:
    found = []
    for _ in range(count):
        trial = study.ask(SPACE)
        found.append(bowl(trial.params))
        study.tell(trial, sign * found[-1])
    return found


def own(study: optuna.Study) -> list[FrozenTrial]:
    return [trial for trial in study.trials if "warm" not in trial.user_attrs]


def test_a_good_prior_is_believed_in_another_unit_and_saves_trials() -> None:
    cold = searched(started(), 8)
    warm = searched(started(*trials_of("before", lambda params: 1000 * math.exp(bowl(params)) + 7)), 8)
    assert warm[0] < min(cold)
    assert min(warm) < min(cold) / 3


def test_it_begins_at_the_best_of_elsewhere_and_then_at_the_centre() -> None:
    known = trials_of("digits#1", bowl)
    study = started(*known)
    searched(study, 3)
    first, second, _ = own(study)
    assert first.params == pytest.approx(min(known, key=lambda trial: trial.value or 0.0).params)
    assert why(first) == "initial design: the best of digits#1"
    assert second.params["x"] == pytest.approx(0.5)
    assert why(second) == "initial design: the centre of the space"


def test_the_best_of_the_latest_two_sources_is_tried() -> None:
    sources = [trials_of(name, bowl, 10, seed) for seed, name in enumerate(("a", "b", "c"))]
    study = started(*(trial for source in sources for trial in source))
    searched(study, 3)
    said = [why(trial) for trial in own(study)]
    assert said[0].endswith("best of c")
    assert said[1].endswith("best of b")
    assert said[2].endswith("centre of the space")


def test_where_the_prior_agrees_the_model_begins_after_three_trials() -> None:
    good = started(*trials_of("before", bowl))
    bad = started(*trials_of("before", lambda params: -bowl(params)))
    for study in (good, bad):
        searched(study, 4)
    assert why(own(good)[3]).startswith(("a gain", "exploring"))
    assert why(own(bad)[3]).startswith("initial design")


def test_a_prior_the_wrong_way_round_costs_a_trial_and_nothing_more() -> None:
    study = started(*trials_of("before", lambda params: -bowl(params)))
    searched(study, 9)
    said = [why(trial) for trial in own(study)]
    # Six are placed in three dimensions without a prior, and so they are with one that is not believed
    assert [one.startswith("initial design") for one in said] == [True] * 7 + [False] * 2
    model = note_of(own(study)[-1])["models"][0]
    assert len(model) == len(SPACE) + 2, "the source has no column in it"


def test_trials_of_elsewhere_are_not_its_own_in_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("astraml_lab.search.auto.sampler.MOST_TRIALS", 12)
    study = started(*trials_of("before", bowl, 30))
    searched(study, 13)
    assert "models" in own(study)[12].system_attrs["auto"]


def test_maximising_is_minimising_the_negative_with_a_prior_too() -> None:
    down = started(*trials_of("before", bowl))
    up = started(*trials_of("before", lambda params: -bowl(params)), direction="maximize")
    assert searched(down, 5) == searched(up, 5, sign=-1.0)


def test_a_resumed_search_proposes_what_it_would_have() -> None:
    storage = optuna.storages.InMemoryStorage()
    study = started(*trials_of("before", bowl), storage=storage, study_name="s")
    searched(study, 5)
    resumed = optuna.load_study(
        study_name="s", storage=storage, sampler=AutoSampler(seed=1, space=SPACE, warm="warm")
    )
    whole = searched(started(*trials_of("before", bowl)), 7)
    assert searched(resumed, 2) == whole[5:]


def test_pruned_trials_of_elsewhere_count_by_their_curves() -> None:
    known = trials_of("before", bowl, 20)
    curves = [
        create_trial(
            state=TrialState.PRUNED,
            params=trial.params,
            distributions=SPACE,
            intermediate_values={0: (trial.value or 0.0) + 2, 1: trial.value or 0.0},
            user_attrs=trial.user_attrs,
        )
        for trial in known
    ]
    study = started(*curves)
    searched(study, 1)
    best = min(known, key=lambda trial: trial.value or 0.0)
    assert own(study)[0].params == pytest.approx(best.params)


def test_the_best_of_elsewhere_is_the_best_that_keeps_to_the_limits() -> None:
    known = trials_of("before", bowl, 20)
    ranked = sorted(known, key=lambda trial: trial.value or 0.0)
    for rank, trial in enumerate(ranked):
        trial.set_constraint("0 latency", 1.0 if rank < 5 else 0.0)
    study = started(*known)
    searched(study, 1)
    assert own(study)[0].params == pytest.approx(ranked[5].params)


def test_where_limits_are_not_known_of_all_the_best_is_one_that_is_known_to_keep_to_them() -> None:
    known = trials_of("before", bowl, 400)
    ranked = sorted(known, key=lambda trial: trial.value or 0.0)
    for rank, trial in enumerate(ranked):
        if rank % 2:
            trial.set_constraint("0 latency", 0.0 if rank in {91, 205} else 1.0)
    study = started(*known)
    searched(study, 1)
    assert own(study)[0].params == pytest.approx(ranked[91].params)


def test_a_source_of_which_none_keeps_to_the_limits_has_no_best() -> None:
    known = trials_of("before", bowl, 20)
    for trial in known:
        trial.set_constraint("0 latency", 1.0)
    study = started(*known)
    searched(study, 1)
    assert why(own(study)[0]) == "initial design: the centre of the space"


def test_the_centre_is_not_tried_again_where_it_was_the_best_of_elsewhere() -> None:
    known = trials_of("before", lambda params: bowl(params) + 10.0)
    middle = {"x": 0.5, "y": 0.5, "lr": 10**-2.5}
    best = create_trial(params=middle, distributions=SPACE, value=0.0, user_attrs={"warm": "before trial 40"})
    study = started(*known, best)
    searched(study, 3)
    first, *others = [list(trial.params.values()) for trial in own(study)]
    assert first == pytest.approx(list(middle.values()))
    assert all(each != pytest.approx(first) for each in others)


def test_trials_at_once_differ_with_a_prior_too() -> None:
    study = started(*trials_of("before", bowl))
    asked = [study.ask(SPACE) for _ in range(8)]
    assert len({tuple(trial.params.values()) for trial in asked}) == 8


def rows_and(values: Callable[[Array], Array], count: int, seed: int) -> tuple[Array, list[Outcome]]:
    rows = np.random.default_rng(seed).random((count, 2))
    return rows, [Outcome(float(value)) for value in values(rows)]


def trials_like(values: Callable[[Array], Array], count: int, seed: int) -> Sample:
    return Sample(*rows_and(values, count, seed), np.ones(count, dtype=bool))


def steep(rows: Array) -> Array:
    found: Array = np.exp(3 * rows[:, 0]) + rows[:, 1]
    return found


def test_only_a_source_that_ranks_as_the_search_does_is_believed() -> None:
    found = {
        "same": trials_like(steep, 40, 1),
        "reversed": trials_like(lambda rows: -steep(rows), 40, 2),
        "unrelated": trials_like(lambda rows: np.cos(9 * rows[:, 1] + 30 * rows[:, 0]), 40, 3),
        "constant": trials_like(lambda rows: np.ones(len(rows)), 40, 4),
        "few": trials_like(steep, 2, 5),
    }
    prior = prior_of(found, NUMBERS)
    assert [source.name for source in prior.sources] == ["same", "reversed", "unrelated"]
    assert [source.name for source in prior.agreeing(*rows_and(steep, 8, 6)).sources] == ["same"]
    assert prior.agreeing(*rows_and(steep, 2, 6)) == NO_PRIOR


def test_failures_agree_with_what_is_bad_there() -> None:
    prior = prior_of({"same": trials_like(steep, 40, 1)}, NUMBERS)
    rows, outcomes = rows_and(steep, 9, 6)
    failed = [Outcome(math.inf) if row[0] > 0.6 else one for row, one in zip(rows, outcomes, strict=True)]
    assert prior.agreeing(rows, failed).sources


def test_sources_make_room_for_the_searchs_own_trials() -> None:
    found = {name: trials_like(steep, 90, seed) for seed, name in enumerate("abcdefghij")}
    prior = prior_of(found, NUMBERS)
    assert [source.name for source in prior.sources] == list("cdefghij")
    counts = [sum(len(source.rows) for source in prior.beside(own).sources) for own in (3, 20, 40, 60, 200)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] <= 60
    assert counts[-2:] == [0, 0]


def test_what_is_kept_of_a_source_is_its_best_and_something_of_all_else() -> None:
    prior = prior_of({"a": trials_like(steep, 100, 0)}, NUMBERS)
    (kept,) = prior.beside(40).sources
    values = np.sort(prior.sources[0].values)
    assert len(kept.values) == 20
    assert np.sort(kept.values)[:10] == pytest.approx(values[:10])
    assert kept.values.max() == values.max()


def test_each_source_stands_in_a_column_of_its_own() -> None:
    prior = prior_of({"a": trials_like(steep, 5, 0), "b": trials_like(steep, 4, 1)}, NUMBERS)
    rows = np.full((3, 2), 0.5)
    known = Targets(np.zeros(3), np.zeros(3), 0.0, 1.0)
    every, told = prior.joined(rows, known)
    assert every.shape == (12, 4)
    assert len(told.values) == len(told.variances) == 12
    assert (every[:, 2] != 0).tolist() == [False] * 3 + [True] * 5 + [False] * 4
    assert (every[:, 3] != 0).tolist() == [False] * 8 + [True] * 4
    assert prior.choices(NUMBERS).tolist() == [0] * 4
    assert Prior().joined(rows, known)[0] is rows
