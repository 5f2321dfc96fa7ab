"""On call: who the policy names for each service and severity, and who can be reached."""

from dataclasses import replace
from datetime import date, timedelta

from bot.features.browse.people import refresh_directory
from incidents.policy.escalation import AbsentPerson, Service
from incidents.policy.references import GroupRef, PersonRef
from incidents.policy.waking.call import CallRule
from tests.scenario.conftest import Bot


async def test_oncall_says_who_is_called_and_why_somebody_is_not_there(bot: Bot) -> None:
    alice, ben, carla, dora = bot.slack.add_people("alice", "ben", "carla", "dora")
    policy = bot.loaded.policy
    ref = {one.name: PersonRef(user_id=one.id) for one in (ben, carla, dora)}
    group = bot.slack.add_group("dba", [ben])
    today = bot.clock.now().date()
    away = AbsentPerson(who=ref["carla"], since=today, until=date(2026, 3, 9))
    bot.change_policy(
        services=(
            Service(key="checkout", name="Checkout <API>", tier=1, on_call=ref["ben"]),
            Service(key="search", name="Search", tier=2, owner=ref["carla"]),
            Service(key="mail", name="Mail", tier=3, on_call=PersonRef(email="gone@example.com")),
            Service(key="wiki", name="Wiki", tier=3),
        ),
        call=(
            CallRule(severity="sev1", backup=ref["dora"]),
            CallRule(severity="sev2", invite=(GroupRef(group_id=group.id),)),
        ),
        escalation=replace(policy.escalation, absent=(away,)),
    )
    now = int(bot.clock.now().timestamp())
    until = now + int(timedelta(hours=2).total_seconds())
    dora.user.quiet = (now - 60, until)
    await bot.restart()
    await refresh_directory(bot.app.services)
    answer = (await alice.command("/incident oncall")).rendered
    for line in (
        "Checkout <API>: @ben",
        "Search: @carla (absent until 9 March) (its owner)",
        "Mail: gone@example.com (not known to me)",
        "Wiki: nobody",
        "SEV2: @ben (@\u2060dba)",
        "SEV1: @ben (@\u2060dba), @dora (do not disturb until",
    ):
        assert line in answer, answer
    assert "SEV5" not in answer

    one = (await alice.command("/incident oncall Checkout")).rendered
    assert "@ben" in one
    assert "Search" not in one
    refused = (await alice.command("/incident oncall chekout")).rendered
    assert "`chekout` isn't in the policy" in refused
    assert "/incident oncall checkout" in refused


async def test_without_anybody_on_call_it_says_what_to_do(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    answer = (await alice.command("/incident oncall")).rendered
    assert "names nobody on call" in answer
    assert "/incident escalate @someone" in answer
