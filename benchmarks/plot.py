"""A picture of how the contenders compare."""

from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt

from benchmarks.report import Results, middle
from benchmarks.requests import Job
from benchmarks.rounds import PGBENCH

_SHOWN = {PGBENCH: "#9aa5b1", "ours": "#1f7a4d", "peer": "#c0562f"}
_WIDTH = 0.27


def draw(results: Results, file: Path) -> None:
    """Draw requests per second of every job, on a scale where equal steps are equal factors."""
    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "todo"
    jobs = [job for job in results.rounds.of if job is not Job.HELLO]
    figure, axes = plt.subplots(figsize=(9, 4.5))
    for place, (name, colour) in enumerate(_SHOWN.items()):
        rates = [middle(results.rounds.of[job][name]).per_second for job in jobs]
        bars = axes.bar(
            [at + (place - 1) * _WIDTH for at in range(len(jobs))], rates, _WIDTH, label=name, color=colour
        )
        axes.bar_label(bars, [f"{rate:,.0f}" for rate in rates], fontsize=7, padding=2)
    hello = middle(results.rounds.of[Job.HELLO]["hello"]).per_second
    axes.axhline(hello, color="#555555", linestyle=":", linewidth=1, label="hello: an empty route")
    axes.set_yscale("log")
    axes.set_ylabel("requests per second")
    axes.set_xticks(range(len(jobs)), [job.value for job in jobs])
    axes.legend(frameon=False, ncols=4, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, 1.12))
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, bbox_inches="tight", metadata={"Date": None})
