"""What doesn't fit together in a policy, as a value."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Disagreement:
    """What doesn't fit together, and the keys that lead to it in the file.

    `other` leads to the value it disagrees with, which may be the one that people wrote.
    """

    keys: tuple[str | int, ...]
    what: str
    example: str = ""
    other: tuple[str | int, ...] = ()

    @property
    def key_path(self) -> str:
        """The keys as people write them, for example `postmortem.sections[2].key`."""
        return "".join(
            f"[{key}]" if isinstance(key, int) else f".{key}" for key in self.keys
        ).lstrip(".")
