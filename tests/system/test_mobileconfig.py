"""Apple's configuration profile, read by a strict parser and held against Apple's rules."""
import plistlib
import re
import subprocess
from urllib.parse import quote

import pytest

from daemon import PATIENCE, Daemon

ADDRESS = "first.last@example.org"
PATHS = ("/mobileconfig", "/.well-known/mobileconfig", "/email.mobileconfig", "/MobileConfig")

# Apple's device-management schema: what must be there, then what may, each with its type.
COMMON = {"PayloadIdentifier": str, "PayloadUUID": str, "PayloadType": str, "PayloadVersion": int}
REQUIRED = {
    "com.apple.mail.managed": {
        "EmailAccountType": str,
        "IncomingMailServerAuthentication": str,
        "IncomingMailServerHostName": str,
        "OutgoingMailServerAuthentication": str,
        "OutgoingMailServerHostName": str,
    },
    "com.apple.caldav.account": {"CalDAVHostName": str},
    "com.apple.carddav.account": {"CardDAVHostName": str},
}
OPTIONAL = {
    "com.apple.mail.managed": {
        "EmailAccountDescription": str,
        "EmailAccountName": str,
        "EmailAddress": str,
        "IncomingMailServerPortNumber": int,
        "IncomingMailServerUseSSL": bool,
        "IncomingMailServerUsername": str,
        "OutgoingMailServerPortNumber": int,
        "OutgoingMailServerUseSSL": bool,
        "OutgoingMailServerUsername": str,
        "OutgoingPasswordSameAsIncomingPassword": bool,
    },
} | {
    f"com.apple.{prefix.lower()}.account": {
        f"{prefix}AccountDescription": str,
        f"{prefix}Port": int,
        f"{prefix}PrincipalURL": str,
        f"{prefix}UseSSL": bool,
        f"{prefix}Username": str,
    }
    for prefix in ("CalDAV", "CardDAV")
}
UUID = r"[0-9A-F]{8}-[0-9A-F]{4}-8[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}"


def check_keys(payload, required, optional=None):
    known = COMMON | required | (optional or {})
    assert set(COMMON | required) <= set(payload)
    assert set(payload) <= set(known)
    for key, value in payload.items():
        assert type(value) is known[key], f"{key} is {value!r}"
    assert payload["PayloadVersion"] == 1
    assert re.fullmatch(UUID, payload["PayloadUUID"])


def check_profile(profile):
    """What Apple asks of a profile, and we of all of them."""
    check_keys(profile, {"PayloadContent": list},
               {"PayloadDisplayName": str, "PayloadOrganization": str})
    assert profile["PayloadType"] == "Configuration"
    assert re.fullmatch(r"[a-z0-9.-]+\.mail\." + profile["PayloadUUID"], profile["PayloadIdentifier"])
    for payload in profile["PayloadContent"]:
        kind = payload["PayloadType"]
        check_keys(payload, REQUIRED[kind], OPTIONAL[kind])
        assert payload["PayloadIdentifier"].startswith(profile["PayloadIdentifier"] + ".")
    for name in ("PayloadUUID", "PayloadIdentifier"):
        names = [part[name] for part in (profile, *profile["PayloadContent"])]
        assert len(set(names)) == len(names)


def target_of(address, path="/mobileconfig", name="emailaddress"):
    return f"{path}?{name}={quote(address, safe='')}"


def ask(daemon, address, **options):
    return daemon.get(target_of(address, **options))


def profile_of(daemon, address, **options):
    response = ask(daemon, address, **options)
    assert response.status == 200
    assert b"assword</key>" not in response.body.replace(
        b"OutgoingPasswordSameAsIncomingPassword", b"")
    profile = plistlib.loads(response.body)
    check_profile(profile)
    return profile


def payloads(profile):
    return {payload["PayloadType"].split(".")[2]: payload for payload in profile["PayloadContent"]}


def identifiers(profile):
    return [(part["PayloadIdentifier"], part["PayloadUUID"])
            for part in (profile, *profile["PayloadContent"])]


def restart(daemon):
    """Restarts the daemon with the changes."""
    daemon.stop()
    daemon.log_file.unlink(missing_ok=True)
    daemon.start()


