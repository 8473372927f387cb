"""${message}."""

from alembic import op
import sqlalchemy as sa

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Additive first: what the previous release does must go on working."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Undo it, keeping what was there before."""
    ${downgrades if downgrades else "pass"}
