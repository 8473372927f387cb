"""Every rule there is; importing this is what makes them known."""

from todo.architect.rules import access, api, asking, fit, project, schema

__all__ = ["access", "api", "asking", "fit", "project", "schema"]