def fill(daemon):
    daemon.setup(
        ["domain", "add", "example.org", "imaps://imap.example.org", "pop3s://pop.example.org",
         "submissions://smtp.example.org", "submission+starttls://smtp.example.org",
         "caldav+https://dav.example.org/calendars/?a&b", "carddav+https://dav.example.org:8443/",
         "activesync+https://sync.example.org/eas",
         "--display-name", "Mail & <More>", "--short-name", "More", "--show-names", "yes"],
        ["user", "add", ADDRESS, "a&4711", "--name", "First \"<Last>\""],
    )
    return daemon


@pytest.fixture
def filled(daemon):
    return fill(daemon)


@pytest.fixture(scope="module")
def served(tmp_path_factory, authority, build):
    """One daemon for the tests that change nothing."""
    instance = fill(Daemon(tmp_path_factory.mktemp("served"), authority, build)).start()
    yield instance
    instance.stop()


def test_everything(served):
    response = ask(served, ADDRESS)
    assert response.headers["content-type"] == "application/x-apple-aspen-config"
    assert response.headers["content-disposition"] == 'attachment; filename="example.org.mobileconfig"'
    assert response.headers["cache-control"] == "private, no-store"
    profile = profile_of(served, ADDRESS)
    assert profile["PayloadDisplayName"] == f"Mail & <More> ({ADDRESS})"
    assert profile["PayloadOrganization"] == "More"
    assert profile["PayloadIdentifier"].startswith("org.example.mail.")
    parts = payloads(profile)
    assert len(parts) == 3
    without = lambda part: {key: value for key, value in part.items() if not key.startswith("Payload")}
    assert without(parts["mail"]) == {
        "EmailAccountDescription": "Mail & <More>",
        "EmailAccountName": 'First "<Last>"',
        "EmailAccountType": "EmailTypeIMAP",
        "EmailAddress": ADDRESS,
        "IncomingMailServerAuthentication": "EmailAuthPassword",
        "IncomingMailServerHostName": "imap.example.org",
        "IncomingMailServerPortNumber": 993,
        "IncomingMailServerUseSSL": True,
        "IncomingMailServerUsername": "a&4711",
        "OutgoingMailServerAuthentication": "EmailAuthPassword",
        "OutgoingMailServerHostName": "smtp.example.org",
        "OutgoingMailServerPortNumber": 465,
        "OutgoingMailServerUseSSL": True,
        "OutgoingMailServerUsername": "a&4711",
        "OutgoingPasswordSameAsIncomingPassword": True,
    }
    assert without(parts["caldav"]) == {
        "CalDAVAccountDescription": "Mail & <More>",
        "CalDAVHostName": "dav.example.org",
        "CalDAVPort": 443,
        "CalDAVPrincipalURL": "https://dav.example.org/calendars/?a&b",
        "CalDAVUseSSL": True,
        "CalDAVUsername": "a&4711",
    }
    assert without(parts["carddav"]) == {
        "CardDAVAccountDescription": "Mail & <More>",
        "CardDAVHostName": "dav.example.org",
        "CardDAVPort": 8443,
        "CardDAVUseSSL": True,
        "CardDAVUsername": "a&4711",
    }


def test_names_stay_back_unless_the_provider_shows_them(filled):
    filled.ctl("provider", "set", "example.org", "--show-names", "no")
    filled.start()
    assert "EmailAccountName" not in payloads(profile_of(filled, ADDRESS))["mail"]


def test_every_path_and_argument_gives_the_same(served):
    wanted = ask(served, ADDRESS).body
    for path in PATHS:
        for name in ("emailaddress", "email", "EMAIL"):
            assert ask(served, ADDRESS, path=path, name=name).body == wanted
    head = served.ask(f"HEAD {target_of(ADDRESS)} HTTP/1.1\r\nHost: autoconfig.example.org\r\n\r\n".encode())
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(wanted))
    assert served.ctl("preview", "mobileconfig", ADDRESS).stdout.encode() == wanted


