"""Compute published scores again and compare them with what is stored.

``python tests/recompute.py`` does 50 random rows of every table with all their proxies, which takes two
hours; with names of tables, of those alone. `scores/test_recomputed.py` does a part that costs little,
another one after each commit.
"""

import argparse
import math
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd
import torch

from zsnas.benchmarks import benchmark
from zsnas.proxies import list_proxies
from zsnas.scores.store import Row
from zsnas.scores.sweep import Job, run_job
from zsnas.scores.table import published_path, read, undefined
from zsnas.sources import DATA

SCORES = DATA / "scores"
CARD = SCORES / "README.md"
ROWS = 50
OLD_TORCH = "2.11"
"""What the tables of the GPU were made with, the last one that drew truncated normal numbers its way."""
LEAST = 0.2
"""Seconds to build a network and to draw its batch."""


@dataclass(frozen=True)
class Stored:
    """A row of a table: what it holds, by proxy. NaN is a score that is undefined."""

    row: Row
    scores: dict[str, float]
    seconds: float

    @property
    def cost(self) -> float:
        """Seconds that one of its proxies takes, roughly: the table has those of all together."""
        return max(self.seconds / len(self.scores), LEAST)


@dataclass(frozen=True)
class Compared:
    """A stored score beside what comes out now, and by how much they may differ."""

    row: Row
    proxy: str
    stored: float
    value: float
    tolerance: float

    @property
    def is_equal(self) -> bool:
        if math.isnan(self.stored) or math.isnan(self.value):
            return math.isnan(self.stored) and math.isnan(self.value)
        return self.stored == self.value or abs(self.value - self.stored) <= self.tolerance


def tables() -> list[str]:
    """Return the names of the benchmarks that have published scores."""
    return sorted(str(path.relative_to(SCORES).with_suffix("")) for path in SCORES.rglob("*.parquet"))


@cache
def table(name: str) -> pd.DataFrame:
    return read(published_path(name))


@cache
def tolerances() -> dict[str, tuple[float, float]]:
    """Read the card: by how much of itself a score may differ, in a file of a processor and of a GPU."""
    _, _, section = CARD.read_text(encoding="utf-8").partition("\n## Computing them again\n")
    rows = re.findall(r"^\| (`.*|all others) \| ([\d.]+) % \| (?:([\d.]+) % )?\|$", section, re.MULTILINE)
    return {
        name: (float(processor) / 100, float(gpu or processor) / 100)
        for names, processor, gpu in rows
        for name in re.findall(r"`(\w+)`", names) or ["all others"]
    }


def tolerance(name: str, proxy: str, stored: float) -> float:
    """Return by how much a score of a table may differ when it is computed again."""
    parts = tolerances().get(proxy, tolerances()["all others"])
    allowed = parts["device" in table(name).attrs] * abs(stored)
    return max(allowed, 0.02 * table(name)[proxy].abs().median()) if proxy == "grasp" else allowed


def commit() -> str:
    """Return what says which rows have their turn: the commit, or the day where there is no repository."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return run.stdout.strip()[:9] or time.strftime("%Y-%m-%d")


def drawn(name: str, turn: str, rows: int = ROWS) -> list[Stored]:
    """Return random rows of a table in random order, those that hold anything."""
    frame, rng = table(name), random.Random(f"{name}/{turn}")
    proxies = [proxy for proxy in list_proxies() if proxy in frame]
    slower = 4 if "device" in frame.attrs else 1  # than a GPU is a processor, here
    found = []
    for place in rng.sample(range(len(frame)), len(frame)):
        fields = frame.iloc[place]
        is_undefined = undefined(fields["reasons"])
        scores = {proxy: float(fields[proxy]) for proxy in proxies}
        scores = {proxy: x for proxy, x in scores.items() if not math.isnan(x) or proxy in is_undefined}
        if scores:
            row = Row(fields["arch"], int(fields["seed"]), int(fields["batch_size"]))
            found.append(Stored(row, scores, slower * float(fields["seconds"])))
        if len(found) == rows:
            break
    return found


def turned(turn: str, parts: int) -> list[str]:
    """Return the tables whose turn it is: one of so many parts, at random."""
    names = tables()
    return sorted(random.Random(turn).sample(names, len(names) // parts))


def affordable(rows: list[Stored], seconds: float, turn: str) -> list[tuple[Stored, str]]:
    """Return a proxy for each row, until they cost as much as is given, at least one.

    Proxies take turns: the next is one of those that had the fewest so far.
    """
    rng, had = random.Random(turn), Counter[str]()
    chosen: list[tuple[Stored, str]] = []
    for stored in rows:
        seconds -= stored.cost
        if chosen and seconds < 0:
            break
        proxy = min(stored.scores, key=lambda name: (had[name], rng.random()))
        had[proxy] += 1
        chosen.append((stored, proxy))
    return chosen


@contextmanager
def drawing_as(torch_version: str) -> Iterator[None]:
    """Draw truncated normal numbers as the version of torch does that a table was made with."""
    now = torch.nn.init.trunc_normal_
    if torch_version.startswith(OLD_TORCH):
        torch.nn.init.trunc_normal_ = old_trunc_normal_
    try:
        yield
    finally:
        torch.nn.init.trunc_normal_ = now


@torch.no_grad()
def old_trunc_normal_(
    tensor: torch.Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0
) -> torch.Tensor:
    """Fill a tensor by the inverse of the cumulative normal distribution, of uniform numbers."""
    low, high = (math.erf((end - mean) / std / math.sqrt(2)) for end in (a, b))
    return tensor.uniform_(low, high).erfinv_().mul_(std * math.sqrt(2)).add_(mean).clamp_(a, b)


def again(name: str, stored: Stored, proxies: Iterable[str]) -> list[Compared]:
    """Compute some scores of a row again."""
    with drawing_as(table(name).attrs["torch"]):
        outcome = run_job(Job.of(benchmark(name), stored.row, tuple(proxies)))
    return [
        Compared(stored.row, score.proxy, before, score.value, tolerance(name, score.proxy, before))
        for score in outcome.scores
        for before in [stored.scores[score.proxy]]
    ]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("tables", nargs="*", help="names, by default all")
    parser.add_argument("--rows", type=int, default=ROWS, help="of each table")
    parser.add_argument("--turn", default=commit(), help="draws the rows: any text, by default the commit")
    options = parser.parse_args()
    torch.set_num_threads(1)  # as in a sweep
    wrong = 0
    for name in options.tables or tables():
        start, compared = time.monotonic(), list[Compared]()
        rows = drawn(name, options.turn, options.rows)
        for stored in rows:
            compared += again(name, stored, stored.scores)
            for found in compared[-len(stored.scores) :]:
                if not found.is_equal:
                    sys.stderr.write(f"{name}: {found}\n")
        other = sum(not found.is_equal for found in compared)
        wrong += other
        sys.stdout.write(
            f"{name:48}{len(rows):4} rows{len(compared):6} scores, {other} differ, "
            f"{time.monotonic() - start:.0f} s; turn {options.turn}\n"
        )
        sys.stdout.flush()
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
