"""The first check of a request: does it have the shape that the service's definition gives it?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.sagemaker.errors import invalid
from astraml_lab.dialects.sagemaker.places import Place

if TYPE_CHECKING:
    from astraml_lab.dialects.sagemaker.shapes import Shape


def check_shape(request: Any, shape: Shape) -> None:
    """Refuse a request that does not have the shape.

    Raises:
        SageMakerError: With every mistake in its message, and the path of the first as `field`.
    """
    found = list(shape.complaints(request, Place()))
    if not found:
        return
    count = "1 validation error" if len(found) == 1 else f"{len(found)} validation errors"
    text = "; ".join(complaint.text for complaint in found)
    raise invalid(found[0].field, f"{count} detected: {text}")
