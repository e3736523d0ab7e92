"""packaging/try.sh passes its own checks, and prints documents only on request."""
import os
import subprocess
import xml.etree.ElementTree

from conftest import ROOT
from daemon import free_port


def run_try(build, *options):
    result = subprocess.run([ROOT / "packaging" / "try.sh", "--port", str(free_port()), "--once", *options],
                            env={**os.environ, "MAILCONFD_BUILD": str(build)}, check=False, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.endswith("\nAll checks passed.\n") and "FAILED" not in result.stdout
    return result.stdout


def test_requests_and_verdicts(build):
    out = run_try(build)
    assert "\n== Outlook, first.last@example.org\n" in out
    assert out.count("\n   ok      ") > 15
    assert "<?xml" not in out and "HTTP status" not in out


def test_picture_shows_the_output(build):
    lines = run_try(build).splitlines() + ["$ ./packaging/try.sh", "..."]
    picture = xml.etree.ElementTree.parse(ROOT / "packaging" / "try.svg")
    shown = ["".join(text.itertext()) for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert len(shown) > 15 and [line for line in shown if line not in lines] == []


def test_documents_with_verbose(build):
    out = run_try(build, "--verbose")
    assert "<EMailAddress>first.last@example.org</EMailAddress>" in out
    assert "<LoginName>a4711</LoginName>" in out and out.count("\nHTTP status 200\n") > 8
