"""The AstraML service without a port: `lab.api(method, path, body, headers)` answers in this process.

    POST   /v2/tuning-jobs                          submit: 201, or 200 for a repeated Idempotency-Key;
                                                    with `schedule` it makes a schedule, not a job
    POST   /v2/tuning-jobs:translate                read a request and run nothing (?dialect=…)
    GET    /v2/tuning-jobs                          the jobs, newest first (?project_id=…&state=…)
    GET    /v2/tuning-jobs/ID                       a job
    DELETE /v2/tuning-jobs/ID                       delete a job that has ended: 204
    POST   /v2/tuning-jobs/ID:stop                  stop a job; one that has ended stays as it is
    GET    /v2/tuning-jobs/ID/trials                its trials
    GET    /v2/tuning-jobs/ID/trials/N              one of them
    GET    /v2/tuning-jobs/ID/trials/N/metrics      windows of a metric (?name=…&resolution=SECONDS)
    GET    /v2/tuning-jobs/ID/trials/N/logs         the last lines (?tail=100), or on from ?from_offset=BYTES
    GET    /v2/schedules                            what runs again and again (?project_id=…)
    GET    /v2/schedules/NAME                       a schedule, with what became of its runs
    DELETE /v2/schedules/NAME                       forget it; the jobs of its runs stay: 204
    POST   /v2/schedules/NAME:pause, :resume        start no run meanwhile; go on
    POST   /v2/schedules/NAME:run                   a run now: 201 with its job, or 200 for a repeated key
    GET    /v2/projects/PROJECT/policy              the project's policy, with its version
    PUT    /v2/projects/PROJECT/policy              a new version of it

Request headers: `Idempotency-Key`, `AstraML-Version`, `X-Request-Id`. Every answer has `AstraML-Version` and
`X-Request-Id`; where it applies `Idempotency-Replayed`, `Retry-After`, `Location`, `Allow`. What goes wrong
is a problem document (RFC 9457) that says whether a retry makes sense. Names of headers have no case.
"""

from __future__ import annotations

from astraml_lab.service.answers import Response
from astraml_lab.service.routing import api

__all__ = ["Response", "api"]
