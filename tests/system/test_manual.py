"""The manual says what there is: every setting, command, option, path and template."""
import re
import subprocess

import pytest

from conftest import ROOT

MAN = ROOT / "data" / "man"
PAGES = ["mailconfctl.1", "mailconfd-acme.7", "mailconfd-clients.7", "mailconfd.conf.5", "mailconfd.8"]


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
    source = (ROOT / "src" / "config" / "settings.c").read_text()
    keys = re.findall(r'\t\{ "\w+", "([\w-]+)", (.*?) \},\n', source, re.DOTALL)
    assert len(keys) == len(list(settings()))
    for key, rest in keys:
        entry = re.search(rf"\n     {key} = .*\n((?:             .*\n)+)", page).group(1)
        assert ("needs a restart" in entry) == ("needs_restart = true" in rest), key


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
        match = re.match(r"  ([a-z]+(?: [a-z]+)?)  ", line)
        if match:
            yield match.group(1).split()


def entries(page):
    """What the page says of each command, under all its synopses."""
    found = {}
    parts = re.split(r"^     mailconfctl ([a-z]+)(?: (add|set|list|show|remove|enable|disable|request|renew)\b)?",
                     page.partition("\n   Providers\n")[2].partition("\nOUTPUT\n")[0],
                     flags=re.MULTILINE)
    for family, verb, text in zip(parts[1::3], parts[2::3], parts[3::3]):
        name = (family, verb) if verb else (family,)
        found[name] = found.get(name, "") + text
    return found


def test_commands_and_options_are_described(build):
    page = entries(rendered("mailconfctl.1"))
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
    assert len(options) == 4
    for option in options:
        assert f"\n     --{option}" in page


def test_manual_has_no_command_that_is_not_there(build):
    assert set(entries(rendered("mailconfctl.1"))) == {tuple(words) for words in commands(build)}


def test_schemes_are_described():
    page = rendered("mailconfctl.1")
    source = (ROOT / "src" / "mail" / "service.c").read_text()
    schemes = re.findall(r'\{ "([a-z0-9+]+)", SERVICE_\w+, SECURITY_\w+, (\d+)', source)
    assert len(schemes) > 10
    for name, port in schemes:
        assert re.search(rf"^ .*(?<![\w+]){re.escape(name)}(?![\w+]).* {port} ", page, re.MULTILINE), name


def test_paths_and_templates_are_described():
    page = rendered("mailconfd.8")
    source = (ROOT / "src" / "protocol" / "routes.c").read_text()
    routes = re.findall(r'\{ "(/[^"]+)", (?:"([A-Z, ]+)"|NULL)', source)
    assert len(routes) == source.count('{ "/')
    for path, methods in routes:
        variable = "[A-Z]+" if path.endswith("/") else ""
        assert re.search(rf"^ +{re.escape(path)}{variable} +{methods or 'any'} ", page, re.MULTILINE), path
    names = [file.name for file in (ROOT / "templates").iterdir()]
    assert names
    for name in names:
        assert has_word(page, name), name


def test_error_codes_and_outcomes_are_described():
    page = rendered("mailconfd.8")
    codes = re.findall(r'\{ "(\d{3})", "', (ROOT / "src" / "protocol" / "autodiscover.c").read_text())
    assert len(codes) == 5
    for code in codes:
        assert re.search(rf"^ +{code}  ", page, re.MULTILINE), code
    for source in ("protocol/protocol.c", "http/exchange.c", "http/answer.c"):
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
