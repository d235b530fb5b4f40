"""Run a program that dies with its parent: ``python leash.py PARENT PROGRAM ARGUMENT...``

The kiosk of a virtual counter must not outlive its world: nothing would press its keys, and its money would be gone.
Linux keeps the request over ``execve`` (prctl(2), PR_SET_PDEATHSIG), so this is a step between fork and program; it is
a file of its own because ``preexec_fn`` is not safe in a process that has threads (Python's documentation of
``subprocess``).
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def main(arguments: list[str]) -> None:
    """Become the program; returns only where the parent is gone already."""
    parent, *command = arguments
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() == int(parent):  # Else it died before the request was made, and no signal will come.
        os.execv(command[0], command)  # noqa: S606  (the command line of our own child)


if __name__ == "__main__":
    main(sys.argv[1:])
