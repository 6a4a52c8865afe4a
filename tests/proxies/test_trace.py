"""What is seen of a forward pass, whether the network calls modules or functions."""

import pytest
import torch
import torch.nn.functional as F
import torchvision
from small_networks import TEN, noise, small
from torch import Tensor, nn

from zsnas.proxies import measure, score
from zsnas.proxies._trace import tracing
from zsnas.proxies._undefined import Undefined

X = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


class Calls(nn.Module):
    """A network that is one function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def traced(model, x=X, gradients=True):
    with torch.set_grad_enabled(gradients), tracing(list(model.parameters())) as trace:
        model(x)
    return trace


def test_functions_are_no_longer_watched_afterwards():
    trace = traced(nn.ReLU())
    F.relu(X)
    assert len(trace.rectified) == 1


def test_layers_are_recorded_in_order_of_execution():
    first, second = nn.Conv2d(3, 4, 1), nn.Linear(8, 5)
    trace = traced(nn.Sequential(first, second))
    assert [(tuple(out.value.shape), out.channel_axis) for out in trace.outputs] == [
        ((2, 4, 8, 8), 1),
        ((2, 4, 8, 5), -1),
    ]


@pytest.mark.parametrize(
    "rectifier",
    [
        nn.ReLU(),
        nn.ReLU(inplace=True),
        nn.ReLU6(),
        nn.LeakyReLU(),
        nn.PReLU(),
        Calls(F.relu),
        Calls(torch.relu),
        Calls(Tensor.relu),
        Calls(lambda x: F.relu(x, inplace=True)),
        Calls(torch.relu_),
        Calls(lambda x: x.relu_()),
        Calls(F.relu6),
        Calls(lambda x: F.leaky_relu(x, 0.3)),
    ],
)
def test_relu_like_activations_are_seen(rectifier):
    (rectified,) = traced(rectifier, X.clone()).rectified
    assert torch.equal(rectified > 0, X > 0)


@pytest.mark.parametrize("smooth", [nn.GELU(), nn.SiLU(), nn.Tanh(), nn.Hardtanh(), nn.Hardswish()])
def test_other_activations_are_not(smooth):
    assert traced(smooth).rectified == []


def test_a_pass_without_gradients_keeps_no_activations():
    trace = traced(nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU()), gradients=False)
    assert trace.outputs == trace.rectified == []


POOLINGS = {
    "module": nn.AdaptiveAvgPool2d(1),
    "pair": nn.AdaptiveAvgPool2d((1, 1)),
    "function": Calls(lambda x: F.adaptive_avg_pool2d(x, 1)),
    "keyword": Calls(lambda x: F.adaptive_avg_pool2d(x, output_size=(1, 1))),
    "mean": Calls(lambda x: x.mean((2, 3))),
    "mean of the last": Calls(lambda x: torch.mean(x, dim=[-2, -1], keepdim=True)),
    "average": nn.AvgPool2d(8),
    "average function": Calls(lambda x: F.avg_pool2d(x, (8, 8))),
    "flattened": Calls(lambda x: x.flatten(2).mean(-1)),
    "viewed": Calls(lambda x: x.view(2, 3, -1).mean(dim=2)),
    "axis by axis": Calls(lambda x: x.mean(3).mean(2)),
    "sum": Calls(lambda x: x.sum((2, 3)) / 64),
    "NaN left out": Calls(lambda x: x.nanmean((2, 3))),
    "einsum": Calls(lambda x: torch.einsum("bchw->bc", x) / 64),
    "tokens": Calls(lambda x: x.flatten(2).transpose(1, 2).mean(1)),
    "tokens, permuted": Calls(lambda x: x.reshape(2, 3, -1).permute(0, 2, 1).mean(1, keepdim=True)),
    "in a row": Calls(lambda x: F.adaptive_avg_pool1d(x.flatten(2), 1)),
    "window in a row": Calls(lambda x: F.avg_pool1d(x.flatten(2), 64)),
    "maximum": nn.AdaptiveMaxPool2d(1),
    "maxima": Calls(lambda x: x.amax((2, 3))),
    "maxima and places": Calls(lambda x: x.flatten(2).max(2)[0]),
    "smooth maximum": Calls(lambda x: x.logsumexp((2, 3))),
    "sums": Calls(lambda x: torch.sum(torch.sum(x, -1), -1) / 64),
}


@pytest.mark.parametrize("pooling", POOLINGS.values(), ids=POOLINGS)
def test_features_are_what_a_global_pooling_takes(pooling):
    assert torch.equal(traced(pooling, gradients=False).pooled, X)


@pytest.mark.parametrize(
    "other",
    [
        nn.AdaptiveAvgPool2d(2),
        Calls(lambda x: x.mean(1)),
        Calls(lambda x: x.mean()),
        Calls(lambda x: x.mean(2)),
        Calls(lambda x: x.flatten(1).mean(-1)),
        Calls(lambda x: x.amax(1)),
        Calls(lambda x: torch.einsum("bchw->bhw", x)),
        Calls(lambda x: x.flatten(2).transpose(1, 2).mean(2)),
        Calls(lambda x: x.flatten(2).transpose(1, 2)[:, :4].mean(1)),
        Calls(lambda x: x.flatten(2)[..., :4].mean(-1)),
        nn.AvgPool2d(2),
    ],
)
def test_other_means_are_no_global_pooling(other):
    assert traced(other, gradients=False).pooled is None


def test_the_larger_of_two_maps_is_a_map():
    trace = traced(Calls(lambda x: torch.max(x, x.flip(0)).mean((2, 3))), gradients=False)
    assert torch.equal(trace.pooled, torch.max(X, X.flip(0)))


def test_the_last_global_pooling_counts():
    gate = Calls(lambda x: x * F.adaptive_avg_pool2d(x, 1))
    trace = traced(nn.Sequential(gate, nn.AdaptiveAvgPool2d(1)), gradients=False)
    assert torch.equal(trace.pooled, gate(X))


def test_the_input_of_the_last_linear_layer_is_kept():
    model = nn.Sequential(nn.Linear(8, 4), nn.Linear(4, 2))
    assert torch.equal(traced(model, gradients=False).classified, model[0](X))


def test_batch_norm_uses_the_batch_and_leaves_its_running_statistics_alone():
    norm = nn.BatchNorm2d(3)
    trace = traced(norm, gradients=False)
    torch.testing.assert_close(trace.variances[0], X.var((0, 2, 3)))
    assert torch.equal(norm.running_mean, torch.zeros(3))
    assert norm.running_var.eq(1).all()


def test_batch_norm_in_evaluation_is_left_to_torch():
    norm = nn.BatchNorm2d(3).eval()
    norm.running_mean[:] = 2
    with torch.no_grad(), tracing([]) as trace:
        out = norm(X)
    torch.testing.assert_close(out, norm(X))
    assert trace.variances == []


def test_batch_norm_of_one_value_is_undefined():
    with pytest.raises(Undefined, match="a single value per channel"):
        traced(nn.BatchNorm2d(3), X[:1, :, :1, :1])


def test_a_convolution_under_watch_returns_what_torch_returns():
    for conv in (
        nn.Conv2d(3, 4, 3),
        nn.Conv2d(3, 4, 3, padding="same"),
        nn.Conv2d(3, 6, 3, groups=3, bias=False),
    ):
        with tracing([conv.weight]):
            watched = conv(X)
        torch.testing.assert_close(watched, conv(X))


class Mixed(nn.Module):
    """A network that chooses its precision itself."""

    def __init__(self):
        super().__init__()
        self.body = small()

    def forward(self, x):
        with torch.autocast("cpu", torch.bfloat16):
            return self.body(x).float()


def test_gradients_in_mixed_precision_are_torchs():
    network, batch = Mixed().train(), noise()
    network.body[6].p = 0.0  # dropout, which the engine switches off
    weights = [network.body[place].weight for place in (0, 3, 9)]
    loss = F.cross_entropy(network(batch.images), batch.labels)
    gradients = torch.autograd.grad(loss, weights)
    right = sum((w * g).abs().sum().item() for w, g in zip(weights, gradients, strict=True))
    assert score(network, batch, "snip")["snip"] == pytest.approx(right, rel=1e-6)


class Block(nn.Module):
    """A residual block without normalisation; subclasses overwrite tensors that are no longer needed."""

    def __init__(self):
        super().__init__()
        self.stem, self.conv, self.head = (
            nn.Conv2d(3, 4, 1),
            nn.Conv2d(4, 4, 3, padding=1, bias=False),
            nn.Linear(4, 3),
        )

    def forward(self, x):
        x = self.relu(self.stem(x))
        return self.head(self.relu(self.add(self.conv(x), x)).mean((2, 3)))

    def relu(self, x):
        return F.relu(x)

    def add(self, x, y):
        return x + y


class OverwritesReLU(Block):
    def relu(self, x):
        return F.relu(x, inplace=True)


class OverwritesSilently(Block):
    def relu(self, x):
        x.relu_()
        return x


class OverwritesSum(Block):
    def add(self, x, y):
        x += y
        return x


def block(kind):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return kind().double()


class RectifiesTwice(Block):
    """Rectifies the same tensor twice."""

    def forward(self, x):
        x = self.stem(x)
        return self.head((self.conv(F.relu(x)) + self.again(x)).mean((2, 3)))

    def again(self, x):
        return 2 * F.relu(x)


class OverwritesRectified(RectifiesTwice):
    def again(self, x):
        return F.relu(x).mul_(2)


@pytest.mark.parametrize("kind", [OverwritesReLU, OverwritesSum, OverwritesSilently])
def test_overwriting_what_a_layer_returned_changes_no_score(kind):
    batch = noise(dtype=torch.float64)
    assert score(block(kind), batch, TEN) == pytest.approx(score(block(Block), batch, TEN), rel=1e-9)


def test_overwriting_what_a_relu_returned_changes_no_score():
    names = [name for name in TEN if name != "synflow"]  # which has no pass that works on copies
    overwritten, kept = (
        score(block(kind), noise(dtype=torch.float64), names)
        for kind in (OverwritesRectified, RectifiesTwice)
    )
    assert overwritten == pytest.approx(kept, rel=1e-9)


def test_a_tensor_is_rectified_once_and_counts_as_often_as_asked():
    x = X.clone().requires_grad_() * 1
    with tracing([]) as trace:
        first, second = F.relu(x), F.relu(x)
    assert first is second
    assert len(trace.rectified) == 2


def test_a_tensor_that_has_changed_is_rectified_again():
    x = X.clone()
    with tracing([]):
        F.relu(x)
        x.neg_()
        assert torch.equal(F.relu(x), (-X).clamp(min=0))


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "densenet121", "squeezenet1_1", "vgg11_bn"])
def test_torchvisions_networks_are_seen(name):
    with torch.device("cpu"), torch.random.fork_rng():
        torch.manual_seed(0)
        model = torchvision.models.get_model(name, num_classes=3).eval()
    trace = traced(model, torch.zeros(1, 3, 32, 32), gradients=False)
    features = trace.pooled if trace.pooled is not None else trace.classified
    assert features is not None
    trace = traced(model, torch.zeros(1, 3, 32, 32))
    assert trace.rectified
    assert len(trace.outputs) == sum(isinstance(m, nn.Conv2d | nn.Linear) for m in model.modules())


def test_every_proxy_applies_to_torchvisions_resnet():
    model = torchvision.models.resnet18(num_classes=3)
    measured = measure(model, noise(size=2, side=32), TEN)
    assert {name: m.reason for name, m in measured.items() if m.reason} == {}
