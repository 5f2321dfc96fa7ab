"""Stages and progress in Slack: set, shown, signed off, renewed, exported, hidden from others."""

import csv
import json
from dataclasses import replace
from datetime import timedelta

from incidents.policy.escalation import Service
from incidents.policy.references import GroupRef, PersonRef
from incidents.policy.supervision import Stage, StageRequirement, Supervision
from incidents.supervision.recertification import add_months
from tests.scenario.conftest import Bot
from tests.slack_server.interaction.people import Person
from tests.slack_server.render import render
from tests.slack_server.state import Message

NOTE = "Led three incidents, calm and complete."


async def people(bot: Bot) -> tuple[Person, Person, Person]:
    """A junior, a mentor, and the manager."""
    jo, max_, ana = bot.slack.add_people("jo", "max", "ana")
    manager = PersonRef(user_id=ana.id)
    bot.change_policy(escalation=replace(bot.loaded.policy.escalation, manager=manager))
    await bot.restart()
    return jo, max_, ana


async def with_policy(bot: Bot, **sections: object) -> None:
    """Restart with a policy of one service and this section on supervision."""
    bot.change_policy(
        supervision=Supervision(**sections),  # type: ignore[arg-type]
        services=(Service(key="checkout", name="Checkout", tier=1),),
    )
    await bot.restart()


def directly(bot: Bot, person: Person) -> list[str]:
    """The bot's direct messages to somebody."""
    return [message.rendered for message in bot.slack.dm(person).messages]


def everywhere_else(bot: Bot, *insiders: Person) -> str:
    """All text in Slack except in direct messages to these people."""
    own = {bot.slack.dm(person).id for person in insiders}
    others = [channel for channel in bot.slack.channels if channel.id not in own]
    return "\n".join(message.rendered for one in others for message in one.everything)


# -- setting ----------------------------------------------------------------------------------


async def test_a_stage_is_set_by_command_and_told_to_the_person_and_their_mentor(
    any_bot: Bot,
) -> None:
    bot = any_bot
    jo, max_, ana = await people(bot)
    await with_policy(bot)
    outcome = await ana.command("/incident stage @jo observe --mentor @max New on the team.")
    await bot.settle()
    await jo.command("/incident stage @jo --agree @max")
    assert "observe in everything" in outcome.rendered.replace("*", "")
    await bot.settle()
    heard = "\n".join(directly(bot, jo))
    assert "observe in everything" in heard.replace("*", "")
    assert "New on the team." in heard
    assert "be your mentor?" in heard
    assert "Everybody agreed." in heard
    assert any("You are now a mentor of" in said for said in directly(bot, max_))
    assert any("is now a mentor of" in said for said in directly(bot, ana))

    outcome = await ana.command("/incident stage @jo assist --role ic --service checkout")
    assert "assist as incident commander for Checkout" in outcome.rendered.replace("*", "")
    await bot.settle()
    assert any("I tell you this as their mentor" in said for said in directly(bot, max_))
    assert "observe" not in everywhere_else(bot, jo, max_)
    assert "assist" not in everywhere_else(bot, jo, max_)


async def test_a_stage_is_set_by_form_and_wrong_input_is_said_in_its_field(bot: Bot) -> None:
    jo, max_, ana = await people(bot)
    await with_policy(bot)
    await ana.command("/incident stage @jo observe --mentor @max")
    await jo.command("/incident stage @jo --agree @max")
    shown = await max_.command("/incident progress @jo")
    form = (await max_.click(_answer(max_), "stage_open")).get_view()
    outcome = await max_.submit(form, {"person": max_, "stage": "assist"})
    assert "person" in outcome.errors
    outcome = await max_.submit(form, {"person": jo, "stage": None})
    assert "stage" in outcome.errors
    values = {"person": jo, "stage": "assist", "role": "scribe", "service": "checkout"}
    values |= {"up_to": "sev3"}
    outcome = await max_.submit(form, {**values, "note": "Writes it all down."})
    assert outcome.errors == {}
    await bot.settle()
    assert any("Writes it all down." in said for said in directly(bot, jo))
    shown = await jo.command("/incident stage")
    assert "assist as scribe for Checkout, up to SEV3" in shown.rendered.replace("*", "")