def test_identifiers_are_stable_and_of_one_address(filled):
    filled.start()
    first = profile_of(filled, ADDRESS)
    assert ask(filled, ADDRESS).body == ask(filled, ADDRESS).body
    assert identifiers(profile_of(filled, "First.LAST@EXAMPLE.org")) == identifiers(first)
    filled.ctl("user", "set", ADDRESS, "--login", "b4712")
    filled.ctl("service", "remove", "example.org", "caldav+https://dav.example.org/calendars/?a&b")
    restart(filled)
    again = profile_of(filled, ADDRESS)
    assert again != first
    assert set(identifiers(again)) < set(identifiers(first))
    other = profile_of(filled, "second.person@example.org")
    assert not {uuid for _, uuid in identifiers(other)} & {uuid for _, uuid in identifiers(first)}


def test_installations_differ(filled):
    filled.start()
    first = profile_of(filled, ADDRESS)
    filled.stop()
    for file in filled.directory.glob("mailconfd.db*"):
        file.unlink()
    fill(filled)
    restart(filled)
    second = profile_of(filled, ADDRESS)
    assert first["PayloadUUID"] != second["PayloadUUID"]
    assert payloads(first)["mail"]["PayloadUUID"] != payloads(second)["mail"]["PayloadUUID"]


@pytest.mark.parametrize(
    "services, wanted",
    [
        # STARTTLS is UseSSL too; implicit TLS goes first, whatever the admin's order.
        ([["imap+starttls://a.example.org"], ["submission+starttls://a.example.org"]],
         ("IMAP", "a.example.org", 143, True, "Password", "a.example.org", 587, True, "Password")),
        ([["imap+starttls://a.example.org", "--first"], ["imaps://b.example.org"],
          ["submission+starttls://a.example.org", "--first"], ["submissions://b.example.org"]],
         ("IMAP", "b.example.org", 993, True, "Password", "b.example.org", 465, True, "Password")),
        ([["imap://a.example.org", "--allow-plaintext"], ["submission://a.example.org", "--allow-plaintext"]],
         ("IMAP", "a.example.org", 143, False, "Password", "a.example.org", 587, False, "Password")),
        ([["pop3s://a.example.org"], ["submissions://a.example.org"]],
         ("POP", "a.example.org", 995, True, "Password", "a.example.org", 465, True, "Password")),
        # The first way to log in that a device knows.
        ([["imaps://a.example.org", "--auth", "OAuth2,password-encrypted,password-cleartext"],
          ["submissions://a.example.org", "--auth", "NTLM"]],
         ("IMAP", "a.example.org", 993, True, "CRAMMD5", "a.example.org", 465, True, "NTLM")),
        ([["imaps://a.example.org", "--auth", "TLS-client-cert,none"],
          ["submissions://a.example.org", "--auth", "client-IP-address"]],
         ("IMAP", "a.example.org", 993, True, "None", "a.example.org", 465, True, "None")),
        # One that it does not know is passed over.
        ([["imaps://a.example.org", "--auth", "OAuth2"], ["imap+starttls://b.example.org"],
          ["submissions://a.example.org"]],
         ("IMAP", "b.example.org", 143, True, "Password", "a.example.org", 465, True, "Password")),
        ([["imaps://a.example.org", "--auth", "GSSAPI,OAuth2"], ["pop3s://b.example.org"],
          ["submissions://a.example.org"]],
         ("POP", "b.example.org", 995, True, "Password", "a.example.org", 465, True, "Password")),
        # Without an incoming or an outgoing server there is no mail account.
        ([["imaps://a.example.org", "--auth", "OAuth2"], ["submissions://a.example.org"]], None),
        ([["imaps://a.example.org"], ["submissions://a.example.org", "--auth", "TLS-client-cert"]], None),
        ([["imaps://a.example.org"]], None),
        ([["submissions://a.example.org"]], None),
    ],
)
@pytest.mark.parametrize("has_dav", [True, False])
def test_mail_payload(daemon, services, wanted, has_dav):
    if has_dav:
        services = [*services, ["carddav+https://dav.example.org/"],
                    ["caldav+https://dav.example.org/", "--auth", "OAuth2"]]
    daemon.setup(["provider", "add", "corp"], ["domain", "add", "example.org", "--provider", "corp"],
                 *(["service", "add", "corp", *service] for service in services))
    daemon.start()
    if not wanted and not has_dav:
        response = ask(daemon, ADDRESS)
        assert (response.status, response.headers["content-type"]) == (404, "text/plain; charset=utf-8")
        daemon.wait_for_log("outcome=not-offered")
        return
    parts = payloads(profile_of(daemon, ADDRESS))
    assert ("carddav" in parts) == has_dav
    assert "caldav" not in parts
    if not wanted:
        assert "mail" not in parts
        return
    mail = parts["mail"]
    assert (
        mail["EmailAccountType"].removeprefix("EmailType"),
        *(mail[f"{way}MailServer{name}"].removeprefix("EmailAuth")
          if name == "Authentication" else mail[f"{way}MailServer{name}"]
          for way in ("Incoming", "Outgoing")
          for name in ("HostName", "PortNumber", "UseSSL", "Authentication")),
    ) == wanted
    assert mail["IncomingMailServerUsername"] == mail["OutgoingMailServerUsername"] == ADDRESS


