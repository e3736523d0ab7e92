"""What hardens a program against bugs in memory management, as far as the file shows it."""
import platform
import re
import subprocess

# They leave no trace in the program, or one that another flag leaves too.
FLAGS = ["-fstack-clash-protection", "-fstack-protector-strong"]
X86_FLAGS = ["-fcf-protection"]


def readelf(program, *options):
    return subprocess.run(["readelf", "-W", *options, program], capture_output=True, text=True, check=True,
                          env={"LC_ALL": "C.UTF-8"}).stdout


def start_files_have_control_flow_notes():
    """The linker writes the note only where all parts have it, glibc's among them."""
    path = subprocess.run(["gcc", "-print-file-name=Scrt1.o"], capture_output=True, text=True, check=True)
    return "IBT" in readelf(path.stdout.strip(), "-n")


def weaknesses(program):
    """What the program lacks."""
    dynamic = readelf(program, "-d")
    symbols = readelf(program, "--dyn-syms")
    found = {
        "position-independent": re.search(r"\(FLAGS_1\).* PIE\b", dynamic),
        "binds all symbols at the start": re.search(r"\(FLAGS\).* BIND_NOW\b", dynamic),
        "relocations are read-only": "GNU_RELRO" in readelf(program, "-l"),
        "stack is not executable": re.search(r"GNU_STACK.* RW +0x", readelf(program, "-l")),
        "stack protector": "__stack_chk_fail" in symbols,
        "fortified": re.search(r"\b__(?!stack_chk)\w+_chk@", symbols),
    }
    if platform.machine() == "x86_64" and start_files_have_control_flow_notes():
        found["control flow"] = re.search(r"IBT, SHSTK", readelf(program, "-n"))
    return [name for name, is_there in found.items() if not is_there]


def missing_flags(command, fortify):
    """What the command that compiles one of our files lacks, of what the program does not show."""
    wanted = FLAGS + (X86_FLAGS if platform.machine() == "x86_64" else [])
    missing = [flag for flag in [*wanted, "-ftrivial-auto-var-init=zero"] if flag not in command]
    levels = re.findall(r"-D_FORTIFY_SOURCE=(\d)", command)
    return missing if levels == [str(fortify)] else [*missing, f"_FORTIFY_SOURCE={levels}"]
