"""Which names a certificate is requested for: what DNS, CAA records and the web server at each name decide, and what
never reaches the ACME client or the certificate authority (CA)."""
import os
import pathlib
import sqlite3
import tempfile

import pytest

from acme import acme, file_of, request, served  # pylint: disable=unused-import


def change_row(daemon, statement, *values):
    """As whoever controls the account of the daemon can."""
    with sqlite3.connect(daemon.directory / "mailconfd.db") as database:
        database.execute("PRAGMA ignore_check_constraints = ON")
        assert database.execute(statement, values).rowcount == 1
    database.close()


@pytest.mark.parametrize("option", ["--hook={}/example.org", "-h{}/example.org"])
@pytest.mark.parametrize("row", [
    "UPDATE domain SET name = ? WHERE name = 'example.org'",
    "UPDATE provider SET public_name = ? WHERE name = 'example.org'",
])
def test_name_is_no_option_of_the_client(served, acme, row, option):
    """The database belongs to the daemon's account, and root runs uacme: a name must not be taken for its --hook."""
    with tempfile.TemporaryDirectory(prefix="m", dir="/tmp") as place:  # within the 63 bytes of a label
        program, harmed = pathlib.Path(place, "example.org"), pathlib.Path(place, "harmed")
        program.write_text(f"#!/bin/sh\ntouch {harmed}\nexit 1\n")
        program.chmod(0o755)
        acme.answer_all("127.0.0.1")
        change_row(served, row, option.format(place))
        served.start()
        result = request(served, acme, "--missing")
        assert not harmed.exists(), result.stderr
    assert result.returncode == 1 and f"'{option.format(place)}' is not a host name" in result.stderr
    assert "example.com: new certificate" in result.stdout, "others go on"


def test_domain_is_no_path(served, acme):
    """Files of a certificate and of a failure are called after the domain."""
    acme.answer_all("127.0.0.1")
    change_row(served, "UPDATE domain SET name = ? WHERE name = 'example.com'", "../example.com")
    served.start()
    before = sorted(os.listdir(served.directory))
    result = request(served, acme, "--missing")
    assert result.returncode == 1 and "'../example.com' is not a host name" in result.stderr
    assert "example.org: new certificate" in result.stdout
    assert [name for name in os.listdir(served.directory) if name not in (*before, "acme")] == []
    assert not file_of(served, "example.com").exists()
