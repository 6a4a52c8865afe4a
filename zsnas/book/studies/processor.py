"""All latency predictors on the processor on which kernels and networks of NAS-Bench-201 were measured.

Of the measured networks, in an order drawn from the seed, the last 200 are predicted and the others can be
learned from; with every method the same ones. The kernel model learns from kernels only, and once more gets
one factor from ten networks. HELP learns over the devices of its authors and adapts with ten networks.

A machine that becomes slower while it measures leaves an error that no predictor can avoid. What the
reference network of each block says of it (:func:`corrected`) is taken out in a second set of rows.

``python -m zsnas.book.studies.processor`` writes ``data/latency/processor.csv``, in about a minute.
"""

from __future__ import annotations

import io
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from zsnas.book.studies import protocols
from zsnas.checksums import read_checked
from zsnas.hardware.help import HELP, REFERENCES, SEEN
from zsnas.hardware.kernels import KernelModel
from zsnas.hardware.measure import latencies
from zsnas.sources import DATA

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from zsnas.hardware._predictor import Predictor

TABLE = DATA / "latency" / "processor.csv"
HELD_OUT = 200
SIZES = (200, 100, 10)
METHODS = ("kernels", *protocols.METHODS)
SEEDS = protocols.SEEDS
QUICKLY = ("kernels", "mlp")
"""Methods that learn in seconds."""


def rows(seed: int, methods: Sequence[str] = METHODS) -> Iterator[dict[str, object]]:
    """Yield the errors of the methods.

    Yields
    ------
    dict
        ``seed``, ``method``, ``samples`` of networks that it learned from, ``latency`` "measured" or
        "corrected" and what :func:`protocols.errors` returns.
    """
    table = latencies("nb201")
    order = np.random.default_rng(seed).permutation(len(table))
    known, held_out = order[:-HELD_OUT], order[-HELD_OUT:]
    names = list(map(str, table["arch"]))
    for kind, latency in (("measured", table["latency_ms"].to_numpy()), ("corrected", corrected(table))):
        for method in methods:
            for samples in _sizes(method):
                chosen = known[:samples]
                learned = _learn(method, seed, [names[k] for k in chosen], latency[chosen])
                found = protocols.errors(learned.predict([names[k] for k in held_out]), latency[held_out])
                yield {"seed": seed, "method": method, "samples": samples, "latency": kind} | found


def found(seeds: Sequence[int], profile: str, *, recompute: bool) -> pd.DataFrame:
    """Return the :func:`rows` of some seeds, the published ones where they need not be found now.

    Parameters
    ----------
    seeds : sequence of int
    profile : str
        "quick" finds now what takes seconds, with the first seed.
    recompute : bool
        Find all now.
    """
    chosen = seeds[:1] if profile == "quick" else seeds
    now = METHODS if recompute else QUICKLY if profile == "quick" else ()
    here = [row for seed in chosen for row in rows(seed, now)]
    if recompute:
        return pd.DataFrame(here)
    known = pd.read_csv(io.BytesIO(read_checked(TABLE)))
    known = known[known["seed"].isin(chosen) & ~known["method"].isin(now)]
    return pd.concat([pd.DataFrame(here), known], ignore_index=True) if here else known


def drift(networks: pd.DataFrame, predicted: NDArray[np.float64]) -> dict[str, str]:
    """Return what a page says of the machine while it measured, for :func:`zsnas.book.say`.

    Parameters
    ----------
    networks : DataFrame
        Of ``zsnas.hardware.latencies("nb201")``.
    predicted : array, shape (n,)
        Sums of the kernels in ms.

    Returns
    -------
    dict
        ``reference_fastest`` and ``reference_slowest`` (ms); ``floor``, how far dividing the drift out moves
        the latencies (standard deviation, ms); ``factor``, how many times the sum of its kernels a network
        takes at the median, and the same of the blocks with a fast and with a slow reference.
    """
    reference = networks["reference_ms"]
    slow = reference > reference.median()
    factor = networks["latency_ms"] / predicted
    return {
        "reference_fastest": f"{reference.min():.2f}",
        "reference_slowest": f"{reference.max():.2f}",
        "floor": f"{(networks['latency_ms'] - corrected(networks)).std():.2f}",
        "factor": f"{factor.median():.2f}",
        "factor_fast": f"{factor[~slow].median():.2f}",
        "factor_slow": f"{factor[slow].median():.2f}",
    }


def corrected(table: pd.DataFrame) -> NDArray[np.float64]:
    """Return latencies in ms as if the reference network had always taken its median, shape (n,)."""
    drift = table["reference_ms"] / table["reference_ms"].median()
    return (table["latency_ms"] / drift).to_numpy()


def _sizes(method: str) -> tuple[int, ...]:
    return {"kernels": (0, protocols.FEW), "help": (protocols.FEW,)}.get(method, SIZES)


def _learn(method: str, seed: int, names: list[str], latency: NDArray[np.float64]) -> Predictor:
    if method in protocols.LEARNERS:
        return protocols.LEARNERS[method](seed).fit(names, latency)
    if method == "help":
        return _over_devices(seed, tuple(names)).adapt(names, latency)
    return _of_kernels().adapt(names, latency) if names else _of_kernels()


@cache
def _of_kernels() -> KernelModel:
    table = latencies("kernels")
    return KernelModel().fit(table["kernel"].tolist(), table["latency_ms"])


@cache
def _over_devices(seed: int, references: tuple[str, ...]) -> HELP:
    """Learn over the seen devices, with references that were measured here."""
    if len(references) != REFERENCES:
        raise ValueError(f"HELP needs {REFERENCES} references, and {len(references)} networks were measured")
    return HELP(seed, references).fit(*protocols.to_learn(seed, SEEN, first=references))


def main() -> None:
    """Find the errors of all methods and write the table anew, a row at a time."""
    protocols.write((row for seed in SEEDS for row in rows(seed)), TABLE)


if __name__ == "__main__":
    main()
