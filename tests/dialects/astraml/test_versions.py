from __future__ import annotations

import json

import pytest

from astraml_lab.dialects import translate
from astraml_lab.dialects.astraml import ProblemError, migrate

OLD = """
apiVersion: "1.3"
project_id: p-demo
dataset: s3://b/d
model: bert
hyperparams:
  batch_size: 16
  lr: 3e-5
"""


def test_migrating_marks_what_has_to_be_chosen() -> None:
    text, difference = migrate(OLD)
    hyperparams = json.loads(text)["hyperparams"]
    assert hyperparams == {
        "batch_size": 16,
        "lr": 3e-5,
        "lr_scheduler": "<<CHOOSE: v2.1 default is cosine>>",
        "early_stopping": {"patience": "<<CHOOSE: v2.1 default is 5>>"},
    }
    assert difference.splitlines() == [
        '+ /hyperparams/lr_scheduler: "<<CHOOSE: v2.1 default is cosine>>"',
        '+ /hyperparams/early_stopping/patience: "<<CHOOSE: v2.1 default is 5>>"',
        "  /hyperparams/batch_size: 16",
    ]
    with pytest.raises(ProblemError) as caught:
        translate(text)
    assert caught.value.pointers == ("/hyperparams/early_stopping/patience", "/hyperparams/lr_scheduler")


def test_the_new_defaults_can_be_accepted() -> None:
    text, difference = migrate(OLD, accept_defaults=True)
    assert len(difference.splitlines()) == 3
    outcome = translate(text).as_dict()
    assert outcome["apiVersion"] == "2.1"
    assert (outcome["fixed"]["lr_scheduler"], outcome["fixed"]["early_stopping.patience"]) == ("cosine", 5)
    assert outcome["provenance"]["lr_scheduler"] == "request"


def test_what_is_switched_off_stays_off() -> None:
    text, difference = migrate('{"apiVersion": "v1", "hyperparams": {"early_stopping": null}}')
    assert json.loads(text)["hyperparams"]["early_stopping"] is None
    assert difference.splitlines()[1] == "  /hyperparams/early_stopping/patience: null"


@pytest.mark.parametrize("text", ['{"apiVersion": "2.1"}', '{"project_id": "p"}', '{"apiVersion": 1}'])
def test_only_version_1_is_migrated(text: str) -> None:
    with pytest.raises(ProblemError) as caught:
        migrate(text)
    assert caught.value.code == "unsupported-version"
