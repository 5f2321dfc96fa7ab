"""`pager test`: test pages outside any incident, and one message that says how far they came."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from bot.framework.arguments import NOBODY, Arguments, to_value
from bot.framework.effect_context import Done, Dropped, EffectContext, Settlement
from bot.framework.feature import Feature
from bot.framework.live_messages import LiveMessage, Showing, to_person
from bot.framework.reading import person_in
from bot.framework.refusals import say
from bot.framework.requests import Request, Say, Services
from bot.framework.verbs import Verb
from bot.slack import blocks, mentions
from incidents.calling.trials import (
    MOST_AN_HOUR,
    Trial,
    get_trial,
    note_trial_accepted,
    note_trial_problem,
    try_pagers,
)
from incidents.core.errors import InvalidInput
from incidents.core.people import Person
from incidents.engine.unit_of_work import Outcome
from incidents.paging import port
from incidents.paging.effects import EndTrialPage, SendTrialPage, ShowTrial
from incidents.paging.port import PagerRefused, PagerTemporary
from incidents.paging.trials import TrialPage
from incidents.people.assignable import Named

_EXAMPLE: Final = "pager test @ben"
_TIME: Final = "2 minutes"  # TRIAL_TIME


class Testing(Arguments):
    """Whose pagers to test; `is_sure`: even if it wakes them."""

    person: Named = NOBODY
    is_sure: bool = False


def typed_person(request: Request) -> Testing:
    """Parse `pager test [@someone]`."""
    word, rest = request.words.split_first()
    named, more = request.words.split_person() if word.casefold() != "test" else (rest, "")
    named = named.strip()
    person = person_in(named) if named and named.casefold() != "me" else NOBODY
    if person is None or more:
        raise InvalidInput("person", "not_a_person", _EXAMPLE)
    return Testing(person)


def told(request: Request, outcome: Outcome) -> Say:
    """Return what became of the request for a test: sent, or why not."""
    data, slash = outcome.data, request.policy.command
    name, is_own = mentions.escape_line(str(data["name"])), bool(data["is_own"])
    match outcome.kind:
        case "no_reach":
            return Say(say(_no_reach(request, who=str(data["who"]), name="" if is_own else name)))
        case "running":
            whose = "your pagers" if is_own else f"{name}'s pagers"
            return Say(say(f"A test of {whose} is running. It ends within {_TIME}."))
        case "too_many":
            text = f"You asked for {MOST_AN_HOUR} tests within an hour. Try again later"
            return Say(say(f"{text}: `{slash} {_EXAMPLE if not is_own else 'pager test'}`"))
        case "night":
            given = Testing(Named(str(data["external_id"])), is_sure=True)
            button = blocks.button(
                "Test it now", action_id="pager_test_anyway", value=to_value(given)
            )
            text = f"It's {data['time']} where {name} is, so a test may wake them. I sent nothing."
            return Say(say(text, button))
    whom = "you" if is_own else name
    addresses = mentions.code(str(data["addresses"]))
    return Say(
        say(
            f"I'm paging {whom} through {addresses}. I've sent you a message that shows the results."
        )
    )


def _no_reach(request: Request, *, who: str, name: str) -> str:
    """Return that the policy has no address for somebody, and the lines that add one."""
    whom = name or "you"
    pagers = request.policy.pagers
    if not pagers:
        return (
            f"The policy has no pagers, so I can't page {whom}. Add one under `pagers`, and "
            f"addresses under `people`:\n{_lines(who, pager='ntfy', with_pager=True)}"
        )
    whose = "theirs" if name else "yours"
    return (
        f"The policy has no pager address for {whom}. Add these lines, with an address of {whose}:"
        f"\n{_lines(who, pager=pagers[0].key)}"
    )


def _lines(who: str, *, pager: str, with_pager: bool = False) -> str:
    head = f"pagers:\n  {pager}:\n    kind: ntfy\n" if with_pager else ""
    local = who.partition("@")[0].lower()
    text = f"{head}people:\n  - who: {who}\n    reach: [{pager}/{local}]"
    return f"```{mentions.escape(text)}```"


# -- effects ------------------------------------------------------------------------------------


async def send_trial_page(context: EffectContext) -> Settlement:
    """Send a test page; if the pager doesn't take it, show why at once and try again."""
    page_id, services = context.get(SendTrialPage).page_id, context.services
    async with services.database.reading() as session:
        row = await session.get_one(TrialPage, page_id)
        page = await trial_page_of(session, row, services)
    if row.ended_at is not None:
        return Dropped("the test is over")
    note = partial(note_trial_problem, page_id=page_id)
    pager = services.pagers.find(services.policy, row.pager)
    if pager is None:
        problem = f"{row.pager} isn't configured"
        return Dropped(problem, partial(note, error=problem, is_final=True))
    try:
        accepted = await pager.trigger(page)
    except PagerRefused as refusal:
        refused = partial(note, error=refusal.error, is_final=True)
        return Dropped(f"refused: {refusal.error}", refused)
    except PagerTemporary as failure:
        if failure.error != row.error:
            saying = partial(note, error=failure.error, is_final=False)
            await context.save_progress(context.progress, saying)
        raise
    return Done(partial(note_trial_accepted, page_id=page_id, remote_id=accepted.remote_id))


