"""Every folder of tests/golden: these exact bytes in, these exact bytes out."""
import os
import pathlib
import re
import shlex
import xml.etree.ElementTree as tree

import pytest

from daemon import NAMES, Connection, Daemon, free_port

pytestmark = pytest.mark.sanitize

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"
CASES = sorted(path.parent for path in GOLDEN.rglob("request.http"))
MUST_WRITE = os.environ.get("MAILCONFD_GOLDEN") == "write"


def setup_of(case):
    for folder in (case, *case.parents):
        if (folder / "setup").exists():
            return folder / "setup"
    raise FileNotFoundError(f"no setup for {case}")


@pytest.fixture(scope="module")
def daemons(tmp_path_factory, authority, build):
    """One daemon for each setup file, started when it is first needed."""
    running = {}

    def get(setup):
        if setup not in running:
            daemon = Daemon(tmp_path_factory.mktemp("golden"), authority, build)
            daemon.plain_port = free_port()
            daemon.settings["server"]["listen-http"] = f"127.0.0.1:{daemon.plain_port}"
            daemon.settings["server"]["public-name"] = "auto.example.net"
            daemon.setup(*(shlex.split(line) for line in setup.read_text().splitlines()))
            running[setup] = daemon.start()
        return running[setup]

    yield get
    for daemon in running.values():
        daemon.stop()


def name_of(request):
    """The Host, if the test certificate has it; a Host that differs from SNI is allowed."""
    host = re.search(rb"(?im)^host: *([^:\r\n]+)", request).group(1).decode().lower()
    served = host in NAMES or "*." + host.partition(".")[2] in NAMES
    return host if served else "autoconfig.example.org"


def ask(daemon, case, request):
    if re.search(r"-http(-auth)?$", case.name):
        connection = Connection(daemon.plain_port)
    else:
        connection = daemon.connect(name_of(request))
    try:
        return connection.ask(request)
    finally:
        connection.close()


def check_strictly(response):
    """What every answer must be, whatever it says."""
    assert "server" not in response.headers
    assert "www-authenticate" not in response.headers
    assert "set-cookie" not in response.headers
    assert response.headers["x-content-type-options"] == "nosniff"
    if response.headers["content-type"] == "text/xml; charset=utf-8" and response.body:
        document = tree.fromstring(response.body.decode("utf-8"))
        for leaf in document.iter():
            if len(leaf) == 0 and leaf.text:
                assert leaf.text == leaf.text.strip(), f"blanks around '{leaf.text}'"


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.relative_to(GOLDEN)))
def test_golden(case, daemons):
    request = (case / "request.http").read_bytes()
    response = ask(daemons(setup_of(case)), case, request)
    check_strictly(response)
    answer = re.sub(rb"\r\nDate: [^\r]*", b"", response.raw, count=1)
    if MUST_WRITE:
        (case / "response.http").write_bytes(answer)
    assert answer == (case / "response.http").read_bytes()


def test_there_are_cases():
    assert len(CASES) > 60


def test_authorization_is_never_logged(daemons):
    case = GOLDEN / "outlook" / "r29-authorization"
    daemon = daemons(setup_of(case))
    request = (case / "request.http").read_bytes()
    secret = re.search(rb"Authorization: Basic (\S+)", request).group(1).decode()
    before = daemon.log().count("outcome=")
    ask(daemon, case, request)
    daemon.wait_for_log("outcome=", before + 1)
    assert secret not in daemon.log()
    assert "Basic" not in daemon.log()
    assert "alice" not in daemon.log(), "the local part stays out of the log"


def test_path_case_does_not_matter():
    folders = sorted((GOLDEN / "outlook").glob("r28*"))
    assert len(folders) == 4
    assert len({(folder / "response.http").read_bytes() for folder in folders}) == 1
