"""How mailconfd starts, and how it says that it cannot."""
import json
import os
import pathlib
import re
import shutil
import socket
import sqlite3
import ssl
import subprocess
import tempfile

import pytest

from daemon import PATIENCE, Connection, Daemon, free_port
from mailconfctl import joined
from test_metrics import monitor

OUTLOOK = "http://schemas.microsoft.com/exchange/autodiscover/outlook"
OUTLOOK_REQUEST = (
    f'<Autodiscover xmlns="{OUTLOOK}/requestschema/2006"><Request>'
    "<EMailAddress>first.last@example.org</EMailAddress>"
    f"<AcceptableResponseSchema>{OUTLOOK}/responseschema/2006a</AcceptableResponseSchema>"
    "</Request></Autodiscover>"
)


@pytest.fixture
def good(daemon):
    daemon.setup(
        ["domain", "add", "example.org", "imaps://imap.example.org", "submissions://smtp.example.org"]
    )
    return daemon


@pytest.fixture
def status(tmp_path, monkeypatch):
    """A function that returns the next status that a service manager would show."""
    path = tmp_path / "notify"
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(path))
    manager.settimeout(PATIENCE)
    monkeypatch.setenv("NOTIFY_SOCKET", str(path))

    def following():
        while True:
            told = dict(line.split("=", 1) for line in manager.recv(65536).decode().splitlines())
            if told.get("STATUS", "").startswith("serving"):
                return told["STATUS"]

    yield following
    manager.close()


def run(daemon, *arguments):
    daemon.write_settings()
    return subprocess.run(
        daemon.command(*arguments), capture_output=True, text=True, check=False, timeout=PATIENCE
    )


def fails(daemon, status, *words, also_check=True):
    """Both the start and --check-config end with the status and one error that has the words, with its hint."""
    for arguments in ((), ("--check-config",)) if also_check else ((),):
        result = run(daemon, *arguments)
        assert result.returncode == status, result.stderr
        lines = joined(result.stderr).splitlines()
        assert len(lines) == 1, result.stderr
        for word in words:
            assert str(word) in lines[0]


def test_check_config_is_good(good):
    result = run(good, "--check-config")
    assert result.returncode == 0
    assert "is good" in result.stdout
    assert result.stderr == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_check_config_says_that_it_is_root(good):
    words = "checked as root"
    assert words in run(good, "--check-config").stdout
    directory = pathlib.Path(tempfile.mkdtemp())  # which others can enter
    shutil.copytree(good.directory, directory / "copy")
    subprocess.run(["chown", "-R", "nobody:", directory], check=True)
    (directory / "mailconfd.conf").write_text(good.config.read_text().replace(str(good.directory), f"{directory}/copy"))
    command = [good.build / "src" / "mailconfd", "--config", directory / "mailconfd.conf", "--check-config"]
    try:
        checked = subprocess.run(command, capture_output=True, text=True, check=False, user="nobody", group="nogroup")
    except PermissionError:
        pytest.skip("nobody may run the program where it lies")
    finally:
        shutil.rmtree(directory)
    assert checked.returncode == 0 and words not in checked.stdout, checked.stderr


