"""Signed nonsense: whatever an envelope holds, it is answered, and nothing fails unhandled.

The envelopes are those of a scene and of every button, form and event that we listen to; Hypothesis
changes parts of them. `make fuzz` sends a hundred thousand.
"""

import asyncio
import copy
import json
import logging
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import urlencode

import pytest
import structlog
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from bot.features import all_features
from bot.operations.logs import show_exception
from incidents.incident.incident import Incident
from tests.chance import FACTOR
from tests.freeze.checking import Frozen
from tests.scenario.conftest import Bot, declared
from tests.slack_server import SlackServer
from tests.slack_server.delivery.delivery import Delivery, DeliveryKind
from tests.slack_server.delivery.http_delivery import FORM_TYPE

# A bot for each thousand envelopes: the nonsense wears the incident out.
ROUNDS = max(1, FACTOR // 10)
EACH = 100 * min(FACTOR, 10)
# 413 and 503 aren't among them: nothing here is that large, and the bot is ready.
ANSWERS = {200, 400}

NASTY: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1.5,
    2**31,
    2**63,
    -(2**64),
    10**400,
    1e308,
    float("nan"),
    float("inf"),
    "",
    " ",
    "0",
    "-1",
    "9" * 30,
    "\0",
    "a\0b",
    "\ud800",
    "caf\udce9",
    "|||||",
    "%",
    "{}",
    "[]",
    '{"ref": []}',
    "[" * 1_500,
    "null",
    "x" * 5_000,
    "\u202e\u0000\uffff",
    "<@U1|x>",
    "1700000000.000100",
    "999999999999.999999",
    "--",
    "http://[",
    [],
    {},
    [[]],
    [None],
    ["x"],
    {"id": []},
    {"id": {"id": 1}},
    {"type": 5},
    {"value": {}},
    {"channel": []},
)
DEEP: Any = None
for _ in range(300):
    DEEP = [DEEP]


@dataclass(frozen=True, slots=True)
class Seed:
    """A valid envelope, and how Slack sends it."""

    name: str
    kind: DeliveryKind
    payload: dict[str, Any]


# -- changing an envelope ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """One change: where (counted over all places), what, and with which value."""

    where: int
    what: str
    value: Any


CHANGES = st.builds(
    Change,
    where=st.integers(0, 10_000),
    what=st.sampled_from(("replace", "replace", "replace", "delete", "wrap", "twice", "graft")),
    value=st.one_of(
        st.sampled_from(NASTY),
        st.just(DEEP),
        st.text(max_size=40),
        st.integers(),
        st.text(alphabet="\0\ud800<>@|&*`-=:,.INC123 abc\n", max_size=60),
    ),
)


