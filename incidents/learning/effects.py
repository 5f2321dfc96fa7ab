"""Effects of learning: shadows, debriefs, mentors beside juniors.

Each is private to the people it names: it holds ids and no texts, and its failure isn't reported to
anybody else. Stored effects must stay readable (`effects.py`).
"""

import uuid
from dataclasses import dataclass
from typing import ClassVar

from incidents.engine.effects import Effect


@dataclass(frozen=True, kw_only=True)
class FollowLearners(Effect):
    """Follow up an entry for the incident's shadows, juniors and mentors."""

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
    """Tell a shadow about the incident, what to watch, and the questions of the debrief."""

    kind: ClassVar[str] = "send_shadow_brief"
    one_persons_own: ClassVar[bool] = True
    observation_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class CopyCall(Effect):
    """Send a shadow a copy of their mentor's call, to learn from; never through a pager."""

    kind: ClassVar[str] = "copy_call"
    one_persons_own: ClassVar[bool] = True
    escalation_id: uuid.UUID
    call_id: uuid.UUID
    person_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class ShowShadowing(Effect):
    """Show a mentor who shadows them, and keep that current; tell a shadow that it ended."""

    kind: ClassVar[str] = "show_shadowing"
    one_persons_own: ClassVar[bool] = True
    shadowing_id: uuid.UUID
    person_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class ShowDebrief(Effect):
    """Ask the owner for a debrief or show that it is written; `is_reminder`: ask again."""

    kind: ClassVar[str] = "show_debrief"
    one_persons_own: ClassVar[bool] = True
    debrief_id: uuid.UUID
    is_reminder: bool = False


@dataclass(frozen=True, kw_only=True)
class ShareDebrief(Effect):
    """Show a written debrief to one of its readers, or update it there."""

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
    """Forward a junior's request to others to the conversation with their mentor."""

    kind: ClassVar[str] = "forward_to_mentor"
    one_persons_own: ClassVar[bool] = True
    conversation_id: uuid.UUID
    entry_id: uuid.UUID
