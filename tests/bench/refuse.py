#!/usr/bin/python3
"""What a request costs that is refused, for its network asks too often, beside one that is answered."""
import argparse
import sys

import bench

DOMAIN = "d00000.example"
HOST = f"autoconfig.{DOMAIN}"
ADDRESS = f"first.last@{DOMAIN}"
LATE = 800  # ms, EXCHANGE_HOLD_MS
HELD = 256  # EXCHANGES_HELD_MAX

# The last one is signed.
DOCUMENTS = ("autoconfig", "outlook", "profile")

# How many connections ask, how often a round, and what pause the answered make: a processor that wakes up for each
# request is slower, so they ask as seldom as those whose refusal is held back.
LOADS = (
    ("a few, held back", 64, 640, LATE),
    ("a flood, most refused at once", HELD + 144, 10000, 0),
)


class Side:
    def __init__(self, title, directory, authority, **limits):
        self.title, self.authority = title, authority
        self.server = bench.Server(directory / title, authority)
        self.server.settings["limits"] = limits
        certificate = authority.certificate()
        self.server.settings["profile"] = {"certificate": certificate, "key": certificate}
        self.server.ctl("domain", "add", DOMAIN, f"imaps://imap.{DOMAIN}", f"submissions://smtp.{DOMAIN}")
        self.server.ctl("user", "add", ADDRESS, "a4711")
        self.requests = {
            document: bench.write_requests(directory / f"{title}-{document}", [getattr(bench, document)(ADDRESS)])
            for document in DOCUMENTS
        }

    def measure(self, document, connections, count, pause):
        options = ("--pause", pause) if self.title == "answered" else ("--refused",)
        return bench.load("keep", count, self.server.port, HOST, self.authority, self.requests[document],
                          [self.server.process.pid], connections, options)


def compare(document, sides, rounds, title, connections, count, pause):
    costs = {side: [] for side in sides}
    refused = 0
    for _ in range(rounds):
        for side in sides:
            result = side.measure(document, connections, count, pause)
            costs[side].append(result["server_micros"])
            refused += result["refused"]
    bench.note(f"{title}, {document}: us CPU per request, min / median, and the paired ratio; "
               f"{refused} of {rounds * count} refused")
    assert refused > 0.9 * rounds * count
    bench.print_table([[side.title, bench.low_and_middle(costs[side]),
                        f"{bench.paired(costs[side], costs[sides[0]]):.2f}"] for side in sides])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with bench.directory() as directory:
        authority = bench.Authority(directory)
        sides = [
            Side("answered", directory, authority, **{"requests-per-second": "0"}),
            Side("refused", directory, authority,
                 **{"requests-per-second": "1", "requests-at-once": "1", "trusted": ""}),
        ]
        try:
            for side in sides:
                side.server.start()
                side.measure("outlook", 64, 64, 0)
            for load in LOADS:
                for document in DOCUMENTS:
                    compare(document, sides, options.rounds, *load)
        finally:
            for side in sides:
                side.server.stop()


if __name__ == "__main__":
    sys.exit(main())