async def test_what_cannot_be_read_is_refused_with_an_example(bot: Bot) -> None:
    _, _, ana = await people(bot)
    for words in ("jo observe", "@jo expert", "@jo observe --role captain", "@jo --role scribe"):
        outcome = await ana.command(f"/incident stage {words}")
        assert "For example" in outcome.text or "Use " in outcome.text, words
    await bot.settle()
    assert "observe" not in everywhere_else(bot)


async def test_the_person_and_a_mentor_answer_by_button_which_then_goes(any_bot: Bot) -> None:
    bot = any_bot
    jo, max_, ana = await people(bot)
    eve = bot.slack.add_person("eve")
    await ana.command("/incident stage @jo observe --mentor @max")
    await bot.settle()
    await jo.click(bot.slack.dm(jo).messages[-1], "mentor_agree")
    await bot.settle()
    await ana.command("/incident stage @jo --mentor @eve")
    await bot.settle()
    assert "together with you?" in directly(bot, max_)[-1]
    await jo.click(bot.slack.dm(jo).messages[-1], "mentor_agree")
    await bot.settle()
    assert "once one more person agrees" in _answer(jo).text
    hidden = await eve.command("/incident progress @jo")
    assert "observe" not in hidden.rendered
    await max_.click(bot.slack.dm(max_).messages[-1], "mentor_decline")
    await bot.settle()
    for person in (jo, max_):
        (asked,) = [said for said in directly(bot, person) if "May @eve" in said]
        assert "Declined." in asked
        assert "[Agree]" not in asked
    assert "somebody I asked declined" in directly(bot, ana)[-1]
    outcome = await eve.command("/incident stage @jo --agree @eve")
    assert "This question about a mentor isn't yours" in outcome.text


async def test_a_stage_is_set_up_to_a_severity(bot: Bot) -> None:
    jo, _, ana = await people(bot)
    outcome = await ana.command("/incident stage @jo lead --role ic --up-to 9")
    assert "sev1" in outcome.text
    await ana.command("/incident stage @jo lead --role ic --up-to sev3")
    shown = (await jo.command("/incident progress")).rendered.replace("*", "")
    assert "lead as incident commander, up to SEV3" in shown


async def test_a_mentor_who_comes_later_sees_no_earlier_notes(bot: Bot) -> None:
    jo, max_, ana = await people(bot)
    await ana.command("/incident stage @jo observe Nervous on the phone.")
    await bot.advance(minutes=1)
    await ana.command("/incident stage @jo --mentor @max")
    await jo.command("/incident stage @jo --agree @max")
    assert "Nervous" in (await jo.command("/incident progress")).rendered
    shown = (await max_.command("/incident progress @jo")).rendered
    assert "observe" in shown
    assert "Nervous" not in shown


async def test_only_a_mentor_signs_off_to_solo(bot: Bot) -> None:
    jo, max_, ana = await people(bot)
    await ana.command("/incident stage @jo lead --mentor @max")
    await jo.command("/incident stage @jo --agree @max")
    outcome = await ana.command(f"/incident stage @jo solo {NOTE}")
    assert "Only a mentor of the person can sign this person off" in outcome.text
    outcome = await max_.command("/incident stage @jo solo")
    assert "The note is missing" in outcome.text
    outcome = await max_.command(f"/incident stage @jo solo {NOTE}")
    assert "solo" in outcome.text
    await bot.settle()
    assert any("signed you off" in said and NOTE in said for said in directly(bot, jo))
    outcome = await jo.command("/incident stage @jo observe")
    assert "can't be you" in outcome.text


# -- what others can tell ---------------------------------------------------------------------


async def test_outsiders_get_the_same_answer_for_somebody_with_and_without_stages(
    any_bot: Bot,
) -> None:
    bot = any_bot
    jo, max_, ana = await people(bot)
    sam, eve = bot.slack.add_person("sam"), bot.slack.add_person("eve")
    guest = bot.slack.add_person("gus", guest=True)
    await ana.command(f"/incident stage @jo assist --mentor @max {NOTE}")
    await jo.command("/incident stage @jo --agree @max")
    await bot.settle()
    for outsider in (eve, ana, guest):
        for verb in ("progress", "stage"):
            of_jo = await outsider.command(f"/incident {verb} @jo")
            of_sam = await outsider.command(f"/incident {verb} @sam")
            assert (of_jo.text, of_jo.rendered) == (of_sam.text, of_sam.rendered)
            assert "assist" not in of_jo.rendered
    # People who may set stages learn nothing by setting them.
    answers = []
    for name in ("jo", "sam"):
        person = {"jo": jo, "sam": sam}[name]
        for words in ("assist", f"solo {NOTE}"):
            outcome = await ana.command(f"/incident stage @{name} {words}")
            answers.append(outcome.text.replace(person.id, "X").replace(name, "x"))
    assert answers[:2] == answers[2:]
    await bot.settle()
    assert NOTE not in everywhere_else(bot, jo, max_)


