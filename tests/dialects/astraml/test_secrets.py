from __future__ import annotations

from typing import Any

import pytest

from astraml_lab.dialects import translate
from astraml_lab.dialects.astraml import ProblemError

BASE: dict[str, Any] = {"project_id": "p-demo", "dataset": "s3://b/d", "model": "m"}
VALUE = "hunter2-xyzzy"
KEY = "AKIA" + "IOSFODNN7EXAMPLE"
HUB = "hf_" + "aB3" * 9
GIT = "ghp_" + "aB3" * 12
PEM = "-----BEGIN RSA PRIVATE KEY-----\nabc"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"env": {"PASSWORD": VALUE}}, "/env/PASSWORD"),
        ({"env": {"DB_PASSWD": VALUE}}, "/env/DB_PASSWD"),
        ({"env": {"API_KEY": VALUE}}, "/env/API_KEY"),
        ({"env": {"MY_APIKEY_2": VALUE}}, "/env/MY_APIKEY_2"),
        ({"env": {"AWS_SECRET_ACCESS_KEY": VALUE}}, "/env/AWS_SECRET_ACCESS_KEY"),
        ({"env": {"secret": VALUE}}, "/env/secret"),
        ({"env": {"TOKEN": {"value": VALUE}}}, "/env/TOKEN/value"),
        ({"env": {"TOKEN": [VALUE]}}, "/env/TOKEN/0"),
        ({"env": {"PLAIN": KEY}}, "/env/PLAIN"),
        ({"env": {"PLAIN": PEM}}, "/env/PLAIN"),
        ({"env": {KEY: "x"}}, "/env"),
        ({"hyperparams": {"hub.token": VALUE}}, "/hyperparams/hub.token"),
        ({"hyperparams": {"credentials": VALUE}}, "/hyperparams/credentials"),
        ({"hyperparams": {"hub": HUB}}, "/hyperparams/hub"),
        ({"hyperparams": {"hub": {"secret": HUB}}}, "/hyperparams/hub/secret"),
        ({"hyperparams": {"act": {"choices": ["a", GIT]}}}, "/hyperparams/act/choices/1"),
        ({"tags": {"private-key": VALUE}}, "/tags/private-key"),
        ({"tags": {"secret": VALUE}}, "/tags/secret"),
        ({"dataset": "https://me:" + VALUE + "@host/data"}, "/dataset"),
        ({"model": GIT}, "/model"),
        ({"nonsense": {"a/b": {"password": VALUE}}}, "/nonsense/a~1b/password"),
        ({"apiVersion": KEY}, "/apiVersion"),
    ],
)
def test_a_secret_as_a_literal_is_refused_first_and_never_repeated(
    change: dict[str, Any], place: str
) -> None:
    with pytest.raises(ProblemError) as caught:
        translate({**BASE, "stray": 1, **change})
    error = caught.value
    assert error.as_dict() == {
        "outcome": "invalid",
        "status": 422,
        "code": "inline-secret",
        "pointers": [place],
    }
    said = f"{error}{error!r}{error.args}{error.document(instance='/', request_id='r')}"
    for value in (VALUE, KEY, HUB, GIT, PEM):
        assert value not in said


@pytest.mark.parametrize(
    "change",
    [
        {"hyperparams": {"max_tokens": "128"}},
        {"hyperparams": {"max_tokens": 128}},
        {"hyperparams": {"use_token": "true"}},
        {"hyperparams": {"use_token": "no"}},
        {"hyperparams": {"token": False}},
        {"hyperparams": {"tokenizer": "bert"}},
        {"hyperparams": {"monkey": "x"}},
        {"hyperparams": {"secretary": "x"}},
        {"hyperparams": {"max_tokens": {"choices": [128, 256]}}},
        {"hyperparams": {"max_tokens": {"min": 1, "max": 9}}},
        {"env": {"HUB_TOKEN": {"secret": "hf"}}},
        {"env": {"URL": "https://host:8080/a@b"}},
        {"model": "hf_bert_base"},
    ],
)
def test_numbers_references_and_words_that_only_look_alike_are_fine(change: dict[str, Any]) -> None:
    request = {**BASE, **change}
    if any(
        isinstance(v, dict) and {"min", "choices"} & set(v) for v in change.get("hyperparams", {}).values()
    ):
        request["tuning"] = {"objective": {"metric": "m", "direction": "maximize"}}
    assert translate(request, secrets=["hf"]).as_dict()["outcome"] == "valid"
