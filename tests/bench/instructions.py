#!/usr/bin/python3
"""How many instructions a request on a kept connection costs the server, TLS included: what callgrind counts for
1,200 requests less what it counts for 200. No load of the machine changes that. Needs a build with
-Dseccomp=disabled -Dbuildtype=release in MAILCONFD_BUILD."""
import re
import sys

import bench
from serve import HOST, LOADS, Mailconfd

COUNTS = (200, 1200)


class Counted(Mailconfd):
    def run(self, name, count):
        """Serves so many requests. Returns the instructions of the whole process."""
        log = self.daemon.directory / f"callgrind-{name}-{count}"
        self.daemon.launcher = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", f"--log-file={log}"]
        self.start()
        bench.load("keep", count, self.port, HOST, self.daemon.authority, self.requests[name], threads=1)
        self.stop()
        return int(re.search(r"Collected : (\d+)", log.read_text()).group(1))


def main():
    with bench.directory() as directory:
        served = Counted(directory, bench.Authority(directory))
        for title, mode, _count, name in LOADS:
            if mode == "keep":
                few, many = (served.run(name, count) for count in COUNTS)
                bench.note(f"{title:28} {(many - few) / (COUNTS[1] - COUNTS[0]):10,.0f} instructions")


if __name__ == "__main__":
    sys.exit(main())
