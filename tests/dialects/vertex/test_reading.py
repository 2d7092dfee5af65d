from __future__ import annotations

import json
from typing import Any

import pytest
from dialects.vertex.samples import (
    EXAMPLES,
    a_pool,
    a_request,
    categorical,
    discrete,
    double,
    integer,
    translated,
    under,
    with_parameters,
)

from astraml_lab.spec import (
    Categorical,
    Constraint,
    Discrete,
    Float,
    Int,
    JobSpec,
    Limits,
    Pruning,
    Scale,
    Select,
    StoppingKind,
    StoppingRule,
    Strategy,
)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_published_request_means_what_it_is_expected_to(name: str) -> None:
    example = EXAMPLES[name]

    found = translated(example["request"]).as_dict()

    assert {key: found[key] for key in example["expected"]} == example["expected"]
    assert json.dumps(found)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_job_keeps_its_request_verbatim_through_the_store(name: str) -> None:
    request = EXAMPLES[name]["request"]
    spec = translated(request).spec

    back = JobSpec.model_validate_json(spec.model_dump_json())

    assert back == spec
    assert back.origin is not None
    assert back.origin.request == request


def test_both_spellings_of_a_field_and_every_form_of_a_number_read_the_same() -> None:
    plain = a_request(
        studySpec__algorithm="RANDOM_SEARCH",
        studySpec__parameters=[integer("units", 4, 128, scaleType="UNIT_LOG_SCALE")],
        trialJobSpec__scheduling={"timeout": "90s", "restartJobOnWorkerRestart": True},
    )
    other = {
        "display_name": "sweep",
        "study_spec": {
            "metrics": [{"metric_id": "loss", "goal": 2, "safety_config": None}],
            "parameters": [
                {
                    "parameter_id": "units",
                    "integer_value_spec": {"min_value": "4", "max_value": 128.0},
                    "scale_type": 2,
                }
            ],
            "algorithm": 3,
            "studyStoppingConfig": None,
        },
        "max_trial_count": "6",
        "parallel_trial_count": 2.0,
        "trial_job_spec": {
            "worker_pool_specs": [
                {
                    "machine_spec": {"machine_type": "n1-standard-4"},
                    "replica_count": "1",
                    "container_spec": {"image_uri": "local/train"},
                }
            ],
            "scheduling": {"timeout": "90.000s", "restart_job_on_worker_restart": True},
        },
        "state": "JOB_STATE_RUNNING",
        "trials": "whatever the service wrote",
        "name": 17,
    }

    assert translated(other).as_dict() == translated(plain).as_dict()


def test_every_kind_of_parameter_becomes_its_dimension() -> None:
    request = with_parameters(
        double("lr", 1e-5, 0.1, scaleType="UNIT_LOG_SCALE"),
        double("momentum", 1, 100, scaleType="UNIT_REVERSE_LOG_SCALE"),
        double("constant", 0.5, 0.5, scaleType="UNIT_LOG_SCALE"),
        integer("units", "4", 9007199254740991, scaleType="SCALE_TYPE_UNSPECIFIED"),
        categorical("activation", "relu", "selu"),
        categorical("one", "only", scaleType="SCALE_TYPE_UNSPECIFIED"),
        discrete("batch_size", 16, 32.0, 0.5e2),
        discrete("odd", 0.5, 1.25, scaleType="UNIT_LINEAR_SCALE"),
    )

    space = translated(request).spec.space

    assert space.dimensions == {
        "lr": Float(1e-5, 0.1, scale=Scale.LOG),
        "momentum": Float(1.0, 100.0, scale=Scale.VERTEX_REVERSE_LOG),
        "constant": Float(0.5, 0.5, scale=Scale.LOG),
        "units": Int(4, 9007199254740991),
        "activation": Categorical(["relu", "selu"]),
        "one": Categorical(["only"]),
        "batch_size": Discrete([16, 32, 50]),
        "odd": Discrete([0.5, 1.25]),
    }
    sizes = space["batch_size"]
    assert isinstance(sizes, Discrete)
    assert [str(value) for value in sizes.values] == ["16", "32", "50"]


