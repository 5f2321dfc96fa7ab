"""Merging a workspace's policy into the built-in one, and writing the result back."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from config.policy_loader import dump_policy, load_policy
from incidents.policy.escalation import Service
from incidents.policy.policy import Action, Policy, Severity, UnknownPolicyKeyError
from incidents.policy.postmortem import AUTO_SECTIONS, SectionKind
from incidents.policy.references import GroupRef, PersonRef, RoleRef, Standing

Load = Callable[[str], Policy]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def _load(text: str) -> Policy:
        path = tmp_path / "policy.yaml"
        path.write_text(text, encoding="utf-8")
        return load_policy(path).policy

    return _load


def test_the_built_in_policy_orders_severities_worst_first_with_their_cadences() -> None:
    policy = load_policy().policy

    minutes = [(s.key, s.cadence and s.cadence // timedelta(minutes=1)) for s in policy.severities]
    assert minutes == [("sev1", 15), ("sev2", 30), ("sev3", 60), ("sev4", None), ("sev5", None)]


def test_the_built_in_policy_gives_every_role_duties_and_a_checklist() -> None:
    roles = load_policy().policy.roles

    assert [role.key for role in roles] == [
        "commander",
        "deputy",
        "scribe",
        "communications_lead",
        "subject_matter_expert",
    ]
    assert all(role.duties and len(role.checklist) >= 5 for role in roles)


def test_by_default_only_responders_resolve_cancel_and_lower_the_severity() -> None:
    rights = load_policy().policy.rights

    closed = {action for action in Action if rights.who_may(action) == (Standing.RESPONDER,)}
    open_to_all = {action for action in Action if rights.who_may(action) == (Standing.ANYONE,)}
    assert closed >= {
        Action.RESOLVE,
        Action.CANCEL,
        Action.MARK_DUPLICATE,
        Action.LOWER_SEVERITY,
    }
    assert set(Action) - closed - open_to_all == {
        Action.EDIT_MAINTENANCE,
        Action.HIDE_ENTRY,
        Action.REDACT_ENTRY,
        Action.SET_STAGE,
        Action.SIGN_OFF,
        Action.TEST_PAGER,
        Action.APPROVE_STANDARD,
        Action.APPROVE_MAJOR,
        Action.ASK_OBJECTIONS,
        Action.TAKE_OVER,
        Action.UNINVITE,
        Action.WITHDRAW_ENTRY,
    }
    assert rights.guests_may == (Action.VIEW,)


def test_the_built_in_postmortem_fills_each_automatic_section_and_asks_for_the_others() -> None:
    sections = load_policy().policy.postmortem.sections

    assert {s.key for s in sections if s.kind is SectionKind.AUTO} == set(AUTO_SECTIONS)
    assert all(s.prompt for s in sections if s.kind is SectionKind.PROMPT)


def severity_of(policy: Policy, key: str) -> Severity:
    found = policy.find_severity(key)
    assert found is not None
    return found


def test_a_map_merges_and_leaves_the_rest_as_it_was(load: Load) -> None:
    policy = load("severities: {sev2: {cadence: 20m}}")

    assert severity_of(policy, "sev2").cadence == timedelta(minutes=20)
    assert replace(severity_of(policy, "sev2"), cadence=timedelta(minutes=30)) == (
        severity_of(load_policy().policy, "sev2")
    )
    assert len(policy.severities) == 5


def test_a_list_replaces_the_whole_list(load: Load) -> None:
    policy = load("roles: {scribe: {duties: [Write it down.]}}")

    assert policy.get_role("scribe").duties == ("Write it down.",)


def test_null_removes_an_entry_and_a_value(load: Load) -> None:
    policy = load("severities: {sev5: null, sev1: {cadence: null}}\nbookmarks: null\n")

    assert policy.find_severity("sev5") is None
    assert severity_of(policy, "sev1").cadence is None
    assert policy.bookmarks == ()


def test_new_entries_are_added_and_severities_are_ordered_by_rank(load: Load) -> None:
    policy = load(
        "severities:\n  sev0: {name: SEV0, rank: 1, meaning: All is down.}\n"
        "  sev1: {rank: 6}\n"
        "services: {checkout: {name: Checkout, tier: 1, owner: '@checkout-oncall'}}\n"
    )

    assert [s.key for s in policy.severities] == ["sev0", "sev2", "sev3", "sev4", "sev5", "sev1"]
    assert policy.find_service("Checkout") == Service(
        key="checkout", name="Checkout", tier=1, owner=GroupRef(handle="checkout-oncall")
    )


def test_people_and_groups_are_named_by_id_email_or_handle(load: Load) -> None:
    policy = load("call: [{invite: [U0123ABC, jo@example.com, S0123ABC, '@db'], backup: W012}]")

    (rule,) = policy.call
    assert rule.invite == (
        PersonRef(user_id="U0123ABC"),
        PersonRef(email="jo@example.com"),
        GroupRef(group_id="S0123ABC"),
        GroupRef(handle="db"),
    )
    assert rule.backup == PersonRef(user_id="W012")


def test_a_right_names_standings_roles_people_and_groups_even_without_a_list(load: Load) -> None:
    policy = load("rights: {actions: {close: commander, export: [responder, '@audit', U0A1]}}")

    assert policy.rights.who_may(Action.CLOSE) == (RoleRef("commander"),)
    assert policy.rights.who_may(Action.EXPORT) == (
        Standing.RESPONDER,
        GroupRef(handle="audit"),
        PersonRef(user_id="U0A1"),
    )


def test_durations_are_written_with_their_units(load: Load) -> None:
    policy = load("reminders: {snooze: 1h30m, handoff_timeout: 90s, stale_after: 2d}")

    assert policy.reminders.snooze == timedelta(minutes=90)
    assert policy.reminders.handoff_timeout == timedelta(seconds=90)
    assert policy.reminders.stale_after == timedelta(days=2)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "\ufeff---\n", "~"])
def test_a_file_without_content_changes_nothing(load: Load, text: str) -> None:
    assert load(text).digest == load_policy().digest


def test_the_digest_depends_on_values_not_on_their_spelling(load: Load) -> None:
    built_in = load_policy()

    assert len(built_in.digest) == 64
    assert load_policy().digest == built_in.digest
    assert load("reminders: {snooze: 900s}\ncommand: '/incident'").digest == built_in.digest
    assert load("reminders: {snooze: 16m}").digest != built_in.digest


def test_the_source_names_the_workspaces_file(tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text("command: /outage", encoding="utf-8")

    assert load_policy(path).source == f"built-in policy with {path}"
    assert load_policy().source == "built-in policy"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "severities: {sev4: null, sev5: null, sev1: {cadence: null}}",
        "services: {'404': {name: 'no', tier: 2, owner: U0123}}\nreminders: {snooze: 1h1m1s}",
        "announcement: {enabled: false, channel: '#störung'}\nbookmarks: null",
        "rights: {actions: {close: [], edit: [commander, '@db']}, guests_may: []}",
        (
            "reminders: {holidays_country: 'NO'}\npostmortem: {sections: "
            "[{key: ours, title: 'Yes: ours', kind: prompt, prompt: '{really?} # yes'}]}"
        ),
        "channels: {archive_after: null}\ntimeline: {marker_emoji: '+1'}\nprivate: {invite: [U01]}",
    ],
)
def test_a_dumped_policy_used_as_an_overlay_gives_the_same_policy(load: Load, text: str) -> None:
    policy = load(text)

    again = load(dump_policy(policy))

    assert again == policy
    assert again.digest == policy.digest


def test_a_role_is_found_by_key_name_or_alias_in_any_case() -> None:
    policy = load_policy().policy

    for word in ("commander", "IC", "incident commander", "Incident-Commander"):
        assert policy.get_role(word).key == "commander"
    assert policy.find_role("janitor") is None


def test_an_unknown_role_is_refused_with_those_that_exist() -> None:
    policy = load_policy().policy

    with pytest.raises(UnknownPolicyKeyError) as caught:
        policy.get_role("janitor")

    assert caught.value.key == "janitor"
    assert caught.value.known[0] == "commander"
