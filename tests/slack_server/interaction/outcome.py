"""What a person sees after doing something."""

from dataclasses import dataclass, field

from tests.slack_server.delivery.delivery import Ack
from tests.slack_server.delivery.triggers import Trigger
from tests.slack_server.render import Json, render_blocks
from tests.slack_server.state import View
from tests.slack_server.workspace import Workspace


@dataclass(slots=True)
class Outcome:
    """The app's answer: whether in time, what it said, which form it opened."""

    ack: Ack
    ws: Workspace = field(repr=False)
    trigger: Trigger | None = field(default=None, repr=False)
    errors: dict[str, str] = field(default_factory=dict)
    action: str = ""
    shown: View | None = None
    error: str = ""

    @property
    def acked(self) -> bool:
        """Whether the app answered within 3 seconds and without an error."""
        return self.ack.ok

    @property
    def status(self) -> int:
        """HTTP status; 200 for an ack on a socket, 0 for none."""
        return self.ack.status

    @property
    def took(self) -> float:
        """Seconds from press to ack."""
        return self.ack.took

    @property
    def body(self) -> Json:
        """The ack's body, empty if it had none."""
        return self.ack.body or {}

    @property
    def text(self) -> str:
        """The text of a private answer in the ack."""
        return str(self.body.get("text") or "")

    @property
    def blocks(self) -> list[Json]:
        """The blocks of a private answer in the ack."""
        blocks: list[Json] = self.body.get("blocks") or []
        return blocks

    @property
    def rendered(self) -> str:
        """The private answer in the ack as people read it."""
        return render_blocks(self.blocks, self.ws.names) if self.blocks else self.text

    @property
    def view(self) -> View | None:
        """The form that appeared: opened by the trigger, or pushed or updated by the ack."""
        return self.shown or (self.trigger.opened if self.trigger else None)

    def get_view(self) -> View:
        """Return the form that appeared.

        Raises: AssertionError if none did.
        """
        view = self.view
        if view is None:
            raise AssertionError(f"no form appeared; the answer was {self.ack}")
        return view
