"""Wording of a drill's scorecard; only junior and mentor get it, by direct message."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType

from bot.framework.refusals import say
from bot.slack import blocks, mentions
from incidents.core.times import spoken_duration
from incidents.drills.score import Scorecard, ScoreItem, ScoreLine
from incidents.drills.views import DrillView
from incidents.scenarios.runs import RunEnd
from incidents.scenarios.scenario import Scenario

_LABELS: Mapping[ScoreLine, str] = MappingProxyType(
    {
        ScoreLine.ACKNOWLEDGED: "Acknowledged",
        ScoreLine.EVIDENCE: "First evidence on the timeline",
        ScoreLine.FIRST_UPDATE: "First update",
        ScoreLine.CADENCE: "Updates sent when due",
        ScoreLine.ANSWERED: "Questions answered",
        ScoreLine.ESCALATED: "Escalated",
        ScoreLine.CONTEXT: "Escalated with the facts",
        ScoreLine.NOTHING_WORSE: "Nothing made worse",
        ScoreLine.MITIGATED: "Impact ended",
        ScoreLine.VERIFIED: "Resolved only once it was fixed",
        ScoreLine.IMPACT: "Impact written down in words",
    }
)

_WENT_WELL: Mapping[ScoreLine, str] = MappingProxyType(
    {
        ScoreLine.ACKNOWLEDGED: "You were on it at once, so nobody had to wonder.",
        ScoreLine.EVIDENCE: "You looked before you acted, and what you saw is on the timeline.",
        ScoreLine.FIRST_UPDATE: "Your first update came early enough to help.",
        ScoreLine.CADENCE: "Your updates came when they were due, so nobody had to ask.",
        ScoreLine.ANSWERED: "You answered people quickly, in the middle of everything else.",
        ScoreLine.ESCALATED: "You called for help in time, which many find hardest.",
        ScoreLine.CONTEXT: "The people you called could start without asking anything.",
        ScoreLine.NOTHING_WORSE: "You did nothing that made it worse.",
        ScoreLine.MITIGATED: "You ended the impact in good time, before knowing everything about the cause.",
        ScoreLine.VERIFIED: "You saw that it was over before you said so.",
        ScoreLine.IMPACT: "You wrote down who was affected and how. Everybody asks for that later.",
    }
)
_NO_PRAISE = "You went through a whole incident. The next one will feel slower, and that is good."

_PRACTISE_NEXT: Mapping[ScoreLine, str] = MappingProxyType(
    {
        ScoreLine.ACKNOWLEDGED: "Say that you are on it as soon as you read the page, then look.",
        ScoreLine.EVIDENCE: "Look at two things and put them on the timeline before anything else.",
        ScoreLine.FIRST_UPDATE: 'Send a first update early, even if all it says is "we are looking".',
        ScoreLine.CADENCE: "Send the update when it's due, even if nothing is new.",
        ScoreLine.ANSWERED: "When somebody asks, answer within ten minutes with what you know so far.",
        ScoreLine.ESCALATED: "Escalate earlier: beyond your rights or stuck is reason enough.",
        ScoreLine.CONTEXT: "Escalate with symptoms, evidence, recent changes, impact, and one clear ask.",
        ScoreLine.NOTHING_WORSE: "Before acting, say the risk and how to undo it; in doubt, ask first.",
        ScoreLine.MITIGATED: "Stop the impact first, with what can be undone; the cause can wait.",
        ScoreLine.VERIFIED: "Before resolving, check as a customer would that it is over.",
        ScoreLine.IMPACT: "Write down who is affected, how many, since when: the update's form asks for it.",
    }
)
_NOTHING_NEXT = "Nothing stands out. Take a harder scenario next, or mentor somebody."

_ENDS: Mapping[RunEnd, str] = MappingProxyType(
    {
        RunEnd.SOLVED: "fixed and resolved after {lasted}",
        RunEnd.UNSOLVED: "resolved after {lasted}, before it was fixed",
        RunEnd.TIMED_OUT: "ended by its time limit after {lasted}",
        RunEnd.ABANDONED: "stopped after {lasted}",
    }
)


def scorecard_message(view: DrillView, card: Scorecard) -> blocks.Message:
    """Return the whole scorecard, with the scenario's story."""
    scenario = view.scenario
    how = _ENDS[card.how].format(lasted=_duration(card.lasted))
    head = f"*Scorecard of {view.incident.reference}: {mentions.escape_line(scenario.name)}*, {how}"
    with_whom = (
        f"{mentions.mention(view.junior.external_id)} with {mentions.mention(view.mentor.external_id)}. "
        "For the two of you alone"
        if view.mentor
        else "For you alone"
    )
    lines = "\n".join(_line(item, scenario) for item in card.items)
    questions = "\n".join(
        f"• {mentions.escape_line(question)}" for question in scenario.mentor.questions
    )
    parts = [
        head,
        f"{with_whom}: no timeline, export or report shows it.",
        lines,
        f"*What went well* {praise(card)}",
        f"*To practise next* {advice(card)}",
        f"*What it was*\n{mentions.escape(scenario.mentor.story)}",
        f"*A good first move*\n{mentions.escape(scenario.mentor.first_move)}",
        f"*To talk about*\n{questions}",
    ]
    body = [block for part in parts for block in blocks.paragraphs(part)]
    return blocks.Message(text="\n\n".join(parts), blocks=tuple(body))


