"""timm: 339 CNNs and 104 vision transformers trained standalone on ImageNet-1K.

``timm/imagenet-cnn`` and ``timm/imagenet-vit`` have one row an architecture; beside ``arch``:

========================  ==================================================================================
``validation_accuracy``   top-1 accuracy on the 50,000 validation images of ImageNet-1K, in %
``resolution``            side of the images that it was measured with, in pixels
``recipe``                the training run: timm's tag, such as ``a1_in1k``
========================  ==================================================================================

They are rows of timm's own results table. "Standalone" means: from random weights, with the training images
of ImageNet-1K and their labels alone. Names tell only part of that, so that :data:`RULES` say what is left
out and why. Of an architecture with several recipes `one_per_architecture` keeps one; `recipes` has them all.
Networks of more than 18 billion multiply-accumulates are left out: the ten proxies of a page would take
more than a minute and a half for one of them. The list of what results is kept in
``data/timm_standalone.csv``, which is also what ``zsnas.space("timm")`` builds.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Literal

import pandas as pd

from zsnas.benchmarks._base import Benchmark
from zsnas.sources import DATA, fetch, source

Kind = Literal["cnn", "vit", "neither"]

LARGEST_RESOLUTION = 288
USUAL_RESOLUTION = 224
LARGEST_GMACS = 18.0
SELECTED = DATA / "timm_standalone.csv"

RULES = {
    r"_ft_|\.ft_": "starts from weights of another training",
    r"in12k|in21k|in22k|jft|swag": "saw other images than those of ImageNet-1K",
    r"^dpn(68b|92|107)\.mx_": "saw 5,000 further classes of ImageNet (upstream's files are called extra)",
    r"dist|ssld|\.usi_": "learnt from a teacher, as its name says",
    r"^volo_": "learnt from the labels that a teacher gave to each patch (token labelling)",
    r"^flexivit_": "learnt from a trained ViT, from whose weights it starts",
    r"^ghostnetv3_": "learnt from a teacher, which is part of the recipe of its paper",
    r"^hardcorenas_": "learnt from a teacher, and starts from the weights of a supernet",
    r"_pruned\.": "is what remains of a larger network that was trained before",
    r"^test_": "serves timm's unit tests: a toy for images of 160 pixels",
}
"""What is not standalone: a regular expression for ``arch.tag``, and the reason."""

# The same layers as the architecture without the prefix, with the padding of TensorFlow or an older stem.
_TWINS = ("tf_", "legacy_")

_VIT = re.compile(r"(convit|crossvit|davit|deit3?|gcvit|mvitv2|nest|pit|pvt|swin|swinv2|tnt|twins|vit|xcit)_")
_NEITHER = re.compile(
    # Convolution and attention in one network, and others that have neither or cannot be told.
    r"bat_|botnet|caformer|coat|eca_(bot|halo)next|edgenext|efficientvit|fastvit_[ms]a|halo|lambda|lamhalo"
    r"|maxx?vit|mobilenetv4_hybrid|mobilevit|nextvit|sebotnet|sehalonet|shvit|tiny_vit|visformer"
    r"|focalnet|gmixer|gmlp|mixer|poolformer|resmlp|sequencer"
)
_NAMES = {"cnn": "timm/imagenet-cnn", "vit": "timm/imagenet-vit"}
_SOURCE = "timm/results-imagenet"
_COSTS = "timm/benchmark-infer-amp-nchw-pt291-cu130-5090"
_COLUMNS = ("model", "img_size", "top1")


def why_not_standalone(model: str) -> str | None:
    """Return why a training run does not count as standalone, None if it does.

    Parameters
    ----------
    model
        Architecture and tag, as timm writes them.

    >>> why_not_standalone("resnet50.a1_in1k")
    >>> why_not_standalone("deit_tiny_distilled_patch16_224.fb_in1k")
    'learnt from a teacher, as its name says'
    """
    return next((reason for pattern, reason in RULES.items() if re.search(pattern, model)), None)


def kind(arch: str) -> Kind:
    """Return ``"cnn"``, ``"vit"`` or ``"neither"`` (hybrids of the two, and networks without both).

    Vision transformers are those whose blocks mix places by attention, however the patches are made.

    >>> kind("resnet50"), kind("swin_tiny_patch4_window7_224"), kind("mobilevit_s")
    ('cnn', 'vit', 'neither')
    """
    if _VIT.match(arch):
        return "vit"
    return "neither" if _NEITHER.match(arch) else "cnn"


def standalone(results: pd.DataFrame) -> pd.DataFrame:
    """Return the standalone runs in timm's results table, at resolutions up to 288 pixels.

    Parameters
    ----------
    results
        With the columns ``model`` (``arch.tag``), ``img_size`` and ``top1``.

    Returns
    -------
    DataFrame
        ``arch``, ``recipe``, ``resolution``, ``validation_accuracy`` and ``kind``, one row for each run and
        resolution, in the order of the table.

    Raises
    ------
    ValueError
        When a column is missing.
    """
    missing = [name for name in _COLUMNS if name not in results]
    if missing:
        raise ValueError(
            f"timm's results table has no column {', '.join(missing)}; "
            f"it has {', '.join(map(str, results))}: use the file that data/sources.toml names"
        )
    is_kept = results["model"].map(why_not_standalone).isna() & (results["img_size"] <= LARGEST_RESOLUTION)
    kept = results[is_kept]
    names = kept["model"].str.partition(".")
    runs = pd.DataFrame(
        {
            "arch": names[0],
            "recipe": names[2],
            "resolution": kept["img_size"].astype(int),
            "validation_accuracy": kept["top1"],
            "kind": names[0].map(kind),
        }
    )
    return runs.reset_index(drop=True)


def one_per_architecture(runs: pd.DataFrame) -> pd.DataFrame:
    """Return one run of each architecture: the best one at 224 pixels, or at what is nearest to 224.

    A twin is left out when the architecture itself is there: its network is the same but for the padding.

    Parameters
    ----------
    runs
        As `standalone` returns them.

    Returns
    -------
    DataFrame
        The same columns, sorted by ``arch``.
    """
    distance = (runs["resolution"] - USUAL_RESOLUTION).abs()
    ranked = runs.assign(distance=distance).sort_values(
        ["arch", "distance", "validation_accuracy"], ascending=[True, True, False], kind="stable"
    )
    chosen = ranked.drop_duplicates("arch").drop(columns="distance")
    return chosen[~_is_twin(chosen["arch"])].reset_index(drop=True)


def _is_twin(archs: "pd.Series[str]") -> "pd.Series[bool]":
    known = set(archs)
    return archs.map(lambda arch: any(arch.startswith(p) and arch.removeprefix(p) in known for p in _TWINS))


@cache
def _runs() -> pd.DataFrame:
    return standalone(pd.read_csv(fetch(_SOURCE)))


def recipes() -> pd.DataFrame:
    """Return every standalone run at every resolution up to 288 pixels, as `standalone` does.

    Raises
    ------
    SourceUnavailable
        When timm's results table is unavailable.
    """
    return _runs().copy()


def select(runs: pd.DataFrame, costs: pd.DataFrame) -> pd.DataFrame:
    """Return the CNNs and vision transformers of the benchmarks, those that are not too large.

    Parameters
    ----------
    runs
        As `standalone` returns them.
    costs
        A table of timm's inference benchmark: ``model``, with or without a tag, ``infer_img_size``,
        ``infer_gmacs``.

    Returns
    -------
    DataFrame
        ``arch``, ``kind``, ``resolution`` and ``recipe``, sorted by kind and name: what
        ``data/timm_standalone.csv`` holds. An architecture whose cost is unknown is left out.
    """
    chosen = one_per_architecture(runs).merge(_by_architecture(costs), on=["arch", "resolution"])
    kept = chosen[(chosen["kind"] != "neither") & (chosen["gmacs"] <= LARGEST_GMACS)]
    ordered = kept.sort_values(["kind", "arch"], kind="stable").reset_index(drop=True)
    return ordered[["arch", "kind", "resolution", "recipe"]]


def _by_architecture(costs: pd.DataFrame) -> pd.DataFrame:
    columns = {"infer_img_size": "resolution", "infer_gmacs": "gmacs", "param_count": "million_params"}
    known = costs.rename(columns=columns).assign(arch=costs["model"].str.partition(".")[0])
    return known[known.columns.intersection(["arch", *columns.values()])].drop_duplicates(
        ["arch", "resolution"]
    )


def selected() -> pd.DataFrame:
    """Return the committed list, see `select`."""
    return pd.read_csv(SELECTED)


def zero_scales() -> pd.DataFrame:
    """Return in how many batch norms of a selected network every scale is 0 at initialisation.

    timm starts the last batch norm of a residual branch so in many families, which silences the branch.

    Returns
    -------
    DataFrame
        ``arch``; ``batch_norms``, how many there are with a scale; ``zero_scales``, how many start at 0. Of
        the networks that timm 1.0.31 builds, committed as ``data/timm_zero_scales.csv``.
    """
    return pd.read_csv(DATA / "timm_zero_scales.csv")


def counts() -> pd.DataFrame:
    """Return what the selected networks cost, by timm's own counter: no network is built.

    Returns
    -------
    DataFrame
        ``arch``; ``params``, with 1,000 classes, in steps of 10,000; ``flops``, multiply-accumulates of one
        image at the architecture's resolution, in steps of 10 million.

    Raises
    ------
    SourceUnavailable
        When timm's inference benchmark is unavailable.
    """
    known = _by_architecture(pd.read_csv(fetch(_COSTS)))
    rows = selected().merge(known, on=["arch", "resolution"])
    found = {"params": rows["million_params"] * 1e6, "flops": rows["gmacs"] * 1e9}
    return pd.DataFrame({"arch": rows["arch"], **found})


def retrained() -> pd.DataFrame:
    """Return all standalone runs of the selected architectures, each at the resolution of the benchmarks.

    Returns
    -------
    DataFrame
        ``arch``, ``recipe``, ``resolution``, ``validation_accuracy`` (%) and ``kind``, one row a run; the run
        of a benchmark is one of them.

    Raises
    ------
    SourceUnavailable
        When timm's results table is unavailable.
    """
    return recipes().merge(selected()[["arch", "resolution"]], on=["arch", "resolution"])


def _load(wanted: Kind) -> Benchmark:
    entry = source(_SOURCE)
    names = selected().query("kind == @wanted").drop(columns="kind")
    table = names.merge(_runs(), how="left", on=["arch", "recipe", "resolution"])
    return Benchmark(
        name=_NAMES[wanted],
        table=table[["arch", "validation_accuracy", "resolution", "recipe"]],
        space="timm",
        batch="imagenet1k",
        licence=entry.licence,
        citation=entry.citation,
        metric="validation_accuracy",
    )


LOADERS: Mapping[str, Callable[[], Benchmark]] = {
    "timm/imagenet-cnn": partial(_load, "cnn"),
    "timm/imagenet-vit": partial(_load, "vit"),
}
"""Name of each benchmark of this family, and the function that returns it."""
