"""The models themselves, on documents written by hand: each trap of autoconfig and POX."""
import pytest

from clients import (
    deltachat, evolution, fairemail, geary, jxon, kmail, nextcloud, outlook, thunderbird,
    thunderbird_android,
)
from clients.client import AUTOMATIC, PLAIN, STARTTLS, TLS, Refused, Setting

ADDRESS = "First.Last@example.org"

AUTOCONFIG = (
    thunderbird.read, thunderbird_android.read, fairemail.read, nextcloud.read, kmail.read,
    evolution.read, geary.read, deltachat.read,
)
POX = (
    thunderbird.read_pox, fairemail.read_pox, deltachat.read_pox, outlook.read, outlook.read_2007,
)


def name_of(read):
    return f"{read.__module__}.{read.__name__}"


def leaf(name, text):
    return "" if text is None else f"<{name}>{text}</{name}>"


def server(
    kind="imap",
    host=None,
    port="993",
    socket_type="SSL",
    username="%EMAILADDRESS%",
    authentication="password-cleartext",
):
    element = "outgoingServer" if kind == "smtp" else "incomingServer"
    return (
        f'<{element} type="{kind}">'
        + leaf("hostname", host or f"{kind}.example.org")
        + leaf("port", port)
        + leaf("socketType", socket_type)
        + leaf("authentication", authentication)
        + leaf("username", username)
        + f"</{element}>"
    )


SMTP = server("smtp", port="465")


def provider(*servers, name="example.org", domain="<domain>example.org</domain>"):
    servers = servers or (server(), SMTP)
    return (
        f'<emailProvider id="{name}">{domain}<displayName>Example</displayName>'
        f"{''.join(servers)}</emailProvider>"
    )


def autoconfig(*parts):
    return f'<clientConfig version="1.1">{"".join(parts) or provider()}</clientConfig>'.encode()


def users(settings):
    return {setting.kind: setting.username for setting in settings}


def hosts(settings):
    return [setting.host for setting in settings]


@pytest.mark.parametrize("read", AUTOCONFIG, ids=name_of)
def test_plain_autoconfig(read):
    assert read(autoconfig(), ADDRESS) == [
        Setting("imap", "imap.example.org", 993, TLS, ADDRESS),
        Setting("smtp", "smtp.example.org", 465, TLS, ADDRESS),
    ]


@pytest.mark.parametrize("read", AUTOCONFIG, ids=name_of)
def test_starttls(read):
    document = autoconfig(
        provider(
            server(port="143", socket_type="STARTTLS"),
            server("smtp", port="587", socket_type="STARTTLS"),
        )
    )
    assert [setting.security for setting in read(document, ADDRESS)] == [STARTTLS, STARTTLS]


@pytest.mark.parametrize("read", AUTOCONFIG + POX, ids=name_of)
def test_malformed(read):
    for document in (b"", b"<a>", b"<a>&b</a>", b"no XML", b"<html></html>"):
        with pytest.raises(Refused):
            read(document, ADDRESS)


@pytest.mark.parametrize("reader", thunderbird.READERS, ids=lambda reader: reader.name)
def test_t1_media_type(reader):
    assert reader.accepts(200, "text/xml; charset=utf-8")
    assert reader.accepts(200, "application/xml")
    for media_type in ("text/plain", "text/html", "application/octet-stream"):
        assert not reader.accepts(200, media_type)
    assert not reader.accepts(404, "text/xml")
    assert thunderbird_android.accepts(200, "text/plain")


@pytest.mark.parametrize("socket_type", ["plain", "TLS", "none", "ssl"])
@pytest.mark.parametrize("place", [0, 1])
def test_t2_socket_type(socket_type, place):
    servers = [server(), server("smtp", port="465")]
    bad = server(("imap", "smtp")[place], "bad.example.org", socket_type=socket_type)
    document = autoconfig(provider(*servers, bad))
    with pytest.raises(Refused):
        thunderbird_android.read(document, ADDRESS)
    assert "bad.example.org" not in hosts(thunderbird.read(document, ADDRESS))


def test_t2_socket_type_of_pop3_is_not_looked_at():
    document = autoconfig(provider(server(), server("pop3", socket_type="plain"), SMTP))
    assert len(thunderbird_android.read(document, ADDRESS)) == 2


