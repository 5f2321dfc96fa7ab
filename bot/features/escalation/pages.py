"""What the card says about pages: who was paged, and who must be phoned."""

from collections.abc import Iterator
from typing import Final

from bot.slack import mentions
from bot.slack.truncation import shorten
from incidents.escalation.tables import CallStatus
from incidents.escalation.views import EscalationView, PageView
from incidents.paging.pages import OPEN, PageStatus

_MOST: Final = 8
_LONGEST_ERROR: Final = 120

MAY_NOT_WAKE: Final = (
    "A Slack message may not wake anybody, and no pager reaches the people called. "
    "If it can't wait, phone them."
)


def page_lines(view: EscalationView) -> Iterator[str]:
    """Yield a line for each page, newest last."""
    if view.pages:
        yield "*Paged*"
    for page in view.pages[-_MOST:]:
        at = mentions.date(page.created_at, "{time}")
        whom = mentions.mention(page.person.external_id) if page.person else f"`{page.address}`"
        yield f"• {at} {whom} through {_pager(page)}: {_stand(page, view)}"


def wake_note(view: EscalationView) -> str:
    """Return what people must know about being woken, while nobody is on it."""
    if not view.is_unanswered:
        return ""
    # What has failed and is only being tried again wakes nobody yet.
    pages = [one for one in view.pages if one.status in OPEN and not _is_stuck(one)]
    if not pages:
        return MAY_NOT_WAKE
    if any(one.person is None for one in pages):  # of a service: it wakes the person on call there
        return ""
    paged = {one.person.id for one in pages if one.person is not None}
    waiting = (one.person for one in view.calls if one.status is CallStatus.OPEN)
    missed = [mentions.mention(one.external_id) for one in waiting if one.id not in paged]
    if not missed:
        return ""
    return f"No pager reaches {' and '.join(missed)}. If it can't wait, phone them."


def _pager(page: PageView) -> str:
    return mentions.link(page.url, page.pager) if page.url else mentions.escape_line(page.pager)


def _stand(page: PageView, view: EscalationView) -> str:
    why = mentions.escape_line(shorten(page.error, _LONGEST_ERROR))
    match page.status:
        case PageStatus.SENDING if page.failed_at is not None:
            return f"*not delivered yet* ({why}), still trying"
        case PageStatus.SENDING:
            return "being paged"
        case PageStatus.ACCEPTED:
            return "paged, not acknowledged yet"
        case PageStatus.ACKNOWLEDGED:
            return _acknowledged(page, view)
        case PageStatus.FAILED:
            return f"*couldn't be paged* ({why})"
        case PageStatus.ENDED:
            return "ended"


def _acknowledged(page: PageView, view: EscalationView) -> str:
    at = f" {mentions.date(page.acknowledged_at, '{time}')}" if page.acknowledged_at else ""
    by = page.acknowledged_by
    who = f" by {mentions.mention(by.external_id)}" if by is not None and by != page.person else ""
    return f"acknowledged{at}{who}" + ("; nobody is on it yet" if view.is_unanswered else "")


def _is_stuck(page: PageView) -> bool:
    return page.status is PageStatus.SENDING and page.failed_at is not None
