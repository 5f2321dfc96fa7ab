"""Renders the postmortem in Slack: channel messages, messages to its owner, and forms."""

from collections.abc import Mapping, Sequence
from dataclasses import field

from sqlalchemy.ext.asyncio import AsyncSession

from bot.framework.arguments import Arguments, OnIncident, on_incident, to_value
from bot.framework.entry_messages import Ending, told_message
from bot.framework.refusals import say
from bot.framework.verbs import Form
from bot.slack import blocks, mentions
from incidents.core.people import Person
from incidents.core.times import day_text
from incidents.incident.incident import ById, IncidentRef
from incidents.incident.views import EntryView, IncidentView, PersonView
from incidents.policy.policy import COMMANDER, Policy
from incidents.policy.postmortem import Section
from incidents.postmortem.entries import (
    OwnedEntry,
    PostmortemDrafted,
    PostmortemEntry,
    PostmortemOwnerSet,
    PostmortemPublished,
    PostmortemReminded,
)
from incidents.postmortem.postmortem import (
    PostmortemView,
    SectionEdit,
    find_postmortem_view,
    writable_sections,
)


class OnPostmortem(Arguments):
    """An incident's postmortem, in the version that the button belongs to."""

    ref: IncidentRef
    version: int | None = None


class Writing(OnIncident):
    """The revision of each section that the form shows."""

    revisions: Mapping[str, int] = field(default_factory=dict)