def test_t2_nextcloud_takes_tls_for_starttls():
    document = autoconfig(provider(server(socket_type="TLS", port="143"), SMTP))
    assert nextcloud.read(document, ADDRESS)[0].security == STARTTLS


def test_t3_domain_with_attribute():
    marked = '<domain purpose="mx">example.org</domain>'
    with pytest.raises(Refused):
        thunderbird.read(autoconfig(provider(domain=marked)), ADDRESS)
    both = autoconfig(provider(domain=f"{marked}<domain>example.org</domain>"))
    assert thunderbird.read(both, ADDRESS)
    assert thunderbird_android.read(autoconfig(provider(domain=marked)), ADDRESS)


def test_t4_attribute_on_leaf():
    marked = autoconfig().replace(b"<username>", b'<username a="b">')
    assert users(thunderbird.read(marked, ADDRESS))["imap"] == "[object Object]"
    with pytest.raises(Refused):
        thunderbird.read(autoconfig().replace(b"<hostname>", b'<hostname a="b">'), ADDRESS)


def test_t5_no_user_name():
    missing = autoconfig(provider(server(username=None), SMTP))
    assert users(thunderbird.read(missing, ADDRESS))["imap"] == "undefined"
    empty = autoconfig(provider(server(username=""), SMTP))
    assert users(thunderbird.read(empty, ADDRESS))["imap"] == "true"
    for document in (missing, empty):
        with pytest.raises(Refused):
            thunderbird_android.read(document, ADDRESS)


@pytest.mark.parametrize(
    "text, result",
    [
        ("007", "7"),
        ("1e5", "100000"),
        ("1e3", "1000"),
        ("0x10", "0"),
        ("TRUE", "true"),
        ("False", "false"),
        ("4711", "4711"),
        ("1.50", "1.5"),
        (".5", "0.5"),
        ("-3", "-3"),
        ("1e21", "1e+21"),
        ("123456789012345678901", "123456789012345680000"),
        ("0.0000001", "1e-7"),
        ("0.000001", "0.000001"),
        ("1.25e-9", "1.25e-9"),
        ("a007", "a007"),
        ("1e999", "1e999"),
        ("Infinity", "Infinity"),
        ("1_000", "1_000"),
        ("truer", "truer"),
    ],
)
def test_t6_numbers_and_truth(text, result):
    document = autoconfig(provider(server(username=text), SMTP))
    assert users(thunderbird.read(document, ADDRESS))["imap"] == result
    assert users(thunderbird.read_pox(pox(login=text), ADDRESS))["imap"] == result
    for read in (thunderbird_android.read, nextcloud.read, kmail.read, evolution.read):
        assert users(read(document, ADDRESS))["imap"] == text
    assert users(outlook.read(pox(login=text), ADDRESS))["imap"] == text


def test_t6_placeholders_are_safe():
    document = autoconfig(provider(server(username="%EMAILLOCALPART%"), SMTP))
    assert users(thunderbird.read(document, "007@example.org"))["imap"] == "007"


def test_t7_blanks():
    document = autoconfig(provider(server(username=" x\n"), SMTP))
    assert users(thunderbird.read(document, ADDRESS))["imap"] == " x\n"
    assert users(thunderbird_android.read(document, ADDRESS))["imap"] == " x\n"
    document = autoconfig(provider(server(port=" 993 "), SMTP))
    assert thunderbird.read(document, ADDRESS)[0].port == 993
    with pytest.raises(Refused):
        thunderbird_android.read(document, ADDRESS)


def test_t8_fairemail_wants_imap_first():
    document = autoconfig(provider(server("pop3"), server(), SMTP))
    with pytest.raises(Refused):
        fairemail.read(document, ADDRESS)
    assert [s.kind for s in thunderbird.read(document, ADDRESS)] == ["pop3", "imap", "smtp"]


@pytest.mark.parametrize(
    "text, result",
    [
        ("%EMAILADDRESS%", ADDRESS),
        ("%EMAILLOCALPART%", "First.Last"),
        ("UNI\\%EMAILLOCALPART%", "UNI\\%EMAILLOCALPART%"),
        ("a4711", "a4711"),
    ],
)
def test_t9_fairemail_takes_the_last_user_name(text, result):
    calendar = f'<calendar type="caldav"><username>{text}</username></calendar>'
    settings = fairemail.read(autoconfig(provider(), calendar), ADDRESS)
    assert users(settings) == {"imap": result, "smtp": result}


