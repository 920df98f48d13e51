"""``python -m scripts.fuzz --inputs N --seed S [--source NAME]``: fuzzes the sources and prints the count of each."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from llmcost.sources import SOURCES
from scripts.fuzz.run import Found, fuzz

OUT = Path("out/fuzz")


def main() -> int:
    """Runs it; 1 when a fault was found."""
    parser = argparse.ArgumentParser(prog="python -m scripts.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=50_000, help="how many files to make up and read")
    parser.add_argument("--seed", type=int, default=0, help="other seeds draw other files")
    parser.add_argument(
        "--source", action="append", default=[], choices=SOURCES.names(), help="only this source (may be repeated)"
    )
    given = parser.parse_args()
    found = fuzz(
        given.inputs, given.seed, given.source, real=True, tell=lambda done: print(f"{done:,}", file=sys.stderr)
    )
    report(found)
    return 1 if found.failures else 0


def report(found: Found) -> None:
    """Prints counts by source and the faults, and writes the input of each to out/fuzz/."""
    for name, number in sorted(found.inputs.items()):
        print(f"{name:26} {number:>9,}  {found.rows[name] / number:>4.0%} gave rows")
    total = found.inputs.total()
    print(f"{'all':26} {total:>9,}  in {found.seconds:.0f} s ({total / max(found.seconds, 0.001):,.0f} a second)")
    for number, (place, failure) in enumerate(sorted(found.failures.items())):
        OUT.mkdir(parents=True, exist_ok=True)
        path = OUT / f"{failure.source}-{number}.bin"
        path.write_bytes(failure.data)
        print(
            f"\n{failure.what} at {failure.where}, {found.times[place]} times; {failure.source}; {path} ({len(failure.data)} bytes)"
        )
        print("\n".join(failure.told.strip().splitlines()[-6:]))


if __name__ == "__main__":
    sys.exit(main())
