"""Runs mailconfctl on a database of its own."""

import json
import os
import subprocess

BINARY = os.path.join(os.environ["MAILCONFD_BUILD"], "src", "mailconfctl")


class Mailconfctl:
    def __init__(self, directory):
        self.directory = directory
        self.database = os.path.join(directory, "mailconfd.db")
        self.config = os.path.join(directory, "mailconfd.conf")
        with open(self.config, "w") as config:
            config.write("[database]\nfile = %s\n" % self.database)

    def set_lock_timeout(self, seconds):
        with open(self.config, "a") as config:
            config.write("lock-timeout = %ds\n" % seconds)

    def command(self, *words):
        return [BINARY, "--config", self.config, *words]

    def run(self, *words):
        """Runs it, whatever comes of it."""
        return subprocess.run(self.command(*words), text=True, capture_output=True, timeout=60,
                              stdin=subprocess.DEVNULL)

    def start(self, *words):
        return subprocess.Popen(self.command(*words), text=True, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def __call__(self, *words):
        """Runs it; it must succeed without a warning. Returns what it printed."""
        result = self.run(*words)
        assert (result.returncode, result.stderr) == (0, "")
        return result.stdout

    def json(self, *words):
        return json.loads(self("--json", *words))

    def warned(self, *words):
        """Runs it; it must succeed. Returns its warnings with their hints, as a list."""
        result = self.run(*words)
        assert result.returncode == 0, result.stderr
        return [without(line, "mailconfctl: warning: ") for line in joined(result.stderr).splitlines()]

    def refused(self, *words, status=1):
        """Runs it; it must fail with this status and one error, and print nothing. Returns the
        error with its hint: "TEXT; HINT"."""
        result = self.run(*words)
        assert (result.returncode, result.stdout) == (status, ""), result.stderr
        text = joined(result.stderr)
        assert text.count("\n") == 1
        return without(text.rstrip("\n"), "mailconfctl: ")

    def misused(self, *words):
        return self.refused(*words, status=2)


def joined(stderr):
    """Puts each hint behind what it belongs to."""
    return stderr.replace("\nhint: ", "; ")


def without(line, prefix):
    assert line.startswith(prefix), line
    return line[len(prefix):]
