"""The report of a request: clear in a terminal, safe in a page, each thing said once."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from plugins.sagemaker_requests import DEFINITION, a_request, several, understood

from astraml_lab.dialects import Translation, translate
from astraml_lab.dialects.report import summary_of

EVIL = '<img src=x onerror="window.owned=1"><script>window.owned=1</script>"\'&'
SECURE = {
    f"{DEFINITION}.EnableNetworkIsolation": True,
    f"{DEFINITION}.OutputDataConfig.KmsKeyId": "alias/mine",
    f"{DEFINITION}.VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]},
}
VERTEX: dict[str, Any] = {
    "displayName": "tuner",
    "maxTrialCount": 4,
    "parallelTrialCount": 2,
    "encryptionSpec": {"kmsKeyName": "projects/p/locations/l/keyRings/r/cryptoKeys/k"},
    "studySpec": {
        "metrics": [{"metricId": "accuracy", "goal": "MAXIMIZE"}],
        "parameters": [{"parameterId": "lr", "doubleValueSpec": {"minValue": 0.1, "maxValue": 1}}],
        "decayCurveStoppingSpec": {},
    },
    "trialJobSpec": {
        "workerPoolSpecs": [
            {"containerSpec": {"imageUri": "trainer:1"}, "machineSpec": {"machineType": "n1-standard-4"}}
        ]
    },
}
ASTRAML: dict[str, Any] = {
    "apiVersion": "2.1",
    "project_id": "p-demo",
    "dataset": "s3://bucket/data",
    "model": "bert-base",
    "hyperparams": {"lr": {"min": 1e-5, "max": 1e-3, "scale": "log"}},
    "resources": {"gpus": 8},
    "tuning": {"objective": {"metric": "accuracy", "direction": "maximize"}},
}


class Page(HTMLParser):
    """Gathers what a page would show and run."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data + "\n"


def page_of(translation: Translation) -> Page:
    page = Page()
    page.feed(translation._repr_html_())
    return page


def test_the_report_says_what_runs_here_and_what_became_of_the_fields() -> None:
    said = str(understood(a_request()))

    for line in (
        "SageMaker request: tuner-01",
        "  depth = Int(1, 9)",
        "  minimize loss",
        "  8 trials, 2 at once, on the CPU, each at most 1 h.",
        "Approximated (3 fields):",
        "Kept, without effect here (2 fields):",
        "  TrainingJobDefinition.RoleArn: no role of a cloud account is assumed here",
    ):
        assert line in said.splitlines(), said
    assert re.search(r"^Acted on as said \(\d+ fields\)$", said, re.MULTILINE)


def test_fields_of_which_the_same_is_to_be_said_share_a_line() -> None:
    ranges = [{"Name": name, "MinValue": "1", "MaxValue": "9"} for name in "abc"]
    path = "HyperParameterTuningJobConfig.ParameterRanges.IntegerParameterRanges"

    said = str(understood(a_request({path: ranges})))

    assert f"{path}[0, 1, 2].ScalingType" in said
    assert said.count("decided once by our rule") == 2  # eta is on a log scale


def test_promises_of_security_stand_first_and_are_not_told_a_second_time() -> None:
    said = str(understood(a_request(SECURE)))

    head, rest = said.split("Approximated", 1)
    assert "SECURITY: PROMISED BY THE REQUEST, NOT KEPT HERE:" in head
    assert (
        "  TrainingJobDefinition.EnableNetworkIsolation: trials are NOT cut off from the network here."
        in head
    )
    assert all(word not in rest for word in ("KmsKeyId", "VpcConfig", "EnableNetworkIsolation"))


def test_the_warnings_that_repeat_a_list_are_not_shown_beside_it() -> None:
    said = str(translate(VERTEX))

    assert "`encryptionSpec` is not enforced" in said
    assert said.count("decayCurveStoppingSpec") == 1
    assert "To know" not in said


def test_defaults_and_policies_are_named_with_what_they_decided() -> None:
    policy = {"version": 3, "defaults": {"epochs": 2}}
    said = str(translate(ASTRAML, policy=policy, api_version="2.1"))

    assert "AstraML request: a job of project p-demo" in said
    assert "From the project's policy (version 3):\n  epochs" in said
    assert re.search(r"^Left to the defaults \(\d+ fields\)$", said, re.MULTILINE)


def test_several_definitions_are_told_apart() -> None:
    said = str(understood(several("left", "right")))

    assert "Definition left:" in said
    assert "Definition right:" in said


def test_nothing_of_a_request_becomes_markup() -> None:
    request = a_request({f"{DEFINITION}.StaticHyperParameters": {EVIL: "1"}, **SECURE})
    page = page_of(understood(request))

    assert page.tags <= {"div", "span", "b", "details", "summary"}
    assert page.attributes <= {"style", "role"}
    assert EVIL in page.text


def test_the_page_holds_what_the_text_holds_and_the_folded_fields_besides() -> None:
    translation = understood(a_request(SECURE))
    shown = " ".join(page_of(translation).text.split()).lower()

    for line in str(translation).splitlines():
        for part in re.split(r": |:$", line):
            assert " ".join(part.split()).lower() in shown
    assert "trainingjobdefinition.algorithmspecification.trainingimage" in shown


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (a_request(), "made of a SageMaker request: 3 fields approximated, 2 fields without effect"),
        (
            VERTEX,
            "made of a Vertex AI request: 1 field approximated, 1 field without effect, 1 security promise",
        ),
        (ASTRAML, "made of an AstraML request: every field is acted on"),
    ],
)
def test_one_line_sums_a_request_up(request_: dict[str, Any], said: str) -> None:
    found = translate(request_)

    assert summary_of(found.fidelity, found.dialect).startswith(said)


def test_a_long_report_stays_readable() -> None:
    fixed = {f"p{number}": "x" * 200 for number in range(60)}
    translation = understood(a_request({f"{DEFINITION}.StaticHyperParameters": fixed}))

    assert max(map(len, str(translation).splitlines())) <= 4_100
    assert len(translation._repr_html_()) < 40_000