def results_message(views: tuple[DrillView, ...], *, slash: str) -> blocks.Message:
    """Return a summary of each of a person's own latest drills."""
    if not views:
        text = f"You haven't finished a drill yet. To see what there is: `{slash} drill`"
        return say(text)
    parts = [
        "*Your latest drills.* Only you and the mentor of each drill see this.",
        *(_summary(view, view.scorecard) for view in views if view.scorecard is not None),
    ]
    body = [block for part in parts for block in blocks.paragraphs(part)]
    return blocks.Message(text="\n\n".join(parts), blocks=tuple(body))


def praise(card: Scorecard) -> str:
    """Return one sentence on what went well."""
    return _WENT_WELL[card.went_well] if card.went_well else _NO_PRAISE


def advice(card: Scorecard) -> str:
    """Return one sentence on what to practise next."""
    return _PRACTISE_NEXT[card.practise_next] if card.practise_next else _NOTHING_NEXT


def _summary(view: DrillView, card: Scorecard) -> str:
    how = _ENDS[card.how].format(lasted=_duration(card.lasted))
    counted = [item for item in card.items if item.is_met is not None]
    met = sum(item.is_met is True for item in counted)
    return (
        f"*{view.incident.reference} {mentions.escape_line(view.scenario.name)}* "
        f"({mentions.date(view.started_at, '{date_short_pretty}')}): {how}; {met} of {len(counted)} aims "
        f"met. Next: {advice(card)}"
    )


def _line(item: ScoreItem, scenario: Scenario) -> str:
    mark = {True: "✓", False: "○", None: "–"}[item.is_met]
    if item.actions:
        return f"{mark} {_LABELS[item.line]}{_named(item, scenario)}"
    told = _VALUES.get(item.line, _plain)(item)
    return f"{mark} {_LABELS[item.line]}{told}"


def _timed(item: ScoreItem) -> str:
    aim = f" (aim: within {_duration(item.target)})" if item.target is not None else ""
    if item.value is not None:
        return f" after {_duration(item.value)}{aim}"
    return f": no occasion{aim}" if item.is_met is None else f": not yet at the end{aim}"


def _share(item: ScoreItem) -> str:
    if item.value is None or item.target is None:
        return ": none was due"
    return f": {item.value:.0%} (aim: {item.target:.0%})"


def _of_hundred(item: ScoreItem) -> str:
    return f": {item.value or 0:.0f} of 100 (aim: {item.target or 0:.0f})"


def _named(item: ScoreItem, scenario: Scenario) -> str:
    known = {action.key: action.name for action in scenario.actions}
    names = ", ".join(mentions.escape_line(known.get(key, key)) for key in item.actions)
    return f": no, by *{names}*"


def _plain(item: ScoreItem) -> str:
    return {True: ": yes", False: ": no", None: ": no occasion"}[item.is_met]


_VALUES: Mapping[ScoreLine, Callable[[ScoreItem], str]] = MappingProxyType(
    {
        ScoreLine.ACKNOWLEDGED: _timed,
        ScoreLine.EVIDENCE: _timed,
        ScoreLine.FIRST_UPDATE: _timed,
        ScoreLine.CADENCE: _share,
        ScoreLine.ANSWERED: _timed,
        ScoreLine.ESCALATED: _timed,
        ScoreLine.CONTEXT: _of_hundred,
        ScoreLine.MITIGATED: _timed,
    }
)


def _duration(seconds: float | None) -> str:
    return spoken_duration(timedelta(seconds=round(seconds or 0)))
