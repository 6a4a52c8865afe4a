"""torchvision: 67 CNNs and 11 vision transformers trained on ImageNet-1K, embedded in the package.

``torchvision/imagenet-cnn`` and ``torchvision/imagenet-vit`` have one row for each classifier with weights
called ``IMAGENET1K_V1``. These are trained on ImageNet-1K alone, without a teacher; those from further data
(SWAG) and those of the second recipe (V2) have other names. Beside ``arch``:

========================  ==================================================================================
``validation_accuracy``   top-1 accuracy on the 50,000 validation images of ImageNet-1K, in %
``resolution``            side of the images that it was measured with, in pixels
========================  ==================================================================================
"""

import re
from collections.abc import Callable, Mapping
from functools import partial

import pandas as pd

from zsnas.benchmarks._base import Benchmark
from zsnas.spaces import space

_VIT = re.compile(r"(maxvit|swin|vit)_")
_NAMES = {"cnn": "torchvision/imagenet-cnn", "vit": "torchvision/imagenet-vit"}


def _load(kind: str) -> Benchmark:
    return Benchmark(
        name=_NAMES[kind],
        table=_table(wants_vit=kind == "vit"),
        space="torchvision",
        batch="imagenet1k",
        licence="BSD-3-Clause",
        citation="TorchVision maintainers and contributors, TorchVision: PyTorch's Computer Vision library, "
        "2016, github.com/pytorch/vision",
        metric="validation_accuracy",
    )


def _table(*, wants_vit: bool) -> pd.DataFrame:
    from torchvision import models

    zoo = space("torchvision")
    archs = [arch for arch in zoo.architectures if bool(_VIT.match(arch)) == wants_vit]
    metrics = [models.get_model_weights(arch).IMAGENET1K_V1.meta["_metrics"] for arch in archs]
    return pd.DataFrame(
        {
            "arch": archs,
            "validation_accuracy": [found["ImageNet-1K"]["acc@1"] for found in metrics],
            "resolution": [zoo.resolutions[arch] for arch in archs],  # type: ignore[attr-defined]
        }
    )


def counts() -> pd.DataFrame:
    """Return what the networks of both benchmarks cost, as the package says: no network is built.

    Returns
    -------
    DataFrame
        ``arch``; ``params``, with 1,000 classes; ``flops``, multiply-accumulates of one image at the
        network's resolution, in steps of a million.
    """
    from torchvision import models

    archs = space("torchvision").architectures
    metas = [models.get_model_weights(arch).IMAGENET1K_V1.meta for arch in archs]
    found = {
        "params": [float(meta["num_params"]) for meta in metas],
        "flops": [meta["_ops"] * 1e9 for meta in metas],
    }
    return pd.DataFrame({"arch": archs, **found})


LOADERS: Mapping[str, Callable[[], Benchmark]] = {name: partial(_load, kind) for kind, name in _NAMES.items()}
"""Name of each benchmark of this family, and the function that returns it."""
