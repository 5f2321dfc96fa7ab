"""`sitrep verify`: checks that one timeline, the whole record, or an exported file is unchanged."""

import asyncio
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.operations.commands.configuration import load_configuration
from bot.operations.commands.output import fail
from incidents.core.ids import parse_reference

if TYPE_CHECKING:
    from config.settings import Settings
    from incidents.core.hash_chain import ChainHead, Flaw
    from incidents.registry.verification import Proof

# More proofs than this are counted instead of listed.
_MANY = 100
_ANCHOR = re.compile(r"(\d+):([0-9a-fA-F]{32,64})")


def verify(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="[INC-12|FILE]",
            help="An incident, or a JSON export. Left out: everything.",
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(metavar="PUBLIC", help="The public key that must have signed the file."),
    ] = None,
    anchor: Annotated[
        str | None,
        typer.Option(
            metavar="41:3f9c…", help="An entry's number and hash, from a message or an export."
        ),
    ] = None,
    workspace: Annotated[
        str | None,
        typer.Option(metavar="T…", help="The workspace, if the database holds several."),
    ] = None,
    begin_with: Annotated[
        str | None,
        typer.Option("--from", metavar="INC-12", help="Verify everything from this one on."),
    ] = None,
) -> None:
    """Verify that a timeline is unchanged; without one, all of them and the audit log.

    With a file, no database is needed. docs/proof.md says what this proves and what it can't.
    """
    from bot.operations.commands.record import CannotRead  # noqa: PLC0415

    head = _anchor(anchor)
    if what is not None and _is_file(what):
        _verify_file(Path(what), key=key, anchor=head)
        return
    if key is not None:
        fail("--key goes with a file: sitrep verify inc-12-timeline-41.json --key …")
    if head is not None and what is None:
        fail("--anchor goes with an incident or a file: sitrep verify INC-12 --anchor 41:3f9c…")
    if begin_with is not None and what is not None:
        fail("--from is for verifying everything: sitrep verify --from INC-12")
    settings = load_configuration().settings
    try:
        if what is None:
            is_proven = _verify_everything(settings, workspace, begin_with=begin_with)
        else:
            is_proven = _verify_one(settings, what, workspace, anchor=head)
    except CannotRead as error:
        fail(str(error))
    if not is_proven:
        raise typer.Exit(1)


def _is_file(what: str) -> bool:
    return Path(what).is_file() or Path(what).suffix in {".json", ".md", ".csv"}


def _anchor(text: str | None) -> "ChainHead | None":
    from incidents.core.hash_chain import ChainHead  # noqa: PLC0415

    if text is None:
        return None
    found = _ANCHOR.fullmatch(text.strip().strip("`"))
    if found is None:
        fail("--anchor is an entry's number and at least 32 characters of its hash: 41:3f9c…")
    return ChainHead(int(found[1]), found[2].casefold())


def _say(name: str, entries: int, flaws: "tuple[Flaw, ...]", *, lost: int = 0) -> None:
    if not flaws:
        more = f" A restore lost {lost} more: see the audit log." if lost else ""
        typer.echo(f"{name}: all {entries} {_counted(name)}.{more}")
        return
    typer.echo(f"{name}: this is not as it was recorded.", err=True)
    for flaw in flaws:
        typer.echo(f"  {_described(flaw)}", err=True)


def _counted(name: str) -> str:
    return "are there" if name == "Numbers" else "entries are as they were recorded"


def _described(flaw: "Flaw") -> str:
    if flaw.problem in _NUMBERS:
        return f"{flaw.sequence}: {_NUMBERS[flaw.problem]}"
    said = _FLAWS.get(flaw.problem)
    if said is None and flaw.problem.endswith("_differs"):
        field = flaw.problem.removesuffix("_differs").replace("_", " ")
        said = f"up to here, the incident's stored {field} isn't what the entries say"
    return f"entry {flaw.sequence}: {said or flaw.problem}"


_NUMBERS = {
    "incident_missing": "the incident with this number is missing, and no restored backup explains it",
    "drill_missing": "the drill with this number is missing, and no restored backup explains it",
    "incident_counter_differs": "the counter is behind the incidents that are there",
    "drill_counter_differs": "the counter is behind the drills that are there",
}
_FLAWS = {
    "sequence_gap": "an entry before it is missing",
    "broken_link": "it doesn't follow from the entry before it",
    "entry_changed": "it was changed after it was recorded",
    "content_changed": "its content was changed after it was recorded",
    "content_missing": "its content is missing, and no redaction explains it",
    "head_differs": "entries after it are missing, or the stored last hash was changed",
    "entry_missing": "entries that other rows refer to are missing",
    "unreadable": "it can't be read: what is stored here isn't an entry",
    "action_items_differ": "up to here, the stored action items aren't what the entries say",
    "postmortem_differs": "up to here, the postmortem's stored versions aren't what the entries say",
    "proposals_differ": "up to here, the stored proposals aren't what the entries say",
    "handoffs_differ": "up to here, the stored handoffs aren't what the entries say",
    "roles_differ": "up to here, the stored roles aren't what the entries say",
    "stage_missing": "the stage that it recorded is missing",
    "stage_changed": "the stored stage isn't the one that it recorded",
    "stage_unknown": "a stage refers to it, but the log doesn't have it",
    "subject_differs": "the file names one incident, and its entries belong to another",
    "up_to_differs": "the file's `up_to` isn't its last entry",
    "chain_differs": "the file describes its hashes wrongly",
    "markings_differ": "the file's drill or private marking isn't the incident's",
    "rewritten": "another program has rewritten the file",
    "unknown_format": "this version doesn't know this format; it checks the JSON export",
    "signature_wrong": "the signature doesn't match this file",
}


