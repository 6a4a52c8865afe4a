"""HELP: the latency of NAS-Bench-201 and FBNet networks on 27 device settings each.

``help/nb201`` has ``arch``, the CIFAR-10 ``test_accuracy`` and a column ``<setting>_latency_ms`` per setting,
for networks of CIFAR-10: the columns of raspi4, pixel3, fpga and eyeriss are those of HW-NAS-Bench.
``help/fbnet`` has ``arch``, 22 operation ids from 0 to 8 joined by commas, and the latencies of 5,000
networks. Nothing of these was trained and no space builds them, so ``metric``, ``unit``, ``space`` and
``batch`` of that benchmark are empty, and `Benchmark.check_trained` refuses it.

A number at the end of a setting is the batch size: ``titanx_256`` takes 256 images at once. A latency is that
of the whole batch. Upstream gives four phones (Essential PH-1, Pixel 2,
Samsung A50 and S7) in whole milliseconds.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import pandas as pd

from zsnas.benchmarks import nb201
from zsnas.benchmarks._base import Benchmark
from zsnas.sources import fetch, list_sources, source

_OPERATIONS_OF_FBNET = range(9)
_LAYERS_OF_FBNET = 22


def _load_nb201() -> Benchmark:
    accuracy, costs = nb201.LOADERS["nb201/cifar10"](), source("help/nb201/architecture-index")
    return Benchmark(
        name="help/nb201",
        table=accuracy.table.merge(_nb201(), on="arch"),
        space="nb201",
        batch="cifar10",
        licence=f"{costs.licence} (latencies); {accuracy.licence} (accuracies)",
        citation=f"{costs.citation}; {accuracy.citation}",
    )


def _load_fbnet() -> Benchmark:
    entry = source("help/fbnet/architectures")
    return Benchmark(
        name="help/fbnet",
        table=_fbnet().copy(),
        space="",
        batch="",
        licence=entry.licence,
        citation=entry.citation,
        metric="",
        unit="",
    )


@cache
def _nb201() -> pd.DataFrame:
    """Return ``arch`` and the latencies (ms); upstream says which position belongs to which architecture."""
    path = fetch("help/nb201/architecture-index")
    positions = read(path, dict)
    if sorted(positions.values()) != list(range(len(positions))):
        raise ValueError(f"{path} gives no order of its {len(positions):,} architectures; fetch it again")
    known = set(nb201.LOADERS["nb201/cifar10"]().table["arch"])
    if positions.keys() != known:
        raise ValueError(
            f"{path} lacks {len(known - positions.keys())} of the {len(known):,} architectures and adds "
            f"{len(positions.keys() - known)} that are not in the space; fetch it again"
        )
    return _latencies("nb201", sorted(positions, key=positions.__getitem__))


@cache
def _fbnet() -> pd.DataFrame:
    path = fetch("help/fbnet/architectures")
    networks = read(path, list)
    for network in networks:
        if len(network) != _LAYERS_OF_FBNET or not set(network) <= set(_OPERATIONS_OF_FBNET):
            raise ValueError(
                f"{path} has the network {network!r}; FBNet's have {_LAYERS_OF_FBNET} ids from 0 to 8; "
                "fetch it again"
            )
    return _latencies("fbnet", [",".join(map(str, network)) for network in networks])


def _latencies(space: str, architectures: list[str]) -> pd.DataFrame:
    """Join a list of architectures with the latencies of each setting, which are in the same order."""
    columns: dict[str, list[Any]] = {"arch": architectures}
    for name in list_sources(f"help/{space}/latency/*"):
        path = fetch(name)
        latencies = read(path, list)
        if len(latencies) != len(architectures):
            raise ValueError(
                f"{path} has {len(latencies):,} latencies for {len(architectures):,} architectures; "
                "fetch it again"
            )
        columns[f"{name.rpartition('/')[2]}_latency_ms"] = [float(latency) for latency in latencies]
    return pd.DataFrame(columns)


def read(path: Path, kind: type) -> Any:  # noqa: ANN401 the content is the file's
    """Return the list or dict in a file of torch, which can hold nothing that runs.

    Raises
    ------
    ValueError
        When the file cannot be read, or holds something else.
    """
    import torch

    try:
        content = torch.load(path, weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError) as error:
        raise ValueError(f"{path} is no file of numbers written by torch; fetch it again") from error
    if not isinstance(content, kind):
        raise ValueError(f"{path} holds a {type(content).__name__}, not a {kind.__name__}; fetch it again")
    return content


LOADERS: dict[str, Callable[[], Benchmark]] = {"help/nb201": _load_nb201, "help/fbnet": _load_fbnet}
"""Name of each benchmark of this family, and the function that returns it."""
