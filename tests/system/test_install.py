"""What 'meson install' puts where, and which version it says."""
import os
import re
import shutil
import subprocess

import pytest

from conftest import ROOT

PREFIX = "usr/local"


@pytest.fixture(scope="module")
def installed(build, tmp_path_factory):
    directory = tmp_path_factory.mktemp("root")
    subprocess.run(["meson", "install", "-C", build, "--no-rebuild", "--quiet"],
                   env={**os.environ, "DESTDIR": str(directory)}, check=True, capture_output=True)
    return directory


def test_everything_is_where_it_belongs(installed):
    pages = {f"share/man/man{page.name[-1]}/{page.name}" for page in (ROOT / "data" / "man").iterdir()}
    documents = {f"share/doc/mailconfd/{name}" for name in
                 ("CHANGELOG.md", "HACKING.md", "LICENSE", "README.md", "SECURITY.md", "mailconfd.conf")}
    templates = {f"share/doc/mailconfd/templates/{file.name}" for file in (ROOT / "templates").iterdir()}
    units = {f"lib/systemd/system/{name}" for name in
             ("mailconfd.service", "mailconfd.socket", "mailconfd-http.socket", "mailconfd-renew.service",
              "mailconfd-renew.timer")}
    rest = {"sbin/mailconfd", "bin/mailconfctl", "share/mailconfd/hooks/deploy",
            "share/mailconfd/grafana/mailconfd.json",
            "share/bash-completion/completions/mailconfctl", "share/zsh/site-functions/_mailconfctl", "lib/sysusers.d/mailconfd.conf", "lib/tmpfiles.d/mailconfd.conf"}
    wanted = {f"{PREFIX}/{path}" for path in pages | documents | templates | units | rest}
    wanted.add("etc/mailconfd/mailconfd.conf")
    found = {str(path.relative_to(installed)) for path in installed.rglob("*") if path.is_file()}
    drop_in = f"{PREFIX}/lib/systemd/system/mailconfd.service.d/notify-reload.conf"
    assert found - {drop_in} == wanted


def test_an_admins_settings_stay(build, tmp_path):
    settings = tmp_path / "etc" / "mailconfd" / "mailconfd.conf"
    settings.parent.mkdir(parents=True)
    settings.write_text("# mine\n")
    subprocess.run(["meson", "install", "-C", build, "--no-rebuild", "--quiet"],
                   env={**os.environ, "DESTDIR": str(tmp_path)}, check=True, capture_output=True)
    assert settings.read_text() == "# mine\n"


@pytest.fixture
def tree(tmp_path):
    """A repository with one commit, in which there is what tells the version."""
    if not shutil.which("git"):
        pytest.skip("git is not installed")
    if "$Format:" not in (ROOT / "packaging" / "version.sh").read_text():
        pytest.skip("these files come from 'git archive', which has filled in the version")
    tree = tmp_path / "tree"
    (tree / "packaging").mkdir(parents=True)
    shutil.copy(ROOT / "packaging" / "version.sh", tree / "packaging")
    shutil.copy(ROOT / ".gitattributes", tree)
    git(tree, "init", "--quiet")
    commit(tree, "first")
    return tree


def git(tree, *words):
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "tag.gpgsign=false")
    return subprocess.run(["git", "-C", tree, *identity, *words], check=True, capture_output=True).stdout


def commit(tree, subject):
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--allow-empty", "--no-gpg-sign", "--message", subject)


def version(tree):
    return subprocess.run([tree / "packaging" / "version.sh"], check=True, capture_output=True,
                          text=True).stdout.rstrip("\n")


def archived(tree, tmp_path):
    """The version that a tarball says."""
    directory = tmp_path / "unpacked"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    subprocess.run(["tar", "-x", "-C", directory], input=git(tree, "archive", "HEAD"), check=True)
    return version(directory)


