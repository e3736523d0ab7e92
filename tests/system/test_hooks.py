"""What other ACME clients run when they have got a certificate, as they run it."""
import os
import subprocess

import pytest

from acme import skip_unless_installed
from conftest import ROOT
from test_renewal import put, serial_of, split, wait_until_served

HOOK = ROOT / "packaging" / "hooks" / "deploy"


def certbot(directory, pem):
    """certbot(1): --deploy-hook is a command for the shell; its files are links."""
    lineage, archive = directory / "live" / "deployed.invalid", directory / "archive" / "deployed.invalid"
    lineage.mkdir(parents=True, exist_ok=True)
    archive.mkdir(parents=True, exist_ok=True)
    for name, text in zip(("fullchain", "privkey"), split(pem)):
        (archive / f"{name}1.pem").write_text(text)
        (lineage / f"{name}.pem").unlink(missing_ok=True)
        (lineage / f"{name}.pem").symlink_to(f"../../archive/deployed.invalid/{name}1.pem")
    return {"RENEWED_LINEAGE": str(lineage), "RENEWED_DOMAINS": "deployed.invalid www.deployed.invalid"}


def lego(directory, pem):
    """lego: --run-hook and --renew-hook; the certificate's file has its chain."""
    (directory / "deployed.invalid.crt").write_text(split(pem)[0])
    (directory / "deployed.invalid.key").write_text(split(pem)[1])
    return {
        "LEGO_ACCOUNT_EMAIL": "admin@example.org",
        "LEGO_CERT_DOMAIN": "deployed.invalid",
        "LEGO_CERT_PATH": str(directory / "deployed.invalid.crt"),
        "LEGO_CERT_KEY_PATH": str(directory / "deployed.invalid.key"),
    }


def lego_5(directory, pem):
    """lego since version 5: --deploy-hook."""
    old = lego(directory, pem)
    return {
        "LEGO_HOOK_CERT_NAME": old["LEGO_CERT_DOMAIN"],
        "LEGO_HOOK_CERT_PATH": old["LEGO_CERT_PATH"],
        "LEGO_HOOK_CERT_KEY_PATH": old["LEGO_CERT_KEY_PATH"],
    }


def acme_sh(directory, pem):
    """acme.sh --install-cert: --reloadcmd is evaluated by a shell in the directory of the domain."""
    (directory / "deployed.invalid.key").write_text(split(pem)[1])
    (directory / "fullchain.cer").write_text(split(pem)[0])
    return {
        "CERT_PATH": str(directory / "deployed.invalid.cer"),
        "CERT_KEY_PATH": str(directory / "deployed.invalid.key"),
        "CA_CERT_PATH": str(directory / "ca.cer"),
        "CERT_FULLCHAIN_PATH": str(directory / "fullchain.cer"),
        "Le_Domain": "deployed.invalid",
    }


def run(environment, *arguments):
    command = " ".join(f"'{word}'" for word in (HOOK, *arguments))
    return subprocess.run(["sh", "-c", command], env={"PATH": os.environ["PATH"], **environment},
                          capture_output=True, text=True, check=False)


@pytest.mark.parametrize("client", [certbot, lego, lego_5, acme_sh])
def test_hook(daemon, tmp_path, client):
    """The first certificate and a renewed one are served, from files that only the group can read."""
    daemon.setup(["domain", "add", "example.org", "imaps://imap.example.org"])
    daemon.start()
    target = daemon.directory / "certificates"
    work = tmp_path / "client"
    work.mkdir()
    os.umask(0o022)
    for days in ("30", "60"):
        pem = daemon.authority.certificate("deployed.invalid", options=("--days", days))
        result = run(client(work, pem), target)
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
        wait_until_served(daemon, "deployed.invalid", serial_of(pem))
        file = target / "deployed.invalid.pem"
        assert file.stat().st_mode & 0o777 == 0o640 and file.stat().st_gid == target.stat().st_gid
    assert sorted(os.listdir(target)) == ["deployed.invalid.pem", "main.pem"]
    assert "warning" not in daemon.log().replace("warning: running as root", "")


