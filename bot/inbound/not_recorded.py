"""What people are told when their request wasn't recorded, or perhaps was; nothing typed is lost."""

from bot.framework.refusals import say
from bot.framework.requests import Reply, Request, Say
from bot.inbound.kept_words import above_form, beside_field

OUR_FAULT = "something went wrong on my side"
TOO_LONG = "it took too long"
RECORDED = "It's recorded."


def not_recorded(request: Request, why: str, *, by_hand: str = "") -> Reply:
    """Return that nothing was recorded, and why; `by_hand` says what works without me."""
    text = (
        f"*I didn't record that:* {why}. Try again in a minute. If it fails again, tell the people "
        "who run Sitrep."
    )
    return above_form(request, _with(text, by_hand))


def still_recording(request: Request, *, by_hand: str = "") -> Reply:
    """Return that the commit hasn't ended yet, so that the outcome isn't known."""
    if request.is_form:
        text = "I'm still recording this. Send it again in a moment; I won't record it twice."
        return beside_field(request, text)
    return Say(
        say(_with("I'm still recording this. I'll post the outcome here in a moment.", by_hand))
    )


def perhaps_recorded(request: Request, why: str, *, by_hand: str = "") -> Reply:
    """Return that nobody can know whether the commit succeeded."""
    lead = f"I may have recorded this, or not: {why}."
    if request.is_form:
        return beside_field(request, f"{lead} Send it again in a minute; I won't record it twice.")
    text = f"{lead.replace('may have recorded', '*may have recorded*')} Look at the incident before you try again."
    return beside_field(request, _with(text, by_hand))


def recorded_but_not_shown(why: str) -> Reply:
    """Return that the commit succeeded, although the answer to it can't be made."""
    return Say(say(f"I *recorded* that, but can't show it now: {why}."))


def _with(text: str, by_hand: str) -> str:
    return f"{text}\n{by_hand}" if by_hand else text