def places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Walk all places in a JSON value: the container and the key."""
    for key in list(node) if isinstance(node, dict) else range(len(node)):
        yield node, key
        if isinstance(node[key], dict | list):
            yield from places(node[key])


def changed(payload: dict[str, Any], changes: list[Change]) -> dict[str, Any]:
    """Return the payload with the changes made."""
    made = copy.deepcopy(payload)
    for change in changes:
        found = list(places(made))
        if not found:
            break
        node, key = found[change.where % len(found)]
        match change.what:
            case "replace":
                node[key] = copy.deepcopy(change.value)
            case "delete":
                del node[key]
            case "wrap":
                node[key] = [node[key]] if change.where % 2 else {"id": node[key]}
            case "twice" if isinstance(node, list):
                node.append(copy.deepcopy(node[key]))
            case _:
                other, its = found[change.where // 7 % len(found)]
                node[key] = copy.deepcopy(other[its])
    return made


# -- valid envelopes ----------------------------------------------------------------------------


async def scene(bot: Bot) -> list[Seed]:
    """Play a scene; return its envelopes, and one for everything else that we listen to."""
    alice, room = await declared(bot)
    bob = bot.slack.add_person("bob")
    await bob.joins(room)
    await alice.command("/incident role commander me", channel=room)
    await alice.command("/incident note Rolled back", channel=room)
    await alice.command("/incident escalate @bob we need you", channel=room)
    said = await bob.says("Errors fell", room)
    await bob.edits(said, "Errors fell a little")
    await alice.reacts(said, "memo")
    await alice.unreacts(said, "memo")
    await alice.pins(said)
    await alice.unpins(said)
    await alice.shares_file("graph.png", "lines", room)
    await alice.message_shortcut("add_to_timeline", said)
    await alice.opens_home()
    form = (await alice.command("/incident declare")).get_view()
    await alice.submit(form, {"title": "Search is slow", "severity": "sev3"})
    await bot.settle()
    await bob.deletes(said)
    await bob.leaves(room)
    async with bot.app.services.database.reading() as session:
        incident = (await session.execute(select(Incident).limit(1))).scalar_one()
    seeds = {
        (one.kind, _name(one)): Seed(_name(one), one.kind, one.payload)
        for one in bot.slack.deliveries.log
    }
    for made in _never_played(list(seeds.values()), incident, bot):
        seeds.setdefault((made.kind, made.name), made)
    return sorted(seeds.values(), key=lambda one: (one.kind, one.name))


def _name(delivery: Delivery) -> str:
    payload = delivery.payload
    if delivery.kind is DeliveryKind.COMMAND:
        return " ".join(str(payload["text"]).split()[:1])
    action = (payload.get("actions") or [payload])[0].get("action_id")
    callback = (payload.get("view") or payload).get("callback_id")
    subtype = delivery.event.get("subtype", "")
    return f"{delivery.type} {action or callback or subtype or ''}".strip()


def _never_played(seeds: list[Seed], incident: Incident, bot: Bot) -> Iterator[Seed]:
    """Make an envelope for each command, button, form and event that the scene has none of."""
    by_type = {one.payload.get("type"): one.payload for one in seeds}
    command = next(one.payload for one in seeds if one.kind is DeliveryKind.COMMAND)
    event = by_type["event_callback"]
    form, message = by_type["view_submission"], by_type["message_action"]
    value = f"{incident.id}|{incident.version}"
    for feature in all_features():
        for name in feature.actions:
            action = {"action_id": name, "block_id": "b", "type": "button", "value": value}
            pressed = {**message, "type": "block_actions", "actions": [action]}
            yield Seed(f"block_actions {name}", DeliveryKind.INTERACTIVE, pressed)
        for verb in feature.verbs:
            if verb.form:
                kept = {"ref": str(incident.id), "version": str(incident.version)}
                state = {one.name: {"x": _entry(one.name)} for one in fields(verb.arguments)}
                view = {**form["view"], "callback_id": verb.form, "state": {"values": state}}
                view["private_metadata"] = json.dumps(kept)
                submitted = {**form, "view": view}
                yield Seed(f"view_submission {verb.form}", DeliveryKind.INTERACTIVE, submitted)
            if verb.usage:
                typed = {**command, "text": f"INC-1 {verb.name} 1 <@{bot.slack.bot.id}> sev2 15m"}
                yield Seed(verb.name, DeliveryKind.COMMAND, typed)
        for name in feature.options:
            asked = {**form, "type": "block_suggestion", "action_id": name, "value": "ch"}
            yield Seed(f"block_suggestion {name}", DeliveryKind.INTERACTIVE, asked)
        for name in feature.shortcuts:
            chosen = {**message, "callback_id": name}
            yield Seed(f"message_action {name}", DeliveryKind.INTERACTIVE, chosen)
        for name in feature.events:
            if not any(one.name.startswith(name) for one in seeds):
                happened = {**event, "event": {"type": name, **_event(name, incident, bot)}}
                yield Seed(name, DeliveryKind.EVENT, happened)


def _entry(name: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "plain_text_input", "value": f"some {name}"}
    return entry | {"selected_date_time": 1_800_000_000} if name.endswith("at") else entry


def _event(name: str, incident: Incident, bot: Bot) -> dict[str, Any]:
    alice = bot.slack.person("alice").id
    match name:
        case "user_change" | "team_join":
            profile = {"display_name": "alice", "real_name": "Alice", "team": bot.slack.team_id}
            return {"user": {"id": alice, "team_id": bot.slack.team_id, "profile": profile}}
        case "subteam_created" | "subteam_updated":
            return {"subteam": {"id": "S0GROUP", "handle": "sre", "users": [alice]}}
        case "channel_rename" | "group_rename":
            return {"channel": {"id": incident.channel_id, "name": "another-name"}}
        case "channel_id_changed":
            return {"old_channel_id": "C0OLD", "new_channel_id": "C0NEW"}
    return {"channel": incident.channel_id, "user": alice, "event_ts": "1700000000.000100"}


# -- sending it -----------------------------------------------------------------------------------


_WITHOUT_ACK = {
    "envelope_failed",
    "envelope_not_acknowledged",
    "socket_frame_unknown",
    "socket_frame_unreadable",
}


class Sender:
    """Sends envelopes to the bot, and notes every line of its log that is an error."""

    def __init__(self, bot: Bot, seeds: list[Seed], caplog: pytest.LogCaptureFixture) -> None:
        self.bot, self.seeds = bot, seeds
        self.sent = 0
        self.errors: list[str] = []
        self._caplog = caplog
        self._refused = asyncio.Event()

    def note(
        self, logger: object, method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """Note one line of the log, as structlog's processor."""
        if event["event"] in _WITHOUT_ACK:
            self._refused.set()
        # That Slack refuses people that nonsense made up is Slack's answer, and no fault of ours.
        is_fault = event["event"] != "effect_became_dead_letter"
        if is_fault and method in {"error", "exception", "critical"}:
            self.errors.append(repr(show_exception(logger, method, dict(event))))
        raise structlog.DropEvent

    async def send(self, seed: Seed) -> None:
        """Send it, wait for the answer, and require one."""
        self.errors.clear()
        self._caplog.clear()
        by_socket = "SLACK_APP_TOKEN" in self.bot.environ
        answer = await (self._by_socket(seed) if by_socket else self._by_http(seed))
        self.sent += 1
        if self.sent % 50 == 0:
            await self.bot.settle()
        loud = [one.getMessage() for one in self._caplog.records if one.levelno >= logging.ERROR]
        assert not self.errors + loud, "\n".join(self.errors + loud)
        assert answer in ANSWERS

    async def _by_http(self, seed: Seed) -> int:
        slack, content_type = self.bot.slack, FORM_TYPE
        if seed.kind is DeliveryKind.EVENT:
            text, content_type = json.dumps(seed.payload), "application/json"
        elif seed.kind is DeliveryKind.COMMAND:
            text = urlencode(seed.payload, errors="surrogatepass")
        else:
            text = urlencode({"payload": json.dumps(seed.payload)})
        raw, headers = slack.signed_request(text, content_type=content_type)
        status, _ = await slack.deliver_raw(raw, headers)
        return status

    async def _by_socket(self, seed: Seed) -> int:
        self._refused.clear()
        delivery = Delivery(seed.kind, seed.payload, f"E{self.sent}")
        answer = asyncio.ensure_future(self.bot.slack.sockets.deliver(delivery, None, 20))
        refusal = asyncio.ensure_future(self._refused.wait())
        await asyncio.wait({answer, refusal}, return_when=asyncio.FIRST_COMPLETED)
        status = 400 if refusal.done() else answer.result().status
        for task in (answer, refusal):
            task.cancel()
        await asyncio.gather(answer, refusal, return_exceptions=True)
        return status


