"""The first schema

Revision: 20261121_1100, after:
"""

import sqlalchemy as sa
from alembic import op

from incidents.storage.database import UtcDateTime
from migrations.timeline_guard import create_statements, drop_statements

revision = "20261121_1100"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "workspaces",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("enterprise_id", sa.String(), nullable=False),
        sa.Column("bot_external_id", sa.String(), nullable=False),
        sa.Column("bot_id", sa.String(), nullable=False),
        sa.Column("scopes", sa.String(), nullable=False),
        sa.Column("token_fingerprint", sa.String(), nullable=True),
        sa.Column("announcement_name", sa.String(), nullable=True),
        sa.Column("announcement_channel_id", sa.String(), nullable=True),
        sa.Column("paused_reason", sa.String(), nullable=True),
        sa.Column("paused_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workspaces")),
        sa.UniqueConstraint("external_id", name=op.f("uq_workspaces_external_id")),
    )
    op.create_table(
        "absences",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("from_at", UtcDateTime(), nullable=False),
        sa.Column("until_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_absences_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absences")),
    )
    op.create_index("ix_absences_workspace_id_until_at", "absences", ["workspace_id", "until_at"])
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("actor_kind", sa.String(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_name", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("content", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("salt", sa.String(), nullable=True),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("previous_hash", sa.String(), nullable=False),
        sa.Column("entry_hash", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_audit_entries_workspace_id_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
        sa.UniqueConstraint(
            "workspace_id", "sequence", name=op.f("uq_audit_entries_workspace_id_sequence")
        ),
    )
    op.create_table(
        "audit_heads",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("entry_hash", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_audit_heads_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("workspace_id", name=op.f("pk_audit_heads")),
    )
    op.create_table(
        "counters",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_counters_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "name", name=op.f("pk_counters")),
    )
    op.create_table(
        "heartbeats",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("beaten_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_heartbeats_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("workspace_id", name=op.f("pk_heartbeats")),
    )
    op.create_table(
        "leases",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_leases_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("workspace_id", name=op.f("pk_leases")),
    )
    op.create_table(
        "people",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("refreshed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_people_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint(
            "workspace_id", "external_id", name=op.f("uq_people_workspace_id_external_id")
        ),
    )
    op.create_index(op.f("ix_people_email"), "people", ["email"])
    op.create_table(
        "people_groups",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("handle", sa.String(), nullable=False),
        sa.Column("member_external_ids", sa.String(), nullable=False),
        sa.Column("refreshed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_people_groups_workspace_id_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people_groups")),
        sa.UniqueConstraint(
            "workspace_id", "external_id", name=op.f("uq_people_groups_workspace_id_external_id")
        ),
    )
    op.create_table(
        "processed_requests",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("outcome", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_processed_requests_workspace_id_workspaces"),
        ),
        sa.PrimaryKeyConstraint("workspace_id", "key", name=op.f("pk_processed_requests")),
    )
    op.create_index(
        "ix_processed_requests_workspace_id_created_at",
        "processed_requests",
        ["workspace_id", "created_at"],
    )
    op.create_table(
        "handovers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("from_person_id", sa.Uuid(), nullable=False),
        sa.Column("to_person_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("sections", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.Column("reminded_at", UtcDateTime(), nullable=True),
        sa.Column("delivery_error", sa.String(), nullable=True),
        sa.Column("rating", sa.String(), nullable=True),
        sa.Column("rated_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["from_person_id"], ["people.id"], name=op.f("fk_handovers_from_person_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["to_person_id"], ["people.id"], name=op.f("fk_handovers_to_person_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_handovers_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handovers")),
    )
    op.create_index("ix_handovers_to_person_id_status", "handovers", ["to_person_id", "status"])
    op.create_index(
        "uq_handovers_pending",
        "handovers",
        ["from_person_id"],
        unique=True,
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_table(
        "home_tabs",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("shown", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_home_tabs_person_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_home_tabs_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_home_tabs")),
    )
    op.create_index(
        "ix_home_tabs_workspace_id_opened_at", "home_tabs", ["workspace_id", "opened_at"]
    )
    op.create_table(
        "incidents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("is_drill", sa.Boolean(), nullable=False),
        sa.Column("is_private", sa.Boolean(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("summary", sa.String(), nullable=False),
        sa.Column("impact", sa.String(), nullable=False),
        sa.Column("resolution", sa.String(), nullable=False),
        sa.Column("services", sa.JSON(), nullable=False),
        sa.Column("has_customer_impact", sa.Boolean(), nullable=False),
        sa.Column("severity_key", sa.String(), nullable=False),
        sa.Column("severity_name", sa.String(), nullable=False),
        sa.Column("severity_rank", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("declared_by_id", sa.Uuid(), nullable=True),
        sa.Column("duplicate_of_id", sa.Uuid(), nullable=True),
        sa.Column("impact_started_at", UtcDateTime(), nullable=True),
        sa.Column("impact_ended_at", UtcDateTime(), nullable=True),
        sa.Column("detected_at", UtcDateTime(), nullable=False),
        sa.Column("declared_at", UtcDateTime(), nullable=False),
        sa.Column("acknowledged_at", UtcDateTime(), nullable=True),
        sa.Column("mitigated_at", UtcDateTime(), nullable=True),
        sa.Column("resolved_at", UtcDateTime(), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("cancelled_at", UtcDateTime(), nullable=True),
        sa.Column("last_update_at", UtcDateTime(), nullable=True),
        sa.Column("next_update_due_at", UtcDateTime(), nullable=True),
        sa.Column("channel_id", sa.String(), nullable=True),
        sa.Column("channel_name", sa.String(), nullable=True),
        sa.Column("channel_effect_id", sa.Uuid(), nullable=True),
        sa.Column("is_channel_archived", sa.Boolean(), nullable=False),
        sa.Column("is_channel_private", sa.Boolean(), nullable=False),
        sa.Column("channel_sharing", sa.String(), nullable=False),
        sa.Column("last_sequence", sa.Integer(), nullable=False),
        sa.Column("last_entry_hash", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["declared_by_id"], ["people.id"], name=op.f("fk_incidents_declared_by_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["duplicate_of_id"],
            ["incidents.id"],
            name=op.f("fk_incidents_duplicate_of_id_incidents"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_incidents_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
        sa.UniqueConstraint(
            "workspace_id",
            "number",
            "is_drill",
            name=op.f("uq_incidents_workspace_id_number_is_drill"),
        ),
    )
    op.create_index(op.f("ix_incidents_declared_by_id"), "incidents", ["declared_by_id"])
    op.create_index(
        "ix_incidents_workspace_id_declared_at", "incidents", ["workspace_id", "declared_at", "id"]
    )
    op.create_index(
        "ix_incidents_workspace_id_resolved_at", "incidents", ["workspace_id", "resolved_at"]
    )
    op.create_index("ix_incidents_workspace_id_status", "incidents", ["workspace_id", "status"])
    op.create_index(
        "uq_incidents_workspace_id_channel_id",
        "incidents",
        ["workspace_id", "channel_id"],
        unique=True,
        sqlite_where=sa.text("channel_id IS NOT NULL"),
        postgresql_where=sa.text("channel_id IS NOT NULL"),
    )
    op.create_table(
        "maintenances",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("affected", sa.String(), nullable=False),
        sa.Column("contact", sa.String(), nullable=False),
        sa.Column("services", sa.JSON(), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["author_id"], ["people.id"], name=op.f("fk_maintenances_author_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_maintenances_workspace_id_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_maintenances")),
    )
    op.create_table(
        "mentorships",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("mentor_id", sa.Uuid(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("asked_at", UtcDateTime(), nullable=True),
        sa.Column("question_id", sa.Uuid(), nullable=True),
        sa.Column("asked_by_id", sa.Uuid(), nullable=True),
        sa.Column("learner_agreed_at", UtcDateTime(), nullable=True),
        sa.Column("mentor_agreed_by_id", sa.Uuid(), nullable=True),
        sa.Column("declined_by_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["asked_by_id"], ["people.id"], name=op.f("fk_mentorships_asked_by_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["declined_by_id"], ["people.id"], name=op.f("fk_mentorships_declined_by_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["mentor_agreed_by_id"],
            ["people.id"],
            name=op.f("fk_mentorships_mentor_agreed_by_id_people"),
        ),
        sa.ForeignKeyConstraint(
            ["mentor_id"], ["people.id"], name=op.f("fk_mentorships_mentor_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_mentorships_person_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_mentorships_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mentorships")),
        sa.UniqueConstraint(
            "person_id", "mentor_id", name=op.f("uq_mentorships_person_id_mentor_id")
        ),
    )
    op.create_index(op.f("ix_mentorships_mentor_id"), "mentorships", ["mentor_id"])
    op.create_table(
        "shadowings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("mentor_id", sa.Uuid(), nullable=True),
        sa.Column("role_key", sa.String(), nullable=True),
        sa.Column("service_key", sa.String(), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("until_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("ended_by_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["ended_by_id"], ["people.id"], name=op.f("fk_shadowings_ended_by_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["mentor_id"], ["people.id"], name=op.f("fk_shadowings_mentor_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_shadowings_person_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_shadowings_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shadowings")),
    )
    op.create_index(op.f("ix_shadowings_mentor_id"), "shadowings", ["mentor_id"])
    op.create_index(
        "ix_shadowings_workspace_id_ended_at", "shadowings", ["workspace_id", "ended_at"]
    )
    op.create_index(
        "uq_shadowings_running",
        "shadowings",
        ["person_id", "target"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "stage_records",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("role_key", sa.String(), nullable=False),
        sa.Column("service_key", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("up_to", sa.String(), nullable=False),
        sa.Column("is_sign_off", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("set_by_id", sa.Uuid(), nullable=True),
        sa.Column("set_by_name", sa.String(), nullable=False),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("audit_entry_id", sa.Uuid(), nullable=False),
        sa.Column("renewal_told_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["audit_entry_id"],
            ["audit_entries.id"],
            name=op.f("fk_stage_records_audit_entry_id_audit_entries"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_stage_records_person_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["set_by_id"], ["people.id"], name=op.f("fk_stage_records_set_by_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_stage_records_workspace_id_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stage_records")),
        sa.UniqueConstraint(
            "workspace_id", "position", name=op.f("uq_stage_records_workspace_id_position")
        ),
    )
    op.create_index(
        "ix_stage_records_person_id_position", "stage_records", ["person_id", "position"]
    )
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("follows", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_subscriptions_person_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_subscriptions_workspace_id_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
        sa.UniqueConstraint(
            "person_id",
            "follows",
            "subject",
            name=op.f("uq_subscriptions_person_id_follows_subject"),
        ),
    )
    op.create_index(
        "ix_subscriptions_workspace_id_follows_subject",
        "subscriptions",
        ["workspace_id", "follows", "subject"],
    )
    op.create_table(
        "trial_pages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("trial_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("asked_by_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("pager", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("remote_id", sa.String(), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("accepted_at", UtcDateTime(), nullable=True),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["asked_by_id"], ["people.id"], name=op.f("fk_trial_pages_asked_by_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_trial_pages_person_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_trial_pages_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trial_pages")),
    )
    op.create_index(
        "ix_trial_pages_asked_by_id_created_at", "trial_pages", ["asked_by_id", "created_at"]
    )
    op.create_index("ix_trial_pages_pager_remote_id", "trial_pages", ["pager", "remote_id"])
    op.create_index("ix_trial_pages_trial_id", "trial_pages", ["trial_id"])
    op.create_index(
        "uq_trial_pages_running",
        "trial_pages",
        ["person_id", "pager", "address"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "action_items",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("done_by_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["done_by_id"], ["people.id"], name=op.f("fk_action_items_done_by_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_action_items_incident_id_incidents")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["people.id"], name=op.f("fk_action_items_owner_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_action_items_workspace_id_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_action_items")),
        sa.UniqueConstraint(
            "incident_id", "number", name=op.f("uq_action_items_incident_id_number")
        ),
    )
    op.create_index(op.f("ix_action_items_owner_id"), "action_items", ["owner_id"])
    op.create_table(
        "captured_messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.String(), nullable=False),
        sa.Column("message_ts", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
        sa.Column("drop_reason", sa.String(), nullable=True),
        sa.Column("captured_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"],
            ["incidents.id"],
            name=op.f("fk_captured_messages_incident_id_incidents"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_captured_messages_workspace_id_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_captured_messages")),
        sa.UniqueConstraint(
            "workspace_id",
            "channel_id",
            "message_ts",
            name=op.f("uq_captured_messages_workspace_id_channel_id_message_ts"),
        ),
    )
    op.create_index(op.f("ix_captured_messages_entry_id"), "captured_messages", ["entry_id"])
    op.create_index(op.f("ix_captured_messages_incident_id"), "captured_messages", ["incident_id"])
    op.create_table(
        "drill_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("junior_id", sa.Uuid(), nullable=False),
        sa.Column("mentor_id", sa.Uuid(), nullable=True),
        sa.Column("scenario_key", sa.String(), nullable=False),
        sa.Column("scenario", sa.JSON(), nullable=False),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("how_ended", sa.String(), nullable=True),
        sa.Column("score", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_drill_runs_incident_id_incidents")
        ),
        sa.ForeignKeyConstraint(
            ["junior_id"], ["people.id"], name=op.f("fk_drill_runs_junior_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["mentor_id"], ["people.id"], name=op.f("fk_drill_runs_mentor_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_drill_runs_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drill_runs")),
        sa.UniqueConstraint("incident_id", name=op.f("uq_drill_runs_incident_id")),
    )
    op.create_index(op.f("ix_drill_runs_mentor_id"), "drill_runs", ["mentor_id"])
    op.create_index(
        "uq_drill_runs_running",
        "drill_runs",
        ["junior_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "effects",
        sa.Column(
            "position",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=True),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
        sa.Column("correlation_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("coalesce_key", sa.String(), nullable=True),
        sa.Column("after_effect_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claimed_at", UtcDateTime(), nullable=True),
        sa.Column("claimed_by", sa.String(), nullable=True),
        sa.Column("is_uncertain", sa.Boolean(), nullable=False),
        sa.Column("progress", sa.JSON(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_effects_incident_id_incidents")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_effects_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_effects")),
        sa.UniqueConstraint("id", name=op.f("uq_effects_id")),
    )
    op.create_index(op.f("ix_effects_after_effect_id"), "effects", ["after_effect_id"])
    op.create_index(
        "ix_effects_coalesce_key_waiting",
        "effects",
        ["coalesce_key"],
        unique=False,
        sqlite_where=sa.text("status IN ('pending', 'blocked')"),
        postgresql_where=sa.text("status IN ('pending', 'blocked')"),
    )
    op.create_index(op.f("ix_effects_incident_id"), "effects", ["incident_id"])
    op.create_index("ix_effects_lane_position", "effects", ["lane", "position"])
    op.create_index("ix_effects_workspace_id_settled_at", "effects", ["workspace_id", "settled_at"])
    op.create_index(
        "ix_effects_workspace_id_status_due_at", "effects", ["workspace_id", "status", "due_at"]
    )
    op.create_index(
        "uq_effects_coalesce_key",
        "effects",
        ["coalesce_key"],
        unique=True,
        sqlite_where=sa.text("status = 'pending' AND coalesce_key IS NOT NULL"),
        postgresql_where=sa.text("status = 'pending' AND coalesce_key IS NOT NULL"),
    )
    op.create_table(
        "guidance_records",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("checklist_key", sa.String(), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("quieted_at", UtcDateTime(), nullable=True),
        sa.Column("more_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"],
            ["incidents.id"],
            name=op.f("fk_guidance_records_incident_id_incidents"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_guidance_records_person_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_guidance_records_workspace_id_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guidance_records")),
        sa.UniqueConstraint(
            "incident_id", "person_id", name=op.f("uq_guidance_records_incident_id_person_id")
        ),
    )
    op.create_index(op.f("ix_guidance_records_person_id"), "guidance_records", ["person_id"])
    op.create_table(
        "handover_questions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("handover_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["handover_id"],
            ["handovers.id"],
            name=op.f("fk_handover_questions_handover_id_handovers"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover_questions")),
    )
    op.create_index("ix_handover_questions_handover_id", "handover_questions", ["handover_id"])
    op.create_table(
        "hidden_words",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("table_name", sa.String(), nullable=False),
        sa.Column("row_key", sa.JSON(), nullable=False),
        sa.Column("column_name", sa.String(), nullable=False),
        sa.Column("was", sa.JSON(), nullable=False),
        sa.Column("now_is", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("salt", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_hidden_words_incident_id_incidents")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_hidden_words_workspace_id_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hidden_words")),
    )
    op.create_index(op.f("ix_hidden_words_entry_id"), "hidden_words", ["entry_id"])
    op.create_table(
        "mentor_conversations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("junior_id", sa.Uuid(), nullable=False),
        sa.Column("mentor_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("channel_id", sa.String(), nullable=True),
        sa.Column("opened_at", UtcDateTime(), nullable=True),
        sa.Column("taken_over_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"],
            ["incidents.id"],
            name=op.f("fk_mentor_conversations_incident_id_incidents"),
        ),
        sa.ForeignKeyConstraint(
            ["junior_id"], ["people.id"], name=op.f("fk_mentor_conversations_junior_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["mentor_id"], ["people.id"], name=op.f("fk_mentor_conversations_mentor_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_mentor_conversations_workspace_id_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mentor_conversations")),
        sa.UniqueConstraint(
            "incident_id",
            "junior_id",
            "mentor_id",
            name=op.f("uq_mentor_conversations_incident_id_junior_id_mentor_id"),
        ),
    )
    op.create_index(
        op.f("ix_mentor_conversations_junior_id"), "mentor_conversations", ["junior_id"]
    )
    op.create_index(
        op.f("ix_mentor_conversations_mentor_id"), "mentor_conversations", ["mentor_id"]
    )
    op.create_table(
        "observations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("shadowing_id", sa.Uuid(), nullable=True),
        sa.Column("mentor_id", sa.Uuid(), nullable=True),
        sa.Column("role_key", sa.String(), nullable=True),
        sa.Column("service_key", sa.String(), nullable=True),
        sa.Column("began_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("last_asked_at", UtcDateTime(), nullable=True),
        sa.Column("invite_error", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_observations_incident_id_incidents")
        ),
        sa.ForeignKeyConstraint(
            ["mentor_id"], ["people.id"], name=op.f("fk_observations_mentor_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_observations_person_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["shadowing_id"],
            ["shadowings.id"],
            name=op.f("fk_observations_shadowing_id_shadowings"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_observations_workspace_id_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_observations")),
        sa.UniqueConstraint(
            "incident_id", "person_id", name=op.f("uq_observations_incident_id_person_id")
        ),
    )
    op.create_index(op.f("ix_observations_mentor_id"), "observations", ["mentor_id"])
    op.create_index(op.f("ix_observations_person_id"), "observations", ["person_id"])
    op.create_table(
        "participants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("invited_at", UtcDateTime(), nullable=True),
        sa.Column("let_in_by_id", sa.Uuid(), nullable=True),
        sa.Column("joined_at", UtcDateTime(), nullable=True),
        sa.Column("left_at", UtcDateTime(), nullable=True),
        sa.Column("is_in_channel", sa.Boolean(), nullable=False),
        sa.Column("gone_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_participants_incident_id_incidents")
        ),
        sa.ForeignKeyConstraint(
            ["let_in_by_id"], ["people.id"], name=op.f("fk_participants_let_in_by_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_participants_person_id_people")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_participants")),
        sa.UniqueConstraint(
            "incident_id", "person_id", name=op.f("uq_participants_incident_id_person_id")
        ),
    )
    op.create_index(
        "ix_participants_gone",
        "participants",
        ["person_id", "incident_id"],
        unique=False,
        postgresql_where=sa.text("gone_at IS NOT NULL"),
        sqlite_where=sa.text("gone_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_participants_person_id"), "participants", ["person_id"])
    op.create_table(
        "posted_messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=True),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.String(), nullable=False),
        sa.Column("message_ts", sa.String(), nullable=False),
        sa.Column("earlier", sa.JSON(), nullable=False),
        sa.Column("posted_at", UtcDateTime(), nullable=False),
        sa.Column("ending", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_posted_messages_incident_id_incidents")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posted_messages")),
        sa.UniqueConstraint(
            "purpose", "subject_id", name=op.f("uq_posted_messages_purpose_subject_id")
        ),
    )
    op.create_index(op.f("ix_posted_messages_incident_id"), "posted_messages", ["incident_id"])
    op.create_table(
        "postmortems",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("drafted_at", UtcDateTime(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=True),
        sa.Column("link", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_postmortems_incident_id_incidents")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["people.id"], name=op.f("fk_postmortems_owner_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_postmortems_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_postmortems")),
        sa.UniqueConstraint(
            "incident_id", "version", name=op.f("uq_postmortems_incident_id_version")
        ),
    )
    op.create_index(op.f("ix_postmortems_owner_id"), "postmortems", ["owner_id"])
    op.create_table(
        "prompts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("delivered_at", UtcDateTime(), nullable=True),
        sa.Column("delivery_error", sa.String(), nullable=True),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("text", sa.String(), nullable=True),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_prompts_incident_id_incidents")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_prompts_person_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_prompts_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prompts")),
        sa.UniqueConstraint(
            "incident_id",
            "person_id",
            "kind",
            "key",
            name=op.f("uq_prompts_incident_id_person_id_kind_key"),
        ),
    )
    op.create_index("ix_prompts_person_id_asked_at", "prompts", ["person_id", "asked_at"])
    op.create_table(
        "reminders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_type", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_reminders_incident_id_incidents")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_reminders_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminders")),
    )
    op.create_index(op.f("ix_reminders_incident_id"), "reminders", ["incident_id"])
    op.create_index("ix_reminders_status_due_at", "reminders", ["status", "due_at"])
    op.create_index(
        "ix_reminders_workspace_id_settled_at", "reminders", ["workspace_id", "settled_at"]
    )
    op.create_index(
        "uq_reminders_kind_subject",
        "reminders",
        ["kind", "subject_type", "subject_id"],
        unique=True,
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_table(
        "role_assignments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("role_key", sa.String(), nullable=False),
        sa.Column("role_name", sa.String(), nullable=False),
        sa.Column("is_exclusive", sa.Boolean(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"],
            ["incidents.id"],
            name=op.f("fk_role_assignments_incident_id_incidents"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_role_assignments_person_id_people")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_assignments")),
    )
    op.create_index("ix_role_assignments_incident_id", "role_assignments", ["incident_id"])
    op.create_index(op.f("ix_role_assignments_person_id"), "role_assignments", ["person_id"])
    op.create_index(
        "uq_role_assignments_exclusive",
        "role_assignments",
        ["incident_id", "role_key"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL AND is_exclusive"),
        postgresql_where=sa.text("ended_at IS NULL AND is_exclusive"),
    )
    op.create_index(
        "uq_role_assignments_person",
        "role_assignments",
        ["incident_id", "role_key", "person_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "timeline_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("occurred_at", UtcDateTime(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("actor_kind", sa.String(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_name", sa.String(), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=True),
        sa.Column("content", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("salt", sa.String(), nullable=True),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("previous_hash", sa.String(), nullable=False),
        sa.Column("entry_hash", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"],
            ["incidents.id"],
            name=op.f("fk_timeline_entries_incident_id_incidents"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_timeline_entries_workspace_id_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timeline_entries")),
        sa.UniqueConstraint(
            "incident_id", "sequence", name=op.f("uq_timeline_entries_incident_id_sequence")
        ),
    )
    op.create_index(
        "ix_timeline_entries_target_id",
        "timeline_entries",
        ["target_id"],
        unique=False,
        sqlite_where=sa.text("target_id IS NOT NULL"),
        postgresql_where=sa.text("target_id IS NOT NULL"),
    )
    op.create_table(
        "checkins",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("asked_by_id", sa.Uuid(), nullable=True),
        sa.Column("asked_entry_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("box_seconds", sa.Integer(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("understood_at", UtcDateTime(), nullable=True),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("answered_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["asked_by_id"], ["people.id"], name=op.f("fk_checkins_asked_by_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["asked_entry_id"],
            ["timeline_entries.id"],
            name=op.f("fk_checkins_asked_entry_id_timeline_entries"),
        ),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_checkins_incident_id_incidents")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_checkins_person_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_checkins_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkins")),
    )
    op.create_index("ix_checkins_incident_id_status", "checkins", ["incident_id", "status"])
    op.create_table(
        "debriefs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("observation_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("shared_with", sa.JSON(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("reminded_at", UtcDateTime(), nullable=True),
        sa.Column("written_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_debriefs_incident_id_incidents")
        ),
        sa.ForeignKeyConstraint(
            ["observation_id"],
            ["observations.id"],
            name=op.f("fk_debriefs_observation_id_observations"),
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["people.id"], name=op.f("fk_debriefs_owner_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_debriefs_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_debriefs")),
        sa.UniqueConstraint("observation_id", name=op.f("uq_debriefs_observation_id")),
    )
    op.create_index("ix_debriefs_owner_id_asked_at", "debriefs", ["owner_id", "asked_at"])
    op.create_table(
        "deliveries",
        sa.Column("effect_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("is_settled", sa.Boolean(), nullable=False),
        sa.Column("channel_id", sa.String(), nullable=True),
        sa.Column("message_ts", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["effect_id"],
            ["effects.id"],
            name=op.f("fk_deliveries_effect_id_effects"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_deliveries_person_id_people")
        ),
        sa.PrimaryKeyConstraint("effect_id", "person_id", name=op.f("pk_deliveries")),
    )
    op.create_table(
        "escalations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("is_automatic", sa.Boolean(), nullable=False),
        sa.Column("is_urgent", sa.Boolean(), nullable=False),
        sa.Column("template_key", sa.String(), nullable=False),
        sa.Column("template_name", sa.String(), nullable=False),
        sa.Column("service_key", sa.String(), nullable=False),
        sa.Column("packet_entry_id", sa.Uuid(), nullable=True),
        sa.Column("packet_version", sa.Integer(), nullable=False),
        sa.Column("score_at_send", sa.Integer(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("asked_field", sa.String(), nullable=False),
        sa.Column("asked_by_id", sa.Uuid(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("redirects", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("first_called_at", UtcDateTime(), nullable=True),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("paging_failed_at", UtcDateTime(), nullable=True),
        sa.Column("opens_to", sa.JSON(), nullable=False),
        sa.Column("acknowledged_at", UtcDateTime(), nullable=True),
        sa.Column("taken_at", UtcDateTime(), nullable=True),
        sa.Column("taken_by_id", sa.Uuid(), nullable=True),
        sa.Column("exhausted_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["asked_by_id"], ["people.id"], name=op.f("fk_escalations_asked_by_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["author_id"], ["people.id"], name=op.f("fk_escalations_author_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_escalations_incident_id_incidents")
        ),
        sa.ForeignKeyConstraint(
            ["packet_entry_id"],
            ["timeline_entries.id"],
            name=op.f("fk_escalations_packet_entry_id_timeline_entries"),
        ),
        sa.ForeignKeyConstraint(
            ["taken_by_id"], ["people.id"], name=op.f("fk_escalations_taken_by_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_escalations_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_escalations")),
        sa.UniqueConstraint(
            "incident_id", "number", name=op.f("uq_escalations_incident_id_number")
        ),
    )
    op.create_index("ix_escalations_author_id", "escalations", ["author_id"])
    op.create_table(
        "handoffs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("from_person_id", sa.Uuid(), nullable=True),
        sa.Column("to_person_id", sa.Uuid(), nullable=False),
        sa.Column("proposed_by_id", sa.Uuid(), nullable=True),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
        sa.Column("brief", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.Column("settled_by_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["timeline_entries.id"],
            name=op.f("fk_handoffs_entry_id_timeline_entries"),
        ),
        sa.ForeignKeyConstraint(
            ["from_person_id"], ["people.id"], name=op.f("fk_handoffs_from_person_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_handoffs_incident_id_incidents")
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by_id"], ["people.id"], name=op.f("fk_handoffs_proposed_by_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["settled_by_id"], ["people.id"], name=op.f("fk_handoffs_settled_by_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["to_person_id"], ["people.id"], name=op.f("fk_handoffs_to_person_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_handoffs_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handoffs")),
    )
    op.create_index("ix_handoffs_incident_id", "handoffs", ["incident_id"])
    op.create_index(
        "uq_handoffs_pending",
        "handoffs",
        ["incident_id"],
        unique=True,
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_table(
        "marks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("captured_message_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("marked_at", UtcDateTime(), nullable=False),
        sa.Column("removed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["captured_message_id"],
            ["captured_messages.id"],
            name=op.f("fk_marks_captured_message_id_captured_messages"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_marks_person_id_people")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_marks")),
        sa.UniqueConstraint(
            "captured_message_id",
            "person_id",
            "source",
            name=op.f("uq_marks_captured_message_id_person_id_source"),
        ),
    )
    op.create_index(op.f("ix_marks_person_id"), "marks", ["person_id"])
    op.create_table(
        "postmortem_sections",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("postmortem_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("written_by_id", sa.Uuid(), nullable=True),
        sa.Column("written_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["postmortem_id"],
            ["postmortems.id"],
            name=op.f("fk_postmortem_sections_postmortem_id_postmortems"),
        ),
        sa.ForeignKeyConstraint(
            ["written_by_id"],
            ["people.id"],
            name=op.f("fk_postmortem_sections_written_by_id_people"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_postmortem_sections")),
        sa.UniqueConstraint(
            "postmortem_id", "key", name=op.f("uq_postmortem_sections_postmortem_id_key")
        ),
    )
    op.create_table(
        "stakeholder_updates",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("posted_at", UtcDateTime(), nullable=False),
        sa.Column("was_due_at", UtcDateTime(), nullable=True),
        sa.Column("next_due_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["author_id"], ["people.id"], name=op.f("fk_stakeholder_updates_author_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["timeline_entries.id"],
            name=op.f("fk_stakeholder_updates_entry_id_timeline_entries"),
        ),
        sa.ForeignKeyConstraint(
            ["incident_id"],
            ["incidents.id"],
            name=op.f("fk_stakeholder_updates_incident_id_incidents"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_stakeholder_updates_workspace_id_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stakeholder_updates")),
        sa.UniqueConstraint(
            "incident_id", "number", name=op.f("uq_stakeholder_updates_incident_id_number")
        ),
    )
    op.create_table(
        "escalation_ratings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("escalation_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("rating", sa.String(), nullable=False),
        sa.Column("rated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["escalation_id"],
            ["escalations.id"],
            name=op.f("fk_escalation_ratings_escalation_id_escalations"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_escalation_ratings_person_id_people")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_escalation_ratings")),
        sa.UniqueConstraint(
            "escalation_id", "person_id", name=op.f("uq_escalation_ratings_escalation_id_person_id")
        ),
    )
    op.create_table(
        "escalation_steps",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("escalation_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("wanted", sa.JSON(), nullable=False),
        sa.Column("wait_seconds", sa.Integer(), nullable=True),
        sa.Column("is_redirect", sa.Boolean(), nullable=False),
        sa.Column("acknowledgements", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("not_found", sa.JSON(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("skipped", sa.JSON(), nullable=False),
        sa.Column("called_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["escalation_id"],
            ["escalations.id"],
            name=op.f("fk_escalation_steps_escalation_id_escalations"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_escalation_steps")),
    )
    op.create_index(
        "ix_escalation_steps_escalation_id", "escalation_steps", ["escalation_id", "position"]
    )
    op.create_table(
        "proposals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("requested_by_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("class_key", sa.String(), nullable=False),
        sa.Column("class_name", sa.String(), nullable=False),
        sa.Column("needs", sa.String(), nullable=False),
        sa.Column("command", sa.String(), nullable=True),
        sa.Column("draft", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
        sa.Column("answer_entry_id", sa.Uuid(), nullable=True),
        sa.Column("end_entry_id", sa.Uuid(), nullable=True),
        sa.Column("escalation_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("answered_by_id", sa.Uuid(), nullable=True),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.Column("settled_by_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["answer_entry_id"],
            ["timeline_entries.id"],
            name=op.f("fk_proposals_answer_entry_id_timeline_entries"),
        ),
        sa.ForeignKeyConstraint(
            ["answered_by_id"], ["people.id"], name=op.f("fk_proposals_answered_by_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["end_entry_id"],
            ["timeline_entries.id"],
            name=op.f("fk_proposals_end_entry_id_timeline_entries"),
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["timeline_entries.id"],
            name=op.f("fk_proposals_entry_id_timeline_entries"),
        ),
        sa.ForeignKeyConstraint(
            ["escalation_id"],
            ["escalations.id"],
            name=op.f("fk_proposals_escalation_id_escalations"),
        ),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_proposals_incident_id_incidents")
        ),
        sa.ForeignKeyConstraint(
            ["requested_by_id"], ["people.id"], name=op.f("fk_proposals_requested_by_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["settled_by_id"], ["people.id"], name=op.f("fk_proposals_settled_by_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_proposals_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposals")),
        sa.UniqueConstraint("incident_id", "number", name=op.f("uq_proposals_incident_id_number")),
    )
    op.create_index("ix_proposals_incident_id_status", "proposals", ["incident_id", "status"])
    op.create_table(
        "on_call_overrides",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("made_by_id", sa.Uuid(), nullable=True),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("since_at", UtcDateTime(), nullable=False),
        sa.Column("until_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["made_by_id"], ["people.id"], name=op.f("fk_on_call_overrides_made_by_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_on_call_overrides_person_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_on_call_overrides_workspace_id_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_on_call_overrides")),
    )
    op.create_index(
        "ix_on_call_overrides_workspace_id_until_at",
        "on_call_overrides",
        ["workspace_id", "until_at"],
    )
    op.create_table(
        "escalation_calls",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("escalation_id", sa.Uuid(), nullable=False),
        sa.Column("step_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("medium", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("away", sa.String(), nullable=True),
        sa.Column("through", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("called_at", UtcDateTime(), nullable=False),
        sa.Column("acknowledged_at", UtcDateTime(), nullable=True),
        sa.Column("arrived_at", UtcDateTime(), nullable=True),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("answer_entry_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["answer_entry_id"],
            ["timeline_entries.id"],
            name=op.f("fk_escalation_calls_answer_entry_id_timeline_entries"),
        ),
        sa.ForeignKeyConstraint(
            ["escalation_id"],
            ["escalations.id"],
            name=op.f("fk_escalation_calls_escalation_id_escalations"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_escalation_calls_person_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["step_id"],
            ["escalation_steps.id"],
            name=op.f("fk_escalation_calls_step_id_escalation_steps"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_escalation_calls")),
        sa.UniqueConstraint(
            "step_id", "person_id", name=op.f("uq_escalation_calls_step_id_person_id")
        ),
    )
    op.create_index("ix_escalation_calls_escalation_id", "escalation_calls", ["escalation_id"])
    op.create_index(op.f("ix_escalation_calls_person_id"), "escalation_calls", ["person_id"])
    op.create_table(
        "pages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("escalation_id", sa.Uuid(), nullable=False),
        sa.Column("step_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("pager", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("remote_id", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("is_adopted", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("accepted_at", UtcDateTime(), nullable=True),
        sa.Column("acknowledged_at", UtcDateTime(), nullable=True),
        sa.Column("acknowledged_by_id", sa.Uuid(), nullable=True),
        sa.Column("failed_at", UtcDateTime(), nullable=True),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["acknowledged_by_id"], ["people.id"], name=op.f("fk_pages_acknowledged_by_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["call_id"], ["escalation_calls.id"], name=op.f("fk_pages_call_id_escalation_calls")
        ),
        sa.ForeignKeyConstraint(
            ["escalation_id"], ["escalations.id"], name=op.f("fk_pages_escalation_id_escalations")
        ),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_pages_incident_id_incidents")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_pages_person_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["step_id"], ["escalation_steps.id"], name=op.f("fk_pages_step_id_escalation_steps")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_pages_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pages")),
    )
    op.create_index("ix_pages_escalation_id", "pages", ["escalation_id"])
    op.create_index("ix_pages_incident_id", "pages", ["incident_id"])
    op.create_index("ix_pages_pager_remote_id", "pages", ["pager", "remote_id"])
    op.create_index("ix_pages_workspace_id_status", "pages", ["workspace_id", "status"])
    op.create_table(
        "objection_polls",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("opened_by_id", sa.Uuid(), nullable=True),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["opened_by_id"], ["people.id"], name=op.f("fk_objection_polls_opened_by_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["proposals.id"], name=op.f("fk_objection_polls_proposal_id_proposals")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_objection_polls")),
    )
    op.create_index("ix_objection_polls_proposal_id", "objection_polls", ["proposal_id"])
    op.create_index(
        "uq_objection_polls_open",
        "objection_polls",
        ["proposal_id"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "proposal_notices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("told_at", UtcDateTime(), nullable=False),
        sa.Column("reminded_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_proposal_notices_person_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["proposal_id"],
            ["proposals.id"],
            name=op.f("fk_proposal_notices_proposal_id_proposals"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal_notices")),
        sa.UniqueConstraint(
            "proposal_id", "person_id", name=op.f("uq_proposal_notices_proposal_id_person_id")
        ),
    )
    op.create_table(
        "objections",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("poll_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("raised_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["timeline_entries.id"],
            name=op.f("fk_objections_entry_id_timeline_entries"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_objections_person_id_people")
        ),
        sa.ForeignKeyConstraint(
            ["poll_id"], ["objection_polls.id"], name=op.f("fk_objections_poll_id_objection_polls")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_objections")),
        sa.UniqueConstraint("poll_id", "person_id", name=op.f("uq_objections_poll_id_person_id")),
    )
    for statement in create_statements(op.get_bind().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    """Take back."""
    for statement in drop_statements(op.get_bind().dialect.name):
        op.execute(statement)
    op.drop_table("objections")
    op.drop_table("proposal_notices")
    op.drop_table("objection_polls")
    op.drop_table("pages")
    op.drop_table("on_call_overrides")
    op.drop_table("escalation_calls")
    op.drop_table("proposals")
    op.drop_table("escalation_steps")
    op.drop_table("escalation_ratings")
    op.drop_table("stakeholder_updates")
    op.drop_table("postmortem_sections")
    op.drop_table("marks")
    op.drop_table("handoffs")
    op.drop_table("escalations")
    op.drop_table("deliveries")
    op.drop_table("debriefs")
    op.drop_table("checkins")
    op.drop_table("timeline_entries")
    op.drop_table("role_assignments")
    op.drop_table("reminders")
    op.drop_table("prompts")
    op.drop_table("postmortems")
    op.drop_table("posted_messages")
    op.drop_table("participants")
    op.drop_table("observations")
    op.drop_table("mentor_conversations")
    op.drop_table("hidden_words")
    op.drop_table("handover_questions")
    op.drop_table("guidance_records")
    op.drop_table("effects")
    op.drop_table("drill_runs")
    op.drop_table("captured_messages")
    op.drop_table("action_items")
    op.drop_table("trial_pages")
    op.drop_table("subscriptions")
    op.drop_table("stage_records")
    op.drop_table("shadowings")
    op.drop_table("mentorships")
    op.drop_table("maintenances")
    op.drop_table("incidents")
    op.drop_table("home_tabs")
    op.drop_table("handovers")
    op.drop_table("processed_requests")
    op.drop_table("people_groups")
    op.drop_table("people")
    op.drop_table("leases")
    op.drop_table("heartbeats")
    op.drop_table("counters")
    op.drop_table("audit_heads")
    op.drop_table("audit_entries")
    op.drop_table("absences")
    op.drop_table("workspaces")
