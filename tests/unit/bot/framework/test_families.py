"""Thirteen families: every old line means what it meant, and text stays text."""

import pytest

from bot.features import all_features
from bot.framework.meant_verbs import grammar_message
from bot.framework.slash_commands import Command, CommandRefused, Grammar

GRAMMAR = Grammar(command for feature in all_features() for command in feature.commands)

FAMILIES = (
    "declare", "status", "role", "update", "note", "escalate", "propose", "action", "show",
    "postmortem", "oncall", "learn", "help",
)  # fmt: skip

# The old line, and the new one with the same meaning.
SAME = (
    ("severity sev1 Payments fail", "status severity sev1 Payments fail"),
    ("severity", "status sev"),
    ("resolve", "status resolve"),
    ("resolve Rolled back", "status resolve Rolled back"),
    ("close", "status close"),
    ("close Nothing left", "status close Nothing left"),
    ("reopen It is back", "status reopen It is back"),
    ("cancel False alarm", "status cancel False alarm"),
    ("duplicate INC-7 same cause", "status duplicate INC-7 same cause"),
    ("edit", "status edit"),
    ("milestones", "status milestones"),
    ("times", "status times"),
    ("private", "status private"),
    ("private @ben customer data", "status private @ben customer data"),
    ("private <@U1|ben> data", "status private <@U1|ben> data"),
    ("recover Everybody left", "status recover Everybody left"),
    ("channel #db", "status channel #db"),
    ("handoff @ben all yours", "role handoff @ben all yours"),
    ("handoff none", "role handoff none"),
    ("takeover No answer", "role takeover No answer"),
    ("roles", "role roles"),
    ("roles", "role list"),
    ("invite @ben he knows", "role invite @ben he knows"),
    ("uninvite @ben", "role uninvite @ben"),
    ("snooze", "update snooze"),
    ("snooze 15m ends soon", "update snooze 15m ends soon"),
    ("snooze 20 minutes", "update snooze 20 minutes"),
    ("snooze 1h30m", "update snooze 1h30m"),
    ("snooze 15", "update snooze 15"),
    ("snooze half an hour build", "update snooze half an hour build"),
    ("snooze until 15:00", "update snooze until 15:00"),
    ("maintenance", "update maintenance"),
    ("subscribe", "update subscribe"),
    ("subscribe sev2", "update subscribe sev2"),
    ("follow INC-12", "update follow INC-12"),
    ("subscribe sev2", "update subscribe to sev2"),
    ("subscribe `sev2`", "update subscribe `sev2`"),
    ('subscribe "Checkout API"', "update subscribe \u201cCheckout API\u201d"),
    ("subscribe checkout-api", "update subscribe checkout-api"),
    ("undo", "note undo"),
    ("undo again", "note undo again"),
    ("undo", "Note UNDO"),
    ("undo", "note undo."),
    ("escalation", "escalate list"),
    ("escalation take", "escalate take"),
    ("escalation take 2", "escalate take 2"),
    ("escalation 2 take", "escalate 2 take"),
    ("escalation take 2", "esc take 2"),
    ("escalation more evidence", "escalate more evidence"),
    ("escalation more 2 evidence", "escalate more 2 evidence"),
    ("escalation redirect @bob he knows", "escalate redirect @bob he knows"),
    ("escalation redirect 2 <@U1>", "escalate redirect 2 <@U1>"),
    ("escalation decline 2 on a train", "escalate decline 2 on a train"),
    ("escalation next", "escalate next"),
    ("escalation next 2", "escalate next 2"),
    ("escalation add scope 12 % of logins", "escalate add scope 12 % of logins"),
    ("escalation withdraw", "escalate withdraw"),
    ("escalation 2 next", "escalate 2 next"),
    ("escalation 2 decline on a train", "escalate 2 decline on a train"),
    ("escalation 2 withdraw it was DNS", "escalate 2 withdraw it was DNS"),
    ("escalation 2 more evidence", "escalate 2 more evidence"),
    ("escalation 2 redirect @bob he knows", "escalate 2 redirect @bob he knows"),
    ("escalation 2 add scope EU", "escalate 2 add scope EU"),
    ("escalation take", "escalate take!"),
    ("escalation mine", "escalate mine."),
    ("proposal", "propose list"),
    ("proposal approve", "propose approve"),
    ("proposal approve 2", "propose approve 2"),
    ("proposal 2", "propose 2"),
    ("proposal 2 decline It loses carts", "propose 2 decline It loses carts"),
    ("proposal break-glass", "propose break-glass"),
    ("proposal done", "propose done"),
    ("actions", "action list"),
    ("actions", "action actions"),
    ("checkin", "action checkin"),
    ("checkin @ben 10m Is it fine?", "action checkin @ben 10m Is it fine?"),
    ("check-in <@U1> 10m Fine?", "action check-in <@U1> 10m Fine?"),
    ("list", "show list"),
    ("list mine", "show list mine"),
    ("timeline --last 50", "show timeline --last 50"),
    ("find checkout", "show find checkout"),
    ("who", "show who"),
    ("mydata", "show mydata"),
    ("export csv", "postmortem export csv"),
    ("export", "pm export"),
    ("handover @ben", "oncall handover @ben"),
    ("pager test @ben", "oncall pager test @ben"),
    ("override @ben until 18:00", "oncall override @ben until 18:00"),
    ("override stop", "oncall override stop"),
    ("oncall-mine", "oncall mine"),
    ("oncall-mine", "oncall mine?"),
    ("oncall-report", "oncall report"),
    ("oncall-report checkout", "oncall report checkout"),
    ("drill bad-deploy @alice", "learn drill bad-deploy @alice"),
    ("drill --results", "learn drill --results"),
    ("check logs", "learn check logs"),
    ("act roll-back", "learn act roll-back"),
    ("shadow commander", "learn shadow commander"),
    ("progress @ben", "learn progress @ben"),
    ("progress", "learn"),
    ("progress @ben", "learn @ben"),
    ("stage @ben lead --role commander", "learn stage @ben lead --role commander"),
    ("prompts off", "learn prompts off"),
)  # fmt: skip

