#!/usr/bin/python3
"""How soon a renewed certificate is served that nobody told the daemon of, and what a handshake
waits meanwhile."""
import argparse
import shutil
import ssl
import sys
import time

import bench

NAME = "autoconfig.d00000.example"


def context():
    made = ssl.create_default_context()
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return made


def handshake(daemon):
    """The certificate that is served, and how long it took to get it, in milliseconds."""
    begun = time.monotonic()
    connection = daemon.connect(NAME, context())
    served = connection.socket.getpeercert(binary_form=True)
    connection.close()
    return served, (time.monotonic() - begun) * 1000


def renew_once(daemon, new):
    """Milliseconds from the rename to the first handshake with it, the slowest handshake meanwhile,
    and the processor time of all that."""
    target = daemon.served / "00000.pem"
    temporary = target.with_suffix(".new")
    shutil.copy(new, temporary)
    old = handshake(daemon)[0]
    spent = bench.processor_time(daemon.process.pid)
    slowest, begun = 0, time.monotonic()
    temporary.rename(target)
    while True:
        served, took = handshake(daemon)
        slowest = max(slowest, took)
        if served != old:
            break
        time.sleep(0.005)
    took = (time.monotonic() - begun) * 1000
    return took, slowest, (bench.processor_time(daemon.process.pid) - spent) / 1e6


def measure(count, rounds):
    with bench.directory() as directory:
        authority = bench.Authority(directory, count)
        (directory / "other").mkdir()
        other = bench.Authority(directory / "other")
        daemon = bench.Server(directory / "daemon", authority, is_bound=False)
        daemon.served = authority.served
        daemon.settings["tls"]["certificates"] = f"{authority.served}/*.pem"
        daemon.ctl("domain", "add", "d00000.example", "imaps://a.example", "submissions://a.example")
        first = directory / "first.pem"
        shutil.copy(authority.served / "00000.pem", first)
        try:
            daemon.start()
            figures = [renew_once(daemon, file)
                       for _ in range(rounds) for file in (other.served / "00000.pem", first)]
        finally:
            daemon.stop()
    took, slowest, spent = zip(*figures)
    return [f"{count} certificates", bench.low_and_middle(took), f"{max(took):.1f}",
            f"{max(slowest):.1f}", bench.low_and_middle(spent)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, nargs="*", default=[1, 1000],
                        help="numbers of certificates (1 and 1000)")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    rows = [measure(count, options.rounds) for count in options.count]
    bench.note(f"milliseconds from the rename, {2 * options.rounds} times, min / median")
    bench.print_table([["", "served", "at most", "slowest handshake", "processor time"], *rows])


if __name__ == "__main__":
    sys.exit(main())
