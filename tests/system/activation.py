"""Hands listening sockets to a program, as systemd does (sd_listen_fds(3)); also a program itself:

    activation.py NAME=DESCRIPTOR ... -- COMMAND ...
"""
import fcntl
import os
import sys


def command(sockets, program):
    """What runs the program with the sockets, a list of (name, socket)."""
    words = [f"{name}={sock.fileno()}" for name, sock in sockets]
    return [sys.executable, __file__, *words, "--", *program]


def main(arguments):
    end = arguments.index("--")
    given = [word.partition("=") for word in arguments[:end]]
    copies = [fcntl.fcntl(int(number), fcntl.F_DUPFD_CLOEXEC, 100) for _, _, number in given]
    for i, copy in enumerate(copies):
        os.dup2(copy, 3 + i, inheritable=True)
    os.environ["LISTEN_PID"] = str(os.getpid())
    os.environ["LISTEN_FDS"] = str(len(copies))
    os.environ["LISTEN_FDNAMES"] = ":".join(name for name, _, _ in given)
    os.execvp(arguments[end + 1], arguments[end + 1:])


if __name__ == "__main__":
    main(sys.argv[1:])
