"""What stands in the way on this machine, read from what Python, Java or Spark said of it.

A full disk, too little memory or a limit comes as a page of stack frames, of which one line tells.
"""

from __future__ import annotations

import re

from ecommerce_lakehouse.errors import LakehouseError

MORE_MEMORY = "Give it more:  export LAKEHOUSE_DRIVER_MEMORY=4g"
CAUSES = (
    (
        r"No space left on device|Disk quota exceeded",
        "The disk is full.",
        "Make room (lakehouse maintain --apply, make clean), then run the same command again.",
    ),
    (r"Java heap space|GC overhead limit exceeded", "Spark ran out of memory.", MORE_MEMORY),
    (
        r"System memory \d+ must be at least \d+",
        "Spark was given too little memory to start.",
        MORE_MEMORY,
    ),
    (
        r"Could not (reserve enough|allocate compressed class) space"
        r"|insufficient memory for the Java Runtime|Cannot allocate memory|Not enough space"
        r"|Failed to (mmap|commit|reserve)\b(?!:)",
        "This machine gave Java too little memory.",
        "Close other programs. If a limit is set, lift it with:  ulimit -v unlimited",
    ),
    (
        r"unable to create (new )?native thread|Failed to start (the )?native thread"
        r"|Resource temporarily unavailable|can't start new thread",
        "This machine allows too few processes or threads.",
        "Close other programs, or raise the limit:  ulimit -u 4096",
    ),
    (
        r"Too many open files",
        "This machine allows too few open files.",
        "Raise the limit:  ulimit -n 4096",
    ),
    (r"Read-only file system", "The file system cannot be written.", "Name another folder."),
    (
        r"Permission denied|AccessDeniedException",
        "A file or folder may not be used.",
        "Look who owns it with:  ls -ld",
    ),
    (
        r"failed to map segment from shared object",
        "Java may not run what it unpacks: the temporary folder is mounted with noexec.",
        "Name another one:  export TMPDIR=/a/folder/of/yours",
    ),
    (
        r"TextParsingException: java\.lang\.ArrayIndexOutOfBoundsException",
        "A row of a raw file has more than a million fields.",
        "Find it with:  awk -F, 'NF > 1000000 { print FILENAME, FNR }' FOLDER/raw_*.csv",
    ),
    (
        r"Answer from Java side is empty|Error while sending or receiving"
        r"|trying to connect to the Java server|\[Errno \d+\] Connection (refused|reset by peer)",
        "The Java that Spark runs in ended in the middle of its work.",
        "If the system killed it for its memory, give it less or close other programs, "
        "then run the same command again.",
    ),
)
"""What is said; what is wrong; what helps."""

NO_CAUSES = (
    "Error: Could not create the Java Virtual Machine.",
    "Error: A fatal exception has occurred. Program will exit.",
)
"""What Java says after it has said what is wrong."""


def find_cause(said: str) -> LakehouseError | None:
    """The error for people behind a text; None where it is not one of the machine."""
    for pattern, wrong, helps in CAUSES:
        found = re.search(rf"^.*({pattern}).*$", said, re.MULTILINE)
        if found:
            return LakehouseError(f"{wrong} ({found[0].strip(' :')})", helps)
    return None


def cause_of(problem: BaseException) -> LakehouseError | None:
    """The error for people behind an exception; None where it is the program's own fault."""
    # PySpark keeps what Java said beside its own short message.
    return find_cause(f"{problem}\n{getattr(problem, '_stackTrace', '')}")


def last_cause(log: str) -> str:
    """The line of a Java's log that says most: the cause of causes, else its last words."""
    lines = [line.strip() for line in log.splitlines() if line.strip() and line not in NO_CAUSES]
    causes = [line for line in lines if line.startswith("Caused by: ")]
    errors = [line for line in lines if re.search(r"\b\w*(Error|Exception)\b", line)]
    told = (causes or errors or lines or ["It wrote nothing into its log."])[-1]
    return told.removeprefix("Caused by: ").removeprefix('Exception in thread "main" ')
