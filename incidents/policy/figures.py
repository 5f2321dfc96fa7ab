"""The policy's section on figures: the targets that reports compare with."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from incidents.policy.disagreements import Disagreement
from incidents.policy.schema import Duration, lasts, within

_Target = Annotated[Duration, lasts("1s", "365d", "30m")]
_Share = Annotated[float, within(0, 1, "0.9")]


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureTargets:
    """The targets that reports compare with; shares are 0 to 1."""

    time_to_detect: _Target
    time_to_acknowledge_p50: _Target
    time_to_acknowledge_p90: _Target
    time_to_engage_owner: _Target
    time_to_evidence: _Target
    time_to_mitigate: _Target
    time_to_resolve: _Target
    update_cadence_met: _Share
    escalation_quality: _Share
    documentation_complete: _Share
    documentation_within: _Target
    action_items_on_time: _Share
    repeat_window: _Target
    change_related: _Share

    def disagreements(self) -> Iterator[Disagreement]:
        """Yield a 90th percentile target that is stricter than the median's."""
        if self.time_to_acknowledge_p50 > self.time_to_acknowledge_p90:
            what, keys = (
                "can't be shorter than time_to_acknowledge_p50",
                ("time_to_acknowledge_p90",),
            )
            yield Disagreement(keys, what, other=("time_to_acknowledge_p50",))
