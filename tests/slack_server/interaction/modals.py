"""Open modals in stacks of at most three, and home tabs."""

import copy

from tests.slack_server.delivery.triggers import Trigger
from tests.slack_server.interaction.message_actions import with_block_ids
from tests.slack_server.render import Json
from tests.slack_server.state import ChangeKind, SlackError, User, View
from tests.slack_server.validation import check_view
from tests.slack_server.workspace import Workspace

DEEPEST_STACK = 3


class Modals:
    """What is on people's screens."""

    def __init__(self, ws: Workspace) -> None:
        self._ws = ws
        self._stacks: dict[str, list[View]] = {}

    def open(self, trigger: Trigger, payload: Json) -> View:
        """Open a modal for the person who gave the trigger."""
        view = self._make(trigger.user, payload, wanted="modal")
        view.root_view_id = view.id
        self._stacks[view.id] = [view]
        trigger.opened = view
        self._tell(ChangeKind.VIEW, view)
        return view

    def push(self, user: User, below: View, payload: Json) -> View:
        """Put a modal on top of another.

        Raises: SlackError `push_limit_reached`, `not_found`.
        """
        stack = self._stacks.get(below.root_view_id, [])
        if below not in stack:
            raise SlackError("not_found")
        if len(stack) >= DEEPEST_STACK:
            raise SlackError("push_limit_reached")
        view = self._make(user, payload, wanted="modal")
        view.root_view_id, view.previous_view_id = below.root_view_id, below.id
        stack.append(view)
        self._tell(ChangeKind.VIEW, view)
        return view

    def update(self, view: View, payload: Json, *, if_hash: str = "") -> View:
        """Replace what a view shows; fields that keep their ids keep their values.

        Raises: SlackError `hash_conflict`, `not_found`.
        """
        if not view.is_open:
            raise SlackError("not_found")
        if if_hash and if_hash != view.hash:
            raise SlackError("hash_conflict")
        view.payload = self._checked(payload, wanted=view.type)
        view.hash = self._ws.new_hash()
        kept = {block["block_id"] for block in view.blocks}
        view.values = {key: value for key, value in view.values.items() if key in kept}
        view.errors = {}
        self._tell(ChangeKind.VIEW_CHANGED, view)
        return view

    def publish(self, user: User, payload: Json, *, if_hash: str = "") -> View:
        """Publish a person's home tab.

        Raises: SlackError `hash_conflict`.
        """
        old = self._ws.homes.get(user.id)
        if old and if_hash and if_hash != old.hash:
            raise SlackError("hash_conflict")
        view = self._make(user, payload, wanted="home")
        if old:
            view.id = old.id
            self._ws.views[view.id] = view
        self._ws.homes[user.id] = view
        self._tell(ChangeKind.HOME, view)
        return view

    def close(self, view: View) -> View | None:
        """Close a view; return the one below, which shows again."""
        view.is_open = False
        stack = self._stacks.get(view.root_view_id, [])
        if view in stack:
            stack.remove(view)
        return stack[-1] if stack else None

    def clear(self, view: View) -> None:
        """Close the whole stack that a view is in."""
        for one in self._stacks.pop(view.root_view_id, []):
            one.is_open = False

    def find(self, *, view_id: str = "", external_id: str = "") -> View | None:
        """Find a view by its id or its `external_id`."""
        if view_id:
            return self._ws.views.get(view_id)
        return next(
            (
                view
                for view in reversed(self._ws.views.values())
                if external_id and view.payload.get("external_id") == external_id
            ),
            None,
        )

    def _make(self, user: User, payload: Json, *, wanted: str) -> View:
        checked = self._checked(payload, wanted=wanted)
        external = checked.get("external_id")
        taken = self.find(external_id=external) if external and wanted == "modal" else None
        if taken and taken.is_open:
            raise SlackError("duplicate_external_id")
        ws = self._ws
        view = View(ws.ids.mint("V"), user.id, checked, ws.new_hash(), ws.names)
        ws.views[view.id] = view
        return view

    def _checked(self, payload: Json, *, wanted: str) -> Json:
        self._ws.reject(check_view(payload), about=f"{wanted} view")
        if payload["type"] != wanted:
            raise SlackError("invalid_arguments")
        copied = copy.deepcopy(payload)
        copied["blocks"] = with_block_ids(self._ws, copied["blocks"])
        for block in copied["blocks"]:
            for element in (block.get("element"), block.get("accessory")):
                if element and element["type"] != "image":
                    element.setdefault("action_id", self._ws.ids.mint("a"))
        return copied

    def _tell(self, kind: ChangeKind, view: View) -> None:
        where = f"{view.type} {self._ws.names[view.user_id]}"
        self._ws.notify(kind, who=self._ws.bot.id, text=view.rendered, view=view, where=where)
