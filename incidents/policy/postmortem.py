"""The policy's section on postmortems."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from incidents.policy.disagreements import Disagreement
from incidents.policy.schema import DisplayName, did_you_mean, short, some, word_key

# The postmortem sections that can be filled from the record (`kind: auto`).
AUTO_SECTIONS: Final = (
    *("summary", "impact", "severity", "key_moments", "roles"),
    *("timeline", "updates", "action_items", "customer_messages"),
)


class SectionKind(StrEnum):
    """Where a postmortem section's text comes from: the record, or people."""

    AUTO = "auto"
    PROMPT = "prompt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section of the postmortem; `prompt` is the question put to its authors."""

    key: Annotated[str, word_key("went_well")]
    title: DisplayName
    kind: SectionKind
    prompt: Annotated[str, short(400, "What helped, so that we keep doing it?")] | None = None

    def disagreements(self) -> Iterator[Disagreement]:
        """Yield a missing prompt, and a section that the record can't fill."""
        if self.kind is SectionKind.PROMPT and self.prompt is None:
            what = "is needed: people write this section, so it asks them something"
            yield Disagreement(("prompt",), what, "prompt: What helped?")
        if self.kind is SectionKind.AUTO and self.key not in AUTO_SECTIONS:
            what = (
                f"`{self.key}` can't be filled from the record"
                f"{did_you_mean(self.key, AUTO_SECTIONS)}; for your own section take prompt"
            )
            yield Disagreement(("kind",), what, "kind: prompt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Postmortem:
    """The postmortem's template (a file in `config/templates`) and its sections in order."""

    template: str
    sections: Annotated[tuple[Section, ...], some("has to keep at least one section")]

    def find_section(self, key: str) -> Section | None:
        """Return the section with this key, if the policy has it."""
        return next((section for section in self.sections if section.key == key), None)

    def disagreements(self) -> Iterator[Disagreement]:
        """Yield sections that repeat an earlier key."""
        for index, section in enumerate(self.sections):
            if self.find_section(section.key) is not section:
                keys = ("sections", index, "key")
                yield Disagreement(keys, f"`{section.key}` is there more than once")
