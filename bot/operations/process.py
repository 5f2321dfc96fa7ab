"""Names processes, and tells whether another process on this machine has ended."""

import os
import socket
import uuid
from pathlib import Path

_PARTS = 3


def process_name() -> str:
    """Return a unique name for this run: host, pid namespace, pid, start time, random part."""
    return f"{_host()}:{os.getpid()}:{_started()}-{uuid.uuid4().hex[:12]}"


def is_gone(name: str) -> bool:
    """Tell whether the process with this name has certainly ended; False if unknown.

    A bot that was killed and restarted then needn't wait for its old lease to expire.
    """
    parts = name.rsplit(":", 2)
    if len(parts) != _PARTS or parts[0] != _host() or not parts[1].isdecimal():
        return False
    pid = int(parts[1])
    if pid == os.getpid():
        # An earlier run may have had our pid: in a container, every run has pid 1.
        return parts[2].partition("-")[0] != _started()
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _started() -> str:
    """Return when this process started, in clock ticks since the machine's start; 0 if unknown."""
    try:
        status = Path("/proc/self/stat").read_text()
    except OSError:
        return "0"
    # The program's name, in parentheses, can contain anything, so count fields after it.
    return status.rpartition(")")[2].split()[19]


def _host() -> str:
    """Return the host with its pid namespace, if the system has namespaces."""
    try:
        namespace = Path("/proc/self/ns/pid").readlink().name
    except OSError:
        namespace = "pid"
    return f"{socket.gethostname()}/{''.join(filter(str.isalnum, namespace))}"
