"""Writes the tables of ``docs/self-host.md``: how well measurements are predicted by the others, shipped ones and real samples.

``python -m scripts.throughput`` needs the samples (``LLMCOST_SHARED_DATA``, else ``../shared/data``); without them their table
stays as it is. ``--print`` writes nothing.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from itertools import pairwise
from math import log
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

import polars as pl

from llmcost.hosting.catalogue import GpuCatalogue
from llmcost.hosting.evidence import AIM, Checked, Errors, together
from llmcost.hosting.importing import Replica, read_benchmark
from llmcost.hosting.schema import Point, Series
from llmcost.hosting.throughput import errors_left_out

ROOT: Final = Path(__file__).parent.parent
PATH: Final = ROOT / "docs" / "self-host.md"
_HEAD: Final = (
    "| what | series | points inside | median | p90 | worst | within 15 % | within what it says | outside: points | median | p90 | worst "
    "| within what it says |\n"
)
_RULE: Final = "| --- |" + 12 * " ---: |" + "\n"
_FEWEST: Final = 5
"""Series with fewer points are too small to leave one out."""


def samples() -> Path | None:
    """Where the real samples lie."""
    folder = Path(os.environ.get("LLMCOST_SHARED_DATA", ROOT.parent / "shared" / "data"))
    return folder if folder.is_dir() else None


def made(points: Sequence[tuple[float, float, float, float]], gpus: int = 1) -> Series:
    """A series of (input, output, output tokens per second and GPU, requests at once)."""
    return Series(
        model="sample", gpu="G", gpus=gpus, load="served", source="sample",
        points=tuple(
            Point(input_tokens=i, output_tokens=o, output_tokens_per_second_per_gpu=rate, concurrency=load)
            for i, o, rate, load in points
        ),
    )  # fmt: skip


def once(series: Series) -> Series:
    """One point at each place, the median of the repeats: a repeat would predict the point that is left out."""
    places: dict[tuple[float, float, float | None], list[Point]] = {}
    for point in series.points:
        places.setdefault((point.input_tokens, point.output_tokens, point.concurrency), []).append(point)
    kept = [
        same[0].model_copy(
            update={"output_tokens_per_second_per_gpu": median(p.output_tokens_per_second_per_gpu for p in same)}
        )
        for same in places.values()
    ]
    return series.model_copy(update={"points": tuple(kept)})


def deepseek(folder: Path) -> Iterator[Series]:
    """DeepSeek-R1 on nine GPUs, several stacks (InferenceX)."""
    rows = pl.read_parquet(folder / "gpu" / "inferencex_dsr1.parquet").filter(pl.col("series") == "latest")
    with TemporaryDirectory() as place:
        # Earlier days ran other versions of the same stacks: no repeats of these.
        rows.write_parquet(Path(place) / "latest.parquet")
        found = read_benchmark(Path(place) / "latest.parquet", Replica(), date(2026, 11, 24))
    yield from (once(series) for series in found.file.series)


def h200(folder: Path) -> Iterator[Series]:
    """GLM-5 and MiniMax-M2.5 on 8 H200, 128 tokens out."""
    rows = pl.read_parquet(folder / "traces" / "inferencex_h200" / "results.parquet").filter(
        pl.col("output_throughput") > 0
    )
    for _, group in rows.group_by("family", "run", "model_id", maintain_order=True):
        columns = group.select("isl", "osl", pl.col("output_throughput") / 8, "conc")
        yield once(made([(i, o, rate, c) for i, o, rate, c in columns.iter_rows()], 8))


def aibrix(folder: Path) -> Iterator[Series]:
    """Llama-3.1-8B on 8 A100, one GPU a replica, prompts that share 21,000 tokens: by offered load, prefixes cached."""
    rows = pl.read_parquet(folder / "traces" / "aibrix_vllm_multiround" / "benchmark_20250519.parquet")
    for _, runs in rows.group_by("config", maintain_order=True):
        points = []
        for _, run in runs.group_by("qps", maintain_order=True):
            start, end = run["launch_time"].to_numpy(), run["finish_time"].to_numpy()
            into, out = run["prompt_tokens"].to_numpy(), run["generation_tokens"].to_numpy()
            seconds = float(end.max() - start.min())
            under_way = float((end - start).sum()) / seconds / 8
            points.append((float(into.mean()), float(out.mean()), float(out.sum()) / seconds / 8, under_way))
        yield made(points)


def burst(folder: Path) -> Iterator[Series]:
    """Llama-3.2-1B on one GPU of 24 GB, BurstGPT's arrivals at several speeds: by speed, over the samples with work."""
    place = folder / "traces" / "vllm_burstgpt_replay"
    rows = pl.read_parquet(place / "vllm_throughput.parquet").filter(pl.col("num_running") > 0)
    asked = pl.read_parquet(place / "requests.parquet")
    points = []
    for _, run in rows.group_by("scale", maintain_order=True):
        names = ("prompt_throughput", "generation_throughput", "num_running")
        into, out, load = (float(run[name].to_numpy().mean()) for name in names)
        each = float(asked.filter(pl.col("scale") == run["scale"][0])["in_len"].to_numpy().mean())
        points.append((each, each * out / into, out, load))
    yield made(points)


