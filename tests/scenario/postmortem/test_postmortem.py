"""From resolving to a published postmortem and its action items, as people see them."""

from datetime import timedelta

from tests.scenario.conftest import Bot, declared, newest
from tests.slack_server import Channel, Outcome, Person, render

FACTORS = "contributing_factors"


async def resolved(bot: Bot, alice: Person) -> Channel:
    """Declare and resolve an incident; return its channel."""
    _, room = await declared(bot, by=alice)
    bot.clock.advance(timedelta(minutes=40))
    outcome = await alice.command("/incident resolve Rolled the deploy back", channel=room)
    view = outcome.get_view()
    now = bot.clock.now()
    await alice.submit(
        view,
        {"impact_started_at": now - timedelta(minutes=30), "impact_ended_at": now},
    )
    await bot.settle()
    return room


async def ask(bot: Bot, alice: Person, words: str, room: Channel) -> Outcome:
    outcome = await alice.command(words, channel=room)
    assert outcome.acked
    await bot.settle()
    return outcome


async def test_a_resolved_incident_leads_to_a_published_postmortem(any_bot: Bot) -> None:
    bot = any_bot
    alice, bob = bot.slack.add_people("alice", "bob")
    room = await resolved(bot, alice)
    (draft,) = bot.slack.files
    assert draft.name == "inc-1-postmortem-v1.md"
    assert b"Rolled the deploy back" in draft.content
    assert b"30 min" in draft.content

    asked = newest(room, "Who writes it")
    await bob.command("/incident list")
    await bob.joins(room)
    await bob.click(asked, "I'll write it")
    await bot.settle()
    taken = newest(room, "*bob* took on writing the postmortem, due Mon 9 Mar 2026").rendered
    assert "Everybody can add to it." in taken

    refused = await ask(bot, bob, "/incident postmortem publish", room)
    assert "Contributing factors" in refused.text

    opened = await bob.click(asked, "Write…")
    form = opened.get_view()
    told = await bob.submit(form, {FACTORS: "A full disk\n- no alert"})
    assert told.acked
    await bot.settle()
    assert "contributing factors" in newest(room, "*bob* wrote in").rendered

    await bob.command("/incident action @bob by 5d Alert on full disks", channel=room)
    await bot.settle()
    await ask(bot, bob, "/incident postmortem publish", room)
    assert "*bob* published" in newest(room, "published the postmortem").rendered
    final = bot.slack.files[-1]
    text = final.content.decode()
    assert final.name == "inc-1-postmortem-v1-final.md"
    assert "- no alert" in text
    assert "| 1 | Alert on full disks | bob | 2026-03-07 | open |" in text


async def test_whoever_writes_in_a_changed_section_sees_what_it_says_now(bot: Bot) -> None:
    alice, bob = bot.slack.add_people("alice", "bob")
    room = await resolved(bot, alice)
    await bob.joins(room)
    asked = newest(room, "Who writes it")
    hers = (await alice.click(asked, "Write…")).get_view()
    his = (await bob.click(asked, "Write…")).get_view()
    await alice.submit(hers, {"lucky": "It was a quiet Monday"})

    told = await bob.submit(his, {"lucky": "Only one zone", "was_hard": "No graphs"})
    assert told.action == "update"
    again = told.get_view()
    assert "It was a quiet Monday" in render(again)
    done = await bob.submit(again, {"lucky": "A quiet Monday, and only one zone"})
    assert done.errors == {}

    await bot.settle()
    opened = (await alice.click(asked, "Write…")).get_view()
    values = str(opened.blocks)
    assert "A quiet Monday, and only one zone" in values
    assert "No graphs" in values


async def test_an_owner_chosen_in_the_form_hears_of_it_and_is_reminded(bot: Bot) -> None:
    alice, bob = bot.slack.add_people("alice", "bob")
    room = await resolved(bot, alice)
    opened = await alice.click(newest(room, "Who writes it"), "Choose an owner…")
    await alice.submit(opened.get_view(), {"owner": bob})
    await bot.settle()
    assert "asked you to write the postmortem" in bot.slack.dm(bob).messages[-1].rendered

    await bot.advance(days=4)
    assert "is due on Mon 9 Mar 2026" in bot.slack.dm(bob).messages[-1].rendered
    await bot.advance(days=3)
    assert "is due today" in bot.slack.dm(bob).messages[-1].rendered


