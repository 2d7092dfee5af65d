"""The one resource: its columns, its methods, and what `SHOW METHODS` and `DESCRIBE` tell of them."""

from __future__ import annotations

from dataclasses import dataclass

from astraml_lab.dialects.stackql.errors import StackqlError
from astraml_lab.dialects.vertex.shapes import ROOT, messages, top_level

PARTS = ("google", "aiplatform", "hyperparameter_tuning_jobs")
RESOURCE = ".".join(PARTS)
PROJECT, LOCATION, JOB = "projectsId", "locationsId", "hyperparameterTuningJobsId"
IDENTIFIERS = (PROJECT, LOCATION, JOB)
OPTIONS = ("filter", "pageSize", "pageToken", "readMask")
"""What only a list takes."""


@dataclass(frozen=True)
class Table:
    """What a statement answers with rows; `message` is said where there are none."""

    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...] = ()
    message: str = ""

    def records(self) -> list[dict[str, object]]:
        """Return the rows as dictionaries."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class Method:
    """One thing that can be done to the resource."""

    name: str
    verb: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    description: str = ""


METHODS = (
    Method("get", "SELECT", IDENTIFIERS, (), "Gets a HyperparameterTuningJob, its trials included."),
    Method("list", "SELECT", IDENTIFIERS[:2], OPTIONS, "Lists HyperparameterTuningJobs, without trials."),
    Method("create", "INSERT", IDENTIFIERS[:2], (), "Creates a HyperparameterTuningJob."),
    Method("delete", "DELETE", IDENTIFIERS, (), "Deletes a HyperparameterTuningJob that has ended."),
    Method("cancel", "EXEC", IDENTIFIERS, (), "Starts to cancel a HyperparameterTuningJob."),
    Method("_list", "EXEC", IDENTIFIERS[:2], OPTIONS, "The same as list."),
)
OUTPUT_ONLY = frozenset(top_level(output=True))
BODY = top_level(output=False)
COLUMNS = (*messages()[ROOT], *IDENTIFIERS)
_TYPES = {
    "int32": "integer",
    "bool": "boolean",
    "string": "string",
    "Timestamp": "string",
    "JobState": "string",
}


def column_type(name: str) -> str:
    """Return the type of a column as StackQL's documentation spells it."""
    field = messages()[ROOT].get(name)
    if field is None:
        return "string"
    return "array" if field.repeated else _TYPES.get(field.type, "object")


def show_methods(*, extended: bool) -> Table:
    """Answer `SHOW METHODS`."""
    columns = ("MethodName", "RequiredParams", "SQLVerb", *(("description",) if extended else ()))
    rows = tuple(
        (each.name, ", ".join(each.required), each.verb, *((each.description,) if extended else ()))
        for each in METHODS
    )
    return Table(columns, rows)


def describe(*, extended: bool) -> Table:
    """Answer `DESCRIBE`."""
    columns = ("name", "type", *(("description",) if extended else ()))
    rows = tuple((name, column_type(name), *((_about(name),) if extended else ())) for name in COLUMNS)
    return Table(columns, rows)


def _about(name: str) -> str:
    if name in IDENTIFIERS:
        return "Identifies the job; read-only."
    field = messages()[ROOT][name]
    return "Output only." if field.output else "Required." if field.required else ""


def require_resource(name: str) -> None:
    """Refuse any other resource.

    Raises:
        StackqlError: unknown-resource.
    """
    if name != RESOURCE:
        raise StackqlError("unknown-resource", f"could not find resource '{name}'; there is {RESOURCE}")


def no_method(verb: str) -> StackqlError:
    """Return StackQL's refusal of a verb that the resource does not have."""
    return StackqlError(
        "no-method",
        f"cannot find matching operation for {verb}, possible causes include missing required parameters or "
        "an unsupported method for the resource, to find required parameters for supported methods run "
        f"SHOW METHODS IN {RESOURCE}",
    )


def missing(names: set[str] | frozenset[str]) -> StackqlError:
    """Return StackQL's refusal of a query without its required parameters."""
    listed = ", ".join(sorted(names))
    return StackqlError(
        "missing-params", f"query cannot be executed, missing required parameters: {{ {listed} }}"
    )
