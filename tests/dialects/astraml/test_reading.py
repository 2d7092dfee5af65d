from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astraml_lab.dialects import Translation, translate
from astraml_lab.dialects.astraml import ProblemError
from astraml_lab.spec import (
    Channel,
    Dialect,
    JobSpec,
    LogMetric,
    Pruning,
    SecretRef,
    StoppingKind,
    StoppingRule,
    Strategy,
)

BASE: dict[str, Any] = {
    "apiVersion": "2.1",
    "project_id": "p-demo",
    "dataset": "s3://bucket/data",
    "model": "bert-base",
}
LOSS = {"metric": "eval_loss", "direction": "minimize"}
HUB = SecretRef.model_validate({"secret": "hf-token"})
LR = {"lr": {"min": 1e-5, "max": 1e-3, "scale": "log"}}


def tuned(hyperparams: dict[str, Any], **tuning: Any) -> dict[str, Any]:
    return {**BASE, "hyperparams": hyperparams, "tuning": {"objective": LOSS, **tuning}}


def refused(request: Any, **around: Any) -> dict[str, Any]:
    with pytest.raises(ProblemError) as caught:
        translate(request, **around)
    return caught.value.as_dict()


def invalid(code: str, *pointers: str, status: int = 422) -> dict[str, Any]:
    return {"outcome": "invalid", "status": status, "code": code, "pointers": list(pointers)}


def searched(name: str, value: Any) -> dict[str, Any]:
    (found,) = translate(tuned({name: value})).as_dict()["search_space"]
    return dict(found)


def test_the_smallest_request_is_one_run_with_the_defaults() -> None:
    request = {name: BASE[name] for name in ("project_id", "dataset", "model")}
    outcome = translate(request).as_dict()
    assert outcome["outcome"] == "valid"
    assert outcome["kind"] == "run"
    assert outcome["search_space"] == []
    assert outcome["fixed"] == {
        "batch_size": 32,
        "early_stopping.patience": 5,
        "epochs": 5,
        "gradient_accumulation_steps": 1,
        "lr": 3e-5,
        "lr_scheduler": "cosine",
    }
    assert outcome["gpus"] == 1
    assert outcome["apiVersion"] == "2.1"
    assert outcome["tuning"] is None
    assert set(outcome["provenance"].values()) == {"default"}


def test_a_whole_request_becomes_a_job() -> None:
    request = {
        **tuned(
            {
                **LR,
                "batch_size": {"choices": [16, 32]},
                "epochs": {"min": 2, "max": 10, "step": 3},
                "weight_decay": 0.01,
                "hub": {"secret": "hf-token"},
                "early_stopping": {"patience": 2, "metric": "eval_f1", "min_delta": 0.1},
            },
            strategy="random",
            max_trials=7,
            max_parallel=2,
            max_runtime_s=600,
            trial_timeout_s=60,
            seed=3,
            pruning="median",
        ),
        "name": "bert tuning",
        "resources": {"gpus": 2},
        "metrics": {"window_s": 10, "definitions": [{"name": "eval_loss", "regex": "loss=(.*)"}]},
        "env": {"MODE": "fast", "HF": {"secret": "hf-token"}},
        "tags": {"team": "nlp"},
    }
    translation = translate(request, secrets=["hf-token"])
    spec = translation.spec
    assert (spec.name, spec.project, spec.tag) == ("bert tuning", "p-demo", {"team": "nlp"})
    assert (spec.trials, spec.parallel, spec.gpus, spec.seed) == (7, 2, 2.0, 3)
    assert (spec.max_runtime, spec.trial_timeout, spec.window) == (600, 60, 10)
    assert (spec.strategy, spec.prune, spec.stopping) == (Strategy.RANDOM, Pruning.MEDIAN, None)
    assert [(each.metric, each.goal) for each in spec.objectives] == [("eval_loss", "minimize")]
    program = spec.definitions[0].program
    assert program is not None
    script = program.script
    assert script is not None
    assert (program.kind, script.convention, script.target) == ("script", Dialect.ASTRAML, "bert-base")
    assert script.channels == {"dataset": Channel(uri="s3://bucket/data")}
    assert script.env == {"MODE": "fast", "HF": HUB}
    assert script.log_metrics == (LogMetric(name="eval_loss", regex="loss=(.*)"),)
    assert script.fixed == {
        "early_stopping.metric": "eval_f1",
        "early_stopping.min_delta": 0.1,
        "early_stopping.patience": 2,
        "gradient_accumulation_steps": 1,
        "hub": HUB,
        "lr_scheduler": "cosine",
        "weight_decay": 0.01,
    }
    outcome = translation.as_dict()
    assert outcome["search_space"] == [
        {"name": "batch_size", "type": "categorical", "choices": [16, 32]},
        {"name": "epochs", "type": "int", "low": 2, "high": 8, "scale": "linear", "step": 3},
        {"name": "lr", "type": "float", "low": 1e-5, "high": 1e-3, "scale": "log"},
    ]
    assert outcome["tuning"] == {
        "objective": LOSS,
        "strategy": "random",
        "max_trials": 7,
        "max_parallel": 2,
        "seed": 3,
    }
    assert outcome["effective_batch"] == {"min": 32, "max": 64}
    assert spec.origin is not None
    assert spec.origin.request == request
    assert translation.fidelity.accepted_not_acted == {}
    assert "/hyperparams/lr" in translation.fidelity.honoured
    assert JobSpec.model_validate_json(spec.model_dump_json()) == spec


