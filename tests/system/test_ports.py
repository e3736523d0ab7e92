"""The addresses that the daemon listens on: what keeps it from a port, and what it says then."""
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile
import time

import pytest

from daemon import PATIENCE, Connection, free_port
from test_life import CONFIG
from test_sandbox import refusing  # pylint: disable=unused-import
from test_start import fails, run


@pytest.fixture
def served(daemon):
    daemon.setup(["domain", "add", "example.org", "imaps://imap.example.org"])
    return daemon


def test_port_that_the_unit_forbids(refusing):  # pylint: disable=redefined-outer-name
    """As SocketBindDeny= of systemd does it, by a BPF program that belongs to the unit."""
    served = refusing("EPERM", "b")
    fails(served, 1, f"cannot listen on 127.0.0.1:{served.port}: Operation not permitted",
          f"'systemctl edit mailconfd', [Service], SocketBindAllow=tcp:{served.port}", also_check=False)


@pytest.fixture(params=["socket", "bind"])
def without_ipv6(served, request):
    """A daemon on a kernel without IPv6, in one of two ways."""
    sanitizers = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    served.launcher = ["env", f"LD_PRELOAD={served.build}/tests/no-ipv6.so", f"NO_IPV6={request.param}",
                       f"ASAN_OPTIONS={sanitizers}"]
    return served


def test_wildcards_without_ipv6(without_ipv6):
    """Those that the defaults, the container's settings and README have."""
    served, http, proxy, metrics = without_ipv6, free_port(), free_port(), free_port()
    served.settings["server"].update({
        "listen-https": f"[::]:{served.port}", "listen-http": f"[::]:{http}", "behind-proxy": f"[::]:{proxy}"})
    served.settings["metrics"] = {"listen": f"[::]:{metrics}"}
    expected = "IPv6 is not available (" + ", ".join(
        f"listening on 0.0.0.0:{port} instead of [::]:{port}" for port in (served.port, http, proxy, metrics))
    said = expected.replace("(", "(%s): ")
    served.start()
    reason = {"socket": "Address family not supported by protocol",
              "bind": "Cannot assign requested address"}[served.launcher[2].partition("=")[2]]
    warnings = [line for line in served.log().splitlines() if "IPv6" in line]
    assert len(warnings) == 1 and warnings[0].endswith(f"warning: {said % reason}")
    assert served.get(CONFIG).status == 200
    assert f"listening on https://0.0.0.0:{served.port}\n" in served.log()
    for port in http, proxy, metrics:
        Connection(port).close()
    served.stop()
    checked = run(served, "--check-config")
    assert checked.returncode == 0 and f"mailconfd: warning: {said % reason}\n" in checked.stderr


def test_wildcards_of_both_families_without_ipv6(without_ipv6):
    served = without_ipv6
    served.settings["server"]["listen-https"] = f"[::]:{served.port} 0.0.0.0:{served.port}"
    served.start()
    assert served.get(CONFIG).status == 200
    assert served.log().count("IPv6") == 1 and "error" not in served.log()
    assert f"): [::]:{served.port} is left out" in served.log()


def test_another_address_of_ipv6_is_an_error(without_ipv6):
    served = without_ipv6
    served.settings["server"]["listen-https"] = f"[::1]:{served.port}"
    fails(served, 1, f"cannot listen on [::1]:{served.port}: ")


def test_wildcard_with_ipv6(served):
    if not socket.has_ipv6 or not os.path.exists("/proc/net/if_inet6"):
        pytest.skip("this kernel has no IPv6")
    served.settings["server"]["listen-https"] = f"[::]:{served.port}"
    served.start()
    assert "IPv6" not in served.log() and f"listening on https://[::]:{served.port}\n" in served.log()
    assert served.get(CONFIG).status == 200


