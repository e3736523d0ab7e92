"""Behind a reverse proxy: nginx and Apache, over TCP and over a unix socket, and what is believed."""
import grp
import os
import pathlib
import shutil
import socket
import stat
import subprocess
import tempfile
import time

import pytest

from daemon import PATIENCE, Connection, UnixConnection, free_port

CONFIG = "/mail/config-v1.1.xml"
ADDRESS = CONFIG + "?emailaddress=first.last%40example.org"
LOGIN, PATTERN = b"<username>a4711</username>", b"<username>%EMAILADDRESS%</username>"
HOST = "autoconfig.example.org"

OUTLOOK = (
    "<Autodiscover><Request><EMailAddress>first.last@example.org</EMailAddress>"
    "<AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
    "</AcceptableResponseSchema></Request></Autodiscover>"
)

# In the foreground, with nothing of the machine's own configuration.
NGINX = """
{user}
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/nginx-error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {directory}/nginx-body;
    proxy_temp_path {directory}/nginx-proxy;
    fastcgi_temp_path {directory}/nginx-fastcgi;
    uwsgi_temp_path {directory}/nginx-uwsgi;
    scgi_temp_path {directory}/nginx-scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {certificate};
        location / {{
            proxy_pass {target};
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        }}
    }}
}}
"""

APACHE = """
{user}
ServerRoot {directory}
DefaultRuntimeDir {directory}
PidFile {directory}/apache.pid
ErrorLog {directory}/apache-error.log
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule socache_shmcb_module /usr/lib/apache2/modules/mod_socache_shmcb.so
LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
ServerName localhost
Listen 127.0.0.1:{port}
<VirtualHost *:{port}>
    SSLEngine on
    SSLCertificateFile {certificate}
    SSLCertificateKeyFile {certificate}
    AllowEncodedSlashes NoDecode
    ProxyPreserveHost On
    ProxyPass / {target} nocanon
</VirtualHost>
"""


@pytest.fixture
def behind(daemon):
    """Nothing but a port for proxies: no HTTPS of its own, and no certificate."""
    daemon.proxy_port = free_port()
    daemon.settings["server"].update({
        "listen-https": "",
        "behind-proxy": f"127.0.0.1:{daemon.proxy_port}",
        "public-name": "auto.example.net",
    })
    shutil.rmtree(daemon.directory / "certificates")
    daemon.setup(
        ["domain", "add", "example.org", "imaps://imap.example.org", "submissions://smtp.example.org"],
        ["user", "add", "first.last@example.org", "a4711"],
    )
    return daemon


@pytest.fixture
def run_directory():
    """Where the socket lies, as the manual has it: for the web server's group."""
    path = pathlib.Path(tempfile.mkdtemp())
    if os.geteuid() == 0:
        os.chown(path, -1, grp.getgrnam("www-data").gr_gid)
        path.chmod(0o2750)
    yield path
    shutil.rmtree(path)


class Front:
    """A web server of Debian's in front of mailconfd, with its own configuration."""

    def __init__(self, name, is_unix, daemon, authority, run_directory):
        self.name = name
        self.is_unix = is_unix
        self.daemon = daemon
        self.certificate = authority.certificate("example.org", "*.example.org")
        self.port = free_port()
        self.process = None
        self.address = f"127.0.0.1:{daemon.proxy_port}"
        if is_unix:
            self.address = f"unix:{run_directory}/proxy.socket"
        daemon.settings["server"]["behind-proxy"] = self.address

    def target(self):
        if self.name == "nginx":
            return f"http://{self.address}:" if self.is_unix else f"http://{self.address}"
        return f"{self.address}|http://localhost/" if self.is_unix else f"http://{self.address}/"

    def start(self):
        config = self.daemon.directory / f"{self.name}.conf"
        as_nobody = {"nginx": "user www-data;", "apache2": "User www-data\nGroup www-data"}[self.name]
        config.write_text({"nginx": NGINX, "apache2": APACHE}[self.name].format(
            directory=self.daemon.directory, port=self.port, certificate=self.certificate, target=self.target(),
            user=as_nobody if os.geteuid() == 0 else ""))
        program = shutil.which(self.name, path=f"{os.environ['PATH']}:/usr/sbin")
        command = {"nginx": [program, "-p", self.daemon.directory, "-c", config],
                   "apache2": [program, "-D", "FOREGROUND", "-f", config]}[self.name]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        wait_for_port(self.process, self.port)

    def ask(self, data):
        connection = Connection(self.port, HOST, self.daemon.context())
        try:
            return connection.ask(data)
        finally:
            connection.close()

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(timeout=PATIENCE)


