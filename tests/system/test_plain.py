"""The plain port: redirects to our own name, challenges, and nothing that gives anything away."""
import hashlib

import pytest

from daemon import Connection, free_port

CONFIG = "/mail/config-v1.1.xml"
MD5 = hashlib.md5(b"first.last@example.org").hexdigest()


@pytest.fixture
def served(daemon):
    daemon.plain_port = free_port()
    daemon.settings["server"]["listen-http"] = f"127.0.0.1:{daemon.plain_port}"
    daemon.settings["server"]["public-name"] = "auto.example.net:8443"
    daemon.setup(
        ["domain", "add", "example.org", "imaps://imap.example.org", "submissions://smtp.example.org"],
        ["user", "add", "first.last@example.org", "a4711"],
        ["domain", "add", "example.com", "imaps://imap.example.com", "submissions://smtp.example.com",
         "--public-name", "mail.brand.example"],
    )
    return daemon


def ask(daemon, request):
    connection = Connection(daemon.plain_port)
    try:
        return connection.ask(request.encode())
    finally:
        connection.close()


def get(daemon, target, host, method="GET"):
    return ask(daemon, f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n\r\n")


@pytest.mark.parametrize(
    "target, host, location",
    [
        ("/autodiscover/autodiscover.xml", "autodiscover.example.org",
         "https://auto.example.net:8443/autodiscover/autodiscover.xml"),
        ("/AutoDiscover/AutoDiscover.xml?x=y", "example.org:80",
         "https://auto.example.net:8443/autodiscover/autodiscover.xml"),
        ("/autodiscover/autodiscover.xml", "autodiscover.example.com",
         "https://mail.brand.example/autodiscover/autodiscover.xml"),
        (CONFIG, "autoconfig.example.org", "https://auto.example.net:8443/v1.1/example.org"),
        ("/.well-known/autoconfig" + CONFIG, "example.com", "https://mail.brand.example/v1.1/example.com"),
        (CONFIG + "?emailaddress=First.Last+x%40Example.org", "autoconfig.example.org",
         "https://auto.example.net:8443/mail/config-v1.1.xml?emailaddress=First.Last%2Bx%40example.org"),
        (CONFIG + "?emailaddress=a%26b%27c%40example.com", "autoconfig.example.org",
         "https://mail.brand.example/mail/config-v1.1.xml?emailaddress=a%26b%27c%40example.com"),
        (CONFIG + "?emailaddress=x%0d%0aSet-Cookie:%20a%40example.org", "autoconfig.example.org",
         "https://auto.example.net:8443/v1.1/example.org"),
        (CONFIG + "?emailaddress=x%40elsewhere.example", "autoconfig.example.org",
         "https://auto.example.net:8443/v1.1/example.org"),
        ("/v1.1/example.com", "autoconfig.example.org", "https://mail.brand.example/v1.1/example.com"),
        # Evolution sends an MD5 of the address. It is encoded again, and dropped if it is not an MD5.
        (f"{CONFIG}?emailaddress=EVOLUTIONUSER@Example.org&emailmd5={MD5.upper()}", "autoconfig.example.com",
         f"https://auto.example.net:8443{CONFIG}?emailaddress=EVOLUTIONUSER%40example.org&emailmd5={MD5}"),
        (f"{CONFIG}?emailaddress=EVOLUTIONUSER@example.org&emailmd5={MD5}x", "autoconfig.example.com",
         "https://auto.example.net:8443/v1.1/example.org"),
        (f"{CONFIG}?emailaddress=EVOLUTIONUSER@elsewhere.example&emailmd5={MD5}", "autoconfig.example.org",
         "https://auto.example.net:8443/v1.1/example.org"),
    ],
)
def test_redirects_keep_the_domain(served, target, host, location):
    served.start()
    for method in ("GET", "HEAD"):
        answer = get(served, target, host, method)
        assert (answer.status, answer.headers["location"]) == (302, location)
        assert "a4711" not in answer.raw.decode()
    served.wait_for_log("outcome=redirect", 2)
    protocol = "outlook" if "autodiscover" in target.lower() else "autoconfig"
    assert f"protocol={protocol} " in served.log()


def test_a_user_of_another_brand_is_redirected_as_nobody_is(served):
    """Or the port that everybody can read would tell who is there."""
    served.ctl("provider", "add", "own", "imaps://imap.example.org", "--public-name", "own.example")
    served.ctl("user", "add", "own@example.org", "x", "--provider", "own")
    served.ctl("user", "add", "own@example.com", "x", "--provider", "own")
    served.start()
    target = CONFIG + "?emailaddress={}%40{}"
    for domain in ("example.org", "example.com"):
        locations = [get(served, target.format(who, domain), "autoconfig.example.org").headers["location"]
                     for who in ("own", "nobody")]
        assert locations[0] == locations[1].replace("nobody", "own")


@pytest.mark.parametrize("person", ["first.last%40example.org", f"EVOLUTIONUSER%40example.org&emailmd5={MD5}"])
def test_redirect_leads_to_the_same_answer(served, person):
    """A client that follows gets what it would have got at once."""
    served.ctl("provider", "set", "example.org", "--md5-lookup", "yes")
    served.start()
    target = f"{CONFIG}?emailaddress={person}"
    location = get(served, target, "autoconfig.example.org").headers["location"]
    followed = served.get(location.partition(":8443")[2])
    assert followed.body == served.get(target).body
    assert b"<username>a4711</username>" in followed.body


@pytest.mark.parametrize("host", ["evil.invalid", "autodiscover.evil.invalid", "", "a b", "[::1]", "x\"><y"])
def test_foreign_hosts_are_not_redirected(served, host):
    served.start()
    for target in ("/autodiscover/autodiscover.xml", CONFIG):
        answer = get(served, target, host)
        assert answer.status in (400, 404)
        assert "location" not in answer.headers


def test_other_methods_are_refused_before_their_body(served):
    served.start()
    head = "POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: autodiscover.example.org\r\nContent-Length: 400\r\n\r\n"
    answer = ask(served, head)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
    assert ask(served, head.replace("/autodiscover/autodiscover.xml", "/elsewhere")).status == 404


@pytest.mark.parametrize("target", ["/", "/.well-known/caldav", "/autodiscover/autodiscover.json?Email=a@example.org",
                                    "/.well-known/acme-challenge/x", "/mobileconfig?emailaddress=a@example.org"])
def test_nothing_else_is_there(served, target):
    served.start()
    assert get(served, target, "example.org").status == 404


def test_autoconfig_for_old_clients_has_no_logins(served):
    served.settings["server"]["http-autoconfig"] = "yes"
    served.start()
    answer = get(served, CONFIG + "?emailaddress=first.last%40example.org", "autoconfig.example.org")
    assert answer.status == 200
    assert b"imap.example.org" in answer.body and b"a4711" not in answer.body
    assert get(served, "/autodiscover/autodiscover.xml", "example.org").status == 302


@pytest.mark.parametrize(
    "target, host, domain",
    [
        (CONFIG, "autoconfig.example.org", "example.org"),
        (CONFIG + "?emailaddress=first.last@example.org", "autoconfig.example.com", "example.org"),
        (CONFIG + "?email=z%40example.com", "autoconfig.mx.invalid", "example.com"),
        (f"{CONFIG}?emailaddress=EVOLUTIONUSER@example.org&emailmd5={MD5}", "autoconfig.example.com", "example.org"),
        ("/v1.1/example.org", "autoconfig.example.com", "example.org"),
        # The host decides, as over HTTPS.
        (CONFIG + "?emailaddress=z@elsewhere.example", "autoconfig.example.org", "example.org"),
        (CONFIG + "?emailaddress=z", "autoconfig.example.org", "example.org"),
        (CONFIG + "?emailaddress=z@elsewhere.example", "autoconfig.mx.invalid", None),
        ("/v1.1/elsewhere.example", "autoconfig.example.org", None),
    ],
)
def test_autoconfig_for_old_clients_is_of_the_domain_asked_for(served, target, host, domain):
    """That of the address, not of the host, which may be another customer's; with nobody's login."""
    served.ctl("provider", "set", "example.org", "--md5-lookup", "yes")
    served.settings["server"]["http-autoconfig"] = "yes"
    served.start()
    answer = get(served, target, host)
    assert answer.status == (200 if domain else 404)
    if domain:
        assert answer.body == served.get(f"/v1.1/{domain}").body
        assert f"<domain>{domain}</domain>".encode() in answer.body


def test_acme_challenges(served):
    directory = served.directory / "challenges"
    directory.mkdir()
    (directory / "token-1_a").write_text("token-1_a.thumbprint")
    (served.directory / "secret").write_text("secret")
    (directory / "token.txt").write_text("no token")
    (directory / "large").write_text("x" * 5000)
    served.settings["acme"] = {"directory": directory}
    served.start()
    path = "/.well-known/acme-challenge/"
    answer = get(served, path + "token-1_a", "unknown.invalid")
    assert (answer.status, answer.body) == (200, b"token-1_a.thumbprint")
    for token in ("absent", "../secret", "%2e%2e%2fsecret", "", ".", "token.txt", "large", "token-1_a/", "x" * 200):
        assert get(served, path + token, "example.org").status == 404


def test_without_a_public_name_there_is_nowhere_to_send(served):
    del served.settings["server"]["public-name"]
    served.start()
    answer = get(served, CONFIG, "autoconfig.example.org")
    assert answer.status == 404 or not answer.headers["location"].startswith("https:///")


@pytest.mark.parametrize(
    "target, host, location",
    [
        # Served, and the certificate is for it.
        ("/autodiscover/autodiscover.xml", "autodiscover.example.org",
         "https://autodiscover.example.org:8443/autodiscover/autodiscover.xml"),
        ("/autodiscover/autodiscover.xml", "AutoDiscover.Example.ORG.:80",
         "https://autodiscover.example.org:8443/autodiscover/autodiscover.xml"),
        (CONFIG, "autoconfig.example.org", "https://autoconfig.example.org:8443/v1.1/example.org"),
        (CONFIG + "?emailaddress=First.Last+x%40Example.org", "autoconfig.example.org",
         "https://autoconfig.example.org:8443/mail/config-v1.1.xml?emailaddress=First.Last%2Bx%40example.org"),
        # The customer's domain goes along, whichever host of ours was asked.
        (CONFIG + "?emailaddress=a%40customer.example", "autoconfig.example.org",
         "https://autoconfig.example.org:8443/mail/config-v1.1.xml?emailaddress=a%40customer.example"),
        ("/v1.1/customer.example", "autoconfig.example.org", "https://autoconfig.example.org:8443/v1.1/customer.example"),
        # Before the provider's public name: that is for hosts without a certificate.
        (CONFIG, "autoconfig.example.com", "https://autoconfig.example.com:8443/v1.1/example.com"),
        # Served, but no certificate.
        ("/autodiscover/autodiscover.xml", "autodiscover.customer.example",
         "https://auto.example.net:8443/autodiscover/autodiscover.xml"),
        (CONFIG, "autoconfig.customer.example", "https://auto.example.net:8443/v1.1/customer.example"),
        (CONFIG + "?emailaddress=a%40example.org", "autoconfig.customer.example",
         "https://auto.example.net:8443/mail/config-v1.1.xml?emailaddress=a%40example.org"),
        # A certificate, but not served: another machine may have the name.
        (CONFIG + "?emailaddress=a%40example.org", "www.example.test",
         "https://auto.example.net:8443/mail/config-v1.1.xml?emailaddress=a%40example.org"),
        # Only hosts of ours are echoed.
        (CONFIG + "?emailaddress=a%40example.org", "evil.invalid",
         "https://auto.example.net:8443/mail/config-v1.1.xml?emailaddress=a%40example.org"),
        (CONFIG + "?emailaddress=a%40example.org", "x\"><y",
         "https://auto.example.net:8443/mail/config-v1.1.xml?emailaddress=a%40example.org"),
    ],
)
def test_redirect_to_the_same_host(served, target, host, location):
    served.settings["server"]["redirect"] = "same-host"
    served.setup(["domain", "add", "customer.example", "--alias-of", "example.org"])
    served.start()
    for method in ("GET", "HEAD"):
        answer = get(served, target, host, method)
        assert (answer.status, answer.headers.get("location")) == (302, location)


def test_same_host_is_followed(served):
    """Over TLS, with the name in the handshake, to the same answer."""
    served.settings["server"]["redirect"] = "same-host"
    served.start()
    target = CONFIG + "?emailaddress=first.last%40example.org"
    scheme, _, host, path = get(served, target, "autoconfig.example.com").headers["location"].split("/", 3)
    assert (scheme, host) == ("https:", "autoconfig.example.com:8443")
    followed = served.get("/" + path, host.partition(":")[0])
    assert followed.status == 200 and b"<username>a4711</username>" in followed.body


def test_same_host_follows_the_certificates(served):
    """A reload changes it."""
    served.settings["server"]["redirect"] = "same-host"
    served.setup(["domain", "add", "customer.example", "--alias-of", "example.org"])
    served.start()
    assert "auto.example.net" in get(served, CONFIG, "autoconfig.customer.example").headers["location"]
    served.add_certificate("customer", "autoconfig.customer.example")
    served.reload()
    assert get(served, CONFIG, "autoconfig.customer.example").headers["location"] == \
        "https://autoconfig.customer.example:8443/v1.1/customer.example"
    served.settings["server"]["redirect"] = "public-name"
    served.write_settings()
    served.reload()
    assert "auto.example.net" in get(served, CONFIG, "autoconfig.customer.example").headers["location"]
