from __future__ import annotations

from typing import Any

import pytest

from astraml_lab.dialects import translate
from astraml_lab.dialects.astraml import ProblemError, read_policy

BASE: dict[str, Any] = {
    "apiVersion": "2.1",
    "project_id": "p-demo",
    "dataset": "s3://team/data",
    "model": "bert",
}
TUNED: dict[str, Any] = {
    **BASE,
    "hyperparams": {"batch_size": {"min": 8, "max": 64}},
    "tuning": {"objective": {"metric": "m", "direction": "maximize"}},
}


def outcome(request: dict[str, Any], **policy: Any) -> dict[str, Any]:
    return translate(request, policy=policy).as_dict()


def refused(request: dict[str, Any], **policy: Any) -> ProblemError:
    with pytest.raises(ProblemError) as caught:
        translate(request, policy=policy)
    assert (caught.value.code, caught.value.status) == ("policy-violation", 422)
    return caught.value


def test_the_request_goes_before_the_policy_and_the_policy_before_the_system() -> None:
    request = {**BASE, "hyperparams": {"epochs": 7}}
    found = outcome(
        request, defaults={"epochs": 3, "batch_size": 8, "weight_decay": 0.1, "resources": {"gpus": 2}}
    )
    assert found["fixed"] == {
        "batch_size": 8,
        "early_stopping.patience": 5,
        "epochs": 7,
        "gradient_accumulation_steps": 1,
        "lr": 3e-5,
        "lr_scheduler": "cosine",
        "weight_decay": 0.1,
    }
    assert found["gpus"] == 2
    assert {name: found["provenance"][name] for name in ("epochs", "batch_size", "lr", "resources.gpus")} == {
        "epochs": "request",
        "batch_size": "policy",
        "lr": "default",
        "resources.gpus": "policy",
    }


@pytest.mark.parametrize(
    "defaults",
    [
        {"hyperparams": {"early_stopping": {"patience": 9}}, "tuning": {"max_trials": 4}},
        {"early_stopping": {"patience": 9}, "max_trials": 4},
        {"early_stopping.patience": 9, "tuning.max_trials": 4},
        {"hyperparams.early_stopping.patience": 9, "tuning": {"max_trials": 4}},
    ],
)
def test_fields_are_named_nested_dotted_or_bare(defaults: dict[str, Any]) -> None:
    found = outcome(TUNED, defaults=defaults)
    assert (found["fixed"]["early_stopping.patience"], found["tuning"]["max_trials"]) == (9, 4)
    assert found["provenance"]["tuning.max_trials"] == "policy"


def test_switching_off_goes_before_a_default_of_the_policy_and_the_other_way() -> None:
    off = {**BASE, "hyperparams": {"early_stopping": None}}
    assert outcome(off, defaults={"early_stopping.patience": 9})["fixed"]["early_stopping"] is None
    on = {**BASE, "hyperparams": {"early_stopping": {"patience": 2}}}
    fixed = outcome(on, defaults={"early_stopping": None})["fixed"]
    assert fixed["early_stopping.patience"] == 2
    assert "early_stopping" not in fixed
    assert outcome(BASE, defaults={"early_stopping": None})["fixed"]["early_stopping"] is None


def test_a_default_beyond_a_ceiling_is_clamped_and_says_so() -> None:
    found = outcome(
        TUNED,
        defaults={"epochs": 50},
        ceilings={"epochs": 10, "max_trials": 8, "max_runtime_s": 60, "lr": 1e-5},
    )
    assert (found["fixed"]["epochs"], found["fixed"]["lr"], found["tuning"]["max_trials"]) == (10, 1e-5, 8)
    assert found["limits"]["max_runtime_s"] == 60
    provenance = found["provenance"]
    assert provenance["epochs"] == "policy+clamped"
    assert provenance["tuning.max_trials"] == provenance["lr"] == "default+clamped"
    assert provenance["tuning.max_runtime_s"] == "default+clamped"


@pytest.mark.parametrize(
    ("change", "policy", "place", "limit"),
    [
        ({"resources": {"gpus": 8}}, {"ceilings": {"gpus": 4}}, "/resources/gpus", 4),
        ({"hyperparams": {"epochs": 50}}, {"ceilings": {"epochs": 10}}, "/hyperparams/epochs", 10),
        (TUNED, {"ceilings": {"batch_size": 32}}, "/hyperparams/batch_size", 32),
        (
            {**TUNED, "hyperparams": {"batch_size": {"choices": [8, 64]}}},
            {"ceilings": {"batch_size": 32}},
            "/hyperparams/batch_size",
            32,
        ),
        (
            {"hyperparams": {"early_stopping": {"patience": 9}}},
            {"ceilings": {"early_stopping": {"patience": 3}}},
            "/hyperparams/early_stopping/patience",
            3,
        ),
        ({"hyperparams": {"width": 9}}, {"ceilings": {"width": 3}}, "/hyperparams/width", 3),
        (
            {**TUNED, "tuning": {**TUNED["tuning"], "max_trials": 100}},
            {"ceilings": {"tuning": {"max_trials": 50}}},
            "/tuning/max_trials",
            50,
        ),
        (
            {**TUNED, "tuning": {**TUNED["tuning"], "max_runtime_s": None}},
            {"ceilings": {"max_runtime_s": 50}},
            "/tuning/max_runtime_s",
            50,
        ),
        (
            {**TUNED, "tuning": {**TUNED["tuning"], "strategy": "bayesian"}},
            {"allowed": {"strategy": ["random"]}},
            "/tuning/strategy",
            ["random"],
        ),
        (
            {"dataset": "s3://other/data"},
            {"allowed": {"dataset_prefixes": ["s3://team/"]}},
            "/dataset",
            ["s3://team/"],
        ),
        (
            {"dataset": "s3://team/../other/data"},
            {"allowed": {"dataset_prefixes": ["s3://team/"]}},
            "/dataset",
            ["s3://team/"],
        ),
        (
            {"dataset": "s3://team/%2e%2e/other"},
            {"allowed": {"dataset_prefixes": ["s3://team/"]}},
            "/dataset",
            ["s3://team/"],
        ),
        ({"model": "gpt"}, {"allowed": {"model": ["bert"]}}, "/model", ["bert"]),
        (
            {"hyperparams": {"lr_scheduler": "step"}},
            {"allowed": {"lr_scheduler": ["cosine", "linear"]}},
            "/hyperparams/lr_scheduler",
            ["cosine", "linear"],
        ),
    ],
)
def test_what_is_asked_for_beyond_a_limit_is_refused_with_the_limit(
    change: dict[str, Any], policy: dict[str, Any], place: str, limit: Any
) -> None:
    error = refused({**BASE, **change}, **policy)
    assert error.pointers == (place,)
    assert error.document()["errors"][0]["limit"] == limit


