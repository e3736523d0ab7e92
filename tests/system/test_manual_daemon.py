"""The examples of the daemon's manual pages: settings load, commands and the log print what the pages say."""
import os
import re
import subprocess

import pytest

from test_manual_examples import ROOT, blocks, commands_of, pattern_of
from test_trace import QUESTION

PAGES = ["mailconfd.8", "mailconfd-acme.7", "mailconfd-operating.7", "mailconfd.conf.5"]


def all_blocks(name):
    """Those of all sections, with the section."""
    for section in re.findall(r"(?m)^\.Sh (.*)$", (ROOT / "data" / "man" / name).read_text()):
        for block in blocks(name, section):
            yield section, block


def settings_of_pages():
    for name in PAGES:
        for section, block in all_blocks(name):
            if re.match(r"\[(server|tls|database|templates|log|limits|acme|metrics)\]\n", block):
                yield pytest.param(block.partition("\n\n#")[0], id=f"{name}-{section}".replace(" ", "-"))


@pytest.mark.parametrize("settings", settings_of_pages())
def test_settings_are_accepted(settings, build, tmp_path):
    config = tmp_path / "mailconfd.conf"
    config.write_text(settings + "\n")
    subprocess.run([build / "src" / "mailconfctl", "--config", config, "--database", tmp_path / "mailconfd.db", "init"], check=True)


INVALID = [
    62 * "\n" + "[log]\nlevl = info", "[sever]\nthreads = 2", "[tls]\nthreads = 2", "[log]\nlevel = loud",
    "[server]\nlisten-https = localhost:443", "[server]\nthreads = 2\nthreads = 4", "[server]\nthreads = 2 # all",
    "[log]\nlevel: info",
]


def test_errors_of_settings_read_as_on_the_page(build, tmp_path):
    page = [" ".join(line.split()) for section, block in all_blocks("mailconfd.conf.5")
            if section == "DIAGNOSTICS" and "conf:" in block for line in re.split(r"\n(?=mailconfd\.conf:)", block)]
    printed = []
    for settings in INVALID:
        (tmp_path / "mailconfd.conf").write_text(settings + "\n")
        result = subprocess.run([build / "src" / "mailconfd", "--config", "mailconfd.conf", "--check-config"], cwd=tmp_path,
                                capture_output=True, text=True, check=False)
        assert result.returncode == 2
        printed += re.findall(r"mailconfd\.conf:\d+: .*", result.stderr)
    assert sorted(printed) == sorted(page)


@pytest.fixture
def harbour(daemon):
    """What the pages call harbour.example, with a login for all addresses that have no user."""
    daemon.add_certificate("harbour", "autoconfig.harbour.example", "autodiscover.harbour.example", "mail.harbour.example")
    daemon.settings["server"].update({"public-name": "autoconfig.harbour.example", "listen-http": "127.0.0.1:80"})
    daemon.setup(["domain", "add", "harbour.example", "imaps://imap.harbour.example", "submissions://smtp.harbour.example"],
                 ["user", "add", "@harbour.example", "collect"],
                 ["user", "add", "first.last@harbour.example", "a4711"])
    return daemon


def run_in_shell(daemon, command):
    """The command, with curl that finds the daemon under all names and mailconfctl that uses its settings."""
    programs = daemon.directory / "bin"
    programs.mkdir(exist_ok=True)
    for name, words in (("curl", f"/usr/bin/curl -s --cacert '{daemon.authority.file}' --connect-to ::127.0.0.1:"),
                        ("mailconfctl", f"'{daemon.build}/src/mailconfctl' --config '{daemon.config}'")):
        (programs / name).write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        (programs / name).chmod(0o755)
    return subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True,
                          env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}).stdout


def test_requests_of_the_page_are_answered(harbour):
    harbour.settings["server"]["listen-https"] = "127.0.0.1:443"
    harbour.start()
    tried = 0
    for section, block in all_blocks("mailconfd.8"):
        for command, printed in commands_of(block):
            answer = run_in_shell(harbour, command)
            tried += 1
            if printed:
                assert re.fullmatch(pattern_of(printed), answer.replace("\r", "")), f"{section}: {command}\n{answer}"
            else:
                assert "<hostname>imap.harbour.example</hostname>" in answer and "<username>a4711</username>" in answer
    assert tried == 3


def fields_of(line):
    """What the line is about, and the names of its fields in their order."""
    event = re.match(r"(?:\S+Z )?(?:debug: )?((?:[\w ]+(?=: ))?)", line).group(1)
    return event, re.findall(r'(?:^|\s)([\w-]+)=(?:"(?:[^"\\]|\\.)*"|\S+)', line)


def block_with(name, words):
    return next(block for _, block in all_blocks(name) if words in block)


def test_the_log_has_the_lines_of_the_pages(harbour):
    """The access log and the trace: the same events with the same fields."""
    harbour.settings["log"]["trace"] = "127.0.0.1"
    harbour.start()
    connection = harbour.connect("autoconfig.harbour.example")
    connection.ask(QUESTION.replace(b"example.org", b"harbour.example"))
    connection.close()
    harbour.wait_for_log("connection closed")
    trace = [fields_of(line) for line in harbour.log().splitlines() if " debug: " in line]
    assert trace == [fields_of(line) for line in
                     re.split(r"\n(?! )", block_with("mailconfd-operating.7", "connection accepted:"))]
    access = [fields_of(line) for line in harbour.log().splitlines() if " client=" in line and " debug: " not in line]
    assert access == [fields_of(block_with("mailconfd.8", "micros=").replace("\n", " "))]
