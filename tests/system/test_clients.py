"""Every client comes to the same settings from our documents, whichever of them it reads.

The models of tests/clients ask a real daemon in their own ways about random providers, and about
those of the public provider database where MAILCONFD_TEST_DATA has it.
"""
import collections
import os
import pathlib
import subprocess

import pytest

from clients import database, extras, generator, ispdb, limits, thunderbird
from clients.client import AUTOCONFIG_PATH, Question, Refused
from daemon import Daemon

SEED = 20261122


class Asker:
    """Sends requests over one connection. The Host is not the SNI, which is allowed;
    thousands of certificates would tell no more."""

    def __init__(self, daemon):
        self.connection = daemon.connect()

    def ask(self, questions):
        """Sends all, then receives the answers."""
        self.connection.send(b"".join(question.bytes() for question in questions))
        return {question: self.connection.receive() for question in questions}

    def close(self):
        self.connection.close()


def reading(reader, document, address):
    try:
        return reader.read(document, address)
    except Refused:
        return "refused"


def expectation(reader, case, note):
    try:
        return limits.expect(reader, case, note)
    except Refused:
        return "refused"


def make_database(daemon):
    """An empty one; the first command that changes anything makes it."""
    daemon.ctl("provider", "add", "first")
    daemon.ctl("provider", "remove", "first")


@pytest.fixture
def serve(tmp_path_factory, authority, build):
    """Serves domains; with the means to ask."""
    running = []

    def start(domains):
        daemon = Daemon(tmp_path_factory.mktemp("clients"), authority, build)
        # Between two questions the models read documents, which takes long on a busy machine.
        daemon.settings["limits"]["idle-timeout"] = "600s"
        make_database(daemon)
        database.write(daemon.settings["database"]["file"], domains)
        running.append((daemon, Asker(daemon.start())))
        return running[-1][1]

    yield start
    for daemon, asker in running:
        asker.close()
        daemon.stop()


def found_in(reader, answer, address):
    """What the reader makes of the answer to its question."""
    if not reader.accepts(answer.status, answer.headers["content-type"]):
        return f"status {answer.status}"
    return reading(reader, answer.body, address)


def differences(asker, domain, note):
    asked = {
        (reader, address): reader.ask(address)
        for reader in limits.READERS
        for address in domain.addresses
    }
    answers = asker.ask(tuple(dict.fromkeys(asked.values())))
    cases = {address: generator.Case(domain, address) for address in domain.addresses}
    for (reader, address), question in asked.items():
        expected = expectation(reader, cases[address], note)
        found = found_in(reader, answers[question], address)
        if found != expected:
            yield f"{reader.name}, {address}:\n{found} instead of\n{expected}\n{domain}"


def fail_if_any(wrong):
    if wrong:
        readers = collections.Counter(text.partition(",")[0] for text in wrong)
        pytest.fail(f"{dict(readers)}; first:\n" + "\n\n".join(wrong[:3]), pytrace=False)


# A few dozen do not show every limit.
@pytest.mark.parametrize("count", [200, pytest.param(2000, marks=pytest.mark.soak)])
def test_random_providers(serve, count):
    domains = list(generator.Generator(SEED).domains(count))
    asker = serve(domains)
    shown, wrong = set(), []
    for domain in domains:
        wrong.extend(differences(asker, domain, lambda *pair: shown.add(pair)))
    fail_if_any(wrong)
    known = {(limit, reader) for limit in limits.EXPRESSIBLE for reader in limit.readers}
    never = [(limit.words, reader) for limit, reader in known - shown]
    assert not never, "limits that no provider shows"


def question_of(domain):
    """Without an address."""
    return Question("GET", f"autoconfig.{generator.a_labels(domain.name)}", AUTOCONFIG_PATH)


# Enough to show each of the few things that a document says beside its servers.
DOCUMENTS = 150


@pytest.fixture
def documents(serve):
    """The autoconfig document of random providers for requests without an address."""
    domains = list(generator.Generator(SEED).domains(DOCUMENTS))
    asker = serve(domains)
    answers = asker.ask([question_of(domain) for domain in domains])
    return [(domain, answers[question_of(domain)].body) for domain in domains]


