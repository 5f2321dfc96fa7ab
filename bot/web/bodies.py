"""Reads bodies that anybody may have sent: bounded in size, time and number."""

import asyncio
from http import HTTPStatus
from typing import Final

from aiohttp import web

MOST_BYTES: Final = 1024 * 1024
# Slack waits three seconds for an answer, so its bodies come at once; others' do too.
BODY_SECONDS: Final = 5.0
MOST_READING: Final = 128


class Refused(Exception):
    """A refused request, answered with `status`; anybody can send those that aren't `signed`."""

    def __init__(self, status: HTTPStatus, reason: str, *, signed: bool = False) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.signed = signed

    def response(self) -> web.Response:
        """Return the answer; what isn't signed ends its connection."""
        response = web.Response(status=self.status, text=self.reason)
        if not self.signed:
            response.force_close()
        return response


class BodyReader:
    """Reads the bodies of one endpoint."""

    def __init__(self) -> None:
        """Start with nothing being read."""
        self.body_seconds = BODY_SECONDS
        self.most_reading = MOST_READING
        self._reading = 0

    async def read(self, request: web.Request) -> bytes:
        """Return the body. Raises: Refused."""
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "encoded")
        if (request.content_length or 0) > MOST_BYTES:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too large")
        if self._reading >= self.most_reading:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "too many at once")
        self._reading += 1
        try:
            async with asyncio.timeout(self.body_seconds):
                return await request.read()
        except TimeoutError:
            raise Refused(HTTPStatus.REQUEST_TIMEOUT, "too slow") from None
        except web.HTTPRequestEntityTooLarge:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too large") from None
        except (web.RequestPayloadError, ConnectionError):
            raise Refused(HTTPStatus.BAD_REQUEST, "cut off or malformed") from None
        finally:
            self._reading -= 1
