"""What the daemon takes away from itself: Landlock, seccomp, core dumps."""
import errno
import os
import pathlib
import pwd
import re
import shutil
import tempfile

import pytest

from daemon import NAMES, Connection, free_port
from test_life import CONFIG
from test_start import fails, run
from test_user import start, status_of


@pytest.fixture
def served(daemon):
    daemon.setup(["domain", "add", "example.org", "imaps://imap.example.org"])
    return daemon


def force(daemon):
    """What the log says is in force."""
    line = re.search(r"^\S+ sandbox: user=(\S+) landlock=(\S+) seccomp=(\S+) core-dumps=(no|yes)"
                     r"(?: missing=\"(.*)\")?$", daemon.log(), re.MULTILINE)
    return dict(zip(("user", "landlock", "seccomp", "core-dumps", "missing"), line.groups()))


def need_landlock(daemon):
    if force(daemon)["landlock"] == "no":
        pytest.skip("this kernel has no Landlock")


def serial(daemon, name):
    connection = daemon.connect(name)
    try:
        return connection.socket.getpeercert()["serialNumber"]
    finally:
        connection.close()


def test_what_is_in_force_is_said(served):
    served.start()
    status = status_of(served)
    said = force(served)
    assert said["user"] == pwd.getpwuid(os.geteuid()).pw_name
    assert status["NoNewPrivs"] == ["1"]
    assert status["Seccomp"] == ["2" if said["seccomp"] == "yes" else "0"]
    assert ("running as root" in served.log()) == (os.geteuid() == 0)


def test_a_file_outside_cannot_be_read(served):
    """Not even where the settings say so: who can write them cannot read the machine through us."""
    served.start()
    need_landlock(served)
    before = serial(served, "autoconfig.example.org")
    served.settings["tls"]["certificates"] = "/etc/passwd"
    # Beyond the sandbox it can be read; this also writes the settings.
    assert "'/etc/passwd' is not a PEM file" in run(served, "--check-config").stderr
    served.reload()
    log = served.log()
    assert "the settings refer to '/etc/passwd', which was not opened to the sandbox at the start" in log
    assert re.search(r"cannot (read|look for) '/etc/passwd': Permission denied", log)
    assert serial(served, "autoconfig.example.org") == before


def test_a_link_leads_nowhere(served):
    """A challenge that is a link to what it should not be."""
    plain = free_port()
    challenges = served.directory / "challenges"
    challenges.mkdir()
    (challenges / "good").write_text("shown")
    served.settings["server"]["listen-http"] = f"127.0.0.1:{plain}"
    served.settings["acme"] = {"directory": challenges}
    served.start()
    need_landlock(served)
    (challenges / "bad").symlink_to("/etc/hostname")
    ask = lambda token: Connection(plain).ask(
        f"GET /.well-known/acme-challenge/{token} HTTP/1.1\r\nHost: example.org\r\n\r\n".encode()
    )
    assert ask("good").body == b"shown"
    assert ask("bad").status == 404


class Certbot:
    """Keeps certificates as certbot does: links in live/NAME to numbered files in archive/NAME."""

    def __init__(self, directory, authority):
        self.directory = directory
        self.authority = authority

    def renew(self, name, number, days):
        text = self.authority.certificate(name, options=("--days", str(days))).read_text()
        live, archive = self.directory / "live" / name, self.directory / "archive" / name
        live.mkdir(parents=True, exist_ok=True)
        archive.mkdir(parents=True, exist_ok=True)
        mark = text.index("-----BEGIN PRIVATE KEY")
        for kind, content in (("fullchain", text[:mark]), ("privkey", text[mark:])):
            (archive / f"{kind}{number}.pem").write_text(content)
            (archive / f"{kind}{number}.pem").chmod(0o600)
            link = live / f"{kind}.new"
            link.symlink_to(f"../../archive/{name}/{kind}{number}.pem")
            link.rename(live / f"{kind}.pem")


def test_later_certificates(served, authority):
    certbot = Certbot(served.directory / "letsencrypt", authority)
    certbot.renew("a.example.org", 1, 90)
    served.settings["tls"]["certificates"] += f" {certbot.directory}/live/*/"
    served.start()
    before = serial(served, "a.example.org")
    certbot.renew("a.example.org", 2, 91)
    certbot.renew("b.example.net", 1, 90)
    served.add_certificate("c", "c.example.net")
    served.reload()
    assert "error" not in served.log() and "sandbox at the start" not in served.log()
    assert serial(served, "a.example.org") != before
    assert serial(served, "b.example.net") and serial(served, "c.example.net")


