from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st
from plugins.sagemaker_requests import (
    CONFIG,
    DEFINITION,
    GONE,
    LIMITS,
    a_definition,
    a_request,
    bounded,
    choice,
    several,
    understood,
)

from astraml_lab.dialects import Export, Surroundings
from astraml_lab.dialects.sagemaker import read, write
from astraml_lab.spec import (
    Categorical,
    Constraint,
    Definition,
    Dialect,
    Discrete,
    Float,
    Goal,
    Int,
    JobSpec,
    Objective,
    Program,
    Pruning,
    Scale,
    Script,
    SecretRef,
    Space,
    Strategy,
)

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.json"))
LOSS = (Objective(metric="loss", goal=Goal.MINIMIZE),)
OPERATION = ServiceModel(
    Loader().load_service_model("sagemaker", "service-2", "2017-07-24"), "sagemaker"
).operation_model("CreateHyperParameterTuningJob")


def check_by_vendor(request: dict[str, Any]) -> None:
    report = ParamValidator().validate(request, OPERATION.input_shape)
    assert not report.has_errors(), report.generate_report()


def read_again(export: Export, *existing: dict[str, Any]) -> JobSpec:
    check_by_vendor(export.request)
    return understood(export.request, *existing).spec


def without_origin(spec: JobSpec) -> JobSpec:
    return spec.model_copy(update={"origin": None})


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_public_request_is_itself_again(path: Path) -> None:
    case = json.loads(path.read_text("utf-8"))
    around = Surroundings(existing_jobs=tuple(case["preconditions"]["existing_jobs"]))
    spec = read(case["request"], around).spec

    assert write(spec) == Export(case["request"])

    rebuilt = write(without_origin(spec))
    check_by_vendor(rebuilt.request)
    assert without_origin(read(rebuilt.request, around).spec) == without_origin(spec)


def test_what_is_recorded_survives_a_change_of_the_job() -> None:
    request = a_request(
        {
            f"{DEFINITION}.VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]},
            f"{DEFINITION}.OutputDataConfig.KmsKeyId": "key",
            f"{DEFINITION}.AlgorithmSpecification.TrainingInputMode": "Pipe",
            "Autotune": {"Mode": "Enabled"},
        }
    )
    longer = understood(request).spec.model_copy(update={"trials": 12})

    export = write(longer)

    wanted = copy.deepcopy(request)
    wanted[CONFIG]["ResourceLimits"]["MaxNumberOfTrainingJobs"] = 12
    wanted[CONFIG]["TrainingJobEarlyStoppingType"] = "Off"
    for kind, scale in (("Integer", "Linear"), ("Continuous", "Logarithmic")):
        wanted[CONFIG]["ParameterRanges"][f"{kind}ParameterRanges"][0]["ScalingType"] = scale
    assert export.request == wanted
    assert export.left_out == ()


names = st.text("abcdefghij-_.", min_size=1, max_size=12)
texts = st.text(st.characters(codec="utf-8"), max_size=20)
numbers = st.floats(-1e9, 1e9, allow_nan=False).map(lambda value: round(value, 6))


@st.composite
def integer_ranges(draw: st.DrawFn, name: str) -> dict[str, Any]:
    low, high = sorted(draw(st.lists(st.integers(-1000, 10**9), min_size=2, max_size=2, unique=True)))
    scales = ["Auto", "Linear", *(["Logarithmic"] if low >= 1 else [])]
    return bounded(name, str(low), str(high), draw(st.sampled_from([None, *scales])))


@st.composite
def number_ranges(draw: st.DrawFn, name: str) -> dict[str, Any]:
    low, high = sorted(draw(st.lists(numbers, min_size=2, max_size=2, unique=True)))
    scales = ["Auto", "Linear", *(["Logarithmic"] if low > 0 else [])]
    scales += ["ReverseLogarithmic"] if low >= 0 and high < 1 else []
    return bounded(name, repr(low), repr(high), draw(st.sampled_from([None, *scales])))


