"""ADE20K: convolutional segmentation networks of public model zoos, and the mean intersection over union.

``ade20k/miou`` has one row a network of the space ``segmentation`` that someone trained on ADE20K (Zhou et
al. 2017) and published. Nearly all results come from the metafiles inside the package ``mmsegmentation``, so
they need neither mirror nor network; some are transcribed from other zoos,
``data/published/ade20k_networks.csv``.

=====================  ===================================================================================
``miou``               mean intersection over union in %, validation images, a single scale; the metric
``miou_multiscale``    the same run, tested at several scales and mirrored; NaN where it is not printed
``pixel_accuracy``     in %, a single scale, of the first run that prints it, which may be another than that
                       of `miou`; mostly NaN, since mmsegmentation does not publish it
``is_homogeneous``     whether `miou` is from mmsegmentation's standard recipe: 160,000 iterations at
                       512 × 512, 16 images, SGD, a backbone from ImageNet-1K
``runs``               how many published runs with a single scale the network has
``source``             where `miou` is printed
=====================  ===================================================================================

A network with several runs has the `miou` of the first one in this order: the standard recipe; other runs
that start from ImageNet-1K; the rest. All start from trained weights, but scores are of random weights.

`published` has every run: also those of networks that no builder is written for, and those of networks whose
zoo prints several scales only, which can be built but have no row: the truth of a benchmark has no gaps.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

from zsnas._extras import ExtraMissing, needing
from zsnas.benchmarks._base import Benchmark
from zsnas.sources import DATA

_DATA_SET = "ADE20K"
_TRANSCRIBED = Path("published", "ade20k_networks.csv")
_ORIGIN = "mmsegmentation 1.2.2"
_WHAT = "the benchmark 'ade20k/miou'"

# Names in the metafiles and here. A backbone that has no entry is no convolutional one that can be built.
_BACKBONES = {
    "R-50": "resnet50c",
    "R-101": "resnet101c",
    "R-50-D32": "resnet50c",
    "R-101-D32": "resnet101c",
    "R-50-D8": "resnet50c-d8",
    "R-101-D8": "resnet101c-d8",
    "S-101-D8": "resnest101e-d8",
    "M-V2-D8": "mobilenetv2_100-d8",
    "HRNetV2p-W18-Small": "hrnet_w18_small_v2",
    "HRNetV2p-W18": "hrnet_w18",
    "HRNetV2p-W48": "hrnet_w48",
    "ConvNeXt-T": "convnext_tiny",
    "ConvNeXt-S": "convnext_small",
    "ConvNeXt-B": "convnext_base",
    "ConvNeXt-L": "convnext_large",
    "ConvNeXt-XL": "convnext_xlarge",
    "MSCAN-T": "mscan_t",
    "MSCAN-S": "mscan_s",
    "MSCAN-B": "mscan_b",
    "MSCAN-L": "mscan_l",
}
_HEADS = {
    "ANN": "ann",
    "APCNet": "apcnet",
    "CCNet": "ccnet",
    "DANet": "danet",
    "DeepLabV3": "deeplabv3",
    "DeepLabV3+": "deeplabv3plus",
    "DMNet": "dmnet",
    "DNLNet": "dnl",
    "EncNet": "encnet",
    "FCN": "fcn",
    "FPN": "fpn",
    "FastFCN + DeepLabV3": "jpu-deeplabv3",
    "FastFCN + PSPNet": "jpu-pspnet",
    "FastFCN + EncNet": "jpu-encnet",
    "GCNet": "gcnet",
    "ISANet": "isanet",
    "KNet + FCN": "knet-fcn",
    "KNet + PSPNet": "knet-pspnet",
    "KNet + DeepLabV3": "knet-deeplabv3",
    "KNet + UperNet": "knet-upernet",
    "NonLocalNet": "nonlocal",
    "OCRNet": "ocr",
    "PSANet": "psanet",
    "PSPNet": "pspnet",
    "UPerNet": "upernet",
}
# SegNeXt's head is wider with the larger encoders.
_OF_SEGNEXT = {"MSCAN-T": "ham256", "MSCAN-S": "ham256", "MSCAN-B": "ham512", "MSCAN-L": "ham1024"}
_LARGE_CROP = "640x640"  # mmsegmentation's ConvNeXts with this crop start from ImageNet-22K

_ITERATIONS = re.compile(r"(\d+)k_")
_STANDARD = re.compile(r".*_4xb4-\d+k_ade20k-512x512")
_STANDARD_ITERATIONS = 160_000


def published() -> pd.DataFrame:
    """Return every published run on ADE20K that this project knows, one a row.

    Columns: ``arch``, empty when no builder is written for the network; ``model``, ``backbone`` and ``head``
    as the source calls them (the last two only of mmsegmentation); ``crop``, ``iterations``, ``pretraining``;
    ``miou``, ``miou_multiscale``, ``pixel_accuracy``, ``pixel_accuracy_multiscale`` in %; ``is_built``,
    ``is_homogeneous``; ``source``.

    Raises
    ------
    ExtraMissing
        A ``ModuleNotFoundError``, when mmsegmentation is not installed.
    """
    return _published().copy()


@cache
def _published() -> pd.DataFrame:
    transcribed = pd.read_csv(DATA / _TRANSCRIBED)
    runs = pd.concat([pd.DataFrame(_metafile_runs()), transcribed], ignore_index=True)
    runs["arch"] = runs["arch"].fillna("")
    runs["is_built"] = runs["arch"] != ""
    runs["is_homogeneous"] = runs["is_homogeneous"].eq(True)
    return runs


def _metafile_runs() -> Iterator[dict[str, object]]:
    with needing("segmentation", _WHAT):
        import yaml
    quick = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C, where PyYAML was built with it
    for path in sorted(_metafiles().glob("*/metafile.yaml")):
        text = path.read_text(encoding="utf-8")
        if _DATA_SET in text:
            for model in yaml.load(text, quick)["Models"]:  # noqa: S506 - both are safe
                yield from _model_runs(model, path.parent.name)


def _metafiles() -> Path:
    """Return the folder of the metafiles, without importing the package, which would need mmcv."""
    spec = find_spec("mmseg")
    if spec is None or spec.origin is None:
        raise ExtraMissing(_WHAT, "mmsegmentation", "segmentation")
    return Path(spec.origin).with_name(".mim") / "configs"


def _model_runs(model: dict[str, Any], family: str) -> Iterator[dict[str, object]]:
    """Yield the run of a convolutional network on ADE20K, if the entry is one."""
    backbone, *rest = model["Metadata"]["Architecture"]
    head = " + ".join(rest)
    metrics = model["Results"]["Metrics"]
    if model["Results"]["Dataset"] != _DATA_SET or backbone not in _BACKBONES:
        return
    iterations, crop = _iterations(model), model["Name"].rpartition("-")[2]
    yield {
        "arch": _arch(backbone, head),
        "model": model["Name"],
        "backbone": backbone,
        "head": head,
        "crop": crop,
        "iterations": iterations,
        "pretraining": f"ImageNet-{'22K' if crop == _LARGE_CROP else '1K'}",
        "miou": metrics["mIoU"],
        "miou_multiscale": metrics.get("mIoU(ms+flip)"),
        "is_homogeneous": bool(_STANDARD.fullmatch(model["Name"])) and iterations == _STANDARD_ITERATIONS,
        "source": f"{_ORIGIN} configs/{family}/metafile.yaml",
    }


def _iterations(model: dict[str, Any]) -> int:
    """Return the iterations in the name of the weights: three entries have a copied name with other ones."""
    found = _ITERATIONS.search(model["Weights"].rpartition("/")[2])
    if found is None:
        raise ValueError(f"{_ORIGIN} does not say how long {model['Name']!r} was trained")
    return 1000 * int(found[1])


def _arch(backbone: str, head: str) -> str:
    """Return the architecture of the space ``segmentation``, or nothing when the network cannot be built."""
    if backbone.startswith("HRNet") and head == "FCN":
        ours = "fcn1"
    elif head == "SegNeXt":
        ours = _OF_SEGNEXT[backbone]
    else:
        ours = _HEADS.get(head, "")
    body = _BACKBONES[backbone]
    if ours == "knet-upernet":  # dilated in the metafile, but not in the configuration beside it
        body = body.removesuffix("-d8")
    return f"{body}+{ours}" if ours else ""


def _load() -> Benchmark:
    return Benchmark(
        name="ade20k/miou",
        table=_table().copy(),
        space="segmentation",
        batch="photographs-128/ade20k",
        licence="Apache-2.0 (mmsegmentation); transcribed results: see the source of each row",
        citation="MMSegmentation Contributors, OpenMMLab Semantic Segmentation Toolbox and Benchmark, 2020; "
        "B. Zhou et al., Scene Parsing through ADE20K Dataset, CVPR 2017",
        metric="miou",
    )


@cache
def _table() -> pd.DataFrame:
    """Return one row a network that can be built, see the module."""
    runs = _published()
    runs = runs[runs["is_built"] & runs["miou"].notna()]
    runs = runs.assign(is_first_choice=runs["pretraining"] == "ImageNet-1K").sort_values(
        ["is_homogeneous", "is_first_choice"], ascending=False, kind="stable"
    )
    networks = runs.groupby("arch", sort=False)
    table = networks.nth(0).set_index("arch")[["miou", "miou_multiscale", "is_homogeneous"]]
    table.insert(2, "pixel_accuracy", networks["pixel_accuracy"].first())
    table["runs"], table["source"] = networks.size(), networks["source"].first()
    return table.reset_index()


LOADERS: dict[str, Callable[[], Benchmark]] = {"ade20k/miou": _load}
"""Name of each benchmark of this family, and the function that returns it."""