def run_certbot(acme, directory, webroot, target):
    common = ["--config-dir", directory / "c", "--work-dir", directory / "w", "--logs-dir", directory / "l"]
    first = ["certbot", "certonly", *common, "--non-interactive", "--agree-tos", "--register-unsafely-without-email",
             "--server", acme.server, "--webroot", "--webroot-path", webroot, "--domain", "deployed.invalid",
             "--deploy-hook", f"{HOOK} {target}"]
    again = ["certbot", "renew", *common, "--force-renewal", "--no-random-sleep-on-renew"]
    return first, again, {"REQUESTS_CA_BUNDLE": str(acme.authority.file)}


def run_lego(acme, directory, webroot, target):
    common = ["lego", "--server", acme.server, "--accept-tos", "--email", "admin@example.org", "--path", directory / "d",
              "--http", "--http.webroot", webroot, "--domains", "deployed.invalid"]
    first = [*common, "run", "--run-hook", f"{HOOK} {target}"]
    again = [*common, "renew", "--days", "999", "--no-random-sleep", "--renew-hook", f"{HOOK} {target}"]
    return first, again, {"LEGO_CA_CERTIFICATES": str(acme.authority.file)}


@pytest.mark.engines
@pytest.mark.parametrize("client", [run_certbot, run_lego])
def test_real_client(daemon, shared_acme, tmp_path_factory, client):
    """The client itself, with pebble: challenges are shown by the daemon, what it gets is served."""
    skip_unless_installed("pebble", "dnsmasq", client.__name__.removeprefix("run_"))
    shared_acme.start({"deployed.invalid": "127.0.0.1"})
    webroot = daemon.directory / "webroot"
    (webroot / ".well-known" / "acme-challenge").mkdir(parents=True)
    daemon.settings["acme"] = {"directory": webroot / ".well-known" / "acme-challenge"}
    daemon.settings["server"]["listen-http"] = f"127.0.0.1:{shared_acme.http_port}"
    daemon.setup(["domain", "add", "example.org", "imaps://imap.example.org"])
    target = daemon.directory / "certificates"
    daemon.start()
    first, again, environment = client(shared_acme, tmp_path_factory.mktemp("client"), webroot, target)
    serials = set()
    for command in (first, again):
        result = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr + result.stdout
        serials.add(serial_of(target / "deployed.invalid.pem"))
    assert len(serials) == 2
    daemon.wait_for_log("certificates have changed: new=1 certificates=2")
    assert (target / "deployed.invalid.pem").read_text().count("BEGIN CERTIFICATE") == 2, "with its chain"


def test_wildcards_have_names_of_files(tmp_path, authority):
    environment = lego(tmp_path, authority.certificate("*.deployed.invalid"))
    environment["LEGO_CERT_DOMAIN"] = "*.deployed.invalid"
    target = tmp_path / "target"
    target.mkdir()
    assert run(environment, target).returncode == 0
    assert os.listdir(target) == ["_.deployed.invalid.pem"]


def test_hook_refuses(tmp_path, authority):
    pem = authority.certificate("deployed.invalid")
    target = tmp_path / "target"
    target.mkdir()
    put(pem, target / "deployed.invalid.pem")
    good = lego(tmp_path, pem)
    for environment, directory, said in (
        ({}, target, "is run by certbot, lego or acme.sh"),
        (good, tmp_path / "nowhere", "is not there"),
        ({**good, "LEGO_CERT_KEY_PATH": ""}, target, "cannot read the key"),
        ({**good, "LEGO_CERT_DOMAIN": ""}, target, "is not a valid certificate name"),
        ({**good, "LEGO_CERT_DOMAIN": "../x"}, target, "is not a valid certificate name"),
        ({"RENEWED_LINEAGE": str(tmp_path / "absent")}, target, "cannot read the certificate"),
    ):
        result = run(environment, directory)
        assert result.returncode == 1 and said in result.stderr, result.stderr
        assert result.stderr.count("\n") == 1
    assert os.listdir(target) == ["deployed.invalid.pem"] and (target / "deployed.invalid.pem").read_bytes() == pem.read_bytes()