def test_hyperband_stops_trials_by_their_epochs() -> None:
    rule = StoppingRule(kind=StoppingKind.HYPERBAND, max_resource=5)
    spec = translate(tuned(LR, strategy="hyperband")).spec
    assert (spec.strategy, spec.prune, spec.stopping) == (Strategy.HYPERBAND, Pruning.AUTO, rule)
    translation = translate(tuned({**LR, "epochs": {"min": 3, "max": 9}}, pruning="hyperband"))
    assert (translation.spec.strategy, translation.spec.stopping) == (
        Strategy.TPE,
        rule.model_copy(update={"max_resource": 9}),
    )
    assert "/tuning/pruning" in translation.fidelity.approximated


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("drop", {"min": 0, "max": 1}, {"type": "int", "low": 0, "high": 1, "scale": "linear"}),
        ("drop", {"min": 0.0, "max": 1}, {"type": "float", "low": 0.0, "high": 1.0, "scale": "linear"}),
        (
            "drop",
            {"min": 0, "max": 1, "type": "float"},
            {"type": "float", "low": 0.0, "high": 1.0, "scale": "linear"},
        ),
        (
            "n",
            {"min": 1.0, "max": 8.0, "type": "int"},
            {"type": "int", "low": 1, "high": 8, "scale": "linear"},
        ),
        ("n", {"min": 1, "max": 8, "scale": "log"}, {"type": "int", "low": 1, "high": 8, "scale": "log"}),
        (
            "n",
            {"min": 1, "max": 10, "step": 4},
            {"type": "int", "low": 1, "high": 9, "scale": "linear", "step": 4},
        ),
        (
            "x",
            {"min": 0.1, "max": 0.35, "step": 0.1},
            {"type": "float", "low": 0.1, "high": 0.3, "scale": "linear", "step": 0.1},
        ),
        (
            "x",
            {"min": 0, "max": 0.999, "scale": "reverse_log"},
            {"type": "float", "low": 0.0, "high": 0.999, "scale": "reverse_log"},
        ),
        ("lr", {"min": 1, "max": 2}, {"type": "float", "low": 1.0, "high": 2.0, "scale": "linear"}),
        ("batch_size", {"min": 8.0, "max": 64}, {"type": "int", "low": 8, "high": 64, "scale": "linear"}),
        (
            "lr_scheduler",
            {"choices": ["cosine", "linear"]},
            {"type": "categorical", "choices": ["cosine", "linear"]},
        ),
        ("lr", {"choices": [1e-5, 1e-4]}, {"type": "categorical", "choices": [1e-5, 1e-4]}),
        ("flag", {"choices": [True, False]}, {"type": "categorical", "choices": [True, False]}),
    ],
)
def test_a_range_is_read_as_it_means(name: str, value: Any, expected: dict[str, Any]) -> None:
    found = searched(name, value)
    assert found == {"name": name, **expected}
    assert {key: type(each) for key, each in found.items()} == {
        key: type(each) for key, each in {"name": name, **expected}.items()
    }


