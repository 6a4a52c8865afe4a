"""Pruning the supernet of NAS-Bench-201 by proxy, beside searches that score as many single cells.

``python -m zsnas.book.studies.prunings`` writes ``data/search/nb201-pruning.parquet``, in half an hour on one
core, and goes on where it stopped.
"""

from __future__ import annotations

import io
import json
import sys
import time
from collections import Counter
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

import zsnas.benchmarks
from zsnas import statistics
from zsnas.batches import batch
from zsnas.book.studies.boards import at_random
from zsnas.checksums import read_checked, update
from zsnas.search import Objective, prune, search
from zsnas.sources import DATA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BENCHMARK = "nb201/cifar100"
FILE = DATA / "search" / "nb201-pruning.parquet"
RUNS = {
    ("params",): 16,
    ("synflow",): 16,
    ("jacob_cov",): 16,
    ("ntk_cond", "linear_regions"): 8,  # the pair of TE-NAS; every image needs a backward pass of its own
}
"""Proxies whose ranks are added, and the images that they see."""

METHODS = ("pruning", "evolution")
SEEDS = (0, 1, 2)
STEPS = 84
"""Networks that pruning scores: five to two operations on each of six edges, once without each."""

POPULATION = 20
"""Of evolution; a hundred would be more than its steps."""


def run(method: str, proxies: Sequence[str], seed: int, batch_size: int) -> dict[str, object]:
    """Prune or search once, on images of CIFAR-100.

    Parameters
    ----------
    method : str
        "pruning" or "evolution".
    proxies : sequence of str
    seed : int
        Of weights, images and steps.
    batch_size : int
        Images.

    Returns
    -------
    dict
        A row of the table that :func:`runs` reads.
    """
    start = time.process_time()
    if method == "pruning":
        found = prune(Objective(proxies), batch("cifar100", batch_size, seed), seed=seed)
        arch, evaluations, rounds = found.arch, found.evaluations, found.rounds
    else:
        history = search(
            "nb201",
            proxies=proxies,
            steps=STEPS,
            population=POPULATION,
            batch_name="cifar100",
            batch_size=batch_size,
            seed=seed,
            progress=False,
        )
        arch, evaluations, rounds = history.arch, history.history["arch"].nunique(), []
    return {
        "method": method,
        "proxies": ",".join(proxies),
        "seed": seed,
        "batch_size": batch_size,
        "arch": arch,
        "evaluations": evaluations,
        "seconds": time.process_time() - start,
        "rounds": json.dumps(rounds),
    }


def runs() -> pd.DataFrame:
    """Return the runs that are published.

    Returns
    -------
    DataFrame
        ``method``, ``proxies`` (joined by commas), ``seed``, ``batch_size``; the ``arch`` that was found, how
        many ``evaluations`` of a network and ``seconds`` of one core it took; ``rounds``, as JSON, the
        operations that every edge had left after each round of pruning.
    """
    return pd.read_parquet(io.BytesIO(read_checked(FILE, DATA)))


def random_search(proxies: Sequence[str], draws: int, limit: int | None = None) -> NDArray[np.float64]:
    """Return what random search by published scores finds on CIFAR-100: test accuracy in %, by draw.

    Each draw takes :data:`STEPS` cells of those that were scored at random with seed 0 (on the images of the
    published scores, which are more than those of :data:`RUNS`).

    Parameters
    ----------
    proxies : sequence of str
        Those whose ranks are added.
    draws : int
    limit : int, optional
        So many cells to draw from; by default all.
    """
    bench = zsnas.benchmarks.benchmark(BENCHMARK)
    scores = at_random(bench, limit)
    for name in proxies:
        scores = scores[statistics.is_measured(scores, name)]
    truth = bench.truth.reindex(scores["arch"]).to_numpy()
    records, objective = scores[list(proxies)].to_dict("records"), Objective(proxies)
    found = []
    for draw in range(draws):
        some = np.random.default_rng(draw).permutation(len(records))[:STEPS]
        found.append(truth[some[objective.best([records[i] for i in some])]])
    return np.array(found)


def finds(table: pd.DataFrame) -> pd.DataFrame:
    """Add what the cells that were found reach on CIFAR-100: ``accuracy`` in %, ``place`` in the space.

    Parameters
    ----------
    table : DataFrame
        Of :func:`runs`.
    """
    truth = zsnas.benchmarks.benchmark(BENCHMARK).truth
    accuracy = truth.reindex(table["arch"]).to_numpy()
    place = [1 + int((truth > one).sum()) for one in accuracy]
    return table.assign(accuracy=accuracy, place=place)


def first_round(rounds: str) -> dict[str, int]:
    """Return on how many edges each operation went first.

    Parameters
    ----------
    rounds : str
        Of a row of :func:`runs`.
    """
    before, after = json.loads(rounds)[:2]
    gone = [set(had) - set(has) for had, has in zip(before, after, strict=True)]
    return dict(Counter(name for names in gone for name in names))


def main() -> None:
    """Do what is not done yet, seed by seed."""
    done: list[Any] = [] if not FILE.exists() else runs().to_dict("records")
    known = {(row["method"], row["proxies"], row["seed"]) for row in done}
    for seed, (proxies, batch_size), method in product(SEEDS, RUNS.items(), METHODS):
        if (method, ",".join(proxies), seed) not in known:
            done.append(run(method, proxies, seed, batch_size))
            sys.stderr.write(f"{done[-1]}\n")
            pd.DataFrame(done).to_parquet(FILE, index=False)
            update(FILE)


if __name__ == "__main__":
    main()
