"""What every pager is made of: its part of the policy, its secrets, and calls to it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from bot.integrations.deliveries import Delivery, Unproven
from bot.integrations.http import Http
from config.secrets_file import PagerSecrets
from incidents.paging.port import Accepted, Heard, OnCallPerson, Page, PagerRefused


class System(ABC):
    """A pager that can only page; each system adds what it can do besides."""

    keeps_keys = False
    can_acknowledge = False
    can_tell_on_call = False

    def __init__(self, *, key: str, name: str, url: str, secrets: PagerSecrets, http: Http) -> None:
        """Store its key in the policy, the name people see, its address without a final slash."""
        self.key = key
        self.name = name
        self._url = url
        self._secrets = secrets
        self._http = http

    @abstractmethod
    async def trigger(self, page: Page) -> Accepted:
        """Page the address."""

    async def update(self, page: Page, text: str) -> None:  # noqa: B027 - most can't
        """Do nothing: it takes no news of a page."""

    async def acknowledge(self, page: Page, *, by: str) -> None:  # noqa: B027 - most can't
        """Do nothing: it can't be told."""

    @abstractmethod
    async def resolve(self, page: Page) -> None:
        """End the page."""

    async def on_call(self, address: str) -> Sequence[OnCallPerson]:
        """Return nobody: it has no schedules, or doesn't tell."""
        return ()

    async def hear(self, pages: Sequence[Page]) -> Sequence[Heard]:
        """Return nothing: it can't be asked."""
        return ()

    async def receive(self, delivery: Delivery) -> Sequence[Heard]:
        """Prove and read a delivery. Raises: Unproven, Unreadable."""
        raise Unproven

    def _address_key(self, page: Page) -> str:
        """Return the secret of the page's address. Raises: PagerRefused if there is none."""
        found = self._secrets.addresses.get(page.address)
        if found is None:
            raise PagerRefused(f"the secrets file has no key for {self.key}/{page.address}")
        return found
