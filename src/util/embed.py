#!/usr/bin/env python3
"""Turns text files into a table of C strings: embed.py SYMBOL OUTPUT FILE..."""
import os
import sys


def quoted(line):
    text = line.decode("utf-8").replace("\\", "\\\\").replace('"', '\\"')
    return '"' + text.replace("\t", "\\t").replace("\r", "\\r").replace("\n", "\\n") + '"'


symbol, output, *files = sys.argv[1:]
with open(output, "w", encoding="utf-8") as out:
    out.write('#include "util/embedded.h"\n\n')
    out.write(f"const struct embedded {symbol}[] = {{\n")
    for file in files:
        with open(file, "rb") as source:
            lines = source.read().splitlines(keepends=True)
        text = "\n\t  ".join(quoted(line) for line in lines) or '""'
        out.write(f'\t{{ "{os.path.basename(file)}",\n\t  {text} }},\n')
    out.write("\t{ 0 },\n};\n")