@st.composite
def categories(draw: st.DrawFn, name: str) -> dict[str, Any]:
    return choice(name, *draw(st.lists(texts, min_size=1, max_size=5, unique=True)))


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """Draw valid requests."""
    named = draw(st.lists(names, min_size=1, max_size=6, unique=True))
    ranges: dict[str, list[dict[str, Any]]] = {}
    kinds = {"Integer": integer_ranges, "Continuous": number_ranges, "Categorical": categories}
    for name in named:
        kind = draw(st.sampled_from(sorted(kinds)))
        ranges.setdefault(f"{kind}ParameterRanges", []).append(draw(kinds[kind](name)))
    request = a_request({f"{CONFIG}.ParameterRanges": ranges, f"{LIMITS}.MaxNumberOfTrainingJobs": 1})
    config, definition = request[CONFIG], request[DEFINITION]
    config["Strategy"] = draw(st.sampled_from(["Bayesian", "Random", "Hyperband"]))
    if config["Strategy"] == "Hyperband":
        config["StrategyConfig"] = {"HyperbandStrategyConfig": {"MinResource": 2, "MaxResource": 9}}
    else:
        config["TrainingJobEarlyStoppingType"] = draw(st.sampled_from(["Auto", "Off"]))
    config["TuningJobCompletionCriteria"] = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "TargetObjectiveMetricValue": numbers,
                "BestObjectiveNotImproving": st.just({"MaxNumberOfTrainingJobsNotImproving": 4}),
                "ConvergenceDetected": st.just({"CompleteOnConvergence": "Enabled"}),
            },
        )
    )
    definition["StaticHyperParameters"] = {
        f"static {name}": value for name, value in draw(st.dictionaries(names, texts, max_size=3)).items()
    }
    source = {"S3DataType": "ManifestFile", "S3Uri": "s3://bucket/data", "AttributeNames": ["image"]}
    extras = st.fixed_dictionaries(
        {},
        optional={
            "Environment": st.just({"MODE": "fast"}),
            "InputDataConfig": st.just(
                [{"ChannelName": "train", "DataSource": {"S3DataSource": source}, "ContentType": "csv"}]
            ),
            "RetryStrategy": st.just({"MaximumRetryAttempts": 3}),
            "CheckpointConfig": st.just({"S3Uri": "s3://bucket/c", "LocalPath": "/tmp/c"}),  # noqa: S108
            "EnableNetworkIsolation": st.booleans(),
            "DefinitionName": st.just("first"),
        },
    )
    definition |= draw(extras)
    definition["OutputDataConfig"] |= draw(
        st.fixed_dictionaries({}, optional={"CompressionType": st.sampled_from(["GZIP", "NONE"])})
    )
    request |= draw(
        st.fixed_dictionaries({}, optional={"Tags": st.just([{"Key": "team", "Value": "vision"}])})
    )
    return request


@given(requests())
def test_a_request_read_and_written_again_equals_itself(request: dict[str, Any]) -> None:
    check_by_vendor(request)
    spec = understood(request).spec

    assert write(spec) == Export(request)
    assert without_origin(read_again(write(without_origin(spec)))) == without_origin(spec)


def test_several_definitions_are_written_as_several() -> None:
    request = several("first", "second", RetryStrategy={"MaximumRetryAttempts": 2})
    spec = understood(request).spec

    assert write(spec).request == request
    rebuilt = write(without_origin(spec)).request
    assert [each["DefinitionName"] for each in rebuilt["TrainingJobDefinitions"]] == ["first", "second"]
    assert without_origin(understood(rebuilt).spec) == without_origin(spec)


