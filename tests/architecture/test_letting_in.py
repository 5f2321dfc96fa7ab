"""People are let into incidents in one place, which asks before it opens a private one."""

from collections.abc import Iterator

from tests.architecture.sources import Source, calls, parsed, require

# Besides `people/sight.py`: a new incident or move says whom it is for; who has a role keeps sight
# when Slack makes the channel private; the recovery person is loud; the policy's people are known;
# an invitation is recorded for somebody let in before.
LETS_IN = (
    "incidents/people/sight.py",
    "incidents/incident/incident.py",
    "incidents/channel/exposure.py",
    "incidents/channel/invitations.py",
    "incidents/channel/privacy.py",
    "incidents/channel/recovery.py",
    "incidents/drills/start.py",
    "incidents/roles/command_watch.py",
)


def other_ways_in(sources: tuple[Source, ...]) -> Iterator[str]:
    """Find participants who are let in elsewhere."""
    for source in sources:
        if source.is_in(*LETS_IN):
            continue
        for node, name in calls(source):
            is_saved = name == "save_participant" and any(
                keyword.arg == "invited_at" for keyword in node.keywords
            )
            if is_saved or (name.endswith(".let_in") and name != "let_in"):
                yield f"{source.at(node)} lets somebody in"


def test_people_are_let_in_where_the_question_is_asked(program: tuple[Source, ...]) -> None:
    require(
        other_ways_in(program),
        rule="Before a private incident opens to somebody, who causes it is asked.",
        instead="use `call_in` or `let_in`",
    )


def test_another_way_in_is_found() -> None:
    text = "save_participant(session, incident_id=a, person_id=b, invited_at=now)\npart.let_in(now)"
    assert len(list(other_ways_in((parsed("incidents/x/y.py", text),)))) == 2
