"""What every registered proxy promises, whatever it computes."""

import copy
import math
import random

import numpy as np
import pytest
import torch
from small_networks import noise, small
from torch import nn

from zsnas.proxies import list_proxies, measure
from zsnas.spaces import space

CELL = "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"
NETWORKS = {"small": small, "nb201": lambda: space("nb201").build(CELL, 3, seed=0)}


@pytest.fixture(params=NETWORKS)
def network(request):
    return NETWORKS[request.param]()


@pytest.fixture(scope="module")
def together():
    """Return what all proxies measure when they share their passes."""
    return {name: outcomes(build(), None) for name, build in NETWORKS.items()}


def outcomes(model, proxies, seed=0):
    """Return value and reason of each proxy, equal exactly when the bits are."""
    measured = measure(model, noise(), proxies, seed)
    return {name: (float(m.value).hex(), m.reason) for name, m in measured.items()}


def state(model):
    """Return all that belongs to a model, and the random states of the process."""
    tensors = {name: value.clone() for name, value in model.state_dict(keep_vars=False).items()}
    flags = [(p.requires_grad, p.grad, p.is_contiguous(), p.data_ptr()) for p in model.parameters()]
    modules = [(m.training, getattr(m, "inplace", None), list(m._forward_hooks)) for m in model.modules()]
    methods = [sorted(vars(m)) for m in model.modules()]
    return tensors, [flags, modules, methods, random.getstate()], torch.get_rng_state(), np.random.get_state()  # noqa: NPY002


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", list_proxies())
def test_the_model_and_the_random_states_stay_as_they_were(name, training):
    model = small().train(training)
    model[0].weight.requires_grad_(False)
    model[1].register_forward_hook(lambda _module, _inputs, output: output)
    before = state(model)
    measure(model, noise(), [name])
    after = state(model)
    assert before[0].keys() == after[0].keys()
    assert all(torch.equal(before[0][key], after[0][key]) for key in before[0])
    assert before[1] == after[1]
    assert torch.equal(before[2], after[2])
    assert all(np.array_equal(a, b) for a, b in zip(before[3], after[3], strict=True))


class Remembering(nn.Module):
    """Overwrites what it kept of the call before, an activation with its graph."""

    def __init__(self):
        super().__init__()
        self.layer, self.kept = nn.Linear(2, 3), None

    def forward(self, x):
        if self.kept is not None:
            self.kept.detach().zero_()
        self.kept = self.layer(x.flatten(1)[:, :2])
        return self.kept


def test_an_activation_that_the_model_kept_stays_as_it_was():
    model = Remembering()
    kept = model(noise().images)
    before = kept.detach().clone()
    measure(model, noise(), ["snip"])
    assert model.kept is kept
    assert torch.equal(kept, before)


@pytest.mark.parametrize("name", list_proxies())
def test_the_batch_stays_as_it_was(name):
    batch = noise()
    measure(small(), batch, [name])
    assert torch.equal(batch.images, noise().images)
    assert torch.equal(batch.labels, noise().labels)
    assert not batch.images.requires_grad


@pytest.mark.parametrize("name", list_proxies())
def test_alone_as_together_and_once_more(name, network, together, request):
    """The bits do not depend on what was measured before, in this call or in others."""
    expected = together[request.node.callspec.params["network"]][name]
    torch.manual_seed(1234)
    assert outcomes(network, [name])[name] == expected


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_does_not_matter(order, together):
    assert outcomes(small(), list_proxies()[::order]) == together["small"]


@pytest.mark.parametrize("name", list_proxies())
def test_frozen_parameters_and_mode_do_not_matter(name, together):
    frozen = small().requires_grad_(False).eval()
    assert outcomes(frozen, [name])[name] == together["small"][name]


def test_the_seed_decides_what_is_drawn():
    first, other = (outcomes(small(), ["zen_score"], seed) for seed in (0, 1))
    assert first != other


def not_finite():
    model = small()
    nn.init.constant_(model[-1].bias, math.inf)
    return model


AWKWARD = {
    "no layer": lambda: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    "no activation": lambda: nn.Sequential(nn.Flatten(), nn.Linear(192, 3)),
    "no logits": lambda: nn.Conv2d(3, 3, 1),
    "wrong size": lambda: nn.Sequential(nn.Flatten(), nn.Linear(7, 3)),
    "not finite": not_finite,
    "zero": lambda: nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2), Times(0), *small()[-3:-1]),
    "infinite slope": lambda: nn.Sequential(nn.Conv2d(3, 3, 1), Times(1e38), Root(), *small()[-3:-1]),
}


class Times(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return self.factor * x


class Root(nn.Module):
    def forward(self, x):
        return (x - x).sqrt() + x * 1e-38


@pytest.mark.parametrize("build", AWKWARD.values(), ids=AWKWARD)
def test_a_score_is_finite_or_has_a_reason(build):
    for name, measured in measure(build(), noise(), list_proxies()).items():
        assert math.isfinite(measured.value) == (measured.reason is None), name
        assert math.isfinite(measured.value) or math.isnan(measured.value), name
        assert measured.reason is None or len(measured.reason) > 10, name


def test_networks_that_share_nothing_do_not_influence_each_other():
    model = small()
    other = copy.deepcopy(model)
    first = outcomes(model, None)
    outcomes(small(seed=9), None)
    assert outcomes(other, None) == first