def test_a_parameter_under_two_branches_has_two_dimensions_and_one_name_in_the_script() -> None:
    request = with_parameters(
        discrete(
            "batch_size",
            32,
            64,
            128,
            conditionalParameterSpecs=[
                under("parentDiscreteValues", [32, 64.00000000001], double("decay", 0, 1)),
                under("parentDiscreteValues", [128], double("decay", 0, 0.1)),
                under("parentDiscreteValues", [128], integer("warmup", 0, 9)),
            ],
        ),
        categorical(
            "optimizer",
            "sgd",
            "adam",
            conditionalParameterSpecs=[
                under(
                    "parentCategoricalValues",
                    ["sgd"],
                    integer(
                        "steps",
                        1,
                        3,
                        conditionalParameterSpecs=[under("parentIntValues", ["2", 3], double("gamma", 0, 1))],
                    ),
                )
            ],
        ),
    )

    translation = translated(request)
    space = translation.spec.space
    program = translation.spec.definitions[0].program
    assert program is not None
    assert program.script is not None

    assert space.dimensions == {
        "batch_size": Discrete([32, 64, 128]),
        "batch_size=32|64/decay": Float(0.0, 1.0, when={"batch_size": [32, 64]}),
        "batch_size=128/decay": Float(0.0, 0.1, when={"batch_size": [128]}),
        "warmup": Int(0, 9, when={"batch_size": [128]}),
        "optimizer": Categorical(["sgd", "adam"]),
        "steps": Int(1, 3, when={"optimizer": ["sgd"]}),
        "gamma": Float(0.0, 1.0, when={"steps": [2, 3]}),
    }
    assert program.script.names == {"batch_size=32|64/decay": "decay", "batch_size=128/decay": "decay"}
    assert translation.as_dict()["search_space"][1] == {
        "id": "decay",
        "type": "double",
        "low": 0.0,
        "high": 1.0,
        "scale": "linear",
        "log": False,
        "when": {"parent": "batch_size", "values": [32.0, 64.0]},
        "name": "batch_size=32|64/decay",
    }


def test_a_grid_ends_when_the_tree_of_conditions_is_exhausted() -> None:
    request = with_parameters(
        integer(
            "layers",
            1,
            10,
            conditionalParameterSpecs=[
                under("parentIntValues", [9, 10], categorical("norm", "a", "b", "c")),
                under("parentIntValues", [10], discrete("width", 1, 2)),
            ],
        ),
        categorical("activation", "relu", "selu"),
        studySpec__algorithm="GRID_SEARCH",
        maxTrialCount=1000,
    )

    found = translated(request)

    assert found.as_dict()["limits"]["trials_expected"] == (8 + 3 + 6) * 2
    assert found.as_dict()["sampler"] == "grid"
    assert found.spec.strategy is Strategy.GRID


@pytest.mark.parametrize(
    ("field", "given", "rule", "outcome"),
    [
        (
            "medianAutomatedStoppingSpec",
            {"useElapsedDuration": True},
            StoppingRule(kind=StoppingKind.AVERAGES, best_so_far=True, by_time=True),
            {"type": "median", "use_elapsed_duration": True},
        ),
        (
            "decayCurveStoppingSpec",
            {},
            StoppingRule(kind=StoppingKind.DECAY_CURVE),
            {"type": "decay_curve", "use_elapsed_duration": False},
        ),
        (
            "convexAutomatedStoppingSpec",
            {"maxStepCount": "200", "learningRateParameterName": "lr", "updateAllStoppedTrials": True},
            StoppingRule(kind=StoppingKind.CONVEX, max_resource=200),
            {
                "type": "convex",
                "use_elapsed_duration": False,
                "max_step_count": 200,
                "min_step_count": 20,
                "min_measurement_count": 5,
            },
        ),
        (
            "convexAutomatedStoppingSpec",
            {"minStepCount": 3, "minMeasurementCount": 9},
            StoppingRule(kind=StoppingKind.CONVEX, min_resource=3, min_measurements=9),
            {
                "type": "convex",
                "use_elapsed_duration": False,
                "max_step_count": None,
                "min_step_count": 3,
                "min_measurement_count": 9,
            },
        ),
    ],
)
def test_each_stopping_spec_becomes_a_rule(
    field: str, given: dict[str, Any], rule: StoppingRule, outcome: dict[str, Any]
) -> None:
    found = translated(a_request(**{f"studySpec__{field}": given}))

    assert found.spec.stopping == rule
    assert found.spec.prune is Pruning.OFF
    assert found.as_dict()["stopping"] == outcome
    approximated = [] if field.startswith("median") else [f"studySpec.{field}"]
    assert list(found.fidelity.approximated) == approximated
    assert [f"`studySpec.{field}` is an approximation" in each for each in found.fidelity.warnings] == [
        True for _ in approximated
    ]


