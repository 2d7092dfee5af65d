"""Amazon SageMaker's CreateHyperParameterTuningJob: read, checked as the service checks it, and written."""

from __future__ import annotations

from astraml_lab.dialects.sagemaker.errors import SageMakerError
from astraml_lab.dialects.sagemaker.reading import read
from astraml_lab.dialects.sagemaker.writing import write

__all__ = ["SageMakerError", "read", "write"]
