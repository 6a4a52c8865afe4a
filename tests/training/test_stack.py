"""A stack computes what its networks compute by themselves."""

import pytest
import torch

from zsnas.spaces import space
from zsnas.training import Stack, cells
from zsnas.training.stack import _Normalised, _taps

DIGITS = space("nb201-digits")
NOTHING = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
SKIP = "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"
# An operation on a node that nothing reaches: batch norm still adds its shift.
FED_BY_NOTHING = "|none~0|+|none~0|none~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|"
ARCHS = [*cells()[:12], NOTHING, SKIP, FED_BY_NOTHING]

pytestmark = pytest.mark.usefixtures("in_float64")


def images(count=6, side=8):
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(0))


def scrambled(archs, classes=10):
    """Return networks in which no weight has the value that all of them start from."""
    networks = [DIGITS.build(arch, classes, seed) for seed, arch in enumerate(archs)]
    draw = torch.Generator().manual_seed(1)
    for network in networks:
        for parameter in network.parameters():
            parameter.data.add_(torch.randn(parameter.shape, generator=draw), alpha=0.3)
    return networks


def agree(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("archs", [ARCHS, [NOTHING], [SKIP, SKIP]])
@pytest.mark.parametrize("side", [8, 11])
def test_logits_are_those_of_the_networks(archs, side):
    networks = scrambled(archs)
    stack = Stack(archs, networks, side)
    for training in (True, False):  # the first leaves running statistics, which the second uses
        logits = stack.train(training)(images(side=side))
        agree(logits, torch.stack([network.train(training)(images(side=side)) for network in networks]))


def test_gradients_are_those_of_the_networks():
    networks, pixels = scrambled(ARCHS), images()
    stack = Stack(ARCHS, networks)
    upstream = torch.randn(len(ARCHS), 6, 10, generator=torch.Generator().manual_seed(2))
    (stack(pixels) * upstream).sum().backward()
    for i, (network, gradient) in enumerate(zip(networks, upstream, strict=True)):
        (network(pixels) * gradient).sum().backward()
        agree(stack.weight.grad[i], network.classifier.weight.grad.T)
        if network.stem[0].weight.grad is not None:  # something of the image reaches the output
            agree(stack.stem.grad[i], network.stem[0].weight.grad.flatten(1).T)
            agree(stack.stem_norm.weight.grad[i], network.stem[1].weight.grad)


def test_networks_keep_their_own_weights():
    (network,) = scrambled([SKIP])
    stack = Stack([SKIP], [network])
    before = network.classifier.weight.clone()
    stack.weight.data.zero_()
    assert torch.equal(network.classifier.weight, before)


def test_batch_norm_has_the_gradients_of_its_formula():
    draw = torch.Generator().manual_seed(0)
    inputs = [torch.randn(shape, generator=draw).requires_grad_() for shape in ((3, 4, 6), (3, 2), (3, 2))]
    assert torch.autograd.gradcheck(lambda *tensors: _Normalised.apply(*tensors)[0], inputs)


def test_taps_on_paper():
    # Two by two: position 3, below and right of position 0, is the ninth tap there; the other way the first.
    taps = _taps(2)
    assert taps[3, 0].argmax() == 8
    assert taps[0, 3].argmax() == 0
    assert taps.sum(2).eq(1).all()
    assert _taps(3)[0, 2].sum() == 0  # two columns apart