def drafted(draft: PostmortemDrafted, _entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Announce the draft, and ask who writes it up."""
    due = _due(draft)
    lead = f"*{_title(incident)}: draft {draft.version}* is ready. I made it from the record and am uploading it here."
    if draft.owner is not None:
        name = mentions.escape_line(draft.owner.name)
        text = f"{lead} {name} writes it, due {due}. Everything people wrote is still in it."
    else:
        leads = [mentions.mention(one.external_id) for one in incident.holders(COMMANDER)]
        asks = f"{', '.join(leads)}: who" if leads else "Who"
        text = f"{lead} {asks} writes it? It's due {due}."
    is_owned = draft.owner is not None
    return say(text, *owner_buttons(incident, draft.version, is_owned=is_owned))


def owner_set(_set: PostmortemOwnerSet, entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Announce in the channel who writes the postmortem."""
    button = write_button(incident)
    return told_message(entry, incident, button, asks="Everybody can add to it.")


def owner_told(
    given: PostmortemOwnerSet, entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Tell the owner directly who assigned them the postmortem, and what to do next."""
    text = (
        f"{mentions.escape_line(entry.actor_name)} asked you to write the postmortem of "
        f"{_incident_link(incident)}, due {_due(given)}. The draft is made "
        "from the record. What only people know is missing: what came together, and what you learned."
    )
    return say(text, write_button(incident))


def published(
    done: PostmortemPublished, entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Announce that the postmortem is published, and where."""
    return told_message(entry, incident, asks="" if done.link else "I'm uploading the file here.")


def reminded(due: PostmortemReminded, entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Remind the channel of a postmortem that has no owner."""
    text = (
        f"The postmortem of {incident.reference} is due {_when(due, entry)}, "
        "and nobody has it yet. Who writes it?"
    )
    return say(text, *owner_buttons(incident, due.version, is_owned=False))


def owner_reminded(
    due: PostmortemReminded, entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Remind the owner by direct message."""
    text = (
        f"The postmortem of {_incident_link(incident)} is due {_when(due, entry)}. "
        "You can publish it once the contributing factors are written."
    )
    return say(text, write_button(incident), publish_button(incident))


async def postmortem_ending(
    about: PostmortemEntry, session: AsyncSession, _entry: EntryView, incident: IncidentView
) -> Ending | None:
    """Return that it was published or redrafted, or who writes it now."""
    view = await find_postmortem_view(session, incident.id)
    if view is None:
        return None
    if view.version != about.version:
        return Ending(f"Draft {view.version} replaces this one.")
    if view.is_published:
        at = f" {mentions.date(view.published_at)}" if view.published_at else ""
        return Ending(f"*Published*{at}.")
    named = about.owner.id if about.owner is not None else None
    if view.owner_id is None or view.owner_id == named:
        return None
    owner = await session.get_one(Person, view.owner_id)
    text = f"{mentions.escape_line(owner.name)} writes it."
    if named is not None:
        return Ending(text)
    buttons = owner_buttons(incident, about.version, is_owned=True)
    return Ending(text, is_final=False, buttons=tuple(buttons))


def shown(
    incident: IncidentView,
    view: PostmortemView,
    *,
    owner: PersonView | None,
    policy: Policy,
) -> blocks.Message:
    """Return the postmortem's state, and what is left to do."""
    state = "published" if view.is_published else "a draft"
    named = mentions.escape_line(owner.name) if owner else "nobody yet"
    due = day_text(view.due_on)
    open_titles = [
        section.title for section in writable_sections(policy) if not _is_written(view, section)
    ]
    lines = [
        f"*{_title(incident)}*: version {view.version}, {state}.",
        f"*Owner* {named}   *Due* {due}",
        f"*Not written yet* {mentions.escape_line(', '.join(open_titles)) or 'nothing'}",
    ]
    if view.link:
        lines.append(f"*Kept at* {mentions.link(view.link, view.link)}")
    buttons = owner_buttons(incident, view.version, is_owned=owner is not None)
    if not view.is_published:
        buttons = [*buttons, publish_button(incident)]
    return say("\n".join(lines), *buttons)


def owner_buttons(
    incident: IncidentView, version: int, *, is_owned: bool
) -> list[blocks.ButtonElement]:
    """Return the buttons to choose an owner, to write, and to add an action item."""
    value = to_value(OnPostmortem(ById(incident.id), version))
    claim = blocks.button(
        "I'll write it", action_id="postmortem_claim", value=value, style="primary"
    )
    choose = blocks.button(
        "Change owner…" if is_owned else "Choose an owner…",
        action_id="postmortem_owner_open",
        value=value,
    )
    add_item = blocks.button("Add an action item", action_id="action_item_open", value=value)
    return [*([] if is_owned else [claim]), choose, write_button(incident), add_item]


def write_button(incident: IncidentView) -> blocks.ButtonElement:
    """Return the button that opens the form to write."""
    return blocks.button("Write…", action_id="postmortem_write_open", value=on_incident(incident))


def publish_button(incident: IncidentView) -> blocks.ButtonElement:
    """Return the button that publishes after a confirmation."""
    sure = blocks.confirm(
        "Publish it?",
        text="I post the final document in the incident channel and stop reminding you.",
        yes="Publish",
    )
    return blocks.button(
        "Publish", action_id="postmortem_publish", value=on_incident(incident), confirm=sure
    )


def owner_form(incident: IncidentView, *, initial: str | None) -> blocks.View:
    """Return the form that names the postmortem's owner; `initial` is a user id."""
    select = blocks.user_select("owner", label="Who writes the postmortem?", initial=initial)
    return blocks.modal(
        "Postmortem owner",
        blocks=[blocks.context(mentions.escape_line(_title(incident))), select],
    )


def write_form(
    incident: IncidentView,
    view: PostmortemView,
    *,
    policy: Policy,
    typed: Mapping[str, str] | None = None,
    clashing: Sequence[str] = (),
) -> Form[Writing]:
    """Return the form with a field for each section that people write in.

    `clashing` names sections that others changed meanwhile: their text is shown above the field,
    and the field keeps what was typed.
    """
    body: list[blocks.Block] = [blocks.context("Systems, tools and habits rather than people.")]
    revisions: dict[str, int] = {}
    for section in writable_sections(policy):
        written = view.find_written(section.key)
        text = written.text if written else ""
        revisions[section.key] = written.revision if written else 0
        if section.key in clashing:
            body.extend(_clash_note(section, text))
        body.append(
            blocks.text_input(
                section.key,
                label=section.title,
                initial=(typed or {}).get(section.key, text) or None,
                multiline=True,
                optional=True,
                hint=section.prompt,
            )
        )
    form = blocks.modal(f"Postmortem {incident.reference}", blocks=body)
    return Form(form, Writing(ById(incident.id), revisions=revisions))


def read_write_form(
    form: blocks.FormState, revisions: Mapping[str, int], *, policy: Policy
) -> dict[str, SectionEdit]:
    """Return what was typed in each section of the form, with the revision it showed."""
    return {
        section.key: SectionEdit(form.text(section.key), revisions[section.key])
        for section in writable_sections(policy)
        if section.key in revisions
    }


def missing_text(fields: Sequence[str], *, policy: Policy, slash: str) -> str:
    """Return what is missing before publishing, or that there is no postmortem yet."""
    sections = [policy.postmortem.find_section(key) for key in fields]
    titles = [section.title for section in sections if section is not None]
    if not titles:
        return (
            "There is no postmortem yet. I draft it when the incident is resolved: "
            f"`{slash} resolve`"
        )
    return (
        f"Not published yet. Still to write: {mentions.escape_line(', '.join(titles))}. "
        f"Open the form with `{slash} postmortem write`."
    )


def _clash_note(section: Section, text: str) -> tuple[blocks.Block, ...]:
    lead = f"*{mentions.escape_line(section.title)}*: somebody changed it while you were writing. It now says:"
    return (
        *blocks.paragraphs(f"{lead}\n{mentions.escape(text) or '_nothing_'}"),
        blocks.context(
            "Your text is below. Saving again replaces the other text, so bring both together first."
        ),
    )


def _is_written(view: PostmortemView, section: Section) -> bool:
    written = view.find_written(section.key)
    return written is not None and bool(written.text)


def _title(incident: IncidentView) -> str:
    return f"Postmortem of {incident.reference}{' (drill)' if incident.is_drill else ''}"


def _incident_link(incident: IncidentView) -> str:
    where = f" {mentions.channel_link(incident.channel_id)}" if incident.channel_id else ""
    return f"{incident.reference} ({mentions.escape_line(incident.title)}){where}"


def _due(entry: OwnedEntry) -> str:
    return day_text(entry.due_on) if entry.due_on else "on an unknown day"


def _when(due: PostmortemReminded, entry: EntryView) -> str:
    if due.due_on == entry.recorded_at.date():
        return f"today, {_due(due)}"
    return f"since {_due(due)}" if due.is_due else f"on {_due(due)}"