def untrusting(daemon, name):
    """The certificate for the name, and the names in it, regardless of its issuer."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = daemon.connect(name, context)
    der = connection.socket.getpeercert(binary_form=True)
    connection.close()
    text = subprocess.run(["openssl", "x509", "-inform", "der", "-noout", "-ext", "subjectAltName"],
                          input=der, capture_output=True, check=True).stdout.decode()
    return der, re.findall(r"DNS:([^,\s]+)", text)


@pytest.fixture
def bare(good):
    """Without a certificate."""
    (good.directory / "certificates" / "main.pem").unlink()
    good.settings["server"]["public-name"] = "Auto.example.net:8443"
    return good


def test_no_certificate(bare):
    bare.start()
    own = bare.directory / "self-signed.pem"
    assert own.stat().st_mode & 0o777 == 0o600
    first, names = untrusting(bare, "auto.example.net")
    assert names == ["auto.example.net"]
    assert b"mailconf" not in first, "no client is told what answers"
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        untrusting(bare, "autoconfig.example.org")
    assert f"no certificate matches '{bare.directory}/certificates/*.pem'" in bare.log()
    assert "NO CLIENT WILL TRUST THIS SERVER" in bare.log() and str(own) in bare.log()
    bare.reload()
    assert untrusting(bare, "auto.example.net")[0] == first

    bare.stop()
    bare.start()
    assert untrusting(bare, "auto.example.net")[0] == first, "it is made once"
    bare.stop()
    bare.settings["server"]["public-name"] = "other.example.net"
    bare.start()
    assert untrusting(bare, "other.example.net")[1] == ["other.example.net"]


def test_real_certificate_takes_over(bare):
    bare.start()
    (bare.directory / "certificates" / "broken.pem").write_text("nonsense")
    bare.wait_for_log(f"'{bare.directory}/certificates/broken.pem' is not a PEM file")
    assert untrusting(bare, "auto.example.net")[1] == ["auto.example.net"]
    bare.add_certificate("real", "auto.example.net", "autoconfig.example.org")
    bare.wait_for_log("certificates have changed: new=1 certificates=1")
    assert bare.get("/mail/config-v1.1.xml").status == 200
    assert untrusting(bare, "auto.example.net")[1] == ["auto.example.net", "autoconfig.example.org"]


def test_no_certificate_is_a_warning_of_the_check(bare):
    result = run(bare, "--check-config")
    assert result.returncode == 0 and "is good: 0 certificates" in result.stdout
    assert "no certificate matches" in result.stderr
    assert "serves a self-signed certificate for 'auto.example.net'" in result.stderr
    assert not (bare.directory / "self-signed.pem").exists()


def test_no_certificate_and_nowhere_to_put_one(bare):
    (bare.directory / "self-signed.pem").mkdir()
    result = run(bare)
    assert result.returncode == 1
    assert f"cannot write '{bare.directory}/self-signed.pem'" in result.stderr


def test_one_glob_of_two_matches_nothing(good):
    good.settings["tls"]["certificates"] += f" {good.directory}/nowhere/*.pem"
    result = run(good, "--check-config")
    assert result.returncode == 0 and "1 certificate," in result.stdout
    assert f"warning: no certificate matches '{good.directory}/nowhere/*.pem'" in result.stderr


def is_wrong(daemon, *words):
    """--check-config ends with status 1 and one sentence that has the words."""
    result = run(daemon, "--check-config")
    assert result.returncode == 1, result.stderr
    lines = [line for line in result.stderr.splitlines() if "was tried as the user" not in line]
    assert len(lines) == 1, result.stderr
    for word in words:
        assert str(word) in lines[0]


def errors(daemon):
    return [line for line in daemon.log().splitlines() if "error: " in line]


def test_key_of_another_certificate(good):
    good.add_certificate("other", "other.example.org")
    main = good.directory / "certificates" / "main.pem"
    other = (good.directory / "certificates" / "other.pem").read_text()
    certificate, mark, _ = main.read_text().partition("-----BEGIN PRIVATE KEY-----")
    assert mark
    main.write_text(certificate + mark + other.partition(mark)[2])
    is_wrong(good, main, "key")
    good.start()
    assert len(errors(good)) == 1 and f"'{main}' does not belong" in errors(good)[0]
    assert untrusting(good, "other.example.org")[1] == ["other.example.org"]


CONFIG = "/mail/config-v1.1.xml"


def test_one_unusable_certificate_of_several(good, status):
    """At the start, and after it was put right."""
    broken = good.directory / "certificates" / "zz.pem"
    broken.write_text("x\n")
    is_wrong(good, f"'{broken}' is not a PEM file")
    good.metrics_port = free_port()
    good.settings["metrics"] = {"listen": f"127.0.0.1:{good.metrics_port}"}
    good.start()
    assert good.get(CONFIG).status == 200
    assert b"\nmailconfd_certificates_unusable 1\n" in monitor(good).body
    assert len(errors(good)) == 1 and f"'{broken}' is not a PEM file" in errors(good)[0]
    assert status() == f"serving 1 certificate, 1 unusable: {broken}"
    problems = {entry["file"]: entry.get("problem") for entry in
                json.loads(good.ctl("certificate", "list", "--json").stdout)["certificates"]}
    assert "is not a PEM file" in problems.pop(str(broken)) and list(problems.values()) == [None]
    good.add_certificate("zz", "zz.example.net")
    good.wait_for_log("certificates have changed: new=1 certificates=2")
    assert status() == "serving 2 certificates"
    assert b"\nmailconfd_certificates_unusable 0\n" in monitor(good).body


def test_all_certificates_are_unusable(good, status):
    """It starts, so that certificates can be requested over port 80."""
    challenges = good.directory / "challenges"
    challenges.mkdir()
    (challenges / "token").write_text("answer")
    plain = free_port()
    good.settings["server"].update({"listen-http": f"127.0.0.1:{plain}", "public-name": "auto.example.net"})
    good.settings["acme"] = {"directory": challenges}
    broken = good.directory / "certificates" / "main.pem"
    broken.write_text("x\n")
    result = run(good, "--check-config")
    assert result.returncode == 1 and f"'{broken}' is not a PEM file" in result.stderr
    good.start()
    assert len(errors(good)) == 1 and "NO CLIENT WILL TRUST THIS SERVER" in good.log()
    assert status() == f"serving a self-signed certificate, 1 unusable: {broken}"
    challenge = b"GET /.well-known/acme-challenge/token HTTP/1.1\r\nHost: auto.example.net\r\n\r\n"
    assert Connection(plain).ask(challenge).body == b"answer"
    assert untrusting(good, "auto.example.net")[1] == ["auto.example.net"]
    good.add_certificate("main", "auto.example.net", "autoconfig.example.org")
    good.wait_for_log("certificates have changed: new=1 certificates=1")
    assert good.get(CONFIG).status == 200 and status() == "serving 1 certificate"


@pytest.mark.parametrize("what", ["file", "directory"])
@pytest.mark.skipif(os.geteuid() != 0, reason="nothing is locked for the one who made it")
def test_certificate_of_root_alone(authority, build, what):
    """The daemon's user may not read one file, or one directory that the settings name."""
    directory = pathlib.Path(tempfile.mkdtemp())
    daemon = Daemon(directory, authority, build)
    try:
        daemon.settings["tls"]["certificates"] += f" {directory}/more/*/*.pem"
        (directory / "more" / "open").mkdir(parents=True)
        (directory / "more" / "locked").mkdir()
        for name in ("open", "locked"):
            shutil.copy(authority.certificate(f"{name}.example.net"), directory / "more" / name / "x.pem")
        daemon.ctl("domain", "add", "example.org", "imaps://imap.example.org")
        subprocess.run(["chown", "-R", "nobody:", directory], check=True)
        locked = directory / "more" / "locked" / ("x.pem" if what == "file" else "")
        os.chown(locked, 0, 0)
        locked.chmod(0o600)
        daemon.options = ("--user", "nobody")
        is_wrong(daemon, str(locked).rstrip("/"), "Permission denied")
        daemon.start()
        assert daemon.get(CONFIG).status == 200
        assert untrusting(daemon, "open.example.net")[1] == ["open.example.net"]
        assert len(errors(daemon)) == 1 and "Permission denied; " in errors(daemon)[0]
        assert "; give the daemon's user read permission" in errors(daemon)[0]
    finally:
        daemon.stop()
        shutil.rmtree(directory)


