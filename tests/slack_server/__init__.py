"""The embedded Slack: in one process with the tests, speaking Slack's real wire protocol.

Strict and stateful: tokens, scopes, membership, names, limits and rate limits are checked; what
Slack would refuse is refused, and what breaks a limit is also in `slack.violations`.

A test reads like an incident::

    async with SlackServer(clock=clock.now) as slack:          # rate_limits=False for benches
        alice = slack.add_person("alice", tz="Europe/Berlin")  # guest=, external_team=, email=
        slack.add_channel("incidents", members=[alice, slack.bot])
        slack.add_group("sre", [alice])
        ...start the app with slack.api_url, bot_token, app_token, signing_secret...
        await slack.connected()                                # or slack.use_http(url)

        outcome = await alice.command("/incident declare sev2 Checkout errors")
        assert outcome.acked                                   # .text .blocks .rendered .view .took
        room = await slack.wait_for(lambda: slack.find_channel("inc-1-checkout-errors"))
        card = await slack.wait_for(lambda: room.pins)
        await alice.click(card[0], "Resolve")                  # action id or label, value=
        assert slack.violations == []

**People** (`people.py`): `command`, `click`, `submit(view, {label or id: value})`,
`suggestions`, `close`, `shortcut`, `message_shortcut`, `opens_home`, `says(text, channel,
thread=)`, `edits`, `deletes`, `reacts`, `unreacts`, `pins`, `unpins`, `shares_file`,
`creates_channel`, `joins`, `leaves`, `invites`, `kicks`, `archives`, `unarchives`, `renames`,
`sets_topic`; `alice.ephemerals` is what only she sees, also answers to her commands. In texts
`@handle` and `#channel` become mentions. A method returns when the app has answered (acked or
not) what it caused; effects may still be under way: `wait_for` them. What a person can't do with
what they see raises `CannotDoError`, which lists what there is. In a form, values are given by
block id, action id or label: text, option value or label, `Person`, `Channel`, `datetime`,
lists for multi-selects, None to empty. To act on something outdated, keep `message.seen()`.

**Outcome**: `.acked`, `.status`, `.took` (seconds), `.text`, `.blocks`, `.rendered` (answer in
the ack), `.errors` (of a submitted form, by block id), `.action` (`close`, `errors`, `update`,
`push`, `clear`), `.view` (opened, pushed or updated) and `.get_view()`.

**Looking**: `slack.channel(name)` (`.messages`, `.everything` with replies, `.history` with
notices, `.transcript`, `.pins`, `.bookmarks`, `.members`, `alice in channel`, `.topic`,
`.is_archived`), `slack.channels`, `slack.dm(alice)`, `slack.home(alice)`, `slack.files`,
`slack.messages`, `slack.find(predicate or text)`; a message has `.text .blocks .metadata .ts
.replies .edited .reactions .files .rendered .is_pinned`. `slack.calls`, `slack.calls_of(method)`
with `.args .ok .error .took_effect .started .ended`. `slack.on_change(callback)` for transcripts.
`render(message or view)` gives plain text.

**Waiting**: `await slack.wait_for(condition, timeout=5)` returns what the condition gave;
`await slack.quiet()` until nothing moves; `await slack.connected(n)`.

**Failing** (`failures.py`): `fail(method, error=|status=, retry_after=, times=, match=, after=)`,
`drop(method, after=)`, `hang(method, after=)`, `delay(method, seconds)`, `slack.latency = …`,
`revoke_tokens(error)`, `go_down()`, `heal()`; the methods `response_url` and `upload_url` stand
for those two addresses; `refuse_handshakes(times)`, `disconnect(reason)`,
`cut_sockets()`, `pause_deliveries()`, `redeliver(delivery)` of `deliveries_of(type)`.
`slack.faults`, `slack.deliveries.ack_timeout` and `retry_delays=` tune the rest.

Events that nobody takes are retried after `retry_delays` (real seconds; Slack's own unless given).

**Furnishing**: `add_person`, `add_channel`, `add_group` are silent; `change_person`,
`change_group`, `deactivate`, `welcome` emit the events. `scopes=` and `subscriptions=` of the
constructor take what a manifest grants.

**Raw**: `body, headers = slack.signed_request(body, timestamp=, secret=)`, then
`await slack.deliver_raw(body, headers)` gives status and text.

Time: message `ts`, rate limits, response_urls and the `Date` header go by the given clock;
signatures, trigger ids (3 s) and ack timeouts by real time.
"""

from tests.slack_server.interaction.forms import CannotDoError
from tests.slack_server.interaction.interactions import Choice
from tests.slack_server.interaction.outcome import Outcome
from tests.slack_server.interaction.people import Person
from tests.slack_server.render import render, render_blocks
from tests.slack_server.server import SlackServer
from tests.slack_server.state import (
    Bookmark,
    Change,
    ChangeKind,
    Channel,
    Message,
    SlackError,
    UploadedFile,
    View,
)

__all__ = [
    "Bookmark",
    "CannotDoError",
    "Change",
    "ChangeKind",
    "Channel",
    "Choice",
    "Message",
    "Outcome",
    "Person",
    "SlackError",
    "SlackServer",
    "UploadedFile",
    "View",
    "render",
    "render_blocks",
]