async def test_a_button_somebody_else_was_shown_tells_an_outsider_nothing(bot: Bot) -> None:
    jo, max_, ana = await people(bot)
    await ana.command("/incident stage @jo lead --mentor @max")
    await jo.command("/incident stage @jo --agree @max")
    shown = await max_.command("/incident progress @jo")
    assert "lead" in shown.rendered
    form = (await max_.click(_answer(max_), "sign_off_open")).get_view()
    # Once Max is no longer the mentor, his open form signs nobody off.
    await ana.command("/incident stage @jo --no-mentor @max")
    outcome = await max_.submit(form, {"note": NOTE})
    assert "Only a mentor" in render(outcome.get_view())
    await bot.settle()
    shown = await jo.command("/incident progress")
    assert "lead in everything" in shown.rendered.replace("*", "")
    gone = await max_.command("/incident progress @jo")
    assert "lead" not in gone.rendered


async def test_whom_the_policy_names_may_look_but_is_told_nothing_unasked(bot: Bot) -> None:
    jo, _, ana = await people(bot)
    boss = bot.slack.add_person("boss")
    bot.slack.add_group("managers", [boss])
    await with_policy(bot, visible_to=(GroupRef(handle="managers"),))
    await bot.app.scheduler.run_chore("directory")
    await bot.settle()
    await ana.command("/incident stage @jo assist --mentor @max")
    await jo.command("/incident stage @jo --agree @max")
    await bot.settle()
    shown = await boss.command("/incident progress @jo")
    assert "assist in everything" in shown.rendered.replace("*", "")
    assert directly(bot, boss) == []
    hidden = await ana.command("/incident progress @jo")
    assert "assist" not in hidden.rendered


# -- progress and sign-off --------------------------------------------------------------------


async def test_progress_counts_what_was_done_and_says_what_is_missing(any_bot: Bot) -> None:
    bot = any_bot
    jo, max_, ana = await people(bot)
    asked = StageRequirement(stage=Stage.LEAD, assisted=2, debriefs=1)
    await with_policy(bot, requirements=(asked,))
    await ana.command("/incident stage @jo assist --mentor @max")
    await jo.command("/incident stage @jo --agree @max")
    await ana.command("/incident declare sev2 Checkout errors")
    await bot.settle()
    await ana.command("/incident role scribe @jo", channel="inc-1-checkout-errors")
    await ana.command("/incident declare --drill sev3 Practice")
    await bot.settle()
    await bot.advance(minutes=1)
    shown = (await jo.command("/incident progress")).rendered
    assert "Your progress" in shown
    assert "1 assisted" in shown
    assert "By severity: SEV2 (1 assisted)" in shown
    assert "1 more to assist in; 1 more debrief" in shown
    assert "your mentors (max)" in shown
    theirs = (await max_.command("/incident progress @jo")).rendered
    assert "Progress of jo" in theirs
    assert "1 more to assist in; 1 more debrief" in theirs


async def test_a_mentor_signs_off_from_the_progress_and_the_person_hears_why(bot: Bot) -> None:
    jo, max_, ana = await people(bot)
    await ana.command("/incident stage @jo observe --mentor @max")
    await jo.command("/incident stage @jo --agree @max")
    await max_.command("/incident progress @jo")
    form = (await max_.click(_answer(max_), "sign_off_open")).get_view()
    outcome = await max_.submit(form, {"note": "   "})
    assert "note" in outcome.errors
    await max_.submit(form, {"note": NOTE})
    await bot.settle()
    await bot.restart()
    await bot.settle()
    (heard,) = [said for said in directly(bot, jo) if "signed you off" in said]
    assert "assist in everything" in heard.replace("*", "")
    assert NOTE in heard
    # The person never gets the button.
    own = await jo.command("/incident progress")
    assert "Sign off" not in own.rendered