@pytest.fixture(params=[pytest.param(("nginx", False), marks=pytest.mark.ci), ("nginx", True), ("apache2", False),
                        pytest.param(("apache2", True), marks=pytest.mark.ci)],
                ids=["nginx-tcp", "nginx-unix", "apache-tcp", "apache-unix"])
def front(request, behind, authority, run_directory):
    server = Front(*request.param, behind, authority, run_directory)
    yield server
    server.stop()


def wait_for_port(process, port):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("nginx does not listen")


def request(target, *fields, host=HOST):
    return "\r\n".join((f"GET {target} HTTP/1.1", f"Host: {host}", *fields, "", "")).encode()


def ask(daemon, *fields, target=ADDRESS, host=HOST):
    connection = Connection(daemon.proxy_port)
    try:
        return connection.ask(request(target, *fields, host=host))
    finally:
        connection.close()


def answers_of(ask_it):
    """What a client sees: documents, refusals, redirects."""
    post = f"POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {len(OUTLOOK)}\r\n\r\n"
    answers = [ask_it(request(target)) for target in (
        ADDRESS, CONFIG, "/v1.1/example.org", "/v1.1/%2F%2e%2e%2fx", "/nothing", "/.well-known/caldav",
        "/mobileconfig?emailaddress=first.last@example.org", CONFIG + "?emailaddress=a%2Fb%3F%23%25c%40example.org",
        "/autodiscover/autodiscover.json?Email=first.last@example.org&Protocol=AutodiscoverV1",
    )]
    answers.append(ask_it((post + OUTLOOK).encode()))
    answers.append(ask_it(request(CONFIG).replace(b"GET", b"PUT")))
    names = ("content-type", "allow", "location", "cache-control", "content-disposition")
    return [(answer.status, [answer.headers.get(name) for name in names], answer.body) for answer in answers]


@pytest.mark.engines
def test_a_proxy_in_front_is_as_good_as_https(behind, front):
    behind.settings["server"]["listen-https"] = f"127.0.0.1:{behind.port}"
    (behind.directory / "certificates").mkdir()
    behind.add_certificate("main", "*.example.org")
    behind.ctl("service", "add", "example.org", "caldav+https://dav.example.org/dav")
    behind.start()
    front.start()
    own = answers_of(lambda data: behind.ask(data, HOST))
    assert [status for status, *_ in own] == [200, 200, 200, 404, 404, 301, 200, 200, 200, 200, 405]
    assert answers_of(front.ask) == own
    assert LOGIN in own[0][2] and b"<LoginName>a4711</LoginName>" in own[9][2]


@pytest.mark.engines
def test_a_proxy_tells_who_the_client_is(behind, front):
    """Logins are for one network only. Our client comes from 127.0.0.1, whatever it writes."""
    behind.settings["server"]["trusted-proxies"] = "::1" if front.is_unix else "127.0.0.1"
    behind.start()
    front.start()

    def gets_login(*fields):
        answer = front.ask(request(ADDRESS, *fields))
        assert answer.status == 200 and (LOGIN in answer.body) != (PATTERN in answer.body)
        return LOGIN in answer.body

    behind.ctl("provider", "set", "example.org", "--send-logins-to", "127.0.0.0/8")
    assert gets_login()
    behind.ctl("provider", "set", "example.org", "--send-logins-to", "192.0.2.0/24")
    assert not gets_login()
    # The proxy appends its client, which over TCP is of a trusted network too.
    assert gets_login("X-Forwarded-For: 192.0.2.7") != front.is_unix
    assert not gets_login("X-Forwarded-For: 192.0.2.7, 198.51.100.1")


@pytest.mark.parametrize(
    "trusted, fields, is_told",
    [
        ("127.0.0.0/8", ["X-Forwarded-For: 192.0.2.7"], True),
        ("127.0.0.0/8", ["x-forwarded-for: 192.0.2.7"], True),
        ("127.0.0.0/8", ["X-Forwarded-For: 198.51.100.1, 192.0.2.7"], True),
        ("127.0.0.0/8", ["X-Forwarded-For: 198.51.100.1", "X-Forwarded-For: 192.0.2.7"], True),
        ("127.0.0.0/8", ["X-Forwarded-For: 192.0.2.7", "X-Forwarded-For: 198.51.100.1"], False),
        ("127.0.0.0/8", ["X-Forwarded-For: 192.0.2.7", "X-Forwarded-For: 127.9.9.9"], True),
        ("127.0.0.0/8", ["X-Forwarded-For: [2001:db8::7]:4711"], False),
        ("127.0.0.0/8", ["X-Forwarded-For: unknown"], False),
        ("127.0.0.0/8", ["X-Forwarded-For: 192.0.2.7, unknown"], False),
        ("127.0.0.0/8", ["X-Forwarded-For:"], False),
        ("127.0.0.0/8", [], False),
        ("127.0.0.0/8", ["Forwarded: for=192.0.2.7", "X-Real-IP: 192.0.2.7"], False),
        ("198.51.100.0/24", ["X-Forwarded-For: 192.0.2.7"], False),
        ("", ["X-Forwarded-For: 192.0.2.7"], False),
    ],
)
def test_only_trusted_proxies_are_believed(behind, trusted, fields, is_told):
    behind.settings["server"]["trusted-proxies"] = trusted
    behind.ctl("provider", "set", "example.org", "--send-logins-to", "192.0.2.0/24")
    behind.start()
    assert (LOGIN if is_told else PATTERN) in ask(behind, *fields).body


