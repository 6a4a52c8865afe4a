"""Truth tables: what architectures reach, and what they cost. One file per family; never networks.

``zsnas.benchmarks()`` is a table of them all.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from zsnas._listed import Listed
from zsnas._names import as_known, as_name, as_names, matching, unknown
from zsnas._own import Register
from zsnas.benchmarks import (
    accel_nasbench,
    ade20k,
    bert,
    families,
    hw_help,
    hw_nas_bench,
    nas_bench_macro,
    nats_sss,
    nb101,
    nb201,
    nb201_analog,
    nb201_digits,
    nb201_robust,
    timm_imagenet,
    torchvision_imagenet,
    transnas,
    vitbench,
)
from zsnas.benchmarks._base import Benchmark, check_benchmark

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "EMBEDDED",
    "Benchmark",
    "benchmark",
    "list_benchmarks",
    "listing",
    "matching_benchmarks",
    "register_benchmark",
]

EMBEDDED = "nb201-analog/cifar10"
"""The benchmark whose truth table comes with the package."""

_LOADERS: dict[str, Callable[[], Benchmark]] = {
    **nb201.LOADERS,
    **nb201_analog.LOADERS,
    **nb201_digits.LOADERS,
    **nb201_robust.LOADERS,
    **hw_nas_bench.LOADERS,
    **hw_help.LOADERS,
    **nb101.LOADERS,
    **nas_bench_macro.LOADERS,
    **nats_sss.LOADERS,
    **transnas.LOADERS,
    **ade20k.LOADERS,
    **bert.LOADERS,
    **families.LOADERS,
    **timm_imagenet.LOADERS,
    **torchvision_imagenet.LOADERS,
    **vitbench.LOADERS,
    **accel_nasbench.LOADERS,
}

OWN: Register[Benchmark] = Register("benchmark", lambda: _LOADERS)
"""The benchmarks that users have registered."""


def benchmark(name: str) -> Benchmark:
    """Return a benchmark; its table is a copy that the caller may change.

    Parameters
    ----------
    name
        One of `list_benchmarks`; an unknown name is a ValueError that suggests the nearest one. With ``@``
        and a batch, one of `zsnas.list_batches`, behind it, such as
        ``transnas-micro/normal@photographs-128/normal``: the same truth, to be scored on other images. It
        keeps the whole name, so that its sweeps and published scores are apart from those of the benchmark.

    Raises
    ------
    SourceUnavailable
        When the files of the table are neither in the mirror, nor in the cache, nor on the network.
    """
    trained, _, images = as_name("benchmark", name, "zsnas.list_benchmarks()").partition("@")
    found = _loaded(trained)
    if trained == name:
        return found
    from zsnas.batches import list_batches  # which loads torch

    as_known("batch", images, list_batches(), "zsnas.list_batches()")
    return replace(found, name=name, batch=images)


def _loaded(name: str) -> Benchmark:
    if name in OWN:
        return replace(OWN[name], table=OWN[name].table.copy())
    return _LOADERS[as_known("benchmark", name, list_benchmarks(), "zsnas.list_benchmarks()")]()


def list_benchmarks(pattern: str = "*") -> list[str]:
    """Return the names of the benchmarks that match a wildcard.

    >>> list_benchmarks("nb201/*")
    ['nb201/cifar10', 'nb201/cifar100', 'nb201/imagenet16-120']
    """
    return matching([*_LOADERS, *OWN], pattern)


def matching_benchmarks(patterns: Sequence[str] | str) -> list[str]:
    """Return the benchmarks that patterns name, each once.

    Parameters
    ----------
    patterns
        Names, with wildcards, or the first part of names.

    Raises
    ------
    ValueError
        When one of them names none.

    Examples
    --------
    >>> matching_benchmarks(["nb201", "resnets/imagenet"])
    ['nb201/cifar10', 'nb201/cifar100', 'nb201/imagenet16-120', 'resnets/imagenet']
    """
    names: dict[str, None] = {}
    for pattern in as_names("benchmarks", patterns):
        found = list_benchmarks(pattern) or list_benchmarks(f"{pattern}/*")
        if not found:
            raise unknown("benchmark", pattern, list_benchmarks(), "zsnas.list_benchmarks()")
        names.update(dict.fromkeys(found))
    return list(names)


def listing(pattern: str = "*") -> pd.DataFrame:
    """Return a table with a line on each benchmark; none is loaded.

    Parameters
    ----------
    pattern
        Shell wildcards.
    """
    import pandas as pd

    names = list_benchmarks(pattern)
    index = pd.Index(names, name="benchmark", dtype=object)
    return pd.DataFrame({"purpose": [_purpose(name) for name in names]}, index=index)


def _purpose(name: str) -> str:
    if name in OWN:
        return OWN[name].citation
    loader = _LOADERS[name]
    module = sys.modules[getattr(loader, "func", loader).__module__]
    return (module.__doc__ or "").partition("\n")[0]


def register_benchmark(bench: Benchmark) -> None:
    """Let a benchmark of one's own be found by its name, as those of this package are.

    Registering again replaces it, if the same module or notebook does.

    Parameters
    ----------
    bench
        Its space and its batch must be known by then: see `zsnas.register_space` and `zsnas.register_batch`.

    Raises
    ------
    ValueError
        When it is no benchmark, its name is taken, its space or batch is unknown, or its table lacks a
        column, names an architecture twice or one of another space, or holds a truth that is not a number.
    """
    check_benchmark(bench)
    OWN.add(bench.name, bench)


sys.modules[__name__].__class__ = Listed
