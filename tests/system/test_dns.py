"""mailconfctl dns: records that a name server takes, and that say what the documents say."""
import base64
import json
import re
import subprocess

import pytest

SERVICES = (
    "imaps://mail.example.org", "imap+starttls://mail.example.org:1143", "pop3+starttls://pop.example.net",
    "submissions://mail.example.org", "managesieve+starttls://mail.example.org",
    "caldav+https://dav.example.org/calendars/", "carddav+https://dav.example.net:8443/",
    "jmap+https://jmap.example.net/jmap",
)


@pytest.fixture
def filled(daemon):
    daemon.settings["server"]["public-name"] = "auto.example.net:8443"
    daemon.setup(["domain", "add", "example.org", *SERVICES])
    return daemon


def records(daemon, domain, *options):
    """{(name without the domain, type): [values]} of what is wanted."""
    found = {}
    for record in json.loads(daemon.ctl("dns", domain, "--json", *options).stdout):
        if record["presence"] == "wanted":
            name = record["name"].removesuffix(domain).rstrip(".")
            found.setdefault((name, record["type"]), []).append(record.get("value"))
    return found


def checked(tmp_path, snippet, domain="example.org", hosts=("mail", "dav")):
    """What named-checkzone makes of a minimal zone with the snippet: [(name, type, value)]."""
    zone = tmp_path / "zone"
    zone.write_text(
        f"$TTL 3600\n$ORIGIN {domain}.\n@ IN SOA ns.example.net. admin.example.net. 1 7200 3600 1209600 3600\n"
        "@ IN NS ns.example.net.\n" + "".join(f"{host} IN A 192.0.2.2\n" for host in hosts) + snippet
    )
    result = subprocess.run(
        ["named-checkzone", "-q", "-i", "local", "-k", "fail", "-n", "fail", "-S", "fail", "-M", "fail", "-D",
         "-o", tmp_path / "out", domain, zone],
        capture_output=True, text=True, check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    lines = (line.split(None, 4) for line in (tmp_path / "out").read_text().splitlines())
    return [(name, kind, value) for name, _, _, kind, value in lines]


def uncommented(snippet):
    return re.sub(r"(?m)^;(?=[a-z_])", "", snippet)


def test_zone_is_accepted(filled, tmp_path):
    snippet = filled.ctl("dns", "example.org").stdout
    found = checked(tmp_path, snippet)
    wanted = json.loads(filled.ctl("dns", "example.org", "--format", "json").stdout)
    assert {(f"{record['name']}.", record["type"], record["value"]) for record in wanted
            if record["presence"] == "wanted"} <= set(found)
    assert ("_autodiscover._tcp.example.org." not in {name for name, _, _ in found})
    everything = checked(tmp_path, uncommented(snippet))
    assert {(f"{record['name']}.", record["type"], record["value"]) for record in wanted} <= set(everything)


def test_records_say_what_the_documents_say(filled):
    assert records(filled, "example.org") == {
        ("autoconfig", "CNAME"): ["auto.example.net."],
        ("autodiscover", "CNAME"): ["auto.example.net."],
        ("_imaps._tcp", "SRV"): ["0 1 993 mail.example.org."],
        ("_imap._tcp", "SRV"): ["10 1 1143 mail.example.org."],
        ("_pop3._tcp", "SRV"): ["20 1 110 pop.example.net."],
        ("_pop3s._tcp", "SRV"): ["0 0 0 ."],
        ("_submissions._tcp", "SRV"): ["0 1 465 mail.example.org."],
        ("_submission._tcp", "SRV"): ["0 0 0 ."],
        ("_sieve._tcp", "SRV"): ["0 1 4190 mail.example.org."],
        ("_jmap._tcp", "SRV"): ["0 1 443 jmap.example.net."],
        ("_caldavs._tcp", "SRV"): ["0 1 443 dav.example.org."],
        ("_caldavs._tcp", "TXT"): ['"path=/calendars/"'],
        ("_carddavs._tcp", "SRV"): ["0 1 8443 dav.example.net."],
        ("_carddavs._tcp", "TXT"): ['"path=/"'],
    }


def test_alternative_and_hint(filled):
    others = {record["name"]: (record["presence"], record["value"])
              for record in json.loads(filled.ctl("dns", "example.org", "--json").stdout)
              if record["presence"] != "wanted"}
    assert others == {
        "_autodiscover._tcp.example.org": ("instead", "0 0 443 auto.example.net."),
        "example.org": ("optional", '"mailconf=https://autoconfig.example.org/mail/config-v1.1.xml"'),
    }


def test_target(filled, tmp_path):
    for target in ("192.0.2.10,2001:db8::10", "2001:db8::10,192.0.2.10"):
        found = records(filled, "example.org", "--target", target)
        assert found["autoconfig", "A"] == found["autodiscover", "A"] == ["192.0.2.10"]
        assert found["autoconfig", "AAAA"] == ["2001:db8::10"]
        assert ("autoconfig", "CNAME") not in found
        checked(tmp_path, uncommented(filled.ctl("dns", "example.org", "--target", target).stdout))
    found = records(filled, "example.org", "--target", "M\u00fcll.example.net")
    assert found["autoconfig", "CNAME"] == ["xn--mll-hoa.example.net."]
    for target, words in (("192.0.2.10,x", "'x' is not an address"), ("a_b.example", "'a_b.example' is neither"),
                          ("mail.example.net:443", "without a port")):
        result = filled.ctl("dns", "example.org", "--target", target, check=False)
        assert (result.returncode, result.stdout) == (1, "") and words in result.stderr


def test_a_name_does_not_lead_to_itself(filled, tmp_path):
    result = filled.ctl("dns", "example.org", "--target", "autoconfig.example.org")
    assert "; autoconfig.example.org. needs A and AAAA records" in result.stdout and result.stderr == ""
    found = checked(tmp_path, uncommented(result.stdout), hosts=("mail", "dav", "autoconfig"))
    assert ("autodiscover.example.org.", "CNAME", "autoconfig.example.org.") in found
    assert ("_autodiscover._tcp.example.org.", "SRV", "0 0 443 autoconfig.example.org.") in found
    filled.settings["server"]["public-name"] = ""
    result = filled.ctl("dns", "example.org")
    assert "give --target" in result.stderr
    checked(tmp_path, result.stdout)


def test_whose_records(filled):
    filled.setup(
        ["domain", "add", "example.com", "--alias-of", "example.org"],
        ["domain", "add", "*.example.com", "imaps://mail.%EMAILDOMAIN%", "--public-name", "own.example.com"],
        ["domain", "add", "off.example.com", "--alias-of", "example.org"],
        ["domain", "disable", "off.example.com"],
        ["domain", "add", "*", "--provider", "example.org", "--any-domain"],
    )
    assert records(filled, "example.com") == records(filled, "example.org")
    found = records(filled, "deep.below.example.com")
    assert found["_imaps._tcp", "SRV"] == ["0 1 993 mail.deep.below.example.com."]
    assert found["autoconfig", "CNAME"] == ["own.example.com."]
    assert records(filled, "stranger.test") == records(filled, "example.org")
    filled.ctl("domain", "remove", "*")
    for domain, words in (("*.example.com", "stands for many domains"), ("*", "stands for many domains"),
                          ("off.example.com", "is disabled"), ("stranger.test", "is not served"),
                          (".".join(["a" * 60] * 3 + ["b" * 40, "example.com"]), "is too long")):
        result = filled.ctl("dns", domain, check=False)
        assert (result.returncode, result.stdout) == (1, "") and words in result.stderr
    filled.setup(["domain", "disable", "example.org"])
    assert "'domain enable example.org'" in filled.ctl("dns", "example.com", check=False).stderr


def test_pacc(filled, tmp_path):
    filled.setup(["domain", "add", "example.test", "imaps://mail.example.org", "submissions://mail.example.org",
                  "--pacc", "yes"])
    digest = filled.ctl("preview", "pacc", "@example.test").stderr.strip()
    found = records(filled, "example.test")
    assert found["_ua-auto-config", "TXT"] == [f'"{digest}"']
    assert found["ua-auto-config", "CNAME"] == ["auto.example.net."]
    checked(tmp_path, filled.ctl("dns", "example.test").stdout, domain="example.test")


def test_long_and_odd_texts(filled, tmp_path):
    path = "/" + "a" * 300 + ";$('"
    filled.setup(["domain", "add", "example.test", "imaps://mail.example.org", f"caldav+https://dav.example.org{path}"])
    found = checked(tmp_path, filled.ctl("dns", "example.test").stdout, domain="example.test")
    value = next(value for name, kind, value in found if name.startswith("_caldavs.") and kind == "TXT")
    assert "".join(re.findall(r'"([^"]*)"', value)).replace("\\", "") == "path=" + path


def key_digest(file):
    """SHA-256 of the public key, as OpenSSL sees it."""
    pem = subprocess.run(["openssl", "x509", "-in", file, "-noout", "-pubkey"], capture_output=True, check=True).stdout
    der = base64.b64decode(b"".join(pem.splitlines()[1:-1]))
    return subprocess.run(["openssl", "dgst", "-sha256", "-r"], input=der, capture_output=True,
                          check=True).stdout.split()[0].decode()


def test_dane(filled, tmp_path):
    filled.add_certificate("main", "autoconfig.example.org")
    filled.add_certificate("rsa", "*.example.org", "x.example", options=("--rsa",))
    result = filled.ctl("dns", "example.org", "--dane", "--json")
    found = {}
    for record in json.loads(result.stdout):
        if record["type"] == "TLSA":
            found.setdefault(record["name"], []).append(record["value"])
    main, rsa = (f"3 1 1 {key_digest(tmp_path / 'certificates' / f'{name}.pem')}" for name in ("main", "rsa"))
    assert found == {"_443._tcp.autoconfig.example.org": [main, rsa],
                     "_443._tcp.autodiscover.example.org": [rsa]}
    checked(tmp_path, filled.ctl("dns", "example.org", "--dane").stdout)
    filled.add_certificate("rsa", "autodiscover.example.net")
    result = filled.ctl("dns", "example.org", "--dane")
    assert "no certificate covers 'autodiscover.example.org'" in result.stderr


def test_dane_with_an_unusable_certificate(filled):
    """The records of the others are there."""
    before = filled.ctl("dns", "example.org", "--dane").stdout
    (filled.directory / "certificates" / "zz.pem").write_text("x\n")
    result = filled.ctl("dns", "example.org", "--dane")
    assert result.stdout == before and "TLSA" in before
    assert "zz.pem' is not a PEM file" in result.stderr


def test_what_dns_cannot_say(filled):
    filled.setup(["provider", "add", "old", "imap://mail.example.org", "managesieves://mail.example.org",
                  "caldav+https://a.example.org/", "caldav+https://b.example.org/", "--allow-plaintext"],
                 ["domain", "add", "example.test", "--provider", "old"])
    result = filled.ctl("dns", "example.test")
    assert [line for line in ("IMAP service without TLS", "ManageSieve service with implicit TLS",
                              "only the first CalDAV service") if line not in result.stderr] == []
    found = records(filled, "example.test")
    assert found["_imap._tcp", "SRV"] == ["0 0 0 ."] and ("_sieve._tcp", "SRV") not in found
    assert found["_caldavs._tcp", "SRV"] == ["0 1 443 a.example.org."]


def test_formats(filled):
    table = filled.ctl("dns", "example.org", "--format", "table").stdout.splitlines()
    assert table[0].split() == ["NAME", "TYPE", "VALUE", "PRESENCE"]
    assert re.match(r"_imap\._tcp\.example\.org +SRV +10 1 1143 mail\.example\.org\. +wanted$", table[5])
    assert filled.ctl("dns", "example.org", "--json").stdout == filled.ctl(
        "dns", "example.org", "--format", "json").stdout
    assert filled.ctl("dns", "example.org", "--format", "x", check=False).returncode == 2
