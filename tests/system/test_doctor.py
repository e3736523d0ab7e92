"""mailconfctl doctor: a domain that is well, and each thing that can be wrong with one."""
import json
import os
import re
import shlex
import socket
import subprocess

import pytest

import upstream
import world
from conftest import ROOT

pytestmark = [world.needed, pytest.mark.engines]

NAMES = ("autoconfig", "autodiscover", "ua-auto-config")
DOMAIN = "example.org"
HOST = "mail.example.org"


class World:
    """A domain with everything in order: a test plants its fault, then calls look()."""

    def __init__(self, directory, authority, daemon):
        self.directory = directory
        self.authority = authority
        self.daemon = daemon
        self.address = world.address()
        self.apex = world.address()
        self.started = []
        self.dns = world.Dns(directory / "dns")
        self.mail = None
        daemon.settings["server"]["listen-https"] = f"{self.address}:443"
        daemon.settings["server"]["listen-http"] = f"{self.address}:80"
        daemon.settings["server"]["public-name"] = f"autoconfig.{DOMAIN}"

    def certificate(self, *names, options=()):
        return self.authority.certificate(*names, options=options)

    def start_mail(self, *names, **options):
        self.mail = world.Dovecot(self.directory / "dovecot", self.certificate(*(names or (HOST,))), **options)
        self.started.append(self.mail)
        self.dns.host(HOST, self.mail.address)

    def start_nginx(self, servers):
        self.started.append(world.Nginx(self.directory / "nginx", servers))

    def start_server(self, *arguments, **options):
        server = world.Server(*arguments, **options)
        self.started.append(server)
        return server

    def setup(self, *services, options=(), records=True):
        self.daemon.setup(["domain", "add", DOMAIN, *services, *options])
        if records:
            self.publish(DOMAIN)

    def publish(self, domain):
        """Puts the records of 'dns' into DNS."""
        for record in json.loads(self.daemon.ctl("dns", domain, "--target", self.address, "--json").stdout):
            if record["presence"] != "wanted":
                continue
            name, kind, value = record["name"], record["type"], record.get("value")
            if kind == "A":
                self.dns.host(name, value)
            elif kind == "SRV":
                priority, weight, port, target = value.split()
                target = "" if target == "." else f",{target.rstrip('.')},{port},{priority},{weight}"
                self.dns.add(f"srv-host={name}{target}")
            elif kind == "TXT":
                self.dns.add(f"txt-record={name},{value}")

    def look(self, *arguments, domains=(DOMAIN,), ca=True):
        if not self.dns.process:
            self.dns.start()
        trust = ["--ca", self.authority.file] if ca else []
        result = self.daemon.ctl("doctor", *domains, "--resolver", self.dns.address, *trust, *arguments, "--json",
                                 check=False)
        findings = json.loads(result.stdout)
        assert result.returncode == (1 if any(each["level"] == "problem" for each in findings) else 0), result.stderr
        return findings

    def stop(self):
        for each in reversed(self.started):
            each.stop()
        self.dns.stop()


@pytest.fixture
def site(tmp_path, authority, daemon):
    instance = World(tmp_path, authority, daemon)
    yield instance
    instance.stop()


IMAP, SUBMISSION = f"imaps://{HOST}", f"submissions://{HOST}"
EVERYTHING = (IMAP, f"imap+starttls://{HOST}", f"pop3s://{HOST}", f"pop3+starttls://{HOST}", SUBMISSION,
              f"submission+starttls://{HOST}", f"managesieve+starttls://{HOST}")


def bad(findings):
    return [each for each in findings if each["level"] != "ok"]


def of_kind(findings, kind):
    return [each for each in findings if each["kind"] == kind]


def reverse(address):
    return ".".join(reversed(address.split("."))) + ".in-addr.arpa"


@pytest.mark.ci
def test_all_is_well(site):
    site.start_mail()
    site.setup(*EVERYTHING)
    site.dns.add(f"ptr-record={reverse(site.mail.address)},{HOST}")
    site.daemon.start()
    findings = site.look()
    assert bad(findings) == []
    assert len(of_kind(findings, "settings")) == 11
    assert "ActiveSync" not in json.dumps(findings), "not a word of what the provider does not have"
    assert len(of_kind(findings, "service")) == 7
    assert len(of_kind(findings, "certificate")) == 2
    assert len(of_kind(findings, "record")) >= 9


def test_what_many_findings_share_is_printed_once(site):
    """Where nobody answers, all clients are left without settings for one reason."""
    site.setup(IMAP, SUBMISSION)
    alike = of_kind(site.look(), "no-settings")
    assert len(alike) > 3
    text = site.daemon.ctl("doctor", DOMAIN, "--resolver", site.dns.address, check=False).stdout
    assert text.count("no-settings: ") == len(alike)
    for what in ("expected", "fix"):
        for sentence in {each[what] for each in alike}:
            assert 1 <= text.count(f"           {what}: {sentence}\n") < len(alike)
    before = text.splitlines()[:-1]
    for line, following in zip(before, before[1:]):
        assert not ("fix: " in line and "fix: " in following)


# Faults: each is planted alone into a world that is well but for what it needs, and must be found with its fix.

FAULTS = {}


def fault(kind, seen, fix, level="problem"):
    def keep(plant):
        FAULTS[f"{kind}-{plant.__name__}" if kind in {key.split("/")[0] for key in FAULTS} else kind] = (
            kind, plant, seen, fix, level)
        return plant
    return keep


def simple(site, *options):
    """Autoconfig and Autodiscover for services that nobody looks at closely: their host has no address."""
    site.setup(IMAP, SUBMISSION, options=options)
    site.daemon.start()


@fault("resolver-failed", "DNS lookup of", "check the name servers of example.org")
def silent_resolver(site):
    simple(site)
    site.dns.start()
    site.dns.process.stop()


@fault("resolver-failed", "DNS lookup of autodiscover.example.org (A, AAAA) failed: ",
       "check the name servers of example.org")
def no_answer_for_ipv6(site):
    """Not the same as no IPv6 address."""
    simple(site)
    name = f"autodiscover.{DOMAIN}"
    server = upstream.Upstream()
    server.answers = {
        (name, upstream.A): [upstream.record(name, upstream.A, socket.inet_aton(site.address))],
        (name, upstream.AAAA): upstream.SERVFAIL,
    }
    site.started.append(server)
    site.dns.remove(f"host-record={name}").add(f"server=/{name}/127.0.0.1#{server.port}", "no-negcache")


@fault("name-missing", "autoconfig.example.org has no address", "add A and AAAA records for autoconfig.example.org")
def missing_name(site):
    simple(site)
    site.dns.remove(f"host-record=autoconfig.{DOMAIN}")


PUBLIC = "auto.example.net"


@fault("name-missing", "the public name auto.example.net has no address",
       "add A and AAAA records for auto.example.net that point to this server")
