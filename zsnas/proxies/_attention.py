"""Attention in a network, whatever its modules are called: found in the graph of what it computes.

Attention multiplies values by a softmax of products of queries and keys. Layers right before and behind the
softmax mix its heads. A network without it has none; one that multiplies activations with one another in
another way is not understood.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from zsnas.proxies._graph import before, everything, parameters_of, reached
from zsnas.proxies._outputs import first_tensor
from zsnas.proxies._passes import Passes, shared_pass
from zsnas.proxies._undefined import Undefined
from zsnas.proxies._weights import LOOKUPS

if TYPE_CHECKING:
    from torch.autograd.graph import Node

    from zsnas.proxies._trace import Output

PRODUCTS = {"BmmBackward0", "BaddbmmBackward0"}
SOFTMAX = {"SoftmaxBackward0", "SafeSoftmaxBackward0"}
FUSED = "ScaledDotProduct"
"""How the names of torch's functions for all of attention begin."""


class Roles(NamedTuple):
    """What the weights of linear layers are for, by the ids of the weights."""

    attention: list[tuple[int, ...]]
    """Those that make queries, keys and values, or project what was attended to. Weights that make queries,
    keys and values of the same input are together, as in networks where they are one matrix."""
    others: list[int]
    unseen: set[int]
    """Those used in an operation whose outputs are not seen, if they are used at all."""


@shared_pass
def roles(passes: Passes) -> Roles:
    """Tell the weights of attention from those of other linear layers, by a run on one image."""
    passes.check_weights()
    returned, trace = passes.first_image()
    layers = {node: output for output in trace.outputs if (node := output.value.grad_fn) is not None}
    last = first_tensor(returned)
    nodes = everything(layers) | everything([] if last is None else [last.grad_fn])
    attended = _attended(nodes, set(layers))
    if not attended:
        raise Undefined("the network has no attention: no product of values with a softmax of products")
    order = {id(weight): place for place, weight in enumerate(passes.weights)}
    groups = {
        tuple(sorted({_weight(layer) for layer in group}, key=order.__getitem__))
        for group in [*_before_attention(attended, layers), *_behind_attention(attended, layers)]
    }
    linear = [o for o in trace.outputs if not o.is_convolution and o.function not in LOOKUPS]
    seen, others = (
        order.keys() & {weight for o in outputs for weight in parameters_of(o.weight)}
        for outputs in (trace.outputs, linear)
    )
    return Roles(
        sorted(groups, key=lambda group: order[group[0]]),
        sorted(others - set(chain(*groups)), key=order.__getitem__),
        order.keys() - seen,
    )


def _attended(nodes: set[Node], layers: set[Node]) -> dict[Node, list[Node]]:
    """Return where a softmax multiplies values, and what queries, keys and values are there."""
    products = {node for node in nodes if node.name() in PRODUCTS} - layers
    softmaxes = {node for node in nodes if node.name() in SOFTMAX}
    found = {node: before(node)[:3] for node in nodes if node.name().startswith(FUSED)}
    layers = layers - _mixing(layers, products, softmaxes)
    scores: set[Node] = set()
    for product in products:
        weights = set(reached(before(product), products | softmaxes | layers)) & softmaxes
        if not weights:
            continue
        ends = products | layers
        scored = set(reached(chain(*map(before, weights)), ends)) & products
        if not scored:
            raise Undefined("the network has a softmax that is not of products of queries and keys")
        values = [node for node in before(product) if not set(reached([node], ends | weights)) & weights]
        found[product] = [*values, *chain(*map(before, scored))]
        scores |= scored
    if found and products - scores - found.keys():
        raise Undefined("the network multiplies activations with one another in another way than attention")
    return found


def _mixing(layers: set[Node], products: set[Node], softmaxes: set[Node]) -> set[Node]:
    """Return the layers between products and a softmax, or between a softmax and products."""
    ends = products | softmaxes | layers
    behind = {node: set(reached(before(node), ends)) for node in ends}
    return {
        layer
        for first, last in ((products, softmaxes), (softmaxes, products))
        for layer in chain(*(behind[node] & layers for node in last))
        if behind[layer] and behind[layer] <= first
    }


def _before_attention(
    attended: dict[Node, list[Node]], layers: dict[Node, Output]
) -> Collection[list[Output]]:
    """Return the layers that make queries, keys and values, together where their input is the same."""
    groups: dict[object, list[Output]] = {}
    for operand in chain(*attended.values()):
        sources = list(reached([operand], set(layers)))
        if len(sources) > 1:
            raise Undefined("queries, keys or values of the network come from several layers each")
        for layer in map(layers.__getitem__, sources):  # none of what is learned and comes from no layer
            place = layer.input.data_ptr(), layer.input.shape, layer.weight[0].numel()
            groups.setdefault(place, []).append(layer)
    return groups.values()


def _behind_attention(attended: dict[Node, list[Node]], layers: dict[Node, Output]) -> Iterator[list[Output]]:
    """Yield each layer of which all that it is given was attended to."""
    for layer in layers.values():
        sources = set(reached([layer.source], layers.keys() | attended.keys()))
        if sources and sources <= attended.keys():
            yield [layer]


def _weight(layer: Output) -> int:
    parameters = parameters_of(layer.weight)
    if len(parameters) != 1:
        raise Undefined("a weight of attention is computed from several parameters")
    return next(iter(parameters))
