"""The embedded Slack as tests, demo and benchmarks use it."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Self, TypeVar

import aiohttp
from aiohttp import web

from tests.slack_server.backend import Backend
from tests.slack_server.delivery.delivery import RETRY_DELAYS, Deliveries
from tests.slack_server.delivery.failures import Failures
from tests.slack_server.delivery.faults import Faults
from tests.slack_server.delivery.gate import UPLOAD_URL, Gate
from tests.slack_server.delivery.http_delivery import HttpTransport
from tests.slack_server.delivery.rate_limits import RateLimits
from tests.slack_server.delivery.responses import Responses
from tests.slack_server.delivery.socket_mode import SocketHub
from tests.slack_server.delivery.wire import user_json
from tests.slack_server.interaction import channel_actions
from tests.slack_server.interaction.interactions import Stage
from tests.slack_server.interaction.people import Person
from tests.slack_server.journal import ApiCall, Journal
from tests.slack_server.state import (
    Change,
    Channel,
    Kind,
    Message,
    UploadedFile,
    User,
    UserGroup,
    View,
)
from tests.slack_server.web_api import WebApi
from tests.slack_server.workspace import utc_now

T = TypeVar("T")

# Conditions may depend on what Slack can't see, such as the app's database.
_LOOK_AGAIN = 0.1  # seconds
_UPLOAD_BYTES = 64 * 1024 * 1024


class SlackServer(Failures):
    """A whole Slack on 127.0.0.1; see the package's docstring for how to use it."""

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] = utc_now,
        latency: float = 0.0,
        rate_limits: bool = True,
        scopes: Iterable[str] | None = None,
        subscriptions: Iterable[str] | None = None,
        retry_delays: tuple[float, ...] = RETRY_DELAYS,
    ) -> None:
        self.backend = Backend(clock, scopes=scopes)
        self.ws = self.backend.ws
        self.journal = Journal()
        self.faults = Faults(latency)
        self.rate_limits = RateLimits(clock, enabled=rate_limits)
        self.sockets = SocketHub(self.backend, self.faults)
        self.deliveries = Deliveries(
            self.ws,
            transport=self.sockets,
            subscriptions=subscriptions,
            retry_delays=retry_delays,
        )
        self.ws.emitters.append(self.deliveries.emit)
        self._gate = Gate(self.ws, journal=self.journal, faults=self.faults)
        self._api = WebApi(self.backend, gate=self._gate, limits=self.rate_limits)
        self._responses = Responses(self.backend, self._gate)
        self._stage = Stage(self.backend, self.deliveries, self._responses)
        self._people: dict[str, Person] = {}
        self._closing = contextlib.AsyncExitStack()
        self._session: aiohttp.ClientSession | None = None
        general = self.ws.add_channel("general", kind=Kind.PUBLIC, creator=self.ws.slackbot.id)
        general.is_general = True

    async def __aenter__(self) -> Self:
        self._session = await self._closing.enter_async_context(aiohttp.ClientSession())
        app = web.Application(client_max_size=_UPLOAD_BYTES)
        app.router.add_route("*", "/api/{method}", self._api.serve)
        app.router.add_post("/upload/{file_id}", self._take_upload)
        app.router.add_post("/response/{token:.+}", self._responses.serve)
        app.router.add_get("/link/", self.sockets.serve)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        self._closing.push_async_callback(runner.cleanup)
        self._closing.push_async_callback(self._let_go)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.backend.base_url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self._closing.aclose()

    # what the app needs to know

    @property
    def api_url(self) -> str:
        """Base URL of the Web API, with `/` at the end."""
        return f"{self.backend.base_url}/api/"

    @property
    def bot_token(self) -> str:
        """The bot's token."""
        return self.backend.bot_token

    @property
    def app_token(self) -> str:
        """The app-level token, for Socket Mode."""
        return self.backend.app_token

    @property
    def signing_secret(self) -> str:
        """The secret that signs HTTP deliveries."""
        return self.backend.signing_secret

    @property
    def team_id(self) -> str:
        """The workspace's id."""
        return self.ws.team_id

    @property
    def bot(self) -> User:
        """The app's bot, for `alice.invites(slack.bot, …)` and `kicks`."""
        return self.ws.bot

    @property
    def bot_user_id(self) -> str:
        """The bot's `U…` id."""
        return self.ws.bot.id

    def use_http(self, url: str) -> None:
        """Deliver everything to this URL from now on, signed."""
        if self._session is None:
            raise RuntimeError("enter the server first")
        self.deliveries.transport = HttpTransport(
            self._session, url=url, secret=self.signing_secret
        )

    def use_sockets(self) -> None:
        """Deliver everything over Socket Mode from now on (the default)."""
        self.deliveries.transport = self.sockets

    async def connected(self, n: int = 1, *, timeout: float = 10.0) -> None:
        """Wait until `n` sockets are open."""
        await self.wait_for(lambda: self.sockets.connections >= n, timeout=timeout)

    # setting up

    def add_person(
        self,
        handle: str,
        *,
        name: str = "",
        tz: str = "Europe/Berlin",
        guest: bool | str = False,
        external_team: str | None = None,
        email: str | None = None,
    ) -> Person:
        """Add someone; they join #general unless a guest (`"single"` for one channel only)."""
        kind = guest if isinstance(guest, str) else ("multi" if guest else "")
        user = User(
            id=self.ws.ids.mint("U"),
            name=handle,
            real_name=name or handle.title(),
            team_id=external_team or self.team_id,
            email="" if external_team else (email or f"{handle}@example.com"),
            tz=tz,
            guest=kind,
        )
        self.ws.add_user(user)
        if not kind and not external_team:
            self.channel("general").members.append(user.id)
        self._people[user.id] = Person(user, self._stage)
        return self._people[user.id]

    def add_people(self, *handles: str) -> tuple[Person, ...]:
        """Add several people."""
        return tuple(self.add_person(handle) for handle in handles)

    def add_channel(
        self,
        name: str,
        *,
        private: bool = False,
        members: Iterable[Person | User] = (),
        external: bool = False,
        read_only: bool = False,
    ) -> Channel:
        """Add an existing channel without events; the bot is in it only if listed."""
        kind = Kind.PRIVATE if private else Kind.PUBLIC
        ids = [member.id for member in members]
        creator = ids[0] if ids else self.ws.slackbot.id
        channel = self.ws.add_channel(name, kind=kind, creator=creator, members=ids)
        channel.is_external, channel.read_only = external, read_only
        return channel

    def share(self, channel: Channel, *, team_id: str = "T0PARTNER", tells: bool = True) -> None:
        """Share a channel with another organisation; without `tells`, no event says so."""
        channel_actions.share(self.ws, channel, team_id=team_id, tells=tells)

    def unshare(self, channel: Channel, *, team_id: str = "T0PARTNER", tells: bool = True) -> None:
        """End the sharing; without `tells`, no event says so."""
        channel_actions.unshare(self.ws, channel, team_id=team_id, tells=tells)

    def change_id(self, channel: Channel) -> None:
        """Give a channel another id."""
        channel_actions.change_id(self.ws, channel)

    def merge(self, channel: Channel, *, into: Channel) -> None:
        """Merge a channel into another one."""
        channel_actions.merge(self.ws, channel, into)

    def add_group(self, handle: str, members: Iterable[Person]) -> UserGroup:
        """Add a user group."""
        users = [member.id for member in members]
        return self.ws.add_group(UserGroup(self.ws.ids.mint("S"), handle, handle.title(), users))

    def change_group(self, handle: str, members: Iterable[Person]) -> None:
        """Change who is in a user group, and emit the event."""
        group = next(g for g in self.ws.groups.values() if g.handle == handle)
        users = [member.id for member in members]
        event = {
            "type": "subteam_members_changed",
            "subteam_id": group.id,
            "team_id": self.team_id,
            "added_users": [user for user in users if user not in group.users],
            "removed_users": [user for user in group.users if user not in users],
        }
        group.users = users
        self.ws.emit(event)

    def change_person(self, person: Person, **changes: Any) -> None:
        """Change a profile (`real_name`, `tz`, `email`, `guest`, `status` …), and emit the event."""
        for key, value in changes.items():
            setattr(person.user, key, value)
        self.ws.names[person.id] = f"@{person.user.name}"
        self.ws.emit({"type": "user_change", "user": user_json(person.user)})

    def welcome(self, person: Person) -> None:
        """Tell the app that someone is new, as Slack does with `team_join`."""
        self.ws.emit({"type": "team_join", "user": user_json(person.user)})

    def deactivate(self, person: Person) -> None:
        """Deactivate an account."""
        for channel in self.ws.channels.values():
            if person.id in channel.members and channel.kind is not Kind.DIRECT:
                channel_actions.leave(self.ws, channel, person.user)
        self.change_person(person, deleted=True)

    # looking

    def channel(self, name_or_id: str) -> Channel:
        """Return a channel by its current name or id.

        Raises: LookupError with all channel names.
        """
        found = self.ws.find_channel(name_or_id)
        if found is None:
            names = sorted(c.name for c in self.ws.channels.values() if c.name)
            raise LookupError(f"no channel {name_or_id!r}; there are {names}")
        return found

    def find_channel(self, name_or_id: str) -> Channel | None:
        """Find a channel by its current name or id."""
        return self.ws.find_channel(name_or_id)

    @property
    def channels(self) -> list[Channel]:
        """All channels, oldest first, without direct conversations."""
        return [c for c in self.ws.channels.values() if c.kind in (Kind.PUBLIC, Kind.PRIVATE)]

    def dm(self, person: Person) -> Channel:
        """Return a person's direct conversation with the bot."""
        return self.ws.open_dm(person.id)

    def group_dm(self, *people: Person) -> Channel:
        """Return the bot's group conversation with exactly these people.

        Raises: LookupError if nobody opened it.
        """
        found = self.ws.find_group_dm([person.id for person in people])
        if found is None:
            raise LookupError(f"no group conversation with {people}")
        return found

    def home(self, person: Person) -> View | None:
        """Return what is published on a person's home tab."""
        return self.ws.homes.get(person.id)

    def person(self, handle_or_id: str) -> Person:
        """Return a person by handle or id."""
        user = self.ws.find_user(handle_or_id)
        if user is None:
            raise LookupError(f"nobody is called {handle_or_id!r}")
        return self._people[user.id]

    @property
    def files(self) -> list[UploadedFile]:
        """All completed files."""
        return [file for file in self.ws.files.values() if file.complete]

    @property
    def messages(self) -> list[Message]:
        """All messages that aren't deleted, everywhere, with replies, by time."""
        everything = (m for c in self.ws.channels.values() for m in c.everything)
        return sorted(everything, key=lambda m: m.ts)

    @property
    def violations(self) -> list[str]:
        """What the app sent that broke Slack's limits; a good test ends with none."""
        return self.ws.violations

    @property
    def calls(self) -> list[ApiCall]:
        """All Web API calls in order."""
        return self.journal.calls

    def calls_of(self, *methods: str) -> list[ApiCall]:
        """The calls of these methods."""
        return self.journal.of(*methods)

    def find(self, matches: Callable[[Message], bool] | str) -> Message | None:
        """Find the newest message that matches, or whose rendering contains a text."""
        return next((m for m in reversed(self.messages) if _matches(m, matches)), None)

    def on_change(self, callback: Callable[[Change], None]) -> None:
        """Call back for each visible change, at once and in order."""
        self.ws.watchers.append(callback)

    async def wait_for(
        self, condition: Callable[[], T | None], *, timeout: float = 5.0, saying: str = ""
    ) -> T:
        """Wait until a condition holds (checked on each change); return its result.

        Raises: AssertionError after `timeout` seconds, with the latest calls.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while not (result := condition()):
            left = deadline - loop.time()
            if left <= 0:
                calls = [f"{c.method} {c.error or 'ok'}" for c in self.calls[-12:]]
                what = f": {saying}" if saying else ""
                raise AssertionError(f"not within {timeout} s{what}; latest calls {calls}")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.ws.next_pulse(), min(left, _LOOK_AGAIN))
        return result

    async def _take_upload(self, request: web.Request) -> web.StreamResponse:
        file_id = request.match_info["file_id"]
        raw = await _uploaded(request)

        def run(entry: ApiCall) -> web.Response:
            file = self.ws.files.get(file_id)
            if file is None or len(raw) != file.length:
                return web.Response(status=400, text="length differs from what was announced")
            file.content = raw
            entry.ok = entry.took_effect = True
            return web.Response(text=f"OK - {len(raw)}")

        return await self._gate.let_through(
            request,
            method=UPLOAD_URL,
            args={"file": file_id},
            run=run,
            fail=self._api.respond,
        )

    async def _let_go(self) -> None:
        self.faults.release()
        await self.deliveries.close()
        await self.sockets.cut()

    def _is_busy(self) -> bool:
        return super()._is_busy() or bool(self.journal.under_way)


async def _uploaded(request: web.Request) -> bytes:
    if request.content_type != "multipart/form-data":
        return await request.read()
    for field in (await request.post()).values():
        if isinstance(field, web.FileField):
            return field.file.read()
    return b""


def _matches(message: Message, wanted: Callable[[Message], bool] | str) -> bool:
    return wanted in message.rendered if isinstance(wanted, str) else wanted(message)
