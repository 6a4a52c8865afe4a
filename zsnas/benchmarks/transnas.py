"""TransNAS-Bench-101: 4,096 cells (micro) and 3,256 stacks of blocks (macro), trained once on seven tasks.

``transnas-micro/<task>`` and ``transnas-macro/<task>`` have two columns beside ``arch``, both measured on the
validation images of Taskonomy, and for both a higher value is better:

===================  ================================  ========================================  =========
task                 metric, after the last epoch      best epoch                                unit
===================  ================================  ========================================  =========
``class_scene``,     ``validation_accuracy``           ``best_epoch_validation_accuracy``        %, top-1
``class_object``,
``jigsaw``
``room_layout``      ``validation_negative_loss``      ``best_epoch_validation_negative_loss``   none
``segmentsemantic``  ``validation_pixel_accuracy``     ``best_epoch_validation_miou``            %
``normal``,          ``validation_ssim``               ``best_epoch_validation_ssim``            none
``autoencoder``
===================  ================================  ========================================  =========

The negative loss is the mean squared error of nine numbers, times -1. SSIM is the structural similarity, at
most 1. The best epoch of segmentation is by another metric, the mean intersection over union.

The metric is the one of the last epoch, since it is the one that the survey prints. The architectures are in
the order of `zsnas.space`. Of ``64-113444-basic`` upstream has no best epoch: NaN in all seven tables.
Many cells that are isomorphic share one training run upstream, and so have equal numbers.
"""

import json
import re
from collections.abc import Callable, Iterable
from functools import cache, partial
from itertools import product
from pathlib import Path
from zipfile import ZipFile

import pandas as pd

from zsnas.benchmarks._base import Benchmark
from zsnas.sources import fetch, source
from zsnas.spaces import space

_SPACES = ("micro", "macro")
_WITHOUT_UNIT = ""
_WITHOUT_BEST_EPOCH = "64-113444-basic"

# Metric of the last epoch, metric of the best epoch, unit.
_ACCURACY = ("validation_accuracy", "best_epoch_validation_accuracy", "%")
_SSIM = ("validation_ssim", "best_epoch_validation_ssim", _WITHOUT_UNIT)
_METRICS = {
    "class_scene": _ACCURACY,
    "class_object": _ACCURACY,
    "jigsaw": _ACCURACY,
    "room_layout": ("validation_negative_loss", "best_epoch_validation_negative_loss", _WITHOUT_UNIT),
    "segmentsemantic": ("validation_pixel_accuracy", "best_epoch_validation_miou", "%"),
    "normal": _SSIM,
    "autoencoder": _SSIM,
}


def _load(kind: str, task: str) -> Benchmark:
    last_epoch, best_epoch = source(f"naslib/transnas/{kind}"), source(f"rbflex/transnas-{kind}/{task}")
    metric, _, unit = _METRICS[task]
    return Benchmark(
        name=f"transnas-{kind}/{task}",
        table=_table(kind, task).copy(),
        space=f"transnas-{kind}",
        batch=f"photographs-64/{task}",
        licence=f"{last_epoch.licence} (last epoch); {best_epoch.licence} (best epoch)",
        citation=f"{last_epoch.citation}; {best_epoch.citation}",
        metric=metric,
        unit=unit,
    )


@cache
def _table(kind: str, task: str) -> pd.DataFrame:
    """Return arch and the metrics of last and best epoch, in the order of the space."""
    metric, at_best_epoch, _ = _METRICS[task]
    architectures = space(f"transnas-{kind}").architectures
    last_epoch = _last_epoch(fetch(f"naslib/transnas/{kind}"), kind, task, architectures)
    best_epoch = _best_epoch(fetch(f"rbflex/transnas-{kind}/{task}"), architectures)
    return pd.DataFrame(
        {
            "arch": architectures,
            metric: [last_epoch[arch] for arch in architectures],
            at_best_epoch: [best_epoch.get(arch, float("nan")) for arch in architectures],
        }
    )


def _last_epoch(path: Path, kind: str, task: str, architectures: Iterable[str]) -> dict[str, float]:
    """Read the parts of one task out of the archive; every architecture must be there once."""
    part = re.compile(rf".*--transbench101_{kind}--{task}--\d+\.json")
    with ZipFile(path) as archive:
        parts = [json.loads(archive.read(name)) for name in archive.namelist() if part.fullmatch(name)]
    rows = [(_named(row["arch"], kind), float(row["val_accuracy"])) for rows in parts for row in rows]
    return _complete(rows, architectures, f"{path}, task {task},")


def _named(digits: str, kind: str) -> str:
    """Return the architecture that the archive writes as a tuple of six, with zeros for missing modules."""
    code = "".join(re.findall(r"\d", digits))
    return (
        f"64-41414-{code[:1]}_{code[1:3]}_{code[3:]}" if kind == "micro" else f"64-{code.rstrip('0')}-basic"
    )


def _best_epoch(path: Path, architectures: Iterable[str]) -> dict[str, float]:
    """Read pairs of architecture and metric, of which upstream lacks `_WITHOUT_BEST_EPOCH`."""
    return _complete(json.loads(path.read_bytes()), set(architectures) - {_WITHOUT_BEST_EPOCH}, f"{path}")


def _complete(
    rows: Iterable[tuple[str, float]], architectures: Iterable[str], where: str
) -> dict[str, float]:
    """Return the rows as a mapping if each architecture has one and no other has any."""
    rows, wanted = list(rows), set(architectures)
    found = dict(rows)
    missing, extra = sorted(wanted - found.keys()), sorted(found.keys() - wanted)
    if missing or extra or len(rows) != len(found):
        first = f"; the first is {(missing + extra)[0]!r}" if missing or extra else ""
        raise ValueError(
            f"{where} lacks {len(missing)} of {len(wanted):,} architectures, has {len(extra)} too many and "
            f"{len(rows) - len(found)} twice{first}; fetch it again"
        )
    return found


LOADERS: dict[str, Callable[[], Benchmark]] = {
    f"transnas-{kind}/{task}": partial(_load, kind, task) for kind, task in product(_SPACES, _METRICS)
}
"""Name of each benchmark of this family, and the function that returns it."""
