"""Calls to outside systems: what their answers, timeouts and drops mean for us.

A call that nobody answered, or that ended in the system's own failure, may have taken effect.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final

import aiohttp

from incidents.core.clock import Clock
from incidents.paging.port import PagerRefused, PagerTemporary

# Less than people wait for; the page must be accepted within five seconds, or tried again.
CALL_SECONDS: Final = 5.0
_MOST_BYTES: Final = 1024 * 1024
_LONGEST_ERROR: Final = 200
# Far more than an error and the longest secret.
_LONGEST_TOLD: Final = 4096
_LONGEST_WAIT: Final = timedelta(hours=1)
_TOO_MANY: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT})
_JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a system answered: the status, and its JSON (None if it wasn't any)."""

    status: int
    body: Any = None

    def text(self, *way: str) -> str:
        """Return a text or number inside the answer, by the keys that lead to it, else ""."""
        found = self.body
        for key in way:
            found = found.get(key) if isinstance(found, Mapping) else None
        return str(found) if isinstance(found, str | int) else ""


@dataclass(frozen=True, slots=True)
class Http:
    """A session for one system; `hidden` are texts that no error may repeat."""

    session: aiohttp.ClientSession
    clock: Clock
    name: str
    hidden: tuple[str, ...] = field(default=(), repr=False)
    seconds: float = CALL_SECONDS

    async def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        body: object = None,
        fine: Iterable[int] = (),
    ) -> Answer:
        """Call the system with a JSON body, or one in bytes; statuses in `fine` count as success.

        Raises:
            PagerTemporary: it may work later; `uncertain` if it may have worked already.
            PagerRefused: it won't work.
        """
        given = {"Accept": _JSON, **(headers or {})}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if data is not None:
            given.setdefault("Content-Type", _JSON)
        try:
            async with self.session.request(
                method,
                url,
                headers=given,
                params=params,
                data=data,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=self.seconds),
            ) as response:
                raw = await _read(response.content)
        except aiohttp.InvalidURL:
            raise PagerRefused(f"the `url` of {self.name} in the policy isn't valid") from None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            raise PagerTemporary(f"{self.name} can't be reached") from None
        except TimeoutError:
            what = f"{self.name} didn't answer in {self.seconds:g} s"
            raise PagerTemporary(what, uncertain=True) from None
        except aiohttp.ClientError:
            raise PagerTemporary(f"{self.name} closed the connection", uncertain=True) from None
        answer = Answer(response.status, _parsed(raw))
        if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES or answer.status in fine:
            return answer
        raise self._failure(answer, raw, response.headers)

    def _failure(
        self, answer: Answer, raw: bytes, headers: Mapping[str, str]
    ) -> PagerTemporary | PagerRefused:
        told = self._told(answer, raw)
        error = f"{self.name} answered {answer.status}{': ' if told else ''}{told}"
        if answer.status in _TOO_MANY:
            return PagerTemporary(error, retry_after=self._retry_after(headers))
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return PagerTemporary(error, uncertain=True, retry_after=self._retry_after(headers))
        return PagerRefused(error)

    def _told(self, answer: Answer, raw: bytes) -> str:
        """Return the system's own words, on one line, short, and without secrets."""
        found = next((text for way in _WORDS if (text := answer.text(*way))), "")
        if isinstance(answer.body, Mapping):
            more = answer.body.get("error", answer.body)
            errors = more.get("errors") if isinstance(more, Mapping) else None
            if isinstance(errors, list):
                found = ": ".join(filter(None, (found, ", ".join(map(str, errors)))))
        elif answer.body is None and b"<" not in raw:
            # Not cut yet: the beginning of a secret would be shown.
            found = raw[:_LONGEST_TOLD].decode("utf-8", "replace")
        for secret in self.hidden:
            found = found.replace(secret, "…")
        found = re.sub(r"\s+", " ", found).strip()
        return found if len(found) <= _LONGEST_ERROR else f"{found[: _LONGEST_ERROR - 1]}…"

    def _retry_after(self, headers: Mapping[str, str]) -> timedelta | None:
        """Return how long it asks us to wait: seconds, or until an instant; at most an hour."""
        text = headers.get("Retry-After") or headers.get("ratelimit-reset") or ""
        if text.isascii() and text.isdigit():
            return min(timedelta(seconds=int(text[:9])), _LONGEST_WAIT)
        try:
            wait = parsedate_to_datetime(text) - self.clock.now()
        except (TypeError, ValueError):
            return None
        return min(max(wait, timedelta()), _LONGEST_WAIT)


_WORDS: Final = (("error", "message"), ("error",), ("message",))


async def _read(content: aiohttp.StreamReader) -> bytes:
    """Return the body; of one that is too long only a part, which can't be parsed."""
    raw = bytearray()
    # One read returns what has come so far, and most answers come in pieces.
    while len(raw) < _MOST_BYTES and (piece := await content.read(_MOST_BYTES - len(raw))):
        raw += piece
    return bytes(raw)


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None
