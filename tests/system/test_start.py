"""How mailconfd starts, and how it says that it cannot."""
import os
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile

import pytest

from daemon import PATIENCE


@pytest.fixture
def good(daemon):
    daemon.setup(
        ["domain", "add", "example.org", "imaps://imap.example.org", "submissions://smtp.example.org"]
    )
    return daemon


def run(daemon, *arguments):
    daemon.write_settings()
    return subprocess.run(
        daemon.command(*arguments), capture_output=True, text=True, check=False, timeout=PATIENCE
    )


def fails(daemon, status, *words, also_check=True):
    """Both the start and --check-config end with the status and one sentence that has the words."""
    for arguments in ((), ("--check-config",)) if also_check else ((),):
        result = run(daemon, *arguments)
        assert result.returncode == status, result.stderr
        lines = result.stderr.splitlines()
        assert len(lines) == 1, result.stderr
        for word in words:
            assert str(word) in lines[0]


def test_check_config_is_good(good):
    result = run(good, "--check-config")
    assert result.returncode == 0
    assert "is good" in result.stdout
    assert result.stderr == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_check_config_says_that_it_is_root(good):
    words = "checked as root"
    assert words in run(good, "--check-config").stdout
    directory = pathlib.Path(tempfile.mkdtemp())  # which others can enter
    shutil.copytree(good.directory, directory / "copy")
    subprocess.run(["chown", "-R", "nobody:", directory], check=True)
    (directory / "mailconfd.conf").write_text(good.config.read_text().replace(str(good.directory), f"{directory}/copy"))
    command = [good.build / "src" / "mailconfd", "--config", directory / "mailconfd.conf", "--check-config"]
    try:
        checked = subprocess.run(command, capture_output=True, text=True, check=False, user="nobody", group="nogroup")
    except PermissionError:
        pytest.skip("nobody may run the program where it lies")
    finally:
        shutil.rmtree(directory)
    assert checked.returncode == 0 and words not in checked.stdout, checked.stderr


def test_no_certificate(good):
    (good.directory / "certificates" / "main.pem").unlink()
    fails(good, 1, good.directory / "certificates" / "*.pem")


def test_key_of_another_certificate(good):
    good.add_certificate("other", "other.example.org")
    main = good.directory / "certificates" / "main.pem"
    other = (good.directory / "certificates" / "other.pem").read_text()
    certificate, mark, _ = main.read_text().partition("-----BEGIN PRIVATE KEY-----")
    assert mark
    main.write_text(certificate + mark + other.partition(mark)[2])
    (good.directory / "certificates" / "other.pem").unlink()
    fails(good, 1, main, "key")


def test_default_certificate_that_is_not_there(good):
    good.settings["tls"]["default-certificate"] = "absent.invalid"
    fails(good, 1, "absent.invalid")


def test_no_database(good):
    good.settings["database"]["file"] = good.directory / "absent.db"
    fails(good, 1, good.directory / "absent.db")


def test_no_directory_of_the_database(good):
    good.settings["database"]["file"] = good.config / "mailconfd.db"
    fails(good, 1, good.config / "mailconfd.db", "Not a directory")


def test_database_of_a_newer_version(good):
    with sqlite3.connect(good.settings["database"]["file"]) as database:
        database.execute("PRAGMA user_version = 99")
    fails(good, 1, good.settings["database"]["file"], "version 99")


def test_not_a_database(good):
    good.settings["database"]["file"] = good.config
    fails(good, 1, good.config)


def test_port_taken(good, tmp_path):
    good.start()
    fails(good, 1, f"127.0.0.1:{good.port}", "in use", also_check=False)


def test_too_few_descriptors(good):
    """Rather than to find out when clients come, and then wait for descriptors in a busy loop."""
    good.settings["server"]["threads"] = "32"
    good.descriptors = 300
    fails(good, 1, "32 threads", "open files", also_check=False)


def test_bad_template(good):
    templates = good.directory / "templates"
    templates.mkdir()
    good.settings["templates"]["directory"] = templates
    file = templates / "outlook.xml"
    for source, word in (
        ("<a>{{#person}}</a>", "person"),
        ("<a>{{persn}}</a>", "persn"),
        ("<a>{{person}}</b>", "well-formed"),
        ("<a>\n{{{person}}}</a>", "outlook.xml:2"),
        ("<!DOCTYPE a><a/>", "DOCTYPE"),
    ):
        file.write_text(source)
        fails(good, 1, file, word)
    file.rename(templates / "outlok.xml")
    fails(good, 1, "outlok.xml", "outlook.xml")


def test_template_overrides_the_built_in_one(good):
    templates = good.directory / "templates"
    templates.mkdir()
    good.settings["templates"]["directory"] = templates
    (templates / "autoconfig.xml").write_text("<mine>{{domain}}</mine>\n")
    good.start()
    assert good.get("/mail/config-v1.1.xml").body == b"<mine>example.org</mine>\n"


def test_settings(good):
    good.write_settings()
    with open(good.config, "a", encoding="utf-8") as out:
        out.write("unknown-key = 1\n")
    lines = len(good.config.read_text().splitlines())
    for arguments in ((), ("--check-config",)):
        result = subprocess.run(
            good.command(*arguments), capture_output=True, text=True, check=False, timeout=PATIENCE
        )
        assert result.returncode == 2
        assert f"{good.config}:{lines}: " in result.stderr
        assert "unknown-key" in result.stderr


def test_missing_settings_file(good):
    good.write_settings()
    good.config.rename(good.directory / "moved.conf")
    result = subprocess.run(
        good.command(), capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert result.returncode == 2
    assert str(good.config) in result.stderr


def test_usage(good):
    assert run(good, "--version").stdout.startswith("mailconfd ")
    assert "--check-config" in run(good, "--help").stdout
    assert run(good, "--nonsense").returncode == 2
    assert run(good, "one-too-many").returncode == 2
