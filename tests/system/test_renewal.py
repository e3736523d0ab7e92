"""Certificates that change while they are served: nobody tells the daemon, and nobody is let down."""
import json
import os
import shutil
import ssl
import subprocess
import threading
import time

import pytest

from daemon import NAMES, PATIENCE

CONFIG = "/mail/config-v1.1.xml"


@pytest.fixture
def served(daemon):
    daemon.setup(
        ["domain", "add", "example.org", "imaps://imap.example.org", "submissions://smtp.example.org"]
    )
    return daemon


def serial_of(pem):
    command = ["openssl", "x509", "-in", pem, "-noout", "-serial"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip().removeprefix("serial=")


def served_serial(daemon, name):
    """The serial number of what is served under the name, None where it is refused."""
    try:
        connection = daemon.connect(name)
    except ssl.SSLError as refusal:
        assert "UNRECOGNIZED_NAME" in str(refusal)
        return None
    try:
        return connection.socket.getpeercert()["serialNumber"]
    finally:
        connection.close()


def wait_until_served(daemon, name, serial):
    deadline = time.monotonic() + PATIENCE
    while served_serial(daemon, name) != serial:
        assert time.monotonic() < deadline, f"{name} is not served with {serial}:\n{daemon.log()}"
        time.sleep(0.05)


def put(pem, target):
    """Atomically, as careful tools do."""
    temporary = target.with_name("." + target.name)
    shutil.copy(pem, temporary)
    temporary.rename(target)


def wait_until_seen(daemon):
    """Returns when everything that was written before has been looked at: a later file was."""
    before = daemon.log().count("certificates have changed")
    marker = daemon.authority.certificate("marker.example.net")
    put(marker, daemon.directory / "certificates" / f"marker{before}.pem")
    daemon.wait_for_log("certificates have changed", before + 1)


def split(pem):
    """(chain, key) of a file with both."""
    chain, mark, key = pem.read_text().partition("-----BEGIN PRIVATE KEY-----")
    return chain, mark + key


class Load:
    """Clients that connect and ask, again and again; each failure counts."""

    def __init__(self, daemon, name, allowed):
        self.daemon, self.name, self.allowed = daemon, name, allowed
        self.failures, self.seen, self.asked = [], set(), 0
        self.must_stop = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(i % 2 == 0,)) for i in range(4)]

    def run(self, keeps):
        connection = None
        request = f"GET {CONFIG} HTTP/1.1\r\nHost: autoconfig.example.org\r\n\r\n".encode()
        while not self.must_stop.is_set():
            try:
                if connection is None:
                    connection = self.daemon.connect(self.name)
                    serial = connection.socket.getpeercert()["serialNumber"]
                    assert serial in self.allowed, f"{serial} was served"
                    self.seen.add(serial)
                assert connection.ask(request).status == 200
                self.asked += 1
                if not keeps:
                    connection.close()
                    connection = None
            except Exception as failure:
                self.failures.append(failure)
                return

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.must_stop.set()
        for thread in self.threads:
            thread.join(PATIENCE)


def two(daemon, *names):
    """Two certificates for the same names: (file, serial) each."""
    files = [daemon.authority.certificate(*names, options=("--days", days)) for days in ("40", "80")]
    return [(file, serial_of(file)) for file in files]


def test_renewed_in_place(served):
    (old, old_serial), (new, new_serial) = two(served, "renewed.example.org")
    target = served.directory / "certificates" / "renewed.pem"
    shutil.copy(old, target)
    served.start()
    with Load(served, "renewed.example.org", {old_serial, new_serial}) as load:
        target.write_bytes(new.read_bytes())
        wait_until_served(served, "renewed.example.org", new_serial)
        put(old, target)
        wait_until_served(served, "renewed.example.org", old_serial)
    assert not load.failures and load.asked > 20
    assert "certificates have changed: new=1 certificates=2" in served.log()


def test_new_and_removed_files(served):
    served.start()
    target = served.directory / "certificates" / "added.pem"
    assert served_serial(served, "added.other.invalid") is None
    added = served.authority.certificate("added.other.invalid")
    put(added, target)
    wait_until_served(served, "added.other.invalid", serial_of(added))
    target.rename(target.with_suffix(".off"))
    wait_until_served(served, "added.other.invalid", None)
    target.with_suffix(".off").rename(target)
    wait_until_served(served, "added.other.invalid", serial_of(added))
    target.unlink()
    wait_until_served(served, "added.other.invalid", None)


