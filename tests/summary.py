#!/usr/bin/env python3
"""Adds up the JUnit reports of groups of tests: summary.py DIRECTORY, which has GROUP/*.xml and GROUP/seconds.

Prints what failed, what was skipped and why, what each group took, and "N passed, N failed". It fails where a test
failed, where a report is missing, and where all tests of a group were skipped, unless its group may be.
"""
import pathlib
import sys
import xml.etree.ElementTree as tree

MAY_BE_SKIPPED = ("boot", "package")


def count(directory):
    """Returns how many tests passed, failed and were skipped, and prints which."""
    passed = failed = skipped = 0
    for report in sorted(directory.glob("*.xml")):
        for case in tree.parse(report).iter("testcase"):
            name = f"{directory.name}: {case.get('classname')}: {case.get('name')}"
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
                print(f"failed: {name}")
            elif (skip := case.find("skipped")) is not None:
                skipped += 1
                print(f"skipped: {name}: {skip.get('message') or skip.text or 'its output says why'}")
            else:
                passed += 1
    if not passed and not (skipped and directory.name in MAY_BE_SKIPPED):
        failed += 1
        print(f"failed: {directory.name}: no test passed")
    return passed, failed, skipped


def sentence(passed, failed, skipped):
    return f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else "")


directories = sorted(pathlib.Path(sys.argv[1]).iterdir(), key=lambda path: path.stat().st_mtime)
groups = {directory: count(directory) for directory in directories}
for directory, counts in groups.items():
    build, tests = (directory / "seconds").read_text().split()
    print(f"{directory.name + ':':15} {sentence(*counts)}; build {build} s, tests {tests} s")
total = [sum(column) for column in zip(*groups.values())]
print(sentence(*total))
sys.exit(1 if total[1] else 0)