@pytest.mark.parametrize("argument", [
    "password=secret", "Password=secret", "PASSWORD=", "password", "p%61ssword=secret",
    "password=100%", "password=%00",
])
@pytest.mark.parametrize("path", PATHS)
def test_a_password_is_refused(served, argument, path):
    for target in (f"{path}?{argument}&emailaddress={ADDRESS}", f"{path}?email={ADDRESS}&{argument}"):
        response = served.get(target)
        assert (response.status, response.headers["content-type"]) == (400, "text/plain; charset=utf-8")
        assert b"secret" not in response.raw
        assert "content-disposition" not in response.headers
    assert "secret" not in served.log()


@pytest.mark.parametrize("typed", [
    'a"b@example.org', "a'b@example.org", "a&b@example.org", "a<b@example.org", "a>b@example.org",
    "</string>@example.org", "]]>@example.org", "&amp;@example.org", "../../x@example.org",
    "a@../example.org", "a@example.org/../x", "a@example.org\r\nX-Injected: 1", "a\r\nb@example.org",
    "a@example.org\x00", "\x00@example.org", 'a@example.org"; filename="b', "a@exam ple.org",
    "a@b@example.org", "@example.org", "a@", "", "a" * 65 + "@example.org", "a@" + "b" * 250 + ".org",
    "\u202eevil@example.org", "a@\u2024example.org", "<!ENTITY x 'y'>@example.org", "a%s%n@example.org",
    "{{secret}}@example.org", "b\u00fccher@example.org", "a@xn--a.example.org",
])
def test_hostile_addresses(served, typed):
    """Each is refused, or comes back escaped as one text, and never stands in a header."""
    response = ask(served, typed)
    assert response.status in (200, 400, 404)
    assert "x-injected" not in response.headers
    head = response.raw.partition(b"\r\n\r\n")[0]
    if response.status != 200:
        assert response.headers["content-type"] == "text/plain; charset=utf-8"
        assert "content-disposition" not in response.headers
        return
    profile = profile_of(served, typed)
    assert payloads(profile)["mail"]["EmailAddress"] == typed
    assert response.headers["content-disposition"] == 'attachment; filename="example.org.mobileconfig"'
    assert typed.partition("@")[0].encode() not in head


@pytest.mark.parametrize("raw", [
    b"%ff@example.org", b"a%zz@example.org", b"a%@example.org", b"%c3%28@example.org", b"a%00b@example.org",
    b"\xff@example.org", b"a%0d%0ab@example.org",
    # What XML cannot hold would be missing from the user's name.
    b"%ef%bf%bex@example.org", b"%ef%bf%bf@example.org", b"%c2%85x@example.org",
])
def test_hostile_bytes(served, raw):
    response = served.ask(b"GET /mobileconfig?email=" + raw + b" HTTP/1.1\r\nHost: autoconfig.example.org\r\n\r\n")
    assert response.status == 400


def test_file_name_of_an_international_domain(daemon):
    daemon.setup(["domain", "add", "b\u00fccher.example.org", "imaps://imap.example.org",
                  "submissions://smtp.example.org"])
    daemon.start()
    response = ask(daemon, "a@B\u00dcCHER.example.org")
    assert response.headers["content-disposition"] == \
        'attachment; filename="xn--bcher-kva.example.org.mobileconfig"'
    assert payloads(plistlib.loads(response.body))["mail"]["EmailAddress"] == "a@xn--bcher-kva.example.org"


