"""An incident makes few lines: what people have to hear, once each, and no private echo."""

from tests.looks.sev2 import Sev2
from tests.scenario.conftest import Bot

_HEARD = (
    "Checkout errors in the EU",
    "ben* took command",
    "triage → identified",
    "Update 1",
    "SEV2 → SEV1",
    "Next update due",
    "Escalation 1",
    "Proposal 1",
    "Update 2",
    "ben* resolved the incident",
)
_UNDER_A_CARD = (
    "gave @nora the role of Communications lead",
    "Note* by alice: The error rate is 31 %",
    "dave* took escalation 1",
    "ben* approved proposal 1",
    "*Result* Rolled back",
    "@alice, ben asks you",
    "@alice, @ben: alice's time is up (5 min)",
    "alice* finished the check-in",
    "@ben: who writes it",
)
_TOLD_ALONE = (
    "you're now *Incident commander*",
    "you're now *Communications lead*",
    "you're now *Scribe*",
    "@alice needs you* for *INC-1*",
    "Waiting for approval until",
)


async def test_a_sev2_of_twenty_minutes_makes_twelve_public_lines_and_eight_private(
    bot: Bot,
) -> None:
    tally = await Sev2(bot).play()
    for lines, wanted in (
        (tally.public, _HEARD),
        (tally.threads, _UNDER_A_CARD),
        (tally.private, _TOLD_ALONE),
    ):
        missing = [words for words in wanted if not any(words in line for line in lines)]
        assert missing == [], str(tally)
    assert len(tally.public) <= 12, str(tally)
    assert len(tally.private) <= 8, str(tally)
