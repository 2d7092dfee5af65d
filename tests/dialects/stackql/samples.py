"""Jobs as Vertex AI returns them, and the published statements as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

RESOURCE = "google.aiplatform.hyperparameter_tuning_jobs"
PARENT = "projects/lab/locations/local"
WHERE = "projectsId = 'lab' AND locationsId = 'local'"


def a_job(
    number: int, state: str = "JOB_STATE_SUCCEEDED", parent: str = PARENT, **fields: Any
) -> dict[str, Any]:
    return {
        "name": f"{parent}/hyperparameterTuningJobs/{number}",
        "displayName": f"job-{number}",
        "studySpec": {
            "algorithm": "RANDOM_SEARCH",
            "metrics": [{"metricId": "loss", "goal": "MINIMIZE"}],
            "parameters": [
                {"parameterId": "lr", "doubleValueSpec": {"minValue": 0.1, "maxValue": 1.0}},
                {
                    "parameterId": "n",
                    "integerValueSpec": {"minValue": 1, "maxValue": 9},
                    "scaleType": "UNIT_LOG_SCALE",
                },
            ],
        },
        "maxTrialCount": number,
        "parallelTrialCount": 1,
        "trialJobSpec": {"workerPoolSpecs": []},
        "trials": [
            {"id": str(i), "finalMeasurement": {"metrics": [{"metricId": "loss", "value": i / 10}]}}
            for i in range(1, 6)
        ],
        "state": state,
        "createTime": f"2027-01-{number:02d}T00:00:00Z",
        "labels": {"team": "vision"},
        **fields,
    }


JOBS = [
    a_job(17),
    a_job(18, "JOB_STATE_RUNNING"),
    a_job(19, "JOB_STATE_FAILED", labels={}),
    a_job(20, parent="projects/other/locations/local"),
]

PUBLISHED = [
    text.strip()
    for text in (Path(__file__).parent / "published.sql").read_text().split("\n\n")
    if text.strip()
]
GETS, LISTS, COUNTS, TRIALS, PARAMETERS, INSERT, CANCEL_17, DELETE = PUBLISHED
STUDY = (
    '{"metrics":[{"metricId":"loss","goal":"MINIMIZE"}],"parameters":[{"parameterId":"lr",'
    '"doubleValueSpec":{"minValue":1e-5,"maxValue":0.1},"scaleType":"UNIT_LOG_SCALE"}]}'
)
TASK = (
    '{"workerPoolSpecs":[{"machineSpec":{"machineType":"local"},"replicaCount":1,'
    '"containerSpec":{"imageUri":"local/train"}}]}'
)
CANCEL = CANCEL_17.replace("17", "18")
