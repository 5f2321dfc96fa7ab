"""Stakeholder updates: the command, the form, and *No change*."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from bot.features.updates import messages
from bot.features.updates.messages import NoChange, Snooze, no_change_doubted
from bot.features.updates.snooze import SNOOZED, snooze, typed_snooze
from bot.features.updates.templates import AUDIENCE, Offer, digest_of, find_offer, text_blocks
from bot.framework.arguments import OnIncident, from_view
from bot.framework.entry_messages import shown
from bot.framework.feature import Feature
from bot.framework.phrases import instant_of
from bot.framework.refusals import say
from bot.framework.requests import Reply, Request, Say
from bot.framework.slack_refusals import with_silence
from bot.framework.slash_commands import Flag, Repeat
from bot.framework.verbs import AskFirst, Form, Verb, view_for_form
from bot.slack import blocks, mentions
from incidents.core.errors import AlreadySo, DomainError, InvalidInput, TransitionRefused
from incidents.core.times import duration_text, parse_duration
from incidents.core.typed_doubts import begins_with_a_count
from incidents.engine.unit_of_work import Outcome
from incidents.incident.cadence import cadence_for
from incidents.incident.entries import UpdateMissed, UpdatePosted
from incidents.incident.lifecycle import ALLOWED_TRANSITIONS, IncidentStatus, is_open
from incidents.incident.views import IncidentView
from incidents.policy.policy import Action, Policy
from incidents.storage.database import trimmed
from incidents.updates.entries import UpdateReminded
from incidents.updates.post import UpdateDraft, post_no_change, post_update

# -- posting an update ----------------------------------------------------------------------


class Update(OnIncident):
    """An update; if `next_in` equals `untouched`, the policy's cadence decides the next one."""

    text: str = ""
    impact: str = ""
    actions: str = ""
    next_steps: str = ""
    needs: str = ""
    status: str = ""
    next_in: str = ""
    untouched: str = ""
    # The form of three sentences, for people who read no more.
    is_brief: bool = False
    # What the form's other fields were filled in with (`fingerprint`); "" for a command.
    filled_in: str = ""
    # The number of the audience whose template the form offers, and `digest_of` its text.
    audience: str = ""
    offered: str = ""

    def fingerprint(self) -> str:
        """Return a short digest of what the update says."""
        said = (self.text, self.impact, self.actions, self.next_steps, self.needs, self.status)
        joined = "\0".join(trimmed(one) for one in said)
        return hashlib.sha256(joined.encode()).hexdigest()[:16]


_NOTHING_NEW = "nothing_new"
# The option stands before the text, which may begin with a number.
_FIRST = re.compile(r"(?:--|\u2014|\u2013)next\s+\d+\s+\S", re.IGNORECASE)


def typed_update(request: Request) -> Update | AskFirst[Update]:
    """Parse `update text [--next 20m]`; open the form without text, or if the time isn't clear."""
    ref, text = request.incident_ref(), mentions.plain(request.words.text)
    given = Update(ref, text=text, next_in=request.words.flags.get("next", ""))
    _next_in(given)
    if request.words.has("brief"):
        return AskFirst(replace(given, text="", impact=text, is_brief=True))
    count = f"{given.next_in} {text}"
    if given.next_in.isdecimal() and _FIRST.search(request.typed) and begins_with_a_count(count):
        return AskFirst(replace(given, text=count))  # `--next 20 customers can pay again`
    return given if text else AskFirst(given)


def posted_message(outcome: Outcome) -> blocks.Message:
    """Return the reply to the author: the update is recorded, and when the next one is due."""
    due_at = instant_of(outcome.data["next_due_at"])
    then = f" The next one is due {mentions.date(due_at, '{time}')}." if due_at else ""
    return say(
        f"Update {outcome.data['number']} on *{outcome.data['reference']}* is recorded.{then}"
    )


