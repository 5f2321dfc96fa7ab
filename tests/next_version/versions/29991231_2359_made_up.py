"""A made-up next version: adds columns, constraints, an index and a table."""

import sqlalchemy as sa
from alembic import op

from migrations.head import newest_revision

revision = "29991231_2359"
down_revision = newest_revision()
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    # Everything refers to incidents, and SQLite has to build a table anew for a constraint.
    with op.batch_alter_table("incidents") as incidents:
        incidents.add_column(sa.Column("cost", sa.Integer(), nullable=False, server_default="0"))
        incidents.create_check_constraint("cost", "cost >= 0")
    op.execute("UPDATE incidents SET cost = 10 * number")
    # The timeline's triggers go with its old table.
    with op.batch_alter_table("timeline_entries") as entries:
        entries.add_column(sa.Column("source", sa.String(), nullable=True))
        entries.create_check_constraint("source", "source <> ''")
    op.add_column("effects", sa.Column("reason", sa.String(), nullable=True))
    op.create_index("ix_effects_reason", "effects", ["reason"])
    op.create_table(
        "costs",
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name="fk_costs_incident_id"),
        sa.PrimaryKeyConstraint("incident_id", name="pk_costs"),
    )
    op.execute("INSERT INTO costs (incident_id, amount) SELECT id, cost FROM incidents")


def downgrade() -> None:
    """Take back."""
    op.drop_table("costs")
    op.drop_index("ix_effects_reason", "effects")
    op.drop_column("effects", "reason")
    with op.batch_alter_table("timeline_entries") as entries:
        entries.drop_constraint("source", type_="check")
        entries.drop_column("source")
    with op.batch_alter_table("incidents") as incidents:
        incidents.drop_constraint("cost", type_="check")
        incidents.drop_column("cost")
