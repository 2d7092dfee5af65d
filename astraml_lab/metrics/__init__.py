"""What trials report: windows by time, curves by step, and the board that prunes on them.

A report goes through `Board.report` (the objective only) and `TrialMetrics.add`; the writer thread takes
`TrialMetrics.drain`. Pure Python and numpy; no lock, no clock, no disk.
"""

from __future__ import annotations

from astraml_lab.metrics.board import Board, Rule
from astraml_lab.metrics.curve import CURVE_LIMIT, Curve
from astraml_lab.metrics.dominance import DominanceRule, FrontBoard
from astraml_lab.metrics.downsampling import downsample
from astraml_lab.metrics.halving import HalvingRule
from astraml_lab.metrics.outlook import OutlookRule
from astraml_lab.metrics.percentiles import PruneRule
from astraml_lab.metrics.running import Ending
from astraml_lab.metrics.series import MetricSeries, TrialChanges, TrialMetrics
from astraml_lab.metrics.tiers import RETENTION, retention, roll_up, tier_for, tiers
from astraml_lab.metrics.windows import WINDOW_SECONDS, Window, WindowSeries
from astraml_lab.spec.views import WindowRow

__all__ = [
    "CURVE_LIMIT",
    "RETENTION",
    "WINDOW_SECONDS",
    "Board",
    "Curve",
    "DominanceRule",
    "Ending",
    "FrontBoard",
    "HalvingRule",
    "MetricSeries",
    "OutlookRule",
    "PruneRule",
    "Rule",
    "TrialChanges",
    "TrialMetrics",
    "Window",
    "WindowRow",
    "WindowSeries",
    "downsample",
    "retention",
    "roll_up",
    "tier_for",
    "tiers",
]
