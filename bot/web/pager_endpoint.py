"""What pagers tell us: `POST /pagers/{key}`, and `/pagers/{key}/{secret}` for those that can't sign.

Each delivery is proven before it is parsed, and committed before it is answered. It never logs a
body or a path's secret. When we can't record it the answer is 503, which pagers repeat, never 429.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import web

from bot.framework.requests import Services
from bot.integrations.deliveries import Delivery, Unproven, Unreadable
from bot.integrations.system import System
from bot.web.bodies import BodyReader, Refused
from incidents.paging.port import Heard
from incidents.storage.deadline import Deadline, bound_by

# GoAlert waits three seconds, PagerDuty five.
ANSWER_SECONDS: Final = 2.5

Hear = Callable[[Services, Heard], Awaitable[object]]

log = structlog.get_logger(__name__)


class PagerEndpoint:
    """Hears the pagers of the policy in force."""

    def __init__(
        self,
        services: Services,
        *,
        is_open: Callable[[], bool],
        hear: Hear,
    ) -> None:
        """Store how to find a pager, whether we record now, and the use case that hears it."""
        self.bodies = BodyReader()
        self._services = services
        self._is_open = is_open
        self._hear = hear

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one delivery."""
        key = request.match_info["key"]
        try:
            heard = await self._read(request, key, await self.bodies.read(request))
            if not self._is_open():
                raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "not ready", signed=True)
            with bound_by(Deadline(time.monotonic() + ANSWER_SECONDS)):
                for one in heard:
                    await self._hear(self._services, one)
        except Refused as refused:
            tell = log.warning if refused.signed else log.debug
            tell("pager_refused", reason=refused.reason, status=int(refused.status))
            return refused.response()
        except Exception:
            # The pager repeats it: a database that doesn't answer, or a mistake of ours.
            log.exception("pager_not_heard", pager=key)
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
        return web.Response()

    async def _read(self, request: web.Request, key: str, raw: bytes) -> Sequence[Heard]:
        pager = self._services.pagers.find(self._services.policy, key)
        delivery = Delivery(
            raw=raw,
            headers=request.headers,
            arrived_at=self._services.clock.now(),
            secret=request.match_info.get("secret", ""),
        )
        try:
            if not isinstance(pager, System):
                raise Unproven
            return await pager.receive(delivery)
        except Unproven:
            # The same for a pager that doesn't exist: nobody learns which there are.
            raise Refused(HTTPStatus.UNAUTHORIZED, "not proven") from None
        except Unreadable as unreadable:
            raise Refused(HTTPStatus.BAD_REQUEST, str(unreadable), signed=True) from None
