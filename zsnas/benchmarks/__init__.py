"""Truth tables: what architectures reach, and what they cost. One file per family; never networks."""

from collections.abc import Callable
from dataclasses import replace

from zsnas._names import matching, unknown
from zsnas.benchmarks import (
    accel_nasbench,
    ade20k,
    families,
    hw_help,
    hw_nas_bench,
    nats_sss,
    nb201,
    nb201_analog,
    timm_imagenet,
    torchvision_imagenet,
    transnas,
)
from zsnas.benchmarks._base import Benchmark

__all__ = ["Benchmark", "benchmark", "list_benchmarks"]

_LOADERS: dict[str, Callable[[], Benchmark]] = {
    **nb201.LOADERS,
    **nb201_analog.LOADERS,
    **hw_nas_bench.LOADERS,
    **hw_help.LOADERS,
    **nats_sss.LOADERS,
    **transnas.LOADERS,
    **ade20k.LOADERS,
    **families.LOADERS,
    **timm_imagenet.LOADERS,
    **torchvision_imagenet.LOADERS,
    **accel_nasbench.LOADERS,
}


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
        When the files of the table are neither in the mirror, nor in the cache, nor to be had.
    """
    trained, _, images = name.partition("@")
    if trained not in _LOADERS:
        raise unknown("benchmark", trained, _LOADERS, "zsnas.list_benchmarks()")
    if trained == name:
        return _LOADERS[name]()
    from zsnas.batches import list_batches  # which loads torch

    if images not in list_batches():
        raise unknown("batch", images, list_batches(), "zsnas.list_batches()")
    return replace(_LOADERS[trained](), name=name, batch=images)


def list_benchmarks(pattern: str = "*") -> list[str]:
    """Return the names of the benchmarks that match a wildcard.

    >>> list_benchmarks("nb201/*")
    ['nb201/cifar10', 'nb201/cifar100', 'nb201/imagenet16-120']
    """
    return matching(_LOADERS, pattern)
