"""mailconfctl certificate list: what the settings' certificates cover, and what they do not."""
import json
import re


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
        "main.pem": (["autoconfig.example.org", "autodiscover.example.org"], "ECDSA P-256"),
        "old.pem": (["*.example.test"], "ECDSA P-256"),
        "wild.pem": (["*.example.net"], "RSA 2048"),
    }
    # A day begins while the test runs, at times.
    days = {name: entry["days_left"] for name, entry in files.items() if "days_left" in entry}
    assert days["main.pem"] in (89, 90) and days["wild.pem"] in (4, 5) and days["old.pem"] in (-3, -2)
    assert "broken.pem" in files["broken.pem"]["problem"]
    assert re.fullmatch("expired on 20[0-9-]+", files["old.pem"]["problem"])
    assert [name for name, entry in files.items() if entry.get("problem")] == ["broken.pem", "old.pem"]
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


def test_kinds_of_keys_and_problems(daemon):
    daemon.ctl("init")
    for name, options in (("p256", ()), ("p384", ("--curve=P-384",)), ("p521", ("--curve=P-521",)),
                          ("pss", ("--rsa-pss",)), ("future", ("--not-before", "2")),
                          ("staple", ("--must-staple",))):
        daemon.add_certificate(name, f"{name}.example", options=options)
    entries = {entry["file"].rpartition("/")[2].removesuffix(".pem"): entry for entry in listed(daemon)["certificates"]}
    assert {name: entry.get("key") for name, entry in entries.items()} == {
        "main": "ECDSA P-256", "p256": "ECDSA P-256", "p384": "ECDSA P-384", "p521": "ECDSA P-521",
        "pss": "RSA-PSS 2048", "future": "ECDSA P-256", "staple": None,
    }
    assert re.fullmatch("not valid before 20[0-9-]+", entries["future"]["problem"])
    assert "must-staple" in entries["staple"]["problem"]
    table = daemon.ctl("certificate", "list").stdout
    assert "not valid before 20" in table and "must-staple" in table


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