class Unfrozen(Frozen):
    """Nonsense is different every time, so none of it is frozen."""

    def look(self, slack: SlackServer, database_url: str) -> None:
        pass


@pytest.fixture
def frozen() -> Frozen:
    """In place of what compares a scenario with its snapshot."""
    return Unfrozen("", "")


@pytest.fixture
async def sender(any_bot: Bot, caplog: pytest.LogCaptureFixture) -> Any:
    """What sends to a bot that has an open incident."""
    sender = Sender(any_bot, await scene(any_bot), caplog)
    any_bot.slack.deliveries.log.clear()
    before = structlog.get_config()["processors"]
    structlog.configure(processors=[sender.note])
    yield sender
    structlog.configure(processors=before)
    await any_bot.settle()


@pytest.mark.parametrize("_round", range(ROUNDS))
@settings(
    # One bot answers all: what came before can't be left out, so there is no shrinking.
    phases=(Phase.generate,),
    max_examples=EACH,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(which=st.integers(0, 10_000), changes=st.lists(CHANGES, min_size=1, max_size=4))
async def test_whatever_an_envelope_holds_it_is_answered(
    sender: Sender, _round: int, which: int, changes: list[Change]
) -> None:
    seed = sender.seeds[which % len(sender.seeds)]
    await sender.send(replace(seed, payload=changed(seed.payload, changes)))
