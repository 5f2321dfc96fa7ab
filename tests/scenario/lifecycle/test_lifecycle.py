"""An incident's lifecycle in Slack: by command, button and form, and what the bot refuses."""

from datetime import timedelta

from tests.scenario.conftest import ROOM, Bot, declared, more, unpinned

MINUTE = timedelta(minutes=1)


async def test_from_triage_to_closed_and_back_by_commands(any_bot: Bot) -> None:
    bot = any_bot
    alice, room = await declared(bot)
    await alice.command("/incident status identified Bad deploy <!here>", channel=ROOM)
    await bot.settle()
    (step,) = unpinned(room, "triage → identified")
    assert "Bad deploy" in step.text
    assert "<!here>" not in step.text
    assert "identified" in room.pins[0].text

    await alice.command("/incident severity sev1 Payments too", channel=ROOM)
    await alice.command("/incident status mitigated", channel=ROOM)
    await bot.settle()
    await bot.advance(minutes=10)
    asked = await alice.command("/incident resolve Rolled back", channel=ROOM)
    done = await alice.submit(asked.get_view())
    assert done.errors == {}
    await bot.settle()
    assert unpinned(room, "severity: SEV2 → SEV1")
    assert "*What fixed it* Rolled back" in unpinned(room, "What fixed it")[0].rendered

    await alice.command("/incident close", channel=ROOM)
    await alice.command("/incident reopen Errors are back", channel=ROOM)
    await bot.settle()
    assert "Errors are back" in unpinned(room, "reopened the incident")[0].rendered
    assert "investigating" in room.pins[0].text
    too_late = await alice.command("/incident reopen", channel=ROOM)
    assert too_late.shown is None  # no form that could only be refused
    assert "still open" in too_late.text


async def test_resolving_opens_the_form_filled_with_what_is_likely(bot: Bot) -> None:
    alice, _ = await declared(bot)
    detected = int(bot.clock.now().timestamp())
    bot.clock.advance(30 * MINUTE)
    outcome = await alice.command("/incident resolve Rolled back", channel=ROOM)
    form = outcome.get_view()
    inputs = {block["block_id"]: block["element"] for block in form.blocks if "element" in block}
    assert inputs["impact_started_at"]["initial_date_time"] == detected
    assert inputs["impact_ended_at"]["initial_date_time"] == detected + 30 * 60
    assert inputs["resolution"]["initial_value"] == "Rolled back"


async def test_the_resolve_form_says_in_the_field_what_cannot_be(bot: Bot) -> None:
    alice, room = await declared(bot)
    form = await more(alice, room.pins[0], "resolve_open")
    now = bot.clock.now()
    wrong = {
        "resolution": "x",
        "impact_started_at": now - MINUTE,
        "impact_ended_at": now - 5 * MINUTE,
    }
    refused = await alice.submit(form, wrong)
    assert refused.errors == {"impact_ended_at": "The impact can't end before it started."}
    refused = await alice.submit(form, {**wrong, "impact_ended_at": now + 5 * MINUTE})
    assert list(refused.errors) == ["impact_ended_at"]
    refused = await alice.submit(form, {**wrong, "impact_started_at": None})
    assert list(refused.errors) == ["impact_started_at"]

    done = await alice.submit(
        form,
        {"resolution": "Noise", "no_impact": ["none"], "impact_started_at": None},
    )
    assert done.errors == {}
    await bot.settle()
    assert unpinned(room, "No customer impact")


async def test_who_resolves_second_is_told_who_was_first(bot: Bot) -> None:
    alice, room = await declared(bot)
    bob = bot.slack.add_person("bob")
    await bob.joins(ROOM)
    await bot.settle()
    forms = [await more(person, room.pins[0], "resolve_open") for person in (alice, bob)]
    await alice.submit(forms[0], {"resolution": "Rolled back"})
    second = await bob.submit(forms[1], {"resolution": "Rolled back"})
    told = second.get_view().rendered
    assert "already resolved" in told
    assert "alice" in told
    await bot.settle()
    assert len(unpinned(room, "What fixed it")) == 1