def test_half_a_pair_is_never_served(served):
    """The chain of one and the key of another, for as long as it takes."""
    (old, old_serial), (new, new_serial) = two(served, "pair.example.invalid")
    directory = served.directory / "live" / "pair"
    directory.mkdir(parents=True)
    served.settings["tls"]["certificates"] += f" {served.directory}/live/*/"
    chain, key = directory / "fullchain.pem", directory / "privkey.pem"
    for file, text in zip((chain, key), split(old)):
        file.write_text(text)
        file.chmod(0o600)
    served.start()
    complaint = f"'{key}' does not belong to the first certificate in '{chain}'"
    with Load(served, "pair.example.invalid", {old_serial, new_serial}) as load:
        chain.write_text(split(new)[0])
        served.wait_for_log(complaint)
        for _ in range(3):
            os.utime(chain)
            wait_until_seen(served)
        assert served_serial(served, "pair.example.invalid") == old_serial
        assert served.log().count(complaint) == 1, "it is said once"
        assert "the one that was loaded before stays in use" in served.log()
        key.write_text(split(new)[1])
        wait_until_served(served, "pair.example.invalid", new_serial)
    assert not load.failures and load.seen == {old_serial, new_serial}


def test_file_that_is_being_written_is_left_alone(served):
    """What is there so far could pass: the key and the certificate, but not yet its chain."""
    authority = served.authority
    authority.run("cert", "intermediate.pem", "--ca")
    options = ("--issuer", "intermediate.pem", "--key-first")
    name = "slow.example.invalid"
    old, new = (authority.certificate(name, options=(*options, "--days", days)) for days in ("40", "80"))
    target = served.directory / "certificates" / "slow.pem"
    shutil.copy(old, target)
    served.start()
    text = new.read_text()
    half = text.index("-----END CERTIFICATE-----") + len("-----END CERTIFICATE-----\n")
    with Load(served, name, {serial_of(old), serial_of(new)}) as load:
        with open(target, "w", encoding="ascii") as out:
            out.write(text[:half])
            out.flush()
            wait_until_seen(served)
            assert served_serial(served, name) == serial_of(old)
            out.write(text[half:])
        wait_until_served(served, name, serial_of(new))
    assert not load.failures, "a chain without its middle cannot be verified"


def test_reload_tells_what_is_still_being_written(served):
    """The administrator who reloads reads that the new one is not in use, although it looks complete."""
    name = "slow.example.invalid"
    (old, old_serial), (new, new_serial) = two(served, name)
    target = served.directory / "certificates" / "slow.pem"
    shutil.copy(old, target)
    served.start()
    with open(target, "w", encoding="ascii") as out:
        out.write(new.read_text())
        out.flush()
        wait_until_seen(served)
        complaint = f"warning: certificate '{target}' is still being written; the one that was loaded before stays in use"
        assert complaint not in served.log(), "nobody asked"
        served.reload()
        served.wait_for_log(complaint)
        assert served_serial(served, name) == old_serial
    wait_until_served(served, name, new_serial)
    assert served.log().count(complaint) == 1


def test_one_broken_file_does_not_hold_up_others(served):
    (old, _), (new, new_serial) = two(served, "good.example.invalid")
    good, bad = (served.directory / "certificates" / name for name in ("good.pem", "bad.pem"))
    shutil.copy(old, good)
    served.start()
    bad.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n")
    served.wait_for_log(f"'{bad}'")
    assert "it is not used" in served.log()
    put(new, good)
    wait_until_served(served, "good.example.invalid", new_serial)
    served.reload()
    assert served.log().count("it is not used") == 2, "whoever asks is told again"


def live_and_archive(served, name, *pems):
    """As certbot keeps them. Returns a function that turns the links to the n-th."""
    live, archive = served.directory / "live" / name, served.directory / "archive" / name
    live.mkdir(parents=True)
    archive.mkdir(parents=True)

    def turn(n):
        chain, key = split(pems[n])
        for kind, text in (("privkey", key), ("fullchain", chain)):
            file = archive / f"{kind}{n + 1}.pem"
            file.write_text(text)
            file.chmod(0o600)
            link = live / f"{kind}.pem"
            link.unlink(missing_ok=True)
            link.symlink_to(f"../../archive/{name}/{file.name}")

    return turn


def test_links_of_certbot(served):
    (old, old_serial), (new, new_serial) = two(served, "bot.example.invalid")
    served.settings["tls"]["certificates"] += f" {served.directory}/live/*/"
    turn = live_and_archive(served, "bot", old, new)
    turn(0)
    served.start()
    with Load(served, "bot.example.invalid", {old_serial, new_serial}) as load:
        turn(1)
        wait_until_served(served, "bot.example.invalid", new_serial)
        (served.directory / "archive/bot/privkey2.pem").write_text(split(old)[1])
        (served.directory / "archive/bot/fullchain2.pem").write_text(split(old)[0])
        wait_until_served(served, "bot.example.invalid", old_serial)
    assert not load.failures
    again = served.authority.certificate("later.example.invalid")
    live_and_archive(served, "later", again)(0)
    wait_until_served(served, "later.example.invalid", serial_of(again))


