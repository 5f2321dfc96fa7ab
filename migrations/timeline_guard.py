"""Triggers that make the timeline and the audit log append-only.

The only update they allow is a redaction, which nulls content and salt. On the timeline, an entry
that says so must be there before.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Guarded:
    """A guarded table, its name in error messages, and the columns that never change."""

    table: str
    name: str
    kept: tuple[str, ...]
    # The condition under which content may be erased.
    is_redacted: str = "1 = 1"


TIMELINE = Guarded(
    table="timeline_entries",
    name="the timeline",
    kept=(
        *("id", "workspace_id", "incident_id", "sequence", "occurred_at", "recorded_at", "kind"),
        *("actor_kind", "actor_id", "actor_name", "target_id"),
        *("content_hash", "previous_hash", "entry_hash"),
    ),
    is_redacted=(
        "EXISTS (SELECT 1 FROM timeline_entries AS later WHERE later.incident_id = OLD.incident_id"
        " AND later.target_id = OLD.id AND later.kind = 'redacted')"
    ),
)
AUDIT_LOG = Guarded(
    table="audit_entries",
    name="the audit log",
    kept=(
        *("id", "workspace_id", "sequence", "recorded_at", "kind"),
        *("actor_kind", "actor_id", "actor_name", "subject_id"),
        *("content_hash", "previous_hash", "entry_hash"),
    ),
)
GUARDED = (TIMELINE, AUDIT_LOG)


def create_statements(dialect: str) -> tuple[str, ...]:
    """Return the statements that create the triggers on this dialect."""
    make = _sqlite if dialect == "sqlite" else _postgresql
    return tuple(statement for guarded in GUARDED for statement in make(guarded))


def drop_statements(dialect: str) -> tuple[str, ...]:
    """Return the statements that drop the triggers on this dialect."""
    return tuple(statement for guarded in GUARDED for statement in _drop(guarded.table, dialect))


def _drop(table: str, dialect: str) -> tuple[str, ...]:
    if dialect == "sqlite":
        return (
            f"DROP TRIGGER IF EXISTS {table}_no_delete",
            f"DROP TRIGGER IF EXISTS {table}_only_redact",
        )
    return (
        f"DROP TRIGGER IF EXISTS {table}_guard ON {table}",
        f"DROP TRIGGER IF EXISTS {table}_no_truncate ON {table}",
        f"DROP FUNCTION IF EXISTS {table}_guard()",
    )


def _changed(guarded: Guarded, operator: str) -> str:
    kept = " OR ".join(f"NEW.{name} {operator} OLD.{name}" for name in guarded.kept)
    is_more = f"{kept} OR NEW.content IS NOT NULL OR NEW.salt IS NOT NULL"
    return f"({is_more} OR NOT {guarded.is_redacted})"


def _sqlite(guarded: Guarded) -> tuple[str, ...]:
    table = guarded.table
    refuse = f"BEGIN SELECT RAISE(ABORT, '{guarded.name} is append-only'); END"
    return (
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refuse}",
        (
            f"CREATE TRIGGER {table}_only_redact BEFORE UPDATE ON {table} "
            f"WHEN {_changed(guarded, 'IS NOT')} {refuse}"
        ),
    )


def _postgresql(guarded: Guarded) -> tuple[str, ...]:
    table = guarded.table
    refuse = f"RAISE EXCEPTION '{guarded.name} is append-only'"
    return (
        f"""CREATE FUNCTION {table}_guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF TG_OP <> 'UPDATE' THEN {refuse}; END IF;
            IF {_changed(guarded, "IS DISTINCT FROM")} THEN {refuse}; END IF;
            RETURN NEW;
        END $$""",
        (
            f"CREATE TRIGGER {table}_guard BEFORE UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {table}_guard()"
        ),
        (
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_guard()"
        ),
    )
