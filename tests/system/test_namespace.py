"""The tests' own network: no port of the machine keeps a test from running."""
import os
import socket
import subprocess

import pytest

import world


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may create a network namespace")
def test_all_ports_are_free():
    if subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine allows no network namespaces")
    assert [name for _, name in socket.if_nameindex()] == ["lo"]
    for port in world.PORTS:
        socket.create_server(("0.0.0.0", port)).close()
