"""The fused second derivatives against finite differences and against torch's own double backward."""

import copy

import pytest
import torch
import torch.nn.functional as F
from small_networks import noise, small
from torch import nn
from torch.autograd import gradcheck, gradgradcheck
from torch.utils._python_dispatch import TorchDispatchMode

from zsnas.proxies import Passes
from zsnas.proxies._second_order import AveragePool, BatchNorm, Convolution, Geometry, HardSigmoid, Wanted
from zsnas.proxies.grasp import curvature as curvature_of


def random(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def parameters(affine):
    return (random(3, seed=1), random(3, seed=2)) if affine else (None, None)


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("shape", [(5, 3), (4, 3, 2), (2, 3, 3, 2)])
class TestBatchNorm:
    def test_it_is_torchs(self, shape, affine):
        x, (weight, bias) = random(*shape), parameters(affine)
        expected = F.batch_norm(x, None, None, weight, bias, training=True, eps=1e-3)
        torch.testing.assert_close(BatchNorm.apply(x, weight, bias, 1e-3), expected)

    def test_first_and_second_derivative(self, shape, affine):
        x, (weight, bias) = random(*shape).requires_grad_(), parameters(affine)

        def norm(x):
            return BatchNorm.apply(x, weight, bias, 1e-3)

        assert gradcheck(norm, (x,))
        assert gradgradcheck(norm, (x,))


# Kernel, stride, padding, rounding up, padding counted, divisor.
POOLINGS = [(2, 2, 0, False, True, None), ((3, 2), (2, 1), 1, True, False, None), (3, 1, 1, False, True, 4)]


@pytest.mark.parametrize("settings", POOLINGS)
class TestAveragePool:
    def test_it_is_torchs(self, settings):
        x = random(2, 3, 5, 6)
        torch.testing.assert_close(AveragePool.apply(x, *settings), F.avg_pool2d(x, *settings))

    def test_first_and_second_derivative(self, settings):
        x = random(1, 2, 4, 5).requires_grad_()
        assert gradcheck(lambda x: AveragePool.apply(x, *settings), (x,))
        assert gradgradcheck(lambda x: AveragePool.apply(x, *settings), (x,))


class TestHardSigmoid:
    def test_it_is_torchs_with_its_first_derivative(self):
        x = (4 * random(100)).requires_grad_()
        ours, torchs = HardSigmoid.apply(x), F.hardsigmoid(x)
        assert torch.equal(ours, torchs)
        first = [torch.autograd.grad(out.square().sum(), x)[0] for out in (ours, torchs)]
        assert torch.equal(*first)

    def test_second_derivative(self):
        x = torch.tensor([-4.0, -2.5, 0.3, 2.5, 4.0], dtype=torch.float64, requires_grad=True)
        assert gradgradcheck(HardSigmoid.apply, (x,))

    @pytest.mark.parametrize("inplace", [False, True])
    def test_a_network_with_it_has_a_curvature(self, inplace):
        """Torch has the second derivative of what it is made of, and a sixth in single precision in it."""
        model = network("hard sigmoid")
        model[1] = nn.Hardsigmoid(inplace=inplace)
        _, curvature = torchs_own(network("hard sigmoid"), noise(dtype=torch.float64))
        assert curvature_of(Passes(model, noise(dtype=torch.float64))) == pytest.approx(curvature, rel=1e-6)


def test_second_derivatives_of_pooling_stay_channels_last():
    x = random(2, 3, 4, 4).to(memory_format=torch.channels_last).requires_grad_()
    (dx,) = torch.autograd.grad(
        AveragePool.apply(x, 2, 2, 0, False, True, None).square().sum(), x, create_graph=True
    )
    (second,) = torch.autograd.grad(dx.square().sum(), x)
    assert second.is_contiguous(memory_format=torch.channels_last)


GEOMETRIES = {
    "plain": ((1, 1), (1, 1), (1, 1), 1),
    "strided": ((2, 1), (1, 1), (1, 1), 1),
    "dilated": ((1, 1), (2, 2), (2, 2), 1),
    "grouped": ((1, 1), (0, 1), (1, 1), 2),
}


@pytest.mark.parametrize("geometry", [Geometry(*g) for g in GEOMETRIES.values()], ids=GEOMETRIES)
class TestConvolution:
    @pytest.fixture
    def tensors(self, geometry):
        x = random(2, 4, 5, 5).requires_grad_()
        weight = random(2, 4 // geometry.groups, 3, 3, seed=1).requires_grad_()
        return x, weight, torch.ones((), dtype=torch.float64, requires_grad=True)

    def test_it_is_torchs(self, tensors, geometry):
        x, weight, scale = tensors
        out = Convolution.apply(x, weight, scale, geometry, Wanted())
        expected = torch.conv2d(x, weight, None, *geometry)
        assert torch.equal(out, expected)
        for ours, torchs in zip(
            torch.autograd.grad(out.sin().sum(), (x, weight)),
            torch.autograd.grad(expected.sin().sum(), (x, weight)),
            strict=True,
        ):
            torch.testing.assert_close(ours, torchs)

    def test_scale_is_a_factor_of_the_weight(self, tensors, geometry):
        x, weight, scale = tensors
        wanted = Wanted()
        out = Convolution.apply(x, weight, scale, geometry, wanted)
        with wanted.only("scales"):
            (ours,) = torch.autograd.grad(out.sin().sum(), scale)
        factor = torch.ones((), dtype=torch.float64, requires_grad=True)
        expected = torch.conv2d(x, factor * weight, None, *geometry)
        (torchs,) = torch.autograd.grad(expected.sin().sum(), factor)
        torch.testing.assert_close(ours, torchs)
        assert wanted.what == "weights"

    def test_only_inputs_gives_the_same_gradient_of_the_input(self, tensors, geometry):
        x, weight, scale = tensors
        wanted = Wanted()
        out = Convolution.apply(x, weight, scale, geometry, wanted).sin().sum()
        with wanted.only("inputs"):
            (ours,) = torch.autograd.grad(out, x, retain_graph=True)
        (torchs,) = torch.autograd.grad(out, x)
        assert torch.equal(ours, torchs)


class Clamped(nn.Module):
    """A hard sigmoid from what torch can differentiate twice."""

    def forward(self, x):
        return (x + 3).clamp(0, 6) / 6


class Sequence(nn.Module):
    """Take an image as a sequence of rows through a one-dimensional convolution."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(4, 4, 3, padding=1)

    def forward(self, x):
        return self.conv(x.flatten(2)).view_as(x)


class Twice(nn.Module):
    """Use one convolution at two places."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x):
        return self.conv(self.conv(x).tanh())


PARTS = {
    "linear only": list,
    "bias": lambda: [nn.Conv2d(3, 4, 3)],
    "strided": lambda: [nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False)],
    "dilated": lambda: [nn.Conv2d(3, 4, 3, dilation=2)],
    "grouped": lambda: [nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 3, groups=2)],
    "depthwise": lambda: [nn.Conv2d(3, 6, 3, groups=3)],
    "padded by name": lambda: [nn.Conv2d(3, 4, 3, padding="same")],
    "circular": lambda: [nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular")],
    "transposed": lambda: [nn.ConvTranspose2d(3, 4, 2, stride=2)],
    "one-dimensional": lambda: [nn.Conv2d(3, 4, 1), Sequence()],
    "shared": lambda: [nn.Conv2d(3, 4, 1), Twice()],
    "batch norm": lambda: [nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Tanh(), nn.Conv2d(4, 4, 3)],
    "plain batch norm": lambda: [nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, affine=False)],
    "hard sigmoid": lambda: [nn.Conv2d(3, 4, 3), Clamped()],
    "group norm": lambda: [nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4)],
    "all": lambda: [*small()[:4], nn.BatchNorm2d(8), nn.Tanh(), nn.Conv2d(8, 4, 1), Twice(), nn.ReLU()],
}


