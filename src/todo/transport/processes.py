"""What the processes of this installation use, as one of them sees it."""

import multiprocessing
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

_LABELS = ["process", "pid"]


class ProcessCollector:
    """CPU, memory and files of parent, workers and auth server; the library's own collector knows one."""

    def collect(self) -> Iterator[Metric]:
        """Look at every process now."""
        cpu = CounterMetricFamily("process_cpu_seconds", "CPU time used.", labels=_LABELS)
        memory = GaugeMetricFamily("process_resident_memory_bytes", "Memory in use.", labels=_LABELS)
        files = GaugeMetricFamily("process_open_fds", "Open files and connections.", labels=_LABELS)
        started = GaugeMetricFamily("process_start_time_seconds", "Start, in Unix time.", labels=_LABELS)
        for role, process in _family():
            with suppress(psutil.Error), process.oneshot():
                labels = [role, str(process.pid)]
                times = process.cpu_times()
                cpu.add_metric(labels, times.user + times.system)
                memory.add_metric(labels, process.memory_info().rss)
                files.add_metric(labels, process.num_fds())
                started.add_metric(labels, process.create_time())
        yield from (cpu, memory, files, started)


def _family() -> Iterator[tuple[str, psutil.Process]]:
    parent = multiprocessing.parent_process()
    main = psutil.Process(parent.pid if parent else None)
    yield "main", main
    for child in main.children():
        with suppress(psutil.Error):
            command = child.cmdline()
            if "--multiprocessing-fork" in command:
                yield "worker", child
            elif command and Path(command[0]).name == "node":
                yield "auth", child