def missing_public_name(site):
    site.daemon.settings["server"]["public-name"] = PUBLIC
    simple(site)


@fault("name-missing", "the public name ", ", or set another public-name")
def missing_own_name(site):
    """Without a public name clients are sent to this host's own, as the daemon does it."""
    del site.daemon.settings["server"]["public-name"]
    simple(site)


@fault("name-elsewhere", "autodiscover.example.org resolves to 127.255.255.1", "change in DNS", level="warning")
def name_elsewhere(site):
    simple(site)
    site.dns.remove(f"host-record=autodiscover.{DOMAIN}").host(f"autodiscover.{DOMAIN}", "127.255.255.1")


@fault("record-missing", "_imaps._tcp.example.org has no SRV record",
       "add to DNS: _imaps._tcp.example.org. IN SRV 0 1 993 mail.example.org.", level="warning")
def missing_srv(site):
    simple(site)
    site.dns.remove(f"srv-host=_imaps._tcp.{DOMAIN}")


@fault("record-differs", "has SRV 0 1 9993 mail.example.org",
       "change in DNS: _imaps._tcp.example.org. IN SRV 0 1 993 mail.example.org.")
def other_srv(site):
    simple(site)
    site.dns.remove(f"srv-host=_imaps._tcp.{DOMAIN}").add(f"srv-host=_imaps._tcp.{DOMAIN},{HOST},9993,0,1")


OTHER_HOST = "mail2.example.org"


def ordered(site, *priorities, services=(IMAP, f"imaps://{OTHER_HOST}")):
    """The services have these priorities in DNS, in the order of the database."""
    site.setup(*services, SUBMISSION)
    for service, priority in zip(services, priorities):
        scheme, host = service.split("://")
        port = {"imaps": 993, "pop3s": 995}[scheme]
        line = f"srv-host=_{scheme}._tcp.{DOMAIN},{host},{port},"
        site.dns.remove(line).add(f"{line}{priority},1")


@fault("record-differs", "not in the order of its services",
       "change in DNS: _imaps._tcp.example.org. IN SRV 0 1 993 mail.example.org.")
def reversed_hosts(site):
    ordered(site, 10, 0)


@fault("record-differs", "not in the order of its services", "change in DNS: _imaps._tcp.example.org. IN SRV 10 1 993 mail2.example")
def equal_hosts(site):
    ordered(site, 5, 5)


@fault("record-differs", "_pop3s._tcp.example.org has SRV 3 1 995 mail.example.org, not in the order of its services",
       "change in DNS: _pop3s._tcp.example.org. IN SRV 10 1 995 mail.example.org.")
def reversed_kinds(site):
    ordered(site, 7, 3, services=(IMAP, f"pop3s://{HOST}"))


@pytest.mark.parametrize("priorities, services", [
    ((3, 7), (IMAP, f"imaps://{OTHER_HOST}")), ((1, 2), (IMAP, f"pop3s://{HOST}")), ((5, 5), (IMAP, f"pop3s://{HOST}")),
])
def test_other_priorities_of_the_same_order(site, priorities, services):
    ordered(site, *priorities, services=services)
    assert not of_kind(site.look(), "record-differs")


@fault("denial-missing", "_pop3s._tcp.example.org has no SRV record",
       "add to DNS: _pop3s._tcp.example.org. IN SRV 0 0 0 .", level="note")
def missing_denial(site):
    simple(site)
    site.dns.remove(f"srv-host=_pop3s._tcp.{DOMAIN}")


@fault("digest-missing", 'has TXT "v=UAAC1; a=sha256; d=AAAA"', "add to DNS: _ua-auto-config.example.org. IN TXT")
def other_digest(site):
    simple(site, "--pacc", "yes")
    site.dns.remove(f"txt-record=_ua-auto-config.{DOMAIN}")
    site.dns.add(f'txt-record=_ua-auto-config.{DOMAIN},"v=UAAC1; a=sha256; d=AAAA"')


@fault("tlsa-differs", "_443._tcp.autoconfig.example.org has TLSA records, but none", "add to DNS: _443._tcp.autoconfig")
def other_key(site):
    simple(site)
    site.dns.add(f"dns-rr=_443._tcp.autoconfig.{DOMAIN},52,030101{'00' * 32}")


@fault("wildcard", "example.org has a wildcard record", "remove *.example.org from DNS", level="warning")
def wildcard(site):
    simple(site)
    site.dns.add(f"address=/{DOMAIN}/{site.address}")


@fault("wildcard", "example.org has a wildcard record", "remove *.example.org from DNS", level="warning")
def wildcard_of_ipv6(site):
    simple(site)
    site.dns.host(f"mailconf-no-such-name.{DOMAIN}", "2001:db8::1")


@fault("wildcard", "a wildcard SRV record: _mailconf-no-such-name._tcp.example.org", "remove the SRV records of *._tcp.example.org",
       level="warning")
def wildcard_of_services(site):
    simple(site)
    site.dns.add(f"srv-host=_mailconf-no-such-name._tcp.{DOMAIN},{HOST},993,0,1")


@fault("autodiscover-several", "has 2 records", "remove all but one")
def several(site):
    simple(site)
    for host in ("autodiscover", "autoconfig"):
        site.dns.add(f"srv-host=_autodiscover._tcp.{DOMAIN},{host}.{DOMAIN},443,0,0")


@fault("autodiscover-port", "has the port 8443", "IN SRV 0 0 443 autodiscover.example.org.")
def other_port(site):
    simple(site)
    site.dns.add(f"srv-host=_autodiscover._tcp.{DOMAIN},autodiscover.{DOMAIN},8443,0,0")


@fault("autodiscover-consent", "points to auto.example.net", "point autodiscover.example.org to this server", level="note")
def leads_out(site):
    simple(site)
    site.dns.add(f"srv-host=_autodiscover._tcp.{DOMAIN},auto.example.net,443,0,0")
    site.dns.host("auto.example.net", site.address)


@fault("target-alias", "mail.example.org, which is a CNAME for host.example.org", "give mail.example.org A and AAAA records")
def target_alias(site):
    simple(site)
    site.dns.add(f"cname={HOST},host.{DOMAIN}").host(f"host.{DOMAIN}", site.address)


@fault("target-missing", "points to mail.example.org, which has no address", "add an A or AAAA record for mail.example.org")
def target_missing(site):
    simple(site)


@fault("mx-elsewhere", "the MX of example.org is mx1.example.net, and autoconfig.example.net exists",
       "make sure that autoconfig.example.org answers in time", level="warning")
def mx_elsewhere(site):
    simple(site)
    site.dns.add(f"mx-host={DOMAIN},mx1.example.net,10", f"mx-host={DOMAIN},mx.{DOMAIN},20")
    site.dns.host("autoconfig.example.net", site.address)


@fault("mx-elsewhere", "the MX of example.org is mx1.eu.example.net, and autoconfig.example.net exists",
       "make sure that autoconfig.example.org answers in time", level="warning")