def test_a_link_to_a_new_place_is_named(served, authority):
    served.start()
    need_landlock(served)
    elsewhere = served.directory.parent / f"{served.directory.name}-elsewhere"
    elsewhere.mkdir()
    shutil.copy(authority.certificate(*NAMES), elsewhere / "main.pem")
    link = served.directory / "certificates" / "new.pem"
    link.symlink_to(elsewhere / "main.pem")
    served.reload()
    assert f"the settings refer to '{elsewhere}'" in served.log()
    assert f"{link}': Permission denied" in served.log()
    assert served.get(CONFIG).status == 200


def test_files_that_are_replaced_are_read_anew(served):
    """As editors and package managers write: a new file of the same name."""
    templates = served.directory / "templates"
    templates.mkdir()
    served.settings["templates"]["directory"] = templates
    served.start()
    (templates / "new").write_text("<mine>{{domain}}</mine>\n")
    (templates / "new").rename(templates / "autoconfig.xml")
    served.settings["log"]["level"] = "debug"
    config = served.config.rename(served.config.with_suffix(".old"))
    served.write_settings()
    config.unlink()
    served.reload()
    assert served.get(CONFIG).body == b"<mine>example.org</mine>\n"
    assert "error" not in served.log()


@pytest.mark.parametrize("name", ["mailconfd.conf", "./mailconfd.conf", "below/../mailconfd.conf"])
def test_settings_file_with_a_relative_name(served, name):
    """The sandbox opens the directory that it is in, and once looked for that without end."""
    (served.directory / "below").mkdir()
    served.working_directory = served.directory
    served.options = ("--config", name)
    served.start()
    served.settings["log"]["level"] = "debug"
    served.write_settings()
    served.reload()
    assert "error" not in served.log() and "sandbox at the start" not in served.log()
    assert served.get(CONFIG).status == 200


def test_a_file_at_the_top_opens_nothing_else(served):
    """A settings file directly in /etc does not open all of /etc; /tmp is such a directory too."""
    with tempfile.NamedTemporaryFile(dir="/tmp", suffix=".conf") as settings, \
            tempfile.NamedTemporaryFile(dir="/tmp") as secret:
        plain = free_port()
        challenges = served.directory / "challenges"
        challenges.mkdir()
        (challenges / "bad").symlink_to(secret.name)
        secret.write(b"secret")
        secret.flush()
        served.settings["server"]["listen-http"] = f"127.0.0.1:{plain}"
        served.settings["acme"] = {"directory": challenges}
        served.write_settings()
        pathlib.Path(settings.name).write_bytes(served.config.read_bytes())
        served.options = ("--config", settings.name)
        served.start()
        need_landlock(served)
        ask = Connection(plain).ask(b"GET /.well-known/acme-challenge/bad HTTP/1.1\r\nHost: example.org\r\n\r\n")
        assert ask.status == 404
        served.reload()
        assert "error" not in served.log() and "sandbox" not in served.log().partition("reloading")[2]
        pathlib.Path(settings.name).rename(f"{settings.name}.old")
        try:
            pathlib.Path(settings.name).write_bytes(served.config.read_bytes())
            served.reload()
        finally:
            pathlib.Path(f"{settings.name}.old").unlink()
        assert f"the settings refer to '{settings.name}', which was not opened" in served.log()
        assert served.get(CONFIG).status == 200


def test_certificate_at_the_top_that_is_renewed(served):
    """The log says what keeps it from being read."""
    with tempfile.NamedTemporaryFile(dir="/tmp", suffix=".pem") as certificate:
        path = pathlib.Path(certificate.name)
        path.write_bytes((served.directory / "certificates" / "main.pem").read_bytes())
        served.settings["tls"]["certificates"] = path
        served.start()
        need_landlock(served)
        served.config.write_text(served.config.read_text() + "no settings\n")
        served.reload()
        assert "error" in served.log() and "sandbox at the start" not in served.log()
        pathlib.Path(f"{path}.new").write_bytes(path.read_bytes())
        os.rename(f"{path}.new", path)
        served.wait_for_log(f"the settings refer to '{path}', which was not opened to the sandbox at the start")
        assert served.get(CONFIG).status == 200


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes a directory at the top")
def test_directory_at_the_top_of_ones_own(served):
    """/certs in a container: a new file in it can be read."""
    with tempfile.TemporaryDirectory(dir="/", prefix="mailconfd-test-") as directory:
        path = pathlib.Path(directory) / "tls.pem"
        data = (served.directory / "certificates" / "main.pem").read_bytes()
        path.write_bytes(data)
        served.settings["tls"]["certificates"] = path
        served.start()
        need_landlock(served)
        pathlib.Path(f"{path}.new").write_bytes(data)
        os.rename(f"{path}.new", path)
        served.reload()
        assert "error" not in served.log() and "sandbox at the start" not in served.log()


