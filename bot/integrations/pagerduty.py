"""PagerDuty by its REST API: an incident pages an escalation policy, or one person.

An address is a service's id, `SERVICE:ESCALATION_POLICY`, a name that the secrets give one of
these, or a person's email. While an incident is open, PagerDuty refuses another with its key. One
that lands on the user who creates it is acknowledged at once and pages nobody.
"""

import asyncio
import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NoReturn
from urllib.parse import quote

from bot.integrations.deliveries import Delivery, instant, part, text
from bot.integrations.http import Answer
from bot.integrations.system import System
from bot.integrations.v3_webhooks import read_webhook
from bot.slack.truncation import shorten
from incidents.paging.port import (
    Accepted,
    Heard,
    HeardKind,
    OnCallPerson,
    Page,
    PagerRefused,
    PagerTemporary,
)

PUBLIC: Final = "https://api.pagerduty.com"
# Under `addresses` in the secrets: the service that pages of one person belong to.
PEOPLE: Final = "people"
LONGEST_TITLE: Final = 1024
_LONGEST_BODY: Final = 16 * 1024
_TARGET: Final = re.compile(r"([A-Z0-9]{6,20})(?::([A-Z0-9]{6,20}))?")
_IS_DUPLICATE, _IS_OVER = "dedup key already exists", "already resolved"
# What `from` does is what we did: no sign that anybody is awake.
_OWN: Final = frozenset({HeardKind.ACKNOWLEDGED, HeardKind.RESOLVED})
# Less than a webhook's answer may take.
_LOOKUP_SECONDS: Final = 1.0