def mx_base_elsewhere(site):
    simple(site)
    site.dns.add(f"mx-host={DOMAIN},mx1.eu.example.net,10")
    site.dns.host("autoconfig.example.net", site.address)


@fault("unreachable", "autoconfig.example.org (127.", "remove the address of autoconfig.example.org from DNS")
def unreachable(site):
    site.setup(IMAP, SUBMISSION)


@fault("unreachable-ipv4", "autoconfig.example.org (127.255.255.1): Connection refused", "make sure that the server listens",
       level="warning")
def one_dead_address(site):
    simple(site)
    site.dns.host(f"autoconfig.{DOMAIN}", "127.255.255.1")


@fault("unreachable-ipv6", "autoconfig.example.org (::ffff:127.255.255.1): Connection refused",
       "make sure that the server listens", level="warning")
def dead_ipv6(site):
    simple(site)
    site.dns.host(f"autoconfig.{DOMAIN}", "::ffff:127.255.255.1")


@fault("untested", "this machine has no IPv6", "run the doctor on a machine with IPv6", level="note")
def no_route(site):
    simple(site)
    # An interface that does not exist: no machine has a link of that number.
    site.dns.host(f"autoconfig.{DOMAIN}", "fe80::1")


@fault("handshake-failed", "autodiscover.example.org (127.", "get a certificate for autodiscover.example.org")
def no_certificate(site):
    site.daemon.add_certificate("main", f"autoconfig.{DOMAIN}")
    simple(site)


@fault("certificate-name", "the certificate has the names www.example.net", "get a certificate for example.org")
def apex_of_another(site):
    simple(site)
    pem = site.certificate("www.example.net")
    site.start_nginx(f"  server {{ listen {site.apex}:443 ssl; ssl_certificate {pem}; ssl_certificate_key {pem};\n"
                     "    location / { return 404; } }")
    site.dns.host(DOMAIN, site.apex)


@fault("certificate-name", "https://auto.example.net (127.", "get a certificate for auto.example.net")
def public_name_of_a_provider(site):
    """Where its own provider sends clients, whatever the settings say."""
    simple(site, "--public-name", PUBLIC)
    public_site(site, 443)


@fault("certificate-name", "https://auto.example.net:8443 (127.", "get a certificate for auto.example.net")
def public_name_with_a_port(site):
    site.daemon.settings["server"]["public-name"] = f"{PUBLIC}:8443"
    simple(site)
    public_site(site, 8443)


def public_site(site, port):
    address = world.address()
    pem = site.certificate("www.example.net")
    site.start_nginx(f"  server {{ listen {address}:{port} ssl; ssl_certificate {pem}; ssl_certificate_key {pem};\n"
                     "    location / { return 404; } }")
    site.dns.host(PUBLIC, address)


def with_certificate(site, *names, options=()):
    """Our own certificate, as the options make it."""
    site.daemon.add_certificate("main", *(names or (f"autoconfig.{DOMAIN}", f"autodiscover.{DOMAIN}")), options=options)
    simple(site)


@fault("certificate-expired", "the certificate expired ", ", for example with 'mailconfctl certificate renew'")
def expired(site):
    with_certificate(site, options=("--not-before", "-9", "--days", "7"))


@fault("certificate-expiring", "the certificate expires in ", ", for example with 'mailconfctl certificate renew', and find out",
       level="warning")
def expiring(site):
    with_certificate(site, options=("--days", "5"))


@fault("certificate-untrusted", "is issued by the untrusted CA 'CN=mailconfd test CA'", "get a certificate for")
def untrusted(site):
    simple(site)
    pem = site.certificate(DOMAIN, options=("--with-root",))
    site.start_nginx(f"  server {{ listen {site.apex}:443 ssl; ssl_certificate {pem}; ssl_certificate_key {pem};\n"
                     "    location / { return 404; } }")
    site.dns.host(DOMAIN, site.apex)
    site.untrusted = True


@fault("chain-incomplete", "the intermediate certificate 'CN=intermediate.example' is missing", "serve all intermediate")
def incomplete(site):
    site.authority.run("cert", "intermediate.pem", "--ca", "intermediate.example")
    whole = site.certificate(f"autoconfig.{DOMAIN}", f"autodiscover.{DOMAIN}", options=("--issuer", "intermediate.pem"))
    blocks = whole.read_text().split("-----BEGIN ")
    target = site.directory / "certificates" / "main.pem"
    target.write_text("".join(f"-----BEGIN {block}" for block in blocks if block and block != blocks[2]))
    simple(site)


def nginx_in_front(site, protocols="TLSv1.2 TLSv1.3", more=""):
    """nginx where clients look for us, passing on to the daemon."""
    inner = world.address()
    site.daemon.settings["server"]["listen-https"] = f"{inner}:443"
    site.daemon.settings["server"]["listen-http"] = ""
    simple(site)
    pem = site.certificate(f"autoconfig.{DOMAIN}", f"autodiscover.{DOMAIN}")
    site.start_nginx(
        f"  server {{ listen {site.address}:443 ssl; ssl_certificate {pem}; ssl_certificate_key {pem};\n"
        f"    ssl_protocols {protocols};\n{more}    location / {{ proxy_pass https://{inner};\n"
        "      proxy_set_header Host $host; proxy_ssl_server_name on; proxy_ssl_name $host; } }")


@fault("tls12-missing", "no TLS 1.2", "enable TLS 1.2", level="warning")
def only_tls13(site):
    nginx_in_front(site, "TLSv1.3")


@fault("tls13-missing", "no TLS 1.3", "enable TLS 1.3", level="note")
def only_tls12(site):
    nginx_in_front(site, "TLSv1.2")


@fault("name-uncertified", "no valid certificate in the settings covers autodiscover.example.org",
       "get a certificate for autodiscover.example.org with 'mailconfctl certificate request example.org', or put",
       level="warning")
def uncertified(site):
    site.daemon.add_certificate("main", f"autoconfig.{DOMAIN}")
    simple(site)


@fault("name-uncertified", "no valid certificate in the settings covers auto.example.net",
       "with 'mailconfctl certificate request auto.example.net', or put", level="warning")
def uncertified_public_name(site):
    site.daemon.settings["server"]["public-name"] = PUBLIC
    site.daemon.add_certificate("main", f"autoconfig.{DOMAIN}", f"autodiscover.{DOMAIN}")
    simple(site)
    site.dns.host(PUBLIC, site.address)


@fault("no-settings", "KMail gets no settings: https://autoconfig.example.org/mail/config-v1.1.xml: status 404",
       "make sure that this daemon, with this database, answers at https://autoconfig.example.org")
def not_found(site):
    nginx_in_front(site, more="    location /mail/ { return 404; }\n")