def test_behind_a_proxy_no_certificates_are_missed(served):
    """Their default is a directory that need not be there."""
    del served.settings["tls"]["certificates"]
    served.settings["server"]["listen-https"] = ""
    served.settings["server"]["behind-proxy"] = f"127.0.0.1:{served.port}"
    served.start()
    served.reload()
    assert "not opened to the sandbox" not in served.log()


def test_a_public_name_that_is_gone(served):
    """The resolver cannot be asked any more."""
    served.settings["server"]["public-name"] = "autoconfig.example.org"
    served.start()
    served.settings["server"]["public-name"] = ""
    served.write_settings()
    served.reload()
    assert "only a restart finds this host's own name; it stays 'autoconfig.example.org'" in served.log()


def test_memory_of_the_service_is_its_own(service):
    """Core dumps are off, and so the files of the process are root's, not its user's."""
    start(service, "--user", "nobody")
    assert force(service)["user"] == "nobody"
    assert "running as root" not in service.log()
    assert pathlib.Path(f"/proc/{service.process.pid}/mem").stat().st_uid == 0


REFUSED = [
    # The error, what fails with it, and what is then not in force.
    ("ENOSYS", "s", {"seccomp"}),
    ("EINVAL", "s", {"seccomp"}),
    ("EPERM", "s", {"seccomp"}),
    ("ENOSYS", "l", {"landlock"}),
    ("EOPNOTSUPP", "l", {"landlock"}),
    ("EPERM", "a", {"landlock"}),
    ("EPERM", "r", {"landlock"}),
    ("EINVAL", "lars", {"landlock", "seccomp"}),
    ("ENOSYS", "lars", {"landlock", "seccomp"}),
    ("EINVAL", "n", {"PR_SET_NO_NEW_PRIVS"}),
    ("EPERM", "d", {"core-dumps"}),
]


@pytest.fixture
def refusing(served):
    program = served.build / "tests" / "refuse-calls"
    if not program.exists():
        pytest.skip("this build has no seccomp")

    def refuse(error, letters):
        served.launcher = [program, str(getattr(errno, error)), letters]
        return served
    return refuse


@pytest.mark.parametrize("error, letters, missing", REFUSED)
def test_runs_without_what_the_kernel_refuses(refusing, error, letters, missing):
    served = refusing(error, letters)
    served.start()
    assert served.get(CONFIG).status == 200
    said = force(served)
    assert (said["seccomp"] == "no") == ("seccomp" in missing)
    assert (said["landlock"] == "no") == ("landlock" in missing)
    assert (said["core-dumps"] == "yes") == ("core-dumps" in missing)
    for name in missing & {"seccomp", "landlock", "PR_SET_NO_NEW_PRIVS"}:
        assert re.search(fr"(?i)\b{name} \({os.strerror(getattr(errno, error))}\)", said["missing"])
    assert served.log().count("the sandbox is incomplete") == 1
    assert f"refuses {said['missing']}; '[sandbox] require = yes' would stop the start" in served.log()
    served.reload()
    assert "error" not in served.log() and "sandbox at the start" not in served.log()
    checked = run(served, "--check-config")
    assert checked.returncode == 0 and checked.stderr.count("the sandbox is incomplete") == 1


@pytest.mark.parametrize("error, letters", [("ENOSYS", "s"), ("EOPNOTSUPP", "l"), ("EPERM", "r"), ("EPERM", "d")])
def test_settings_can_require_the_sandbox(refusing, error, letters):
    served = refusing(error, letters)
    served.settings["sandbox"] = {"require": "yes"}
    fails(served, 1, "cannot enter the sandbox that '[sandbox] require = yes' demands: ",
          "with 'require = no' the daemon runs without it")


def test_required_and_there(served):
    served.start()
    if force(served)["missing"]:
        pytest.skip("this build or kernel lacks a part")
    served.stop()
    served.settings["sandbox"] = {"require": "yes"}
    served.start()
    assert run(served, "--check-config").returncode == 0
