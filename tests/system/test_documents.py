"""What the golden folders say is answered, read by strict readers that are not ours."""
import datetime
import json
import os
import pathlib
import re
import subprocess
from xml.etree import ElementTree

import pytest

from daemon import Response

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"
TEST_DATA = os.environ.get("MAILCONFD_TEST_DATA")

needs_schema = pytest.mark.skipif(
    not TEST_DATA, reason="MAILCONFD_TEST_DATA is not set: there is no schemas/autoconfig.rng to hold documents against"
)


def responses(condition):
    """The golden folders whose answer fits, as (folder, answer)."""
    found = []
    for file in sorted(GOLDEN.rglob("response.http")):
        response = Response(file.read_bytes())
        if condition(response):
            found.append(pytest.param(response, id=str(file.parent.relative_to(GOLDEN))))
    return found


AUTOCONFIG = responses(lambda response: b"<clientConfig" in response.body)
JSON = responses(
    lambda response: response.headers["content-type"].startswith("application/json")
    and "access-control-allow-origin" not in response.headers  # PACC has tests of its own
)


ERRORS = responses(lambda response: b"<ErrorCode>" in response.body)


def validate(document, tmp_path):
    file = tmp_path / "document.xml"
    file.write_bytes(document)
    schema = pathlib.Path(TEST_DATA) / "schemas" / "autoconfig.rng"
    return subprocess.run(
        ["xmllint", "--noout", "--nonet", "--relaxng", schema, file], capture_output=True, text=True, check=False
    )


def test_there_are_documents():
    assert len(AUTOCONFIG) > 30 and len(JSON) > 10 and len(ERRORS) > 10


@needs_schema
@pytest.mark.parametrize("response", AUTOCONFIG)
def test_autoconfig_is_valid(response, tmp_path):
    result = validate(response.body, tmp_path)
    assert result.returncode == 0, result.stderr


@needs_schema
@pytest.mark.parametrize("right, wrong", [(b"<port>993<", b"<port>imaps<"), (b' id="', b' name="'), (b"clientConfig", b"config")])
def test_schema_refuses(right, wrong, tmp_path):
    """Or the test above would say nothing."""
    document = AUTOCONFIG[0].values[0].body
    assert right in document
    assert validate(document.replace(right, wrong), tmp_path).returncode != 0


def pairs(text):
    """JSON whose keys may stand once, in the order in which they stand."""

    def check(members):
        assert len({key for key, _ in members}) == len(members)
        return members

    return json.loads(text.decode("utf-8"), object_pairs_hook=check)


@pytest.mark.parametrize("response", JSON)
def test_json_has_its_keys(response):
    members = pairs(response.body)
    keys = [key for key, _ in members]
    assert all(isinstance(value, str) and value for _, value in members)
    if response.status == 200:
        assert keys == ["Protocol", "Url"]
        assert dict(members)["Url"].startswith("https://")
    else:
        assert response.status == 400
        assert keys == ["ErrorCode", "ErrorMessage"]
        assert "@" not in response.body.decode() and "<" not in response.body.decode()
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("response", ERRORS)
def test_errors_of_autodiscover_have_the_types_of_their_schema(response):
    """Outlook ignores a document whose Time is not an xs:time or whose Id is not an unsignedInt."""
    error, = (element for element in ElementTree.fromstring(response.body).iter() if element.tag.endswith("}Error"))
    time, _ = re.fullmatch(r"(\d\d:\d\d:\d\d)(\.\d+)?", error.get("Time")).groups()
    datetime.time.fromisoformat(time)
    assert error.get("Id").isdecimal() and int(error.get("Id")) < 2**32
    code, message, *rest = error
    assert code.tag.endswith("}ErrorCode") and code.text in ("500", "600", "601", "602", "603")
    assert message.tag.endswith("}Message") and message.text
