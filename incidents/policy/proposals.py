"""The policy's section on proposals: classes of action, the approval each needs, the waits."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from incidents.policy.disagreements import Disagreement
from incidents.policy.escalation import TEMPLATE
from incidents.policy.references import SEVERITY
from incidents.policy.schema import Duration, Form, did_you_mean, lasts, short, some, word_key
from incidents.policy.supervision import Stage


class Need(StrEnum):
    """Whose approval a class of action needs; the right `approve_<need>` says who that is."""

    NOBODY = "nobody"
    STANDARD = "standard"
    MAJOR = "major"

    @property
    def weight(self) -> int:
        """Return how strict the need is, 0 for none."""
        return list(Need).index(self)


class GuardedAction(StrEnum):
    """The bot's own commands that may need approval, named like their rights.

    Marking a duplicate is guarded like cancelling.
    """

    LOWER_SEVERITY = "lower_severity"
    RESOLVE = "resolve"
    CANCEL = "cancel"
    POST_UPDATE = "post_update"
    CLOSE = "close"


_Wait = Annotated[Duration, lasts("1s", "1d", "5m")]
_ALSO = {"mark_duplicate": GuardedAction.CANCEL}


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionClass:
    """A class of action; a proposal that contains one of the `words` suggests it."""

    key: Annotated[str, Form.AS_KEY, word_key("change")]
    name: Annotated[str, short(60, "Change that can be undone")]
    meaning: Annotated[str, short(300, "Restart, scale, fail over, flags, configuration.")]
    needs: Need
    words: tuple[Annotated[str, short(60, "restart")], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerWait:
    """How long a proposal waits for its answer at one severity."""

    severity: Annotated[str, Form.AS_KEY, SEVERITY]
    wait: Annotated[_Wait, Form.AS_VALUE]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandClass:
    """The class of action of one of the bot's own commands."""

    command: Annotated[GuardedAction, Form.AS_KEY]
    class_key: Annotated[str, Form.AS_VALUE]


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisedActions:
    """The commands that need approval at one stage below solo."""

    stage: Annotated[Stage, Form.AS_KEY]
    actions: Annotated[tuple[GuardedAction, ...], Form.AS_VALUE] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposals:
    """Proposals: classes of action, times, and the commands that need approval below solo."""

    classes: Annotated[tuple[ActionClass, ...], some("has to keep at least one class")]
    expires_after: Annotated[Duration, lasts("1m", "7d", "30m")]
    answer_within: _Wait
    escalates_as: Annotated[str, TEMPLATE]
    answer_within_by_severity: tuple[AnswerWait, ...] = ()
    objections: Annotated[Duration, lasts("10s", "1h", "2m")]
    safe_steps: tuple[Annotated[str, short(200, "Look at the dashboards")], ...] = ()
    commands: tuple[CommandClass, ...]
    supervised_actions: tuple[SupervisedActions, ...] = ()

    def find_class(self, name: str) -> ActionClass | None:
        """Return the class with this key or name, in any letter case, if there is one."""
        wanted = name.strip().casefold().replace(" ", "_")
        spelt = ((item, (item.key, item.name.replace(" ", "_"))) for item in self.classes)
        found = (item for item, words in spelt if wanted in {word.casefold() for word in words})
        return next(found, None)

    def wait_at(self, severity_key: str) -> timedelta:
        """Return how long a proposal waits for its answer in an incident of this severity."""
        own = (
            item.wait for item in self.answer_within_by_severity if item.severity == severity_key
        )
        return next(own, self.answer_within)

    def guard_of(self, action: str) -> GuardedAction | None:
        """Return the command that guards the action, or None if no stage needs approval for it."""
        guard = _guard(action)
        if guard is None:
            return None
        return guard if any(guard in item.actions for item in self.supervised_actions) else None

    def guards(self, action: str, *, stage: Stage) -> bool:
        """Tell whether somebody at this stage needs approval for the action; solo never does."""
        guard = _guard(action)
        if guard is None or stage is Stage.SOLO:
            return False
        own = (item.actions for item in self.supervised_actions if item.stage is stage)
        return guard in next(own, ())

    def class_of(self, action: str) -> ActionClass | None:
        """Return the class of one of the bot's own commands, or None if it has none."""
        guard = _guard(action)
        own = (item.class_key for item in self.commands if item.command is guard)
        key = next(own, None)
        return None if key is None else self.find_class(key)

    def disagreements(self) -> Iterator[Disagreement]:
        """Yield commands whose class asks nobody, and rules for solo, which have no effect."""
        known = tuple(item.key for item in self.classes)
        for item in self.commands:
            at, found = ("commands", item.command.value), self.find_class(item.class_key)
            other = ("classes", item.class_key)
            if found is None:
                what = f"there is no class `{item.class_key}`{did_you_mean(item.class_key, known)}"
                yield Disagreement(at, what, other=other)
            elif found.needs is Need.NOBODY:
                what = f"`{item.class_key}` needs nobody's approval; take a class that needs somebody's"
                yield Disagreement(at, what, other=(*other, "needs"))
        listed = {item.command for item in self.commands}
        for command in (command for command in GuardedAction if command not in listed):
            yield Disagreement(("commands", command.value), "has to stay")
        if any(item.stage is Stage.SOLO and item.actions for item in self.supervised_actions):
            at = ("supervised_actions", Stage.SOLO.value)
            yield Disagreement(at, "people who are solo never need approval; remove it")