class PagerDuty(System):
    """One account; `token` and `from`, a user of it who is never on call, are in the secrets."""

    keeps_keys = True
    can_acknowledge = True
    can_tell_on_call = True

    def __init__(self, **given: Any) -> None:
        """Store what every pager has."""
        super().__init__(**given)
        # Users by id and by email in small letters; they hardly ever change.
        self._emails: dict[str, str] = {}
        self._ids: dict[str, str] = {}

    async def trigger(self, page: Page) -> Accepted:
        """Open an incident, or find the one that this key opened, or that the page adopts.

        Whoever creates an incident that lands on them has acknowledged it: it wakes nobody.
        """
        found = await self._open_one(page.remote_id)
        if found is None:
            found = await self._create(page)
        if await self._is_own(found):
            await self._give_up(page, found)
        return _accepted(found)

    async def _create(self, page: Page) -> Mapping[str, Any]:
        try:
            answer = await self._call(
                "POST", "/incidents", body={"incident": await self._new(page)}
            )
        except PagerRefused as refusal:
            if _IS_DUPLICATE not in refusal.error:
                raise
            found = await self._find(page.key)
            if found is None:
                raise PagerTemporary(f"{self.name} has just closed the page") from None
            return found
        made = part(answer.body, "incident")
        if text(made, "status") == "acknowledged":
            await self._give_up(page, made)
        return made if isinstance(made, Mapping) else {}

    async def _give_up(self, page: Page, own: Mapping[str, Any]) -> NoReturn:
        """End an incident that wakes nobody. Raises: PagerRefused; PagerTemporary."""
        with contextlib.suppress(PagerRefused):
            await self._set(replace(page, remote_id=text(own, "id")), "resolved")
        raise self._own_incident(f"{self._secrets.sender}, `from` in the secrets file, is on call")

    async def _open_one(self, incident: str) -> Mapping[str, Any] | None:
        """Return the incident with this id, if it is there and still open."""
        if not incident:
            return None
        try:
            answer = await self._call("GET", f"/incidents/{quote(incident, safe='')}")
        except PagerRefused:  # another account's, or deleted
            return None
        found = part(answer.body, "incident")
        is_open = isinstance(found, Mapping) and text(found, "status") != "resolved"
        return found if is_open else None

    async def _is_own(self, incident: Mapping[str, Any]) -> bool:
        """Tell whether nobody but who creates our incidents has acknowledged it."""
        given = part(incident, "acknowledgements")
        if text(incident, "status") != "acknowledged" or not isinstance(given, list):
            return False
        users = {text(one, "acknowledger", "id") for one in given}
        return {(await self._email_of(one)).casefold() for one in users} == {
            self._secrets.sender.casefold()
        }

    async def update(self, page: Page, text: str) -> None:
        """Add a note."""
        await self._note(await self._id_of(page), text)

    async def acknowledge(self, page: Page, *, by: str) -> None:
        """Acknowledge the incident, and note who is on it."""
        found = await self._set(page, "acknowledged")
        if found and page.title:
            await self._note(found, f"{by} is on it.")

    async def resolve(self, page: Page) -> None:
        """Resolve the incident; one that is resolved already stays so."""
        await self._set(page, "resolved")

    async def on_call(self, address: str) -> Sequence[OnCallPerson]:
        """Return who is on call for the service, first level first, each person once."""
        if "@" in self._known_as(address):
            return ()
        service, policy = self._target(address)
        if not policy:
            answer = await self._call("GET", f"/services/{service}")
            policy = answer.text("service", "escalation_policy", "id")
        params = {"escalation_policy_ids[]": policy, "include[]": "users", "limit": "100"}
        answer = await self._call("GET", "/oncalls", params=params)
        duties = sorted(_list(answer, "oncalls"), key=_level)
        found: dict[str, OnCallPerson] = {}
        for duty in duties:
            person = OnCallPerson(
                name=text(duty, "user", "name") or text(duty, "user", "summary"),
                email=text(duty, "user", "email"),
                until=instant(duty, "end"),
            )
            found.setdefault(text(duty, "user", "id"), person)
        return tuple(found.values())

    async def receive(self, delivery: Delivery) -> Sequence[Heard]:
        """Read a V3 webhook, and look up who acted. Raises: Unproven, Unreadable."""
        told = read_webhook(delivery, self.key, self._secrets.webhook_secrets)
        if told is None:
            return ()
        heard, user = told
        email = await self._email_of(user)
        if email.casefold() == self._secrets.sender.casefold() and heard.kind in _OWN:
            return ()
        # Of somebody unknown, a refusal to join says nothing of the person paged.
        is_news = bool(email) or heard.kind is not HeardKind.DECLINED
        return (replace(heard, email=email),) if is_news else ()

    async def _new(self, page: Page) -> dict[str, Any]:
        known_as = self._known_as(page.address)
        is_person = "@" in known_as
        service, policy = self._target(PEOPLE if is_person else page.address)
        lines = [f"{name}: {value}" for name, value in page.details.items()]
        details = "\n".join(filter(None, (*lines, page.link)))
        new: dict[str, Any] = {
            "type": "incident",
            "title": shorten(page.headline, LONGEST_TITLE),
            "service": {"id": service, "type": "service_reference"},
            "urgency": "high" if page.is_urgent else "low",
            "incident_key": page.key,
        }
        if details:
            new["body"] = {"type": "incident_body", "details": shorten(details, _LONGEST_BODY)}
        if is_person:
            user = await self._user(known_as)
            new["assignments"] = [{"assignee": {"id": user, "type": "user_reference"}}]
        elif policy:
            new["escalation_policy"] = {"id": policy, "type": "escalation_policy_reference"}
        return new

    def _known_as(self, address: str) -> str:
        return self._secrets.addresses.get(address, address)

    def _target(self, address: str) -> tuple[str, str]:
        """Return the ids of a service and an escalation policy, "" for the service's own.

        Raises: PagerRefused.
        """
        found = _TARGET.fullmatch(self._known_as(address))
        if found is None:
            what = f"the secrets file has no service id for {self.key}/{address}"
            raise PagerRefused(what)
        return found[1], found[2] or ""

    async def _user(self, email: str) -> str:
        """Return the id of the user with this email. Raises: PagerRefused."""
        wanted = email.casefold()
        if wanted == self._secrets.sender.casefold():
            raise self._own_incident(f"{email} is `from` in the secrets file")
        if wanted not in self._ids:
            answer = await self._call("GET", "/users", params={"query": email, "limit": "100"})
            for one in _list(answer, "users"):
                self._ids[text(one, "email").casefold()] = text(one, "id")
        if wanted not in self._ids:
            raise PagerRefused(f"{self.name} has no user {email}")
        return self._ids[wanted]

    def _own_incident(self, because: str) -> PagerRefused:
        return PagerRefused(
            f"{self.name} doesn't page people for their own incidents, and {because}"
        )

    async def _email_of(self, user: str) -> str:
        """Return a user's email, or "" if PagerDuty doesn't tell it at once."""
        if user and user not in self._emails:
            try:
                async with asyncio.timeout(_LOOKUP_SECONDS):
                    answer = await self._call("GET", f"/users/{user}")
            except (TimeoutError, PagerTemporary, PagerRefused):
                return ""
            self._emails[user] = answer.text("user", "email")
        return self._emails.get(user, "")

    async def _id_of(self, page: Page) -> str:
        return page.remote_id or text(await self._find(page.key), "id")

    async def _find(self, key: str) -> Mapping[str, Any] | None:
        """Return the open incident with this key."""
        answer = await self._call("GET", "/incidents", params={"incident_key": key})
        found = _list(answer, "incidents")
        return next((one for one in found if text(one, "status") != "resolved"), None)

    async def _set(self, page: Page, status: str) -> str:
        """Set the status, and return the incident's id; "" if it is over."""
        found = await self._id_of(page)
        body = {"incident": {"type": "incident_reference", "status": status}}
        try:
            if found:
                await self._call("PUT", f"/incidents/{found}", body=body)
        except PagerRefused as refusal:
            if _IS_OVER not in refusal.error.casefold():
                raise
            return ""
        return found

    async def _note(self, incident: str, content: str) -> None:
        body = {"note": {"content": shorten(content, _LONGEST_BODY)}}
        if incident:
            await self._call("POST", f"/incidents/{incident}/notes", body=body)

    async def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
    ) -> Answer:
        token, sender = self._secrets.token, self._secrets.sender
        missing = [name for name, value in (("token", token), ("from", sender)) if not value]
        if missing:
            what = " and no ".join(f"`{name}`" for name in missing)
            raise PagerRefused(f"the secrets file has no {what} for {self.key}")
        headers = {"Authorization": f"Token token={token}", "From": sender}
        return await self._http.call(
            method, f"{self._url}{path}", headers=headers, params=params, body=body
        )


def _accepted(incident: object) -> Accepted:
    return Accepted(remote_id=text(incident, "id"), url=text(incident, "html_url"))


def _list(answer: Answer, name: str) -> Sequence[Mapping[str, Any]]:
    found = part(answer.body, name)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _level(duty: Mapping[str, Any]) -> int:
    level = part(duty, "escalation_level")
    return level if isinstance(level, int) else 0
