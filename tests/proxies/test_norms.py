"""Batch norm in every form: taken out alike, and with the batch's statistics where training has them."""

import copy
from operator import attrgetter

import pytest
import torch
import torch.nn.functional as F
from small_networks import noise
from timm.layers import FrozenBatchNormAct2d
from torch import nn
from torchvision.ops import FrozenBatchNorm2d
from zoo import BareNorm, head, untidy

from zsnas.proxies import measure

FLOW = ["synflow", "synflow_log"]
DRAWN = ["zen_score", "zen_score_once", "zen_score_printed", "az_expressivity", "az_trainability"]
"""Proxies that redraw the weights, so that scales are 1 and shifts 0."""
BATCH = [
    *("snip", "grad_norm", "fisher", "ntk_cond_norms"),
    *("jacob_cov", "meco", "gradsign", "synflow_batch_norm"),
]


class Held(FrozenBatchNorm2d):
    """What torchvision's frozen batch norm holds, for other ways to compute it."""


class OfDetectron(Held):
    """The function where there are no gradients, else arithmetic, as detectron2 has it."""

    def forward(self, x):
        if not x.requires_grad:
            return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias)
        scale = self.weight * (self.running_var + self.eps).rsqrt()
        shift = self.bias - self.running_mean * scale
        return x * scale.reshape(1, -1, 1, 1).to(x.dtype) + shift.reshape(1, -1, 1, 1).to(x.dtype)


class StepByStep(Held):
    def forward(self, x):
        mean, variance = self.running_mean[:, None, None], self.running_var[:, None, None]
        x = (x - mean) / torch.sqrt(variance + self.eps)
        x *= self.weight[:, None, None]
        return self.bias[:, None, None] + x


class FrozenFunction(Held):
    def forward(self, x):
        statistics = {"running_mean": self.running_mean, "running_var": self.running_var}
        return F.batch_norm(x, **statistics, weight=self.weight, bias=self.bias)


class FrozenOfTorch(nn.BatchNorm2d):
    def train(self, _mode=True):
        return super().train(False)


class InnerFunction(BareNorm):
    """Batch norm by the function inside :func:`torch.nn.functional.batch_norm`."""

    def forward(self, x):
        rest = (self.training, 0.1, 1e-5, False)
        return torch.batch_norm(x, self.weight, self.bias, self.mean, self.variance, *rest)


class ByHand(nn.Module):
    """Batch norm without a function of torch for it."""

    def __init__(self, width):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))
        self.register_buffer("running_mean", torch.zeros(width))
        self.register_buffer("running_var", torch.ones(width))

    def forward(self, x):
        mean, variance = self.running_mean, self.running_var
        if self.training:
            mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3))
            self.update(mean, variance)
        x = (x - mean[:, None, None]) / (variance[:, None, None] + 1e-5).sqrt()
        return x * self.weight[:, None, None] + self.bias[:, None, None]

    def update(self, mean, variance):
        self.running_mean = 0.9 * self.running_mean + 0.1 * mean
        self.running_var = 0.9 * self.running_var + 0.1 * variance


class ByHandOfParameters(ByHand):
    """Its running statistics are parameters that are not trained."""

    def __init__(self, width):
        super().__init__(width)
        for role in ("running_mean", "running_var"):
            setattr(self, role, nn.Parameter(self._buffers.pop(role), requires_grad=False))

    def update(self, mean, variance):
        self.running_mean.mul_(0.9).add_(0.1 * mean)
        self.running_var.mul_(0.9).add_(0.1 * variance)


class Product(Held):
    """Frozen batch norm as a product of matrices, in which it is not to be seen."""

    def forward(self, x):
        scale = self.weight * (self.running_var + self.eps).rsqrt()
        return torch.einsum("bchw,cd->bdhw", x - self.running_mean[:, None, None], scale.diag())


class Reversed(Held):
    """Subtracts in the other order, which turns the sign."""

    def forward(self, x):
        return (self.running_mean[:, None, None] - x) * -self.weight[:, None, None]


NAME = attrgetter("__name__")

FROZEN = {
    "torchvision": FrozenBatchNorm2d,
    "timm": lambda width: FrozenBatchNormAct2d(width, apply_act=False),
    "detectron": OfDetectron,
    "step by step": StepByStep,
    "function": FrozenFunction,
}
LIVE = {"function": BareNorm, "inner function": InnerFunction, "torch": nn.BatchNorm2d}


class Block(nn.Module):
    """A block as AZ-NAS has them."""

    def __init__(self, norm):
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(6, 6, 3, padding=1), norm

    def forward(self, x):
        return torch.relu(self.norm(self.convolution(x)))


