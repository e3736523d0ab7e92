#!/usr/bin/env python3
"""Adds up JUnit reports: prints what failed, what was skipped and why, and "N passed, N failed"."""
import sys
import xml.etree.ElementTree as tree

passed = failed = skipped = 0
for report in sys.argv[1:]:
    for case in tree.parse(report).iter("testcase"):
        name = f"{case.get('classname')}: {case.get('name')}"
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
            print(f"failed: {name}")
        elif (skip := case.find("skipped")) is not None:
            skipped += 1
            print(f"skipped: {name}: {skip.get('message') or skip.text or 'its output says why'}")
        else:
            passed += 1
print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
sys.exit(1 if failed or not passed + skipped else 0)
