"""'certificate prune': what was requested for a domain goes when the domain is gone."""
import json

import pytest

from test_acme import acme, ctl, file_of, names_in, renew, request, served  # noqa: F401, fixtures too

pytestmark = pytest.mark.engines


def listed(daemon):
    found = json.loads(daemon.ctl("certificate", "list", "--json").stdout)["certificates"]
    return {entry["file"].rpartition("/")[2]: entry.get("problem") for entry in found}


def test_prune(served, acme):
    """Not what is still served, disabled, or was put there by somebody else; nor a key that is used."""
    served.settings["server"]["public-name"] = "auto.example.org"
    acme.set_names({"auto.example.org": "127.0.0.1", "autoconfig.off.example": "127.0.0.1"})
    served.ctl("domain", "add", "off.example", "--provider", "example.org")
    served.start()
    result = request(served, acme, "example.org", "example.com", "off.example")
    assert result.returncode == 0, result.stderr
    served.add_certificate("foreign", "autoconfig.gone.example")
    served.setup(["domain", "remove", "example.com"], ["domain", "disable", "off.example"],
                 ["domain", "remove", "example.org"])
    assert "auto.example.org" in names_in(file_of(served, "example.org")), "which is a public name"

    assert listed(served) == {
        "example.com.pem": "not renewed, because its domain was removed; 'certificate prune' deletes it",
        "example.org.pem": None, "foreign.pem": None, "off.example.pem": "not renewed, because its domain is disabled"}
    assert renew(served, acme).stdout == ("example.com: was removed, so its certificate is not renewed; 'certificate "
                                          "prune' deletes it\n")
    own = served.directory / "certificates" / ".acme" / f"127.0.0.1_{acme.port}"
    assert (own / "private" / "autoconfig.example.com" / "key.pem").exists()
    before = sorted(path for path in served.directory.rglob("*.pem"))
    result = served.ctl("certificate", "prune", "--dry-run")
    assert result.stdout == f"example.com: would delete {file_of(served, 'example.com')}\n"
    assert sorted(served.directory.rglob("*.pem")) == before
    result = served.ctl("certificate", "prune")
    assert (result.stdout, result.stderr) == (f"example.com: deleted {file_of(served, 'example.com')}\n", "")
    gone = set(before) - set(served.directory.rglob("*.pem"))
    assert {path.relative_to(served.directory / "certificates").as_posix().replace(own.name, "CA") for path in gone} == {
        "example.com.pem", ".acme/CA/private/autoconfig.example.com/key.pem", ".acme/CA/autoconfig.example.com/cert.pem"}
    served.wait_for_log("certificates have changed")
    assert json.loads(served.ctl("certificate", "prune", "--json").stdout) == []
