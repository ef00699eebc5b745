"""Pictures for the asset page: base64 PNG inside markdown, which the UI shows inline."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

MOST_BARS = 24
"""More bars than this are not read; the smallest are drawn as one."""
WIDTH = 6.4
"""Inches, at 100 dots each."""
LONGEST_LABEL = 44
_BLUE, _GREY = "#3b6ea8", "#8a8f98"


def bars(title: str, counts: Mapping[str, float]) -> str | None:
    """A horizontal bar per entry, largest first; None if there is nothing to draw."""
    if not counts:
        return None
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    if len(ranked) > MOST_BARS:
        rest = sum(value for _, value in ranked[MOST_BARS - 1 :])
        ranked = [*ranked[: MOST_BARS - 1], (f"{len(ranked) - MOST_BARS + 1} others", rest)]
    names = [_label(name) for name, _ in reversed(ranked)]
    values = [value for _, value in reversed(ranked)]
    figure, axes = _figure(height=0.9 + 0.28 * len(names), left=0.2 + 0.064 * max(map(len, names)))
    drawn = axes.barh(names, values, color=_BLUE)
    axes.bar_label(drawn, padding=3, fontsize=8, fmt="{:,.0f}")
    axes.set_title(title, fontsize=10, loc="left")
    axes.margins(x=0.12)
    axes.xaxis.get_major_locator().set_params(integer=True)
    return _markdown(figure, title)


def histogram(title: str, values: Sequence[float], unit: str) -> str | None:
    """How `values` spread, with the median drawn in; None if there is nothing to draw."""
    if not values:
        return None
    figure, axes = _figure(height=2.4, left=0.5)
    axes.hist(values, bins=min(40, max(8, len(values) // 8)), color=_BLUE)
    median = sorted(values)[len(values) // 2]
    axes.axvline(median, color=_GREY, linestyle="--", linewidth=1)
    axes.set_title(f"{title} (median {median:,.0f} {unit})", fontsize=10, loc="left")
    axes.set_xlabel(unit, fontsize=8)
    axes.yaxis.get_major_locator().set_params(integer=True)
    return _markdown(figure, title)


def _label(name: str) -> str:
    """A short text, and never a formula."""
    short = name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - 1]}…"
    return short.replace("$", r"\$")


def _figure(height: float, left: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), dpi=100)
    axes = figure.subplots()
    # Margins in inches instead of a layout engine, which draws everything twice.
    figure.subplots_adjust(left=left / WIDTH, right=0.97, top=1 - 0.35 / height, bottom=0.45 / height)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    return figure, axes


def _markdown(figure: Any, title: str) -> str:
    buffer = BytesIO()
    figure.savefig(buffer, format="png")
    return f"![{title}](data:image/png;base64,{b64encode(buffer.getvalue()).decode()})"
