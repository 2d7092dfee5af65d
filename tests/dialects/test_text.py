from __future__ import annotations

import json
import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from astraml_lab.dialects import translate
from astraml_lab.dialects.astraml import ProblemError
from astraml_lab.dialects.text import MAX_BYTES, read_text
from astraml_lab.errors import NotFound, RequestRefused

if TYPE_CHECKING:
    from pathlib import Path

WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | FLOATS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
REQUESTS = st.dictionaries(WORDS, VALUES, max_size=4)


def refusal(request: Any) -> tuple[str, int, str]:
    with pytest.raises(ProblemError) as caught:
        read_text(request)
    assert caught.value.as_dict() == {
        "outcome": "invalid",
        "code": caught.value.code,
        "status": caught.value.status,
        "pointers": [],
    }
    return caught.value.code, caught.value.status, str(caught.value)


def malformed(request: Any) -> str:
    code, status, message = refusal(request)
    assert (code, status) == ("malformed", 400)
    assert "\n" not in message
    return message


@given(REQUESTS)
def test_a_mapping_its_json_text_and_its_bytes_are_the_same_request(request: dict[str, Any]) -> None:
    text = json.dumps(request)
    assert read_text(request) == read_text(text) == read_text(text.encode()) == request


@given(REQUESTS)
def test_yaml_that_pyyaml_writes_is_read_back(request: dict[str, Any]) -> None:
    yaml = pytest.importorskip("yaml")

    class Quoting(yaml.SafeDumper):  # type: ignore[misc,name-defined]  # imported above
        """Every string in quotes: plain ones mean something else to YAML 1.1 than to 1.2."""

        def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
            return True

    Quoting.add_representer(
        str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
    )
    assert read_text(yaml.dump(request, Dumper=Quoting, allow_unicode=True)) == request


def test_a_mapping_is_copied() -> None:
    inner = {"lr": 1}
    read = read_text({"hyperparams": inner})
    inner["lr"] = 2
    assert read == {"hyperparams": {"lr": 1}}


@pytest.mark.parametrize("name", ["r.json", "r.yaml", "r.YML"])
def test_a_path_is_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text('{"model": "bert"}', encoding="utf-8")
    assert read_text(path) == read_text(str(path)) == {"model": "bert"}


def test_a_path_without_a_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"there is no file `.*absent\.yaml`"):
        read_text(str(tmp_path / "absent.yaml"))
    with pytest.raises(NotFound):
        read_text(tmp_path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3e-5", 3e-5),
        ("3.0e-5", 3e-5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("012", 12),
        ("0o14", 12),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("190:20:30", "190:20:30"),
        ("2026-01-31", "2026-01-31"),
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("no", "no"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("'3e-5'", "3e-5"),
        ('"true"', "true"),
        ("nan", "nan"),
        ("0 2 * * *", "0 2 * * *"),
        ("'* * * * *'", "* * * * *"),
        ("=", "="),
    ],
)
def test_yaml_is_read_by_its_core_schema(text: str, value: object) -> None:
    read = read_text(f"x: {text}\n")["x"]
    assert (type(read), read) == (type(value), value)


def test_keys_of_yaml_are_strings_as_written() -> None:
    assert read_text("on: 1\n1: 2\ntrue: 3\n2026-01-01: 4\n") == {"on": 1, "1": 2, "true": 3, "2026-01-01": 4}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a": 1, "a": 2}', "the key `a` stands twice"),
        ('{"x": {"b": 1, "b": 1}}', "the key `b` stands twice"),
        ("a: 1\na: 2\n", "the key `a` stands twice"),
        ("x: {b: 1, b: 1}\n", "the key `b` stands twice"),
        ('{"a": NaN}', "NaN is no JSON number"),
        ('{"a": -Infinity}', "-Infinity is no JSON number"),
        ('{"a": 1e999}', "inf is no JSON number"),
        ("a: .nan\n", ".nan (line 1) is no number"),
        ("a: -.inf\n", "-.inf (line 1) is no number"),
        ("a: Infinity\n", "Infinity (line 1) is no number"),
        ("a: 1e999\n", "inf is no JSON number"),
        ('{"a": 1,}', "no JSON"),
        ('{"a": 1', "no JSON"),
        ('{"a": "\\ud800"}', "half of a surrogate pair"),
        ('{"a": ' + "9" * 5000 + "}", "too long to read"),
        ("a: " + "9" * 5000, "too long to read"),
        ("[1, 2]", "one mapping of fields"),
        ("just words", "one mapping of fields"),
        ("", "empty"),
        ("a: 1\n---\nb: 2\n", "one YAML document"),
        ("a: {b: [", "neither JSON nor YAML"),
        ("? [a, b]\n: 1\n", "a key is a plain word"),
        ("a: \x00", "characters that YAML does not allow"),
        ("a: !!python/object/apply:os.system ['true']\n", "YAML tags are not read"),
        ("!!python/name:os.system a: 1\n", "YAML tags are not read"),
        ("a: !!str 2.1\n", "YAML tags are not read"),
        ("!!map {a: 1}\n", "YAML tags are not read"),
        ("a: &x 1\nb: *x\n", "YAML aliases are not read (line 2)"),
        ("a: &x [*x]\n", "YAML aliases are not read"),
        ("cron: * * * * *\n", "put `*` in quotes"),
        ("<<: {a: 1}\n", "YAML merge keys"),
    ],
)
def test_what_is_no_plain_request_is_refused_in_one_sentence(text: str, says: str) -> None:
    assert says in malformed(text)


