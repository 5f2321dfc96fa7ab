"""Forms and the Home tab."""

from slack_sdk.models.views import View

from bot.slack.gateway.calls import SlackCalls
from bot.slack.rate_limits import Priority


class ViewCalls(SlackCalls):
    """Calls about views; a person waits for each of them."""

    async def open_view(self, *, trigger_id: str, view: View) -> None:
        """Open a form; a trigger is valid once, for three seconds."""
        arguments = {"trigger_id": trigger_id, "view": view}
        await self._call("views.open", arguments, priority=Priority.PERSON)

    async def update_view(self, *, view_id: str, view: View, if_hash: str | None = None) -> None:
        """Replace an open form; fields that keep their ids keep their typed text.

        Does nothing if the form was closed or, with `if_hash`, if it was updated meanwhile.
        """
        arguments = {"view_id": view_id, "view": view, "hash": if_hash}
        gone = frozenset({"not_found", "hash_conflict"})
        await self._call("views.update", arguments, done=gone, priority=Priority.PERSON)

    async def publish_home(
        self, user: str, view: View, *, priority: Priority = Priority.WORK
    ) -> None:
        """Show a person's Home tab."""
        await self._call("views.publish", {"user_id": user, "view": view}, priority=priority)
