"""Words that readers of the project's texts stumble over: archaic, vague or translated."""
import ast
import io
import re
import subprocess
import tokenize

import pytest

from conftest import ROOT

# A pattern, and what to write instead. There is no legitimate use in this project.
WORDS = {
    r"mend(s|ed|ing)?": "fix",
    r"anew": "again, recreate",
    r"whom|whomever|whoever": "name the actor",
    r"(send|sends|sending|sent) (clients |them |people |whoever |you )?on( to)?(?= |$)(?! (port|behalf|a |the network))": "redirect",
    r"belongs? into": "belongs in",
    r"the while": "meanwhile, during this",
    r"a hand\b(?!-)|by hand(?= has| into)": "manually, directly",
    r"to be had": "available",
    r"leads? (here|elsewhere|to this server|to us)": "resolves to this server",
    r"spoil(s|ed|t)?": "invalid, corrupted",
    r"(keep|keeps|kept) back": "withhold",
    r"(?<!there )is no(?= (?!longer|more|less|newer|later|earlier|other|such))": "is not a, is invalid",
    r"no good": "invalid",
    r"what it has": "name the thing",
    r"shall": "must, should, will",
    r"to no avail|hither|thereof|wherein|herein|thereby|whence|hence": "plain words",
    r", for (it|they|he|she|there|nothing|nobody|otherwise|no)": "because",
    r"says? no": "rejects, returns an error",
    r"told apart|tells? apart": "distinguish",
    r"sees? to it": "ensures",
    r"strangers?": "other client, attacker",
    r"who asks|what is asked": "the client, the request",
    r"copy away": "back up",
    r"give(s)? away": "reveal",
    r"in a circle|circles": "redirect loop",
    r"as it were|so to speak": "",
    r"be it": "",
}
# Tests may have these, the product not.
WORDS_OF_TESTS = {
    r"kin": "and similar ones, or name them",
    r"(?<!, )(?<!\.Cm )nobody(?! *[,|'\"])": "no user, no client, none",
    r"ought": "should",
    r"for ever": "forever, without a limit",
    r"blanks": "spaces, whitespace",
    r"(is|are|be|been|was|were|not) told": "gets, reads, learns",
    r"(but|save) for(?= (the|its|their|those|what|a|an|one|that|two|names))": "except",
    r"goes on\b|go on\b": "continues",
    r"means nothing|make nothing of": "is invalid, cannot use",
    r"(no|a|the) good (certificate|name|one|answer)": "valid",
    r"stands? (in|at|beside|below|there|alone)": "is",
}
ALL_WORDS = WORDS | WORDS_OF_TESTS
INSTEAD = {f"w{number}": instead for number, instead in enumerate(ALL_WORDS.values())}
PATTERN = re.compile("|".join(rf"(?P<w{number}>\b(?:{word}))(?!\w)" for number, word in enumerate(ALL_WORDS)), re.IGNORECASE)


def texts_of_c(text):
    """(line, text) of comments and string literals. Neighbouring literals are one text."""
    token = re.compile(r'/\*.*?\*/|//[^\n]*|(?:"(?:[^"\\\n]|\\.)*"(?:\s|\\\n)*)+|\'(?:[^\'\\\n]|\\.)+\'', re.DOTALL)
    for match in token.finditer(text):
        found = match.group()
        if found.startswith("'"):
            continue
        if found.startswith('"'):
            found = re.sub(r'"\s*"', "", found).replace("\\n", " ")
        yield text.count("\n", 0, match.start()) + 1, re.sub(r"\s+(?:\* )?", " ", found)


def texts_of_python(text):
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node):
            yield node.body[0].lineno, re.sub(r"\s+", " ", ast.get_docstring(node))


def texts_of_lines(text):
    """Two lines each, because a phrase may go on in the next one."""
    lines = text.split("\n")
    for number, (line, following) in enumerate(zip(lines, [*lines[1:], ""]), 1):
        yield number, f"{line} {following.lstrip(' #-;')}"


def findings(path):
    """What is wrong, as FILE:LINE: WORD: what to write instead."""
    text = path.read_text(encoding="utf-8")
    split = {".c": texts_of_c, ".h": texts_of_c, ".py": texts_of_python}.get(path.suffix, texts_of_lines)
    for line, sentence in split(text):
        for match in PATTERN.finditer(sentence):
            is_test = path.is_relative_to(ROOT / "tests")
            if is_test and int(match.lastgroup[1:]) >= len(WORDS):
                continue
            if split is not texts_of_lines or match.start() < len(text.split("\n")[line - 1]):
                yield f"{path.relative_to(ROOT)}:{line}: '{match.group()}': {INSTEAD[match.lastgroup]}"


def files():
    for pattern in ("*.md", "meson.build", "data/mailconfd.conf", "data/man/*", "data/schema/*", "packaging/**/*", "src/**/*.[ch]",
                    "src/meson.build", "src/**/*.py", "templates/*", "tests/**/*.py", "tests/**/*.[ch]", "tests/**/*.sh",
                    "tests/golden/*.md", ".ci/run"):
        for path in sorted(ROOT.glob(pattern)):
            is_licence = path.name in ("copyright", "LICENSE")
            if path.is_file() and path.suffix not in (".svg", ".pyc") and path.name != "test_words.py" and not is_licence:
                yield path


def test_words():
    found = [finding for path in files() for finding in findings(path)]
    assert not found, "\n".join(found)


def test_help(build):
    """Texts that the programs put together."""
    help_of = [[build / "src" / "mailconfd"], [build / "src" / "mailconfctl"]]
    out = subprocess.run([build / "src" / "mailconfctl", "--help"], check=True, capture_output=True, text=True).stdout
    commands = re.findall(r"^  ([a-z][a-z-]*(?: [a-z0-9-]+)?)  ", out, re.MULTILINE)
    assert len(commands) > 20
    help_of += [[build / "src" / "mailconfctl", *command.split()] for command in commands]
    found = []
    for words in help_of:
        out = subprocess.run([*words, "--help"], check=True, capture_output=True, text=True).stdout
        found += [f"{' '.join(map(str, words[1:]))}: {match.group()}" for match in PATTERN.finditer(re.sub(r"\s+", " ", out))]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("text, suffix, words", [
    ('/* It is sent\n * on to him. */ int mend; char *a = "made " "anew\\n";', ".c", ["sent on to", "anew"]),
    ('"""Whom."""\nwhom = "mend"  # spoiled\n', ".py", ["spoiled", "Whom"]),
    ("There is no reason, recommend it.\n.Li x is\nno name, for it is not.\n", ".7", ["is no", ", for it"]),
])
def test_where_words_are_found(tmp_path, monkeypatch, text, suffix, words):
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    path = tmp_path / f"text{suffix}"
    path.write_text(text)
    assert [re.search("'(.*)'", finding).group(1) for finding in findings(path)] == words
