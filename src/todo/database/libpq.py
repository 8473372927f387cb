"""What libpq can do in a pipeline, and psycopg does not offer yet."""

import ctypes
from collections.abc import Callable
from importlib import import_module

import psycopg
from psycopg.pq.abc import PGconn


def _binding() -> Callable[[int], int] | None:
    # Of the library that made the connection, no other knows what it looks like inside. Only with the wheels
    # is that the one that psycopg's own code is linked to.
    if psycopg.pq.__impl__ != "binary":
        return None
    linked = ctypes.PyDLL(import_module("psycopg_binary.pq").__file__)
    function = getattr(linked, "PQsendPipelineSync", None)
    if function is None:
        return None
    function.argtypes, function.restype = [ctypes.c_void_p], ctypes.c_int
    bound: Callable[[int], int] = function
    return bound


_send_pipeline_sync = _binding()


def send_pipeline_sync(connection: PGconn) -> None:
    """End a transaction of its own, without sending what has been said so far.

    Where this libpq cannot (before PostgreSQL 17), it is sent. Raises `psycopg.OperationalError`.
    """
    if _send_pipeline_sync is None:
        connection.pipeline_sync()
    elif not _send_pipeline_sync(connection.pgconn_ptr):  # type: ignore[attr-defined]  # documented, for this
        raise psycopg.OperationalError(connection.get_error_message())