@pytest.mark.parametrize(
    "trusted, host, fields, status",
    [
        ("127.0.0.0/8", "inner.invalid", ["X-Forwarded-Host: autoconfig.example.org"], 200),
        ("127.0.0.0/8", "inner.invalid", ["X-Forwarded-Host: x.invalid, autoconfig.example.org:443"], 200),
        ("127.0.0.0/8", "inner.invalid", ["X-Forwarded-Host: x.invalid", "X-Forwarded-Host: example.org"], 200),
        ("127.0.0.0/8", "inner.invalid", ["X-Forwarded-Host: autoconfig.example.org, x.invalid"], 404),
        ("127.0.0.0/8", HOST, ["X-Forwarded-Host: x.invalid"], 404),
        ("127.0.0.0/8", HOST, ["X-Forwarded-Host: a b"], 404),
        ("127.0.0.0/8", HOST, ["X-Forwarded-Host: "], 200),
        ("", HOST, ["X-Forwarded-Host: x.invalid"], 200),
        ("", "inner.invalid", ["X-Forwarded-Host: autoconfig.example.org"], 404),
    ],
)
def test_the_host_that_was_asked(behind, trusted, host, fields, status):
    behind.settings["server"]["trusted-proxies"] = trusted
    behind.start()
    assert ask(behind, *fields, target=CONFIG, host=host).status == status


def test_endless_fields_are_refused(behind):
    behind.start()
    for field in ("X-Forwarded-For: " + "192.0.2.1, " * 6000, "X-Forwarded-Host: " + "x" * 65536):
        connection = Connection(behind.proxy_port)
        try:
            assert connection.ask(request(CONFIG, field)).status in (400, 413, 431)
        except ConnectionError:
            pass  # it was closed while we were still sending
        finally:
            connection.close()
    assert ask(behind).status == 200


def test_reload_changes_who_is_trusted(behind):
    behind.settings["server"]["behind-proxy"] += f" unix:{behind.directory}/proxy.socket"
    behind.ctl("provider", "set", "example.org", "--send-logins-to", "192.0.2.0/24")
    behind.start()
    field = "X-Forwarded-For: 192.0.2.7"
    assert LOGIN in ask(behind, field).body
    behind.settings["server"]["trusted-proxies"] = ""
    behind.write_settings()
    behind.reload()
    assert PATTERN in ask(behind, field).body
    connection = UnixConnection(behind.directory / "proxy.socket")
    assert LOGIN in connection.ask(request(ADDRESS, field)).body
    connection.close()
    behind.settings["server"]["behind-proxy"] = ""
    behind.settings["server"]["listen-https"] = f"127.0.0.1:{behind.port}"
    behind.write_settings()
    behind.reload()
    assert "[server] behind-proxy has changed: only a restart applies it" in behind.log()
    assert "error: " not in behind.log()
    assert ask(behind, field).status == 200


def test_unix_socket_comes_and_goes(behind):
    path = behind.directory / "proxy.socket"
    behind.settings["server"]["behind-proxy"] = f"unix:{path}"
    behind.start()
    assert "listening behind a proxy on unix:" in behind.log()
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert path.stat().st_gid == behind.directory.stat().st_gid
    behind.process.kill()
    behind.process.wait(timeout=PATIENCE)
    assert path.exists()
    behind.process = None
    behind.log_file.unlink()
    behind.start()  # in spite of the one that was left behind
    connection = UnixConnection(path)
    assert connection.ask(request(CONFIG)).status == 200
    connection.close()
    behind.stop()
    assert not path.exists()


def test_all_threads_answer_on_a_unix_socket(behind):
    path = behind.directory / "proxy.socket"
    behind.settings["server"].update({"behind-proxy": f"unix:{path}", "threads": "4"})
    behind.start()
    connections = [UnixConnection(path) for _ in range(64)]
    for _ in range(2):
        for connection in connections:
            connection.send(request(CONFIG))
        for connection in connections:
            assert connection.receive().status == 200
    for connection in connections:
        connection.close()


