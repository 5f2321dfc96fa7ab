"""This process among others: its name, and whether another one on this machine is gone."""

import os
import socket
import uuid
from pathlib import Path

_PARTS = 3


def process_name() -> str:
    """Return a name for this run: host, kind of pid numbers, pid, and start time with chance."""
    return f"{_host()}:{os.getpid()}:{_started()}-{uuid.uuid4().hex[:12]}"


def is_gone(name: str) -> bool:
    """Tell whether the process of that name has certainly ended; False if it can't be known.

    So a bot that was killed needn't wait for its own lease to run out when it is started again.
    """
    parts = name.rsplit(":", 2)
    if len(parts) != _PARTS or parts[0] != _host() or not parts[1].isdecimal():
        return False
    pid = int(parts[1])
    if pid == os.getpid():
        # Another run may have had our number: in a container every run is number 1.
        return parts[2].partition("-")[0] != _started()
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _started() -> str:
    """Return when this process started, in clock ticks since the machine did; 0 if unknown."""
    try:
        status = Path("/proc/self/stat").read_text()
    except OSError:
        return "0"
    # The name, in parentheses, may hold anything: count from behind it.
    return status.rpartition(")")[2].split()[19]


def _host() -> str:
    """Return the host, with the namespace that its pids count in, where there are such."""
    try:
        namespace = Path("/proc/self/ns/pid").readlink().name
    except OSError:
        namespace = "pid"
    return f"{socket.gethostname()}/{''.join(filter(str.isalnum, namespace))}"