def test_t10_two_providers():
    document = autoconfig(provider(), provider(server(host="other.example.org"), SMTP))
    for read in (thunderbird.read, kmail.read):
        assert hosts(read(document, ADDRESS))[0] == "imap.example.org"
    assert hosts(thunderbird_android.read(document, ADDRESS))[0] == "other.example.org"


@pytest.mark.parametrize("name", ["", "example org", "Example!"])
def test_t11_id(name):
    for read in (thunderbird.read, thunderbird_android.read):
        with pytest.raises(Refused):
            read(autoconfig(provider(name=name)), ADDRESS)


def test_t12_no_outgoing_server():
    for read in (thunderbird.read, thunderbird_android.read):
        with pytest.raises(Refused):
            read(autoconfig(provider(server())), ADDRESS)


def test_t13_no_address():
    for client in (thunderbird_android, kmail, geary):
        assert client.ask(ADDRESS).target == "/mail/config-v1.1.xml"


def test_t14_raw_plus():
    for client in (nextcloud, fairemail):
        assert client.ask("a+b@x.test").target.endswith("?emailaddress=a+b@x.test")
    assert thunderbird.ask("a+b@x.test").target.endswith("?emailaddress=a%2Bb%40x.test")


def test_t15_all_encoded():
    assert deltachat.ask("a+b@x.test").target.endswith("?emailaddress=a%2Bb%40x%2Etest")


def test_t16_empty_success():
    assert thunderbird.accepts(204, "text/xml") and thunderbird_android.accepts(204, "")
    assert not kmail.READERS[0].accepts(204, "text/xml")
    for read in (thunderbird.read, thunderbird_android.read):
        with pytest.raises(Refused):
            read(b"", ADDRESS)


def test_t17_host_names_in_letters():
    document = autoconfig(provider(server(host="b\u00fccher.example"), SMTP))
    for read in (thunderbird.read, thunderbird_android.read):
        with pytest.raises(Refused):
            read(document, ADDRESS)


def test_t18_oauth2_alone():
    document = autoconfig(provider(server(authentication="OAuth2"), SMTP))
    with pytest.raises(Refused):
        thunderbird.read(document, ADDRESS)
    both = "OAuth2</authentication><authentication>password-cleartext"
    assert thunderbird.read(autoconfig(provider(server(authentication=both), SMTP)), ADDRESS)
    assert thunderbird_android.read(document, ADDRESS)


def test_t20_smtp_without_authentication():
    document = autoconfig(
        provider(server(), server("smtp", authentication="none", username=None))
    )
    assert users(thunderbird.read(document, ADDRESS))["smtp"] == ""
    with pytest.raises(Refused):
        thunderbird_android.read(document, ADDRESS)


def test_t23_prefixes():
    prefixed = autoconfig().replace(b"<incomingServer", b"<a:incomingServer")
    prefixed = prefixed.replace(b"</incomingServer", b"</a:incomingServer")
    prefixed = prefixed.replace(b"<clientConfig", b'<clientConfig xmlns:a="urn:a"')
    for read in AUTOCONFIG:
        with pytest.raises(Refused):
            read(prefixed, ADDRESS)


def test_android_refuses_elements_within_text():
    document = autoconfig().replace(b"<port>993", b"<port>993<b/>")
    with pytest.raises(Refused):
        thunderbird_android.read(document, ADDRESS)
    assert thunderbird_android.read(
        autoconfig().replace(b"<port>993", b"<port>993<!-- why -->"), ADDRESS
    )


def test_android_wants_a_known_authentication():
    document = autoconfig(provider(server(authentication="GSSAPI"), SMTP))
    with pytest.raises(Refused):
        thunderbird_android.read(document, ADDRESS)


def test_several_servers():
    document = autoconfig(
        provider(server(host="a.example.org"), server(host="b.example.org"), SMTP)
    )
    for read in AUTOCONFIG:
        first = "b.example.org" if read is evolution.read else "a.example.org"
        assert hosts(read(document, ADDRESS))[0] == first


def test_evolution_hides_the_local_part():
    question = evolution.ask("alice@Example.TEST")
    assert question.host == "autoconfig.Example.TEST"
    digest = "emailmd5=2960a687c8031d3d105b67802b5e130e"
    assert evolution.ask("alice@example.test").target.endswith(
        f"?emailaddress=EVOLUTIONUSER%40example.test&{digest}"
    )
    document = autoconfig(provider(server(username="UNI\\EVOLUTIONUSER"), SMTP))
    assert users(evolution.read(document, ADDRESS))["imap"] == "UNI\\First.Last"