def test_check_of_dates_and_chains(good):
    """All of these are served, and are warnings."""
    authority = good.authority
    authority.run("cert", "between.pem", "--ca")
    authority.run("cert", "with-chain.pem", "--issuer", "between.pem", "chain.example.net")
    whole = (authority.directory / "with-chain.pem").read_text()
    leaf, mark, rest = whole.partition("-----END CERTIFICATE-----\n")
    key = rest[rest.index("-----BEGIN PRIVATE KEY-----"):]
    certificates = good.directory / "certificates"
    (certificates / "chain.pem").write_text(whole)
    assert [file.chmod(0o600) for file in certificates.iterdir()]
    assert run(good, "--check-config").stderr == ""
    (certificates / "chain.pem").write_text(leaf + mark + key)
    good.add_certificate("expired", "expired.example.net", options=("--not-before", "-20", "--days", "10"))
    good.add_certificate("future", "future.example.net", options=("--not-before", "2"))
    result = run(good, "--check-config")
    assert result.returncode == 0 and "is good: 4 certificates" in result.stdout
    warnings = result.stderr.splitlines()
    assert len(warnings) == 3 and all(line.startswith("mailconfd: warning: certificate '") for line in warnings)
    for name, words in (("chain", "has no chain"), ("expired", "expired on"), ("future", "is not valid before")):
        assert sum(f"/{name}.pem' {words}" in line for line in warnings) == 1, warnings


