"""The architect: designs the next feature, and has the running system judge it."""

from todo.architect.findings import Outcome, Verdict
from todo.architect.model import Design
from todo.architect.verifying import verify

__all__ = ["Design", "Outcome", "Verdict", "verify"]