finite = st.floats(-1e6, 1e6, allow_nan=False)
bounds = st.lists(finite, min_size=2, max_size=2, unique=True).map(sorted)
wholes = st.lists(st.integers(-50, 5000), min_size=2, max_size=2, unique=True).map(sorted)
dimensions = st.one_of(
    bounds.map(lambda pair: Float(*pair)),
    wholes.map(lambda pair: Int(*pair)),
    wholes.map(lambda pair: Int(*pair, step=7)),
    wholes.map(lambda pair: Float(*map(float, pair), step=1.0)),
    st.integers(1, 9).map(lambda low: Int(low, low)),
    st.integers(1, 9).map(lambda low: Float(low / 10, 99.0, scale=Scale.VERTEX_REVERSE_LOG)),
    st.lists(st.integers(0, 99) | st.booleans() | st.none() | texts, min_size=1, max_size=40).map(
        lambda values: Categorical(list(dict.fromkeys(values)))
    ),
    st.lists(finite, min_size=1, max_size=40, unique=True).map(lambda values: Discrete(sorted(values))),
)


@given(
    st.dictionaries(names, dimensions, min_size=1, max_size=5),
    st.sampled_from([each for each in Strategy if each is not Strategy.GRID]),
    st.integers(1, 1000),
)
def test_any_job_of_one_objective_is_written_as_a_request_that_is_accepted(
    space: dict[str, Any], strategy: Strategy, trials: int
) -> None:
    spec = JobSpec(
        name="my job!",
        definitions=(Definition(space=Space(space), objectives=LOSS),),
        strategy=strategy,
        trials=trials,
        parallel=300,
        max_runtime=1.5,
        max_no_improvement=1,
        seed=2**32 - 1,
    )

    export = write(spec)
    again = read_again(export)

    assert set(again.space.names()) == set(space)
    assert {
        "The name 'my job!': it is 'my-job' in the request.",
        "TrainingImage: example/image:latest is a placeholder.",
    } <= set(export.left_out)


def test_a_grid_of_numbers_is_written_as_categories_and_runs_whole() -> None:
    space = Space({"n": Int(1, 3), "kind": Categorical(["a", "b"])})
    spec = JobSpec(definitions=(Definition(space=space, objectives=LOSS),), strategy=Strategy.GRID, trials=5)

    export = write(spec)
    again = read_again(export)

    assert (again.strategy, again.trials) == (Strategy.GRID, 6)
    assert again.space["n"] == Categorical(["1", "2", "3"])
    assert "5 trials: the request asks for 6." in export.left_out
    assert "n: the order of its values; they are categories in the request." in export.left_out


def test_everything_that_a_request_cannot_say_is_listed() -> None:
    script = Script(
        convention=Dialect.VERTEX,
        target="gcr.io/team/train:1",
        args=("--verbose",),
        env={"KEY": SecretRef(secret="key"), "MODE": "fast"},  # noqa: S106 - a name
        output="gs://bucket/out",
    )
    space = Space(
        {
            "optimizer": Categorical(["sgd", "adam"]),
            "momentum": Float(0.1, 0.9, when={"optimizer": "sgd"}),
            "flag": Categorical([True, False]),
        }
    )
    spec = JobSpec(
        name="both",
        definitions=(
            Definition(
                space=space,
                objectives=(
                    Objective(metric="loss", goal=Goal.MINIMIZE),
                    Objective(metric="latency", goal=Goal.MINIMIZE),
                ),
                program=Program(kind="script", source=script.target, script=script),
            ),
        ),
        prune=Pruning.OFF,
        strategy=Strategy.NSGA2,
        max_failures=3,
        warm_start=("earlier_job",),
        subject_to=(Constraint.model_validate("size <= 3"),),
        tag={"aws:x": "y", "ok": "yes"},
        trial_timeout=60,
    )

    export = write(spec)

    check_by_vendor(export.request)
    assert understood(export.request).spec.tag == {"ok": "yes"}
    assert set(export.left_out) == {
        "momentum: its condition; the service varies every hyperparameter in every trial.",
        "flag: the types of its values; they are texts in the request.",
        "The objective latency: a request has one.",
        "subject_to size <= 3: the request has no such option.",
        "The strategy nsga2: it is Bayesian in the request.",
        "The variable KEY: a request has no references to secrets.",
        "gcr.io/team/train:1: it is written for another service's arguments and variables.",
        "gcr.io/team/train:1: its command and arguments; the image decides them.",
        "The output gs://bucket/out: the service writes to s3:// only.",
        "S3OutputPath: s3://bucket/output is a placeholder.",
        "RoleArn: arn:aws:iam::000000000000:role/name is a placeholder.",
        "warm_start: 1 of its jobs.",
        "tag: 1 of its tags.",
        "max_failures 3: the request has no such option.",
    }


