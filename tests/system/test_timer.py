"""'certificate request' says whether the timer is enabled; the real systemctl looks at units in a namespace of ours."""
import pytest

from acme import skip_unless_installed
from conftest import ROOT
from test_acme import acme, served  # noqa: F401, fixtures too

pytestmark = pytest.mark.engines

TIMER = "mailconfd-renew.timer"
SCRIPT = """
mount -t tmpfs none /run && mkdir -p /run/systemd/system && mount -t tmpfs none /etc/systemd/system || exit 99
[ "$1" = missing ] || cp "$2" /etc/systemd/system/
[ "$1" != enabled ] || systemctl enable --quiet mailconfd-renew.timer || exit 98
shift 2
exec "$@"
"""


def request_with(daemon, acme, state):
    daemon.write_settings()
    return acme.run("sh", "-c", SCRIPT, "sh", state, ROOT / "packaging" / "systemd" / TIMER,
                    daemon.build / "src" / "mailconfctl", "--config", daemon.config, "certificate", "request",
                    "example.org", "--server", acme.server, "--resolver", acme.resolver, "--accept-terms",
                    SYSTEMD_OFFLINE="1")


@pytest.mark.parametrize("state, said, warned", [
    ("enabled", f"{TIMER} is enabled and renews certificates\n", ""),
    ("disabled", "", f"mailconfctl: warning: {TIMER} is disabled, so systemd does not renew certificates\n"
                     f"hint: run 'systemctl enable --now {TIMER}'\n"),
    ("missing", "", f"mailconfctl: warning: systemd has no {TIMER}\n"
                    "hint: run 'mailconfctl certificate renew --scheduled' from cron\n"),
])
def test_timer(served, acme, state, said, warned):
    skip_unless_installed("systemctl")
    served.start()
    result = request_with(served, acme, state)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines(keepends=True)
    assert lines[0].startswith("example.org: new certificate for ") and "".join(lines[1:]) == said
    assert "".join(line for line in result.stderr.splitlines(keepends=True) if line.startswith(("mailconfctl", "hint:"))) == warned
    again = request_with(served, acme, state)
    assert TIMER not in again.stdout + again.stderr, "only if something was requested"
