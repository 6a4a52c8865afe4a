"""FlexiBERT as NAS-Bench-BERT takes from it: transformers on tokens whose layers differ.

``256:wma-h4-f1024.1024:dct-h2-f512`` reads: 256 channels; then for each layer its operation, the number of
its heads, and the widths inside its feed-forward part. The operations are self-attention with a scaled dot
product (``sdp``) or with weights between queries and keys (``wma``), a Fourier or cosine transform along
tokens and channels (``dft``, ``dct``), and convolutions over five or nine tokens whose kernels depend on the
tokens (``dsc5``, ``dsc9``). The benchmark has 128 or 256 channels, two or four layers, two or four heads, and
one or three widths of 512 or 1,024.

``flexibert`` holds the 491 architectures that the benchmark's file describes; nine of its 500 rows describe
one a second time. **The published training code makes other networks of them**: it compares the name of an
operation by identity, which a name that is read from a file never has, so that every layer attends by a
scaled dot product, and the first width of each layer is four times the channels. ``flexibert-trained`` holds
what is left of the 491 when that is so, 301 networks; `as_trained` leads from one to the other.

Source: Serianni and Kalita 2023 (github.com/aaronserianni/training-free-nas, ``modeling_electra.py`` for the
networks and ``tensorflow-model/model/modeling.py`` for the training), with Tuli et al. 2022, FlexiBERT.
"""

from __future__ import annotations

import json
import re
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from zsnas.sources import fetch
from zsnas.spaces._arguments import no_architecture
from zsnas.spaces._base import Counts, Space, counted

if TYPE_CHECKING:
    from torch import nn

SOURCE = "nas-bench-bert/glue"
EXAMPLE = "256:wma-h4-f1024.1024:dct-h2-f512"
OPERATIONS = {"SDP": "sdp", "WMA": "wma", "DFT": "dft", "DCT": "dct", 5: "dsc5", 9: "dsc9"}
"""The benchmark's name of an operation and ours."""

_WIDEST = 4
"""The first width inside the feed-forward part in the training code, in channels."""


class Layer(NamedTuple):
    """Its operation, heads, and the widths inside its feed-forward part."""

    operation: str
    heads: int
    widths: tuple[int, ...]


class Plan(NamedTuple):
    """The channels of a network and its layers."""

    channels: int
    layers: tuple[Layer, ...]


class FlexiBERT(Space):
    """The transformers that NAS-Bench-BERT describes."""

    name = "flexibert"
    example = EXAMPLE

    @cached_property
    def architectures(self) -> tuple[str, ...]:
        """Every architecture of the benchmark, in the order of its file."""
        return tuple(dict.fromkeys(write(described(record)) for record in records()))

    def build(self, arch: str, num_classes: int, seed: int) -> nn.Module:
        """Return the untrained network of ``arch``, for tokens (batch, length), at most 512 of a sequence.

        A classifier reads the first token after the last layer. Weights are drawn from ``seed`` as the
        benchmark's code does: from a normal distribution with a deviation of 0.02. There is no dropout.
        """
        found = plan(arch)
        from zsnas.spaces._flexibert_networks import network

        return network(found, num_classes, seed)

    def counts(self, arch: str, num_classes: int, image_size: int) -> Counts:
        """Return what the proxies #Params and #FLOPs measure: of each layer by itself, once, added up.

        Fourier transforms, and the cosine transforms that are made of them, multiply for nothing there.

        Parameters
        ----------
        arch
            One of the :attr:`architectures`, or another of this form.
        num_classes
            Outputs of the network.
        image_size
            Tokens of a sequence.
        """
        channels, layers = plan(arch)
        around = _counted(Plan(channels, ()), num_classes, image_size)
        alone = [_counted(Plan(channels, (layer,)), num_classes, image_size) for layer in layers]
        params, macs = (sum(layer[kind] - around[kind] for layer in alone) + around[kind] for kind in (0, 1))
        return Counts(params, macs)


class TrainedFlexiBERT(FlexiBERT):
    """The transformers that the training code of NAS-Bench-BERT makes of what it describes."""

    name = "flexibert-trained"
    example = "256:sdp-h4-f1024.1024:sdp-h2-f1024"

    @cached_property
    def architectures(self) -> tuple[str, ...]:
        """Every network that differs from the others, in the order of the benchmark's file."""
        return tuple(dict.fromkeys(map(as_trained, super().architectures)))


def plan(arch: str) -> Plan:
    """Return the channels and layers of an architecture; a malformed one is a ValueError."""
    channels, *parts = arch.split(":")
    operations = "|".join(OPERATIONS.values())
    form = re.compile(rf"({operations})-h([1-9]\d*)-f([1-9]\d*(?:\.[1-9]\d*)*)")
    found = [form.fullmatch(part) for part in parts]
    if re.fullmatch(r"[1-9]\d*", channels) and found and all(found):
        layers = tuple(
            Layer(layer[1], int(layer[2]), tuple(map(int, layer[3].split(".")))) for layer in found if layer
        )
        if all(fits(int(channels), layer) for layer in layers):
            return Plan(int(channels), layers)
    why = (
        f"operations are {', '.join(OPERATIONS.values())}; heads divide the channels, and dsc5 and dsc9 have "
        "an even number of them"
    )
    raise no_architecture(arch, "flexibert", EXAMPLE, why)


def fits(channels: int, layer: Layer) -> bool:
    """Return whether the heads of a layer share its channels evenly; half of them are convolutions in dsc."""
    return channels % layer.heads == 0 and not (layer.operation.startswith("dsc") and layer.heads % 2)


def write(plan: Plan) -> str:
    """Return the string of an architecture."""
    layers = (f"{op}-h{heads}-f{'.'.join(map(str, widths))}" for op, heads, widths in plan.layers)
    return ":".join([str(plan.channels), *layers])


def described(record: dict[str, Any]) -> Plan:
    """Return the architecture that a record of the benchmark describes."""
    settings = record["hparams"]["model_hparam_overrides"]
    layers = (
        Layer(
            OPERATIONS[layer["operation_parameter"]],
            layer["num_operation_heads"],
            (layer["feed_forward_dimension"],) * layer["num_feed_forward"],
        )
        for layer in settings["nas_config"]["encoder_layers"]
    )
    return Plan(settings["hidden_size"], tuple(layers))


def as_trained(arch: str) -> str:
    """Return what the published training code makes of an architecture.

    >>> as_trained("128:dct-h2-f1024.1024:wma-h4-f1024")
    '128:sdp-h2-f512.1024:sdp-h4-f512'
    """
    channels, layers = plan(arch)
    first = _WIDEST * channels
    return write(
        Plan(channels, tuple(Layer("sdp", heads, (first, *widths[1:])) for _, heads, widths in layers))
    )


@cache
def records() -> list[dict[str, Any]]:
    """Return what the benchmark says of each network."""
    found: list[dict[str, Any]] = json.loads(fetch(SOURCE).read_bytes())
    return found


@cache
def _counted(plan: Plan, num_classes: int, length: int) -> Counts:
    import torch

    from zsnas.spaces._flexibert_networks import network

    return counted(lambda: network(plan, num_classes, seed=0), torch.zeros(1, length, dtype=torch.int64))
