"""The table: each figure beside its target, and as multiples of the latency."""

from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Line:
    """One figure; `met` is None where there is no target."""

    what: str
    figure: str
    target: str = ""
    met: bool | None = None


@dataclass(slots=True)
class Report:
    """All figures, in groups."""

    groups: list[tuple[str, list[Line]]] = field(default_factory=list)

    def group(self, title: str) -> None:
        """Begin a group."""
        self.groups.append((title, []))

    def add(self, what: str, figure: str, *, target: str = "", met: bool | None = None) -> None:
        """Add a figure to the group."""
        self.groups[-1][1].append(Line(what, figure, target, met))

    @property
    def missed(self) -> int:
        """How many targets are missed."""
        return sum(line.met is False for _, lines in self.groups for line in lines)

    def show(self, console: Console) -> None:
        """Print the table."""
        table = Table(title="Sitrep against the embedded Slack (medians)", title_justify="left")
        table.add_column("")
        table.add_column("measured", justify="right")
        table.add_column("target", justify="right")
        table.add_column("")
        for title, lines in self.groups:
            table.add_section()
            table.add_row(f"[bold]{title}[/bold]")
            for line in lines:
                table.add_row(f"  {line.what}", line.figure, line.target, _mark(line))
        console.print(table)


def _mark(line: Line) -> str:
    match line.met:
        case True:
            return "[green]met[/green]"
        case False:
            return "[red]missed[/red]"
    return ""


def milliseconds(seconds: float) -> str:
    """Return a time in milliseconds, e.g. `12 ms`."""
    return f"{seconds * 1000:.0f} ms"


def beyond_calls(seconds: float, *, calls: int, latency: float) -> str:
    """Return a time as calls that wait for each other, plus the rest."""
    if latency == 0:
        return milliseconds(seconds)
    rest = seconds - calls * latency
    return f"{calls} calls + {milliseconds(rest)} ({seconds / latency:.1f} ×)"
