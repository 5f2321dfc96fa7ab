"""A policy's mistakes are reported all at once, each with its line and what to do."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.policy_loader import PolicyErrors, PolicyProblem, load_policy
from tests.chance import examples

Problems = Callable[[str], tuple[PolicyProblem, ...]]


@pytest.fixture
def problems(tmp_path: Path) -> Problems:
    def _problems(text: str) -> tuple[PolicyProblem, ...]:
        path = tmp_path / "ours.yaml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(PolicyErrors) as caught:
            load_policy(path)
        return caught.value.problems

    return _problems


WRONG = [
    ("\ncomand: /x", 2, "comand", "did you mean `command`?"),
    ("reminders:\n  snoze: 5m", 2, "reminders.snoze", "did you mean `snooze`?"),
    ("command: incident", 1, "command", "has to be `/`"),
    ("command:\n- /incident", 1, "command", "has to be a single value"),
    ("announcement:\n  channel: #incidents", 2, "announcement.channel", "has no value"),
    ("announcement:\n  enabled: maybe", 2, "announcement.enabled", "true or false"),
    ("reminders:\n  snooze: 15", 2, "reminders.snooze", "a number with s, m, h or d"),
    ("reminders:\n  snooze: 0m", 2, "reminders.snooze", "between 1s and 30d"),
    ("reminders: 5m", 1, "reminders", "`key: value` lines"),
    ("reminders:\n  # all commented out", 1, "reminders", "has no value"),
    ("duplicates:\n  similarity: 7", 2, "duplicates.similarity", "from 0.1 to 1"),
    ("duplicates:\n  similarity: .nan", 2, "duplicates.similarity", "has to be a number"),
    ("severities:\n  sev1:\n    rank: '1'", 3, "severities.sev1.rank", "without quotes"),
    ("severities:\n  sev1:\n    name: 1", 3, "severities.sev1.name", "put it in quotes"),
    ("severities:\n  sev1:\n    name: no", 3, "severities.sev1.name", "put it in quotes"),
    ("severities:\n  sev1:\n    rank: 2", 3, "severities.sev2.rank", "sev1 also has rank 2"),
    ("severities:\n  sev9: null", 2, "severities.sev9", "isn't there to be removed"),
    ("severities:\n  Sev 9: {}", 2, "severities.Sev 9", "isn't a key"),
    ("severities: [sev1]", 1, "severities", "one for each entry"),
    ("default_severity: sve2", 1, "default_severity", "did you mean `sev2`?"),
    ("call:\n- backup: '@db'", 2, "call[0].backup", "a person, not a"),
    ("call:\n- invite:\n  - U0123\n  - bob", 4, "call[0].invite[1]", ""),
    ("call:\n- severity: sev9", 2, "call[0].severity", "there is no severity"),
    ("severities:\n  sev1:\n    backup: U0123", 3, "severities.sev1.backup", "under `call`"),
    ("severities:\n  sev1:\n    invites: [U0123]", 3, "severities.sev1.invites", "under `call`"),
    ("services:\n  web:\n    name: Web", 2, "services.web.tier", "is needed but missing"),
    ("services:\n  web: {name: W, tier: 9}", 2, "services.web.tier", "from 1 to 5"),
    ("services:\n  web: {name: W, tier: 1, runbook_url: wiki}", 2, "services.web.runbook_url", ""),
    ("roles:\n  commander: null", 2, "roles.commander", "has to stay"),
    ("roles:\n  commander:\n    exclusive: false", 3, "roles.commander.exclusive", "one commander"),
    ("roles:\n  scribe:\n    aliases: [comms]", 3, "roles.communications_lead.aliases", "scribe"),
    ("rights:\n  actions:\n    resolve: [comander]", 3, "rights.actions.resolve", "`commander`?"),
    (
        "rights:\n  actions:\n    edit:\n    - anyone\n    - editor",
        5,
        "rights.actions.edit",
        "editor",
    ),
    ("rights:\n  actions:\n    resolv: [anyone]", 3, "rights.actions.resolv", "`resolve`?"),
    ("rights:\n  actions:\n    resolve: null", 3, "rights.actions.resolve", "has to stay"),
    (
        (
            "pagers: {ntfy: {kind: ntfy}}\npeople:\n"
            "- {who: kim@example.com, reach: [ntfy/kim]}\n"
            "- {who: kim@example.com, reach: [ntfy/kim2]}"
        ),
        4,
        "people",
        "kim@example.com stands here twice",
    ),
    ("rights:\n  guests_may: [look]", 2, "rights.guests_may[0]", "isn't one of the possible"),
    ("channels:\n  name: inc-{slug}", 2, "channels.name", "has to hold {number}"),
    ("channels:\n  name: Inc {number}", 2, "channels.name", "small letters"),
    (
        "bookmarks:\n- {title: A, url: 'https://x.example/{servic}'}",
        2,
        "bookmarks[0].url",
        "braces",
    ),
    ("bookmarks:\n- {title: A, url: 'javascript:alert(1)'}", 2, "bookmarks[0].url", "web address"),
    ("postmortem:\n  template: mine.md.j2", 2, "postmortem.template", "config/templates"),
    (
        "postmortem:\n  sections:\n  - key: mood\n    title: Mood\n    kind: auto",
        5,
        "postmortem.sections[0].kind",
        "can't be filled from the record",
    ),
    (
        "postmortem:\n  sections:\n  - key: mood\n    title: Mood\n    kind: prompt",
        3,
        "postmortem.sections[0].prompt",
        "asks them something",
    ),
    (
        (
            "postmortem: {sections: [\n  {key: a, title: A, kind: prompt, prompt: A},\n\n"
            "  {key: a, title: B, kind: prompt, prompt: B}]}"
        ),
        4,
        "postmortem.sections[1].key",
        "more than once",
    ),
    (
        "reminders:\n  update_missed_fraction: 0.5",
        2,
        "reminders.update_missed_fraction",
        "greater than update_late_fraction (0.5)",
    ),
    (
        "reminders:\n  commander_backup_after: 1m",
        2,
        "reminders.commander_backup_after",
        "longer than commander_missing_after (5m)",
    ),
    (
        "figures:\n  time_to_acknowledge_p90: 1m",
        2,
        "figures.time_to_acknowledge_p90",
        "shorter than",
    ),
    ("reminders:\n  holidays_country: XQ", 2, "reminders.holidays_country", "country code"),
    ("command: /a\ncommand: /b", 2, "command", "is there twice; it is first on line 1"),
    ("on: true", 1, "on", "put it in quotes"),
    ("- command", 1, "", "`key: value` lines"),
    ("just text", 1, "", "`key: value` lines"),
    ("command: !!python/object/apply:os.system [ls]", 1, "command", "tags such as"),
    ("command: &a /x\ndefault_severity: *a", 2, "", "anchors and aliases"),
    ("command: /x\n---\ncommand: /y", 2, "", "more than one document"),
    ("command: /x\nprivate:\n  invite: [@db]", 3, "", "needs quotes"),
    ("announcement:\n\tenabled: true", 2, "", "with a tab"),
    ("command: /x\n  bad: [", 2, "", "isn't valid YAML"),
    ("command: /x\n\x07", 2, "", "character that YAML doesn't allow"),
    ('command: "\\UFFFFFFFF"', 0, "", "isn't valid YAML"),
    ("a: " + "[" * 5000, 1, "", "levels deep"),
]


@pytest.mark.parametrize(("text", "line", "key_path", "what"), WRONG)
def test_a_mistake_names_its_line_its_key_and_what_to_do(
    problems: Problems, text: str, line: int, key_path: str, what: str
) -> None:
    found = [p for p in problems(text) if p.path.endswith("ours.yaml") or p.line == 0]

    assert (found[0].line, found[0].key_path) == (line, key_path)
    assert what in found[0].what


def test_all_mistakes_are_reported_at_once_in_reading_order(problems: Problems) -> None:
    found = problems(
        "comand: /x\n"
        "default_severity: sev7\n"
        "reminders:\n  snooze: soon\n  stale_after: never\n"
        "rights:\n  actions:\n    edit: [editor]\n"
    )

    assert [(p.line, p.key_path) for p in found] == [
        (1, "comand"),
        (2, "default_severity"),
        (4, "reminders.snooze"),
        (5, "reminders.stale_after"),
        (8, "rights.actions.edit"),
    ]


def test_a_severity_that_was_refused_is_not_also_called_unknown(problems: Problems) -> None:
    found = problems("default_severity: sev0\nseverities:\n  sev0: {name: SEV0, rank: 9}\n")

    assert [p.key_path for p in found] == ["severities.sev0.meaning"]


@pytest.mark.parametrize(
    ("text", "key_path"),
    [
        ("\nseverities:\n  sev3: null", "default_severity"),
        ("roles:\n  commander:\n    aliases: [comms]", "roles.communications_lead.aliases"),
        ("\nreminders:\n  update_late_fraction: 2", "reminders.update_missed_fraction"),
        ("\nreminders:\n  commander_missing_after: 1h", "reminders.commander_backup_after"),
        ("\nfigures:\n  time_to_acknowledge_p50: 1h", "figures.time_to_acknowledge_p90"),
    ],
)
def test_a_clash_with_a_built_in_value_is_shown_on_the_files_own_line(
    problems: Problems, text: str, key_path: str
) -> None:
    (found,) = problems(text)

    assert found.path.endswith("ours.yaml")
    assert (found.line, found.key_path) == (3, key_path)


def test_a_problem_reads_as_one_line_with_an_example(problems: Problems) -> None:
    (found,) = problems("reminders:\n  snooze: 15")

    place, _, rest = str(found).partition(":2: ")
    assert place.endswith("ours.yaml")
    assert rest == (
        "reminders.snooze: has to be a duration: a number with s, m, h or d. Example: 15m"
    )


def test_control_characters_of_a_key_never_reach_the_terminal(problems: Problems) -> None:
    (found,) = problems('"\\e[31m\\ud800\\n": 1')

    assert str(found).isprintable()


def test_a_missing_file_is_reported_kindly(tmp_path: Path) -> None:
    with pytest.raises(PolicyErrors, match="no such file; check SITREP_POLICY"):
        load_policy(tmp_path / "absent.yaml")


def test_a_directory_is_not_taken_for_a_policy(tmp_path: Path) -> None:
    with pytest.raises(PolicyErrors, match="is a directory"):
        load_policy(tmp_path)


def test_a_path_through_a_file_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")

    with pytest.raises(PolicyErrors, match="can't be read"):
        load_policy(tmp_path / "file" / "policy.yaml")


def test_a_file_in_another_encoding_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"command: /x\n# caf\xe9\n")

    with pytest.raises(PolicyErrors) as caught:
        load_policy(path)

    assert caught.value.problems[0].line == 2
    assert "UTF-8" in caught.value.problems[0].what


def test_a_huge_file_is_refused_before_it_is_read_as_yaml(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    path.write_bytes(b"#" * 1_000_001)

    with pytest.raises(PolicyErrors, match="larger than 1 MB"):
        load_policy(path)


KEYS = st.sampled_from(
    [
        *("command", "severities", "sev1", "rank", "rights", "actions", "resolve", "bookmarks"),
        *("roles", "commander", "reminders", "snooze", "services", "postmortem", "sections"),
        *("null", "<<"),
    ]
)
SCALARS = st.sampled_from(
    [
        "null",
        "~",
        "|\n   text",
        "!!set {a}",
        "1",
        "-0x1F",
        "1e99",
        ".inf",
        "15m",
        "'@x'",
        "yes",
        "2020-01-01",
        "=",
        "[]",
        "{}",
        '"\\ud800"',
        "!!int x",
        "!x y",
        "&a b",
        "*a",
        "99999999d",
    ]
)


@st.composite
def _yaml_like(draw: st.DrawFn, indent: int = 0) -> str:
    lines = []
    for _ in range(draw(st.integers(1, 4))):
        nested = indent < 6 and draw(st.booleans())
        value = "\n" + draw(_yaml_like(indent + 2)) if nested else f" {draw(SCALARS)}"
        lines.append(f"{' ' * indent}{draw(KEYS)}:{value}")
    return "\n".join(lines)


@settings(
    max_examples=examples(120),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(content=_yaml_like().map(str.encode) | st.binary(max_size=200))
def test_any_file_loads_or_is_refused_with_printable_reasons(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "any.yaml"
    path.write_bytes(content)

    assert _outcome_of(path).isprintable()


def _outcome_of(path: Path) -> str:
    try:
        return load_policy(path).digest
    except PolicyErrors as refused:
        return " ".join(str(problem) for problem in refused.problems)
