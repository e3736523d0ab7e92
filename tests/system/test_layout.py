"""The layout of src/: folders depend in one direction, no two files need each other, names exist once."""
import collections
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
SRC = ROOT / "src"

# A folder includes headers of its own and of those before it.
FOLDERS = ["util", "mail", "tls", "config", "store", "template", "dns", "protocol", "observe", "import", "answer", "http",
           "doctor", "admin", "daemon", "acme", "cli", "cli/commands"]


def files():
    return sorted(SRC.glob("**/*.[ch]"))


def module(path):
    """A .c file and its header."""
    return str(path.relative_to(SRC).with_suffix(""))


def folder(name):
    parts = name.split("/")
    return "/".join(parts[:-1]) if parts[:2] == ["cli", "commands"] else parts[0]


def dependencies():
    found = collections.defaultdict(set)
    for file in files():
        for included in re.findall(r'^#include "([\w/-]+)\.h"', file.read_text(), re.MULTILINE):
            if included != module(file):
                found[module(file)].add(included)
    return found


def test_folders_depend_in_one_direction():
    assert {folder(module(file)) for file in files()} == set(FOLDERS)
    wrong = [f"{name} includes {included}.h" for name, needed in dependencies().items() for included in needed
             if FOLDERS.index(folder(included)) > FOLDERS.index(folder(name))]
    assert not wrong


def reachable(needed, start):
    found, waiting = set(), list(needed[start])
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(needed.get(name, ()))
    return found


def test_no_two_files_need_each_other():
    needed = dependencies()
    assert not [name for name in list(needed) if name in reachable(needed, name)]


def symbols(build):
    """(object file, kind, name) of each function and variable."""
    objects = sorted((build / "src").glob("libmailconf.a.p/*.o"))
    assert len(objects) > 100
    listing = subprocess.run(["nm", "-A", "--defined-only", *objects], capture_output=True, text=True, check=True).stdout
    for line in listing.splitlines():
        file, _, rest = line.partition(":")
        kind, name = rest.split()[-2:]
        if not name.startswith((".", "__")):
            yield pathlib.Path(file).name, kind, re.sub(r"\.\w+(\.\d+)*$", "", name)


def test_public_names_exist_once(build):
    public, private = {}, collections.defaultdict(set)
    for file, kind, name in symbols(build):
        if kind in "TDBR":
            public[name] = file
        else:
            private[name].add(file)
    again = {name: sorted(private[name] - {file}) for name, file in public.items() if private[name] - {file}}
    assert not again


def test_public_types_exist_once():
    found = collections.defaultdict(set)
    for file in files():
        for name in re.findall(r"^(?:static (?:const )?)?(?:struct|enum|union) (\w+) \{", file.read_text(), re.MULTILINE):
            found[name].add(str(file.relative_to(ROOT)))
    again = {name: sorted(where) for name, where in found.items() if len(where) > 1 and any(x.endswith(".h") for x in where)}
    assert not again


def test_names_do_not_hide_those_of_libc(build):
    listing = subprocess.run(["sh", "-c", "nm -D --defined-only \"$(ldd \"$1\" | awk '/libc\\.so/ { print $3 }')\"", "sh",
                              build / "src" / "mailconfd"], capture_output=True, text=True, check=True).stdout
    libc = {line.split()[-1].partition("@")[0] for line in listing.splitlines()}
    assert {"printf", "wait"} <= libc
    assert not {name for _, kind, name in symbols(build) if kind in "Tt" and name in libc}


def test_static_functions_say_what_they_do(build):
    vague = {"fail", "take", "add", "refuse", "say", "tell", "give", "report", "answer", "explain", "note", "look", "put"}
    assert not {(file, name) for file, kind, name in symbols(build) if kind == "t" and name in vague}