def test_unknown_users_are_like_known_ones_or_refused(filled):
    filled.start()
    known, unknown = profile_of(filled, ADDRESS), profile_of(filled, "nobody@example.org")
    assert payloads(unknown)["mail"]["IncomingMailServerUsername"] == "nobody@example.org"
    for part in (payloads(known)["mail"], payloads(unknown)["mail"]):
        part.pop("EmailAccountName", None)
    assert set(payloads(known)["mail"]) == set(payloads(unknown)["mail"])
    filled.ctl("provider", "set", "example.org", "--unknown-users", "refuse")
    restart(filled)
    assert ask(filled, ADDRESS).status == 200
    assert ask(filled, "nobody@example.org").status == 404


def test_template_of_the_admin(filled):
    templates = filled.directory / "templates"
    templates.mkdir()
    filled.settings["templates"]["directory"] = templates
    file = templates / "mobileconfig.plist"
    doctype = '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" ' \
              '"http://www.apple.com/DTDs/PropertyList-1.0.dtd">'
    for source, words in (
        ("<plist>{{adress}}</plist>", "no 'adress'"),
        ("<plist>{{#mail}}{{incoming.hots}}{{/mail}}</plist>", "no 'hots'"),
        ("<!DOCTYPE plist [<!ENTITY a 'b'>]>\n<plist/>", "the only DOCTYPE accepted"),
        (doctype + "<plist>&a;</plist>", "not well-formed"),
    ):
        file.write_text(source)
        result = filled.ctl("preview", "mobileconfig", ADDRESS, check=False)
        assert result.returncode == 0 and "the built-in template is used" in result.stderr
        assert words in result.stderr and str(file) in result.stderr
    file.write_text(f"{doctype}\n<plist><string>{{{{address}}}}</string></plist>")
    assert filled.ctl("preview", "mobileconfig", ADDRESS).stdout.endswith(f"<string>{ADDRESS}</string></plist>")
    file.rename(templates / "mobilconfig.plist")
    assert "is not the name of a template; it must be" in \
        filled.ctl("preview", "mobileconfig", ADDRESS, check=False).stderr


def verify(authority, directory, signed, options=()):
    """What the signature is of, checked by OpenSSL against the test CA."""
    file = directory / "signed"
    file.write_bytes(signed)
    return subprocess.run(
        ["openssl", "cms", "-verify", "-inform", "DER", "-in", file, "-CAfile", authority.file,
         "-purpose", "any", "-binary", *options],
        capture_output=True, check=True,
    ).stdout


def sign_with(daemon, authority, *options, names=("profiles.example.org",)):
    """Settings for a signer: the certificate and its key in files of their own."""
    pem = authority.certificate(*names, options=options).read_text()
    daemon.settings["profile"] = {}
    for name, text in zip(("certificate", "key"), re.split("(?=-----BEGIN (?:ENCRYPTED )?PRIVATE)", pem)):
        file = daemon.directory / f"signer-{name}.pem"
        file.write_text(text)
        daemon.settings["profile"][name] = file
    daemon.write_settings()


def structure(directory, signed):
    (directory / "signed").write_bytes(signed)
    return subprocess.run(
        ["openssl", "cms", "-cmsout", "-print", "-inform", "DER", "-in", directory / "signed", "-noout"],
        capture_output=True, check=True, text=True,
    ).stdout


@pytest.mark.parametrize("options", [(), ("--curve=P-384",), ("--rsa",), ("--with-root",)])
def test_signature(filled, authority, tmp_path, options):
    filled.start()
    unsigned = ask(filled, ADDRESS).body
    sign_with(filled, authority, *options)
    filled.reload()
    response = ask(filled, ADDRESS)
    assert response.headers["content-type"] == "application/x-apple-aspen-config"
    assert response.headers["content-disposition"] == 'attachment; filename="example.org.mobileconfig"'
    assert int(response.headers["content-length"]) == len(response.body)
    assert verify(authority, tmp_path, response.body) == unsigned
    assert filled.ctl("preview", "mobileconfig", ADDRESS).stdout.encode() == unsigned
    parts = structure(tmp_path, response.body)
    assert "signingTime" in parts and "sha256" in parts and "sha1" not in parts
    assert re.findall(r"subject: *CN ?= ?(.*)", parts) == ["profiles.example.org"], "the root stays at home"
    assert ask(filled, "nobody@elsewhere.example").status == 404


