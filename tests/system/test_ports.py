"""The addresses that the daemon listens on: what keeps it from a port, and what it says then."""
import pytest

from test_sandbox import refusing  # pylint: disable=unused-import
from test_start import fails


@pytest.fixture
def served(daemon):
    daemon.setup(["domain", "add", "example.org", "imaps://imap.example.org"])
    return daemon


def test_port_that_the_unit_forbids(refusing):  # pylint: disable=redefined-outer-name
    """As SocketBindDeny= of systemd does it, by a BPF program that belongs to the unit."""
    served = refusing("EPERM", "b")
    fails(served, 1, f"cannot listen on 127.0.0.1:{served.port}: Operation not permitted",
          f"'systemctl edit mailconfd', [Service], SocketBindAllow=tcp:{served.port}", also_check=False)
