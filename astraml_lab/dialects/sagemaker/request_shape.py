"""What CreateHyperParameterTuningJob takes: types, limits, enums and patterns of every member, as data.

Facts of the service's own definition (botocore 1.44.5), which a test compares with this. Different on
purpose: an instance type is a pattern, as the vendor's list grows every month; patterns of nothing but `.`
are left out; a seed has 32 bits, as the samplers here take no more.
"""

from __future__ import annotations

from astraml_lab.dialects.sagemaker.shapes import (
    TAG_TEXT,
    Entries,
    Flag,
    Many,
    Number,
    Shape,
    Structure,
    Text,
)

_S3_URI = Text(0, 1024, r"(https|s3)://([^/]+)/?(.*)")
_KMS_KEY = Text(0, 2048, r"[a-zA-Z0-9:/_-]*")
_INSTANCE = Text(pattern=r"ml\.[a-z0-9-]+\.[a-z0-9]+")
_TRAINING_PLAN = Text(50, 2048, r"arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:[0-9]{12}:training-plan/.*")
_COUNT = Number(0)
_INPUT_MODE = Text(enum=("Pipe", "File", "FastFile"))
_PATH = Text(0, 4096)
_METRIC = Text(1, 255)
_TEXT_256 = Text(0, 256)
_SCALING = Text(enum=("Auto", "Linear", "Logarithmic", "ReverseLogarithmic"))

JOB_NAME = Text(1, 32, r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}")
OBJECTIVE = Structure({"Type": Text(enum=("Maximize", "Minimize")), "MetricName": _METRIC})

_BOUNDED = Structure(
    {"Name": _TEXT_256, "MinValue": _TEXT_256, "MaxValue": _TEXT_256}, {"ScalingType": _SCALING}
)
RANGES = Structure(
    optional={
        "IntegerParameterRanges": Many(_BOUNDED, 0, 30),
        "ContinuousParameterRanges": Many(_BOUNDED, 0, 30),
        "CategoricalParameterRanges": Many(
            Structure({"Name": _TEXT_256, "Values": Many(_TEXT_256, 1, 30)}), 0, 30
        ),
        "AutoParameters": Many(Structure({"Name": _TEXT_256, "ValueHint": _TEXT_256}), 0, 100),
    }
)

_HYPERBAND = Structure(optional={"MinResource": Number(1), "MaxResource": Number(1)})
_COMPLETION = Structure(
    optional={
        "TargetObjectiveMetricValue": Number(whole=False),
        "BestObjectiveNotImproving": Structure(optional={"MaxNumberOfTrainingJobsNotImproving": Number(3)}),
        "ConvergenceDetected": Structure(
            optional={"CompleteOnConvergence": Text(enum=("Disabled", "Enabled"))}
        ),
    }
)
_CONFIG = Structure(
    {
        "Strategy": Text(enum=("Bayesian", "Random", "Hyperband", "Grid")),
        "ResourceLimits": Structure(
            {"MaxParallelTrainingJobs": Number(1)},
            {"MaxNumberOfTrainingJobs": Number(1), "MaxRuntimeInSeconds": Number(120, 15_768_000)},
        ),
    },
    {
        "StrategyConfig": Structure(optional={"HyperbandStrategyConfig": _HYPERBAND}),
        "HyperParameterTuningJobObjective": OBJECTIVE,
        "ParameterRanges": RANGES,
        "TrainingJobEarlyStoppingType": Text(enum=("Off", "Auto")),
        "TuningJobCompletionCriteria": _COMPLETION,
        "RandomSeed": Number(0, 2**32 - 1),
    },
)

ALGORITHM_NAME = Text(
    1,
    170,
    r"(arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:[0-9]{12}:[a-z\-]*\/)?"
    r"([a-zA-Z0-9]([a-zA-Z0-9-]){0,62})(?<!-)",
)
_ALGORITHM = Structure(
    {"TrainingInputMode": _INPUT_MODE},
    {
        "TrainingImage": Text(0, 255),
        "AlgorithmName": ALGORITHM_NAME,
        "MetricDefinitions": Many(Structure({"Name": _METRIC, "Regex": Text(1, 500)}), 0, 40),
    },
)

_S3_SOURCE = Structure(
    {
        "S3DataType": Text(enum=("ManifestFile", "S3Prefix", "AugmentedManifestFile", "Converse")),
        "S3Uri": _S3_URI,
    },
    {
        "S3DataDistributionType": Text(enum=("FullyReplicated", "ShardedByS3Key")),
        "AttributeNames": Many(Text(1, 256), 0, 16),
        "InstanceGroupNames": Many(Text(1, 64), 0, 5),
        "ModelAccessConfig": Structure({"AcceptEula": Flag()}),
        "HubAccessConfig": Structure({"HubContentArn": Text(0, 255)}),
    },
)
_FILE_SYSTEM_SOURCE = Structure(
    {
        "FileSystemId": Text(11, 21, r"(fs-[0-9a-f]{8,})"),
        "FileSystemAccessMode": Text(enum=("rw", "ro")),
        "FileSystemType": Text(enum=("EFS", "FSxLustre")),
        "DirectoryPath": _PATH,
    }
)
_DATASET_ARN = Text(
    0,
    2048,
    r"(arn:[a-z0-9-\.]{1,63}:sagemaker:\w+(?:-\w+)+:(\d{12}|aws):hub-content\/)"
    r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}\/DataSet\/[a-zA-Z0-9](-*[a-zA-Z0-9]){0,63}(\/\d{1,4}.\d{1,4}.\d{1,4})?",
)
_CHANNEL = Structure(
    {
        "ChannelName": Text(1, 64, r"[A-Za-z0-9\.\-_]+"),
        "DataSource": Structure(
            optional={
                "S3DataSource": _S3_SOURCE,
                "FileSystemDataSource": _FILE_SYSTEM_SOURCE,
                "DatasetSource": Structure({"DatasetArn": _DATASET_ARN}),
            }
        ),
    },
    {
        "ContentType": _TEXT_256,
        "CompressionType": Text(enum=("None", "Gzip")),
        "RecordWrapperType": Text(enum=("None", "RecordIO")),
        "InputMode": _INPUT_MODE,
        "ShuffleConfig": Structure({"Seed": Number()}),
    },
)