@pytest.mark.parametrize("value", [math.nan, math.inf, {1: 2}, {"a": object()}, {"a": b"b"}, {"a": {1, 2}}])
def test_a_mapping_that_json_could_not_say_is_refused(value: object) -> None:
    malformed({"x": value})


@pytest.mark.parametrize("request_", [None, 7, ["a"], object()])
def test_anything_else_is_no_request(request_: object) -> None:
    assert "a request is a mapping" in malformed(request_)


def test_a_bomb_of_aliases_is_refused_before_it_grows() -> None:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    assert "YAML aliases are not read" in malformed("\n".join(lines))


@pytest.mark.parametrize(
    "text", ['{"a":' * 70 + "1" + "}" * 70, '{"a":' * 100_000, "a: " + "[" * 5000, "[" * 10_000]
)
def test_deep_nesting_is_refused(text: str) -> None:
    assert any(says in malformed(text) for says in ("deeper than 64 levels", "no JSON", "nor YAML"))


def test_a_mapping_that_holds_itself_is_refused() -> None:
    loop: dict[str, Any] = {}
    loop["a"] = loop
    assert "deeper than 64 levels" in malformed(loop)


@pytest.mark.parametrize(
    "request_", ['{"a": "' + "x" * MAX_BYTES + '"}', "a: " + "x" * MAX_BYTES, {"a": "x" * MAX_BYTES}]
)
def test_more_than_a_mebibyte_is_refused(request_: object, tmp_path: Path) -> None:
    assert refusal(request_)[:2] == ("body-too-large", 413)
    if isinstance(request_, str):
        path = tmp_path / "large.json"
        path.write_text(request_, encoding="utf-8")
        assert refusal(path)[:2] == ("body-too-large", 413)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({f"k{n}": n for n in range(70_000)}),
        "\n".join(f"k{n}: {n}" for n in range(60_000)),
        "project_id: p-a\ndataset: " + "://a:" * 150_000 + "\nmodel: m\n",
        "project_id: p-a\ndataset: d\nmodel: m\nx: [" + "1," * 400_000 + "]\n",
        "project_id: p-a\ndataset: d\nmodel: m\n" + "\n".join(f"k{n}: {n}" for n in range(60_000)),
    ],
)
def test_a_large_request_is_refused_in_seconds(text: str) -> None:
    began = time.process_time()
    with pytest.raises(ProblemError):
        translate(text)
    assert time.process_time() - began < 10


def test_what_is_not_utf8_is_refused() -> None:
    assert "not UTF-8 (byte 6)" in malformed(b'{"a": \xff}')


def test_a_syntax_error_does_not_repeat_the_text() -> None:
    assert "hunter2" not in malformed('{"password": "hunter2" oops}')
    assert "hunter2" not in malformed("password: 'hunter2\nb: [")


@pytest.mark.parametrize("dialect", ["sagemaker", None])
def test_sagemaker_refuses_what_is_no_data_in_its_own_words(dialect: str | None) -> None:
    criteria = {"TuningJobCompletionCriteria": {"TargetObjectiveMetricValue": math.nan}}
    request = {"HyperParameterTuningJobName": "a", "HyperParameterTuningJobConfig": criteria, "Tags": []}
    with pytest.raises(RequestRefused) as caught:
        translate(request, dialect)
    place = "HyperParameterTuningJobConfig.TuningJobCompletionCriteria.TargetObjectiveMetricValue"
    expected = {"outcome": "invalid", "error": "ValidationException", "http": 400, "field": place}
    assert caught.value.as_dict() == expected


@pytest.mark.parametrize("dialect", ["vertex", None])
def test_vertex_refuses_what_is_no_data_in_its_own_words(dialect: str | None) -> None:
    request = {"displayName": "a", "studySpec": {"parameters": [{"doubleValueSpec": {"maxValue": math.inf}}]}}
    with pytest.raises(RequestRefused) as caught:
        translate(request, dialect)
    found = caught.value.as_dict()
    assert (found["code"], found["status"], found["http"]) == (3, "INVALID_ARGUMENT", 400)
    assert found["field"] == "studySpec.parameters[0].doubleValueSpec.maxValue"


def test_text_that_is_no_json_is_refused_in_the_words_of_the_service_that_is_named() -> None:
    with pytest.raises(RequestRefused) as caught:
        translate('{"Tags": [}', "sagemaker")
    expected = {"outcome": "invalid", "error": "ValidationException", "http": 400, "field": ""}
    assert caught.value.as_dict() == expected


@pytest.mark.parametrize("path", ["~nobody-of-this-name/request.json", "a" * 300 + ".json"])
def test_a_path_that_cannot_be_looked_up_is_no_file(path: str) -> None:
    with pytest.raises(NotFound):
        read_text(path)


@pytest.mark.parametrize(
    "request_", [{"a": 10**400}, {"a": [-(10**5000)]}, "a: 0x" + "f" * 10_000, "a: 1" + "0" * 400]
)
def test_a_whole_number_that_no_double_holds_is_refused(request_: object) -> None:
    assert "too long to read" in malformed(request_)


def test_numpys_scalars_are_read_and_its_arrays_refused() -> None:
    assert read_text({"a": np.int64(3), "b": np.float32(0.5)}) == {"a": 3, "b": 0.5}
    assert read_text({"a": np.True_})["a"] is True
    assert "JSON has no ndarray" in malformed({"a": np.arange(3)})