# What people write that only begins like a member of the family.
TEXTS = (
    "note undo the deploy of 1.42",
    "note undo again and again they failed",
    "note: undo",
    "update snooze button is broken on the phone",
    "update snooze 3 alerts until morning",
    "update: snooze 15m",
    "update subscribe button is broken",
    "update maintenance of the database goes on",
    "escalate take a look at the database",
    "escalate mine is slow too",
    "escalate next step is a restart",
    "escalate more people please",
    "escalate add two people from platform",
    "escalate @ben take 2",
    "escalate: decline in orders",
    "escalate: take it",
    "escalate 2 more people please",
    "escalate 2 next steps are unclear",
    "escalate 3 declines a minute",
    "escalate take it down for us please",
    "escalate mine shaft sensors are dead!",
    "propose 2 more pods",
    "propose objects are moved by hand",
    "propose: approve the failover",
    "propose list the affected customers risk: none",
    "action @ben list the affected customers",
    "action list the affected customers",
    "action checkin form is broken",
    "status mitigated resolve is next",
    "status close to mitigated",
    "status sev 3 mitigated",
    "status mitigated INC-2 was the cause",
    "note INC-2 has the same cause",
    "handoff @ben INC-2 is related",
    "status private beta is down",
    "declare status page is down",
    "role commander handoff",
)

# Either way would be wrong for somebody.
ASKED = {
    "update subscribe Checkout API": (
        "subscribe Checkout API",
        "update: subscribe Checkout API",
    ),
    "escalate take it": ("escalation take it", "escalate: take it"),
    "escalate take over!": ("escalation take over!", "escalate: take over!"),
    "escalate 2 redirect loops": (
        "escalation 2 redirect loops",
        "escalate: 2 redirect loops",
    ),
    "escalate 3 can't log in": ("escalation 3 can't log in", "escalate: 3 can't log in"),
    "escalate decline in orders": (
        "escalation decline in orders",
        "escalate: decline in orders",
    ),
    "escalate redirect loop at login": (
        "escalation redirect loop at login",
        "escalate: redirect loop at login",
    ),
    "propose approve the failover": (
        "proposal approve the failover",
        "propose: approve the failover",
    ),
    "propose approve 2 restarts": ("proposal approve 2 restarts", "propose: approve 2 restarts"),
    "propose 2 object storage nodes": (
        "proposal 2 object storage nodes",
        "propose: 2 object storage nodes",
    ),
}


def test_there_are_thirteen_families_and_every_verb_is_in_one() -> None:
    assert set(GRAMMAR.families) == set(FAMILIES)
    assert [
        one.name for one in GRAMMAR.commands if one.name not in FAMILIES and not one.family
    ] == []


@pytest.mark.parametrize(("old", "new"), SAME)
@pytest.mark.parametrize("before", ["", "INC-3 "])
def test_the_old_line_and_the_new_one_are_the_same(before: str, old: str, new: str) -> None:
    assert GRAMMAR.parse(f"{before}{new}") == GRAMMAR.parse(f"{before}{old}")


def test_every_member_has_an_old_line_and_a_new_one() -> None:
    walked = {GRAMMAR.parse(old)[1].verb for old, _ in SAME}
    assert {one.name for one in GRAMMAR.commands if one.family} == walked


@pytest.mark.parametrize("typed", TEXTS)
def test_words_that_only_begin_like_a_verb_stay_a_text(typed: str) -> None:
    verb, _, text = typed.partition(" ")
    command, words = GRAMMAR.parse(typed)
    assert command is not None
    assert (command.name, words.text) == (verb.rstrip(":"), text)


@pytest.mark.parametrize(("typed", "ready"), ASKED.items())
def test_what_may_be_text_or_an_answer_is_asked(typed: str, ready: tuple[str, ...]) -> None:
    with pytest.raises(CommandRefused) as refused:
        GRAMMAR.parse(typed)
    assert refused.value.close == ready
    as_answer, as_text = (GRAMMAR.parse(one) for one in ready)
    assert (as_answer[1].verb, as_text[1].verb) == tuple(
        one.split()[0].rstrip(":") for one in ready
    )
    assert as_text[1].text == typed.partition(" ")[2]


@pytest.mark.parametrize(
    "typed", ["status cancel --help", "note undo ?", "INC-1 learn drill -h", "learn ?"]
)
def test_asking_how_a_member_is_written_does_nothing(typed: str) -> None:
    command, words = GRAMMAR.parse(typed)
    assert (command, words.text) == (GRAMMAR.find("help"), typed.split()[-2])


def test_an_unknown_member_of_learn_is_answered_with_the_one_that_was_meant() -> None:
    with pytest.raises(CommandRefused) as refused:
        GRAMMAR.parse("learn dril bad-deploy")
    answer = grammar_message(refused.value, slash="/incident").text
    assert "There is no `learn dril`" in answer
    assert "`/incident drill bad-deploy`" in answer


def test_two_verbs_with_the_same_word_are_refused() -> None:
    with pytest.raises(ValueError, match="two commands"):
        Grammar((Command(usage="note text"), Command(usage="undo", aliases=("note",))))