def is_marked_safe(text: str, marked: Iterable[str]) -> bool:
    """Tell whether the text is one of the steps that are marked as safe, as a whole."""
    wanted = _plain(text)
    return any(_plain(step) == wanted for step in marked)


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def least_need(
    chosen: ActionClass, text: str, proposals: Proposals, *, is_supervised: bool
) -> ActionClass:
    """Return the class that applies to a step that isn't marked as safe.

    Below solo, somebody is always asked. Otherwise people choose, but a step whose words are those
    of a major class is asked about, whatever was chosen.
    """
    if chosen.needs is not Need.NOBODY:
        return chosen
    suggested = suggest_class(text, proposals)
    asking = [item for item in proposals.classes if item.needs is not Need.NOBODY]
    if is_supervised and asking:
        mildest = min(asking, key=lambda item: item.needs.weight)
        return mildest if suggested.needs is Need.NOBODY else suggested
    return suggested if suggested.needs is Need.MAJOR and _is_said(suggested, text) else chosen


def suggest_class(text: str, proposals: Proposals) -> ActionClass:
    """Return the strictest class whose words are in the text of a proposal.

    Without a match it is the mildest class that asks somebody: a guess must not skip an approval.
    Words match with any ending ("restarting", "deleted", "configuration"); those of classes that
    need nobody match only with plain endings ("checks", not "checkout").

    Raises: LookupError if the policy has no classes.
    """
    matching = [item for item in proposals.classes if _is_said(item, text)]
    if matching:
        return max(matching, key=lambda item: item.needs.weight)
    asking = [item for item in proposals.classes if item.needs is not Need.NOBODY]
    if not proposals.classes:
        raise LookupError("no classes of action")
    return min(asking or proposals.classes, key=lambda item: item.needs.weight)


def _guard(action: str) -> GuardedAction | None:
    if action in _ALSO:
        return _ALSO[action]
    return GuardedAction(action) if action in tuple(GuardedAction) else None


def _is_said(item: ActionClass, text: str) -> bool:
    ending = r"(e|s|es|ed|ing)?(?!\w)" if item.needs is Need.NOBODY else r"\w*"
    # "deleting" matches "delete": the final e is dropped before an ending.
    stems = (re.escape(word.casefold().removesuffix("e")) for word in item.words)
    return any(re.search(rf"(?<!\w){stem}{ending}", text.casefold()) for stem in stems)
