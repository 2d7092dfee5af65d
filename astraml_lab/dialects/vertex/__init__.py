"""Vertex AI's HyperparameterTuningJob (v1): read, checked, rendered and written again."""

from __future__ import annotations

from astraml_lab.dialects.vertex.errors import VertexError, Violation
from astraml_lab.dialects.vertex.translate import check, read
from astraml_lab.dialects.vertex.writing import write

__all__ = ["VertexError", "Violation", "check", "read", "write"]