def test_patience_may_be_searched() -> None:
    found = searched("early_stopping", {"patience": {"min": 0, "max": 3}})
    assert found == {"name": "early_stopping.patience", "type": "int", "low": 0, "high": 3, "scale": "linear"}


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("lr", {"min": 2, "max": 1}, "min 2 is not below max 1"),
        ("lr", {"min": 1, "max": 1}, "min 1 is not below max 1"),
        ("lr", {"min": 0, "max": 1}, "lr is above 0; min is 0"),
        ("lr", {"min": -1, "max": 1, "scale": "log"}, "a log scale needs min above 0"),
        ("lr", {"choices": [0.1, "x"]}, "a number above 0"),
        ("lr", {"min": 0.1, "max": 1.5, "type": "int"}, "whole numbers"),
        ("x", {"min": 0, "max": 1, "scale": "log"}, "a log scale needs min above 0"),
        ("x", {"min": 0.0, "max": 1.0, "scale": "reverse_log"}, "0 <= min and max < 1"),
        ("x", {"min": -0.1, "max": 0.9, "scale": "reverse_log"}, "0 <= min and max < 1"),
        ("n", {"min": -1, "max": 0, "scale": "reverse_log"}, "for real numbers"),
        ("x", {"min": 0.1, "max": 1.0, "step": 0.1, "scale": "log"}, "step goes with the linear scale"),
        ("x", {"min": 0.0, "max": 1.0, "step": 1e-300}, "step 1e-300 is too fine"),
        ("n", {"min": 0, "max": 4, "step": 0.5}, 'or "type": "float"'),
        ("n", {"min": 0.5, "max": 4, "type": "int"}, "min 0.5 of a range of whole numbers"),
        ("batch_size", {"min": 0, "max": 4}, "min 0 is below 1"),
        ("batch_size", {"min": 1, "max": 4, "type": "float"}, "batch_size is a whole number"),
        ("batch_size", {"min": 1, "max": 4.5}, "max 4.5 of a range of whole numbers"),
        ("batch_size", {"choices": [0, 1]}, "every choice is 1 or more"),
        ("x", {"choices": [1, True]}, "each choice once"),
    ],
)
def test_a_range_that_cannot_be_searched_is_refused_at_its_field(name: str, value: Any, says: str) -> None:
    request = tuned({name: value})
    assert refused(request) == invalid("invalid-range", f"/hyperparams/{name}")
    with pytest.raises(ProblemError) as caught:
        translate(request)
    assert says in caught.value.errors[0].message


def test_a_range_needs_an_objective_and_an_objective_a_range() -> None:
    assert refused({**BASE, "hyperparams": LR}) == invalid("schema-violation", "/tuning/objective")
    assert refused({**BASE, "hyperparams": LR, "tuning": {}}) == invalid(
        "schema-violation", "/tuning/objective"
    )
    assert refused({**BASE, "tuning": {"objective": LOSS}}) == invalid("invalid-range", "/tuning")
    assert refused(tuned({"lr": 0.1})) == invalid("invalid-range", "/tuning")


def test_a_grid_is_finite_and_fits_into_the_trials() -> None:
    assert refused(tuned(LR, strategy="grid")) == invalid("invalid-range", "/hyperparams/lr")
    grid = {
        "batch_size": {"min": 1, "max": 4},
        "x": {"min": 0.0, "max": 0.9, "step": 0.3},
        "act": {"choices": [1, 2]},
    }
    assert refused(tuned(grid, strategy="grid")) == invalid("invalid-range", "/tuning/max_trials")
    assert refused(tuned(grid, strategy="grid", max_trials=31)) == invalid(
        "invalid-range", "/tuning/max_trials"
    )
    assert translate(tuned(grid, strategy="grid", max_trials=32)).spec.strategy is Strategy.GRID


