"""Every field of a HyperparameterTuningJob (v1): its type, whether it is required, and what becomes of it.

One message per block, one field per line: name, type, marks. Types are proto3's; an upper-case word after `|`
lists an enum, `NAME=number` where the numbers do not simply count up. Marks: `req`, `out` (the service writes
it, input is ignored), `one:<group>` (of which at most one may be set), `map` (acted on), and for what is kept
without effect `rec`, `rec:security` or `rec:vizier`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

_TABLE = """
HyperparameterTuningJob
  name string out
  displayName string req map
  studySpec StudySpec req map
  maxTrialCount int32 req map
  parallelTrialCount int32 req map
  maxFailedTrialCount int32 map
  trialJobSpec CustomJobSpec req map
  trials Trial[] out
  state JobState out
  createTime Timestamp out
  startTime Timestamp out
  endTime Timestamp out
  updateTime Timestamp out
  error Status out
  labels map map
  encryptionSpec EncryptionSpec rec:security
  satisfiesPzs bool out
  satisfiesPzi bool out

StudySpec
  decayCurveStoppingSpec DecayCurve one:automatedStoppingSpec map
  medianAutomatedStoppingSpec Median one:automatedStoppingSpec map
  convexAutomatedStoppingSpec Convex one:automatedStoppingSpec map
  metrics MetricSpec[] req map
  parameters ParameterSpec[] req map
  algorithm |ALGORITHM_UNSPECIFIED,GRID_SEARCH=2,RANDOM_SEARCH=3 map
  observationNoise |OBSERVATION_NOISE_UNSPECIFIED,LOW,HIGH rec:vizier
  measurementSelectionType |MEASUREMENT_SELECTION_TYPE_UNSPECIFIED,LAST_MEASUREMENT,BEST_MEASUREMENT map
  studyStoppingConfig StudyStoppingConfig map

DecayCurve
  useElapsedDuration bool map

Median
  useElapsedDuration bool map

Convex
  maxStepCount int64 map
  minStepCount int64 map
  minMeasurementCount int64 map
  learningRateParameterName string map
  useElapsedDuration bool map
  updateAllStoppedTrials bool rec

MetricSpec
  metricId string req map
  goal |GOAL_TYPE_UNSPECIFIED,MAXIMIZE,MINIMIZE req map
  safetyConfig SafetyMetricConfig map

SafetyMetricConfig
  safetyThreshold double map
  desiredMinSafeTrialsFraction double rec

ParameterSpec
  doubleValueSpec DoubleValueSpec one:parameterValueSpec map
  integerValueSpec IntegerValueSpec one:parameterValueSpec map
  categoricalValueSpec CategoricalValueSpec one:parameterValueSpec map
  discreteValueSpec DiscreteValueSpec one:parameterValueSpec map
  parameterId string req map
  scaleType |SCALE_TYPE_UNSPECIFIED,UNIT_LINEAR_SCALE,UNIT_LOG_SCALE,UNIT_REVERSE_LOG_SCALE map
  conditionalParameterSpecs ConditionalParameterSpec[] map

DoubleValueSpec
  minValue double req map
  maxValue double req map
  defaultValue double rec:vizier

IntegerValueSpec
  minValue int64 req map
  maxValue int64 req map
  defaultValue int64 rec:vizier

CategoricalValueSpec
  values string[] req map
  defaultValue string rec:vizier

DiscreteValueSpec
  values double[] req map
  defaultValue double rec:vizier

ConditionalParameterSpec
  parentDiscreteValues DiscreteValueCondition one:parentValueCondition map
  parentIntValues IntValueCondition one:parentValueCondition map
  parentCategoricalValues CategoricalValueCondition one:parentValueCondition map
  parameterSpec ParameterSpec req map

DiscreteValueCondition
  values double[] req map

IntValueCondition
  values int64[] req map

CategoricalValueCondition
  values string[] req map

StudyStoppingConfig
  shouldStopAsap bool map
  minimumRuntimeConstraint StudyTimeConstraint map
  maximumRuntimeConstraint StudyTimeConstraint map
  minNumTrials int32 map
  maxNumTrials int32 map
  maxNumTrialsNoProgress int32 map
  maxDurationNoProgress Duration map

