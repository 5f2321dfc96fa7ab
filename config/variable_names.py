"""Settings' names: misspelt ones and broken lines are refused, since they would change nothing."""

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Final

from dotenv.parser import parse_stream

# Other programs share the environment: there, SLACK_TOKEN may be theirs, and DATABASE_URI too.
_OURS: Final = re.compile(r"(?:SITREP|SLACK)_", re.IGNORECASE)
_TYPO: Final = 0.9
# In our own file, and after our own prefix, less resemblance is enough.
_RESEMBLES: Final = 0.8
_RESEMBLES_OWN: Final = 0.6
# Kubernetes sets these for a service called sitrep, and SITREP_PORT=tcp://….
_OF_KUBERNETES: Final = re.compile(r"SITREP_(?:SERVICE_(?:HOST|PORT)|PORT_\d)|.*=(?:tcp|udp)://")
# OpenSSL and PostgreSQL's client read these; a wrong one shows only as failed connections.
_CERTIFICATES: Final = MappingProxyType(
    {
        "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt",
        "SSL_CERT_DIR": "/etc/ssl/certs",
        "PGSSLROOTCERT": "/etc/sitrep/root.crt",
        "PGSSLCERT": "/etc/sitrep/client.crt",
        "PGSSLKEY": "/etc/sitrep/client.key",
    }
)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the configuration: the key, what is wrong, and a valid example."""

    key: str
    what: str
    example: str
    help: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the problem for people, on two or more lines."""
        lines = (f"{self.key} {self.what}", *self.help, f"for example {self.example}")
        return "\n  ".join(lines)


def misspelt(environ: Mapping[str, str], *, known: Collection[str]) -> list[Problem]:
    """Return a problem for each variable of the environment that must be meant for us and isn't known."""
    return [
        _misspelt(name, meant)
        for name, value in environ.items()
        if _OURS.match(name) and value.strip() and not _OF_KUBERNETES.match(f"{name}={value}")
        if (meant := _meant_by(name, known, cutoff=_TYPO)) is not None
    ]


def certificate_problems(environ: Mapping[str, str]) -> list[Problem]:
    """Return what is wrong with the certificates that OpenSSL is told to use."""
    return [
        Problem(name, f"names {given}, which can't be read", f"{name}={example}")
        for name, example in _CERTIFICATES.items()
        if (given := environ.get(name)) and given != "system" and not os.access(given, os.R_OK)
    ]


def env_file_problems(env_file: Path, *, known: Collection[str]) -> list[Problem]:
    """Return what is wrong with the file's lines and names; no message repeats a value.

    Raises: OSError; UnicodeDecodeError.
    """
    if not env_file.exists():
        return []
    problems = []
    with env_file.open(encoding="utf-8") as stream:
        for line in parse_stream(stream):
            where = f"{env_file}:{line.original.line}"
            if line.error or (line.value is None and _is_known(line.key or "", known)):
                problems.append(Problem(where, "isn't KEY=value", "PORT=8080"))
            elif line.key and line.value:
                meant = _meant_by(line.key, known, cutoff=_RESEMBLES)
                problems += [_misspelt(f"{where}: {line.key}", meant)] if meant else []
    return problems


def _is_known(name: str, known: Collection[str]) -> bool:
    return name.casefold() in known


def _meant_by(name: str, known: Collection[str], *, cutoff: float) -> str | None:
    """Return the known name that this one resembles; None if it is known, or resembles none."""
    if _is_known(name, known):
        return None
    bare = name.casefold().removeprefix("sitrep_")
    if bare in known:  # SITREP_DATABASE_URL
        return bare.upper()
    near = {one.removeprefix("sitrep_"): one for one in known}
    is_own = bare != name.casefold()
    found = get_close_matches(bare, near, n=1, cutoff=_RESEMBLES_OWN if is_own else cutoff)
    return near[found[0]].upper() if found else None


def _misspelt(name: str, meant: str) -> Problem:
    return Problem(name, f"isn't a setting; {meant} is", f"{meant}=…")
