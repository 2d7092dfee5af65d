"""Colours, lines and layout of every chart; `widgets/src/look.js` holds them for the live view."""

from __future__ import annotations

from typing import Any

from astraml_lab.spec import TrialState

# Okabe and Ito's palette, which colour-blind people can tell apart. State is never told by colour alone.
BLUE, ORANGE, GREEN = "#0072b2", "#e69f00", "#009e73"
SKY, VERMILLION, PURPLE = "#56b4e9", "#d55e00", "#cc79a7"
RUNNING_COLOURS = (BLUE, GREEN, PURPLE, ORANGE, SKY)
BEST = VERMILLION
FINISHED = "#8296a8"
FAINT = "rgba(130,150,168,0.16)"
INK, QUIET, GRID, PAPER = "#1f2933", "#52606d", "#e4e7eb", "#ffffff"
STATE_COLOURS = {
    TrialState.WAITING: "#b0bac5",
    TrialState.RUNNING: BLUE,
    TrialState.COMPLETE: GREEN,
    TrialState.PRUNED: ORANGE,
    TrialState.STOPPED: PURPLE,
    TrialState.FAILED: "#b2182b",
}
STATE_SYMBOLS = {
    TrialState.WAITING: "circle-open",
    TrialState.RUNNING: "triangle-right",
    TrialState.COMPLETE: "circle",
    TrialState.PRUNED: "diamond-open",
    TrialState.STOPPED: "square",
    TrialState.FAILED: "x",
}
FONT = {
    "family": "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif",
    "size": 12,
    "color": INK,
}


def escaped(text: str, limit: int = 80) -> str:
    """Return a user's text for plotly, which reads HTML-like tags and `$…$` formulas in every label."""
    flat = " ".join(text.split())
    flat = flat if len(flat) <= limit else flat[: limit - 1] + "…"
    safe = flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # Plotly looks for formulas before it reads entities.
    return safe.replace("$", "&#36;")


def axis(title: str = "", **more: Any) -> dict[str, Any]:
    """Return an axis."""
    return {
        "title": {"text": title, "font": {"size": 12, "color": QUIET}, "standoff": 8},
        "gridcolor": GRID,
        "linecolor": GRID,
        "zeroline": False,
        "automargin": True,
        "tickfont": {"size": 11, "color": QUIET},
        **more,
    }


def layout(title: str = "", *, height: int = 420, **more: Any) -> dict[str, Any]:
    """Return the layout of a figure: a white card, readable on any page."""
    return {
        "height": height,
        "paper_bgcolor": PAPER,
        "plot_bgcolor": PAPER,
        "font": FONT,
        "title": {"text": title, "x": 0, "xref": "paper", "xanchor": "left", "font": {"size": 15}},
        "margin": {"l": 56, "r": 20, "t": 48, "b": 48},
        "hovermode": "closest",
        "hoverlabel": {"font": {"size": 12}},
        "legend": {"orientation": "h", "x": 0, "y": -0.2, "font": {"size": 11, "color": QUIET}},
        **more,
    }


def words(text: str, **place: Any) -> dict[str, Any]:
    """Return a sentence in the middle of a chart that is still empty."""
    middle = {"xref": "paper", "yref": "paper", "x": 0.5, "y": 0.5}
    return {"text": text, "showarrow": False, "font": {"size": 13, "color": QUIET}, **middle, **place}
