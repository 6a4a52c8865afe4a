"""The gradients of single images, which are told apart in blocks, against those of each image alone."""

import pytest
import torch
from torch import nn
from zoo import CLASSES, Applied, Definitions, images

from zsnas.proxies import score
from zsnas.proxies._sample_gradients import IMAGES, sample_gradients
from zsnas.proxies._trace import tracing

LAYERS = {
    "convolution": (lambda: nn.Conv2d(3, 4, 3, stride=2, padding=1), (3, 6, 5)),
    "pointwise convolution": (lambda: nn.Conv2d(3, 4, 1), (3, 6, 5)),
    "linear": (lambda: nn.Linear(5, 4), (6, 5)),
}


@pytest.mark.parametrize("images", [1, IMAGES, IMAGES + 1, 2 * IMAGES + 3])
@pytest.mark.parametrize(("build", "shape"), LAYERS.values(), ids=LAYERS)
def test_every_image_of_full_and_of_short_blocks_has_the_gradient_that_it_has_alone(build, shape, images):
    torch.manual_seed(0)
    layer, x = build().double(), torch.randn(images, *shape, dtype=torch.float64)
    with tracing([layer.weight]) as trace:
        y = layer(x)
    dy = torch.randn_like(y)
    (blocks,) = sample_gradients(trace.outputs, [dy], [layer.weight], images)
    full, rest = divmod(images, IMAGES)
    assert [len(block) for block in blocks] == [IMAGES] * full + [rest] * bool(rest)
    for row, one, along in zip(torch.cat(blocks), x.split(1), dy.split(1), strict=True):
        (alone,) = torch.autograd.grad((layer(one) * along).sum(), layer.weight)
        torch.testing.assert_close(row, alone.flatten())


@pytest.mark.parametrize("positions", [4, 8], ids=["as many as images", "more"])
@pytest.mark.parametrize("is_learned", [True, False], ids=["parameter", "buffer"])
def test_a_layer_that_sees_no_image_has_a_gradient_of_each_image_however_small(positions, is_learned):
    """As one on a table of positions. Next to the other layer's gradients, this one's are rounding."""
    network = Applied(
        lambda net, x: net.f(x.flatten(1)) + 1e-13 * net.t(net.p).sum(0),
        f=nn.Linear(192, CLASSES),
        t=nn.Linear(4, CLASSES),
    )
    network.p = (nn.Parameter if is_learned else nn.Buffer)(torch.randn(positions, 4))
    network.double()
    names = ["gradsign", "ntk_cond_printed"]
    found, right = score(network, images(), names), Definitions(network, images())
    assert found == pytest.approx({name: getattr(right, name)() for name in names})
