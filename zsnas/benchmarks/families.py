"""Families: residual networks and MobileNet-v2 as they are published, trained on ImageNet-1K.

``resnets/imagenet`` and ``mobilenet-v2/imagenet`` have one row an architecture, with these columns:

========================  ==================================================================================
``arch``                  its string in the search space
``validation_accuracy``   top-1 accuracy on the 50,000 validation images of ImageNet-1K, in % (mean)
``lowest``, ``highest``   the same of the worst and of the best run
``runs``                  how many runs are published, each of another recipe
========================  ==================================================================================

Recipes move an accuracy by several points. :func:`one_pipeline` therefore keeps the runs of the one recipe
that covers most of a family: ``imgclsmob`` for residual networks, the table in pytorchcv's package metadata
(but for its Wide-ResNet, whose network has no batch norm there, so that it comes from elsewhere), and
``TF-slim`` for MobileNet-v2, the width × resolution grid of its authors.

The runs are read from the packages pytorchcv and torchvision; the others are transcribed, each with its
source, in ``data/published/imagenet_*.csv``. Networks with other stems or shortcuts (ResNet-C, -D, -S, -T)
are left out, and so are conversions of another zoo's weights. GluonCV's and PaddleClas's variants count as
the architecture that they differ from in biases only.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, distribution

import pandas as pd

from zsnas._extras import ExtraMissing
from zsnas.benchmarks._base import Benchmark
from zsnas.sources import DATA

PIPELINES = {"resnets": "imgclsmob", "mobilenet-v2": "TF-slim"}
"""The recipe of each family that covers most of it."""

METRIC = "validation_accuracy"

_TRANSCRIBED = {"resnets": "imagenet_resnets.csv", "mobilenet-v2": "imagenet_mobilenet_v2.csv"}

# A row of the table for ImageNet-1K: name, top-1 error and top-5 error (both in %), parameters.
_ROW = re.compile(r"^\| ([^|]+) \| +([\d.]+) \| +([\d.]+) \| ([\d,]+) \|", re.MULTILINE)
_RESIDUAL = re.compile(r"(Pre)?ResNet-(?:BC-)?(\d+)(b?)(?: x([\d.]+))?")
_INVERTED = re.compile(r"MobileNetV2(b?) x([\d.]+)")
_WIDE = "WRN-50-2"
# Depths from here on are bottlenecks even where pytorchcv's name has no letter.
_FIRST_WITHOUT_LETTER = 50

_TORCHVISION = {
    "resnets": {
        "resnet18": "resnet-18-x1-k1-r224",
        "resnet34": "resnet-34-x1-k1-r224",
        "resnet50": "resnet-50b-x1-k1-r224",
        "resnet101": "resnet-101b-x1-k1-r224",
        "resnet152": "resnet-152b-x1-k1-r224",
        "wide_resnet50_2": "resnet-50b-x1-k2-r224",
        "wide_resnet101_2": "resnet-101b-x1-k2-r224",
    },
    "mobilenet-v2": {"mobilenet_v2": "mobilenetv2-d1-x1-r224"},
}


def runs(family: str) -> pd.DataFrame:
    """Return every published training run of a family.

    Parameters
    ----------
    family
        ``"resnets"`` or ``"mobilenet-v2"``.

    Returns
    -------
    DataFrame
        ``arch``, ``validation_accuracy`` (%), ``recipe`` and ``source``.

    Raises
    ------
    ExtraMissing
        A ``ModuleNotFoundError``, when pytorchcv is not installed.
    """
    return _runs(family).copy()


@cache
def _runs(family: str) -> pd.DataFrame:
    transcribed = pd.read_csv(DATA / "published" / _TRANSCRIBED[family])
    columns = list(transcribed.columns)
    embedded = pd.DataFrame(_of_pytorchcv(family) + _of_torchvision(family), columns=columns)
    return pd.concat([embedded, transcribed], ignore_index=True)


def _of_pytorchcv(family: str) -> list[tuple[str, float, str, str]]:
    """Return the runs that the package's metadata lists."""
    try:
        package = distribution("pytorchcv")
    except PackageNotFoundError as absent:
        raise ExtraMissing(f"the benchmark '{family}/imagenet'", "pytorchcv", "families") from absent
    source = f"pytorchcv {package.version}, package metadata"
    found = []
    for name, error, *_ in _ROW.findall(package.read_text("METADATA") or ""):
        arch = pytorchcv_arch(name)
        if arch and _is_of(arch, family):
            recipe = "functional-zoo" if name == _WIDE else "imgclsmob"
            found.append((arch, round(100 - float(error), 2), recipe, f"{source}: {name}"))
    return found


def _is_of(arch: str, family: str) -> bool:
    from zsnas.spaces import space

    return arch in space(family).architectures


def pytorchcv_arch(name: str) -> str | None:
    """Return the architecture that pytorchcv calls by this name, None when it is of no family here.

    >>> pytorchcv_arch("PreResNet-BC-26b"), pytorchcv_arch("ResNet-18 x0.25"), pytorchcv_arch("ResNet-50")
    ('preresnet-26b-x1-k1-r224', 'resnet-18-x0.25-k1-r224', 'resnet-50a-x1-k1-r224')
    >>> pytorchcv_arch("MobileNetV2 x0.5"), pytorchcv_arch("VGG-16")
    ('gluon-d1-x0.5-r224', None)
    """
    if name == _WIDE:
        return "resnet-50b-x1-k2-r224"
    if found := _INVERTED.fullmatch(name):
        letter, width = found.groups()
        return f"{letter or 'gluon'}-d1-x{float(width):g}-r224"
    if found := _RESIDUAL.fullmatch(name):
        pre, depth, letter, width = found.groups()
        block = letter or ("a" if int(depth) >= _FIRST_WITHOUT_LETTER else "")
        return f"{'preresnet' if pre else 'resnet'}-{depth}{block}-x{float(width or 1):g}-k1-r224"
    return None


def _of_torchvision(family: str) -> list[tuple[str, float, str, str]]:
    import torchvision

    return [
        (
            arch,
            weights.meta["_metrics"]["ImageNet-1K"]["acc@1"],
            f"torchvision {weights.name.removeprefix('IMAGENET1K_')}",
            f"torchvision {torchvision.__version__}: {weights}",
        )
        for name, arch in _TORCHVISION[family].items()
        for weights in torchvision.models.get_model_weights(name)
    ]


def one_pipeline(bench: Benchmark) -> Benchmark:
    """Return a family's benchmark with the runs of one recipe alone, see :data:`PIPELINES`."""
    table = _runs(bench.space).query("recipe == @PIPELINES[@bench.space]")
    return replace(bench, table=table[["arch", METRIC]].reset_index(drop=True))


def _load(family: str) -> Benchmark:
    grouped = _runs(family).groupby("arch", sort=False)[METRIC]
    table = grouped.agg(["mean", "min", "max", "count"]).reset_index()
    table.columns = pd.Index(["arch", METRIC, "lowest", "highest", "runs"])
    return Benchmark(
        name=f"{family}/imagenet",
        table=table,
        space=family,
        batch="imagenet1k",
        licence="single published numbers, each with its source",
        citation="O. Sémery, pytorchcv (github.com/osmr/pytorchcv); TorchVision (github.com/pytorch/vision); "
        "and the model zoos that data/published names row by row",
        metric=METRIC,
    )


LOADERS: Mapping[str, Callable[[], Benchmark]] = {
    f"{family}/imagenet": partial(_load, family) for family in PIPELINES
}
"""Name of each benchmark of this family, and the function that returns it."""
