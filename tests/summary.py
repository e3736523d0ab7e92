#!/usr/bin/env python3
"""Adds up JUnit reports: prints what failed, what was skipped and why, and "N passed, N failed".

It fails where a test failed or none passed; with --all-may-be-skipped, none need pass where some were skipped.
"""
import sys
import xml.etree.ElementTree as tree

passed = failed = skipped = 0
reports = [argument for argument in sys.argv[1:] if argument != "--all-may-be-skipped"]
for report in reports:
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
enough = passed or (skipped and len(reports) < len(sys.argv) - 1)
sys.exit(1 if failed or not enough else 0)