async def end_trial_page(context: EffectContext) -> Settlement:
    """End a test page there, so that the pager calls nobody else."""
    services = context.services
    async with services.database.reading() as session:
        row = await session.get_one(TrialPage, context.get(EndTrialPage).page_id)
        page = await trial_page_of(session, row, services)
    pager = services.pagers.find(services.policy, row.pager)
    if pager is None or (row.accepted_at is None and not pager.keeps_keys):
        return Dropped("never taken")
    try:
        await pager.resolve(page)
    except PagerRefused as refusal:
        return Dropped(f"refused: {refusal.error}")
    return Done()


async def trial_page_of(session: AsyncSession, row: TrialPage, services: Services) -> port.Page:
    """Return what the pager is told of a test."""
    asker = await session.get_one(Person, row.asked_by_id)
    person = await session.get_one(Person, row.person_id)
    return trial_page(
        key=str(row.id),
        address=row.address,
        title=f"from Sitrep, requested by {asker.name}: press acknowledge",
        email=person.email or "",
        severity_key=services.policy.severities[0].key,
        acknowledge_url=services.pagers.acknowledge_url(services.policy, row.pager, str(row.id)),
        remote_id=row.remote_id,
    )


def trial_page(
    *,
    key: str,
    address: str,
    title: str,
    severity_key: str,
    email: str = "",
    acknowledge_url: str = "",
    remote_id: str = "",
) -> port.Page:
    """Return a test page as its pager gets it."""
    return port.Page(
        key=key,
        address=address,
        reference="Test page",
        title=title,
        severity_key=severity_key,
        severity_rank=1,
        email=email,
        acknowledge_url=acknowledge_url,
        remote_id=remote_id,
    )


# -- the message --------------------------------------------------------------------------------


async def _look(session: AsyncSession, effect: ShowTrial, services: Services) -> Showing:
    trial = await get_trial(session, effect.trial_id)
    return Showing(trial_message(trial, services), to_person(trial.asked_by))


def trial_message(trial: Trial, services: Services) -> blocks.Message:
    """Return how far each test page came, and at the end what is missing."""
    whose = mentions.mention(trial.person.external_id)
    is_own = trial.person.id == trial.asked_by.id
    lines = [_line(one, services) for one in trial.pages]
    heard = sum(one.answered_at is not None for one in trial.pages)
    if not trial.is_over:
        who = "You have" if is_own else f"{whose} has"
        end = f"{who} {_TIME} to acknowledge each page in its pager."
    elif heard == len(trial.pages):
        end = "Everything works, both ways."
    else:
        again = mentions.code(f"{services.policy.command} pager test")
        end = f"Fix what is missing, then test again: {again}{'' if is_own else f' {whose}'}"
    text = "\n".join((f"*Test of {whose}'s pagers*", *lines, end))
    return blocks.Message(text=text, blocks=blocks.paragraphs(text))


def _line(page: TrialPage, services: Services) -> str:
    return f"• {mentions.code(page.written)}: {', '.join(_said(page, services))}."


def _said(page: TrialPage, services: Services) -> Iterator[str]:
    """Yield what happened to one test page, in order."""
    error = mentions.escape_line(page.error)
    if page.accepted_at is not None:
        yield f"accepted after {_after(page, page.accepted_at)}"
    elif page.answered_at is None and page.ended_at is not None:
        yield f"not accepted ({error or 'no answer'})"
    elif page.answered_at is None:
        yield f"not accepted yet ({error})" if error else "sent"
    if page.answered_at is not None:
        yield f"acknowledged after {_after(page, page.answered_at)}"
    elif page.accepted_at is not None and page.ended_at is None:
        yield "not acknowledged yet"
    elif page.accepted_at is not None:
        yield f"but I heard no acknowledgement in {_TIME}{_why(page, services)}"


def _why(page: TrialPage, services: Services) -> str:
    """Return what is probably missing: the way back, or the person."""
    if services.pagers.acknowledge_url(services.policy, page.pager, str(page.id)):
        return ". If somebody acknowledged it, check the pager's webhook"
    return (
        f". It can't tell me: set `SITREP_PUBLIC_URL`, and a `webhook_secret` for "
        f"{mentions.code(page.pager)} in the secrets file"
    )


def _after(page: TrialPage, at: datetime) -> str:
    return f"{(at - page.created_at).total_seconds():.1f} s"


SHOWN = LiveMessage(
    effect=ShowTrial, purpose="trial", subject=lambda effect: effect.trial_id, look=_look
)

FEATURE = Feature(
    name="trials",
    verbs=(
        Verb(
            Testing,
            usage="pager test [@someone]",
            family="oncall",
            summary="Test your pagers, or somebody's: does a page arrive, and do I hear the answer?",
            examples=("pager test", _EXAMPLE),
            typed=typed_person,
            buttons=("pager_test_anyway",),
            use_case=try_pagers,
            tell=told,
        ),
    ),
    effects={SendTrialPage: send_trial_page, EndTrialPage: end_trial_page},
    live_messages=(SHOWN,),
)
