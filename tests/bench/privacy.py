#!/usr/bin/python3
"""What privacy costs: whether an answer about somebody who has a row takes longer than one about
somebody who has none; counting addresses; and finding people by MD5."""
import argparse
import random
import sys

import bench  # first: it knows the path to the next
import known

HOST = "autoconfig.d00000.example"  # that the certificate is for
REQUESTS, ROUNDS = 5000, 9

# What the domain's provider has, and whether its users have one of their own.
SIDES = (
    ("logins go out", (), False),
    ("logins are withheld", ("--send-logins-to=nobody",), False),
    ("withheld, providers of their own", ("--send-logins-to=nobody",), True),
)


def compare_people(title, options, has_own, count):
    with bench.directory() as directory:
        server = bench.Server(directory / "server", bench.Authority(directory))
        known.fill(server, count, *options)
        if has_own:
            known.give_everybody_a_provider(server, *options)
        server.settings["limits"]["addresses-per-network"] = "0"
        try:
            server.start()
            for document in (known.autoconfig, known.outlook, known.evolution):
                times = {known.KNOWN: [], known.UNKNOWN: []}
                for answer in known.ask_in_turns(server, document, count, host=HOST):
                    times[answer.kind].append(answer.micros)
                bench.note(f"{document.__name__}, {title}: us until an answer is there")
                bench.print_table(known.table(times))
        finally:
            server.stop()


class Side:
    """A daemon, and so many requests for it."""

    def __init__(self, directory, authority, title, users, bound, document, asked):
        self.title = title
        self.authority = authority
        self.server = bench.Server(directory / title.replace(" ", "-"), authority)
        self.server.settings["limits"] = {"addresses-per-network": str(bound)}
        known.fill(self.server, users)
        people = [random.randrange(users) for _ in range(asked)]
        self.requests = bench.write_requests(self.server.directory / "requests", [
            document(f"{known.name(known.KNOWN, number)}@{known.DOMAIN}") for number in people
        ])
        self.costs = []

    def measure(self):
        result = bench.load("keep", REQUESTS, self.server.port, HOST, self.authority, self.requests,
                            [self.server.process.pid])
        self.costs.append(result["server_micros"])


def compare_sides(title, *sides):
    """Each is a tuple of what Side takes after authority."""
    with bench.directory() as directory:
        authority = bench.Authority(directory)
        made = [Side(directory, authority, *side) for side in sides]
        try:
            for side in made:
                side.server.start()
                side.measure()
                side.costs.clear()
            for _ in range(ROUNDS):
                for side in made:
                    side.measure()
        finally:
            for side in made:
                side.server.stop()
        bench.note(f"{title}: us CPU per request, min / median, and the paired ratio")
        bench.print_table([
            [side.title, bench.low_and_middle(side.costs),
             f"{bench.paired(side.costs, made[0].costs):.3f}"] for side in made
        ])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=5000, help="asked for, of each kind")
    parser.add_argument("--users", type=int, default=1_000_000, help="to be found by MD5")
    options = parser.parse_args()
    random.seed(1)
    for side in SIDES:
        compare_people(*side, options.people)
    compare_sides(
        "counting addresses",
        ("not at all", 1000, 0, known.autoconfig, 1000),
        ("10 addresses", 1000, 1000, known.autoconfig, 10),
        ("500 addresses", 1000, 1000, known.autoconfig, 500),
        ("beyond a bound of 500, trusted", 1000, 500, known.autoconfig, 5000),
    )
    compare_sides(
        f"finding one of {options.users}",
        ("by address", options.users, 0, known.autoconfig, REQUESTS),
        ("by MD5", options.users, 0, known.evolution, REQUESTS),
    )


if __name__ == "__main__":
    sys.exit(main())
