"""What people type at 3 a.m. instead of a verb is answered with the command that they meant."""

import pytest

from bot.features import all_features
from bot.framework.meant_verbs import grammar_message, ready_commands
from bot.framework.slash_commands import CommandRefused, Grammar

GRAMMAR = Grammar(command for feature in all_features() for command in feature.commands)

MEANT = {
    "take command": "role commander me",
    "command": "role commander me",
    "unsubscribe INC-1": "update subscribe",
    "unfollow sev2": "update subscribe",
    "hand off @ben": "handoff @ben",
    "hand-off @ben my shift ends": "handoff @ben my shift ends",
    "take 1": "escalate take 1",
    "checklist": "learn check",
    "first steps": "learn check",
    "i'm the commander": "role commander me",
    "im commander": "role commander me",
    "make me commander": "role commander me",
    "make @ben commander": "role commander @ben",
    "assign @ben scribe": "role scribe @ben",
    "assign scribe to @ben": "role scribe @ben",
    "i'll be scribe": "role scribe me",
    "scribe": "role scribe",
    "commander me": "role commander me",
    "lead me": "role commander me",
    "i'll be comms lead": "role comms me",
    "assign communications lead to @ben": "role comms @ben",
    "ic @ben": "role ic @ben",
    "assign @ben": "role commander @ben",
    "whos in charge": "roles",
    "kick @ben": "uninvite @ben",
    "who's on call": "oncall",
    "whos on call?": "oncall",
    "i'm going home": "handoff",
    "hand over to @ben": "handoff @ben",
    "page @ben": "escalate @ben",
    "call the DBA": "escalate DBA",
    "wake up platform": "escalate platform",
    "please wake up platform": "escalate platform",
    "can you page @ben": "escalate @ben",
    "bring in @ben": "invite @ben",
    "@ben can you look": "escalate @ben can you look",
    "we need help": "escalate",
    "need a dba": "escalate dba",
    "on it": "escalation take",
    "its fixed": "resolve",
    "it's fixed by the rollback": "resolve by the rollback",
    "all good": "resolve",
    "false alarm": "cancel false alarm",
    "never mind": "cancel never mind",
    "end incident": "resolve",
    "same as INC-2": "duplicate INC-2",
    "mitigated": "status mitigated",
    "looking into it": "status investigating",
    "found it: the cache": "status identified the cache",
    "what's the status": "show",
    "eta?": "show",
    "what now": "show",
    "what happened": "timeline",
    "incidents": "list",
    "open incident db down": "declare db down",
    "there's an outage in payments": "declare in payments",
    "incident: db down": "declare db down",
    "deploy is broken": "declare deploy is broken",
    "sev1 db down": "declare sev1 db down",
    "make it sev1": "severity sev1",
    "bump to sev 1 payments fail": "severity sev 1 payments fail",
    "this is a sev1": "severity sev1",
    "raise severity": "severity",
    "comms update: all is well": "update all is well",
    "tell customers we are on it": "update we are on it",
    "eta 20m": "update --next 20m",
    "add note it began at noon": "note it began at noon",
    "rolled back the deploy": "note rolled back the deploy",
    "rollback": "propose rollback",
    "restart the workers": "propose restart the workers",
    "todo alert on the queue": "action alert on the queue",
    "delete that": "undo",
    "delete": "undo",
    "hide": "timeline",
    "redact the password": "timeline",
    "break glass": "proposal break-glass",
    "break-glass nobody answers": "proposal break-glass nobody answers",
    "1 note it began at noon": "INC-1 note it began at noon",
    "#12 resolve": "INC-12 resolve",
    "rename to Checkout": "edit",
    "rca": "postmortem",
    "download": "export",
    "make it private": "private",
    "lgtm": "proposal approve",
    "shut up": "snooze",
    "statsu": "status",
    "hi": "help",
}


@pytest.mark.parametrize(("typed", "ready"), MEANT.items())
def test_the_first_command_offered_is_the_one_that_was_meant(typed: str, ready: str) -> None:
    with pytest.raises(CommandRefused) as refused:
        GRAMMAR.parse(typed)
    assert ready_commands(typed, close=refused.value.close)[0] == ready
    assert f"`/incident {ready}".replace("@", "@\u2060") in grammar_message(
        refused.value, slash="/incident"
    ).text.replace("&gt;", ">")


@pytest.mark.parametrize("typed", MEANT)
def test_every_command_offered_is_one(typed: str) -> None:
    for ready in ready_commands(typed, close=GRAMMAR.close_to(typed.split(maxsplit=1)[0])):
        GRAMMAR.parse(ready)


@pytest.mark.parametrize("typed", ["never mind it", "next deploy", "kill it", "yes please"])
def test_a_verb_that_only_shares_letters_is_not_offered(typed: str) -> None:
    assert not {"recover", "export", "drill", "escalate"} & set(
        GRAMMAR.close_to(typed.split(maxsplit=1)[0])
    )


@pytest.mark.parametrize(
    "typed", ["test environment is down", "next deploy fails", "call center is down"]
)
def test_what_sounds_broken_may_be_declared_whatever_its_first_word(typed: str) -> None:
    assert f"declare {typed}" in ready_commands(typed, close=())


@pytest.mark.parametrize(
    "typed", ["note: it works", "Note, it works", "status?", "declare! db down"]
)
def test_a_verb_with_punctuation_is_that_verb(typed: str) -> None:
    command, _ = GRAMMAR.parse(typed)
    assert command is not None
    assert typed.casefold().startswith(command.name)
