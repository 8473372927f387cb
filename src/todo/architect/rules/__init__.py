"""Every rule there is, by the eight points of quality in the order they are told."""

from todo.architect.rules import access, fit, requests, schema, specs
from todo.architect.rules.rule import CHECK, Rule

POINTS = {
    "Every protected endpoint asks who is there": access.RULES,
    "Every request is validated by a model": requests.VALIDATION,
    "Indexes and constraints serve the queries": schema.SCHEMA,
    "One error format": requests.ERRORS,
    "Asynchronous throughout": fit.ASYNC,
    "Specifications are up to date": [
        *specs.RULES,
        Rule("DOC-1", "user", "Every principle names what keeps it, and that is there",
             [(lambda case: case.constitution.principles, lambda one, _: [
                 f"cites {cited}, which is no rule" for cited in one.kept_by or ["nothing"]
                 if cited not in {"review", *RULES}])], CHECK),
    ],
    "API, database and sign-in fit each other": fit.INTEGRATION,
    "Migrations are safe": schema.MIGRATIONS,
}  # fmt: skip
RULES: dict[str, Rule] = {rule.id: rule for rules in POINTS.values() for rule in rules}
