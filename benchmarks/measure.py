"""Run commands side by side, from outside: whole processes, their seconds and their memory."""

from __future__ import annotations

import json
import os
import platform
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

RESULTS = Path(__file__).parent / "results"
LOOK_EVERY = 0.1
"""The fewest seconds between two looks at a command's memory."""
TO_LOOK = 0.03
"""The most of a core's time that looking takes: counting the pages of a large process is slow."""


@dataclass(frozen=True)
class Command:
    """One way to do a job.

    Attributes:
        words: The program and its arguments.
        environment: What is set beside this process' own environment.
        before: Commands that are run first, every time, and not measured.
        after: Commands that are run when it is done, not measured either.
    """

    words: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    before: Sequence[Sequence[str]] = ()
    after: Sequence[Sequence[str]] = ()


@dataclass(frozen=True)
class Sample:
    """How one run ended.

    Attributes:
        outcome: `done`, `failed`, `too slow` or `too much memory`.
        seconds: From its start to its end.
        peak_mb: The most memory that all its processes held at once, in MiB: their resident
            pages, shared ones divided among those who share them.
    """

    outcome: str
    seconds: float
    peak_mb: float


def run(command: Command, *, cap_mb: float = float("inf"), limit: float = 3600) -> Sample:
    """Run a command once.

    Args:
        command: What to run.
        cap_mb: It is killed when its processes together hold more MiB than this.
        limit: It is killed after these seconds.
    """
    for words in command.before:
        subprocess.run(words, check=True)
    with tempfile.TemporaryFile() as said:
        begun = time.monotonic()
        process = subprocess.Popen(
            command.words,
            env={**os.environ, **command.environment},
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        outcome, peak, pause = "done", 0.0, LOOK_EVERY
        while True:
            try:
                process.wait(pause)
                break
            except subprocess.TimeoutExpired:
                looked = time.monotonic()
                peak = max(peak, held(process.pid))
                pause = max(LOOK_EVERY, (time.monotonic() - looked) / TO_LOOK)
            if peak > cap_mb:
                outcome = "too much memory"
            elif time.monotonic() - begun > limit:
                outcome = "too slow"
            if outcome != "done":
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                break
        seconds = time.monotonic() - begun
        if outcome == "done" and process.returncode:
            said.seek(0)
            print(said.read()[-2000:].decode(errors="replace"))
            outcome = "failed"
    if outcome == "done":
        for words in command.after:
            subprocess.run(words, check=True)
    return Sample(outcome, round(seconds, 2), round(peak))


def held(pid: int) -> float:
    """The MiB that a process and those it started hold now."""
    pages = 0
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    for process in family:
        try:
            # PSS costs a walk through all pages: only where there is something to share.
            info = process.memory_full_info() if len(family) > 1 else process.memory_info()
            pages += getattr(info, "pss", info.rss)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return pages / 2**20


def side_by_side(
    commands: Mapping[str, Command],
    repetitions: int,
    *,
    cap_mb: float = float("inf"),
    limit: float = 3600,
    after_each: Callable[[dict[str, list[Sample]]], None] = lambda samples: None,
) -> dict[str, list[Sample]]:
    """Run several commands in turn, A B C A B C, so that a slow minute of the machine hits all.

    Args:
        commands: By name.
        repetitions: How often each is run; one that did not end well is not tried again.
        cap_mb: See `run`.
        limit: See `run`.
        after_each: What is done with the samples so far, each time all have had their turn.
    """
    samples: dict[str, list[Sample]] = {name: [] for name in commands}
    for _ in range(repetitions):
        for name, command in commands.items():
            if any(sample.outcome != "done" for sample in samples[name]):
                continue
            sample = run(command, cap_mb=cap_mb, limit=limit)
            samples[name].append(sample)
            print(
                f"  {name:22} {sample.outcome} {sample.seconds:8.1f} s {sample.peak_mb:7,.0f} MiB",
                flush=True,
            )
        after_each(samples)
    return samples


def of_runs(samples: Sequence[Sample]) -> dict[str, Any]:
    """What is told of a command: its outcome, the seconds and the memory of all its runs."""
    seconds = [sample.seconds for sample in samples]
    return {
        "outcome": samples[-1].outcome,
        "runs": len(samples),
        "seconds_min": min(seconds),
        "seconds_median": statistics.median(seconds),
        "seconds_max": max(seconds),
        "peak_mb": max(sample.peak_mb for sample in samples),
        "samples": [asdict(sample) for sample in samples],
    }


def machine() -> dict[str, Any]:
    """Where and with what a measurement was made."""
    names = ("pyspark", "delta-spark", "duckdb", "polars", "deltalake", "pandas", "pyarrow")
    java = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False)
    cpu = [line for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    return {
        "processor": cpu[0].partition(": ")[2] if cpu else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "java": java.stderr.splitlines()[0].split('"')[1] if java.stderr else "",
        "versions": {name: version(name) for name in names},
    }


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def keep(name: str, rows: list[dict[str, Any]]) -> None:
    """Keep what was measured in `results/`, with the machine it was measured on.

    A row takes the place of an earlier one of the same way, size and share. The others stay, so
    that a long comparison can be made in pieces; but of a size and share only those of one
    machine, as they are compared with each other.

    Args:
        name: The file's name without its ending.
        rows: One a measurement.
    """
    RESULTS.mkdir(exist_ok=True)
    file, here = RESULTS / f"{name}.json", machine()
    told = json.loads(file.read_text()) if file.exists() else {"machines": [], "rows": []}
    new = {_what(row): {**row, "date": date.today().isoformat(), "machine": here} for row in rows}
    compared = {what[:2] for what in new}
    found = {}
    for row in told["rows"]:
        row["machine"] = told["machines"][row["machine"] - 1]
        if _what(row)[:2] not in compared or row["machine"] == here:
            found[_what(row)] = row
    found |= new
    ordered = [found[what] for what in sorted(found, key=lambda what: what[:2])]
    machines: list[dict[str, Any]] = []
    for row in ordered:
        if row["machine"] not in machines:
            machines.append(row["machine"])
        row["machine"] = machines.index(row["machine"]) + 1
    file.write_text(json.dumps({"machines": machines, "rows": ordered}, indent=1) + "\n")


def _what(row: Mapping[str, Any]) -> tuple[int, float, str]:
    return row.get("customers", 0), row.get("share", 0), row["way"]