def test_a_job_beyond_the_services_limits_says_why_it_would_be_refused() -> None:
    script = Script(
        convention=Dialect.SAGEMAKER, target="my_image", fixed={"text": "x" * 3000}, output="s3://b/o"
    )
    program = Program(kind="script", source=script.target, script=script)
    spec = JobSpec(
        name="long",
        definitions=(Definition(space=Space({"x": Float(0, 1)}), objectives=LOSS, program=program),),
        trial_timeout=60,
        prune=Pruning.OFF,
    )

    export = write(spec, role_arn="arn:aws:iam::123456789012:role/mine")

    assert export.request[DEFINITION]["AlgorithmSpecification"]["TrainingImage"] == "my_image"
    (sentence,) = export.left_out
    assert sentence.startswith("The service refuses the request as it is: 1 validation error detected: ")
    assert "less than or equal to 2500" in sentence


def test_a_single_run_is_no_tuning_job() -> None:
    export = write(JobSpec(name="once"))

    assert "There is no objective, and a request needs one." in export.left_out
    assert any(sentence.startswith("The service refuses") for sentence in export.left_out)


def test_what_the_service_needs_can_be_given() -> None:
    spec = JobSpec(name="cell", definitions=(Definition(space=Space({"x": Float(0, 1)}), objectives=LOSS),))

    export = write(
        spec,
        image="registry/mine:1",
        role_arn="arn:aws:iam::123456789012:role/mine",
        output="s3://mine/out",
        instance_type="ml.p3.2xlarge",
    )

    definition = export.request[DEFINITION]
    assert definition["AlgorithmSpecification"]["TrainingImage"] == "registry/mine:1"
    assert definition["RoleArn"] == "arn:aws:iam::123456789012:role/mine"
    assert definition["OutputDataConfig"] == {"S3OutputPath": "s3://mine/out"}
    assert definition["ResourceConfig"]["InstanceType"] == "ml.p3.2xlarge"
    assert not any("placeholder" in sentence for sentence in export.left_out)


def test_a_named_algorithm_and_a_file_system_come_back() -> None:
    files = {
        "FileSystemId": "fs-0123456789abcdef0",
        "FileSystemAccessMode": "ro",
        "FileSystemType": "EFS",
        "DirectoryPath": "/data",
    }
    dataset = "arn:aws:sagemaker:us-west-2:aws:hub-content/Public/DataSet/mnist/1.0.0"
    request = a_request(
        {
            f"{DEFINITION}.AlgorithmSpecification.TrainingImage": GONE,
            f"{DEFINITION}.AlgorithmSpecification.AlgorithmName": "my-algorithm",
            f"{DEFINITION}.InputDataConfig": [
                {"ChannelName": "files", "DataSource": {"FileSystemDataSource": files}},
                {"ChannelName": "hub", "DataSource": {"DatasetSource": {"DatasetArn": dataset}}},
            ],
        }
    )

    rebuilt = write(without_origin(understood(request).spec)).request

    definition = rebuilt[DEFINITION]
    assert definition["AlgorithmSpecification"]["AlgorithmName"] == "my-algorithm"
    assert definition["InputDataConfig"] == request[DEFINITION]["InputDataConfig"]
    assert a_definition()["RoleArn"] != definition["RoleArn"]