def test_must_staple_is_rejected(good):
    """A client that heeds it would reject every handshake, because the daemon does not staple."""
    good.add_certificate("staple", "staple.example.invalid", options=("--must-staple",))
    is_wrong(good, "staple.pem", "must-staple", "OCSP stapling is not supported")
    good.start()
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        good.connect("staple.example.invalid")


def test_default_certificate_that_is_not_there(good):
    good.settings["tls"]["default-certificate"] = "absent.invalid"
    is_wrong(good, "absent.invalid", "default-certificate")
    good.start()
    assert good.get(CONFIG).status == 200
    assert len(errors(good)) == 1 and "absent.invalid" in errors(good)[0]
    good.add_certificate("later", "later.invalid")
    good.wait_for_log("certificates have changed: new=1 certificates=2")
    assert len(errors(good)) == 1, "neither is a renewal held up, nor the error repeated"


def test_broken_profile_key(good, status):
    """Profiles are not signed until it is put right."""
    signer = good.directory / "signer.pem"
    signer.write_text("x\n")
    good.settings["profile"] = {"certificate": signer, "key": signer}
    is_wrong(good, "[profile]", signer)
    good.start()
    profile = "/mobileconfig?emailaddress=first.last%40example.org"
    assert good.get(profile).body.startswith(b"<?xml")
    assert len(errors(good)) == 1 and f"'{signer}'" in errors(good)[0]
    assert "profiles are not signed" in errors(good)[0] and "profiles are not signed" in status()
    shutil.copy(good.authority.certificate("signer.example.org"), signer)
    while good.get(profile).body.startswith(b"<?xml"):
        assert good.process.poll() is None
    assert status() == "serving 1 certificate"