def test_all_mistakes_are_found_at_once() -> None:
    request = {
        "project_id": "p-demo",
        "model": "",
        "hyperparams": {"lr": {"min": 2, "max": 1}, "batch_size": 0, "early_stopping": {"patience": -1}},
        "tuning": {"objective": {"metric": "m", "direction": "up"}, "max_trials": 0},
        "shedule": {},
    }
    assert refused(request) == invalid(
        "schema-violation",
        "/dataset",
        "/hyperparams/batch_size",
        "/hyperparams/early_stopping/patience",
        "/hyperparams/lr",
        "/model",
        "/shedule",
        "/tuning/max_trials",
        "/tuning/objective/direction",
    )


def test_a_dotted_name_of_a_known_field_is_refused() -> None:
    assert refused({**BASE, "hyperparams": {"early_stopping.patience": 3}}) == invalid(
        "schema-violation", "/hyperparams/early_stopping.patience"
    )


def test_hyperband_goes_with_no_other_way_of_stopping() -> None:
    request = tuned(LR, strategy="hyperband", pruning="median")
    assert refused(request) == invalid("schema-violation", "/tuning/pruning")


def test_a_regex_that_cannot_be_read_is_refused() -> None:
    request = {
        **BASE,
        "metrics": {"definitions": [{"name": "a", "regex": "loss=(.*)"}, {"name": "b", "regex": "("}]},
    }
    assert refused(request) == invalid("schema-violation", "/metrics/definitions/1/regex")


def test_early_stopping_can_be_switched_off() -> None:
    translation = translate({**BASE, "hyperparams": {"early_stopping": None}})
    fixed = translation.as_dict()["fixed"]
    assert fixed["early_stopping"] is None
    assert "early_stopping.patience" not in fixed
    assert translation.as_dict()["provenance"]["early_stopping"] == "request"


def test_json_s_whole_numbers_stay_whole() -> None:
    fixed = translate({**BASE, "hyperparams": {"batch_size": 16.0}, "resources": {"gpus": 2.0}}).as_dict()
    assert (type(fixed["fixed"]["batch_size"]), type(fixed["gpus"])) == (int, int)


def test_the_effective_batch_counts_no_less_than_one_gpu() -> None:
    request = {**BASE, "hyperparams": {"batch_size": 8, "gradient_accumulation_steps": 4}}
    assert translate({**request, "resources": {"gpus": 0}}).as_dict()["effective_batch"] == 32
    assert translate({**request, "resources": {"gpus": 3}}).as_dict()["effective_batch"] == 96


def test_the_yaml_of_the_service_is_read() -> None:
    text = """
    project_id: p-demo
    dataset: s3://bucket/data
    model: bert-base
    hyperparams:
      lr: 3e-5
      epochs: 5
    schedule:
      cron: "0 2 * * *"
      timezone: Europe/Berlin
    """
    translation = translate(text)
    assert translation.as_dict()["fixed"]["lr"] == 3e-5
    assert translation.fidelity.accepted_not_acted == {}
    assert {"/schedule/cron", "/schedule/timezone"} <= set(translation.fidelity.honoured)
    assert not any("schedule" in warning for warning in translation.fidelity.warnings)


@pytest.mark.parametrize("version", ["2.1", "v2.1", "2"])
def test_the_names_of_the_version_are_one(version: str) -> None:
    assert translate({**BASE, "apiVersion": version}, api_version="2.1").as_dict()["apiVersion"] == "2.1"


def test_a_missing_version_is_read_as_2_1_with_a_warning() -> None:
    request = {name: value for name, value in BASE.items() if name != "apiVersion"}
    translation = translate(request)
    assert translation.spec.origin is not None
    assert translation.spec.origin.version == "2.1"
    assert "names no version" in translation.fidelity.warnings[0]
    assert translate(request, api_version="2.1").fidelity.warnings == ()
    assert translate(BASE).fidelity.warnings == ()


@pytest.mark.parametrize("version", ["3.0", "2.2", "", "latest", "21"])
def test_an_unknown_version_is_refused(version: str) -> None:
    assert refused({**BASE, "apiVersion": version}) == invalid(
        "unsupported-version", "/apiVersion", status=400
    )


def test_body_and_header_name_one_version() -> None:
    assert refused(BASE, api_version="1.4") == invalid("version-mismatch", "/apiVersion", status=400)
    request = {name: value for name, value in BASE.items() if name != "apiVersion"}
    assert refused(request, api_version="3") == invalid("unsupported-version", "", status=400)


