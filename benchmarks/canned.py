"""A server that does nothing but answer: against it the load shows how much it can send."""

import multiprocessing
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager

_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 19\r\n\r\n" + b'{"message":"hello"}'


@contextmanager
def canned_server(answer: bytes = _ANSWER) -> Iterator[tuple[str, int]]:
    """Serve in a process of its own, and give the address."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        process = multiprocessing.get_context("fork").Process(
            target=_serve, args=(listener, answer), daemon=True
        )
        process.start()
        try:
            yield listener.getsockname()
        finally:
            process.kill()
            process.join(10)


def _serve(listener: socket.socket, answer: bytes) -> None:
    poll, links = select.epoll(), {}
    poll.register(listener.fileno(), select.EPOLLIN)
    while True:
        for number, _ in poll.poll():
            if number == listener.fileno():
                link, _ = listener.accept()
                links[link.fileno()] = link
                poll.register(link.fileno(), select.EPOLLIN)
            elif links[number].recv(65_536):
                links[number].sendall(answer)
            else:
                poll.unregister(number)
                links.pop(number).close()