# -- a file -------------------------------------------------------------------------------------


def _verify_file(path: Path, *, key: str | None, anchor: "ChainHead | None") -> None:
    """Check an export without settings or a database."""
    from incidents.core.hash_chain import Flaw  # noqa: PLC0415
    from incidents.exports.offline import prove_file  # noqa: PLC0415

    try:
        data = path.read_bytes()
    except OSError as error:
        fail(f"{path} can't be read: {error.strerror}")
    if path.suffix in {".md", ".csv"}:
        fail(
            f"{path.name}: only a JSON export holds the whole chain. This one names its last "
            "entry; compare that: sitrep verify INC-12 --anchor NUMBER:HASH"
        )
    proof = prove_file(data)
    if any(flaw == Flaw(0, "unreadable") for flaw in proof.flaws):
        fail(
            f"{path.name} can't be read as an export: it is cut off, or another file. Export it again."
        )
    _say(path.name, proof.entries, proof.flaws)
    if proof.flaws:
        raise typer.Exit(1)
    try:
        is_theirs = key is None or proof.is_signed_by(key)
    except ValueError as error:
        fail(f"--key {error}")
    if not is_theirs:
        by = f"by another key, {proof.signature.public_key}" if proof.signature else "by nobody"
        fail(f"{path.name}: it is signed {by}.")
    if anchor is not None and not _file_holds(data, anchor):
        fail(f"{path.name}: it has no entry with that number and hash.")
    typer.echo(f"It goes up to entry {proof.head.sequence}, hash {proof.head.entry_hash}.")
    if proof.signature is None:
        typer.echo("It isn't signed: compare that hash with one kept elsewhere.")
    elif key is None:
        typer.echo(f"It is signed with the key {proof.signature.public_key}: is that yours?")
    else:
        typer.echo("It is signed with that key.")


def _file_holds(data: bytes, anchor: "ChainHead") -> bool:
    import json  # noqa: PLC0415

    entries = json.loads(data)["entries"]
    there = entries[anchor.sequence - 1 : anchor.sequence] if anchor.sequence > 0 else []
    return bool(there) and str(there[0]["entry_hash"]).startswith(anchor.entry_hash.casefold())


# -- the database -------------------------------------------------------------------------------


def _verify_one(
    settings: "Settings", incident: str, workspace: str | None, *, anchor: "ChainHead | None"
) -> bool:
    from bot.operations.commands.record import get_reference, open_record  # noqa: PLC0415
    from incidents.registry.verification import prove_incident  # noqa: PLC0415

    async def prove() -> "Proof":
        ref = get_reference(incident)
        async with open_record(settings, workspace=workspace) as record:
            return await prove_incident(
                record.session, ref, workspace_id=record.workspace_id, viewer=record.viewer
            )

    proof = asyncio.run(prove())
    _say(proof.name, proof.entries, proof.flaws)
    is_there = anchor is None or proof.agrees_with(anchor)
    if not is_there:
        typer.echo(f"{proof.name}: it has no entry with that number and hash.", err=True)
    return is_there and not proof.flaws


def _verify_everything(
    settings: "Settings", workspace: str | None, *, begin_with: str | None
) -> bool:
    """Verify all timelines; when interrupted, tell what was found, and how to go on."""
    found = _Findings()
    try:
        asyncio.run(_prove_everything(settings, workspace, begin_with, found))
    except KeyboardInterrupt:
        found.tell()
        rest = f"sitrep verify --from {found.last}" if found.last else "sitrep verify"
        typer.echo(f"Stopped. To check the rest: {rest}", err=True)
        raise typer.Exit(130) from None
    found.tell()
    return not found.are_flaws


async def _prove_everything(
    settings: "Settings", workspace: str | None, begin_with: str | None, found: "_Findings"
) -> None:
    from bot.operations.commands.record import get_reference, open_record  # noqa: PLC0415
    from incidents.registry.verification import prove_everything  # noqa: PLC0415

    first = get_reference(begin_with).reference if begin_with else None
    async with open_record(settings, workspace=workspace) as record:
        async for proof in prove_everything(
            record.session,
            workspace_id=record.workspace_id,
            begin_with=first,
            expect=found.expect,
        ):
            found.add(proof)
            await asyncio.sleep(0)  # SQLite's queries never wait, and Ctrl-C is heard only then


class _Findings:
    """What was found: each proof, but of many only those with flaws, and how many are intact."""

    def __init__(self) -> None:
        self.last = ""
        self.are_flaws = False
        self._kept: list[Proof] = []
        self._intact = self._entries = 0
        self._bar: Any = None

    def expect(self, proofs: int) -> None:
        """Show the progress if there are many."""
        if proofs > _MANY:
            label = f"Verifying {proofs} parts"
            self._bar = typer.progressbar(length=proofs, label=label, file=sys.stderr)
            self._bar.render_progress()

    def add(self, proof: "Proof") -> None:
        """Take the next one."""
        self.are_flaws = self.are_flaws or bool(proof.flaws)
        if self._bar is not None:
            self._bar.update(1)
        is_incident = parse_reference(proof.name) is not None
        self.last = proof.name if is_incident else self.last
        if self._bar is not None and is_incident and not proof.flaws:
            self._intact, self._entries = self._intact + 1, self._entries + proof.entries
        else:
            self._kept.append(replace(proof, hashes=()))  # of the audit log, they are many

    def tell(self) -> None:
        """Print what was found."""
        if self._bar is not None:
            self._bar.render_finish()
            _say(f"{self._intact} timelines", self._entries, ())
        for proof in self._kept:
            _say(proof.name, proof.entries, proof.flaws, lost=proof.lost)
