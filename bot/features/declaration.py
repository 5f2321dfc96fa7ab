"""Declaring: the command, the form, the shortcuts, and the answer to a similar incident."""

from functools import partial

from incidents.declaration import Declaration, declare
from incidents.unit_of_work import Outcome

from bot.feature import Command, Feature, Flag
from bot.refusals import say
from bot.replies import Reply, Say
from bot.requests import Request
from bot.slack.blocks import Message
from bot.slack.mentions import escape_line


async def declare_command(request: Request) -> Reply:
    """Declare at once from `/incident declare [sev2] title…`."""
    words = request.words
    first, _, rest = words.text.partition(" ")
    severity = request.policy.find_severity(first)
    title = rest if severity is not None else words.text
    declaration = Declaration(
        title=title,
        severity_key=severity.key if severity else None,
        is_private=words.has("private"),
        is_drill=words.has("drill"),
    )
    outcome = await request.transact(partial(declare, declaration=declaration))
    return Say(declared_message(outcome))


def declared_message(outcome: Outcome) -> Message:
    """Return what the declarer is told."""
    reference, title = outcome.data["reference"], escape_line(outcome.data["title"])
    return say(f"*{reference}* is declared: {title}. Its channel is opening; you are invited.")


FEATURE = Feature(
    name="declaration",
    commands=(
        Command(
            name="declare",
            usage="declare [sev2] [title…] [--private] [--drill]",
            summary="Declare an incident; without a title, opens the form.",
            handler=declare_command,
            aliases=("new",),
            flags=(
                Flag("private", "only you and the people the policy names"),
                Flag("drill", "practice: announced nowhere, out of all figures"),
            ),
            examples=("declare sev2 Checkout errors for some customers",),
            is_once_a_minute=True,
        ),
    ),
)