StudyTimeConstraint
  maxDuration Duration one:constraint map
  endTime Timestamp one:constraint map

CustomJobSpec
  persistentResourceId string rec
  workerPoolSpecs WorkerPoolSpec[] req map
  scheduling Scheduling map
  serviceAccount string rec
  network string rec:security
  reservedIpRanges string[] rec
  pscInterfaceConfig object rec
  baseOutputDirectory GcsDestination map
  protectedArtifactLocationId string rec
  tensorboard string rec
  enableWebAccess bool rec
  enableDashboardAccess bool rec
  experiment string rec
  experimentRun string rec
  models string[] rec

WorkerPoolSpec
  containerSpec ContainerSpec one:task map
  pythonPackageSpec PythonPackageSpec one:task map
  machineSpec MachineSpec map
  replicaCount int64 rec
  nfsMounts object[] rec
  lustreMounts object[] rec
  diskSpec DiskSpec rec

ContainerSpec
  imageUri string req map
  command string[] map
  args string[] map
  env EnvVar[] map

PythonPackageSpec
  executorImageUri string req rec
  packageUris string[] req rec
  pythonModule string req map
  args string[] map
  env EnvVar[] map

EnvVar
  name string req map
  value string req map

MachineSpec
  machineType string rec
  acceleratorType accelerator map
  acceleratorCount int32 map
  gpuPartitionSize string rec
  tpuTopology string rec
  reservationAffinity object rec

DiskSpec
  bootDiskType string rec
  bootDiskSizeGb int32 rec

Scheduling
  timeout Duration map
  restartJobOnWorkerRestart bool map
  strategy |STRATEGY_UNSPECIFIED,ON_DEMAND,LOW_COST,STANDARD,SPOT,FLEX_START=6 rec
  disableRetries bool map
  maxWaitDuration Duration rec

GcsDestination
  outputUriPrefix string req map

EncryptionSpec
  kmsKeyName string req rec:security
"""
ROOT = "HyperparameterTuningJob"


@dataclass(frozen=True)
class Field:
    """One field of a message.

    Attributes:
        name: Its lowerCamel name.
        type: A scalar, `object` (any), `enum`, or the name of a message.
        repeated: Whether it is a list.
        required: Whether it must be given, and not empty.
        output: Whether the service writes it.
        group: The oneof that it belongs to.
        recorded: Why it is kept without effect; empty if it is acted on.
        numbers: An enum's names by number.
    """

    name: str
    type: str
    repeated: bool = False
    required: bool = False
    output: bool = False
    group: str = ""
    recorded: str = ""
    numbers: dict[int, str] = field(default_factory=dict)


def snake(name: str) -> str:
    """Return a field's name as the proto file writes it: `maxTrialCount` -> `max_trial_count`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


@cache
def messages() -> dict[str, dict[str, Field]]:
    """Return the fields of every message by lowerCamel name."""
    found: dict[str, dict[str, Field]] = {}
    for block in _TABLE.strip().split("\n\n"):
        name, *lines = block.split("\n")
        found[name] = {each.name: each for each in map(_field, lines)}
    return found


@cache
def spellings(message: str) -> dict[str, Field]:
    """Return a message's fields by both names that proto3 JSON admits."""
    fields = messages()[message]
    return {**fields, **{snake(name): each for name, each in fields.items()}}


def top_level(*, output: bool) -> tuple[str, ...]:
    """Return the names of the resource's own fields: those that the service writes, or those of a request."""
    return tuple(name for name, each in messages()[ROOT].items() if each.output is output)


def _field(line: str) -> Field:
    name, kind, *marks = line.split()
    recorded = next((mark[4:] or "plain" for mark in marks if mark.startswith("rec")), "")
    return Field(
        name=name,
        type="enum" if kind.startswith("|") else kind.removesuffix("[]"),
        repeated=kind.endswith("[]"),
        required="req" in marks,
        output="out" in marks,
        group=next((mark[4:] for mark in marks if mark.startswith("one:")), ""),
        recorded=recorded,
        numbers=_numbers(kind[1:]) if kind.startswith("|") else {},
    )


def _numbers(text: str) -> dict[int, str]:
    found: dict[int, str] = {}
    for word in text.split(","):
        name, _, number = word.partition("=")
        found[int(number) if number else len(found)] = name
    return found
