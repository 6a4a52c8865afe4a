"""Truth tables: what architectures reach, and what they cost. One file per family; never networks."""

from collections.abc import Callable

from zsnas._names import matching, unknown
from zsnas.benchmarks import hw_help, hw_nas_bench, nats_sss, nb201, nb201_analog, transnas
from zsnas.benchmarks._base import Benchmark

__all__ = ["Benchmark", "benchmark", "list_benchmarks"]

_LOADERS: dict[str, Callable[[], Benchmark]] = {
    **nb201.LOADERS,
    **nb201_analog.LOADERS,
    **hw_nas_bench.LOADERS,
    **hw_help.LOADERS,
    **nats_sss.LOADERS,
    **transnas.LOADERS,
}


def benchmark(name: str) -> Benchmark:
    """Return a benchmark; its table is a copy that the caller may change.

    Parameters
    ----------
    name
        One of `list_benchmarks`; an unknown name is a ValueError that suggests the nearest one.

    Raises
    ------
    SourceUnavailable
        When the files of the table are neither in the mirror, nor in the cache, nor to be had.
    """
    if name not in _LOADERS:
        raise unknown("benchmark", name, _LOADERS, "zsnas.list_benchmarks()")
    return _LOADERS[name]()


def list_benchmarks(pattern: str = "*") -> list[str]:
    """Return the names of the benchmarks that match a wildcard.

    >>> list_benchmarks("nb201/*")
    ['nb201/cifar10', 'nb201/cifar100', 'nb201/imagenet16-120']
    """
    return matching(_LOADERS, pattern)
