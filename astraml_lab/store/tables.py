"""The tables of the store, once, for every database.

Documents (spec, fingerprint, params …) are JSON as text: the store never looks into them, and a file of a
later version with one more field stays readable. Times are seconds since the epoch, UTC.

Columns are only ever added, at the end of their table and with a default: a kernel of an older version that
has the file open goes on reading and writing its own. `info` says which schema brought a column.
"""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

SCHEMA_VERSION = 5

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("project", Text, nullable=False),
    Column("name", Text, nullable=False),
    # what two names that differ only in case have in common (files.name_key)
    Column("project_key", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    UniqueConstraint("project_key", "name_key"),
)


def _generation_key(*, primary: bool = False) -> Column[int]:
    return Column(
        "generation_id",
        ForeignKey("generations.id", ondelete="CASCADE"),
        primary_key=primary,
        nullable=False,
        autoincrement=False,
    )


generations = Table(
    "generations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("spec", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("note", Text, nullable=False, default=""),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("ended_at", Float),
    UniqueConstraint("job_id", "number"),
    # a number that was deleted is never given again: leases and journals of two lives must not meet
    sqlite_autoincrement=True,
)

leases = Table(
    "leases",
    metadata,
    _generation_key(primary=True),
    Column("fence", Integer, nullable=False),
    Column("owner", Text),  # NULL: released
    Column("pid", Integer, nullable=False),
    Column("pid_started_at", Float, nullable=False),
    Column("host", Text, nullable=False),
    Column("heartbeat_at", Float, nullable=False),
)

trials = Table(
    "trials",
    metadata,
    _generation_key(primary=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("definition", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("kind", Text),
    Column("reason", Text, nullable=False),
    Column("params", Text, nullable=False),
    Column("values", Text, nullable=False),
    Column("metrics", Text, nullable=False),
    Column("device", Text, nullable=False),
    Column("seed", Integer),
    Column("attempt", Integer, nullable=False),
    Column("step", Integer),
    Column("created_at", Float),
    Column("started_at", Float),
    Column("ended_at", Float),
    Column("traceback", Text, nullable=False),
    Column("notes", Text, nullable=False),
    Column("disk_bytes", Integer, nullable=False, server_default="0", info={"schema": 2}),
    # of all the others (trials.checksum); NULL where an older version wrote the row
    Column("checksum", Integer, info={"schema": 2}),
)

journal = Table(
    "journal",
    metadata,
    _generation_key(primary=True),
    # the index of the row's first entry; the next row starts where this one's entries end
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("entries", Text, nullable=False),
    Column("checksum", Integer, info={"schema": 2}),
)

windows = Table(
    "windows",
    metadata,
    _generation_key(primary=True),
    Column("trial", Integer, primary_key=True, autoincrement=False),
    Column("metric", Text, primary_key=True),
    Column("width", Float, primary_key=True),
    Column("start", Float, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("total", Float, nullable=False),
    Column("minimum", Float),
    Column("maximum", Float),
    Column("last", Float),
    Column("first_ts", Float),
    Column("first_seq", Integer, nullable=False),
    Column("first_step", Integer),
    Column("last_ts", Float),
    Column("last_seq", Integer, nullable=False),
    Column("last_step", Integer),
    Column("nonfinite", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
)

curves = Table(
    "curves",
    metadata,
    _generation_key(primary=True),
    Column("trial", Integer, primary_key=True, autoincrement=False),
    Column("metric", Text, primary_key=True),
    # little-endian float64, as many of the one as of the other
    Column("steps", LargeBinary, nullable=False),
    Column("points", LargeBinary, nullable=False),
)

controls = Table(
    "controls",
    metadata,
    Column("id", Integer, primary_key=True),
    _generation_key(),
    Column("command", Text, nullable=False),
    Column("argument", Text, nullable=False),
    Column("created_at", Float, nullable=False),
)

device_leases = Table(
    "device_leases",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("host", Text, nullable=False),
    # what the driver calls it: two kernels may number the devices differently
    Column("device", Text, nullable=False),
    Column("share", Float, nullable=False),
    Column("owner", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("pid_started_at", Float, nullable=False),
    Column("created_at", Float, nullable=False),
)

requests = Table(
    "requests",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("project", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    # the name that the job is to have; empty for a schedule
    Column("job", Text, nullable=False),
    # NULL until the job is made; no foreign key: the row outlives the job
    Column("generation_id", Integer),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("pid_started_at", Float, nullable=False),
    Column("created_at", Float, nullable=False),
    # likewise, of a request that made a schedule
    Column("schedule_id", Integer),
    UniqueConstraint("project", "key"),
)

policies = Table(
    "policies",
    metadata,
    Column("project_key", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("document", Text, nullable=False),
    Column("created_at", Float, nullable=False),
)

schedules = Table(
    "schedules",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("project", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("project_key", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    # what each run is made of; secrets are references
    Column("request", Text, nullable=False),
    # what its trials run, where the request alone does not say it; and the folder that paths start from
    Column("target", Text, nullable=False),
    Column("folder", Text, nullable=False),
    Column("enabled", Integer, nullable=False),
    # ticks up to this moment are dealt with
    Column("since", Float, nullable=False),
    Column("created_at", Float, nullable=False),
    UniqueConstraint("project_key", "name_key"),
    # a number is never given again: the keys of two lives must not meet
    sqlite_autoincrement=True,
)

ticks = Table(
    "ticks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("schedule_id", ForeignKey("schedules.id", ondelete="CASCADE"), nullable=False),
    # cron:<schedule>:<planned UTC>: one INSERT decides who runs it, also between processes
    Column("key", Text, nullable=False),
    Column("planned_at", Float, nullable=False),
    Column("recorded_at", Float, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    # 1: it makes up for a run that was missed
    Column("late", Integer, nullable=False),
    # the name that its job has, or is to have
    Column("job", Text, nullable=False),
    # no foreign key: the row outlives the job
    Column("generation_id", Integer),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("pid_started_at", Float, nullable=False),
    UniqueConstraint("schedule_id", "key"),
)
