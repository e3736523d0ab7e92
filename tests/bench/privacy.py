#!/usr/bin/python3
"""How long an answer takes about somebody who has a row, and about somebody who has none."""
import argparse
import sys

import bench  # first: it knows the path to the next
import known

HOST = "autoconfig.d00000.example"  # that the certificate is for

# What the domain's provider has, and whether its users have one of their own.
SIDES = (
    ("logins go out", (), False),
    ("logins are kept back", ("--send-logins-to=nobody",), False),
    ("kept back, providers of their own", ("--send-logins-to=nobody",), True),
)


def measure(title, options, has_own, count, rounds):
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
                for seed in range(rounds):
                    for answer in known.ask_in_turns(server, document, count, seed=seed, host=HOST):
                        times[answer.kind].append(answer.micros)
                bench.note(f"{document.__name__}, {title}: us until an answer is there")
                bench.print_table(known.table(times))
        finally:
            server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=10000, help="asked for, of each kind")
    parser.add_argument("--rounds", type=int, default=1, help="of asking for all of them")
    options = parser.parse_args()
    for side in SIDES:
        measure(*side, options.users, options.rounds)


if __name__ == "__main__":
    sys.exit(main())
