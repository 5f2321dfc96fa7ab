"""The policy's templates of updates: read from the file, with mistakes named by line."""

from pathlib import Path

import pytest

from config.policy_loader import PolicyErrors, dump_policy, load_policy
from incidents.policy.stakeholders import UpdateTemplate

_ONE = "updates:\n  templates:\n    - audience: Customers\n"
_SECOND = '      text: "A"\n    - audience: Customers\n      text: "B"'


def test_templates_are_read_and_written_back(tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(f'{_ONE}      severity: sev2\n      text: "{{title}}: {{impact}}"')
    policy = load_policy(path).policy
    template = UpdateTemplate(audience="Customers", severity="sev2", text="{title}: {impact}")
    assert policy.updates.templates == (template,)
    values = {"title": "Slow {impact}", "impact": "EU"}
    assert template.filled(values) == "Slow {impact}: EU"
    path.write_text(dump_policy(policy))
    assert load_policy(path).policy == policy


@pytest.mark.parametrize(
    ("lines", "line", "key", "words"),
    [
        ('      text: "{titel}"', 4, "text", "between braces only reference, title"),
        ('      text: "{title"', 4, "text", "between braces only"),
        ('      severity: sev9\n      text: "A"', 4, "severity", "there is no severity `sev9`"),
        (_SECOND, 5, "audience", "already has a template"),
    ],
)
def test_a_mistake_in_a_template_names_its_line(
    tmp_path: Path, lines: str, line: int, key: str, words: str
) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(_ONE + lines, encoding="utf-8")
    with pytest.raises(PolicyErrors) as caught:
        load_policy(path)
    (found,) = caught.value.problems
    assert (found.line, found.key_path.rpartition(".")[2]) == (line, key)
    assert words in found.what
