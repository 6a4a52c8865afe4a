"""Kinds and aims of proxies: what the registry says of each, and what the survey's text says."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

import zsnas.proxies
from zsnas.book.tables import linked_label, number
from zsnas.proxies import label_of
from zsnas.proxies.grasp import curvature
from zsnas.sources import DATA

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from zsnas.proxies import Passes

__all__ = ["AIMS", "KINDS", "derived", "differences", "marks", "originals", "registered", "symbols"]

KINDS = ["naive", "gradient-free", "gradient-based"]
AIMS = ["trainability", "expressivity", "generalization"]

REASONS = {
    (
        "nn_mass",
        "expressivity",
    ): "the registry follows the paper that introduced NN-Mass, which derives it from the "
    "propagation of gradients; the survey adds a later report on ResNets",
}
"""Why the registry and the survey's text differ, by proxy and category."""


def originals() -> list[str]:
    """Return the proxies by their own definitions, without the variants, in alphabetical order."""
    return [name for name in zsnas.proxies.list_proxies() if zsnas.proxies.proxy(name).variant_of is None]


def registered() -> dict[str, set[str]]:
    """Return kind and aims of every proxy that is no variant of another, by name, in alphabetical order."""
    return {proxy.name: {proxy.kind, *proxy.target} for proxy in map(zsnas.proxies.proxy, originals())}


def derived() -> pd.DataFrame:
    """Return the marks of the survey's Table II as its text gives them: ``proxy``, ``category`` and why."""
    return pd.read_csv(DATA / "published" / "li2024_table_ii.csv")


def marks(categories: Mapping[str, set[str]], names: Iterable[str]) -> pd.DataFrame:
    """Write a row for each proxy, with a dot for what it is."""
    names = list(names)
    cells = {
        column: ["●" if column in categories[name] else "" for name in names] for column in (*KINDS, *AIMS)
    }
    return pd.DataFrame(cells, pd.Index(map(linked_label, names), name="Proxy"))


def differences(ours: Mapping[str, set[str]], theirs: Mapping[str, set[str]]) -> list[str]:
    """Say where the registry and the survey's text differ, and why.

    Parameters
    ----------
    ours, theirs : mapping of set
        Kind and aims by name of the proxy; the proxies of `theirs` are compared.
    """
    return [
        f"- {label_of(name)}: only {_owner(category in theirs[name])} *{category}*; "
        f"{REASONS.get((name, category), 'no reason is known, so that one of the two is to be corrected')}."
        for name in theirs
        for category in sorted(theirs[name] ^ ours[name])
    ]


def _owner(is_of_survey: bool) -> str:
    return "the survey's text has" if is_of_survey else "the registry has"


class Symbol(NamedTuple):
    """A symbol of the survey's Table I, and where the code has what it stands for."""

    symbol: str
    meaning: str
    place: str
    value: object


def symbols(passes: Passes) -> pd.DataFrame:
    """Write what the symbols of the survey mean, and what a live network has for them.

    Parameters
    ----------
    passes : Passes
        Of a network and a batch.
    """
    training, network = passes.training, list(passes.model.modules())
    features, outputs = training.trace.pooled, training.trace.outputs[0].value
    first = "weights of layer $i$; here the first, output by input channels by kernel"
    hessian = r"Hessian of $L$, never formed; here $\theta^\top H \nabla L$"
    loss = "loss function: mean cross-entropy over the batch; here its value, $L$"
    found = [
        Symbol(r"\boldsymbol{x}", "the images of the batch", "images", passes.images),
        Symbol(r"\hat{y}", "their labels", "labels", passes.labels),
        Symbol("f", "the network; here its number of modules", "model", len(network)),
        Symbol(
            "f_e",
            "the network up to its global pooling; here its features",
            "training.trace.pooled",
            features,
        ),
        Symbol("D", "number of convolution and linear layers", "layers", len(passes.layers)),
        Symbol("y", "outputs of the network, before softmax", "training.logits", training.logits),
        Symbol(r"\mathcal{L}", loss, "training.loss", training.loss.item()),
        Symbol(
            r"\boldsymbol{\Theta}", "all parameters; here how many", "parameter_count", passes.parameter_count
        ),
        Symbol(r"\boldsymbol{\theta}_i", first, "weights", passes.weights[0]),
        Symbol(
            r"\boldsymbol{z}_i", "outputs of layer $i$; here the first", "training.trace.outputs", outputs
        ),
        Symbol(r"\boldsymbol{H}_i", hessian, "grasp.curvature", curvature(passes)),
    ]
    cells = {
        "Meaning": [symbol.meaning for symbol in found],
        "In `Passes`": [f"`{symbol.place}`" for symbol in found],
        "Here": [_shown(symbol.value) for symbol in found],
    }
    return pd.DataFrame(cells, pd.Index([f"${symbol.symbol}$" for symbol in found], name="Symbol"))


def _shown(value: object) -> str:
    """Write a tensor as its shape, and a number as it is."""
    if shape := tuple(getattr(value, "shape", ())):
        return f"({', '.join(map(str, shape))})"
    return f"{value:,}" if isinstance(value, int) else number(float(value), 3)  # type: ignore[arg-type]