async def test_a_sign_off_is_renewed_after_some_months_also_over_a_restart(any_bot: Bot) -> None:
    bot = any_bot
    jo, max_, ana = await people(bot)
    await with_policy(bot, recertify_after_months=6)
    await ana.command("/incident stage @jo lead --mentor @max")
    await jo.command("/incident stage @jo --agree @max")
    await max_.command(f"/incident stage @jo solo {NOTE}")
    await bot.settle()
    now = bot.clock.now()
    await bot.stop()
    bot.clock.advance(add_months(now, 6) - now + timedelta(hours=1))
    await bot.start()
    await bot.settle()
    await bot.advance(minutes=1)
    await bot.restart()
    await bot.advance(hours=1)
    for person in (jo, max_):
        assert len([said for said in directly(bot, person) if "due for renewal" in said]) == 1
    assert "due for renewal" not in everywhere_else(bot, jo, max_)
    shown = await jo.command("/incident progress")
    assert "due for renewal since" in shown.rendered.replace("*", "")
    await max_.command("/incident progress @jo")
    form = (await max_.click(_answer(max_), "sign_off_open")).get_view()
    await max_.submit(form, {"note": "Looked back together."})
    await bot.settle()
    shown = await jo.command("/incident progress")
    assert "to be renewed by" in shown.rendered


async def test_people_export_their_own_progress_to_themselves_and_nobody_else_can(
    any_bot: Bot,
) -> None:
    bot = any_bot
    jo, max_, ana = await people(bot)
    await ana.command(f"/incident stage @jo assist --mentor @max {NOTE}")
    await jo.command("/incident stage @jo --agree @max")
    await ana.command("/incident declare sev2 Checkout errors")
    await bot.settle()
    await ana.command("/incident role scribe @jo", channel="inc-1-checkout-errors")
    await bot.settle()
    await jo.command("/incident progress --export")
    await bot.settle()
    files = {file.name.rpartition(".")[2]: file for file in bot.slack.files}
    assert set(files) == {"md", "json"}
    exported = json.loads(files["json"].content)
    assert exported["stages"][0]["stage"] == "assist"
    assert exported["incidents"]["all"] == {"observed": 0, "assisted": 1, "led": 0}
    assert NOTE in files["md"].content.decode()
    # The name in the command doesn't matter: people get only their own progress.
    await max_.command("/incident progress --export csv")
    await bot.settle()
    (sheet,) = [file for file in bot.slack.files if file.name.endswith(".csv")]
    rows = list(csv.reader(sheet.content.decode("utf-8-sig").splitlines()))
    assert len(rows) == 1
    outcome = await max_.command("/incident progress --export @jo")
    assert "I can export as" in outcome.text


async def test_a_renewal_says_nothing_to_a_mentor_who_no_longer_is_one(bot: Bot) -> None:
    jo, max_, ana = await people(bot)
    await with_policy(bot, recertify_after_months=1)
    await ana.command("/incident stage @jo lead --mentor @max")
    await jo.command("/incident stage @jo --agree @max")
    await max_.command(f"/incident stage @jo solo {NOTE}")
    await ana.command("/incident stage @jo --no-mentor @max")
    await bot.settle()
    await bot.advance(days=32)
    assert any("due for renewal" in said for said in directly(bot, jo))
    assert not any("due for renewal" in said for said in directly(bot, max_))


async def test_a_direct_message_that_cannot_be_delivered_is_said_to_nobody_else(bot: Bot) -> None:
    jo, _, ana = await people(bot)
    bot.slack.fail(
        "chat.postMessage", error="user_not_found", match=lambda args: args.get("channel") == jo.id
    )
    await ana.command(f"/incident stage @jo assist {NOTE}")
    await bot.settle()
    assert directly(bot, jo) == []
    assert "assist" not in everywhere_else(bot, jo)
    shown = await jo.command("/incident progress")
    assert "assist" in shown.rendered


def _answer(person: Person) -> Message:
    """The last message that only this person sees."""
    return person.ephemerals[-1]


async def test_an_export_whose_outcome_was_not_heard_is_sent_once(bot: Bot) -> None:
    jo, _, ana = await people(bot)
    await ana.command("/incident stage @jo assist")
    await bot.settle()
    bot.slack.drop("files.completeUploadExternal", after=True)
    await jo.command("/incident progress --export")
    await bot.settle()
    await bot.advance(minutes=2)
    await bot.advance(minutes=2)
    names = [file.name for file in bot.slack.files if file.name.startswith("progress-")]
    assert sorted(name.rpartition(".")[2] for name in names) == ["json", "md"]
