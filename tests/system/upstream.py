"""A name server that answers as a test says: with records, with a status such as SERVFAIL, or not at all."""
import socket
import struct
import threading

A, CNAME, AAAA, CAA = 1, 5, 28, 257
SILENCE, SERVFAIL, REFUSED, NXDOMAIN, NODATA = "silence", 2, 5, 3, 0


def encode_name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def record(name, kind, data):
    return encode_name(name) + struct.pack("!HHIH", kind, 1, 60, len(data)) + data


class Upstream:
    """Answers by (name, type), else by name; what is in no table does not exist."""

    def __init__(self):
        self.answers, self.asked = {}, []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            message, peer = self.socket.recvfrom(4096)
            if not message:
                return
            reply = self.reply(message)
            if reply:
                self.socket.sendto(reply, peer)

    def reply(self, message):
        labels, at = [], 12
        while message[at]:
            labels.append(message[at + 1:at + 1 + message[at]].decode().lower())
            at += 1 + message[at]
        kind, = struct.unpack("!H", message[at + 1:at + 3])
        name = ".".join(labels)
        self.asked.append((name, kind))
        answer = self.answers.get((name, kind), self.answers.get(name, NXDOMAIN))
        if answer == SILENCE:
            return None
        records = answer if isinstance(answer, list) else []
        status = 0 if isinstance(answer, list) else answer
        return (message[:2] + struct.pack("!HHHHH", 0x8180 | status, 1, len(records), 0, 0) + message[12:at + 5] +
                b"".join(records))

    def stop(self):
        self.socket.sendto(b"", ("127.0.0.1", self.port))
        self.thread.join()
        self.socket.close()
