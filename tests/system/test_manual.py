"""The manual says what there is: every setting, command, option, path and template."""
import json
import re
import shlex
import subprocess

import pytest

from conftest import ROOT

MAN = ROOT / "data" / "man"
PAGES = ["mailconfctl.1", "mailconfd-acme.7", "mailconfd-clients.7", "mailconfd-operating.7", "mailconfd.conf.5",
         "mailconfd.8"]


def rendered(page):
    """The page as a terminal shows it, on lines that are long enough for everything."""
    text = subprocess.run(
        ["mandoc", "-Tascii", "-Owidth=300", MAN / page], capture_output=True, text=True, check=True
    ).stdout
    return re.sub(".\b", "", text)


def has_word(text, word):
    return re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text) is not None


@pytest.mark.parametrize("page", PAGES)
def test_page_is_clean(page):
    result = subprocess.run(
        ["mandoc", "-Tlint", "-Wwarning", MAN / page], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout) == (0, "")


def settings():
    """What data/mailconfd.conf sets: (section, key, value)."""
    section = None
    for line in (ROOT / "data" / "mailconfd.conf").read_text().splitlines():
        if line.startswith("["):
            section = line.strip()
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            yield section, key.strip(), value.strip()


def test_settings_are_described():
    page = rendered("mailconfd.conf.5")
    known = list(settings())
    assert len(known) > 10
    for section, key, value in known:
        assert f"\n     {section}\n" in page
        after = page.partition(f"\n     {section}\n")[2]
        entry = re.search(rf"\n     {key} = .*\n((?:             .*\n)+)", after)
        assert entry, f"{section} {key} is not in mailconfd.conf(5)"
        default = re.search(r"\(([^()]*)\)\n$", entry.group(1))
        assert default, f"{section} {key} has no default in mailconfd.conf(5)"
        assert default.group(1) == value or not value and default.group(1).startswith("empty: ")


def test_restarts_are_described():
    page = rendered("mailconfd.conf.5")
    source = (ROOT / "src" / "config" / "keys.c").read_text()
    keys = re.findall(r'\t\{ "\w+", "([\w-]+)", ([^\n]+,\s+[A-Z_]+\(.*?) \},\n', source, re.DOTALL)
    assert len(keys) == len(list(settings()))
    for key, rest in keys:
        entry = re.search(rf"\n     {key} = .*\n((?:             .*\n)+)", page).group(1)
        assert ("needs a restart" in " ".join(entry.split())) == ("needs_restart = true" in rest), key


def ctl(build, *words):
    return subprocess.run(
        [build / "src" / "mailconfctl", *words], capture_output=True, text=True, check=True
    ).stdout


def options_in(text):
    """(option, its value or "") as help lists them."""
    return re.findall(r"^  --([\w-]+)(?: ([A-Z][^ ]*|\w+\|[\w|]+))?(?=  |$)", text, re.MULTILINE)


def commands(build):
    """Each command as its words."""
    for line in ctl(build, "--help").splitlines():
        match = re.match(r"  ([a-z-]+(?: [a-z0-9-]+)?)  ", line)
        if match and not match.group(1).startswith("-"):
            yield match.group(1).split()


def families(build):
    return {words[0] for words in commands(build)}


def test_help_has_examples_that_are_right(build):
    """Of everything; and the commands in them are understood."""
    pages = [[], *([family] for family in families(build)), *commands(build)]
    for words in pages:
        text = ctl(build, *words, "--help")
        lines = re.search(r"\nExamples?:\n((?:  .*\n)+)", text).group(1).replace("\\\n", " ").splitlines()
        examples = [shlex.split(line) for line in lines]
        examples = [example for example in examples if example[0] == "mailconfctl"]
        assert examples, words
        for example in examples:
            example = example[:example.index("|")] if "|" in example else example
            assert all(word in example for word in words)
            ctl(build, "--help", *example[1:])
    text = subprocess.run([build / "src" / "mailconfd", "--help"], capture_output=True, text=True, check=True).stdout
    assert "\nExamples:\n  mailconfd " in text


def test_each_family_has_a_worked_example(build):
    page = rendered("mailconfctl.1").partition("\nEXAMPLES\n")[2].partition("\nDIAGNOSTICS\n")[0]
    for family in families(build):
        assert re.search(rf" \$ mailconfctl {family}\s", page), family


def entries(build, page):
    """What the page says of each command, under all its synopses."""
    single = {words[0] for words in commands(build) if len(words) == 1}
    found = {}
    parts = re.split(r"^     mailconfctl ([a-z-]+)(?: ([a-z0-9-]+))?(?=\s)",
                     page.partition("\n   Providers\n")[2].partition("\nOUTPUT\n")[0],
                     flags=re.MULTILINE)
    for family, verb, text in zip(parts[1::3], parts[2::3], parts[3::3]):
        name = (family, verb) if verb and family not in single else (family,)
        found[name] = found.get(name, "") + text
    return found


def test_commands_and_options_are_described(build):
    page = entries(build, rendered("mailconfctl.1"))
    known = list(commands(build))
    assert ["user", "add"] in known and ["preview"] in known and len(known) > 20
    general = {option for option, _ in options_in(ctl(build, "--help"))}
    assert "json" in general
    for words in known:
        assert tuple(words) in page, f"{' '.join(words)} is not in mailconfctl(1)"
        text = page[tuple(words)]
        if "options are those of provider add" in text:
            text += page[("provider", "add")]
        for option, _ in options_in(ctl(build, *words, "--help")):
            if option not in general:
                assert has_word(text, f"--{option}"), f"{' '.join(words)} --{option}"


