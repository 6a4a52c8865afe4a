"""Which parameters are weights: what a network multiplies by, whatever the function is called."""

import pytest
import torch
import torch.nn.functional as F
import torchvision
import zoo
from small_networks import noise
from torch import nn

from zsnas.proxies import measure, score

PRODUCTS = {
    "mv": lambda x, w, _: torch.stack([torch.mv(w, one) for one in x]),
    "addmv": lambda x, w, b: torch.stack([torch.addmv(b[0], w, one) for one in x]),
    "a method": lambda x, w, b: b.expand(len(x), 5).addmm(x, w.t()),
    "inner": lambda x, w, _: torch.inner(x, w),
    "several": lambda x, w, _: torch.linalg.multi_dot([x, w.t(), torch.eye(5).to(x)]),
    "linalg": lambda x, w, _: torch.linalg.matmul(x, w.t()),
    "a part": lambda x, w, _: F.linear(x[:, :100], w[:, :100]),
    "scaled": lambda x, w, _: F.linear(x, w / 192**0.5),
    "centred": lambda x, w, _: torch.einsum("bi,oi->bo", x, w - w.mean(1, keepdim=True)),
    "rounded": lambda x, w, _: x @ (w + (w.round(decimals=1) - w).detach()).T,
    "added": lambda x, w, b: torch.baddbmm(b.unsqueeze(0), x.unsqueeze(0), w.t().unsqueeze(0))[0],
}


class Multiplies(nn.Module):
    """A network that multiplies by a parameter of its own, and adds another that has two axes, too."""

    def __init__(self, product):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.product = product
        self.w = nn.Parameter(torch.randn(5, 192, generator=generator) / 10)
        self.b = nn.Parameter(torch.randn(1, 5, generator=generator))
        self.f = nn.Linear(5, 3, bias=False)
        self.f.weight.data = torch.randn(3, 5, generator=generator)

    def forward(self, x):
        return self.f(torch.tanh(self.product(x.flatten(1), self.w, self.b) + self.b))


@pytest.mark.parametrize("product", PRODUCTS.values(), ids=PRODUCTS)
def test_what_a_network_multiplies_by_is_a_weight_and_what_it_adds_is_none(product):
    network, batch = Multiplies(product).double(), noise(dtype=torch.float64)
    weights = [network.w, network.f.weight]
    gradients = torch.autograd.grad(F.cross_entropy(network(batch.images), batch.labels), weights)
    right = sum((w * g).abs().sum().item() for w, g in zip(weights, gradients, strict=True))
    found = measure(network, batch, ["snip", "l2_norm"])
    assert found["snip"].value == pytest.approx(right)
    assert found["l2_norm"].value == pytest.approx(sum(w.norm().item() for w in weights))


def test_what_a_layer_is_given_in_place_of_an_image_is_no_weight():
    """As the learned queries of a pooling by attention; a layer's own parameter beside it is."""

    class Pooling(nn.Module):
        def __init__(self):
            super().__init__()
            self.latent, self.q, self.k = nn.Parameter(torch.randn(1, 2, 3)), nn.Linear(3, 3), nn.Linear(3, 3)
            self.w = nn.Parameter(torch.randn(3, 3))

        def forward(self, x):
            tokens = x.flatten(2).transpose(1, 2)
            q = F.linear(self.q(self.latent.expand(len(x), -1, -1)), self.w)
            return ((q @ self.k(tokens).transpose(1, 2)).softmax(2) @ tokens).mean(1)

    network = Pooling()
    found = measure(network, noise(), ["l2_norm", "fisher", "zico_bc"])
    norms = [weight.norm().item() for weight in (network.q.weight, network.k.weight, network.w)]
    assert found["l2_norm"].value == pytest.approx(sum(norms))
    assert found["fisher"].reason is None
    assert found["zico_bc"].reason is None


class OfInputs(nn.Module):
    """A linear layer with its weight (inputs, outputs), as those of GPT-2."""

    def __init__(self, linear, how):
        super().__init__()
        self.weight, self.bias = nn.Parameter(linear.weight.detach().t().clone()), linear.bias
        self.how = how

    def forward(self, x):
        return self.how(self.bias, x.flatten(0, -2), self.weight).view(*x.shape[:-1], -1)


@pytest.mark.parametrize(
    "how",
    [torch.addmm, torch.Tensor.addmm, lambda b, x, w: torch.addmm(input=b, mat1=x, mat2=w)],
    ids=["function", "method", "names"],
)
def test_a_product_with_a_bias_in_one_step_is_a_layer(how):
    images = noise(dtype=torch.float64)
    net, twin = (zoo.network("windows") for _ in range(2))
    net.function = twin.function = zoo.windows_by_image
    net.w = OfInputs(twin.w, how)
    names = ["fisher", "near", "snip", "zico_bc", "gradsign", "ntk_cond_printed", "grasp"]
    found, right = (score(network, images, names) for network in (net, twin))
    assert found == pytest.approx(right)


class Deformable(nn.Module):
    def __init__(self):
        super().__init__()
        self.offsets = nn.Conv2d(3, 18, 3, padding=1)
        self.deformed = torchvision.ops.DeformConv2d(3, 3, 3, padding=1)

    def forward(self, x):
        return self.deformed(x, self.offsets(x)).mean((2, 3))


def test_a_deformable_convolution_has_weights():
    network = Deformable()
    length = measure(network, noise(), ["l2_norm"])["l2_norm"].value
    norms = [layer.weight.norm().item() for layer in (network.offsets, network.deformed)]
    assert length == pytest.approx(sum(norms))


def put_in_place(positions, x):
    tokens = torch.zeros_like(positions)
    tokens[:] = x.flatten(2).transpose(1, 2)
    return tokens + positions


@pytest.mark.parametrize("added", [lambda p, x: p + x.flatten(2).transpose(1, 2), put_in_place])
def test_positions_are_added_and_no_weight(added):
    class Positions(nn.Module):
        def __init__(self):
            super().__init__()
            self.positions, self.f = nn.Parameter(torch.randn(1, 64, 3)), nn.Linear(3, 3)

        def forward(self, x):
            return torch.cat([self.f(added(self.positions, one.unsqueeze(0))).mean(1) for one in x])

    network = Positions()
    length = measure(network, noise(), ["l2_norm"])["l2_norm"].value
    assert length == pytest.approx(network.f.weight.norm().item())
