"""checks are said in fewer words, which PostgreSQL reads anew for each statement that writes."""

from collections.abc import Iterable, Mapping

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_Checks = Mapping[tuple[str, str], str]
_SPACE = r"E' \t\n\r\f\v'"
# What is not blank is not empty either, and a priority that is none has no rank.
_FEWER: _Checks = {
    ("todos", "title_fits"): f"char_length(title) <= 200 AND btrim(title, {_SPACE}) <> ''",
    ("todos", "priority_known"): "priority_rank IS NOT NULL",
    ("todo_changes", "kind_known"): (
        "kind = ANY ('{created,updated,completed,reopened,deleted,restored,purged}'::text[])"
    ),
}
_MORE: _Checks = {
    ("todos", "title"): f"char_length(title) BETWEEN 1 AND 200 AND btrim(title, {_SPACE}) <> ''",
    ("todos", "priority"): "priority IN ('low', 'medium', 'high', 'urgent')",
    ("todo_changes", "kind"): (
        "kind IN ('created', 'updated', 'completed', 'reopened', 'deleted', 'restored', 'purged')"
    ),
}


def upgrade() -> None:
    """Put the shorter checks in the place of the others; at no time is there none."""
    _add(_FEWER)
    # That no row has none is proven by the check, which is not needed afterwards.
    op.execute("ALTER TABLE todos ALTER COLUMN priority_rank SET NOT NULL")
    _drop([*_MORE, ("todos", "priority_known")])


def downgrade() -> None:
    """Put the longer ones back."""
    _add(_MORE)
    op.execute("ALTER TABLE todos ALTER COLUMN priority_rank DROP NOT NULL")
    _drop(_FEWER)


def _add(checks: _Checks) -> None:
    # One of a change that was broken off may be there already.
    _drop(checks)
    for (table, name), condition in checks.items():
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{name} CHECK ({condition}) NOT VALID")
    with op.get_context().autocommit_block():
        # Every row is looked at, beside people at work.
        op.execute("SET lock_timeout = '10s'")
        for table, name in checks:
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT ck_{table}_{name}")


def _drop(names: Iterable[tuple[str, str]]) -> None:
    for table, name in names:
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS ck_{table}_{name}")
