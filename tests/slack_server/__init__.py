"""An embedded Slack in the tests' own process, speaking Slack's real wire protocol.

It keeps state and is strict: it checks tokens, scopes, membership, names, limits and rate limits,
refuses what Slack would refuse, and lists every broken limit in `slack.violations`.

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
`sets_topic`, `converts(channel, private=)`, `deletes_channel`; `alice.ephemerals` holds what only she sees, including answers to her commands.
In texts `@handle` and `#channel` become mentions. A method returns once the app has answered, or
its time to ack is over; effects may still be under way: `wait_for` them. Doing what a person can't
do raises `CannotDoError`, which lists what they can. Name a form's fields by block id, action id or
label. Values are text, an option's value or label, `Person`, `Channel`, `datetime`, a list for a
multi-select, None to empty. To act on something outdated, keep `message.seen()`.

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

**Waiting**: `await slack.wait_for(condition, timeout=5)` returns the condition's result;
`await slack.quiet()` waits until nothing moves; `await slack.connected(n)` for `n` sockets.

**Failing** (`failures.py`): `fail(method, error=|status=, retry_after=, times=, match=, after=)`,
`drop(method, after=)`, `hang(method, after=)`, `delay(method, seconds)`, `slack.latency = …`,
`revoke_tokens(error)`, `go_down()`, `heal()`; the methods `response_url` and `upload_url` stand
for those two addresses; `refuse_handshakes(times)`, `disconnect(reason)`,
`cut_sockets()`, `pause_deliveries()`, `redeliver(delivery)` of `deliveries_of(type)`.
`slack.faults`, `slack.deliveries.ack_timeout` and `retry_delays=` tune the rest.

Slack retries unacked events after `retry_delays` (real seconds; Slack's own by default).

**Slack itself**: `share(channel)`, `unshare(channel)`, `change_id(channel)`, `merge(channel, into=)`;
with `tells=False`, no event says so.

**Setting up**: `add_person`, `add_people`, `add_channel`, `add_group` emit no events;
`change_person`, `change_group`, `deactivate`, `welcome` do. `scopes=` and `subscriptions=` of the
constructor take what a manifest grants.

**Raw**: `body, headers = slack.signed_request(body, timestamp=, secret=)`, then
`await slack.deliver_raw(body, headers)` gives status and text.

Time: message `ts`, rate limits, response_urls and the `Date` header follow the given clock;
signatures, trigger ids (3 s) and ack timeouts follow real time.
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
