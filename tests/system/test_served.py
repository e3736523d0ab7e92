"""'certificate request' and 'renew' return when the daemon serves the new certificate."""
import json
import os

import pytest

from test_acme import acme, ctl, file_of, renew, request, serial_in, served, trusting  # noqa: F401, fixtures too

pytestmark = pytest.mark.engines


def serial_served(daemon, acme, name):
    connection = daemon.connect(name, trusting(acme))
    try:
        return connection.socket.getpeercert()["serialNumber"].lstrip("0")
    finally:
        connection.close()


def test_request_and_renew_return_when_it_is_served(served, acme):
    """Without a wait between the command and the handshake; several times, because it is a race."""
    served.start()
    file = file_of(served, "example.org")
    result = request(served, acme, "example.org")
    for _ in range(3):
        assert (result.returncode, result.stderr) == (0, "")
        assert serial_served(served, acme, "autoconfig.example.org") == serial_in(file).lstrip("0")
        result = renew(served, acme, "--days", "100")


def test_all_addresses(served, acme):
    """A wildcard in listen-https is asked at a loopback address."""
    for listen in (f"0.0.0.0:{served.port}", f"[::]:{served.port}"):
        served.settings["server"]["listen-https"] = listen
        served.start()
        command = request if not file_of(served, "example.org").exists() else renew
        result = command(served, acme, *(["example.org"] if command is request else ["--days", "100"]))
        assert (result.returncode, result.stderr) == (0, "")
        assert serial_served(served, acme, "autoconfig.example.org") == \
            serial_in(file_of(served, "example.org")).lstrip("0")
        served.stop()


def test_no_listener_of_its_own(served, acme):
    """TLS ends at a proxy, so nobody here can be asked; or the daemon has not been restarted with new settings."""
    served.settings["server"]["listen-https"] = ""
    served.settings["server"]["behind-proxy"] = f"unix:{served.directory}/proxy"
    served.start()
    result = request(served, acme, "example.org")
    assert result.returncode == 0 and "example.org: new certificate for " in result.stdout
    assert result.stderr == ("mailconfctl: warning: example.org: cannot confirm that mailconfd serves the "
                             "stored certificate: [server] listen-https is empty\n")
    served.settings["server"]["listen-https"] = f"127.0.0.1:{served.port}"
    result = ctl(served, acme, "--json", "certificate", "renew", "--days", "100")
    assert result.returncode == 0
    entry, = json.loads(result.stdout)
    assert entry["outcome"] == "requested"
    assert f"cannot connect to 127.0.0.1:{served.port}: Connection refused" in entry["unserved"]


def test_not_served_in_time(served, acme):
    """The daemon reads another directory. It is waited for once, not once for each certificate."""
    elsewhere = served.directory / "elsewhere"
    served.settings["tls"]["certificates"] = elsewhere / "*.pem"
    os.mkdir(elsewhere)
    served.start()
    served.settings["tls"]["certificates"] = served.directory / "certificates" / "*.pem"
    result = request(served, acme, "example.org", "auto.example.net")
    assert result.returncode == 0 and result.stdout.count(": new certificate for ") == 2
    assert result.stderr.startswith("mailconfctl: warning: example.org: cannot confirm that mailconfd "
                                    "serves the stored certificate: after 10 seconds: ")
    assert result.stderr.count("\n") == 1