RELEASE = re.search(r"^release=(\S+)", (ROOT / "packaging" / "version.sh").read_text(), re.MULTILINE).group(1)


def test_version_of_a_tag(tree, tmp_path):
    git(tree, "tag", "-a", "-m", "release", "v4.5.6")
    assert version(tree) == archived(tree, tmp_path) == "4.5.6"
    commit(tree, "second")
    commit(tree, "third")
    assert re.fullmatch(r"4\.5\.6\+2\.g[0-9a-f]+", version(tree))
    assert version(tree) == archived(tree, tmp_path)
    shutil.rmtree(tree / ".git")
    assert version(tree) == RELEASE


def is_newer(version, than):
    """As apt compares them."""
    return subprocess.run(["dpkg", "--compare-versions", version, "gt", than], check=False).returncode == 0


def release(tree, number):
    script = tree / "packaging" / "version.sh"
    script.write_text(script.read_text().replace(f"\nrelease={version(tree).partition('+')[0]}\n", f"\nrelease={number}\n"))
    commit(tree, "release")


def test_each_version_is_newer_than_those_before(tree):
    """Also without a tag, and where the tags follow later."""
    assert version(tree) == RELEASE
    versions = [version(tree)]
    for number in "88.0.0", "88.0.1", "88.1.0":
        for _ in range(11):
            commit(tree, "next")
            versions.append(version(tree))
        release(tree, number)
        assert version(tree) == number
        if number == "88.1.0":
            git(tree, "tag", "-a", "-m", "release", f"v{number}")
        versions.append(version(tree))
    commit(tree, "next")
    versions.append(version(tree))
    assert re.fullmatch(r"88\.1\.0\+1\.g[0-9a-f]+", versions[-1])
    for earlier, later in zip(versions, versions[1:]):
        assert is_newer(later, earlier), f"{later} is not newer than {earlier}"


def test_package_source_contains_the_version(tree, tmp_path):
    """Without a tag, 'git archive' cannot count commits."""
    for name in "build-deb.sh", "debian/changelog":
        target = tree / "packaging" / name
        target.parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / "packaging" / name, target)
    commit(tree, "second")
    directory = subprocess.run([tree / "packaging" / "build-deb.sh", "--source", tmp_path / "source"], check=True,
                               capture_output=True, text=True).stdout.rstrip("\n")
    assert directory.endswith(f"/mailconfd-{version(tree)}") and "+1.g" in directory
    assert subprocess.run([f"{directory}/packaging/version.sh"], check=True, capture_output=True,
                          text=True).stdout == version(tree) + "\n"


