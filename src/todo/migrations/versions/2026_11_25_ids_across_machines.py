"""whether an id is taken can be asked of a database that is spread over machines."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_FUNCTION = """
CREATE OR REPLACE FUNCTION todo_exists(wanted uuid) RETURNS boolean
    LANGUAGE {language} STABLE SECURITY DEFINER SET search_path = pg_catalog
    AS '{body}'
"""
# Citus plans no parameters of functions in SQL, and no SELECT without columns.
_PLPGSQL = """BEGIN
    PERFORM 1 FROM public.todos WHERE ARRAY[user_id, id] @> ARRAY[wanted] AND id = wanted;
    RETURN FOUND;
END"""
_SQL = """SELECT EXISTS (
                SELECT FROM public.todos WHERE ARRAY[user_id, id] @> ARRAY[wanted] AND id = wanted
            )"""


def upgrade() -> None:
    """Ask the same in other words; who may call it stays."""
    op.execute(_FUNCTION.format(language="plpgsql", body=_PLPGSQL))


def downgrade() -> None:
    """Ask in the words of before."""
    op.execute(_FUNCTION.format(language="sql", body=_SQL))