async def test_the_status_form_offers_what_is_possible_and_nothing_that_ends_it(
    bot: Bot,
) -> None:
    alice, room = await declared(bot)
    await alice.command("/incident status mitigated", channel=ROOM)
    await bot.settle()
    form = (await alice.click(room.pins[0], "status_change")).get_view()
    offered = next(block for block in form.blocks if block["block_id"] == "status")
    assert [option["value"] for option in offered["element"]["options"]] == [
        "investigating",
        "identified",
    ]
    await alice.submit(form, {"status": "identified", "text": "Bad deploy"})
    await bot.settle()
    assert "Identified" in room.pins[0].rendered


async def test_a_refused_step_is_told_privately_with_what_is_possible(bot: Bot) -> None:
    alice, room = await declared(bot)
    before = len(room.messages)
    outcome = await alice.command("/incident close", channel=ROOM)
    assert "Resolve it first: `/incident resolve`" in outcome.text
    outcome = await alice.command("/incident status fixed", channel=ROOM)
    assert "There's no status `" in outcome.text
    outcome = await alice.command("/incident duplicate", channel=ROOM)
    assert "INC-7" in outcome.text
    outcome = await alice.command("/incident duplicate INC-1", channel=ROOM)
    assert "incident itself" in outcome.text
    await bot.settle()
    assert len(room.messages) == before


async def test_cancelling_by_form_needs_a_reason_or_the_original(bot: Bot) -> None:
    alice, room = await declared(bot)
    await alice.command("/incident declare Payments fail")
    await bot.settle()
    form = await more(alice, room.pins[0], "cancel_open")
    assert list((await alice.submit(form)).errors) == ["reason"]
    assert list((await alice.submit(form, {"original": "INC-99"})).errors) == ["original"]
    assert list((await alice.submit(form, {"original": "the other"})).errors) == ["original"]
    assert (await alice.submit(form, {"original": "inc-2"})).errors == {}
    await bot.settle()
    assert unpinned(room, "as a duplicate of INC-2")
    (told,) = unpinned(bot.slack.channel("inc-2-payments-fail"), "marked INC-1")
    assert "as a duplicate of this incident" in told.rendered


async def test_a_duplicate_by_command_says_where_it_goes_on_and_not_of_private_ones(
    bot: Bot,
) -> None:
    alice, _room = await declared(bot)
    await alice.command("/incident declare Payments fail")
    await alice.command("/incident declare Passwords seen --private")
    await bot.settle()
    outcome = await alice.command("/incident INC-3 duplicate INC-2")
    assert "as a duplicate of *INC-2*" in outcome.text
    await bot.settle()
    assert not unpinned(bot.slack.channel("inc-2-payments-fail"), "INC-3")


async def test_a_duplicate_of_what_is_over_says_how_to_take_that_up_again(bot: Bot) -> None:
    alice, _room = await declared(bot)
    await alice.command("/incident declare Payments fail")
    await alice.command("/incident declare Search is slow")
    await bot.settle()
    bot.clock.advance(30 * MINUTE)
    resolving = await alice.command("/incident INC-1 resolve It stopped by itself")
    await alice.submit(resolving.get_view())
    await alice.command("/incident INC-1 close")
    outcome = await alice.command("/incident INC-2 duplicate INC-1")
    assert "INC-1 is closed. Not over? `/incident INC-1 reopen what is wrong`" in outcome.text
    outcome = await alice.command("/incident INC-3 duplicate INC-2")
    assert (
        "INC-2 is cancelled, too. Not over? Declare a new one: `/incident declare`" in outcome.text
    )


async def test_the_severity_form_shows_meanings_and_refuses_the_same(bot: Bot) -> None:
    alice, room = await declared(bot)
    form = await more(alice, room.pins[0], "severity_change")
    assert "Critical" in form.rendered
    assert list((await alice.submit(form)).errors) == ["severity"]
    await alice.submit(form, {"severity": "sev1", "reason": "Payments too"})
    await bot.settle()
    assert "Payments too" in unpinned(room, "severity: SEV2 → SEV1")[0].rendered
    assert "SEV1" in room.topic


async def test_every_way_of_lowering_the_severity_asks_for_the_reason(bot: Bot) -> None:
    alice, room = await declared(bot)
    await alice.command("/incident role scribe me", channel=room)
    await bot.settle()
    for typed in ("severity sev4", "severity 4", "sev 4", "severity minor", "severity sev4 \u200b"):
        outcome = await alice.command(f"/incident {typed}", channel=room)
        assert "reason is missing" in outcome.rendered.casefold(), typed
    form = await more(alice, room.pins[0], "severity_change")
    for reason in (None, "\u3164"):
        outcome = await alice.submit(form, {"severity": "sev4", "reason": reason})
        assert list(outcome.errors) == ["reason"]
    await bot.settle()
    assert "SEV2" in room.pins[0].rendered