@fault("other-settings", "KMail gets IMAP old.example.org:993 TLS as postmaster@example.org", "remove the settings from")
def other_settings(site):
    site.setup(IMAP, SUBMISSION)
    other = site.directory / "other"
    other.mkdir()
    instance = type(site.daemon)(other, site.authority, site.daemon.build)
    instance.settings["server"]["listen-https"] = f"{site.address}:443"
    instance.setup(["domain", "add", DOMAIN, "imaps://old.example.org", SUBMISSION])
    instance.start()
    site.started.append(instance)


SYNC = f"activesync+https://{HOST}/Microsoft-Server-ActiveSync"
SCHEMAS = "http://schemas.microsoft.com/exchange/autodiscover"


@fault("other-settings", "ActiveSync phone gets ActiveSync https://old.example.org/sync as postmaster@example.org from "
       "https://example.org/autodiscover/autodiscover.xml", "remove the settings from https://example.org/")
def other_activesync(site):
    """What the web site says to phones, which ask there first. To Outlook that says nothing."""
    simple(site)
    site.daemon.setup(["service", "add", DOMAIN, SYNC])
    old_site(site, f'<Autodiscover xmlns="{SCHEMAS}/responseschema/2006"><Response '
             f'xmlns="{SCHEMAS}/mobilesync/responseschema/2006"><Action><Settings><Server><Type>MobileSync</Type>'
             "<Url>https://old.example.org/sync</Url><Name>x</Name></Server></Settings></Action></Response>"
             "</Autodiscover>")


def old_site(site, document):
    pem = site.certificate(DOMAIN)
    www = site.directory / "old"
    www.mkdir()
    (www / "document").write_text(document)
    site.start_nginx(f"  server {{ listen {site.apex}:443 ssl; ssl_certificate {pem}; ssl_certificate_key {pem};\n"
                     f"    root {www}; default_type text/xml; error_page 405 =200 /document;\n"
                     "    location = /autodiscover/autodiscover.xml { rewrite ^ /document; }\n"
                     "    location = /document { } }")
    site.dns.host(DOMAIN, site.apex)


@fault("other-settings", "Outlook gets a redirect to postmaster@old.example from https://example.org/",
       "remove the settings from https://example.org/")
def other_redirect(site):
    simple(site)
    old_site(site, f'<Autodiscover xmlns="{SCHEMAS}/responseschema/2006"><Response '
             f'xmlns="{SCHEMAS}/outlook/responseschema/2006a"><Account><AccountType>email</AccountType>'
             "<Action>redirectAddr</Action><RedirectAddr>postmaster@old.example</RedirectAddr></Account></Response>"
             "</Autodiscover>")


def json_in_front(site, protocol, url):
    """Another answer of Autodiscover v2."""
    nginx_in_front(site, more="    location = /autodiscover/autodiscover.json { default_type application/json;\n"
                   f"      return 200 '{json.dumps({'Protocol': protocol, 'Url': url})}'; }}\n")


@fault("other-settings", "New Outlook gets ActiveSync https://old.example.org/sync as postmaster@example.org",
       "remove the settings from https://autodiscover.example.org/autodiscover/autodiscover.json?Email=")
def other_json(site):
    json_in_front(site, "ActiveSync", "https://old.example.org/sync")


@fault("no-settings", "New Outlook gets no settings: https://www.example.net/autodiscover/autodiscover.xml: ",
       "make sure that www.example.net points to this server, and that its certificate is valid, or that no client is "
       "redirected there")
def misleading_json(site):
    json_in_front(site, "AutodiscoverV1", "https://www.example.net/autodiscover/autodiscover.xml")


@fault("no-settings", "Apple device gets no settings: https://autoconfig.example.org/mobileconfig?emailaddress=postmaster%40"
       "example.org: status 200, text/html", "make sure that this daemon, with this database, answers at https://autoconfig.example.org")
def welcome_instead_of_profile(site):
    nginx_in_front(site, more="    location = /mobileconfig { return 200 '<html>Welcome</html>'; }\n")


@fault("no-settings", "PACC client gets no settings: https://ua-auto-config.example.org/.well-known/"
       "user-agent-configuration.json: its digest is ", "make sure that this daemon, with this database, answers at https://ua-auto")
def other_pacc(site):
    """The same settings in other bytes will not do."""
    simple(site, "--pacc", "yes")
    address = world.address()
    document = site.daemon.ctl("preview", "pacc", f"@{DOMAIN}").stdout + " "
    pem = site.certificate(f"ua-auto-config.{DOMAIN}")
    site.start_nginx(f"  server {{ listen {address}:443 ssl; ssl_certificate {pem}; ssl_certificate_key {pem};\n"
                     f"    location / {{ default_type application/json; return 200 '{document}'; }} }}")
    site.dns.remove(f"host-record=ua-auto-config.{DOMAIN}").host(f"ua-auto-config.{DOMAIN}", address)


@fault("no-settings", "Outlook gets no settings: https://autodiscover.example.org/autodiscover/autodiscover.xml: autodiscover."
       "example.org has no address", "make sure that autodiscover.example.org points to this server")
def web_site_without_settings(site):
    """That the web site has none explains little."""
    simple(site)
    pem = site.certificate(DOMAIN, f"www.{DOMAIN}")
    site.start_nginx(f"  server {{ listen {site.apex}:443 ssl; ssl_certificate {pem}; ssl_certificate_key {pem};\n"
                     f"    server_name {DOMAIN}; return 301 https://www.{DOMAIN}$request_uri; }}\n"
                     f"  server {{ listen {site.apex}:443 ssl; ssl_certificate {pem}; ssl_certificate_key {pem};\n"
                     f"    server_name www.{DOMAIN}; location / {{ return 404; }} }}")
    site.dns.host(DOMAIN, site.apex).host(f"www.{DOMAIN}", site.apex).remove(f"host-record=autodiscover.{DOMAIN}")


@fault("no-settings", "Delta Chat gets no settings: https://autodiscover.example.org/autodiscover/autodiscover.xml: status 500",
       "make sure that this daemon, with this database, answers at https://autodiscover.example.org")
def names_what_failed(site):
    """And not the first name that the client asks."""
    nginx_in_front(site, more="    location /mail/ { return 404; }\n    location /autodiscover/ { return 500; }\n")


@fault("no-settings", "Outlook gets no settings: https://autodiscover.example.org/autodiscover/autodiscover.xml: the response "
       "is larger than 256 KiB", "make sure that this daemon, with this database, answers at https://autodiscover.example.org")
def too_large(site):
    """An answer with a good certificate, and yet none."""
    site.setup(IMAP, SUBMISSION)

    def serve(connection):
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 1000000\r\n\r\n" + 1000000 * b"x")

    pem = site.certificate(f"autoconfig.{DOMAIN}", f"autodiscover.{DOMAIN}")
    site.start_server(site.address, 443, serve, certificate=pem)


