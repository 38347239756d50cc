"""Starts one program in a session of its own and ends at once. Run as a program by `processes`, never imported.

The program's parent is then init, whatever becomes of the command that wanted it: no zombie, no terminal's Ctrl-C,
no open file of ours. What to start comes on standard input as JSON: no environment value shows in a process list.
"""

import json
import os
import signal
import subprocess
import sys


def main() -> None:
    """Read what to start, start it, print its process id. Exit code 1 and the reason when it can't be started."""
    order = json.load(sys.stdin)
    os.chdir(order["folder"])
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    # `processes` blocks these while it starts something; the program must not inherit that.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    try:
        program = subprocess.Popen(  # noqa: S603 - the caller names the program in full
            order["argv"],
            env=order["env"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            umask=0o077,
        )
    except OSError as error:
        sys.stderr.write(error.strerror or str(error))
        sys.exit(1)
    sys.stdout.write(str(program.pid))
    sys.stdout.flush()
    os._exit(0)  # without Popen's wait for a child that is to outlive us


if __name__ == "__main__":
    main()