@pytest.fixture
def nginx(served, tmp_path):
    """nginx listens on the daemon's port."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not os.path.exists(program):
        pytest.skip("nginx is not installed")
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; pid {tmp_path}/nginx.pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; server {{ listen 127.0.0.1:{served.port}; }} }}\n")
    with subprocess.Popen([program, "-p", tmp_path, "-c", "nginx.conf"]) as process:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", served.port)).close()
                break
            except ConnectionRefusedError:
                assert time.monotonic() < deadline and process.poll() is None
        yield process
        process.terminate()


only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root sees who has a port")


@only_root
@pytest.mark.engines
@pytest.mark.ci
def test_port_of_a_web_server(served, nginx):
    """The master process is named, and how both can live together."""
    words = (f"cannot listen on 127.0.0.1:{served.port}: Address already in use by nginx, process {nginx.pid};",
             "'behind-proxy'", "BEHIND A PROXY in mailconfd(8)")
    fails(served, 1, *words)
    # A wildcard does not fit beside it either.
    served.settings["server"]["listen-https"] = f"[::]:{served.port}"
    fails(served, 1, *(word.replace("127.0.0.1", "[::]") for word in words))


@only_root
def test_port_of_another_program(served):
    with socket.create_server(("127.0.0.1", served.port)):
        fails(served, 1, f"Address already in use by python3, process {os.getpid()}; stop it, or listen on another port")


def test_all_ports_are_tried(served):
    with socket.create_server(("127.0.0.1", served.port)), socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        served.settings["metrics"] = {"listen": address}
        served.settings["server"]["behind-proxy"] = f"unix:{served.directory}/absent/socket"
        errors = run(served, "--check-config").stderr
    assert f"mailconfd: [server] listen-https: cannot listen on 127.0.0.1:{served.port}: " in errors
    assert f"mailconfd: [metrics] listen: cannot listen on {address}: " in errors
    assert f"mailconfd: [server] behind-proxy: cannot listen on unix:{served.directory}/absent/socket: the directory " \
           f"'{served.directory}/absent' does not exist; put 'd {served.directory}/absent 2750 mailconfd www-data'" in errors


@pytest.fixture
def everywhere(served):
    """It listens on all kinds of addresses."""
    served.settings["server"].update({"listen-http": f"127.0.0.1:{free_port()}",
                                      "behind-proxy": f"127.0.0.1:{free_port()} unix:{served.directory}/proxy.socket"})
    served.settings["metrics"] = {"listen": f"127.0.0.1:{free_port()}"}
    return served


@only_root
def test_check_beside_the_daemon(everywhere):
    """Its own listeners are not an error, and it keeps running."""
    everywhere.start()
    connection = everywhere.connect()
    checked = run(everywhere, "--check-config")
    assert checked.returncode == 0 and checked.stderr == ""
    holder = f"in use by mailconfd, process {everywhere.process.pid}, which has the same settings file"
    assert checked.stdout.count(holder) == 5
    assert f"[server] listen-https: 127.0.0.1:{everywhere.port} is {holder}\n" in checked.stdout
    assert connection.ask(f"GET {CONFIG} HTTP/1.1\r\nHost: autoconfig.example.org\r\n\r\n".encode()).status == 200
    assert (everywhere.directory / "proxy.socket").is_socket()
    assert everywhere.get(CONFIG).status == 200


def test_check_changes_nothing(everywhere):
    """A socket file that a dead daemon has left stays for the start."""
    path = everywhere.directory / "proxy.socket"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    before = path.stat()
    checked = run(everywhere, "--check-config")
    assert checked.returncode == 0 and checked.stderr == ""
    assert path.stat() == before
    everywhere.start()


@only_root
def test_daemon_with_other_settings(everywhere, tmp_path):
    everywhere.start()
    other = tmp_path / "other.conf"
    shutil.copy(everywhere.config, other)
    everywhere.options = ("--config", other)
    fails(everywhere, 1, f"Address already in use by mailconfd, process {everywhere.process.pid}; stop that one first, "
          "or restart it: 'systemctl restart mailconfd'", also_check=False)


@only_root
def test_check_by_another_user(authority, build):
    """It sees that the port is in use but not by which process, and may not try one below 1024."""
    nobody = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory() as directory, socket.create_server(("127.0.0.1", 0)) as holder:
        path = pathlib.Path(directory)
        path.chmod(0o755)
        port = holder.getsockname()[1]
        (path / "mailconfd.conf").write_text(
            f"[server]\nlisten-https =\nlisten-http = 127.0.0.1:{port} 127.0.0.1:7\n[database]\nfile = {path}/db\n")
        result = subprocess.run([build / "src" / "mailconfd", "--config", path / "mailconfd.conf", "--check-config"],
                                user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=[], capture_output=True, text=True,
                                check=False)
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use by another program; " \
           "'mailconfd --check-config', run as root, shows which one it is" in result.stderr
    if pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text().strip() == "1024":
        assert "warning: [server] listen-http: 127.0.0.1:7 was not tried, because only root may open it" in result.stderr
