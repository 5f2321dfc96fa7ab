"""Effects about learning: shadows, debriefs, mentors beside juniors.

Each is the business of the people it names alone: it holds ids and no word of what anybody
wrote, and that it failed is said to nobody else. Stored ones must stay readable (`effects.py`).
"""

import uuid
from dataclasses import dataclass
from typing import ClassVar

from incidents.engine.effects import Effect


@dataclass(frozen=True, kw_only=True)
class FollowLearners(Effect):
    """See what an entry means for those who learn in this incident: shadows, juniors, mentors."""

    kind: ClassVar[str] = "follow_learners"
    one_persons_own: ClassVar[bool] = True
    entry_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class InviteShadow(Effect):
    """Invite a shadow to the incident channel, unless the incident has become private."""

    kind: ClassVar[str] = "invite_shadow"
    needs_channel: ClassVar[bool] = True
    one_persons_own: ClassVar[bool] = True
    observation_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class SendShadowBrief(Effect):
    """Tell a shadow what this incident is, what to watch, and what is asked afterwards."""

    kind: ClassVar[str] = "send_shadow_brief"
    one_persons_own: ClassVar[bool] = True
    observation_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class ShowShadowing(Effect):
    """Tell the mentor who shadows them, and keep it current; tell a shadow that it was ended."""

    kind: ClassVar[str] = "show_shadowing"
    one_persons_own: ClassVar[bool] = True
    shadowing_id: uuid.UUID
    person_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class ShowDebrief(Effect):
    """Ask the owner for a debrief, or show that it is written; again as a reminder, if so."""

    kind: ClassVar[str] = "show_debrief"
    one_persons_own: ClassVar[bool] = True
    debrief_id: uuid.UUID
    is_reminder: bool = False


@dataclass(frozen=True, kw_only=True)
class ShareDebrief(Effect):
    """Show a written debrief to one of those it is shared with, or bring it up to date there."""

    kind: ClassVar[str] = "share_debrief"
    one_persons_own: ClassVar[bool] = True
    debrief_id: uuid.UUID
    person_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class ShowMentorConversation(Effect):
    """Open the group conversation of a junior and their mentor, and keep its message current."""

    kind: ClassVar[str] = "show_mentor_conversation"
    one_persons_own: ClassVar[bool] = True
    conversation_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class ForwardToMentor(Effect):
    """Forward what a junior asks others for to the conversation with their mentor."""

    kind: ClassVar[str] = "forward_to_mentor"
    one_persons_own: ClassVar[bool] = True
    conversation_id: uuid.UUID
    entry_id: uuid.UUID