async def test_action_items_are_listed_and_finished_by_their_buttons(bot: Bot) -> None:
    alice, bob = bot.slack.add_people("alice", "bob")
    room = await resolved(bot, alice)
    added = await ask(bot, alice, "/incident action @bob by 2026-12-01 Alert <!channel>", room)
    assert "due Tue 1 Dec 2026" in added.text
    assert "gave you action item 1" in bot.slack.dm(bob).messages[-1].rendered

    opened = await alice.command("/incident action", channel=room)
    wrong = await alice.submit(opened.get_view(), {"text": "Runbook", "due_on": "soon"})
    assert list(wrong.errors) == ["due_on"]
    await alice.submit(opened.get_view(), {"text": "Runbook", "due_on": "3d"})
    await bot.settle()

    listed = await ask(bot, alice, "/incident actions", room)
    assert "2 open" in listed.text
    listing = alice.ephemerals[-1]
    first = next(one["accessory"]["value"] for one in listing.blocks if "accessory" in one)
    await alice.click(listing, "Done", value=first)
    await bot.settle()
    assert "*alice* finished action item 1" in newest(room, "finished").rendered
    await bob.click(newest(room, "added action item 2"), "Done")
    await bot.settle()
    assert "0 open" in (await ask(bot, alice, "/incident actions", room)).text


async def test_an_action_item_is_given_on_by_command_and_by_the_form(bot: Bot) -> None:
    alice, bob = bot.slack.add_people("alice", "bob")
    room = await resolved(bot, alice)
    await bob.command("/incident list")  # now the bot knows his name
    await ask(bot, alice, "/incident action me by 5d Alert on old queues", room)
    told = await ask(bot, alice, "/incident action 1 @bob", room)
    assert "Action item 1 of INC-1 is now with @bob: Alert on old queues" in told.rendered
    assert "*alice* assigned action item 1" in newest(room, "assigned").rendered
    assert "alice gave you action item 1" in bot.slack.dm(bob).messages[-1].rendered
    for words, refusal in (
        ("action #1 @bob", "bob already has it"),
        ("action 7 @bob", "That action item isn't on this incident's list"),
    ):
        assert refusal in (await alice.command(f"/incident {words}", channel=room)).text
    await bot.settle()
    assert len(bot.slack.dm(bob).messages) == 1  # nothing is new for him

    await ask(bot, alice, "/incident actions", room)
    opened = await alice.click(alice.ephemerals[-1], "Give to…")
    await alice.submit(opened.get_view(), {"item": "1", "owner": alice})
    await bot.settle()
    assert (
        "1. Alert on old queues (alice, due"
        in (await ask(bot, alice, "/incident actions", room)).text
    )
    listing = alice.ephemerals[-1]
    late = await alice.click(listing, "Give to…")
    await bob.click(newest(room, "took action item 1"), "Done")
    refused = await alice.submit(late.get_view(), {"item": "1", "owner": bob})
    assert "action item 1 is already done" in refused.get_view().rendered
    await alice.click(listing, "Give to…")
    await bot.settle()
    assert "All action items of INC-1 are done." in alice.ephemerals[-1].text


async def test_words_that_mean_nothing_are_refused_with_an_example(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    room = await resolved(bot, alice)
    for words, told in (
        ("postmortem celebrate", "Use show, owner, write, publish or done"),
        ("postmortem celebrate", "`/incident postmortem show"),
        ("postmortem owner bob", "Type `@`"),
        ("postmortem done soon", "https://"),
        ("action somebody Alert on disks", "Type `@`"),
        ("action @alice by 2026-13-01 Alert", "2026-12-01"),
    ):
        outcome = await alice.command(f"/incident {words}", channel=room)
        assert told in outcome.text, words


async def test_before_resolving_there_is_no_postmortem_and_people_are_told_when(bot: Bot) -> None:
    alice, room = await declared(bot)
    for words in ("show", "publish", "owner me", "write"):
        outcome = await alice.command(f"/incident postmortem {words}", channel=room)
        assert "resolved" in outcome.text, words


async def test_an_upload_whose_answer_was_lost_is_not_repeated(bot: Bot) -> None:
    alice = bot.slack.add_person("alice")
    bot.slack.drop("files.completeUploadExternal", after=True)
    await resolved(bot, alice)
    await bot.advance(minutes=5)
    assert [file.name for file in bot.slack.files] == ["inc-1-postmortem-v1.md"]
