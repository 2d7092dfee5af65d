"""What a client for SageMaker raises: classes such as boto3 makes for its own."""

from __future__ import annotations

import sys
from typing import Any, Final

from astraml_lab.dialects.sagemaker.errors import IN_USE, LIMIT_EXCEEDED, NOT_FOUND, SageMakerError


class ClientError(SageMakerError):
    """The service's refusal of a call; `response["Error"]` has its `Code` and `Message`.

    Attributes:
        operation_name: The call.
    """

    def __init__(self, error: SageMakerError, operation: str) -> None:
        super().__init__(error.code, str(error), error.field)
        self.operation_name = operation

    def __str__(self) -> str:
        message = self.response["Error"]["Message"]
        return f"An error occurred ({self.code}) when calling the {self.operation_name} operation: {message}"


class ResourceInUse(ClientError):
    """The name is taken."""


class ResourceNotFound(ClientError):
    """There is no such job."""


class ResourceLimitExceeded(ClientError):
    """More is asked for than the service's quotas allow."""


class Exceptions:
    """`client.exceptions`: the errors that the service's definition names, and what all of them are."""

    ClientError: Final = ClientError
    ResourceInUse = ResourceInUse
    ResourceNotFound = ResourceNotFound
    ResourceLimitExceeded = ResourceLimitExceeded

    def made_of(self, error: SageMakerError, operation: str) -> SageMakerError:
        """Return a refusal as the client raises it."""
        own = {IN_USE: ResourceInUse, NOT_FOUND: ResourceNotFound, LIMIT_EXCEEDED: ResourceLimitExceeded}
        return _for_botocore(own.get(error.code, ClientError))(error, operation)


def _for_botocore(own: type[ClientError]) -> type[ClientError]:
    """Return a class that botocore's own `ClientError` catches, too, where a script imported that.

    It is not imported here: no cloud's library is.
    """
    theirs: Any = getattr(sys.modules.get("botocore.exceptions"), "ClientError", None)
    if theirs is None:
        return own
    if own not in _made:
        made = {"__module__": own.__module__, "__doc__": own.__doc__}
        # between the two, so that only ours is called to make one
        plain = type(theirs.__name__, (theirs,), {"__init__": Exception.__init__})
        _made[own] = type(own.__name__, (own, plain), made)
    return _made[own]


_made: dict[type[ClientError], type[ClientError]] = {}
