"""Effects of this feature: what pagers are asked to do."""

import uuid
from dataclasses import dataclass
from typing import ClassVar

from incidents.engine.effects import Effect


@dataclass(frozen=True, kw_only=True)
class TriggerPage(Effect):
    """Page an address: somebody has to come."""

    kind: ClassVar[str] = "trigger_page"
    page_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class AcknowledgePage(Effect):
    """Say there that somebody is on it."""

    kind: ClassVar[str] = "acknowledge_page"
    hurries: ClassVar[bool] = True
    page_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class ResolvePage(Effect):
    """End a page there."""

    kind: ClassVar[str] = "resolve_page"
    hurries: ClassVar[bool] = True
    page_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class SendTrialPage(Effect):
    """Send a test page."""

    kind: ClassVar[str] = "send_trial_page"
    page_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class EndTrialPage(Effect):
    """End a test page there."""

    kind: ClassVar[str] = "end_trial_page"
    page_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class ShowTrial(Effect):
    """Show the person who asked for a test how far it is."""

    kind: ClassVar[str] = "show_trial"
    one_persons_own: ClassVar[bool] = True
    trial_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class UpdatePage(Effect):
    """Tell a page's pager what the incident is now."""

    kind: ClassVar[str] = "update_page"
    page_id: uuid.UUID
