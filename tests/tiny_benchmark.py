"""A benchmark of twelve architectures with instant scores; every measurement leaves a line in a log.

``python tests/tiny_benchmark.py STORE WORKERS`` sweeps it, for the tests that kill a sweep; with
``TINY_DASK=FILE`` by the workers of that scheduler, which import this module and `install` it.
"""

import math
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import torch
from torch import nn

from zsnas._names import as_names
from zsnas.batches import Batch
from zsnas.benchmarks import Benchmark
from zsnas.proxies import Measurement
from zsnas.scores import store as store_module
from zsnas.scores import sweep as sweep_module
from zsnas.scores import table as table_module

ARCHITECTURES = tuple(f"arch{i:02}" for i in range(12))
KINDS = {"count": "naive", "slope": "gradient-based", "volume": "gradient-free"}
UNDEFINED = "the covariance is singular"


class TinySpace:
    """Architectures 2i and 2i + 1 are isomorphic."""

    name = "tiny"
    architectures = ARCHITECTURES

    def index(self, arch: str) -> int:
        return ARCHITECTURES.index(arch)

    def canonical(self, arch: str) -> str:
        return ARCHITECTURES[self.index(arch) // 2 * 2]

    def build_for(self, arch: str, _batch: Batch, seed: int) -> nn.Module:
        model = nn.Identity()
        model.arch = arch
        model.seed = seed
        return model

    def images_for(self, _arch: str, batch: Batch) -> Batch:
        return batch


def value(arch: str, seed: int, proxy: str) -> float:
    if proxy == "volume" and arch == "arch04":
        return math.nan
    return ARCHITECTURES.index(arch) + seed / 7 + len(proxy) / 3


def measure(model, _batch, proxies, seed, _device):
    measured = {}
    for proxy in proxies:
        time.sleep(float(os.environ.get("TINY_DELAY", "0")))
        with Path(os.environ["TINY_LOG"]).open("a") as log:
            log.write(f"{model.arch} {model.seed} {proxy}\n")
        Path(f"{os.environ['TINY_LOG']}.{os.getpid()}").touch()
        score = value(model.arch, seed, proxy)
        measured[proxy] = Measurement(score, UNDEFINED if math.isnan(score) else None, 0.25)
    return measured


def measurements() -> Counter[str]:
    """How often each (network, seed, proxy) was measured."""
    log = Path(os.environ["TINY_LOG"])
    return Counter(log.read_text().splitlines() if log.exists() else ())


def benchmark(name: str) -> Benchmark:
    table = pd.DataFrame({"arch": ARCHITECTURES, "test_accuracy": [float(i) for i in range(12)]})
    return Benchmark(name, table, space="tiny", batch="tiny", licence="none", citation="none")


def batch(_name: str, size: int, _seed: int, **_: int) -> Batch:
    source = os.environ.get("TINY_SOURCE", "tiny images")
    return Batch(torch.zeros(size, 3, 2, 2), torch.zeros(size, dtype=torch.int64), 2, source)


def install(patch: Callable[[object, str, object], None]) -> None:
    """Put the tiny benchmark in the place of the real ones."""
    fakes = {
        "benchmark": benchmark,
        "list_benchmarks": lambda *_: ["tiny"],
        "space": lambda _name: TinySpace(),
        "batch": batch,
        "list_proxies": lambda kind=None: [name for name, own in KINDS.items() if kind in (None, own)],
        "choose_proxies": lambda given: tuple(KINDS) if given is None else as_names("proxies", given),
        "proxy": lambda name: SimpleNamespace(
            name=name, kind=KINDS[name], images_per_class=1, is_foreign=False
        ),
        "measure": measure,
        "DATA": Path(os.environ["TINY_DATA"]),
    }
    for module in (store_module, sweep_module, table_module):
        for name in fakes.keys() & vars(module).keys():
            patch(module, name, fakes[name])


# Workers import this file anew, under the name __mp_main__.
if __name__ in ("__main__", "__mp_main__"):
    install(setattr)
if __name__ == "__main__":
    if "TINY_FILE_LIMIT" in os.environ:
        largest = int(os.environ["TINY_FILE_LIMIT"])
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    if "TINY_USER" in os.environ:
        os.setuid(int(os.environ["TINY_USER"]))
    settings = {"store": sys.argv[1], "workers": int(sys.argv[2]), "progress": False}
    if "TINY_DASK" in os.environ:
        with import_module("zsnas.scores.cluster").dask(os.environ["TINY_DASK"]) as (pool, _):
            sweep_module.sweep("tiny", **settings, executor=pool)
    else:
        limit = float(os.environ.get("TINY_LIMIT", "3600")) if sys.argv[2] != "1" else None
        sweep_module.sweep("tiny", **settings, time_limit=limit)
