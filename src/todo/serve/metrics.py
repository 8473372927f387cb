"""What the parent adds to the metrics; the library looks for its folder when loaded, so it is loaded late."""

import os
from collections.abc import Callable
from pathlib import Path


def use_metrics_folder(folder: Path) -> None:
    """Have this process and its children keep their counts there, where any worker finds those of all."""
    folder.mkdir()
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def restart_counter() -> Callable[[], None]:
    """Give what is to be called each time the auth server is started again."""
    from prometheus_client import Counter  # noqa: PLC0415  # see above

    return Counter("todo_auth_server_restarts", "Times the auth server had to be started again.").inc


def forget_worker(pid: int | None) -> None:
    """Take out what a dead worker had in its hands; what it counted stays."""
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415  # see above

    mark_process_dead(pid)  # type: ignore[no-untyped-call]  # the library's
