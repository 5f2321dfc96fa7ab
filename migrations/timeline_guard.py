"""Triggers that make the timeline and the audit log append-only.

The only updates they allow are a redaction, which nulls content and salt, and on the timeline its
reversal: hidden content is put back, which the hash checks. An entry that says so must be there
before.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Guarded:
    """A guarded table, its name in error messages, and the columns that never change."""

    table: str
    name: str
    kept: tuple[str, ...]
    # The conditions under which content may be erased, and put back.
    is_redacted: str = "1 = 1"
    is_revealed: str = "1 = 0"


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
    is_revealed=(
        "EXISTS (SELECT 1 FROM timeline_entries AS later WHERE later.incident_id = OLD.incident_id"
        " AND later.target_id = OLD.id AND later.kind = 'revealed')"
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
    is_erased = f"NEW.content IS NULL AND NEW.salt IS NULL AND {guarded.is_redacted}"
    is_back = f"OLD.content IS NULL AND OLD.salt IS NULL AND {guarded.is_revealed}"
    return f"({kept} OR NOT (({is_erased}) OR ({is_back})))"


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
