"""Questions about a proposal say how it stands, and offer nothing, once they are settled."""

import pytest

from tests.scenario.conftest import ROOM, Bot, said
from tests.scenario.proposals.test_proposals import PROPOSAL, Cast, card


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("proposal 1 approve", "Approved* by @carol"),
        ("proposal 1 decline Carts are lost", "Declined by @carol."),
        ("proposal 1 abandon Not needed", "Abandoned by @carol"),
        ("cancel A false alarm", "the incident was over before this was carried out"),
    ],
)
async def test_who_was_asked_again_sees_what_came_of_it(bot: Bot, line: str, says: str) -> None:
    cast = Cast(bot)
    room = await cast.declare()
    await cast.jo.command(PROPOSAL, channel=ROOM)
    await bot.settle()
    await bot.advance(minutes=5)
    asked = said(room, "Who agrees?")[-1]
    assert asked.buttons == ["proposal_approve", "proposal_decline_open"]
    await cast.carol.command(f"/incident {line}", channel=ROOM)
    await bot.settle()
    for message in (asked, card(room)):
        assert "proposal_approve" not in message.buttons
        assert says in message.rendered
    assert asked.buttons == []
    assert (
        "Carts are lost" not in asked.rendered
    )  # people's words stay where a redaction reaches them


async def test_an_approval_says_that_it_was_carried_out(bot: Bot) -> None:
    cast = Cast(bot)
    room = await cast.declare()
    await cast.jo.leaves(room)  # who is there is mentioned instead
    await bot.settle()
    await cast.jo.command(PROPOSAL.replace("propose", "INC-1 propose"))
    await cast.carol.command("/incident proposal 1 approve", channel=ROOM)
    await bot.settle()
    approved = said(bot.slack.dm(cast.jo), "approved proposal 1")[-1]
    assert approved.buttons == ["proposal_carried_out_open"]
    await cast.jo.command("/incident INC-1 proposal 1 done It is up again", channel="general")
    await bot.settle()
    assert approved.buttons == []
    assert "Carried out, says @jo" in approved.rendered


@pytest.mark.parametrize(
    ("objects", "says"), [(True, "Strong objections by bob."), (False, "No strong objections.")]
)
async def test_a_poll_says_what_came_of_it(bot: Bot, *, objects: bool, says: str) -> None:
    cast = Cast(bot)
    room = await cast.declare()
    await cast.jo.command(PROPOSAL, channel=ROOM)
    await bot.settle()
    await cast.carol.click(card(room), "proposal_objections")
    await bot.settle()
    (asked,) = said(room, "asked for strong objections to proposal 1")
    if objects:
        form = (await cast.bob.click(asked, "proposal_object_open")).get_view()
        await cast.bob.submit(form, {"reason": "The replica is behind"})
    await bot.advance(minutes=2)
    assert asked.buttons == []
    assert says in asked.rendered


async def test_what_came_of_breaking_the_glass_is_asked_until_it_is_said(bot: Bot) -> None:
    cast = Cast(bot)
    await cast.declare()
    await cast.jo.command(PROPOSAL, channel=ROOM)
    await cast.jo.command("/incident proposal 1 break-glass Orders are lost", channel=ROOM)
    await bot.settle()
    await bot.advance(minutes=30)
    (asked,) = said(bot.slack.dm(cast.jo), "What was the result?")
    await cast.carol.command("/incident cancel A false alarm", channel=ROOM)
    await bot.settle()
    assert asked.buttons == ["proposal_carried_out_open", "proposal_abandon_open"]
    await cast.jo.command("/incident INC-1 proposal 1 done Orders are safe", channel=ROOM)
    await bot.settle()
    assert asked.buttons == []
    assert "Carried out, says @jo" in asked.rendered


async def test_of_two_questions_for_objections_each_ends_by_itself(bot: Bot) -> None:
    cast = Cast(bot)
    room = await cast.declare()
    await cast.jo.command(PROPOSAL, channel=ROOM)
    second = "/incident propose Drain node 7 risk: less room undo: uncordon --class change"
    await cast.jo.command(second, channel=ROOM)
    await bot.settle()
    for number in (1, 2):
        await cast.carol.command(f"/incident proposal {number} objections", channel=ROOM)
    await bot.settle()
    asked = [said(room, f"strong objections to proposal {number}")[0] for number in (1, 2)]
    await bot.advance(minutes=2)
    await bot.settle()
    for question in asked:
        assert question.buttons == []
        assert "No strong objections." in question.rendered


async def test_an_approval_that_lapsed_stays_so_when_somebody_else_approves(bot: Bot) -> None:
    cast = Cast(bot)
    room = await cast.declare()
    await cast.jo.leaves(room)  # who is there is mentioned instead
    await bot.settle()
    await cast.jo.command(PROPOSAL.replace("propose", "INC-1 propose"))
    await cast.bob.command("/incident proposal 1 approve", channel=ROOM)
    await bot.settle()
    told = bot.slack.dm(cast.jo)
    first = said(told, "approved proposal 1")[-1]
    assert first.buttons == ["proposal_carried_out_open"]
    bot.slack.deactivate(cast.bob)
    await bot.settle()
    await cast.jo.command("/incident INC-1 proposal 1 done It is up again", channel="general")
    await bot.settle()
    assert first.buttons == []
    assert "bob's approval no longer counts." in first.rendered
    await cast.carol.command("/incident proposal 1 approve", channel=ROOM)
    await bot.settle()
    assert first.buttons == []
    assert "bob's approval no longer counts." in first.rendered
    second = said(told, "approved proposal 1")[-1]
    assert "*carol*" in second.rendered
    assert second.buttons == ["proposal_carried_out_open"]
    await cast.jo.command("/incident proposal 1 done It is up again", channel=ROOM)
    await bot.settle()
    assert second.buttons == []
    assert "Carried out, says @jo" in second.rendered