def refuses(daemon, *words):
    daemon.write_settings()
    result = subprocess.run(daemon.command(), capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert result.returncode == 1, result.stderr
    for word in words:
        assert str(word) in result.stderr


def test_unix_socket_that_cannot_be(behind):
    path = behind.directory / "proxy.socket"
    behind.settings["server"]["behind-proxy"] = f"unix:{path}"
    path.write_text("precious")
    refuses(behind, path, "a file of another kind is there")
    assert path.read_text() == "precious"
    path.unlink()
    with socket.socket(socket.AF_UNIX) as living:
        living.bind(str(path))
        living.listen()
        refuses(behind, path, f"Address already in use by python3, process {os.getpid()};")
        assert path.is_socket()
    behind.settings["server"]["behind-proxy"] = f"unix:{behind.directory}/absent/proxy.socket"
    refuses(behind, "absent/proxy.socket", f"'d {behind.directory}/absent 2750 mailconfd www-data'",
            "run 'systemd-tmpfiles --create'")


def test_second_daemon_is_refused_and_harms_nothing(behind):
    path = behind.directory / "proxy.socket"
    behind.settings["server"]["behind-proxy"] = f"unix:{path}"
    behind.start()
    refuses(behind, path, f"Address already in use by mailconfd, process {behind.process.pid};")
    connection = UnixConnection(path)
    assert connection.ask(request(CONFIG)).status == 200
    connection.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a directory to a group")
def test_group_of_the_directory(behind):
    directory = behind.directory / "run"
    directory.mkdir()
    group = grp.getgrnam("www-data").gr_gid
    os.chown(directory, -1, group)
    directory.chmod(0o2750)
    behind.settings["server"]["behind-proxy"] = f"unix:{directory}/proxy.socket"
    behind.start()
    assert (directory / "proxy.socket").stat().st_gid == group


def test_no_certificate_is_needed(behind):
    good = subprocess.run(behind.command("--check-config"), capture_output=True, text=True, check=False)
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.splitlines()[0] == f"{behind.config} is good: the templates and the database load."
    behind.settings["server"]["listen-https"] = f"127.0.0.1:{behind.port}"
    behind.write_settings()
    wrong = subprocess.run(behind.command("--check-config"), capture_output=True, text=True, check=False)
    assert wrong.returncode == 0 and "no certificate matches" in wrong.stderr


def test_warning_of_what_everyone_can_reach(behind):
    behind.settings["server"]["behind-proxy"] += f" 0.0.0.0:{free_port()}"
    behind.start()
    warnings = [line for line in behind.log().splitlines() if "not a loopback address" in line]
    assert len(warnings) == 1
    assert "0.0.0.0:" in warnings[0] and "not encrypted" in warnings[0]
    checked = subprocess.run(behind.command("--check-config"), capture_output=True, text=True, check=False)
    assert checked.returncode == 0 and "not a loopback address" in checked.stderr


@pytest.mark.parametrize("is_unix", [False, True])
def test_dribbled_requests_are_cut(behind, is_unix):
    """However busy it is: from connecting to the end of the request there is the idle timeout."""
    path = behind.directory / "proxy.socket"
    if is_unix:
        behind.settings["server"]["behind-proxy"] = f"unix:{path}"
    behind.settings["limits"]["idle-timeout"] = "1s"
    behind.start()
    connection = UnixConnection(path) if is_unix else Connection(behind.proxy_port)
    connection.send(b"GET /mail/config-v1.1.xml HTTP/1.1\r\nX: ")
    deadline = time.monotonic() + PATIENCE
    with pytest.raises(ConnectionError):
        while time.monotonic() < deadline:
            connection.send(b"x")
            time.sleep(0.1)
    connection.close()


def test_connections_beyond_the_limit_wait(behind):
    """As on the TLS port: nothing runs out of descriptors, and others are served afterwards."""
    path = behind.directory / "proxy.socket"
    behind.settings["server"]["behind-proxy"] = f"unix:{path}"
    behind.descriptors = 166
    behind.start()
    idle = behind.open_descriptors()
    silent = [UnixConnection(path) for _ in range(200)]
    deadline = time.monotonic() + PATIENCE
    while behind.open_descriptors() < idle + 50:
        assert time.monotonic() < deadline, "the limit is lower than expected"
        time.sleep(0.01)
    assert behind.open_descriptors() < behind.descriptors
    for connection in silent:
        connection.close()
    connection = UnixConnection(path)
    assert connection.ask(request(CONFIG)).status == 200
    connection.close()