@fault("client-limit", "Geary cannot use the settings: ", "give provider 'example.org' a service that Geary supports",
       level="note")
def no_imap(site):
    site.setup(f"pop3s://{HOST}", SUBMISSION)
    site.daemon.start()


@fault("slow", "responds to Thunderbird after ", "find out why https://autoconfig.example.org")
def slow(site):
    site.setup(IMAP, SUBMISSION)

    def serve(connection):
        import time
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(4096)
        if b"config-v1.1.xml?emailaddress=postmaster%40" in data:  # Thunderbird and Delta Chat
            time.sleep(5.5)
        connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    pem = site.certificate(f"autoconfig.{DOMAIN}", f"autodiscover.{DOMAIN}")
    site.start_server(site.address, 443, serve, certificate=pem)


@fault("apex-post", "responds to a POST with status 200 and text/html", "make the web server of example.org return 404",
       level="warning")
def apex(site):
    simple(site)
    pem = site.certificate(DOMAIN)
    site.start_nginx(f"  server {{ listen {site.apex}:443 ssl; ssl_certificate {pem}; ssl_certificate_key {pem};\n"
                     "    location / { return 200 '<html>Welcome</html>'; } }")
    site.dns.host(DOMAIN, site.apex)


@fault("apex-post", "status 200 and text/html, after a redirect to https://www.example.org/welcome",
       "make the web server of example.org return 404", level="warning")
def apex_that_redirects(site):
    simple(site)
    pem = site.certificate(DOMAIN, f"www.{DOMAIN}")
    site.start_nginx(f"  server {{ listen {site.apex}:443 ssl; ssl_certificate {pem}; ssl_certificate_key {pem};\n"
                     f"    location / {{ return 301 https://www.{DOMAIN}/welcome; }}\n"
                     "    location /welcome { return 200 '<html>Welcome</html>'; } }")
    site.dns.host(DOMAIN, site.apex).host(f"www.{DOMAIN}", site.apex)


@fault("plain-settings", "http://autoconfig.example.org/mail/config-v1.1.xml returns settings",
       "make port 80 of autoconfig.example.org redirect to HTTPS")
def plain(site):
    site.daemon.settings["server"]["listen-http"] = ""
    simple(site)
    document = site.daemon.ctl("preview", "autoconfig", f"@{DOMAIN}").stdout
    site.start_nginx(f"  server {{ listen {site.address}:80; root {site.directory / 'www'}; }}")
    (site.directory / "www" / "mail").mkdir(parents=True)
    (site.directory / "www" / "mail" / "config-v1.1.xml").write_text(document)


def plain_server(site, address, question, body):
    """Port 80 of the address gives the body to this question, and nothing to others."""
    def serve(connection):
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(4096)
        found = data.startswith(question.encode())
        text = body(data.split()[1].decode()) if callable(body) else body
        connection.sendall(f"HTTP/1.1 {'200 OK' if found else '404 Not Found'}\r\nContent-Length: "
                           f"{len(text) if found else 0}\r\nConnection: close\r\n\r\n{text if found else ''}".encode())
        connection.recv(65536)

    site.daemon.settings["server"]["listen-http"] = ""
    simple(site)
    site.start_server(address, 80, serve)


@fault("plain-settings", "http://example.org/autodiscover/autodiscover.xml returns settings",
       "make port 80 of example.org redirect to HTTPS")
def plain_apex(site):
    plain_server(site, site.apex, "POST /autodiscover/autodiscover.xml ", "<Autodiscover><Protocol><Type>IMAP</Type>")
    site.dns.host(DOMAIN, site.apex)


@fault("plain-settings", "http://autodiscover.example.org/autodiscover/autodiscover.xml returns settings",
       "make port 80 of autodiscover.example.org redirect to HTTPS")
def plain_get(site):
    plain_server(site, site.address, "GET /autodiscover/autodiscover.xml ", "<Autodiscover><Protocol><Type>IMAP</Type>")


@fault("plain-settings", "http://autodiscover.example.org/autodiscover/autodiscover.xml returns settings",
       "make port 80 of autodiscover.example.org redirect to HTTPS")
def plain_phones(site):
    plain_server(site, site.address, "POST /autodiscover/autodiscover.xml ",
                 "<Settings><Server><Type>MobileSync</Type><Url>https://mail.example.org/</Url></Server></Settings>")


@fault("plain-settings", "http://autodiscover.example.org/autodiscover/autodiscover.json returns settings",
       "make port 80 of autodiscover.example.org redirect to HTTPS")
def plain_json(site):
    plain_server(site, site.address, "GET /autodiscover/autodiscover.json?Email=postmaster%40example.org&",
                 '{"Protocol":"AutodiscoverV1","Url":"https://mail.example.org/autodiscover/autodiscover.xml"}')


@fault("plain-settings", "http://autoconfig.example.org/mail/config-v1.1.xml returns settings for the requested address",
       "make port 80 of autoconfig.example.org point to this server, or redirect to HTTPS")
def plain_logins(site):
    """Wanted there is the document without logins alone."""
    site.daemon.settings["server"]["http-autoconfig"] = "yes"
    plain_server(site, site.address, "GET /mail/config-v1.1.xml",
                 lambda target: f"<clientConfig><username>{target.rpartition('=')[2]}</username></clientConfig>")


def test_plain_autoconfig_may_be_wanted(site):
    site.daemon.settings["server"]["http-autoconfig"] = "yes"
    simple(site)
    assert not of_kind(site.look(), "plain-settings")


def with_mail(site, *services, **options):
    site.start_mail(**options)
    site.setup(*services)


@fault("service-unreachable", "IMAP at mail.example.org:9993, address 127.", "make sure that the server runs there")
def nobody_listens(site):
    with_mail(site, f"imaps://{HOST}:9993", SUBMISSION)


@fault("service-protocol", "IMAP at mail.example.org:995: its greeting is '+OK", "make sure that the server runs there")
def other_service(site):
    with_mail(site, f"imaps://{HOST}:995", SUBMISSION)


@fault("starttls-missing", "IMAP at mail.example.org:143 does not offer STARTTLS", "enable STARTTLS")
def no_starttls(site):
    with_mail(site, f"imap+starttls://{HOST}", f"submission+starttls://{HOST}", ssl="no")


@fault("authentication-missing", "submission at mail.example.org:465 offers PLAIN", "enable password-encrypted")
def no_cram_md5(site):
    with_mail(site, IMAP, SUBMISSION, mechanisms="plain")
    site.daemon.setup(["service", "remove", DOMAIN, SUBMISSION],
                      ["service", "add", DOMAIN, SUBMISSION, "--auth", "password-encrypted"])


@fault("submission-names", "the server calls itself other.example.org", "set the PTR record of 127.", level="warning")
def other_name(site):
    with_mail(site, IMAP, SUBMISSION, hostname="other.example.org")
    site.dns.add(f"ptr-record={reverse(site.mail.address)},{HOST}")


