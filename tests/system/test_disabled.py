"""A disabled domain is called disabled by every command, with the command that enables it."""
import json

import pytest

SERVICES = ["imaps://mail.example.org", "submissions://mail.example.org"]


@pytest.fixture
def disabled(daemon):
    """A disabled domain, an alias of it, and a disabled wildcard domain."""
    daemon.settings["server"]["public-name"] = "auto.example.net"
    daemon.setup(
        ["domain", "add", "example.org", *SERVICES],
        ["domain", "add", "off.example", "--provider", "example.org"],
        ["domain", "add", "alias.example", "--alias-of", "off.example"],
        ["domain", "add", "*.wild.example", "--provider", "example.org"],
        ["domain", "disable", "off.example"],
        ["domain", "disable", "*.wild.example"],
    )
    return daemon


CASES = (
    ("off.example", "'off.example' is disabled; use 'domain enable off.example'"),
    ("alias.example", "'alias.example' is an alias of 'off.example', which is disabled; use 'domain enable off.example'"),
    ("x.wild.example", "'*.wild.example' is disabled; use 'domain enable *.wild.example'"),
)


@pytest.mark.parametrize("domain, reason", CASES)
def test_every_command(disabled, domain, reason):
    for words in (
        ["certificate", "request", domain],
        ["dns", domain],
        ["preview", "outlook", f"a@{domain}"],
        ["preview", "autoconfig", f"@{domain}"],
        ["preview", "mobileconfig", f"a@{domain}", "--explain"],
    ):
        result = disabled.ctl(*words, check=False)
        assert result.returncode == 1, words
        assert all(part in result.stderr for part in f"domain {reason}".split("; ")), words
        assert "domain add" not in result.stderr
    assert f"domain: {reason}" in result.stderr
    findings = json.loads(disabled.ctl("doctor", domain, "--json", check=False).stdout)
    assert f"domain {reason}" == f"{findings[0]['seen']}; {findings[0]['fix']}", findings


def test_lists_leave_out_what_is_not_served(disabled):
    gaps = json.loads(disabled.ctl("certificate", "list", "--json").stdout)["domains"]
    assert [gap["domain"] for gap in gaps] == []
    disabled.ctl("domain", "enable", "off.example")
    gaps = json.loads(disabled.ctl("certificate", "list", "--json").stdout)["domains"]
    assert [gap["domain"] for gap in gaps] == ["alias.example", "off.example"]
