"""The triggers that make the timeline append-only: the one update allowed nulls content and salt."""

TABLE = "timeline_entries"

_KEPT = (
    "id",
    "workspace_id",
    "incident_id",
    "sequence",
    "occurred_at",
    "recorded_at",
    "kind",
    "actor_kind",
    "actor_id",
    "actor_name",
    "target_id",
    "content_hash",
    "previous_hash",
    "entry_hash",
)


def create_statements(dialect: str) -> tuple[str, ...]:
    """Return the statements that set the guard up on this dialect."""
    return _sqlite() if dialect == "sqlite" else _postgresql()


def drop_statements(dialect: str) -> tuple[str, ...]:
    """Return the statements that take the guard down."""
    if dialect == "sqlite":
        return (
            f"DROP TRIGGER IF EXISTS {TABLE}_no_delete",
            f"DROP TRIGGER IF EXISTS {TABLE}_only_redact",
        )
    return (
        f"DROP TRIGGER IF EXISTS {TABLE}_guard ON {TABLE}",
        f"DROP TRIGGER IF EXISTS {TABLE}_no_truncate ON {TABLE}",
        f"DROP FUNCTION IF EXISTS {TABLE}_guard()",
    )


def _changed(operator: str) -> str:
    kept = " OR ".join(f"NEW.{name} {operator} OLD.{name}" for name in _KEPT)
    return f"({kept} OR NEW.content IS NOT NULL OR NEW.salt IS NOT NULL)"


def _sqlite() -> tuple[str, ...]:
    refuse = "BEGIN SELECT RAISE(ABORT, 'the timeline is append-only'); END"
    return (
        f"CREATE TRIGGER {TABLE}_no_delete BEFORE DELETE ON {TABLE} {refuse}",
        (
            f"CREATE TRIGGER {TABLE}_only_redact BEFORE UPDATE ON {TABLE} "
            f"WHEN {_changed('IS NOT')} {refuse}"
        ),
    )


def _postgresql() -> tuple[str, ...]:
    refuse = "RAISE EXCEPTION 'the timeline is append-only'"
    return (
        f"""CREATE FUNCTION {TABLE}_guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF TG_OP <> 'UPDATE' THEN {refuse}; END IF;
            IF {_changed("IS DISTINCT FROM")} THEN {refuse}; END IF;
            RETURN NEW;
        END $$""",
        (
            f"CREATE TRIGGER {TABLE}_guard BEFORE UPDATE OR DELETE ON {TABLE} "
            f"FOR EACH ROW EXECUTE FUNCTION {TABLE}_guard()"
        ),
        (
            f"CREATE TRIGGER {TABLE}_no_truncate BEFORE TRUNCATE ON {TABLE} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {TABLE}_guard()"
        ),
    )
