"""Runs `sartor` in a shell as a fork of the process that has it loaded, whose channel the shell has inherited.

Usage: python -ISE hand_on.py CHANNEL EXECUTABLE ARGUMENT...

As each of its starts counts, it imports next to nothing.
"""

import _socket
import marshal
import os
import sys

_SHORT = 100
"""Bytes of a process id or of how a process ended, in digits, at most."""


def main(channel: int, words: list[str]) -> int:
    """Returns the exit code of the command. Where it can't be handed on, starts it in place of this process."""
    told, tells = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    request = marshal.dumps((words, os.getcwd(), dict(os.environ), False))  # noqa: PTH109  loads no `pathlib`
    descriptors = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2, tells.fileno()))
    try:
        warm = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, channel)
        warm.sendmsg([request], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptors)])
    except OSError:  # not inherited
        os.execv(words[0], words)  # noqa: S606
    tells.close()
    if told.recv(_SHORT) == b"no":
        os.execv(words[0], words)  # noqa: S606
    code = os.waitstatus_to_exitcode(int(told.recv(_SHORT)))
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