def test_placeholders_in_host_names():
    document = autoconfig(provider(server(host="imap.%EMAILDOMAIN%"), SMTP))
    assert hosts(thunderbird.read(document, ADDRESS))[0] == "imap.example.org"
    assert hosts(thunderbird_android.read(document, ADDRESS))[0] == "imap.example.org"
    assert hosts(evolution.read(document, ADDRESS))[0] == "imap."
    assert hosts(geary.read(document, ADDRESS))[0] == "imap.%EMAILDOMAIN%"


def test_pop3_only():
    document = autoconfig(provider(server("pop3"), SMTP))
    for read in (thunderbird.read, kmail.read, evolution.read):
        assert [setting.kind for setting in read(document, ADDRESS)] == ["pop3", "smtp"]
    for read in (thunderbird_android.read, fairemail.read, nextcloud.read, geary.read):
        with pytest.raises(Refused):
            read(document, ADDRESS)


def test_thunderbird_refuses_domains_in_letters():
    for read, document in ((thunderbird.read, autoconfig()), (thunderbird.read_pox, pox())):
        with pytest.raises(Refused):
            read(document, "x@b\u00fccher.example")


def protocol(
    kind="IMAP",
    port="993",
    ssl="on",
    encryption="SSL",
    login="login",
    spa="off",
    use_pop_auth=None,
):
    return (
        "<Protocol>"
        + leaf("Type", kind)
        + leaf("Server", "mail.example.org")
        + leaf("Port", port)
        + leaf("LoginName", login)
        + leaf("SPA", spa)
        + leaf("SSL", ssl)
        + leaf("Encryption", encryption)
        + leaf("UsePOPAuth", use_pop_auth)
        + "</Protocol>"
    )


def pox_of(*protocols, before="<AccountType>email</AccountType><Action>settings</Action>"):
    return (
        f'<Autodiscover xmlns="{outlook.OUTER.strip()}"><Response xmlns="{outlook.INNER.strip()}">'
        f"<Account>{before}{''.join(protocols)}</Account></Response></Autodiscover>"
    ).encode()


def pox(**imap):
    return pox_of(protocol(**imap), protocol("SMTP", "465"))


@pytest.mark.parametrize("read", POX, ids=name_of)
def test_plain_pox(read):
    settings = read(pox(login=ADDRESS), ADDRESS)
    assert [setting.port for setting in settings] == [993, 465]
    assert users(settings)["imap"] == ADDRESS
    expected = AUTOMATIC if read is deltachat.read_pox else TLS
    assert {setting.security for setting in settings} == {expected}


# What SSL and Encryption mean to the readers, by port.
@pytest.mark.parametrize(
    "port, ssl, encryption, of_outlook, of_2007, of_thunderbird, of_deltachat, of_fairemail",
    [
        ("993", "on", "SSL", TLS, TLS, TLS, AUTOMATIC, TLS),
        ("143", "on", "TLS", STARTTLS, TLS, STARTTLS, AUTOMATIC, STARTTLS),
        ("143", "off", "None", PLAIN, PLAIN, PLAIN, PLAIN, STARTTLS),
        ("143", "off", "TLS", STARTTLS, PLAIN, PLAIN, PLAIN, STARTTLS),
        ("993", "on", "None", PLAIN, TLS, PLAIN, AUTOMATIC, TLS),
        ("993", "on", "TLS", STARTTLS, TLS, TLS, AUTOMATIC, TLS),
        ("1143", "on", "TLS", STARTTLS, TLS, TLS, AUTOMATIC, TLS),
        ("587", "on", "SSL", TLS, TLS, STARTTLS, AUTOMATIC, TLS),
        ("993", None, None, TLS, TLS, TLS, AUTOMATIC, TLS),
        ("993", "on", "Auto", AUTOMATIC, TLS, TLS, AUTOMATIC, TLS),
    ],
)
def test_securities(
    port, ssl, encryption, of_outlook, of_2007, of_thunderbird, of_deltachat, of_fairemail
):
    document = pox(port=port, ssl=ssl, encryption=encryption)
    found = [
        read(document, ADDRESS)[0].security
        for read in (
            outlook.read, outlook.read_2007, thunderbird.read_pox, deltachat.read_pox,
            fairemail.read_pox,
        )
    ]
    assert found == [of_outlook, of_2007, of_thunderbird, of_deltachat, of_fairemail]