def update_form(
    view: IncidentView, given: Update, *, policy: Policy, now: datetime, typed: str = ""
) -> Form[Update]:
    """Return the form for an update, filled in from the last one; `typed` is their text so far."""
    if view.status in {IncidentStatus.CLOSED, IncidentStatus.CANCELLED}:
        raise AlreadySo("the incident", view.status)
    next_in = _next_in(given)
    cadence = cadence_for(policy, severity_key=view.severity_key, status=view.status)
    promised = next_in or cadence
    initial_next = duration_text(promised) if promised else ""
    # An untouched field means the policy's cadence, which a new status may change.
    untouched = "" if next_in else initial_next
    last = view.latest_update if view.is_open else None
    filled_in = Update(
        given.ref,
        impact=view.impact,
        actions=last.actions if last else "",
        next_steps=last.next_steps if last else "",
    )
    if given.is_brief:
        shown = replace(filled_in, impact=given.impact or view.impact)
        fields = brief_fields(view, shown, initial_next=initial_next)
    else:
        offer = None if given.text else find_offer(view, policy, chosen=given.audience, now=now)
        fields = update_fields(
            view, initial_next=initial_next, text=given.text, offer=offer, typed=typed
        )
        given = replace(given, offered=digest_of(offer.text) if offer else "")
        filled_in = replace(
            filled_in,
            needs=last.needs if last else "",
            status=view.status if view.is_open else "",
        )
    kept = replace(given, untouched=untouched, filled_in=filled_in.fingerprint())
    return Form(fields, kept)


def brief_fields(view: IncidentView, shown: Update, *, initial_next: str) -> blocks.View:
    """Return the form of three sentences: who is affected, what we do, what comes next."""
    asked = {
        "impact": ("Who is affected, and how?", shown.impact),
        "actions": ("What are we doing about it?", shown.actions),
        "next_steps": ("What comes next, and when?", shown.next_steps),
    }
    return blocks.modal(
        f"Brief on {view.reference}",
        blocks=[
            blocks.context(f"{mentions.escape_line(view.title)}: one sentence each."),
            *(
                blocks.text_input(name, label=label, initial=initial or None, max_length=300)
                for name, (label, initial) in asked.items()
            ),
            *_next_blocks(view, initial=initial_next),
        ],
        submit="Post",
    )


def update_fields(
    view: IncidentView,
    *,
    initial_next: str,
    text: str = "",
    offer: Offer | None = None,
    typed: str = "",
) -> blocks.View:
    """Return the form's fields; `initial_next` prefills when the next update is due.

    `text` was typed with a number that may be the time to the next update, or part of it; `typed`
    in the form, before another audience was chosen.
    """
    notice = (
        "*Not posted yet:* I can't tell whether the number is the time to the next update or part of "
        "your text. It's in both fields; correct one."
    )
    last = view.latest_update
    return blocks.modal(
        f"Update on {view.reference}",
        blocks=[
            *([blocks.section(notice)] if text else []),
            blocks.context(mentions.escape_line(view.title)),
            *_status_blocks(view),
            *text_blocks(offer, typed=text or typed),
            blocks.text_input(
                "impact", label="Impact", initial=view.impact, multiline=True, optional=True
            ),
            blocks.text_input(
                "actions",
                label="Actions under way",
                initial=last.actions if last and view.is_open else None,
                multiline=True,
                optional=True,
            ),
            blocks.text_input(
                "next_steps",
                label="Next steps",
                initial=last.next_steps if last and view.is_open else None,
                multiline=True,
                optional=True,
            ),
            blocks.text_input(
                "needs",
                label="Needs",
                initial=last.needs if last and view.is_open else None,
                multiline=True,
                optional=True,
                placeholder="What do you need from others, and from whom?",
            ),
            *_next_blocks(view, initial=initial_next),
        ],
        submit="Post",
    )


def _status_blocks(view: IncidentView) -> tuple[blocks.Block, ...]:
    possible = [status for status in ALLOWED_TRANSITIONS[view.status] if is_open(status)]
    if not view.is_open:
        return (blocks.context(f"Status: *{view.status}*"),)
    options = [blocks.option(item.capitalize(), value=item) for item in (view.status, *possible)]
    return (blocks.select("status", label="Status", options=options, initial=view.status),)


def _next_blocks(view: IncidentView, *, initial: str) -> tuple[blocks.Block, ...]:
    if not view.is_open:
        return ()
    return (
        blocks.text_input(
            "next_in",
            label="Next update in",
            initial=initial or None,
            optional=True,
            max_length=20,
            hint="For example 20m or 1h30m.",
        ),
    )