def test_the_stopping_of_a_study_becomes_the_limits_of_the_job() -> None:
    config = {
        "shouldStopAsap": True,
        "minimumRuntimeConstraint": {"maxDuration": "60s"},
        "maximumRuntimeConstraint": {"endTime": "2027-01-31T13:00:00.5+01:00"},
        "minNumTrials": 5,
        "maxNumTrials": "9",
        "maxNumTrialsNoProgress": 4,
        "maxDurationNoProgress": "3.5s",
    }

    spec = translated(a_request(studySpec__studyStoppingConfig=config, maxTrialCount=20)).spec

    assert spec.limits == Limits(
        cut=True,
        max_seconds_without_progress=3.5,
        end_at=1801396800.5,
        min_runtime=60.0,
        min_complete=5,
        max_trials=9,
    )
    assert (spec.trials, spec.max_no_improvement, spec.max_runtime) == (20, 4, None)


def test_a_maximum_of_trials_without_any_minimum_is_the_budget() -> None:
    config = {"maxNumTrials": 4, "maximumRuntimeConstraint": {"maxDuration": "3600s"}}

    found = translated(a_request(studySpec__studyStoppingConfig=config))

    assert found.spec.trials == 4
    assert found.spec.max_runtime == 3600.0
    assert found.spec.limits == Limits(cut=False)
    assert found.as_dict()["limits"] == {
        "max_trials": 6,
        "parallel": 2,
        "max_failed": 0,
        "trials_expected": 4,
    }


def test_a_safety_metric_is_a_constraint_and_no_objective() -> None:
    metrics = [
        {"metricId": "accuracy", "goal": "GOAL_TYPE_UNSPECIFIED"},
        {"metricId": "latency", "goal": "MINIMIZE", "safetyConfig": {"safetyThreshold": 20}},
        {
            "metricId": "recall",
            "goal": "MAXIMIZE",
            "safetyConfig": {"desiredMinSafeTrialsFraction": 0.5},
        },
    ]

    found = translated(a_request(studySpec__metrics=metrics, studySpec__medianAutomatedStoppingSpec={}))

    assert [(each.metric, each.maximize) for each in found.spec.objectives] == [("accuracy", True)]
    assert found.spec.subject_to == (
        Constraint(metric="latency", at_least=False, threshold=20.0),
        Constraint(metric="recall", at_least=True),
    )
    assert found.as_dict()["metrics"] == [{"id": "accuracy", "direction": "maximize"}]
    assert next(iter(found.fidelity.accepted_not_acted)) == (
        "studySpec.metrics[].safetyConfig.desiredMinSafeTrialsFraction"
    )


def test_measurement_failures_retries_and_labels_are_read() -> None:
    found = translated(
        a_request(
            studySpec__measurementSelectionType="BEST_MEASUREMENT",
            maxFailedTrialCount=3,
            parallelTrialCount=50,
            labels={"équipe": "forêt-1", "empty": ""},
            trialJobSpec__scheduling={"timeout": "1.5s", "restartJobOnWorkerRestart": True},
        )
    )
    never = translated(
        a_request(trialJobSpec__scheduling={"restartJobOnWorkerRestart": True, "disableRetries": True})
    )

    assert found.spec.select is Select.BEST
    assert (found.spec.max_failures, found.spec.retries, found.spec.trial_timeout) == (3, None, 1.5)
    assert found.spec.tag == {"équipe": "forêt-1", "empty": ""}
    assert found.spec.parallel == 6
    assert found.as_dict()["restart"] is True
    assert (never.spec.retries, never.spec.trial_timeout) == (0, 604800.0)
    assert never.as_dict()["restart"] is False


