"""Times, peak memory and facts of the machine; what must not share memory runs in a process of its own."""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, TypeVar

T = TypeVar("T")
ROOT: Final = Path(__file__).parent.parent
_PACKAGES: Final = (
    "duckdb", "ibis-framework", "polars", "pyarrow", "numpy", "pydantic", "tiktoken", "genai-prices", "litellm", "sqlglot",
)  # fmt: skip


@dataclass(frozen=True)
class Time:
    """Median wall time and the processor time of the same run, seconds."""

    wall: float
    cpu: float

    def over(self, other: Time) -> float:
        """How many times as long as ``other``."""
        return self.wall / other.wall


def timed(work: Callable[[], T], repeat: int) -> tuple[Time, T]:
    """The median of some runs, and what the last one gave."""
    times = []
    for _ in range(max(1, repeat)):
        wall, cpu = time.perf_counter(), time.process_time()
        found = work()
        times.append(Time(time.perf_counter() - wall, time.process_time() - cpu))
    return Time(statistics.median(t.wall for t in times), statistics.median(t.cpu for t in times)), found


def command(arguments: Sequence[str], repeat: int) -> Time:
    """Median wall time of a command; RuntimeError with its last words when it fails."""
    walls = []
    for _ in range(repeat):
        started = time.perf_counter()
        done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False, env=environment())
        walls.append(time.perf_counter() - started)
        if done.returncode:
            raise RuntimeError(
                done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit {done.returncode}"
            )
    return Time(statistics.median(walls), 0.0)


def environment() -> dict[str, str]:
    """The process environment with a fixed key, so that the user's own is neither used nor made."""
    return {**os.environ, "LLMCOST_KEY": "a key of the benchmark", "PYTHONPATH": str(ROOT)}


def in_child(task: str, *arguments: Path) -> dict[str, Any]:
    """Runs one task of :mod:`benchmarks.child` alone: ``wall``, ``cpu``, ``peak_mb`` and ``rows``."""
    line = [sys.executable, "-m", "benchmarks.child", task, *map(str, arguments)]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False, env=environment())
    if done.returncode:
        raise RuntimeError(f"{task} failed: {done.stderr.strip().splitlines()[-1:]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def peak_mb() -> float:
    """Most memory this process ever held, MB (1,000,000 bytes)."""
    status = Path("/proc/self/status")
    if status.exists():
        # Linux's ru_maxrss of a child starts at what its parent held when it was started.
        line = next(
            (line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM:")), None
        )
        if line is not None:
            return int(line.split()[1]) * 1024 / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e6


def cpu_seconds() -> float:
    """Processor time of this process and of its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


@contextmanager
def watched_memory() -> Iterator[Callable[[], float]]:
    """Gives a function for the most memory that this process and its children held together, MB, as far as it was seen.

    Looked at every 20 milliseconds; what this process alone held is known exactly. Pages that they share count twice.
    """
    most, ended = 0.0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not ended.wait(0.02):
            most = max(most, _together_mb())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield lambda: max(most, peak_mb())
    finally:
        ended.set()
        watcher.join()


def _together_mb() -> float:
    total = 0
    for task in Path("/proc/self/task").glob("*/children"):
        for child in task.read_text(encoding="ascii").split():
            total += _resident(Path("/proc", child))
    return (total + _resident(Path("/proc/self"))) / 1e6 if total else 0.0


def _resident(process: Path) -> int:
    try:
        return int((process / "statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:  # it has ended
        return 0


def machine() -> dict[str, Any]:
    """What the figures depend on: cores, memory, Python and package versions, and how busy the machine was."""
    known = {}
    for name in _PACKAGES:
        try:
            known[name] = version(name)
        except PackageNotFoundError:
            known[name] = "not installed"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": os.cpu_count(), "memory_mb": memory // 10**6, "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(), "load_1min": round(os.getloadavg()[0], 2), "packages": known,
    }  # fmt: skip