def test_signature_has_the_chain(filled, authority, tmp_path):
    authority.run("cert", "intermediate.pem", "--ca", "intermediate.example.org")
    sign_with(filled, authority, "--issuer", "intermediate.pem")
    filled.start()
    signed = ask(filled, ADDRESS).body
    assert plistlib.loads(verify(authority, tmp_path, signed))["PayloadType"] == "Configuration"
    assert len(re.findall("subject: *CN", structure(tmp_path, signed))) == 2


def test_certificate_and_key_in_one_file(filled, authority, tmp_path):
    file = str(filled.directory / "certificates" / "main.pem")
    filled.settings["profile"] = {"certificate": file, "key": file}
    filled.start()
    check_profile(plistlib.loads(verify(authority, tmp_path, ask(filled, ADDRESS).body)))


def test_a_changed_document_does_not_verify(filled, authority, tmp_path):
    sign_with(filled, authority)
    filled.start()
    signed = ask(filled, ADDRESS).body
    changed = signed.replace(b"imap.example.org", b"imap.example.net")
    assert changed != signed
    with pytest.raises(subprocess.CalledProcessError):
        verify(authority, tmp_path, changed)


def test_signer_is_reloaded_and_survives_mistakes(filled, authority, tmp_path):
    sign_with(filled, authority)
    filled.start()
    wanted = verify(authority, tmp_path, ask(filled, ADDRESS).body)
    (filled.directory / "signer-key.pem").write_text("nonsense")
    filled.reload()
    assert "profiles stay signed as before" in filled.log() and "signer-key.pem" in filled.log()
    assert verify(authority, tmp_path, ask(filled, ADDRESS).body) == wanted
    filled.settings["profile"] = {}
    filled.write_settings()
    filled.reload()
    assert ask(filled, ADDRESS).body == wanted


@pytest.mark.parametrize("spoil, words", [
    (lambda daemon, authority: sign_with(daemon, authority, "--ed25519"), ["signer-key.pem", "use RSA or ECDSA"]),
    (lambda daemon, authority: (daemon.directory / "signer-key.pem").unlink(), ["signer-key.pem", "No such file"]),
    (lambda daemon, authority: (daemon.directory / "signer-certificate.pem").write_text("x"),
     ["signer-certificate.pem", "cannot read the certificate"]),
    (lambda daemon, authority: (daemon.directory / "signer-key.pem").write_text(
        authority.certificate("other.example.org").read_text()), ["signer-key.pem", "does not belong"]),
    (lambda daemon, authority: sign_with(daemon, authority, "--password", "x"), ["signer-key.pem"]),
])
def test_signer_that_cannot_be_used(filled, authority, spoil, words):
    sign_with(filled, authority)
    spoil(filled, authority)
    filled.write_settings()
    result = subprocess.run(filled.command("--check-config"), capture_output=True, text=True, check=False,
                            timeout=PATIENCE)
    assert result.returncode == 1
    filled.start()
    for word in ["[profile]", *words]:
        assert word in result.stderr and word in filled.log()
    check_profile(plistlib.loads(ask(filled, ADDRESS).body))


@pytest.mark.parametrize("given", ["certificate", "key"])
def test_signer_needs_certificate_and_key(filled, given):
    filled.settings["profile"] = {given: "/etc/mailconfd/profile.pem"}
    filled.write_settings()
    result = subprocess.run(filled.command(), capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert result.returncode == 2
    missing = {"certificate": "key", "key": "certificate"}[given]
    assert f"[profile] {given} is set without {missing}" in result.stderr


def test_expired_signer_is_warned_of(filled, authority):
    sign_with(filled, authority, "--not-before", "-20", "--days", "10")
    filled.start()
    assert "has expired; profiles are signed with it all the same" in filled.log()
    assert ask(filled, ADDRESS).status == 200