@fault("own-logins", "1 user of example.org has a login that differs from the pattern '%EMAILADDRESS%'",
       "'provider set example.org --login ...'", level="note")
def own_logins(site):
    simple(site)
    site.daemon.setup(["user", "add", f"first.last@{DOMAIN}", "a4711"],
                      ["user", "add", f"same@{DOMAIN}", f"same@{DOMAIN}"])


@fault("any-domain", "stranger.example is served by the row '*'", "domain add stranger.example", level="note")
def any_domain(site):
    simple(site)
    site.daemon.setup(["domain", "add", "*", "--provider", DOMAIN, "--any-domain"])
    site.domains = ("stranger.example",)


@fault("pattern", "'*.example.net' stands for domains", "name one of its domains", level="note")
def pattern(site):
    simple(site)
    site.daemon.setup(["domain", "add", "*.example.net", "--provider", DOMAIN])
    site.domains = ("*.example.net",)


@fault("starttls-only", "IMAP is announced to Outlook with STARTTLS", "offer implicit TLS too", level="note")
def starttls_only(site):
    site.setup(f"imap+starttls://{HOST}", SUBMISSION)


@fault("domain-broken", "domain 'example.org' is disabled", "use 'domain enable example.org'")
def disabled(site):
    simple(site)
    site.daemon.setup(["domain", "disable", DOMAIN])


@fault("domain-broken", "provider 'example.org' has no services", "'service add'")
def no_services(site):
    simple(site)
    site.daemon.setup(["service", "remove", DOMAIN, IMAP], ["service", "remove", DOMAIN, SUBMISSION])


# Of the tests with dnsmasq; all run under the sanitizers.
IN_CI = ("service-protocol", "resolver-failed")


@pytest.mark.sanitize
@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.ci if name in IN_CI else ()) for name in FAULTS])
def test_fault_is_found(site, name):
    kind, plant, seen, fix, level = FAULTS[name]
    plant(site)
    findings = site.look(domains=getattr(site, "domains", (DOMAIN,)), ca=not getattr(site, "untrusted", False))
    found = of_kind(findings, kind)
    assert found, json.dumps(bad(findings))
    assert {each["level"] for each in found} == {level}
    match = [each for each in found if seen in each["seen"]]
    assert match, json.dumps(found)
    assert any(fix in each["fix"] for each in match), json.dumps(match)
    assert all(each.get("expected") and each.get("fix") for each in bad(findings)), json.dumps(bad(findings))


def kinds(level=r"\w+"):
    """All kinds of findings of the level, in the order of DNS, TLS, HTTP, services and database."""
    source = (ROOT / "src" / "doctor" / "finding.c").read_text()
    return re.findall(rf'\{{ "([a-z0-9-]+)", LEVEL_{level} \}}', source)


def test_every_kind_has_its_fault():
    planted = {kind for kind, *_ in FAULTS.values()}
    assert planted == set(kinds(r"(?!OK)\w+"))


def test_causes_come_first(site):
    site.setup(IMAP, SUBMISSION)
    problems = [each["kind"] for each in site.look() if each["level"] == "problem"]
    assert problems == sorted(problems, key=kinds().index)
    assert problems.index("unreachable") < problems.index("no-settings")


def look_as_person(site, *arguments, environment=None, terminal=False):
    """(exit status, what is printed) for a person; on a terminal, both streams as one."""
    site.dns.start()
    command = [str(word) for word in (site.daemon.build / "src" / "mailconfctl", "--config", site.daemon.config,
                                      "doctor", *arguments, "--resolver", site.dns.address, "--ca",
                                      site.authority.file)]
    site.daemon.write_settings()
    variables = {**{key: value for key, value in os.environ.items() if key != "NO_COLOR"}, **(environment or {})}
    if not terminal:
        result = subprocess.run(command, capture_output=True, text=True, env=variables, check=False)
        return result.returncode, result.stdout, result.stderr
    result = subprocess.run(["script", "-qec", shlex.join(command), "/dev/null"], capture_output=True, text=True,
                            env=variables, check=False, stdin=subprocess.DEVNULL)
    return result.returncode, result.stdout, ""


def test_for_people(site):
    simple(site)
    site.dns.remove(f"host-record=autodiscover.{DOMAIN}")
    status, shown, errors = look_as_person(site, DOMAIN)
    lines = shown.splitlines()
    assert status == 1 and re.fullmatch(r"mailconfctl: \d+ problems in 1 of 1 domain\n", errors)
    assert re.fullmatch(r"example\.org: \d+ problems, \d+ ok", lines[0])
    assert "  problem  name-missing: autodiscover.example.org has no address" in lines
    after = lines[lines.index("  problem  name-missing: autodiscover.example.org has no address") + 1:]
    assert after[0] == "           expected: autodiscover.example.org points to this server"
    assert after[1] == "           fix: add to DNS: autodiscover.example.org. IN CNAME autoconfig.example.org."
    assert "\033" not in shown


def test_colours_and_progress(site):
    simple(site)
    site.daemon.setup(["domain", "add", "other.example", "--alias-of", DOMAIN])
    _, shown, _ = look_as_person(site, "--all", terminal=True, environment={"TERM": "xterm"})
    assert "\033[1;31mproblem\033[0m" in shown and "1 of 2 domains" in shown
    site.dns.stop()
    _, shown, _ = look_as_person(site, "--all", terminal=True, environment={"TERM": "xterm", "NO_COLOR": "1"})
    assert "problem" in shown and "\033[1" not in shown
    site.dns.stop()
    _, shown, _ = look_as_person(site, "--all", "--quiet", terminal=True, environment={"TERM": "xterm"})
    assert "problem" in shown and "of 2 domains\r" not in shown


def test_worst_first_and_domains_in_order(site):
    simple(site)
    site.daemon.setup(*(["domain", "add", f"{name}.example", "--alias-of", DOMAIN] for name in "cab"),
                      ["domain", "add", "off.example", "--alias-of", DOMAIN], ["domain", "disable", "off.example"])
    findings = site.look("--all", domains=())
    domains = list(dict.fromkeys(each["domain"] for each in findings))
    assert domains == ["a.example", "b.example", "c.example", DOMAIN]
    ranks = [["problem", "warning", "note", "ok"].index(each["level"]) for each in findings if each["domain"] == DOMAIN]
    assert ranks == sorted(ranks)
    named = site.look(domains=("c.example", "a.example"))
    assert list(dict.fromkeys(each["domain"] for each in named)) == ["c.example", "a.example"]


def test_domain_named_twice_is_looked_at_once(site):
    simple(site)
    once, twice = (site.look(domains=domains) for domains in ((DOMAIN,), (DOMAIN, DOMAIN.upper(), DOMAIN)))
    assert len(once) == len(twice)


