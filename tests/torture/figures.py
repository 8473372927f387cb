"""What an experiment measured, what was promised, and whether that holds."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One number, and the promise about it if there is one."""

    name: str
    value: float
    unit: str = ""
    promise: str = ""
    holds: bool = True

    @property
    def text(self) -> str:
        number = f"{self.value:,.3f}" if isinstance(self.value, float) else f"{self.value:,}"
        return f"{number} {self.unit}".rstrip()


Results = dict[str, list[Figure]]


def shown(name: str, value: float, unit: str = "") -> Figure:
    """Give a figure nothing is promised about."""
    return Figure(name, value, unit)


def exactly(name: str, value: int, wanted: int) -> Figure:
    return Figure(name, value, promise=f"{wanted:,}", holds=value == wanted)


def none(name: str, value: int) -> Figure:
    """Give the count of something that must not happen."""
    return exactly(name, value, 0)


def at_least(name: str, value: float, least: float, unit: str = "") -> Figure:
    return Figure(name, value, unit, f"≥ {least:,} {unit}".rstrip(), value >= least)


def at_most(name: str, value: float, most: float, unit: str = "s") -> Figure:
    return Figure(name, value, unit, f"≤ {most:,} {unit}".rstrip(), value <= most)


def quantile(values: Sequence[float], share: float) -> float:
    """Give the value that this share of all does not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


def table(results: Results) -> str:
    """Give all figures, one a line, for a person to read."""
    rows = [
        (experiment, figure.name, figure.text, figure.promise, _verdict(figure))
        for experiment, figures in results.items()
        for figure in figures
    ]
    heads = ("experiment", "figure", "measured", "promised", "")
    widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads))]
    lines = [
        f"{row[0]:{widths[0]}}  {row[1]:{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]:>{widths[3]}}  {row[4]}"
        for row in [heads, *rows]
    ]
    return "\n".join(line.rstrip() for line in lines)


def _verdict(figure: Figure) -> str:
    if not figure.promise:
        return ""
    return "ok" if figure.holds else "FAILED"