def test_a_python_package_runs_its_module_with_its_arguments_and_variables() -> None:
    pool = {
        "machineSpec": {"acceleratorType": "NVIDIA_H9000", "acceleratorCount": "2"},
        "pythonPackageSpec": {
            "executorImageUri": "tf:latest",
            "packageUris": ["gs://b/p.tar.gz"],
            "pythonModule": "trainer.task",
            "args": ["--epochs=5"],
            "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)$$(A)"}],
        },
    }
    request = a_request(
        trialJobSpec__workerPoolSpecs=[pool, {}, a_pool()],
        trialJobSpec__baseOutputDirectory={"outputUriPrefix": "gs://b/out"},
    )

    found = translated(request)
    program = found.spec.definitions[0].program
    assert program is not None
    script = program.script
    assert script is not None

    assert (script.target, script.module, script.args, script.output) == (
        "trainer.task",
        True,
        ("--epochs=5",),
        "gs://b/out",
    )
    assert script.env == {"A": "1", "B": "$(A)$$(A)"}
    assert found.spec.gpus == 2
    assert found.as_dict()["pools"] == 3
    assert "trialJobSpec.workerPoolSpecs[1:]" in found.fidelity.accepted_not_acted


@pytest.mark.parametrize(
    ("machine", "gpus"),
    [
        ({}, 0),
        ({"acceleratorType": "NVIDIA_TESLA_T4"}, 1),
        ({"acceleratorType": "ACCELERATOR_TYPE_UNSPECIFIED", "acceleratorCount": 4}, 0),
        ({"acceleratorType": 5, "acceleratorCount": 4}, 4),
        ({"acceleratorType": "NVIDIA_L4", "acceleratorCount": 0}, 1),
        ({"acceleratorCount": 4}, 0),
    ],
)
def test_gpus_are_asked_for_by_the_type_of_accelerator(machine: dict[str, Any], gpus: int) -> None:
    found = translated(a_request(trialJobSpec__workerPoolSpecs=[a_pool(machineSpec=machine)]))

    assert found.as_dict()["gpus_per_trial"] == gpus
    path = "trialJobSpec.workerPoolSpecs[].machineSpec.acceleratorCount"
    assert (path in found.fidelity.accepted_not_acted) == (not gpus and "acceleratorCount" in machine)


def test_what_has_no_effect_is_listed_once_and_broken_promises_of_security_warn() -> None:
    request = a_request(
        studySpec__parameters=[
            {"parameterId": "a", "doubleValueSpec": {"minValue": 0, "maxValue": 1, "defaultValue": 0.5}},
            {"parameterId": "b", "doubleValueSpec": {"minValue": 0, "maxValue": 1, "defaultValue": 1}},
        ],
        studySpec__observationNoise="HIGH",
        encryptionSpec={"kmsKeyName": "projects/p/locations/l/keyRings/r/cryptoKeys/k"},
        trialJobSpec__network="projects/1/global/networks/n",
        trialJobSpec__pscInterfaceConfig={"networkAttachment": "x"},
        trialJobSpec__scheduling={"strategy": 6, "maxWaitDuration": "60s"},
        trialJobSpec__workerPoolSpecs=[a_pool(replicaCount="3", diskSpec={"bootDiskSizeGb": 100})],
    )

    fidelity = translated(request).fidelity

    assert set(fidelity.accepted_not_acted) == {
        "studySpec.parameters[].doubleValueSpec.defaultValue",
        "studySpec.observationNoise",
        "encryptionSpec",
        "trialJobSpec.network",
        "trialJobSpec.pscInterfaceConfig",
        "trialJobSpec.scheduling.strategy",
        "trialJobSpec.scheduling.maxWaitDuration",
        "trialJobSpec.workerPoolSpecs[].machineSpec.machineType",
        "trialJobSpec.workerPoolSpecs[].replicaCount",
        "trialJobSpec.workerPoolSpecs[].diskSpec",
    }
    warned = " ".join(fidelity.warnings)
    for path in ("encryptionSpec", "trialJobSpec.network"):
        assert f"`{path}` is not enforced" in warned
    for path in ("observationNoise", "defaultValue", "replicaCount"):
        assert f"{path}` has no effect" in warned
    paths = [*fidelity.honoured, *fidelity.approximated, *fidelity.accepted_not_acted]
    assert len(paths) == len(set(paths))


def test_more_trials_than_run_here_are_accepted_up_to_int32() -> None:
    found = translated(a_request(maxTrialCount=2**31 - 1))
    assert found.as_dict()["limits"]["max_trials"] == 2**31 - 1
    assert found.spec.trials == 1_000_000
    assert "at most 1,000,000 trials run here" in found.fidelity.approximated["maxTrialCount"]