@pytest.mark.sanitize
def test_hostile_answers_do_not_reach_the_terminal(site):
    site.setup(IMAP, SUBMISSION)
    site.dns.host(HOST, site.address)
    site.start_server(site.address, 143, lambda connection: connection.sendall(b"* BYE \033[2J\x07\r\n"))
    site.daemon.setup(["provider", "set", DOMAIN, f"imap+starttls://{HOST}", SUBMISSION])
    _, shown, _ = look_as_person(site, DOMAIN)
    assert "its greeting is '* BYE \\u001b[2J\\u0007'" in shown and "\033" not in shown


def test_own_name_where_there_is_no_public_one(site):
    """It is the same that the server tells New Outlook."""
    del site.daemon.settings["server"]["public-name"]
    simple(site)
    said = site.daemon.ctl("preview", "autodiscover-v2", f"postmaster@{DOMAIN}").stdout
    own = re.search(r"https://([^/:\"]+)", said).group(1)
    findings = site.look()
    assert of_kind(findings, "name-missing")[0]["seen"] == f"the public name {own} has no address"
    refused = [each["seen"] for each in of_kind(findings, "no-settings") if each["seen"].startswith("New Outlook ")]
    assert refused == [f"New Outlook gets no settings: https://{own}/autodiscover/autodiscover.xml: {own} has no address"]
    assert len(of_kind(findings, "settings")) == 10
    assert f" CNAME {own}." not in json.dumps(findings) or "." in own


def test_server_that_is_not_in_dns_yet(site):
    site.setup(IMAP, SUBMISSION, records=False)
    site.daemon.start()
    findings = site.look("--connect", f"{site.address}:443")
    assert len(of_kind(findings, "settings")) == 11
    assert len(of_kind(findings, "name-missing")) == 2
    assert not of_kind(findings, "no-settings") and not of_kind(findings, "unreachable")
    assert {each["seen"].partition(": the")[0] for each in of_kind(findings, "certificate")} == {
        f"https://{name}.{DOMAIN} ({site.address}:443)" for name in ("autoconfig", "autodiscover")}


def test_srv_instead_of_the_name(site):
    site.daemon.settings["server"]["public-name"] = "auto.example.net"
    site.setup(IMAP, SUBMISSION)
    site.daemon.start()
    site.dns.remove(f"host-record=autodiscover.{DOMAIN}").host("auto.example.net", site.address)
    site.dns.add(f"srv-host=_autodiscover._tcp.{DOMAIN},auto.example.net,443,0,0")
    findings = site.look()
    assert not of_kind(findings, "name-missing")
    outlook = [each["seen"] for each in of_kind(findings, "settings") if each["seen"].startswith("Outlook ")]
    assert outlook and outlook[0].endswith("from https://auto.example.net/autodiscover/autodiscover.xml")


def test_srv_target_is_looked_at(site):
    """The name where the record leads is one that clients try: it needs a certificate, and must be there."""
    simple(site)
    elsewhere = world.address()
    pem = site.certificate("www.example.net")
    site.start_nginx(f"  server {{ listen {elsewhere}:443 ssl; ssl_certificate {pem}; ssl_certificate_key {pem};\n"
                     "    location / { return 404; } }")
    site.dns.host("auto.example.net", elsewhere)
    site.dns.add(f"srv-host=_autodiscover._tcp.{DOMAIN},auto.example.net,443,0,0")
    found = of_kind(site.look(), "certificate-name")
    assert [each["expected"] for each in found] == ["a certificate for auto.example.net"]


def test_public_name_is_looked_at_once(site):
    """Many domains send their clients to one name: it is in each report, and seen once."""
    connections = []
    address = world.address()
    site.start_server(address, 443, connections.append, certificate=site.certificate(PUBLIC))
    site.dns.host(PUBLIC, address)
    simple(site, "--public-name", PUBLIC)
    site.daemon.setup(*(["domain", "add", f"{name}.example", "--alias-of", DOMAIN] for name in "abc"))
    good = [each["domain"] for each in of_kind(site.look("--all", domains=()), "certificate")
            if f"https://{PUBLIC} " in each["seen"]]
    assert sorted(good) == ["a.example", "b.example", "c.example", DOMAIN]
    # One for each version of TLS, and one for both; New Outlook goes there for each domain.
    assert len(connections) <= 3 + 4


def test_plain_redirect_leads_outlook_on(site):
    """No autodiscover name with a certificate, but a port 80 that redirects to one that has."""
    site.daemon.settings["server"]["public-name"] = "auto.example.net"
    site.daemon.add_certificate("main", f"autoconfig.{DOMAIN}", "auto.example.net")
    site.setup(IMAP, SUBMISSION)
    site.daemon.start()
    site.dns.host("auto.example.net", site.address)
    outlook = [each["seen"] for each in of_kind(site.look(), "settings") if each["seen"].startswith("Outlook ")]
    assert outlook and "from https://auto.example.net/" in outlook[0]


def test_provider_that_answers_only_for_its_users(site):
    simple(site, "--unknown-users", "refuse")
    untested = of_kind(site.look(), "untested")[0]
    assert "has no users" in untested["seen"] and "'user add ADDRESS@example.org" in untested["fix"]
    site.daemon.setup(["user", "add", f"first.last@{DOMAIN}", "a4711"])
    settings = of_kind(site.look(), "settings")
    assert any(each["seen"].startswith("Outlook gets") and " as a4711" in each["seen"] for each in settings)
    site.daemon.setup(["provider", "set", DOMAIN, "--send-logins-to", "192.0.2.0/24"])
    untested = of_kind(site.look(), "untested")[0]
    assert "sends their logins only to 192.0.2.0/24" in untested["seen"] and "in one of these" in untested["fix"]


@pytest.mark.parametrize("networks, login", [
    ("nobody", f"postmaster@{DOMAIN}"), ("192.0.2.0/24", f"postmaster@{DOMAIN}"), ("127.0.0.0/8", "a4711"),
])
def test_logins_that_are_sent_to_some_networks(site, networks, login):
    simple(site, "--send-logins-to", networks)
    site.daemon.setup(["user", "add", f"postmaster@{DOMAIN}", "a4711"])
    findings = site.look()
    assert not of_kind(findings, "other-settings")
    settings = of_kind(findings, "settings")
    assert any(each["seen"].startswith(f"Outlook gets IMAP {HOST}:993 TLS as {login};") for each in settings)


@pytest.mark.parametrize("options, who", [
    ((), "clients that send no address get the pattern's"),
    (("--without-address", "refuse"), "clients that send no address get no settings"),
    (("--send-logins-to", "nobody"), "all clients get the pattern's"),
    (("--send-logins-to", "nobody", "--without-address", "refuse"),
     "clients that send their address get the pattern's, and those that send no address get no settings"),
    (("--send-logins-to", "192.0.2.0/24"),
     "clients outside of 192.0.2.0/24, and those that send no address, get the pattern's"),
    (("--send-logins-to", "192.0.2.0/24", "--unknown-users", "refuse"),
     "clients outside of 192.0.2.0/24 get no settings, and those that send no address get the pattern's"),
])
def test_who_is_not_told_own_logins(site, options, who):
    simple(site, *options)
    site.daemon.setup(["user", "add", f"first.last@{DOMAIN}", "a4711"])
    assert [each["seen"].partition(": ")[2] for each in of_kind(site.look(), "own-logins")] == [who]