def test_a_version_1_request_says_what_changed() -> None:
    explicit = {"lr_scheduler": "linear", "early_stopping": {"patience": 3}, "batch_size": 8}
    missing = invalid(
        "migration-required",
        "/hyperparams/batch_size",
        "/hyperparams/early_stopping/patience",
        "/hyperparams/lr_scheduler",
    )
    assert refused({**BASE, "apiVersion": "1.4"}) == missing
    assert refused({**BASE, "apiVersion": "v1"}) == missing
    assert refused(
        {**BASE, "apiVersion": "1.0", "hyperparams": {**explicit, "early_stopping": {}}}
    ) == invalid("migration-required", "/hyperparams/early_stopping/patience")
    translation = translate({**BASE, "apiVersion": "1.4", "hyperparams": explicit})
    assert translation.spec.origin is not None
    assert (translation.spec.origin.version, translation.spec.origin.migrated_from) == ("2.1", "1.4")
    assert translation.as_dict()["apiVersion"] == "2.1"


def test_references_to_secrets_that_the_project_does_not_have_are_refused() -> None:
    request = {**BASE, "env": {"HF": {"secret": "hf"}}, "hyperparams": {"key": {"secret": "wandb"}}}
    assert refused(request) == invalid("unknown-secret", "/env/HF", "/hyperparams/key")
    assert refused(request, secrets=["hf"]) == invalid("unknown-secret", "/hyperparams/key")
    assert translate(request, secrets=["hf", "wandb"]).as_dict()["fixed"]["key"] == {"secret": "wandb"}
    assert translate(request, secrets=None).spec.project == "p-demo"


def test_a_reference_is_no_choice_and_no_tag() -> None:
    assert refused({**BASE, "tags": {"a": {"secret": "hf"}}})["code"] in {"schema-violation", "inline-secret"}


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "", "berlin"])
def test_a_schedule_that_cannot_be_followed_is_refused(zone: str) -> None:
    good = {"cron": "0 2 * * *"}
    assert refused({**BASE, "schedule": {"cron": "0 0 30 2 *"}}) == invalid("invalid-cron", "/schedule/cron")
    assert refused({**BASE, "schedule": {**good, "timezone": zone}}) == invalid(
        "invalid-cron", "/schedule/timezone"
    )
    late = {**good, "start": "2026-02-01T00:00:00Z", "end": "2026-01-01T00:00:00Z"}
    assert refused({**BASE, "schedule": late}) == invalid("schema-violation", "/schedule/end")


def test_names_with_html_are_kept_as_text() -> None:
    hostile = "<img src=x onerror=alert(1)>"
    translation = translate({**BASE, "name": hostile, "tags": {hostile: hostile}, "model": hostile})
    assert (translation.spec.name, translation.spec.tag) == (hostile, {hostile: hostile})


@given(st.dictionaries(st.sampled_from(["lr", "x", "n"]), st.floats(0.001, 10), min_size=1))
def test_what_a_request_says_is_what_the_script_gets(hyperparams: dict[str, float]) -> None:
    translation = translate({**BASE, "hyperparams": hyperparams})
    assert {name: translation.as_dict()["fixed"][name] for name in hyperparams} == hyperparams


def test_a_translation_is_plain_json() -> None:
    translation: Translation = translate(tuned(LR))
    assert json.loads(json.dumps(translation.as_dict())) == translation.as_dict()


def test_a_request_of_nothing_but_mistakes_is_refused_in_seconds() -> None:
    began = time.process_time()
    with pytest.raises(ProblemError) as refused:
        translate({**BASE, "hyperparams": {f"no name {number}": 1 for number in range(20_000)}})
    assert len(refused.value.errors) == 20_001
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"hyperparams": {"lr": {"values": [1e-5, 1e-4]}}},
            '/hyperparams/lr: a range has no values; did you mean {"choices": […]}?',
        ),
        (
            {"tuning": {"objective": LOSS, "parallel_trials": 2}},
            'no such field (did you mean "max_parallel"?)',
        ),
    ],
)
def test_words_of_other_tuners_lead_to_ours(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ProblemError) as refused:
        translate({**BASE, **change})
    assert says in str(refused.value)