def network(norm):
    """Return a network in float64 with two norms; its other parameters are always the same."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = nn.Sequential(nn.Conv2d(3, 6, 3), norm(6), nn.ReLU(), Block(norm(6)), head(6))
    return made.double()


def scores(norm, names):
    measured = measure(network(norm), noise(dtype=torch.float64), names, seed=1)
    return {name: m.reason or m.value for name, m in measured.items()}


@pytest.mark.parametrize("norm", [*FROZEN.values(), *LIVE.values(), ByHand, ByHandOfParameters], ids=NAME)
def test_synflow_takes_every_batch_norm_out(norm):
    taken_out = scores(lambda _: nn.Identity(), FLOW)
    assert scores(lambda width: untidy(norm(width)), FLOW) == pytest.approx(taken_out, rel=1e-12)


@pytest.mark.parametrize("norm", FROZEN.values(), ids=FROZEN)
def test_a_frozen_batch_norm_among_drawn_weights_changes_nothing(norm):
    without = scores(lambda _: nn.Identity(), DRAWN)
    assert scores(lambda width: untidy(norm(width)), DRAWN) == pytest.approx(without, rel=1e-12)


def test_a_frozen_batch_norm_of_torchs_own_class_is_frozen():
    assert scores(lambda width: untidy(FrozenOfTorch(width)), FLOW) == scores(lambda _: nn.Identity(), FLOW)


@pytest.mark.parametrize("norm", [BareNorm, InnerFunction])
def test_the_function_uses_the_batch_where_training_does(norm):
    names = BATCH + DRAWN
    of_torch = scores(lambda width: untidy(nn.BatchNorm2d(width)), names)
    assert not [value for value in of_torch.values() if isinstance(value, str)]
    assert scores(lambda width: untidy(norm(width)), names) == pytest.approx(of_torch, rel=1e-9)


@pytest.mark.parametrize("norm", FROZEN.values(), ids=FROZEN)
def test_a_frozen_batch_norm_keeps_its_statistics_in_training(norm):
    running = scores(lambda width: untidy(nn.BatchNorm2d(width)), ["snip_running", "fisher_running"])
    frozen = scores(lambda width: untidy(norm(width)), ["snip", "fisher"])
    assert list(frozen.values()) == pytest.approx(list(running.values()), rel=1e-9)


@pytest.mark.parametrize("norm", [Product, Reversed])
def test_a_form_that_is_not_known_is_a_reason(norm):
    for reason in scores(lambda width: untidy(norm(width)), FLOW + DRAWN).values():
        assert reason == (
            f"the batch norm '1' cannot be taken out: it is not known how {norm.__name__} computes it; make "
            "it a torch.nn.BatchNorm2d"
        )
    others = scores(lambda width: untidy(norm(width)), BATCH)
    assert not [value for value in others.values() if isinstance(value, str)]


class Reused(nn.Module):
    """Multiplies by the scale of a batch norm, outside of it."""

    def __init__(self, width):
        super().__init__()
        self.norm = FrozenBatchNorm2d(width)

    def forward(self, x):
        return self.norm(x) * self.norm.weight[:, None, None]


def test_only_inside_the_batch_norm_is_its_scale_left_out():
    assert scores(Reused, ["synflow"]) == {
        "synflow": "the flow is not finite: a parameter is not, or it exceeds float64 (1.8e308)"
    }


def test_a_batch_norm_is_not_blamed_for_what_came_before_it():
    made = network(FrozenBatchNorm2d)
    nn.init.constant_(made[0].bias, torch.nan)
    reason = measure(made, noise(dtype=torch.float64), ["synflow"])["synflow"].reason
    assert reason == "the flow is not finite: a parameter is not, or it exceeds float64 (1.8e308)"


@pytest.mark.parametrize("norm", [ByHand, ByHandOfParameters])
def test_batch_norm_by_hand_is_a_reason_where_the_batch_counts(norm):
    for reason in scores(norm, BATCH + DRAWN).values():
        assert reason == (
            "the module '1' changes its running statistics in training by code of its own, which cannot be "
            "told from the rest; make it a torch.nn.BatchNorm2d"
        )


class Untrainable(FrozenBatchNorm2d):
    def forward(self, x):
        if self.training:
            raise RuntimeError("there is no training")
        return super().forward(x)


def test_a_network_that_does_not_train_is_a_reason_where_the_batch_counts():
    for reason in scores(Untrainable, BATCH).values():
        assert reason == (
            "the network does not run in training, so that it is not known what a batch norm uses there: "
            "there is no training"
        )
    assert scores(Untrainable, FLOW) == scores(lambda _: nn.Identity(), FLOW)


class Table(nn.Module):
    """What is no batch norm, and does not run in training."""

    def __init__(self, width):
        super().__init__()
        self.register_buffer("table", torch.zeros(width))

    def forward(self, x):
        if self.training:
            raise RuntimeError("there is no training")
        return x + self.table[:, None, None]


def test_a_network_without_such_norms_need_not_train():
    assert scores(Table, BATCH) == scores(lambda _: nn.Identity(), BATCH)


class Loose(StepByStep):
    """Holds its statistics where torch does not look."""

    def __init__(self, width):
        super().__init__(width)
        for role in ("running_mean", "running_var"):
            statistic = self._buffers.pop(role)
            setattr(self, role, statistic.double())


def test_statistics_that_are_no_buffers_are_a_reason():
    for reason in scores(Loose, FLOW + DRAWN).values():
        assert reason == "the running statistics of the batch norm '1' are no buffers of it"


class Standardised(nn.Conv2d):
    """A convolution whose weights are standardised, as they are, by the function for batch norm."""

    def forward(self, x):
        return F.conv2d(x, self.standardised(), self.bias)

    def standardised(self):
        return F.batch_norm(self.weight, None, None, training=True)


class StandardisedByHand(Standardised):
    def standardised(self):
        centred = self.weight - self.weight.mean((0, 2, 3), keepdim=True)
        return centred / (centred.square().mean((0, 2, 3), keepdim=True) + 1e-5).sqrt()


def test_weights_stay_standardised():
    by_function = scores(lambda width: Standardised(width, width, 3), FLOW)
    by_hand = scores(lambda width: StandardisedByHand(width, width, 3), FLOW)
    assert by_function == pytest.approx(by_hand, rel=1e-9)


@pytest.mark.parametrize("norm", [*FROZEN.values(), *LIVE.values(), ByHand, Product], ids=NAME)
def test_the_network_stays_as_it_was(norm):
    made = network(lambda width: untidy(norm(width)))
    before, training = copy.deepcopy(made.state_dict()), made.training
    measure(made, noise(dtype=torch.float64), FLOW + DRAWN + BATCH)
    assert made.training == training
    assert all(torch.equal(value, before[name]) for name, value in made.state_dict().items())
