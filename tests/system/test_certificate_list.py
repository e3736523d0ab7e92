"""mailconfctl certificate list: what the settings' certificates cover, and what they do not."""
import json


def listed(daemon):
    return json.loads(daemon.ctl("certificate", "list", "--json").stdout)


def test_certificates_and_gaps(daemon):
    daemon.add_certificate("main", "autoconfig.example.org", "autodiscover.example.org")
    daemon.add_certificate("wild", "*.example.net", options=("--rsa", "--days", "5"))
    daemon.add_certificate("old", "*.example.test", options=("--not-before", "-9", "--days", "7"))
    daemon.add_certificate("edwards", "edwards.example", options=("--ed25519",))
    (daemon.directory / "certificates" / "broken.pem").write_text("no certificate")
    services = ["imaps://mail.example.org", "submissions://mail.example.org"]
    daemon.setup(
        ["domain", "add", "example.org", *services],
        ["domain", "add", "example.net", *services, "--pacc", "yes"],
        ["domain", "add", "example.test", "--alias-of", "example.net"],
        ["domain", "add", "deep.example.net", "--provider", "example.org"],
        ["domain", "add", "*.example.com", "--provider", "example.org"],
        ["domain", "add", "off.example", "--provider", "example.org"],
        ["domain", "disable", "off.example"],
    )
    found = listed(daemon)
    files = {entry["file"].rpartition("/")[2]: entry for entry in found["certificates"]}
    assert list(files) == ["broken.pem", "edwards.pem", "main.pem", "old.pem", "wild.pem"]
    assert {name: (entry.get("names"), entry.get("key")) for name, entry in files.items()} == {
        "broken.pem": (None, None),
        "edwards.pem": (["edwards.example"], "Ed25519"),
        "main.pem": (["autoconfig.example.org", "autodiscover.example.org"], "ECDSA 256"),
        "old.pem": (["*.example.test"], "ECDSA 256"),
        "wild.pem": (["*.example.net"], "RSA 2048"),
    }
    # A day begins while the test runs, at times.
    days = {name: entry["days_left"] for name, entry in files.items() if "days_left" in entry}
    assert days["main.pem"] in (89, 90) and days["wild.pem"] in (4, 5) and days["old.pem"] in (-3, -2)
    assert "broken.pem" in files["broken.pem"]["problem"]
    assert files["wild.pem"]["expires"].endswith("Z")
    # An expired one covers nothing, a wildcard one label.
    assert found["domains"] == [
        {"domain": "deep.example.net",
         "without_certificate": ["autoconfig.deep.example.net", "autodiscover.deep.example.net"]},
        {"domain": "example.test",
         "without_certificate": ["autoconfig.example.test", "autodiscover.example.test",
                                 "ua-auto-config.example.test"]},
    ]
    lines = daemon.ctl("certificate", "list").stdout.splitlines()
    assert lines[0].split() == ["NAMES", "KEY", "DAYS-LEFT", "FILE", "PROBLEM"]
    gaps = lines.index("")
    assert lines[gaps + 1].split() == ["DOMAIN", "WITHOUT-CERTIFICATE"]
    assert lines[gaps + 2].split() == ["deep.example.net", "autoconfig.deep.example.net,autodiscover.deep.example.net"]


def test_everything_covered(daemon):
    daemon.setup(["domain", "add", "example.org", "imaps://mail.example.org"])
    assert listed(daemon)["domains"] == []
    assert "" not in daemon.ctl("certificate", "list").stdout.splitlines()


def test_no_certificates(daemon):
    daemon.settings["tls"]["certificates"] = str(daemon.directory / "nowhere" / "*.pem")
    daemon.ctl("domain", "add", "example.org", "imaps://mail.example.org")
    result = daemon.ctl("certificate", "list", check=False)
    assert result.returncode == 0 and "mailconfctl: warning: no certificate matches" in result.stderr
    assert result.stdout.splitlines()[1].split() == ["example.org", "autoconfig.example.org,autodiscover.example.org"]
    found = listed(daemon)
    assert found["certificates"] == [] and [gap["domain"] for gap in found["domains"]] == ["example.org"]