def network(part):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = [*PARTS[part](), nn.Tanh(), nn.Flatten(), nn.LazyLinear(3)]
        model = nn.Sequential(*layers).double()
        model(noise(dtype=torch.float64).images)
    for norm in (m for m in model.modules() if isinstance(m, nn.BatchNorm2d) and m.affine):
        norm.weight.data, norm.bias.data = (random(norm.num_features, seed=s) for s in (1, 2))
    return model


def torchs_own(model, batch):
    """Return the gradients of the layers' weights and θᵀ H g, by torch's double backward."""
    model = copy.deepcopy(model).train()
    layers = [m for m in model.modules() if isinstance(m, nn.modules.conv._ConvNd | nn.Linear)]
    weights = list({id(layer.weight): layer.weight for layer in layers}.values())
    loss = F.cross_entropy(model(batch.images), batch.labels)
    gradients = torch.autograd.grad(loss, weights, create_graph=True)
    along = sum((g * g.detach()).sum() for g in gradients)
    second = torch.autograd.grad(along, weights)
    return gradients, sum((h * w).sum() for h, w in zip(second, weights, strict=True)).item()


@pytest.mark.parametrize("part", PARTS)
def test_curvature_is_torchs_double_backward(part):
    model, batch = network(part), noise(dtype=torch.float64)
    passes = Passes(model, batch)
    gradients, curvature = torchs_own(model, batch)
    for ours, torchs in zip(passes.gradients.weights, gradients, strict=True):
        torch.testing.assert_close(ours, torchs)
    assert curvature_of(passes) == pytest.approx(curvature, rel=1e-9)
    assert abs(curvature) > 1e-6