async def test_two_edit_forms_keep_both_changes_and_tell_a_clash_in_the_field(bot: Bot) -> None:
    alice, room = await declared(bot)
    bob = bot.slack.add_person("bob")
    hers = await more(alice, room.pins[0], "edit_open")
    his = await more(bob, room.pins[0], "edit_open")
    assert list((await alice.submit(hers)).errors) == ["title"]
    await alice.submit(hers, {"impact": "Half of Europe", "services": "web, db"})
    clash = await bob.submit(his, {"impact": "Everybody"})
    assert list(clash.errors) == ["impact"]
    assert "alice" in clash.errors["impact"]
    done = await bob.submit(his, {"impact": None, "title": "Checkout down"})
    assert done.errors == {}
    await bot.settle()
    assert "Half of Europe" in room.pins[0].rendered
    assert "Checkout down" in room.pins[0].rendered
    assert unpinned(room, "Services: web, db")


async def test_milestones_are_set_right_by_form(bot: Bot) -> None:
    alice, _ = await declared(bot)
    detected = bot.clock.now()
    form = (await alice.command("/incident milestones", channel=ROOM)).get_view()
    refused = await alice.submit(form, {"detected_at": detected + 9 * MINUTE})
    assert list(refused.errors) == ["detected_at"]
    times = {"detected_at": detected, "impact_started_at": detected - 9 * MINUTE}
    done = await alice.submit(form, times)
    assert done.errors == {}


async def test_resolving_is_for_responders_and_says_so_before_a_form_opens(bot: Bot) -> None:
    await declared(bot)
    bob = bot.slack.add_person("bob")
    outcome = await bob.command("/incident INC-1 resolve Done")
    assert outcome.view is None
    assert "responders" in outcome.text


async def test_status_and_severity_said_in_one_are_one_line_in_the_channel(any_bot: Bot) -> None:
    bot = any_bot
    alice, room = await declared(bot)
    before = len(room.messages)
    answer = await alice.command("/incident status mitigated sev3 Rolled back", channel=ROOM)
    assert answer.acked
    assert answer.rendered == ""  # the line in the channel says it
    await bot.settle()
    (line,) = unpinned(room, "Rolled back")
    assert "triage → mitigated and the severity: SEV2 → SEV3" in line.text
    assert unpinned(room, "lowered the severity") == []
    topics = [one for one in room.messages[before:] if one.subtype == "channel_topic"]
    assert len(room.messages) == before + 1 + len(topics)
    timeline = (await alice.command("/incident timeline", channel=ROOM)).rendered
    assert "Lowered the severity: SEV2 → SEV3" in timeline

    # The other order, and each alone; what is so already isn't in the way.
    for said, shown in (
        ("sev1 investigating Errors are back", "mitigated → investigating and the severity"),
        ("sev2 Only in the EU", "lowered the severity: SEV1 → SEV2"),
        ("identified SEV-2: A bad deploy", "investigating → identified"),
        ("sev 3 Few are left", "lowered the severity: SEV2 → SEV3"),
        ("mitigated P1 customers are fine again", "P1 customers are fine again"),
    ):
        await alice.command(f"/incident status {said}", channel=ROOM)
        await bot.settle()
        assert len(unpinned(room, shown)) == 1, said


async def test_status_and_severity_said_in_one_are_refused_as_a_whole(bot: Bot) -> None:
    alice, room = await declared(bot)
    before = room.transcript
    for said, why in (
        ("mitigated sev3", "`/incident status mitigated sev3 Only one customer is affected`"),
        ("sev3 closed Nothing left", "`closed` can't be said with a severity"),
        ("sev3", "`/incident status sev3 Only one customer is affected`"),
        ("INC-1 mitigated", "`/incident INC-1 status mitigated`"),
    ):
        answer = await alice.command(f"/incident status {said}", channel=ROOM)
        assert why in answer.text
    await alice.command("/incident status mitigated", channel=ROOM)
    again = await alice.command("/incident status triage sev1 Payments fail too", channel=ROOM)
    assert "can't be triage" in again.text
    await bot.settle()
    assert "SEV2" in room.pins[0].text
    assert "severity:" not in room.transcript.removeprefix(before)
