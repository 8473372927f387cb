"""The architect: designs the next feature, and has the running system judge it."""

from todo.architect.bench import verify
from todo.architect.design import Design
from todo.architect.verdict import Outcome, Verdict

__all__ = ["Design", "Outcome", "Verdict", "verify"]