@pytest.mark.parametrize("ssl", ["true", "", "1"])
def test_thunderbird_drops_a_protocol_with_a_bad_switch(ssl):
    with pytest.raises(Refused):
        thunderbird.read_pox(pox(ssl=ssl), ADDRESS)


@pytest.mark.parametrize(
    "bad", [{"ssl": "yes"}, {"ssl": ""}, {"spa": "true"}, {"encryption": "STARTTLS"}]
)
def test_outlook_wants_the_values_of_the_specification(bad):
    with pytest.raises(Refused):
        outlook.read(pox(**bad), ADDRESS)


def test_outlook_has_defaults():
    document = pox(port=None, login=None, ssl=None, encryption=None, spa=None)
    assert outlook.read(document, ADDRESS)[0] == Setting(
        "imap", "mail.example.org", 993, TLS, "First.Last"
    )


def test_outlook_wants_its_namespaces():
    for namespace in (outlook.OUTER, outlook.INNER):
        wrong = pox().replace(namespace.strip().encode() + b'"', b'urn:other"')
        with pytest.raises(Refused):
            outlook.read(wrong, ADDRESS)
        assert thunderbird.read_pox(wrong, ADDRESS)


def test_outlook_reuses_the_login():
    smtp = {"kind": "SMTP", "port": "465", "login": "smtp-login"}
    document = pox_of(protocol(), protocol(**smtp, use_pop_auth="on"))
    assert users(outlook.read(document, ADDRESS)) == {"imap": "login", "smtp": "login"}
    document = pox_of(protocol(), protocol(**smtp, use_pop_auth="off"))
    assert users(outlook.read(document, ADDRESS)) == {"imap": "login", "smtp": "smtp-login"}


def test_thunderbird_login_of_pox():
    assert users(thunderbird.read_pox(pox(login=None), ADDRESS))["imap"] == ADDRESS
    assert users(thunderbird.read_pox(pox(login=""), ADDRESS))["imap"] == "true"
    assert thunderbird.read_pox(pox_of(protocol()), ADDRESS), "no SMTP is accepted"


def test_t23_prefixes_of_pox():
    prefixed = pox().replace(b"<Protocol", b"<a:Protocol").replace(b"</Protocol", b"</a:Protocol")
    namespace = outlook.INNER.strip().encode()
    prefixed = prefixed.replace(b"<Account>", b'<Account xmlns:a="%s">' % namespace)
    assert outlook.read(prefixed, ADDRESS)
    with pytest.raises(Refused):
        thunderbird.read_pox(prefixed, ADDRESS)


def test_fairemail_wants_account_type_and_action_first():
    late = pox_of(protocol(), before="<AccountType>email</AccountType>")
    late = late.replace(b"</Account>", b"<Action>settings</Action></Account>")
    with pytest.raises(Refused):
        fairemail.read_pox(late, ADDRESS)
    assert outlook.read(late, ADDRESS)


def test_who_reads_no_login_name():
    for read in (fairemail.read_pox, deltachat.read_pox):
        assert users(read(pox(), ADDRESS))["imap"] == ADDRESS


def test_an_error_is_no_answer():
    error = (
        f'<Autodiscover xmlns="{outlook.OUTER.strip()}"><Response><Error/></Response>'
        "</Autodiscover>"
    )
    for read in POX:
        with pytest.raises(Refused):
            read(error.encode(), ADDRESS)


def test_requests_of_pox():
    question = deltachat.ask_pox("a@x.test")
    assert (question.method, question.body) == ("GET", b"")
    assert b"<EMailAddress>a&b@x.test<" in thunderbird.ask_pox("a&b@x.test").body
    assert b"<EMailAddress>a&amp;b@x.test<" in outlook.ask("a&b@x.test").body
    assert len(thunderbird.ask_pox("alice@example.test").body) == 393, "as recorded"


def test_jxon_objects():
    for text in ('<a b="c"/>', '<a b="c">d</a>', "<a><b/></a>"):
        element = thunderbird.parse(text.encode())
        assert jxon.value(element) is jxon.OBJECT
    assert jxon.value(thunderbird.parse(b"<a/>")) is True
    assert jxon.value(None) is None
