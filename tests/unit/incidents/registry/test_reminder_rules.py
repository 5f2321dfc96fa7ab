"""Every reminder does something when it is due."""

from incidents.engine.reminders import ReminderKind
from incidents.registry.reminder_rules import RULES, WORKSPACE_RULES


def test_every_kind_of_reminder_has_one_rule() -> None:
    assert {*RULES, *WORKSPACE_RULES} == set(ReminderKind)
    assert RULES.keys().isdisjoint(WORKSPACE_RULES)
