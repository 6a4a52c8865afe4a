"""How well latency predictors do: the protocols behind Table III, on the 27 device settings of HELP.

``python -m zsnas.book.studies.protocols`` runs what the book shows and is not yet in
``data/latency/predictors.csv``, a row at a time: it can be stopped and started again. All of it takes about
twenty minutes on one core.

Of a random order of NAS-Bench-201, drawn from the seed, the first 900 architectures are to learn from and
all others to be predicted, with every device, method and number of samples the same ones. BRP-NAS learns each
device by itself (``alone``), or learns one seen device with 900 samples and adapts to an unseen one with ten
(``transfer``). HELP learns over the nine seen devices with 900 architectures each, and adapts to every device
(``transfer``), the seen ones included.
"""

from __future__ import annotations

import argparse
import io
import time
from dataclasses import asdict, astuple, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from zsnas.benchmarks import benchmark
from zsnas.checksums import read_checked
from zsnas.hardware.brp_nas import GCN, MLP
from zsnas.hardware.help import HELP, SEEN, UNSEEN
from zsnas.sources import DATA

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    from zsnas.hardware._predictor import Predictor

TABLE = DATA / "latency" / "predictors.csv"
BENCHMARK = "help/nb201"
SUFFIX = "_latency_ms"

LEARNERS: dict[str, type[Predictor]] = {"gcn": GCN, "mlp": MLP}
"""The two of BRP-NAS, which learn one device at a time."""

METHODS = (*LEARNERS, "help")
ALONE, TRANSFER = "alone", "transfer"
POOL = 900
SIZES = (900, 100, 10)
FEW = SIZES[-1]
SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Case:
    """One number to find: a method on a device, from so many of its latencies.

    ``source`` is what was learned before: a setting, "seen" for all nine, or "none".
    """

    seed: int
    device: str
    method: str
    protocol: str
    source: str
    samples: int


def settings() -> list[str]:
    """Return the names of the device settings of ``help/nb201``."""
    names = map(str, _table().columns)
    return [name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX)]


def cases(
    devices: Iterable[str], sizes: Sequence[int] = SIZES, seeds: Sequence[int] = SEEDS
) -> Iterator[Case]:
    """Yield what the protocols find for some devices.

    Parameters
    ----------
    devices
        Of :func:`settings`.
    sizes
        From how many architectures a predictor learns, one case each.
    seeds
        Each draws architectures, weights and the device that is learned from before.
    """
    chosen = list(devices)
    for seed in seeds:
        source = str(np.random.default_rng(seed).choice(SEEN))
        for device in chosen:
            for samples in sizes:
                yield from (Case(seed, device, name, ALONE, "none", samples) for name in LEARNERS)
                yield Case(seed, device, "help", TRANSFER, "seen", samples)
            if device in UNSEEN:
                yield from (Case(seed, device, name, TRANSFER, source, FEW) for name in LEARNERS)


def found(
    seeds: Sequence[int], profile: str, limit: int | None, *, recompute: bool, without: Sequence[str] = ()
) -> pd.DataFrame:
    """Return the rows of :func:`run` of some devices, the published ones where they need not be found now.

    Parameters
    ----------
    seeds : sequence of int
    profile : str
        "quick" finds now, with the first seed and fewer sizes.
    limit : int, optional
        So many devices; by default all that are published, or one that is found now.
    recompute : bool
        Find all now.
    without : sequence of str
        Devices that are left out.
    """
    shown = [device for device in settings() if device not in without]
    if recompute or profile == "quick":
        devices = list(dict.fromkeys([*UNSEEN, *shown]))[: limit or 1]
        chosen = seeds[:1] if profile == "quick" else seeds
        sizes = (POOL, FEW) if profile == "quick" else SIZES
        return pd.DataFrame([run(case) for case in cases(devices, sizes, chosen)])
    table = pd.read_csv(io.BytesIO(read_checked(TABLE)))
    return table[table["seed"].isin(seeds) & table["device"].isin(shown[:limit])]


def run(case: Case) -> dict[str, object]:
    """Find one number.

    Returns
    -------
    dict
        The case; ``rmse_ms`` on the held-out architectures, ``mean_ms`` of their latencies, ``kendall`` and
        ``spearman`` of predicted and measured, ``n`` held out, and the ``seconds`` that learning or adapting
        took, without what was learned before.
    """
    predictor, seconds = _trained(case)
    return asdict(case) | judged(predictor, case.device, case.seed) | {"seconds": seconds}