_INSTANCE_GROUP = Structure(
    {"InstanceType": _INSTANCE, "InstanceCount": _COUNT, "InstanceGroupName": Text(1, 64)}
)
_PLACEMENT = Structure(
    optional={
        "EnableMultipleJobs": Flag(),
        "PlacementSpecifications": Many(
            Structure({"InstanceCount": _COUNT}, {"UltraServerId": _TEXT_256}), 0, 10
        ),
    }
)
_PREFERENCE = Structure(
    {"InstanceType": _INSTANCE}, {"InstanceCount": _COUNT, "TrainingPlanArns": Many(_TRAINING_PLAN, 1, 1)}
)
_MACHINE: dict[str, Shape] = {
    "InstanceType": _INSTANCE,
    "InstanceCount": _COUNT,
    "VolumeSizeInGB": _COUNT,
    "VolumeKmsKeyId": _KMS_KEY,
}
_RESOURCES = Structure(
    optional={
        **_MACHINE,
        "KeepAlivePeriodInSeconds": Number(0, 21_600),
        "InstanceGroups": Many(_INSTANCE_GROUP, 0, 5),
        "TrainingPlanArn": _TRAINING_PLAN,
        "InstancePlacementConfig": _PLACEMENT,
        "InstancePreferences": Many(_PREFERENCE, 1, 5),
        "SelectedInstanceType": _INSTANCE,
        "SelectedInstanceCount": _COUNT,
    }
)
_TUNING_RESOURCES = Structure(
    optional={
        **_MACHINE,
        "AllocationStrategy": Text(enum=("Prioritized",)),
        "InstanceConfigs": Many(
            Structure({"InstanceType": _INSTANCE, "InstanceCount": _COUNT, "VolumeSizeInGB": Number(1)}), 1, 6
        ),
    }
)

_DEFINITION = Structure(
    {
        "AlgorithmSpecification": _ALGORITHM,
        "RoleArn": Text(20, 2048, r"arn:aws[a-z\-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+"),
        "OutputDataConfig": Structure(
            {"S3OutputPath": _S3_URI}, {"KmsKeyId": _KMS_KEY, "CompressionType": Text(enum=("GZIP", "NONE"))}
        ),
        "StoppingCondition": Structure(
            optional={
                "MaxRuntimeInSeconds": Number(1),
                "MaxWaitTimeInSeconds": Number(1),
                "MaxPendingTimeInSeconds": Number(1800, 2_419_200),
            }
        ),
    },
    {
        "DefinitionName": Text(1, 64, r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,63}"),
        "TuningObjective": OBJECTIVE,
        "HyperParameterRanges": RANGES,
        "StaticHyperParameters": Entries(_TEXT_256, Text(0, 2500), 0, 100),
        "InputDataConfig": Many(_CHANNEL, 1, 20),
        "VpcConfig": Structure(
            {
                "SecurityGroupIds": Many(Text(0, 32, r"[-0-9a-zA-Z]+"), 1, 5),
                "Subnets": Many(Text(0, 32, r"[-0-9a-zA-Z]+"), 1, 16),
            }
        ),
        "ResourceConfig": _RESOURCES,
        "HyperParameterTuningResourceConfig": _TUNING_RESOURCES,
        "EnableNetworkIsolation": Flag(),
        "EnableInterContainerTrafficEncryption": Flag(),
        "EnableManagedSpotTraining": Flag(),
        "CheckpointConfig": Structure({"S3Uri": _S3_URI}, {"LocalPath": _PATH}),
        "RetryStrategy": Structure({"MaximumRetryAttempts": Number(1, 30)}),
        "Environment": Entries(Text(0, 512, r"[a-zA-Z_][a-zA-Z0-9_]*"), Text(0, 512), 0, 48),
    },
)

_WARM_START = Structure(
    {
        "ParentHyperParameterTuningJobs": Many(
            Structure(optional={"HyperParameterTuningJobName": JOB_NAME}), 1, 5
        ),
        "WarmStartType": Text(enum=("IdenticalDataAndAlgorithm", "TransferLearning")),
    }
)

CREATE = Structure(
    {"HyperParameterTuningJobName": JOB_NAME, "HyperParameterTuningJobConfig": _CONFIG},
    {
        "TrainingJobDefinition": _DEFINITION,
        "TrainingJobDefinitions": Many(_DEFINITION, 1, 10),
        "WarmStartConfig": _WARM_START,
        "Tags": Many(Structure({"Key": Text(1, 128, TAG_TEXT), "Value": Text(0, 256, TAG_TEXT)}), 0, 50),
        "Autotune": Structure({"Mode": Text(enum=("Enabled",))}),
    },
)
"""The whole request."""
