"""An answer's status, headers and form are the same for users that exist and for others: hundreds of each, over
TLS; 10,000 of each in the group 'soak'. How long each answer took is printed (pytest -rP)."""
import pytest

import known

COUNT = 500

each_document = pytest.mark.parametrize("document", known.DOCUMENTS, ids=lambda it: it.__name__)


def ask_all(daemon, document, count, domain=known.DOMAIN):
    """Returns the head of all answers, and how often they had the login."""
    times = {known.KNOWN: [], known.UNKNOWN: []}
    forms, logins = {}, 0
    for answer in known.ask_in_turns(daemon, document, count, domain):
        times[answer.kind].append(answer.micros)
        forms.setdefault((answer.head, answer.body), set()).add(answer.kind)
        logins += answer.has_login
    print(f"{document.__name__}, {domain}, microseconds until an answer is there:")
    for row in known.table(times):
        print("".join(cell.rjust(11) for cell in row))
    # One form, that of both kinds. All forms together would take pytest minutes to compare.
    assert len(forms) == 1, f"{len(forms)} forms, among them {list(forms)[:2]}"
    assert list(forms.values()) == [{known.KNOWN, known.UNKNOWN}]
    return next(iter(forms))[0], logins


@pytest.mark.parametrize("count", [COUNT, pytest.param(10000, marks=pytest.mark.soak)])
@pytest.mark.parametrize("domain", [known.DOMAIN, known.ALIAS])
@each_document
def test_only_the_login_differs(daemon, document, domain, count):
    known.fill(daemon, count)
    daemon.start()
    head, logins = ask_all(daemon, document, count, domain)
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert logins == (0 if document == known.mobilesync else count)


@pytest.mark.parametrize("unknown_users", ["pattern", "refuse"])
@each_document
def test_logins_that_are_kept_back_leave_no_trace(daemon, document, unknown_users):
    options = ("--send-logins-to=nobody", f"--unknown-users={unknown_users}")
    known.fill(daemon, COUNT, *options)
    known.give_everybody_a_provider(daemon, *options)
    daemon.start()
    _, logins = ask_all(daemon, document, COUNT)
    assert logins == 0