def dav(status, challenge):
    def serve(connection):
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(4096)
        assert data.startswith(b"PROPFIND /calendars/ ") and b"\r\nDepth: 0\r\n" in data
        connection.sendall(f"HTTP/1.1 {status}\r\n{challenge}Content-Length: 0\r\n\r\n".encode())
    return serve


@pytest.mark.parametrize("status, challenge, kind, seen", [
    ("401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n", "service", "works as announced"),
    ("401 Unauthorized", "WWW-Authenticate: Negotiate\r\n", "authentication-missing", "offers NEGOTIATE"),
    ("401 Unauthorized", "", "service-protocol", "status 401 without WWW-Authenticate"),
    ("404 Not Found", "", "service-protocol", "responds to PROPFIND with status 404"),
    ("301 Moved", "Location: ftp://elsewhere.example/\r\n", "service-protocol", "redirects too often, or to an invalid URL"),
])
def test_dav(site, status, challenge, kind, seen):
    address = world.address()
    site.start_server(address, 443, dav(status, challenge), certificate=site.certificate("dav.example.org"))
    site.dns.host("dav.example.org", address)
    simple(site)
    site.daemon.setup(["service", "add", DOMAIN, "caldav+https://dav.example.org/calendars/"])
    found = [each for each in of_kind(site.look(), kind) if "CalDAV" in each["seen"]]
    assert found and seen in found[0]["seen"], found


def test_pacc_document(site):
    simple(site, "--pacc", "yes")
    settings = [each for each in of_kind(site.look(), "settings") if "PACC" in each["seen"]]
    assert len(settings) == 1


def seen_by(client, findings):
    return [(each["kind"], each["seen"]) for each in findings if each["seen"].startswith(f"{client} ")]


@pytest.mark.parametrize("in_json", ["no", "yes"])
def test_activesync(site, in_json):
    """Phones get its URL, and New Outlook where the provider wants that."""
    simple(site, "--activesync-v2", in_json)
    site.daemon.setup(["service", "add", DOMAIN, SYNC])
    findings = site.look()
    url = f"ActiveSync https://{HOST}/Microsoft-Server-ActiveSync as postmaster@{DOMAIN}"
    assert seen_by("ActiveSync phone", findings) == [
        ("settings", f"ActiveSync phone gets {url} from https://autodiscover.{DOMAIN}/autodiscover/autodiscover.xml")]
    (kind, seen), = seen_by("New Outlook", findings)
    assert kind == "settings" and (url in seen) == (in_json == "yes"), seen


@pytest.mark.parametrize("target, seen, clients", [
    ("other.example", "postmaster@other.example", ("Outlook", "ActiveSync phone", "New Outlook")),
    ("https://other.example/autodiscover.xml", "https://other.example/autodiscover.xml", ("Outlook", "New Outlook")),
])
def test_domain_that_moved(site, target, seen, clients):
    """A client that is redirected as the database says gets the expected settings."""
    simple(site)
    site.daemon.setup(["service", "add", DOMAIN, SYNC], ["domain", "set", DOMAIN, "--moved-to", target])
    findings = site.look()
    sent_on = {each["seen"].partition(" gets a redirect to ")[0]: each["seen"] for each in of_kind(findings, "settings")
               if f" gets a redirect to {seen} from https://auto" in each["seen"]}
    assert set(sent_on) == set(clients), findings
    assert not of_kind(findings, "client-limit") and not of_kind(findings, "no-settings")


def test_signed_profile(site):
    """The settings are those inside, regardless of the signature."""
    pem = site.certificate("profiles.example.org")
    site.daemon.settings["profile"] = {"certificate": pem, "key": pem}
    simple(site)
    (kind, seen), = seen_by("Apple device", site.look())
    assert kind == "settings" and "IMAP mail.example.org:993 TLS as postmaster@example.org; submission" in seen, seen


def test_pacc_needs_no_person(site):
    """Of a provider that answers for its users alone, and has none yet, it is seen all the same."""
    simple(site, "--pacc", "yes", "--unknown-users", "refuse")
    findings = site.look()
    assert of_kind(findings, "untested")
    assert [kind for kind, _ in seen_by("PACC client", findings)] == ["settings"]
    assert len(of_kind(findings, "settings")) == 1


def test_services_are_asked_once(site):
    """A server of many domains gets one connection."""
    connections = []

    def serve(connection):
        connections.append(connection)
        connection.sendall(b"* OK IMAP4rev1\r\n")
        tag = connection.recv(4096).split()[0]
        connection.sendall(b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n" + tag + b" OK done\r\n")
        connection.recv(4096)

    address = world.address()
    site.start_server(address, 993, serve, certificate=site.certificate(HOST))
    site.dns.host(HOST, address)
    simple(site)
    site.daemon.setup(*(["domain", "add", f"{name}.example", "--alias-of", DOMAIN] for name in "abc"))
    findings = site.look("--all", domains=())
    assert {each["domain"] for each in of_kind(findings, "service")} == {DOMAIN, "a.example", "b.example", "c.example"}
    assert len(connections) == 1


@pytest.mark.parametrize("arguments, status, words", [
    ((), 2, "'doctor' needs DOMAINs, or --all"),
    (("--all", DOMAIN), 2, "either DOMAINs or --all"),
    ((DOMAIN, "--resolver", "ns.example.org"), 1, "'ns.example.org' is not a resolver"),
    ((DOMAIN, "--resolver", "127.0.0.1,127.0.0.2"), 1, "is not a resolver"),
    ((DOMAIN, "--resolver", "127.0.0.1:99999"), 1, "'127.0.0.1:99999' is not a resolver"),
    ((DOMAIN, "--resolver", "[::1]:0"), 1, "'[::1]:0' is not a resolver"),
    ((DOMAIN, "--connect", "192.0.2.1"), 1, "'192.0.2.1' is not HOST:PORT"),
    ((DOMAIN, "--connect", "192.0.2.1:0"), 1, "is not HOST:PORT"),
    ((DOMAIN, "--ca", "/nonexistent"), 1, "cannot read trusted CAs from /nonexistent"),
    (("a b",), 1, "'a b' is not a domain name"),
])
def test_misuse(site, arguments, status, words):
    site.daemon.setup(["domain", "add", DOMAIN, IMAP, SUBMISSION])
    result = site.daemon.ctl("doctor", *arguments, check=False)
    assert (result.returncode, result.stdout) == (status, "") and words in result.stderr, result.stderr
