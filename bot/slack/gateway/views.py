"""Forms and the Home tab."""

from dataclasses import dataclass

from slack_sdk.models.views import View

from bot.slack.gateway.calls import Answer, SlackCalls
from bot.slack.rate_limits import Priority


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownView:
    """A view on somebody's screen; `hash` keeps an update from overwriting a newer one."""

    id: str
    hash: str | None = None


class ViewCalls(SlackCalls):
    """Calls about views; a person waits for each of them."""

    async def open_view(self, *, trigger_id: str, view: View) -> ShownView:
        """Open a form; a trigger is valid once, for three seconds."""
        arguments = {"trigger_id": trigger_id, "view": view}
        return _shown(await self._call("views.open", arguments, priority=Priority.PERSON))

    async def update_view(self, *, view_id: str, view: View, if_hash: str | None = None) -> None:
        """Replace an open form; fields that keep their ids keep their typed text.

        Does nothing if the form was closed or, with `if_hash`, if it was updated meanwhile.
        """
        arguments = {"view_id": view_id, "view": view, "hash": if_hash}
        gone = frozenset({"not_found", "hash_conflict"})
        await self._call("views.update", arguments, done=gone, priority=Priority.PERSON)

    async def publish_home(self, user: str, view: View) -> None:
        """Show a person's Home tab."""
        await self._call("views.publish", {"user_id": user, "view": view})


def _shown(answer: Answer) -> ShownView:
    view = answer.get("view") or {}
    return ShownView(id=str(view.get("id") or ""), hash=view.get("hash"))