# The two files of each layout, and what else its program leaves beside them.
LAYOUTS = {
    "certbot": ("fullchain.pem", "privkey.pem", ("cert.pem", "chain.pem", "README")),
    "nixos": ("fullchain.pem", "key.pem", ("cert.pem", "chain.pem")),
    "kubernetes": ("tls.crt", "tls.key", ("ca.crt",)),
    "yunohost": ("crt.pem", "key.pem", ("ca.pem",)),
    "mailcow": ("cert.pem", "key.pem", ()),
    "lego": ("lay.example.invalid.crt", "lay.example.invalid.key",
             ("lay.example.invalid.issuer.crt", "lay.example.invalid.json")),
}


def put_beside(served, directory, others):
    """Files that are not a pair: leaves without their key, issuers, and others."""
    issuer = served.authority.file.read_text()
    for name in others:
        (directory / name).write_text(issuer if name.endswith((".crt", "ca.pem", "chain.pem")) else "{}\n")


@pytest.mark.parametrize("form", ["directory/", "directory/*"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_of_others(served, layout, form):
    """Found as a directory, and where a glob matches both halves and more; renewed half by half."""
    name = "lay.example.invalid"
    chain_name, key_name, others = LAYOUTS[layout]
    (old, old_serial), (new, new_serial) = two(served, name)
    directory = served.directory / "directory"
    directory.mkdir()
    chain, key = directory / chain_name, directory / key_name
    chain.write_text(split(old)[0])
    key.write_text(split(old)[1])
    key.chmod(0o600)
    put_beside(served, directory, [other for other in others if form.endswith("/") or other != "README"])
    served.settings["tls"]["certificates"] += f" {served.directory}/{form}"
    served.start()
    assert served_serial(served, name) == old_serial
    assert "ready: certificates=2 " in served.log() and "error" not in served.log()
    with Load(served, name, {old_serial, new_serial}) as load:
        key.write_text(split(new)[1])
        served.wait_for_log(f"'{key}' does not belong to the first certificate in '{chain}'")
        assert served_serial(served, name) == old_serial
        chain.write_text(split(new)[0])
        wait_until_served(served, name, new_serial)
    assert not load.failures and load.asked
    listed = json.loads(served.ctl("certificate", "list", "--json").stdout)["certificates"]
    assert [entry["file"] for entry in listed if name in entry["names"]] == [str(chain)]


@pytest.mark.parametrize("glob", ["*.crt", "*.key", "l*.crt"])
def test_one_half_of_a_pair_is_named(served, glob):
    """The other half is found and watched too."""
    name = "lay.example.invalid"
    (old, old_serial), (new, new_serial) = two(served, name)
    directory = served.directory / "directory"
    directory.mkdir()
    for half, text in zip(("crt", "key"), split(old)):
        (directory / f"{name}.{half}").write_text(text)
    put_beside(served, directory, [f"{name}.issuer.crt"])
    served.settings["tls"]["certificates"] += f" {directory}/{glob}"
    served.start()
    assert served_serial(served, name) == old_serial and "error" not in served.log()
    for half, text in zip(("crt", "key"), split(new)):
        before = served.log().count("does not belong")
        (directory / f"{name}.{half}").write_text(text)
        if half == "crt":
            served.wait_for_log("does not belong", before + 1)
    wait_until_served(served, name, new_serial)


def test_secret_of_kubernetes(served):
    """Its files are links through ..data, which is replaced as a whole."""
    name = "secret.example.invalid"
    (old, old_serial), (new, new_serial) = two(served, name)
    mount = served.directory / "secrets" / "mail"
    mount.mkdir(parents=True)

    def publish(version, pem):
        (mount / version).mkdir()
        for file, text in zip(("tls.crt", "tls.key"), split(pem)):
            (mount / version / file).write_text(text)
        (mount / "..data_tmp").symlink_to(version)
        (mount / "..data_tmp").rename(mount / "..data")

    publish("..2026_11_30_20_00_00.1", old)
    for file in ("tls.crt", "tls.key"):
        (mount / file).symlink_to(f"..data/{file}")
    served.settings["tls"]["certificates"] += f" {served.directory}/secrets/*/"
    served.start()
    assert served_serial(served, name) == old_serial
    with Load(served, name, {old_serial, new_serial}) as load:
        publish("..2026_11_30_21_00_00.2", new)
        shutil.rmtree(mount / "..2026_11_30_20_00_00.1")
        wait_until_served(served, name, new_serial)
        publish("..2026_11_30_22_00_00.3", old)
        wait_until_served(served, name, old_serial)
    assert not load.failures and "error" not in served.log()


def test_directories_made_later(served):
    served.settings["tls"]["certificates"] += f" {served.directory}/a/b*/c/*.pem"
    served.start()
    assert "no certificate matches" in served.log() and "/a/b*/c/*.pem'" in served.log()
    first, second = (served.authority.certificate(f"{n}.deep.invalid") for n in ("one", "two"))
    deep = served.directory / "a" / "b1" / "c"
    deep.mkdir(parents=True)
    shutil.copy(first, deep / "x.pem")
    wait_until_served(served, "one.deep.invalid", serial_of(first))
    ready = served.directory / "a" / "ready"
    ready.mkdir(parents=True)
    (ready / "c").mkdir()
    shutil.copy(second, ready / "c" / "x.pem")
    wait_until_seen(served)
    assert served_serial(served, "two.deep.invalid") is None
    ready.rename(served.directory / "a" / "b2")
    wait_until_served(served, "two.deep.invalid", serial_of(second))
    shutil.rmtree(served.directory / "a" / "b1")
    wait_until_served(served, "one.deep.invalid", None)


def test_directory_behind_a_link(served):
    """As Kubernetes replaces what it mounts: one link is turned."""
    (old, old_serial), (new, new_serial) = two(served, "linked.example.invalid")
    for name, pem in (("v1", old), ("v2", new)):
        (served.directory / name).mkdir()
        shutil.copy(pem, served.directory / name / "tls.pem")
    link = served.directory / "current"
    link.symlink_to("v1")
    served.settings["tls"]["certificates"] += f" {link}/tls.pem"
    served.start()
    assert served_serial(served, "linked.example.invalid") == old_serial
    link.with_name("next").symlink_to("v2")
    link.with_name("next").rename(link)
    wait_until_served(served, "linked.example.invalid", new_serial)


def test_other_places_after_a_reload(served):
    """What the settings name now is watched, what they named no longer is."""
    served.start()
    other = served.directory / "other"
    other.mkdir()
    served.add_certificate("main", *NAMES)
    shutil.copy(served.directory / "certificates" / "main.pem", other / "main.pem")
    served.settings["tls"]["certificates"] = f"{other}/*.pem"
    served.write_settings()
    served.reload()
    here, there = (served.authority.certificate(f"{word}.moved.invalid") for word in ("here", "there"))
    put(there, served.directory / "certificates" / "there.pem")
    put(here, other / "here.pem")
    wait_until_served(served, "here.moved.invalid", serial_of(here))
    assert served_serial(served, "there.moved.invalid") is None


def test_many_changes_at_once(served):
    """A directory that is never quiet is looked at all the same, and handshakes go on."""
    (old, old_serial), (new, new_serial) = two(served, "busy.example.invalid")
    directory = served.directory / "certificates"
    put(old, directory / "busy.pem")
    served.start()
    must_stop = threading.Event()

    def stir():
        while not must_stop.is_set():
            put(old, directory / "stirred.pem")
            time.sleep(0.05)

    stirring = threading.Thread(target=stir)
    stirring.start()
    try:
        with Load(served, "busy.example.invalid", {old_serial, new_serial}) as load:
            (directory / "stirred.pem").unlink(missing_ok=True)
            put(new, directory / "busy.pem")
            wait_until_served(served, "busy.example.invalid", new_serial)
    finally:
        must_stop.set()
        stirring.join(PATIENCE)
    assert not load.failures


def test_leave_to_read_given_later(served):
    """A file that appears before the daemon may read it."""
    if os.getuid() == 0:
        pytest.skip("nothing is locked for root")
    pem = served.authority.certificate("locked.example.invalid")
    target = served.directory / "certificates" / "locked.pem"
    served.start()
    shutil.copy(pem, target.with_suffix(".new"))
    target.with_suffix(".new").chmod(0)
    target.with_suffix(".new").rename(target)
    served.wait_for_log("Permission denied")
    target.chmod(0o400)
    wait_until_served(served, "locked.example.invalid", serial_of(pem))


def test_descriptors_do_not_grow(served):
    served.start()
    before = served.open_descriptors()
    for i in range(5):
        served.add_certificate("main", *NAMES, options=("--days", str(20 + i)))
        served.wait_for_log("certificates have changed", i + 1)
    assert served.open_descriptors() == before


def test_signer_is_renewed(served):
    """Profiles are signed with what is there now."""
    signer = served.directory / "signer.pem"
    first = served.authority.certificate("first-signer.example.org")
    second = served.authority.certificate("second-signer.example.org")
    put(first, signer)
    served.settings["profile"] = {"certificate": signer, "key": signer}
    served.start()
    target = "/mobileconfig?emailaddress=first.last%40example.org"
    assert b"first-signer.example.org" in served.get(target).body
    put(second, signer)
    deadline = time.monotonic() + PATIENCE
    while b"second-signer.example.org" not in served.get(target).body:
        assert time.monotonic() < deadline, served.log()
        time.sleep(0.05)
