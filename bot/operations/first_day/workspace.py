"""What Slack knows for a first policy: user groups, channels, people, their time zone."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from bot.operations.first_day.draft import Named, ServiceDraft, country_of
from bot.slack.errors import SlackFailure
from bot.slack.gateway import SlackGateway
from bot.slack.gateway.people import SlackUser, UserGroup
from incidents.policy.references import Invitee

# How groups of people on call are usually called, behind the service's name.
_ON_CALL: Final = ("-oncall", "-on-call", "_oncall", "-primary")
_OWNERS: Final = ("-team", "-owners", "-dev", "")
_ASKED: Final = 5


class NamesNobody(ValueError):
    """A name fits nobody; the message is a whole sentence."""


@dataclass(slots=True)
class Workspace:
    """The workspace as far as Slack tells; without a gateway, names are taken as typed."""

    gateway: SlackGateway | None = None
    name: str = "your workspace"
    groups: Sequence[UserGroup] = ()
    country: str = ""
    troubles: list[str] = field(default_factory=list)

    async def look(self) -> None:
        """Ask Slack for what helps; what it refuses is noted, and asked of the user."""
        if self.gateway is None:
            return
        try:
            identity = await self.gateway.auth_test()
        except SlackFailure as error:
            self._trouble("anything", error, "every name is taken as you type it")
            self.gateway = None
            return
        self.name, self.gateway.team_id = identity.team, identity.team_id
        try:
            self.groups = await self.gateway.groups()
        except SlackFailure as error:
            self._trouble("the user groups", error, "name people instead")
            return
        await self._find_country(self.gateway)

    async def has_channel(self, name: str) -> bool | None:
        """Tell whether a channel is there; None if Slack doesn't say."""
        try:
            if self.gateway is None:
                return None
            return await self.gateway.find_channel(name) is not None
        except SlackFailure as error:
            self._trouble("the channels", error, f"make sure that {name} is there")
            return None

    def services(self) -> tuple[ServiceDraft, ...]:
        """Return a service for each group that is on call for one, by its name."""
        by_handle = {group.handle: group for group in self.groups}
        return tuple(
            self._service(prefix, group, by_handle)
            for group in sorted(self.groups, key=lambda one: one.handle)
            if (prefix := _prefix_of(group.handle))
        )

    async def find(self, typed: str) -> Named:
        """Return the person or group that these words name. Raises: NamesNobody."""
        words = typed.strip()
        group = next((one for one in self.groups if words in {f"@{one.handle}", one.id}), None)
        if group is not None:
            return _named(group)
        try:
            TypeAdapter[Any](Invitee).validate_python(words)
        except ValidationError:
            raise NamesNobody(
                f"`{words}` names nobody: write an address, a member id, or a group such as "
                f"{self._example()}."
            ) from None
        if words.startswith("@") and self.groups:
            raise NamesNobody(f"There is no user group {words}. Perhaps {self._example()}?")
        if self.gateway is None or words.startswith(("@", "S")):
            return Named(words)
        try:
            user = await _find_user(self.gateway, words)
        except SlackFailure as error:
            self._trouble(words, error, "it is taken as you typed it")
            return Named(words)
        if user is None or not user.is_active:
            raise NamesNobody(f"{words} isn't an active member of {self.name}.")
        return Named(user.id, user.name)

    async def _find_country(self, gateway: SlackGateway) -> None:
        """Take the country of most people in the first group that is on call."""
        on_call = next((group for group in self.groups if _prefix_of(group.handle)), None)
        try:
            ids = await gateway.group_members(on_call.id) if on_call else ()
            zones = [(await gateway.user(one)).zone for one in ids[:_ASKED]]
        except SlackFailure as error:
            self._trouble("time zones", error, "choose the country yourself")
            return
        found = Counter(zone for zone in zones if zone).most_common(1)
        self.country = country_of(found[0][0]) if found else ""

    def _service(
        self, prefix: str, on_call: UserGroup, by_handle: Mapping[str, UserGroup]
    ) -> ServiceDraft:
        owners = (by_handle.get(f"{prefix}{ending}") for ending in _OWNERS)
        owner = next(filter(None, owners), None)
        return ServiceDraft(
            name=prefix.replace("-", " ").replace("_", " ").capitalize(),
            on_call=_named(on_call),
            owner=_named(owner) if owner else None,
        )

    def _example(self) -> str:
        return f"@{self.groups[0].handle}" if self.groups else "@checkout-oncall"

    def _trouble(self, what: str, error: SlackFailure, then: str) -> None:
        self.troubles.append(f"Slack didn't tell about {what} ({error.error}): {then}.")


def _prefix_of(handle: str) -> str:
    ending = next((one for one in _ON_CALL if handle.endswith(one)), "")
    return handle.removesuffix(ending) if ending else ""


def _named(group: UserGroup) -> Named:
    return Named(group.id, f"@{group.handle}")


async def _find_user(gateway: SlackGateway, words: str) -> SlackUser | None:
    if "@" in words:
        return await gateway.lookup_email(words)
    try:
        return await gateway.user(words)
    except SlackFailure as error:
        if error.error in {"user_not_found", "user_not_visible"}:
            return None
        raise
