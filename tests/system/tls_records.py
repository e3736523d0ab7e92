"""A TLS client that decides itself which records go out: hello messages that never end, and messages after the
handshake, sealed with the keys of a real TLS 1.3 session."""
import hashlib
import hmac
import pathlib
import socket
import ssl
import time

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from daemon import PATIENCE

HANDSHAKE, DATA = 22, 23
CLIENT_HELLO, KEY_UPDATE = 1, 24
RECORD_MAX = 16384
ESTABLISHED = "01"  # in /proc/net/tcp


def record(content, kind=HANDSHAKE):
    return bytes([kind, 3, 1]) + len(content).to_bytes(2, "big") + content


def message(kind, length, content=b""):
    """The head of a handshake message that announces so many bytes, and what comes of it."""
    return bytes([kind]) + length.to_bytes(3, "big") + content


def unfinished_hello(announced, sent):
    """Records of a ClientHello."""
    content = message(CLIENT_HELLO, announced, b"\3\3" + bytes(sent - 6))
    return b"".join(record(content[at:at + RECORD_MAX]) for at in range(0, sent, RECORD_MAX))


def connect(port, source="127.0.0.1"):
    """To the loopback address of the source's family."""
    loopback = "::1" if ":" in source else "127.0.0.1"
    connection = socket.create_connection((loopback, port), PATIENCE, (source, 0))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def send(connection, data):
    """Returns whether the server took it all, as far as can be seen."""
    try:
        connection.sendall(data)
    except OSError:
        return False
    return True


def is_closed(connection):
    """Waits until the server has closed, or has reset the connection because there was more to read."""
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def tcp_status(port, other):
    """State, bytes not acknowledged and bytes not read, of one end of a connection."""
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, state, queues, *_ = line.split()
        if local.endswith(f":{port:04X}") and remote.endswith(f":{other:04X}"):
            return (state, *(int(size, 16) for size in queues.split(":")))
    return None, 0, 0


def expand(secret, label, size):
    """HKDF-Expand-Label of RFC 8446 7.1, with SHA-256 and without context; one block is enough."""
    label = b"tls13 " + label
    info = size.to_bytes(2, "big") + bytes([len(label)]) + label + b"\0"
    return hmac.new(secret, info + b"\1", hashlib.sha256).digest()[:size]


def traffic_secret(keys):
    """Of the client, from the file of a single session."""
    for line in keys.read_text().splitlines():
        if line.startswith("CLIENT_TRAFFIC_SECRET_0 "):
            return bytes.fromhex(line.split()[2])
    raise AssertionError("no secret")


class Session:
    """After a handshake of TLS 1.3 with AES-128-GCM, which the server prefers."""

    def __init__(self, port, name, authority, directory, source="127.0.0.1"):
        context = ssl.create_default_context(cafile=authority)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        keys = directory / "keys"
        keys.unlink(missing_ok=True)
        context.keylog_filename = keys
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_hostname=name)
        self.socket = connect(port, source)
        self.ports = self.socket.getsockname()[1], port
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.socket.sendall(outgoing.read())
                incoming.write(self.socket.recv(65536))
        self.socket.sendall(outgoing.read())
        assert tls.cipher()[0] == "TLS_AES_128_GCM_SHA256"
        self.use(traffic_secret(keys))

    def use(self, secret):
        self.secret = secret
        self.cipher, self.iv, self.count = AESGCM(expand(secret, b"key", 16)), expand(secret, b"iv", 12), 0

    def key_update(self):
        """The record of a KeyUpdate that asks for none in return; what follows is sealed with the next keys (RFC 8446
        7.2)."""
        record = self.seal(HANDSHAKE, message(KEY_UPDATE, 1, b"\0"))
        self.use(expand(self.secret, b"traffic upd", 32))
        return record

    def seal(self, kind, content):
        """One record."""
        head = bytes([DATA, 3, 3]) + (len(content) + 17).to_bytes(2, "big")
        nonce = int.from_bytes(self.iv, "big") ^ self.count
        self.count += 1
        return head + self.cipher.encrypt(nonce.to_bytes(12, "big"), content + bytes([kind]), head)

    def send(self, *records):
        return send(self.socket, b"".join(records))

    def receive(self):
        """Whether something comes: what it is, only the client's side of the keys does not show."""
        return self.socket.recv(65536) != b""

    def wait_until_read(self):
        """Until the server's program has read all that was sent. Returns whether it has left the connection open."""
        deadline = time.monotonic() + PATIENCE
        while True:
            sent, received = tcp_status(*self.ports), tcp_status(*reversed(self.ports))
            if sent[0] != ESTABLISHED or received[0] != ESTABLISHED:
                return False
            if sent[1] == 0 and received[2] == 0:
                return True
            assert time.monotonic() < deadline
            time.sleep(0.001)

    def close(self):
        self.socket.close()