def test_what_is_said_beside_servers(documents):
    seen = collections.Counter()
    for domain, document in documents:
        said = domain.provider.extras
        assert extras.read(document) == said, domain
        seen.update(name for name, value in said._asdict().items() if value)
        seen.update(link.kind for link in said.links)
    assert all(seen[name] > 20 for name in (*extras.Extras._fields, "documentation", "enable"))


def test_thunderbird_takes_wishes_for_pop3(documents):
    seen = set()
    for domain, document in documents:
        names = ("leaveMessagesOnServer", "daysToLeaveMessagesOnServer", "downloadOnBiff")
        wanted = [
            {
                name: value
                for name, value in zip(
                    names, (p.leave_on_server, p.leave_days, p.download_at_check) if p else ()
                )
                if value is not None
            }
            for p in domain.provider.extras.pop3
        ]
        assert list(thunderbird.pop3_of(document)) == wanted
        seen.update(pair for wishes in wanted for pair in wishes.items())
    assert len(seen) == 7


def test_random_documents_are_valid(documents, tmp_path):
    if "MAILCONFD_TEST_DATA" not in os.environ:
        pytest.skip("MAILCONFD_TEST_DATA is not set: there is no schemas/autoconfig.rng")
    schema = pathlib.Path(os.environ["MAILCONFD_TEST_DATA"]) / "schemas" / "autoconfig.rng"
    for number, (_, document) in enumerate(documents):
        (tmp_path / f"{number}.xml").write_bytes(document)
    result = subprocess.run(
        ["xmllint", "--noout", "--nonet", "--relaxng", schema, *tmp_path.glob("*.xml")],
        capture_output=True, text=True, check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr.count(" validates") == len(documents)


def test_both_ways_of_entering_agree(tmp_path, authority, build):
    """The rows that the other tests write are those that mailconfctl would have written."""
    domains = list(generator.Generator(SEED).domains(12))
    files = []
    for name in ("by-command", "by-row"):
        (tmp_path / name).mkdir()
        daemon = Daemon(tmp_path / name, authority, build)
        make_database(daemon)
        files.append(daemon.settings["database"]["file"])
        if name == "by-command":
            for domain in domains:
                daemon.setup(*database.commands(domain, domains))
        else:
            database.write(files[-1], domains)
    by_command, by_row = map(database.rows, files)
    assert by_command == by_row


@pytest.fixture
def provider_database():
    directory = pathlib.Path(os.environ.get("MAILCONFD_TEST_DATA", "")) / "ispdb"
    if "MAILCONFD_TEST_DATA" not in os.environ or not directory.is_dir():
        pytest.skip("MAILCONFD_TEST_DATA names no directory with the provider database, ispdb/")
    files = sorted(directory.glob("*.xml"))
    assert files
    return {file.name: ispdb.translate(file.read_bytes()) for file in files}


def test_provider_database(serve, provider_database, capsys):
    domains = [translation.domain for translation in provider_database.values()]
    asker = serve(domains)
    wrong, not_held = [], collections.Counter()
    for file, translation in provider_database.items():
        domain = translation.domain
        not_held.update(translation.not_held)
        wrong.extend(differences(asker, domain, lambda *_: None))
        question = question_of(domain)
        said = extras.read(asker.ask((question,))[question].body)
        if said != domain.provider.extras:
            wrong.append(f"beside, {file}:\n{said} instead of\n{domain.provider.extras}")
        for reader in limits.AUTOCONFIG_READERS:
            for address in domain.addresses:
                question = reader.ask(address)
                ours = found_in(reader, asker.ask((question,))[question], address)
                original = reading(reader, translation.document, address)
                if ours != original:
                    wrong.append(f"{reader.name}, {file}:\n{ours} instead of\n{original}")
    fail_if_any(wrong)
    with capsys.disabled():
        print(f"\n{len(domains)} documents of the provider database; what no provider here holds:")
        for words, count in not_held.most_common():
            print(f"  {words}, in {count}")
