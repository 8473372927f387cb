"""The load counts what was answered well, fails for anything else, and sees a stall."""

import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from benchmarks.canned import canned_server
from benchmarks.load import BadAnswer, Load
from benchmarks.requests import Asked, Job

_ASKED = Asked(Job.UPDATE, b"PATCH /x HTTP/1.1\r\n\r\n", 200, b'"id":"1"')


def answer(status: int = 200, body: bytes = b'{"id":"1"}', head: bytes = b"") -> bytes:
    return b"HTTP/1.1 %d Words\r\n%scontent-length: %d\r\n\r\n%s" % (status, head, len(body), body)


@contextmanager
def serving(answers: Callable[[int], bytes], piece: int = 65_536) -> Iterator[tuple[str, int]]:
    """Serve one connection, in pieces; an empty answer ends it. It may depend on how many came before."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            link, _ = listener.accept()
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with link:
                for number in itertools.count():
                    if not link.recv(65_536) or not (whole := answers(number)):
                        return
                    for at in range(0, len(whole), piece):
                        link.sendall(whole[at : at + piece])

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()


def test_every_answer_is_counted_and_writes_by_their_kind() -> None:
    with canned_server(answer()) as address:
        sample = Load(address).closed(itertools.repeat(_ASKED), connections=4, seconds=0.3, warm_up=0.1)

    assert sample.answered > len(sample.latencies) > 0
    assert sample.writes == {Job.UPDATE: sample.answered}


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(answer(500), id="a failure"),
        pytest.param(answer(429), id="a refusal"),
        pytest.param(answer(204, b""), id="another success"),
        pytest.param(answer(body=b'{"id":"2"}'), id="another's todo"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n", id="no length"),
        pytest.param(b"", id="the end of the connection"),
    ],
)
def test_one_wrong_answer_among_many_spoils_the_run(wrong: bytes) -> None:
    with serving(lambda number: wrong if number == 50 else answer()) as address, pytest.raises(BadAnswer):
        Load(address).closed(itertools.repeat(_ASKED), connections=1, seconds=5, warm_up=0)


def test_an_answer_without_the_tag_that_is_owed_spoils_the_run() -> None:
    with canned_server(answer(head=b'etag: "1"\r\n')) as address:
        Load(address, b"\r\netag: ").closed(itertools.repeat(_ASKED), connections=1, seconds=0.1, warm_up=0)
    with canned_server(answer()) as address, pytest.raises(BadAnswer):
        Load(address, b"\r\netag: ").closed(itertools.repeat(_ASKED), connections=1, seconds=0.1, warm_up=0)


def test_an_answer_in_pieces_is_one_answer() -> None:
    with serving(lambda _: answer(), piece=7) as address:
        sample = Load(address).closed(itertools.repeat(_ASKED), connections=1, seconds=0.2, warm_up=0)

    assert sample.answered > 1


def test_a_stall_is_seen_by_every_request_that_was_due_in_it() -> None:
    stall = threading.Event()

    def answers(number: int) -> bytes:
        if number == 30:
            stall.wait(0.5)
        return answer()

    with serving(answers) as address:
        load = Load(address, most_open=1)
        sample = load.open(itertools.repeat(_ASKED), rate=100, seconds=1.5, warm_up=0)

    # One was being answered; some fifty more were due and had to wait, each a little less than the last.
    waited = [latency for latency in sample.latencies if latency > 0.1]
    assert len(waited) > 20
    assert max(waited) > 0.4


def test_at_a_fixed_rate_no_more_is_asked_than_that() -> None:
    with canned_server(answer()) as address:
        sample = Load(address).open(itertools.repeat(_ASKED), rate=400, seconds=1, warm_up=0)

    assert 300 < sample.per_second < 500


def test_a_connection_that_the_server_would_close_for_its_silence_is_left_before() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        opened = []

        def serve() -> None:
            # Until the listener is closed, which ends waiting for the next with an error.
            with suppress(OSError):
                while True:
                    link, _ = listener.accept()
                    opened.append(link)
                    link.settimeout(0.3)
                    threading.Thread(target=serve_one, args=(link,), daemon=True).start()

        def serve_one(link: socket.socket) -> None:
            with link, suppress(TimeoutError):
                while link.recv(65_536):
                    link.sendall(answer())

        threading.Thread(target=serve, daemon=True).start()
        load = Load(listener.getsockname(), kept_seconds=0.15)
        sample = load.open(itertools.repeat(_ASKED), rate=4, seconds=3, warm_up=0)

    assert 1 < len(opened) <= sample.answered