def test_build_leaves_the_package_of_this_version_alone(tree, tmp_path):
    """README's 'apt install build-deb/mailconfd_*.deb' would take the older one of two."""
    for name in "build-deb.sh", "install-packages.sh":
        shutil.copy(ROOT / "packaging" / name, tree / "packaging")
    (tree / "packaging" / "debian").mkdir()
    shutil.copy(ROOT / "packaging" / "debian" / "changelog", tree / "packaging" / "debian")
    commit(tree, "second")
    programs = tmp_path / "programs"
    programs.mkdir()
    version_said = "version=$(sed -n '1s/.*(\\(.*\\)).*/\\1/p' debian/changelog)"
    for name, does in (("dpkg-query", "echo installed"), ("dpkg-checkbuilddeps", ":"), ("dpkg-buildpackage",
                       f"{version_said}; touch ../mailconfd_${{version}}_any.deb ../mailconfd-dbgsym_${{version}}_any.deb")):
        (programs / name).write_text(f"#!/bin/sh\n{does}\n")
        (programs / name).chmod(0o755)
    directory = tmp_path / "packages"
    for tag in "v4.5.6", "v4.5.7":
        git(tree, "tag", "-a", "-m", "release", tag)
        subprocess.run([tree / "packaging" / "build-deb.sh", directory], check=True, capture_output=True,
                       env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"})
        assert sorted(path.name for path in directory.iterdir()) == [
            f"mailconfd-dbgsym_{tag[1:]}_any.deb", f"mailconfd_{tag[1:]}_any.deb"]
        commit(tree, "next")


def test_programs_say_the_version(build):
    for program in "mailconfd", "mailconfctl":
        out = subprocess.run([build / "src" / program, "--version"], check=True, capture_output=True, text=True)
        assert re.fullmatch(rf"{program} \d+\.\d+\.\d+(\+\d+\.g[0-9a-f]+)?\n", out.stdout)


def test_container_settings_are_understood(build):
    """Its certificates and database are not here, but no line is wrong."""
    file = ROOT / "packaging" / "container" / "mailconfd.conf"
    result = subprocess.run([build / "src" / "mailconfd", "--config", file, "--check-config"],
                            check=False, capture_output=True, text=True)
    assert result.returncode == 1
    assert "/var/lib/mailconfd/certificates/*.pem" in result.stderr


def test_container_has_what_is_called():
    """git says the version, and without authorities no other server is trusted."""
    text = (ROOT / "packaging" / "container" / "Containerfile").read_text()
    build, _, image = text.partition("\nFROM debian:bookworm-slim\n")
    assert " git " in build
    assert "ca-certificates " in image


def spec_files():
    """The paths that the spec lists, its macros expanded; those that end in a slash are directories."""
    macros = {"name": "mailconfd", "_datadir": "/usr/share", "_docdir": "/usr/share/doc", "_bindir": "/usr/bin", "_sbindir": "/usr/sbin",
              "_mandir": "/usr/share/man", "_sysusersdir": "/usr/lib/sysusers.d",
              "_tmpfilesdir": "/usr/lib/tmpfiles.d", "_unitdir": "/usr/lib/systemd/system", "_sysconfdir": "/etc",
              "_sharedstatedir": "/var/lib"}
    text = (ROOT / "packaging" / "rpm" / "mailconfd.spec").read_text()
    lines = text.partition("\n%files\n")[2].partition("\n%changelog")[0].splitlines()
    is_meant = True
    for line in lines:
        if line.startswith("%if"):
            is_meant = subprocess.run(["pkg-config", "--atleast-version=253", "systemd"], check=False).returncode == 0
        elif line == "%endif":
            is_meant = True
        if not is_meant:
            continue
        path = line.split()[-1]
        for name, value in macros.items():
            path = path.replace(f"%{{{name}}}", value)
        if path.startswith("/"):
            yield path


def test_rpm_has_every_file(installed):
    listed = list(spec_files())
    for file in installed.rglob("*"):
        path = "/" + str(file.relative_to(installed)).replace("usr/local/", "usr/")
        if file.is_file():
            assert any(path == entry.rstrip("*") or entry.endswith("/") and path.startswith(entry)
                       for entry in listed), path


def test_rpm_lists_nothing_else(installed):
    """But for the directories that the spec makes itself."""
    files = ["/" + str(file.relative_to(installed)).replace("usr/local/", "usr/") for file in installed.rglob("*")]
    for entry in spec_files():
        if not entry.startswith(("/etc/mailconfd", "/var/lib/")):
            assert entry.rstrip("*/") in files, entry


def test_rpm_spec_is_understood():
    if not shutil.which("rpmspec"):
        pytest.skip("rpmspec is not installed (Debian package rpm)")
    spec = ROOT / "packaging" / "rpm" / "mailconfd.spec"
    result = subprocess.run(["rpmspec", "--parse", spec], check=True, capture_output=True, text=True)
    assert result.stderr == ""
    assert f"\nVersion:        {RELEASE}\n" in result.stdout


def test_changelogs_have_the_version():
    assert (ROOT / "packaging" / "debian" / "changelog").read_text().startswith(f"mailconfd ({RELEASE}) ")
    assert re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE).group(1) == RELEASE