SAMPLES: Final[dict[str, Callable[[Path], Iterator[Series]]]] = {
    "DeepSeek-R1, nine GPUs (InferenceX)": deepseek,
    "GLM-5, MiniMax-M2.5, 8 H200 (InferenceX)": h200,
    "Llama-3.1-8B, 8 A100, shared prefixes (AIBrix)": aibrix,
    "Llama-3.2-1B, one 24 GB GPU (BurstGPT arrivals)": burst,
}


def line(name: str, checked: Sequence[Checked]) -> str:
    """A row of a table."""
    inside, outside = together(c.inside for c in checked), together(c.outside for c in checked)
    cells = (
        name,
        str(len(checked)),
        str(len(inside.values)),
        *_told(inside),
        _of(inside.within, inside),
        _of(inside.told, inside),
        str(len(outside.values)),
        *_told(outside),
        _of(outside.told, outside),
    )
    return f"| {' | '.join(cells)} |\n"


def _of(number: int, errors: Errors) -> str:
    return f"{number} of {len(errors.values)}" if errors.values else "-"


def _told(errors: Errors) -> tuple[str, ...]:
    found = (errors.median, errors.ninth, errors.worst)
    return tuple("-" if value is None else f"{value:.1%}" for value in found)


def missed(groups: Mapping[str, Sequence[Series]]) -> str:
    """Every measurement inside the hull of the others that they miss by more than the aim, with its neighbours."""
    rows = [
        (
            abs(left.error),
            f"| {name} | {_place(left.point)} | {left.error:+.0%} | {left.off:.0%} | {_beside(left.point, series)} | {_why(left.point, series)} |\n",
        )
        for name, every in groups.items()
        for series in every
        for left in errors_left_out(series)
        if left.inside and abs(left.error) > AIM
    ]
    head = (
        "| series | tokens in / out, at once | error | may be off | tokens a second beside it, itself = 1 | why |\n"
        "| --- | --- | ---: | ---: | --- | --- |\n"
    )
    return head + "".join(text for _, text in sorted(rows, reverse=True))


def _place(point: Point) -> str:
    load = "" if point.concurrency is None else f", {point.concurrency:g}"
    return f"{point.input_tokens:,.0f} / {point.output_tokens:,.0f}{load}"


_FALLS: Final = 0.02
"""Throughput that falls by more as the load rises is no noise of rounding."""
_FAR: Final = 4.0
_FULL: Final = 0.1
"""A load that adds less than this part of what it adds in load has reached what the server can do."""