def draft_of(given: Update) -> UpdateDraft:
    """Convert the form's values for the domain.

    Raises: InvalidInput for an unreadable duration, or a form in which nothing was changed.
    """
    if given.offered and given.offered == digest_of(given.text):
        given = replace(given, text="")  # nobody's words
    if given.filled_in and given.filled_in == given.fingerprint():
        raise InvalidInput("text", _NOTHING_NEW)
    is_untouched = given.next_in == given.untouched
    return UpdateDraft(
        text=given.text,
        impact=given.impact,
        actions=given.actions,
        next_steps=given.next_steps,
        needs=given.needs,
        next_in=None if is_untouched else _next_in(given),
        status=IncidentStatus(given.status) if given.status else None,
    )


def _next_in(given: Update) -> timedelta | None:
    if not given.next_in:
        return None
    return parse_duration(given.next_in, field="next", example="20m")


def _moved_on(request: Request, error: DomainError) -> Mapping[str, str] | None:
    if isinstance(error, InvalidInput) and error.problem == _NOTHING_NEW:
        field = "impact" if "text" not in request.form.values else "text"
        return {field: "Nothing in this form is new. If nothing has changed, say so: “No change.”"}
    if not isinstance(error, TransitionRefused):
        return None
    possible = ", ".join(error.possible) or "none"
    return {"status": f"It is {error.current} by now. Possible: {possible}."}


async def show_template(request: Request) -> Reply:
    """Fill the text in for the chosen audience; somebody's own text and the other fields stay."""
    entered = from_view(Update, request.view)
    is_own = digest_of(entered.text) not in ("", entered.offered)
    view = await view_for_form(request, entered.ref, action=Action.POST_UPDATE)
    form = update_form(
        view,
        Update(entered.ref, audience=entered.audience),
        policy=request.policy,
        now=request.now,
        typed=entered.text if is_own else "",
    )
    await UPDATE.show_again(request, form)
    return None


# -- nothing new ----------------------------------------------------------------------------


async def no_change(request: Request, given: NoChange) -> Reply:
    """Post that nothing has changed; after two of these in a row, ask first."""
    use_case = partial(
        post_no_change,
        ref=given.ref,
        due_at=given.due_at,
        next_in=given.next_in,
        is_sure=given.is_sure,
    )
    outcome = await request.transact(use_case)
    if outcome.kind == "no_change_doubted":
        return Say(no_change_doubted(given, str(outcome.data["reference"])))
    return await with_silence(request, Say(posted_message(outcome)), outcome)


UPDATE = Verb(
    Update,
    usage="update [text] [--next 20m] [--brief]",
    summary="Post a stakeholder update; without a text, opens the form.",
    flags=(
        Flag("next", "when the next one comes, if not by the policy", metavar="20m"),
        Flag("brief", "opens a form of three sentences, for executives"),
    ),
    examples=("update Rolling back the deploy; EU checkouts still fail --next 20m",),
    repeat=Repeat.WORDS,
    typed=typed_update,
    form="update_submit",
    opened_by=("update_open",),
    needs=Action.POST_UPDATE,
    show=lambda request, view, given: update_form(
        view, given, policy=request.policy, now=request.now
    ),
    do=lambda uow, given: post_update(uow, given.ref, draft=draft_of(given)),
    tell=lambda _, outcome: posted_message(outcome),
    inputs={"next": "next_in", "duration": "next_in", "": "text"},
    explain=_moved_on,
    is_quiet=True,
    is_echoed=True,
)

FEATURE = Feature(
    name="updates",
    verbs=(
        UPDATE,
        Verb(
            Snooze,
            usage="snooze [15m] [reason]",
            family="update",
            when=SNOOZED,
            summary="Put the next update off once.",
            examples=("snooze 15m rollback ends in ten minutes",),
            typed=typed_snooze,
            buttons=("update_snooze",),
            perform=snooze,
        ),
        Verb(
            NoChange,
            buttons=("update_no_change", "update_no_change_sure"),
            perform=no_change,
        ),
    ),
    choices={AUDIENCE: show_template},
    entries=(
        shown(UpdatePosted, messages.update_entry),
        shown(UpdateReminded, messages.reminder_entry),
        shown(UpdateMissed, messages.missed_entry),
    ),
    endings=tuple((one.kind, messages.reminder_ending) for one in (UpdateReminded, UpdateMissed)),
)