def test_general_options_are_described(build):
    page = rendered("mailconfctl.1")
    for option, value in options_in(ctl(build, "--help")):
        assert f"\n     --{option}{value and ' ' + value}" in page
    page = rendered("mailconfd.8")
    text = subprocess.run(
        [build / "src" / "mailconfd", "--help"], capture_output=True, text=True, check=True
    ).stdout
    options = re.findall(r"^ +--([\w-]+)", text, re.MULTILINE)
    assert len(options) == 5
    for option in options:
        assert f"\n     --{option}" in page


def test_manual_has_no_command_that_is_not_there(build):
    assert set(entries(build, rendered("mailconfctl.1"))) == {tuple(words) for words in commands(build)}


def keys_in(value):
    """Of all objects, but for those whose keys are languages."""
    if isinstance(value, list):
        return set().union(*map(keys_in, value))
    if isinstance(value, dict):
        return set(value).union(*(keys_in(value[key]) for key in value if key != "texts"))
    return set()


def test_json_is_described(build, tmp_path):
    output = rendered("mailconfctl.1").partition("\nOUTPUT\n")[2].partition("\nFILES\n")[0]
    oauth2 = ["issuer", "auth-url", "token-url"]

    def run(*words):
        return json.loads(ctl(build, "--database", tmp_path / "mailconfd.db", "--json", *words))

    run("init")
    printed = [
        run("provider", "add", "p", "--display-name", "P", "--short-name", "P", "--public-name", "a.example.org",
            "--webmail", "https://example.org/", "--oauth2-scope", "mail",
            *(f"--oauth2-{name}=https://example.org/" for name in oauth2), "imaps://imap.example.org",
            "submissions://smtp.example.org"),
        run("service", "add", "p", "pop3s://pop.example.org", "--login", "%LOGIN%", "--leave-on-server", "yes",
            "--leave-days", "3", "--check-interval", "5", "--download-at-check", "yes"),
        run("link", "add", "p", "documentation", "https://example.org/", "--text", "en=Read this"),
        run("domain", "add", "example.org", "--provider", "p"),
        run("domain", "add", "example.net", "--alias-of", "example.org"),
        run("domain", "set", "example.net", "--moved-to", "example.com"),
        run("user", "add", "a@example.org", "a", "--name", "A", "--provider", "p"),
        run("user", "set", "a@example.org", "--moved-to", "a@example.com"),
        run("log-hash", "a@example.org"),
        run("preview", "autoconfig", "a@example.org", "--headers", "--explain", "--as", "geary"),
        run("provider", "show", "p"),
        *(run(family, "list") for family in ("provider", "domain", "user")),
        *(run(family, "list", "p") for family in ("service", "link")),
    ]
    keys = keys_in(printed)
    assert len(keys) > 40
    assert [key for key in sorted(keys) if not has_word(output, key)] == []


def test_schemes_are_described():
    page = rendered("mailconfctl.1")
    source = (ROOT / "src" / "mail" / "service.c").read_text()
    schemes = re.findall(r'\{ "([a-z0-9+]+)", SERVICE_\w+, SECURITY_\w+, (\d+)', source)
    assert len(schemes) > 10
    for name, port in schemes:
        assert re.search(rf"^ .*(?<![\w+]){re.escape(name)}(?![\w+]).* {port} ", page, re.MULTILINE), name


def protocols():
    """The sources of all documents."""
    return "".join(file.read_text() for file in sorted((ROOT / "src" / "protocol").glob("*.c")))


def test_paths_and_templates_are_described():
    page = rendered("mailconfd.8")
    source = protocols()
    routes = re.findall(r'\{ "(/[^"]+)", (?:"([A-Z, ]+)"|NULL)', source)
    assert len(routes) == source.count('{ "/')
    for path, methods in routes:
        variable = "[A-Z]+" if path.endswith("/") else ""
        assert re.search(rf"^ +{re.escape(path)}{variable} +{methods or 'any'} ", page, re.MULTILINE), path
    names = [file.name for file in (ROOT / "templates").iterdir()]
    assert names
    for name in names:
        assert has_word(page, name), name


def test_page_of_clients_knows_every_document():
    page = rendered("mailconfd-clients.7")
    # Of several paths to a document the first is the usual one.
    usual = re.findall(r'struct route \w+\[\] = \{\s+\{ "(/[^"]+)"', protocols())
    assert len(usual) > 6
    for path in usual:
        assert path in page, path


def test_error_codes_and_outcomes_are_described():
    page = rendered("mailconfd.8")
    codes = re.findall(r'\{ "(\d{3})", "', (ROOT / "src" / "protocol" / "autodiscover.c").read_text())
    assert len(codes) == 5
    for code in codes:
        assert re.search(rf"^ +{code}  ", page, re.MULTILINE), code
    for source in ("protocol/protocol.c", "http/request-handler.c", "answer/answer.c"):
        text = (ROOT / "src" / source).read_text()
        for outcome in re.findall(r'(?:FAILURE_\w+\] =|outcome =) "([a-z-]+)"', text):
            assert has_word(page, outcome), outcome


def test_findings_are_described():
    page = rendered("mailconfctl.1")
    source = (ROOT / "src" / "doctor" / "finding.c").read_text()
    kinds = re.findall(r'\{ "([a-z0-9-]+)", LEVEL_(\w+) \}', source)
    assert len(kinds) > 40
    for name, level in kinds:
        assert f"\n     {name} ({level.lower()})\n" in page, name
    described = re.findall(r"\n     ([a-z0-9-]+) \((?:ok|note|warning|problem)\)\n", page)
    assert sorted(described) == sorted(name for name, _ in kinds)