def test_a_linear_loss_has_no_curvature():
    class Constant(nn.Module):
        def forward(self, x):
            return x * 0

    passes = Passes(nn.Sequential(nn.Flatten(), nn.Linear(192, 3), Constant()), noise())
    assert curvature_of(passes) == 0


def test_strided_pointwise_convolutions_of_few_channels_with_channels_last():
    """OneDNN, which torch uses in single precision, corrupts memory there."""
    x, weight = random(4, 3, 57, 56), random(8, 3, 1, 1, seed=1)
    geometry, along = Geometry((2, 3), (0, 0), (1, 1), 1), random(4, 8, 29, 19, seed=2)

    def gradients(convolve, dtype):
        inputs = [t.to(dtype, memory_format=torch.channels_last).requires_grad_() for t in (x, weight)]
        return torch.autograd.grad(convolve(*inputs), inputs, along.to(dtype))

    def ours(x, weight):
        return Convolution.apply(x, weight, torch.ones(()), geometry, Wanted())

    def torchs(x, weight):
        return torch.conv2d(x, weight, None, *geometry)

    expected = [gradient.float() for gradient in gradients(torchs, torch.float64)]
    torch.testing.assert_close(list(gradients(ours, torch.float32)), expected, rtol=1e-4, atol=1e-4)


class Backward(TorchDispatchMode):
    """Keeps the kernel and the stride of every convolution that torch differentiates."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        if operation is torch.ops.aten.convolution_backward.default:
            self.seen.append((tuple(args[2].shape), tuple(args[4])))
        return operation(*args, **(kwargs or {}))


@pytest.mark.parametrize(("channels", "stride"), [(15, (1, 1)), (16, (2, 3))])
def test_torch_never_differentiates_a_strided_pointwise_convolution_of_few_channels(channels, stride):
    """What oneDNN does to the memory need not show in a number, so that the numbers alone are no guard."""
    x = random(1, channels, 5, 7).requires_grad_()
    weight = random(2, channels, 1, 1, seed=1).requires_grad_()
    scale, wanted = torch.ones((), dtype=torch.float64, requires_grad=True), Wanted()
    out = Convolution.apply(x, weight, scale, Geometry((2, 3), (0, 0), (1, 1), 1), wanted).square().sum()
    with Backward() as differentiated:
        first = torch.autograd.grad(out, (x, weight), create_graph=True)
        torch.autograd.grad(sum(gradient.square().sum() for gradient in first), x, retain_graph=True)
        with wanted.only("scales"):
            torch.autograd.grad(out, scale)
    assert len(differentiated.seen) > 1
    assert set(differentiated.seen) == {((2, channels, 1, 1), stride)}
