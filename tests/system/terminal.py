"""Programs on a terminal of their own, as a person sees them."""
import codecs
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
import unicodedata

PATIENCE = 60


def cells(text):
    """How many cells the text takes."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
               for c in text)


def plain(text):
    """Without colours."""
    return re.sub(r"\033\[[\d;]*m", "", text)


class Terminal:
    """A process whose standard streams are a terminal, or those of them that are named."""

    def __init__(self, command, columns=80, env=None, **streams):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        environment = {"PATH": os.environ["PATH"], "TERM": "xterm", **(env or {})}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                environment[name] = os.environ[name]
        self.output = ""
        # A read may end within a character.
        self.decoder = codecs.getincrementaldecoder("utf-8")()
        self.process = subprocess.Popen(
            command, env=environment, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(slave, termios.TIOCSCTTY, 0),
            **{"stdin": slave, "stdout": slave, "stderr": slave, **streams})
        os.close(slave)

    def send(self, text):
        os.write(self.master, text.encode())

    def _more(self, seconds):
        """Reads on. Returns whether there was anything."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: the other end is closed
            return False
        self.output += self.decoder.decode(data)
        return bool(data)

    def wait_for(self, words):
        """Waits until the words are there; returns all that came until then, and forgets it."""
        deadline = time.monotonic() + PATIENCE
        while words not in self.output:
            assert time.monotonic() < deadline and self._more(1) or self.process.poll() is None, \
                f"{words!r} is not in {self.output!r}"
            assert time.monotonic() < deadline, f"{words!r} is not in {self.output!r}"
        until = self.output.index(words) + len(words)
        seen, self.output = self.output[:until], self.output[until:]
        return seen

    def finish(self):
        """Waits for the end. Returns the status, and what was printed."""
        while self._more(PATIENCE):
            pass
        os.close(self.master)
        return self.process.wait(PATIENCE), self.output.replace("\r\n", "\n")


def run(command, **options):
    return Terminal(command, **options).finish()
