"""The secrets file: closed to others, and no value in any message."""

from pathlib import Path

import pytest

from config.secrets_file import Secrets, load_secrets
from config.yaml_tree import PolicyErrors

GOOD = """
pagers:
  goalert:
    webhook_secret: [new-secret, old-secret]
    addresses: {checkout: hunter2}
  pagerduty: {token: hunter2, from: sitrep@example.com, webhook_secret: one-secret}
phones:
  Kim@Example.com: "+49 30 1234"
"""


def written(folder: Path, text: str, *, mode: int = 0o600) -> Path:
    """Write the file with this mode."""
    path = folder / "secrets.yaml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def test_secrets_are_found_by_pager_and_phones_by_email_in_any_letters(tmp_path: Path) -> None:
    secrets = load_secrets(written(tmp_path, GOOD, mode=0o640))

    assert secrets.of("goalert").webhook_secrets == ("new-secret", "old-secret")
    assert secrets.of("goalert").addresses == {"checkout": "hunter2"}
    assert secrets.of("pagerduty").token == "hunter2"
    assert secrets.of("pagerduty").sender == "sitrep@example.com"
    assert secrets.find_phone("KIM@example.com") == "+49 30 1234"
    assert secrets.find_phone("jo@example.com") is None
    assert secrets.of("another").values == ()
    assert load_secrets(None) == Secrets()


def test_no_repr_shows_a_secret(tmp_path: Path) -> None:
    secrets = load_secrets(written(tmp_path, GOOD))
    shown = f"{secrets!r} {secrets.of('goalert')!r} {secrets.of('pagerduty')!r}"
    assert not any(word in shown for word in ("hunter2", "secret'", "1234"))


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602, 0o660, 0o666])
def test_a_file_that_others_can_open_is_refused(tmp_path: Path, mode: int) -> None:
    path = written(tmp_path, GOOD, mode=mode)
    with pytest.raises(PolicyErrors, match=f"is open to others.*chmod 600 {path}"):
        load_secrets(path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("pagers: {goalert: {tokn: hunter2}}", "there is no such key; did you mean `token`"),
        ("pager: {goalert: hunter2}", "there is no such key; did you mean `pagers`"),
        ("pagers: {goalert: hunter2}", "has to be `key: …` lines"),
        ("pagers: {goalert: {token: [hunter2]}}", "has to be a text"),
        ("pagers: {goalert: {token: }}", "has to be a text"),
        ("phones: [hunter2]", "has to be `key: …` lines"),
        ("pagers: {goalert: {token: hunter2", "isn't `key: …` lines in YAML"),
        ("pagers: {goalert: {token: !!python/name:hunter2 x}}", "isn't `key: …` lines in YAML"),
        ("- hunter2", "isn't `key: …` lines in YAML"),
    ],
)
def test_what_is_wrong_is_told_without_the_value(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(PolicyErrors) as refusal:
        load_secrets(written(tmp_path, text))
    assert told in str(refusal.value)
    assert "hunter2" not in str(refusal.value)
    assert refusal.value.__cause__ is None