@pytest.mark.parametrize("listener", ["metrics", "http", "proxy"])
def test_listener_that_cannot_be_opened(good, status, listener):
    """Everything else is served."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        if listener == "metrics":
            good.settings["metrics"] = {"listen": address}
        elif listener == "http":
            good.settings["server"]["listen-http"] = address
        else:
            address = f"unix:{good.directory}/absent/proxy.socket"
            good.settings["server"]["behind-proxy"] = address
        good.start()
    assert good.get(CONFIG).status == 200
    assert len(errors(good)) == 1 and address.removeprefix("unix:") in errors(good)[0]
    assert status() == "serving 1 certificate, 1 address not open"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root adds addresses")
def test_address_that_comes_later(good, status):
    """As one of IPv6 does while the network starts."""
    late = "198.51.100.77"
    port = free_port()
    own = good.settings["server"]["listen-https"]
    good.settings["server"]["listen-https"] = f"{late}:{port}"
    fails(good, 1, f"{late}:{port}", "assign")
    good.settings["server"]["listen-https"] = f"{own} {late}:{port}"
    good.start()
    assert good.get(CONFIG).status == 200 and len(errors(good)) == 1
    assert f"{late}:{port}" in errors(good)[0] and "once this machine has the address" in errors(good)[0]
    assert status() == "serving 1 certificate, 1 address not open"
    subprocess.run(["ip", "address", "add", late, "dev", "lo"], check=True)
    try:
        with socket.create_connection((late, port), PATIENCE) as plain:
            with good.context().wrap_socket(plain, server_hostname="autoconfig.example.org") as connection:
                assert connection.getpeercert()
    finally:
        subprocess.run(["ip", "address", "delete", late, "dev", "lo"], check=True)


def test_proxy_alone_when_https_cannot_be_opened(good):
    proxy = free_port()
    good.settings["server"]["behind-proxy"] = f"127.0.0.1:{proxy}"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        good.settings["server"]["listen-https"] = f"127.0.0.1:{taken.getsockname()[1]}"
        good.start()
    request = f"GET {CONFIG} HTTP/1.1\r\nHost: autoconfig.example.org\r\n\r\n"
    assert Connection(proxy).ask(request.encode()).status == 200


def test_no_directory_of_challenges(good):
    plain = free_port()
    good.settings["server"]["listen-http"] = f"127.0.0.1:{plain}"
    good.settings["acme"] = {"directory": good.directory / "absent"}
    good.start()
    assert good.get(CONFIG).status == 200
    challenge = b"GET /.well-known/acme-challenge/token HTTP/1.1\r\nHost: example.org\r\n\r\n"
    assert Connection(plain).ask(challenge).status == 404


def test_no_database(good):
    good.settings["database"]["file"] = good.directory / "absent.db"
    fails(good, 1, good.directory / "absent.db")


def test_no_directory_of_the_database(good):
    good.settings["database"]["file"] = good.config / "mailconfd.db"
    fails(good, 1, good.config, "Not a directory")


def test_database_of_a_newer_version(good):
    with sqlite3.connect(good.settings["database"]["file"]) as database:
        database.execute("PRAGMA user_version = 99")
    fails(good, 1, good.settings["database"]["file"], "version 99")


def test_not_a_database(good):
    good.settings["database"]["file"] = good.config
    fails(good, 1, good.config)


def test_port_taken(good, tmp_path):
    """By another daemon; the check takes one with the same settings for the one that runs."""
    good.start()
    fails(good, 1, f"127.0.0.1:{good.port}", "in use", also_check=False)


def test_too_few_descriptors(good):
    """Rather than to find out when clients come, and then wait for descriptors in a busy loop."""
    good.settings["server"]["threads"] = "32"
    good.descriptors = 300
    fails(good, 1, "32 threads", "open files", also_check=False)


def test_bad_template(good):
    templates = good.directory / "templates"
    templates.mkdir()
    good.settings["templates"]["directory"] = templates
    file = templates / "outlook.xml"
    for source, word in (
        ("<a>{{#person}}</a>", "person"),
        ("<a>{{persn}}</a>", "persn"),
        ("<a>{{person}}</b>", "well-formed"),
        ("<a>\n{{{person}}}</a>", "outlook.xml:2"),
        ("<!DOCTYPE a><a/>", "DOCTYPE"),
    ):
        file.write_text(source)
        is_wrong(good, file, word)
    file.rename(templates / "outlok.xml")
    is_wrong(good, "outlok.xml", "outlook.xml")


def test_start_with_a_bad_template(good, status):
    """The built-in one stands in for it; the others of the directory are used."""
    built_in = good.start().post(OUTLOOK_REQUEST).body
    good.stop()
    status()
    templates = good.directory / "templates"
    templates.mkdir()
    good.settings["templates"]["directory"] = templates
    (templates / "outlook.xml").write_text("<broken>")
    (templates / "autoconfig.xml").write_text("<mine>{{domain}}</mine>\n")
    good.start()
    assert good.get(CONFIG).body == b"<mine>example.org</mine>\n"
    assert good.post(OUTLOOK_REQUEST).body == built_in
    assert len(errors(good)) == 1 and f"{templates}/outlook.xml" in errors(good)[0]
    assert "the built-in template is used" in errors(good)[0]
    assert status() == "serving 1 certificate, 1 template unusable"
    shown = good.ctl("preview", "outlook", "first.last@example.org", check=False)
    assert shown.returncode == 0 and "outlook.xml" in shown.stderr and "<broken>" not in shown.stdout
    (templates / "outlook.xml").write_text("<mine/>")
    (templates / "autoconfig.xml").write_text("<broken>")
    good.reload()
    assert good.post(OUTLOOK_REQUEST).body == b"<mine/>"
    assert good.get(CONFIG).body == b"<mine>example.org</mine>\n", "the old one stays"


def test_start_without_the_directory_of_templates(good):
    good.settings["templates"]["directory"] = good.directory / "absent"
    is_wrong(good, good.directory / "absent")
    good.start()
    assert b"imap.example.org" in good.get(CONFIG).body
    assert len(errors(good)) == 1 and "the built-in templates are used" in errors(good)[0]


def test_template_overrides_the_built_in_one(good):
    templates = good.directory / "templates"
    templates.mkdir()
    good.settings["templates"]["directory"] = templates
    (templates / "autoconfig.xml").write_text("<mine>{{domain}}</mine>\n")
    good.start()
    assert good.get("/mail/config-v1.1.xml").body == b"<mine>example.org</mine>\n"


def test_settings(good):
    good.write_settings()
    with open(good.config, "a", encoding="utf-8") as out:
        out.write("unknown-key = 1\n")
    lines = len(good.config.read_text().splitlines())
    for arguments in ((), ("--check-config",)):
        result = subprocess.run(
            good.command(*arguments), capture_output=True, text=True, check=False, timeout=PATIENCE
        )
        assert result.returncode == 2
        assert f"{good.config}:{lines}: " in result.stderr
        assert "unknown-key" in result.stderr


def everywhere(good):
    """The lines of standard error of mailconfd, mailconfd --check-config and mailconfctl, with their statuses."""
    for command in (
        good.command(),
        good.command("--check-config"),
        [good.build / "src" / "mailconfctl", "--config", good.config, "domain", "list"],
    ):
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
        yield result.returncode, result.stderr.splitlines()


def test_all_errors_of_the_settings_file_are_reported(good):
    good.write_settings()
    lines = len(good.config.read_text().splitlines())
    wrong = "unknown-key = 1\n[serverr]\nredirect = many\n\n[limits]\nidle-timeout = 5m\n"
    with open(good.config, "a", encoding="utf-8") as out:
        out.write(wrong)
    for status, reported in everywhere(good):
        assert status == 2
        assert len(reported) == 4, reported
        for line, number, word in zip(reported, (1, 2, 3, 6), ("unknown-key", "serverr", "'many'", "'5m'")):
            assert f"{good.config}:{lines + number}: " in line and word in line
    good.start()  # writes the settings without errors
    with open(good.config, "a", encoding="utf-8") as out:
        out.write(wrong)
    good.reload()
    assert good.log().count(f"error: {good.config}:") == 4
    assert "cannot reload the settings: 4 errors; the old settings stay in force" in good.log()


def test_settings_file_of_windows(good):
    good.write_settings()
    text = good.config.read_text()
    good.config.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    good.write_settings = lambda: None  # which start() and ctl() call
    good.ctl("domain", "list")
    assert run(good, "--check-config").stderr == ""
    good.start()
    assert good.get("/mail/config-v1.1.xml").status == 200
    good.stop()
    good.config.write_text(text, encoding="utf-16")
    for status, reported in everywhere(good):
        assert status == 2 and len(reported) == 1
        assert f"{good.config}:1: the file is in UTF-16; save it in UTF-8" in reported[0]


def test_obsolete_settings_are_ignored(good):
    good.settings["limits"]["ipv4-network"] = 24
    result = run(good, "--check-config")
    warning = f"{good.config}:%d: [limits] ipv4-network is obsolete, ignored; remove this line"
    line = good.config.read_text().splitlines().index("ipv4-network = 24") + 1
    assert result.returncode == 0 and f"mailconfd: warning: {warning % line}" in result.stderr
    good.start()
    assert good.log().count(f"warning: {warning % line}") == 1
    good.reload()
    assert good.log().count(f"warning: {warning % line}") == 2


def test_missing_settings_file(good):
    good.write_settings()
    good.config.rename(good.directory / "moved.conf")
    result = subprocess.run(
        good.command(), capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert result.returncode == 2
    assert str(good.config) in result.stderr


def test_usage(good):
    assert run(good, "--version").stdout.startswith("mailconfd ")
    assert "--check-config" in run(good, "--help").stdout
    assert run(good, "--nonsense").returncode == 2
    assert run(good, "one-too-many").returncode == 2


def test_without_https_no_certificate_is_needed(good):
    """A proxy in front has them."""
    (good.directory / "certificates" / "main.pem").write_text("nonsense")
    good.settings["server"]["listen-https"] = ""
    good.settings["server"]["listen-http"] = f"127.0.0.1:{free_port()}"
    assert "is good: " in run(good, "--check-config").stdout
    good.start()
    assert "ready: certificates=0" in good.log()
    good.reload()
    log = good.log().replace("warning: running as root", "")
    assert "error" not in log and "warning" not in log
    assert not (good.directory / "self-signed.pem").exists()