def test_a_default_that_is_not_allowed_gives_way_to_the_first_that_is() -> None:
    found = outcome(TUNED, allowed={"strategy": ["random", "grid"]})
    assert found["tuning"]["strategy"] == "random"
    assert found["provenance"]["tuning.strategy"] == "default+clamped"


def test_what_is_within_the_limits_passes() -> None:
    found = outcome(
        TUNED,
        ceilings={"batch_size": 64, "gpus": 1},
        allowed={"strategy": ["bayesian"], "dataset_prefixes": ["s3://team/", "gs://"]},
    )
    assert found["provenance"]["batch_size"] == "request"
    assert found["provenance"]["resources.gpus"] == "default"


def test_a_single_run_is_not_held_to_the_limits_of_tuning() -> None:
    assert outcome(BASE, ceilings={"max_trials": 1}, defaults={"strategy": "random"})["kind"] == "run"


def test_the_version_of_the_policy_is_kept_with_the_job() -> None:
    spec = translate(BASE, policy={"version": 7, "ceilings": {"epochs": 2}}).spec
    assert spec.origin is not None
    assert (spec.origin.policy_version, spec.origin.provenance["epochs"]) == (7, "default+clamped")


@pytest.mark.parametrize(
    ("document", "places"),
    [
        ({"default": {}}, ["/default"]),
        ({"ceilings": []}, ["/ceilings"]),
        ({"version": "x"}, ["/version"]),
        ({"defaults": {"epochs": 0, "lr": {"min": 1, "max": 2}}}, ["/defaults/epochs", "/defaults/lr"]),
        ({"defaults": {"dataset": "d"}}, ["/defaults/dataset"]),
        ({"defaults": {"tuning": {"objective": {}}}}, ["/defaults/tuning.objective"]),
        ({"defaults": {"resources": {"cpus": 1}}}, ["/defaults/resources.cpus"]),
        (
            {"ceilings": {"epochs": "10", "max_trials": 0}},
            ["/ceilings/epochs", "/ceilings/tuning.max_trials"],
        ),
        ({"ceilings": {"window_s": 60}}, ["/ceilings/metrics.window_s"]),
        (
            {"allowed": {"strategy": [], "dataset_prefixes": [1]}},
            ["/allowed/dataset_prefixes", "/allowed/tuning.strategy"],
        ),
        (
            {"allowed": {"strategy": ["random", "Random"], "epochs": [0], "model": [7], "lr": [1e-3]}},
            ["/allowed/epochs", "/allowed/model", "/allowed/tuning.strategy"],
        ),
    ],
)
def test_a_policy_is_checked_itself(document: dict[str, Any], places: list[str]) -> None:
    with pytest.raises(ProblemError) as caught:
        read_policy(document)
    assert list(caught.value.pointers) == places
    assert caught.value.code == "schema-violation"


@pytest.mark.parametrize(
    ("allowed", "value", "fits"),
    [([1, 2], True, False), ([True], 1, False), ([1, 2], 1.0, True), ([0.1], 0.1, True)],
)
def test_a_switch_is_no_number(allowed: list[Any], value: Any, fits: bool) -> None:  # noqa: FBT001
    request = {**BASE, "hyperparams": {"depth": value}}
    if fits:
        assert outcome(request, allowed={"depth": allowed})["provenance"]["depth"] == "request"
    else:
        refused(request, allowed={"depth": allowed})


def test_a_default_that_is_cut_stays_among_what_is_allowed() -> None:
    found = outcome(BASE, ceilings={"batch_size": 24}, allowed={"batch_size": [64, 16, 8]})
    assert (found["fixed"]["batch_size"], found["provenance"]["batch_size"]) == (16, "default+clamped")


def test_a_policy_that_nothing_fits_or_that_limits_nothing_is_refused_with_all_else() -> None:
    with pytest.raises(ProblemError) as caught:
        read_policy(
            {
                "ceilings": {"batch_size": 8, "max_trails": 5, "hyperparams": {"max_trails": 5}},
                "allowed": {"batch_size": [16, 32], "dataset_prefix": ["s3://x/"]},
                "defalts": {},
            }
        )
    assert caught.value.pointers == (
        "/allowed/batch_size",
        "/allowed/dataset_prefix",
        "/ceilings/max_trails",
        "/defalts",
    )
    assert 'did you mean "dataset_prefixes"' in str(caught.value)
    assert "is `hyperparams.max_trails`" in str(caught.value)
