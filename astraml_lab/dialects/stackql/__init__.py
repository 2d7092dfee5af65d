"""StackQL's statements on `google.aiplatform.hyperparameter_tuning_jobs`."""

from __future__ import annotations

from astraml_lab.dialects.stackql.answering import Effect, answer
from astraml_lab.dialects.stackql.catalogue import Table
from astraml_lab.dialects.stackql.errors import StackqlError
from astraml_lab.dialects.stackql.plain import select, tables_of

__all__ = ["Effect", "StackqlError", "Table", "answer", "select", "tables_of"]