def judged(predictor: Predictor, device: str, seed: int) -> dict[str, float]:
    """Return the :func:`errors` on the held-out architectures of a device, and their number ``n``.

    Parameters
    ----------
    predictor
        Fitted.
    device
        One of :func:`settings`.
    seed
        Draws which architectures are held out.
    """
    _, held_out = _split(seed)
    found = errors(predictor.predict(_architectures(held_out)), _latency(device, held_out))
    return found | {"n": len(held_out)}


def to_learn(
    seed: int, devices: Sequence[str], first: Sequence[str] = (), samples: int = POOL
) -> tuple[list[str], NDArray[np.float64]]:
    """Return architectures of the pool and their latencies in ms, shape (samples, devices).

    The architectures of ``first`` come before the others, also those that are not in the pool.

    Parameters
    ----------
    seed
        Draws the architectures.
    devices
        Of :func:`settings`.
    first
        Architectures that come before the others.
    samples
        How many architectures in all.
    """
    order = np.concatenate(_split(seed))
    needed = np.isin(_architectures(order), list(first))
    chosen = order[np.argsort(~needed, kind="stable")][: min(samples, POOL)]
    return _architectures(chosen), np.column_stack([_latency(device, chosen) for device in devices])


def errors(predicted: ArrayLike, measured: ArrayLike) -> dict[str, float]:
    """Return ``rmse_ms``, ``mean_ms``, ``kendall`` and ``spearman`` of predicted and measured latencies."""
    prediction, truth = np.asarray(predicted, dtype=float), np.asarray(measured, dtype=float)
    return {
        "rmse_ms": float(np.sqrt(np.mean((prediction - truth) ** 2))),
        "mean_ms": float(truth.mean()),
        "kendall": float(stats.kendalltau(prediction, truth).statistic),
        "spearman": float(stats.spearmanr(prediction, truth).statistic),
    }


def _trained(case: Case) -> tuple[Predictor, float]:
    if case.protocol == ALONE:
        start, learn = LEARNERS[case.method](case.seed), "fit"
    else:
        start, learn = _learned(case.method, case.source, case.seed), "adapt"
    references = getattr(start, "references", ())
    architectures, latency = to_learn(case.seed, [case.device], references, case.samples)
    began = time.perf_counter()
    predictor = getattr(start, learn)(architectures, latency[:, 0])
    return predictor, time.perf_counter() - began


@cache
def _learned(method: str, source: str, seed: int) -> Predictor:
    """Learn from all 900 architectures of the pool, on one device or over the nine seen ones."""
    if method == "help":
        return HELP(seed).fit(*to_learn(seed, SEEN))
    architectures, latency = to_learn(seed, [source])
    return LEARNERS[method](seed).fit(architectures, latency[:, 0])


@cache
def _table() -> pd.DataFrame:
    return benchmark(BENCHMARK).table


@cache
def _split(seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = np.random.default_rng(seed).permutation(len(_table()))
    return order[:POOL], order[POOL:]


def _architectures(at: NDArray[np.int64]) -> list[str]:
    return [str(arch) for arch in _table()["arch"].iloc[at]]


def _latency(device: str, at: NDArray[np.int64]) -> NDArray[np.float64]:
    column = f"{device}{SUFFIX}"
    if column not in _table():
        raise ValueError(f"{BENCHMARK} has no device {device!r}; it has {', '.join(settings())}")
    return _table()[column].to_numpy(dtype=float)[at]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the protocols on all devices, and add what is missing to the book's table."""
    parser = argparse.ArgumentParser(prog="python -m zsnas.book.studies.protocols", description=main.__doc__)
    parser.add_argument("--to", type=Path, default=TABLE, help="the table; by default the book's")
    path = parser.parse_args(arguments).to
    path.parent.mkdir(parents=True, exist_ok=True)
    append(map(run, _missing(path)), path)


def write(rows: Iterable[dict[str, object]], path: Path) -> None:
    """Write a table anew, a row at a time."""
    path.unlink(missing_ok=True)
    append(rows, path)


def append(rows: Iterable[dict[str, object]], path: Path) -> None:
    """Write rows behind those that a table has, as they come."""
    for row in rows:
        table = pd.DataFrame([row]).round(4)
        table.to_csv(path, mode="a", header=not path.exists(), index=False)


def _missing(path: Path) -> list[Case]:
    wanted = list(cases(settings()))
    if not path.exists():
        return wanted
    fields = list(Case.__dataclass_fields__)
    done = set(pd.read_csv(path)[fields].itertuples(index=False, name=None))
    return [case for case in wanted if astuple(case) not in done]


if __name__ == "__main__":
    main()
