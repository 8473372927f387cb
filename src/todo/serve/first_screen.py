"""What the person who starts the product reads in the terminal."""

import logging
import threading

import httpx2

from todo.serve.logs import VOICE
from todo.settings import Settings, Wiring

_voice = logging.getLogger(VOICE)
_POLL_SECONDS = 0.05

_SCREEN = """
Todo Evolution is ready.

  Page   {origin}/
  Docs   {origin}/docs
  MCP    {origin}/mcp

Your first todo:

{steps}

Ctrl-C stops it."""
_STEPS = """\
  S=$(curl -s {origin}/api/auth/sign-up/email -H 'content-type: application/json' \\
      -d '{{"email":"me@example.com","password":"a long password","name":"Me"}}' | {pick_token})
  T=$(curl -s {origin}/api/auth/token -H "authorization: Bearer $S" | {pick_token})
  curl -s {origin}/api/todos -H "authorization: Bearer $T\""""
_STEPS_ELSEWHERE = """\
  T=<an access token of {issuer} for {audience}>
  curl -s {origin}/api/todos -H "authorization: Bearer $T\""""
_PICK_TOKEN = "python3 -c 'import json,sys; print(json.load(sys.stdin)[\"token\"])'"  # noqa: S105  # a command


def say(line: str) -> None:
    """Tell the person what is happening."""
    _voice.info("%s", line)


def announce_when_ready(settings: Settings, wiring: Wiring) -> None:
    """Show the first screen as soon as the service answers, and not before."""
    steps = (_STEPS if settings.runs_auth_server else _STEPS_ELSEWHERE).format(
        origin=wiring.origin, pick_token=_PICK_TOKEN, issuer=wiring.issuer, audience=wiring.audience
    )
    screen = _SCREEN.format(origin=wiring.origin, steps=steps)
    if settings.log_format == "json":
        screen = f"Todo Evolution is ready at {wiring.origin}."
    address = f"{local_address(settings)}/health/ready"
    threading.Thread(target=_show_when_ready, args=(address, screen), daemon=True).start()


def local_address(settings: Settings) -> str:
    """Give the address at which this machine itself reaches the service."""
    host = settings.host if settings.host not in {"0.0.0.0", "::"} else "localhost"  # noqa: S104  # a comparison
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def answer_of(url: str) -> int | None:
    """Give the status that an address of our own answers with; None when nobody is there."""
    try:
        # Not by the proxy of the environment: that is for other people's addresses.
        return httpx2.get(url, timeout=2, trust_env=False).status_code
    except httpx2.TransportError:
        return None


def _show_when_ready(url: str, screen: str) -> None:
    pause = threading.Event()
    while answer_of(url) != httpx2.codes.OK:
        pause.wait(_POLL_SECONDS)
    say(screen)
