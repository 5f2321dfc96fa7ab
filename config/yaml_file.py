"""Reading a YAML file of the owner's: text in UTF-8, not too large, or a sentence on what to do."""

from pathlib import Path

from config.policy_yaml import PolicyErrors, PolicyProblem


def read_yaml_file(path: Path, *, setting: str, most_bytes: int) -> str:
    """Return the file's text.

    Raises:
        PolicyErrors: it can't be read; `setting` is an example of how to name another one.
    """
    try:
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
    except FileNotFoundError as error:
        what = f"there is no such file; check {setting.partition('=')[0]}"
        raise unreadable(path, what, setting=setting) from error
    except IsADirectoryError as error:
        raise unreadable(path, "is a directory; name the file in it", setting=setting) from error
    except OSError as error:
        raise unreadable(path, f"can't be read: {error.strerror}", setting=setting) from error
    if len(content) > most_bytes:
        what = f"is larger than {most_bytes / 1e6:g} MB; is it the right file?"
        raise unreadable(path, what, setting=setting)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        what = "isn't text in UTF-8; save it in that encoding"
        raise PolicyErrors([PolicyProblem(str(path), line, "", what)]) from error


def unreadable(path: Path, what: str, *, setting: str) -> PolicyErrors:
    """Return the error that says why a file or folder can't be used."""
    return PolicyErrors([PolicyProblem(str(path), 0, "", what, setting)])
