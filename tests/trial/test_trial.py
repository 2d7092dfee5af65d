from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from astraml_lab import current_trial, report
from astraml_lab.errors import NotFound, NotInTrial, TrialInfeasible
from astraml_lab.trial import Trial, entered

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from astraml_lab.spec import AnyDimension, ParamValue


class Heard:
    """A channel that only listens."""

    def __init__(self) -> None:
        self.reports: list[tuple[dict[str, float], int | None]] = []
        self.asked: list[str] = []

    def report(self, metrics: Mapping[str, float], step: int | None) -> None:
        self.reports.append((dict(metrics), step))

    def should_stop(self) -> bool:
        return False

    def secret(self, name: str) -> str:
        raise NotFound(f"no secret {name} here")

    def suggest(self, name: str, dimension: AnyDimension) -> ParamValue:
        self.asked.append(f"{name} {dimension}")
        return 2


def make(path: Path, **more: Any) -> tuple[Trial, Heard]:
    heard = Heard()
    return Trial(3, {"lr": 0.1}, heard, seed=7, checkpoint_dir=path, **more), heard


def test_anything_that_float_takes_is_reported(tmp_path: Path) -> None:
    trial, heard = make(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        step: int = np.int64(2)  # type: ignore[assignment]  # what loops over numpy arrays pass
        trial.report({"val/acc": np.float32(0.5)}, step=step, loss=torch.tensor(1.5, requires_grad=True))

    assert heard.reports == [({"val/acc": 0.5, "loss": 1.5}, 2)]


@pytest.mark.parametrize("value", ["a lot", None, [1, 2], torch.zeros(3)])
def test_what_is_no_number_is_a_type_error_that_names_it(tmp_path: Path, value: Any) -> None:
    trial, heard = make(tmp_path)
    with pytest.raises(TypeError, match="report\\(loss=…\\) takes a number"):
        trial.report(loss=value)
    assert heard.reports == []


@pytest.mark.parametrize("step", [1.5, "two"])
def test_a_step_is_a_whole_number(tmp_path: Path, step: Any) -> None:
    with pytest.raises(TypeError, match="whole number"):
        make(tmp_path)[0].report(step=step, loss=1.0)


def test_report_and_current_trial_work_inside_a_trial_only(tmp_path: Path) -> None:
    trial, heard = make(tmp_path)
    with entered(trial):
        report(loss=1)
        assert current_trial() is trial
    assert heard.reports == [({"loss": 1.0}, None)]
    for call in (current_trial, lambda: report(loss=1)):
        with pytest.raises(NotInTrial, match="inside a trial only"):
            call()


def test_generators_come_from_the_seed_and_leave_the_global_ones_alone(tmp_path: Path) -> None:
    before = torch.get_rng_state()
    one, two = make(tmp_path)[0], make(tmp_path)[0]

    assert torch.equal(torch.rand(3, generator=one.generator), torch.rand(3, generator=two.generator))
    assert one.rng.random() == two.rng.random()
    assert torch.equal(torch.get_rng_state(), before)


def test_the_device_is_the_leased_one(tmp_path: Path) -> None:
    assert make(tmp_path)[0].device == torch.device("cpu")
    assert make(tmp_path, devices=(1,))[0].device == torch.device("cuda", 1)


def test_optunas_names_return_what_the_space_has_and_ask_for_the_rest_once(tmp_path: Path) -> None:
    trial, heard = make(tmp_path)

    assert trial.suggest_float("lr", 0, 1) == 0.1
    assert [trial.suggest_int("depth", 1, 3) for _ in range(2)] == [2, 2]
    assert heard.asked == ["depth Int(1, 3)"]
    assert trial.params["depth"] == 2


def test_infeasible_ends_the_trial(tmp_path: Path) -> None:
    with pytest.raises(TrialInfeasible, match="too wide"):
        make(tmp_path)[0].infeasible("too wide")