def _why(point: Point, series: Series) -> str:
    """What is seen of the reason: throughput that falls under more load, a server that is full, or far neighbours."""
    by_load = _along("concurrency", point, series)
    rates = [p.output_tokens_per_second_per_gpu for p in by_load]
    if any(after < before * (1 - _FALLS) for before, after in pairwise(rates)):
        return "more load gives less beside it"
    loads = [p.concurrency or 1.0 for p in by_load]
    slopes = [log(b / a) / log(n / m) for (a, b), (m, n) in zip(pairwise(rates), pairwise(loads), strict=True)]
    if slopes and min(slopes) < _FULL:
        return "the server is full from here on"
    axis, near = max(((axis, _along(axis, point, series)) for axis in _AXES), key=lambda found: len(found[1]))
    values = [float(getattr(p, axis) or 1.0) for p in near]
    far = max((max(a / b, b / a) for a, b in pairwise(values)), default=1.0)
    return f"its neighbours are {far:.0f} x away" if far > _FAR else "unknown: a bend or a run of its own"


_AXES: Final = ("concurrency", "input_tokens", "output_tokens")
_NAMES: Final = {"concurrency": "requests at once", "input_tokens": "tokens in", "output_tokens": "tokens out"}


def _beside(point: Point, series: Series) -> str:
    """The neighbours along the load, else along the length that has some on both sides."""
    axis, near = max(((axis, _along(axis, point, series)) for axis in _AXES), key=lambda found: len(found[1]))
    own = point.output_tokens_per_second_per_gpu
    told = [
        f"{p.output_tokens_per_second_per_gpu / own:.2f} at {getattr(p, axis):,.0f}" for p in near if p is not point
    ]
    return f"{_NAMES[axis]}: {', '.join(told)}"


def _along(axis: str, point: Point, series: Series) -> list[Point]:
    """The nearest before and after ``point`` on an axis, it between them; the rest is as it has it."""

    def at(other: Point) -> float:
        return float(getattr(other, axis) or 0)

    same = [p for p in series.points if all(getattr(p, a) == getattr(point, a) for a in _AXES if a != axis)]
    before, after = [p for p in same if at(p) < at(point)], [p for p in same if at(p) > at(point)]
    return [*([max(before, key=at)] if before else []), point, *([min(after, key=at)] if after else [])]


def shipped() -> str:
    """The table of shipped series, by stack."""
    groups: dict[str, list[Checked]] = {}
    for series in GpuCatalogue().series:
        groups.setdefault(f"{series.stack}, {series.load}", []).append(Checked(series))
    every = [checked for group in groups.values() for checked in group]
    return _HEAD + _RULE + "".join(line(name, group) for name, group in groups.items()) + line("all", every)


def sampled(groups: Mapping[str, Sequence[Series]]) -> str:
    """The table of real samples."""
    rows = [line(name, [Checked(series) for series in every]) for name, every in groups.items()]
    return _HEAD + _RULE + "".join(rows)


def replaced(text: str, mark: str, table: str) -> str:
    """``text`` with the table between the marks."""
    pattern = re.compile(rf"(<!-- {mark} -->\n).*?(<!-- end -->)", re.DOTALL)
    return pattern.sub(lambda m: f"{m[1]}{table}{m[2]}", text)


def main() -> None:
    """Prints the tables and writes them into the document."""
    folder, tables = samples(), {"shipped": shipped()}
    if folder is not None:
        groups = {
            name: [each for each in read(folder) if len(each.points) >= _FEWEST] for name, read in SAMPLES.items()
        }
        own = {series.name: [series] for series in GpuCatalogue().series}
        tables |= {"samples": sampled(groups), "missed": missed(own | groups)}
    for mark, table in tables.items():
        sys.stdout.write(f"{mark} (aim: {AIM:.0%} inside)\n{table}\n")
    if "--print" not in sys.argv and PATH.exists():
        text = PATH.read_text()
        for mark, table in tables.items():
            text = replaced(text, mark, table)
        PATH.write_text(text)


if __name__ == "__main__":
    main()
