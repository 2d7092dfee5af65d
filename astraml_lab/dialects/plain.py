"""Reading any form of a request as data, with refusals in the words of its service where that is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from astraml_lab.dialects.detect import detect, named
from astraml_lab.dialects.text import Unreadable, read_text
from astraml_lab.errors import RequestRefused
from astraml_lab.spec import Dialect

if TYPE_CHECKING:
    from astraml_lab.dialects.text import Data


def plain(request: object, dialect: Dialect | str | None = None) -> Data:
    """Read a request as data.

    Args:
        request: A mapping; JSON or YAML as text or bytes; or the path of a .json, .yaml or .yml file.
        dialect: Its service; by default what the fields of a mapping say.

    Raises:
        RequestRefused: It is no plain data, or larger than 1 MiB.
        NotFound: There is no such file.
    """
    try:
        return read_text(request)
    except Unreadable as error:
        raise _in_words(error, _service(request, dialect)) from None


def _service(request: object, dialect: Dialect | str | None) -> Dialect | None:
    if dialect is not None:
        return named(dialect)
    try:
        return detect(request) if isinstance(request, Mapping) else None
    except RequestRefused:
        return None


def _in_words(error: Unreadable, dialect: Dialect | None) -> RequestRefused:
    if dialect is Dialect.SAGEMAKER:
        from astraml_lab.dialects.sagemaker.errors import invalid

        return invalid(error.place, error.detail)
    if dialect is Dialect.VERTEX:
        from astraml_lab.dialects.vertex import VertexError, Violation

        return VertexError(error.detail, violations=[Violation(error.place, error.detail)])
    return error
