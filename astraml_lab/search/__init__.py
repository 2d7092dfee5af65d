"""The search: which point to try next. The only floor that knows Optuna."""

from __future__ import annotations

from astraml_lab.search.auto import AutoSampler
from astraml_lab.search.distributions import space_problems
from astraml_lab.search.drawing import draws
from astraml_lab.search.enqueueing import check_point
from astraml_lab.search.fitting import Fitting, Misfit
from astraml_lab.search.from_study import StudyContents, contents_of, is_study
from astraml_lab.search.from_views import study_of
from astraml_lab.search.importance import Importance, importance_in, importance_of
from astraml_lab.search.journal_storage import StudyStorage
from astraml_lab.search.pareto import Front, dominated
from astraml_lab.search.proposals import Ended, Past, Proposal, Told, Warmed
from astraml_lab.search.reasons import reasons_of
from astraml_lab.search.samplers import UNTAUGHT, require_sampler, sampler_problems, strategy_notes
from astraml_lab.search.searcher import Searcher

__all__ = [
    "UNTAUGHT",
    "AutoSampler",
    "Ended",
    "Fitting",
    "Front",
    "Importance",
    "Misfit",
    "Past",
    "Proposal",
    "Searcher",
    "StudyContents",
    "StudyStorage",
    "Told",
    "Warmed",
    "check_point",
    "contents_of",
    "dominated",
    "draws",
    "importance_in",
    "importance_of",
    "is_study",
    "reasons_of",
    "require_sampler",
    "sampler_problems",
    "space_problems",
    "strategy_notes",
    "study_of",
]
