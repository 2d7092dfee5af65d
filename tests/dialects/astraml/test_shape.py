"""The form of a request, against the published JSON Schema and sentence by sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from astraml_lab.dialects.astraml.shape import shape_mistakes

SCHEMA = json.loads(Path(__file__).with_name("request_2_1.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)
BASE = {"project_id": "p-demo", "dataset": "s3://bucket/data", "model": "bert-base"}

NUMBERS = st.sampled_from([-1, 0, 1, 2, 32, 32.0, 0.5, 64, 65, 1e-5, 300, 10001])
ODD = st.sampled_from([None, True, "", "x", "cosine", "log", [], [1], {}, {"a": 1}])
ANY = NUMBERS | ODD
LABELS = st.sampled_from(["a", "lr", "A_1", "9x", "", "x" * 129, "a b", "batch_size", "early_stopping", "é"])


def objects(fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Return mappings with some of the fields, now and then with one too many."""
    return st.fixed_dictionaries({}, optional={**fields, "stray": NUMBERS}).map(
        lambda found: (
            found if found.get("stray", 2) == 1 else {n: v for n, v in found.items() if n != "stray"}
        )
    )


def mostly(good: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(good, good, good, ANY)


INTERVALS = objects(
    {
        "min": mostly(NUMBERS),
        "max": mostly(NUMBERS),
        "scale": mostly(st.sampled_from(["linear", "log", "reverse_log"])),
        "step": mostly(NUMBERS),
        "type": mostly(st.sampled_from(["int", "float"])),
    }
)
CHOICES = objects({"choices": mostly(st.lists(ANY, max_size=4))}) | st.builds(
    lambda count: {"choices": list(range(count))}, st.sampled_from([1, 30, 31])
)
SECRETS = objects({"secret": mostly(st.sampled_from(["token", "Token", "a" * 63, "a" * 64, "9"]))})
LEAVES = ANY | INTERVALS | CHOICES | SECRETS
HYPERPARAMS = st.builds(
    lambda known, extra: {**extra, **known},
    objects(
        {
            "batch_size": LEAVES,
            "lr": LEAVES,
            "epochs": LEAVES,
            "lr_scheduler": LEAVES | st.sampled_from(["linear", "none"]),
            "gradient_accumulation_steps": LEAVES,
            "early_stopping": mostly(objects({"patience": LEAVES, "metric": ANY, "min_delta": ANY})),
        }
    ),
    st.dictionaries(LABELS, LEAVES, max_size=3),
)
TUNING = objects(
    {
        "objective": mostly(
            objects(
                {
                    "metric": mostly(st.sampled_from(["m", "x" * 256])),
                    "direction": mostly(st.just("minimize")),
                }
            )
        ),
        "strategy": mostly(st.sampled_from(["bayesian", "grid", "tpe"])),
        "max_trials": ANY,
        "max_parallel": ANY,
        "max_runtime_s": ANY,
        "trial_timeout_s": ANY,
        "seed": ANY | st.just(2**32),
        "pruning": mostly(st.sampled_from(["none", "median"])),
    }
)
SCHEDULES = objects(
    {
        "cron": mostly(st.just("0 2 * * *")),
        "timezone": mostly(st.just("UTC")),
        "missed_runs": mostly(st.sampled_from(["skip", "run_once"])),
        "overlap": mostly(st.sampled_from(["forbid", "queue"])),
        "misfire_grace_s": ANY,
        "enabled": ANY,
    }
)
DEFINITIONS = st.lists(objects({"name": ANY, "regex": ANY}), max_size=2) | st.just(
    [{"name": "a", "regex": "b"}] * 41
)
_FIELDS = objects(
    {
        "apiVersion": mostly(st.sampled_from(["2.1", "v2.1", "2", "3"])),
        "project_id": mostly(st.sampled_from(["p-demo", "P", "p", "a-", "1a", "a" * 63, "a" * 64])),
        "name": mostly(st.sampled_from(["digits", "x" * 128, "x" * 129])),
        "dataset": mostly(st.just("s3://b/d")),
        "model": mostly(st.sampled_from(["bert", "x" * 257])),
        "hyperparams": mostly(HYPERPARAMS),
        "resources": mostly(objects({"gpus": ANY})),
        "tuning": mostly(TUNING),
        "metrics": mostly(
            objects(
                {"window_s": mostly(st.sampled_from([30, 7, True, 1.0])), "definitions": mostly(DEFINITIONS)}
            )
        ),
        "env": mostly(st.dictionaries(LABELS, ANY | SECRETS | st.just("x" * 4097), max_size=2)),
        "tags": mostly(st.dictionaries(LABELS, ANY | st.just("x" * 257), max_size=2)),
        "schedule": mostly(SCHEDULES),
    }
)


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """Return requests, good and bad; one function, so that hypothesis can name it in short."""
    return draw(_FIELDS)


def without_short_cron(request: dict[str, Any]) -> bool:
    schedule = request.get("schedule")
    return not (isinstance(schedule, dict) and schedule.get("cron") in ["", "x", "cosine", "log"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(requests().map(lambda request: {**BASE, **request}).filter(without_short_cron))
def test_a_request_is_well_formed_where_the_published_schema_says_so(request: dict[str, Any]) -> None:
    ours = shape_mistakes(request)
    theirs = list(VALIDATOR.iter_errors(request))
    assert bool(ours) == bool(theirs), (ours, [(error.json_path, error.message) for error in theirs])


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(requests())
def test_every_place_that_the_schema_refuses_is_named(request: dict[str, Any]) -> None:
    places = {mistake.pointer for mistake in shape_mistakes(request)}
    for error in VALIDATOR.iter_errors(request):
        at = "".join(f"/{part}" for part in error.absolute_path)
        if "cron" not in at:
            assert any(place.startswith(at) or at.startswith(place) for place in places), error.message


@pytest.mark.parametrize(
    ("change", "place", "says"),
    [
        ({"project_id": "P_1"}, "/project_id", 'is "P_1"; 2 to 63 of a-z, 0-9 and `-`'),
        ({"apiVersion": 2.1}, "/apiVersion", 'in quotes: "2.1"'),
        ({"hyperparameters": {}}, "/hyperparameters", 'no such field (did you mean "hyperparams"?)'),
        ({"hyperparams": {"lr": [1e-5, 1e-3]}}, "/hyperparams/lr", "a list could be a value or choices"),
        ({"hyperparams": {"lr": {"min": 1}}}, "/hyperparams/lr", "a range needs max"),
        ({"hyperparams": {"lr": {"min": 1, "max": 2, "log": True}}}, "/hyperparams/lr", "a range has no log"),
        (
            {"hyperparams": {"lr": {"min": 1, "max": 2, "scale": "auto"}}},
            "/hyperparams/lr",
            "scale is one of",
        ),
        ({"hyperparams": {"lr": {"min": 1, "max": 2, "step": 0}}}, "/hyperparams/lr", "step is above 0"),
        ({"hyperparams": {"lr": "3e-5"}}, "/hyperparams/lr", "a number above 0"),
        (
            {"hyperparams": {"lr_scheduler": {"min": 1, "max": 2}}},
            "/hyperparams/lr_scheduler",
            "one of cosine",
        ),
        ({"hyperparams": {"batch_size": True}}, "/hyperparams/batch_size", "a whole number, 1 or more"),
        (
            {"hyperparams": {"batch_size": {"choices": [8, 8.5]}}},
            "/hyperparams/batch_size",
            "8.5 cannot be a choice",
        ),
        ({"hyperparams": {"act": {"choices": ["a", "a"]}}}, "/hyperparams/act", "each choice stands once"),
        ({"hyperparams": {"act": {"choices": []}}}, "/hyperparams/act", "a list of 1 to 30"),
        ({"hyperparams": {"a/b~c": 1}}, "/hyperparams/a~1b~0c", "the name is"),
        (
            {"hyperparams": {"early_stopping": {"patence": 1}}},
            "/hyperparams/early_stopping/patence",
            "patience",
        ),
        ({"hyperparams": None}, "/hyperparams", "a mapping"),
        ({"resources": {"gpus": 65}}, "/resources/gpus", "0 to 64"),
        ({"resources": {"gpus": 0.5}}, "/resources/gpus", "a whole number"),
        ({"tuning": {}}, "/tuning/objective", "required, but absent"),
        ({"metrics": {"window_s": 7}}, "/metrics/window_s", "one of 1, 5, 10"),
        ({"metrics": {"definitions": [{"name": "a"}]}}, "/metrics/definitions/0/regex", "required"),
        ({"env": {"A-B": "x"}}, "/env/A-B", "the name is"),
        ({"env": {"A": {"secret": "No"}}}, "/env/A", 'a reference is {"secret": "name"}'),
        ({"tags": {"a": 1}}, "/tags/a", "a string"),
        ({"schedule": {"cron": 5}}, "/schedule/cron", "five fields in a string"),
        ({"schedule": {}}, "/schedule/cron", "required"),
        (
            {"schedule": {"cron": "0 2 * * *", "start": "2026-01-31"}},
            "/schedule/start",
            "a time with its zone",
        ),
        ({"schedule": {"cron": "0 2 * * *", "end": "soon"}}, "/schedule/end", "a time with its zone"),
    ],
)
def test_each_mistake_is_said_at_its_place(change: dict[str, Any], place: str, says: str) -> None:
    (mistake,) = shape_mistakes({**BASE, **change})
    assert mistake.pointer == place
    assert says in mistake.message
    assert mistake.code == "schema-violation"
