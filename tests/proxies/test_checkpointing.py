"""Activation checkpointing, which changes no score, however a network switches it on."""

from functools import partial

import pytest
import timm
import torch
import torchvision
from small_networks import noise, small
from torch import nn
from torch.distributed._composable import checkpoint as composable
from torch.utils import checkpoint as module
from torch.utils.checkpoint import checkpoint, checkpoint_sequential

from zsnas.proxies import measure
from zsnas.proxies._checkpointing import without_checkpointing


def outcomes(network, images=None):
    """Return value and reason of each proxy, equal exactly when the bits are."""
    measured = measure(network, images or noise())
    return {name: (m.value.hex(), m.reason) for name, m in measured.items()}


class Halves(nn.Module):
    """A network in two parts, each of which ``run`` runs on what the part before it returned."""

    def __init__(self, run=lambda part, x: part(x)):
        super().__init__()
        self.features, self.head = small()[:8], small()[8:]
        self.run = run

    def forward(self, x):
        return self.run(self.head, self.run(self.features, x))


@pytest.fixture(scope="module")
def plain():
    return outcomes(Halves())


def by_decorator(part, x):
    return checkpoint(use_reentrant=False)(part)(x)


def nested(part, x):
    return checkpoint(partial(checkpoint, part, use_reentrant=True), x, use_reentrant=False)


WAYS = {
    "reentrant": partial(checkpoint, use_reentrant=True),
    "not reentrant": partial(checkpoint, use_reentrant=False),
    "random state not kept": partial(checkpoint, use_reentrant=False, preserve_rng_state=False),
    "decorator": by_decorator,
    "nested": nested,
    "sequential": lambda part, x: checkpoint_sequential(part, 2, x, use_reentrant=False),
}


@pytest.mark.parametrize("run", WAYS.values(), ids=WAYS)
def test_checkpointed_parts_have_the_scores_of_all_proxies(run, plain):
    assert outcomes(Halves(run)) == plain


def test_so_has_a_network_whose_modules_are_checkpointed(plain):
    network = Halves()
    composable(network.features)
    assert outcomes(network) == plain


@pytest.mark.parametrize("name", ["test_resnet", "test_vit", "test_convnext"])
def test_so_has_a_network_of_timm(name):
    size = {"img_size": 64} if name == "test_vit" else {}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = timm.create_model(name, num_classes=3, **size)
    before = outcomes(network, noise(2, 64))
    network.set_grad_checkpointing(True)
    assert outcomes(network, noise(2, 64)) == before
    assert not all(reason for _, reason in before.values())


def test_so_has_a_network_of_torchvision():
    networks = []
    for efficient in (False, True):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            networks.append(
                torchvision.models.DenseNet(4, (2, 2), 8, num_classes=3, memory_efficient=efficient)
            )
    before, after = (outcomes(network, noise(2, 32)) for network in networks)
    assert after == before


NAMES = ("CheckpointFunction", "_checkpoint_hook")


@pytest.fixture
def torchs_own():
    return {name: vars(module)[name] for name in NAMES}


def test_torch_is_left_as_it_was(torchs_own):
    network = Halves(WAYS["reentrant"])
    measure(network, noise(), ["snip", "synflow"])
    assert {name: vars(module)[name] for name in NAMES} == torchs_own


def test_torch_is_left_as_it_was_when_something_stops_it(torchs_own):
    with pytest.raises(KeyboardInterrupt), without_checkpointing():
        raise KeyboardInterrupt
    assert {name: vars(module)[name] for name in NAMES} == torchs_own


def test_inside_one_another_the_outer_one_stays(torchs_own):
    with without_checkpointing():
        with without_checkpointing():
            pass
        assert vars(module)["CheckpointFunction"] is not torchs_own["CheckpointFunction"]
    assert {name: vars(module)[name] for name in NAMES} == torchs_own


@pytest.mark.parametrize("way", ["reentrant", "not reentrant"])
def test_a_torch_that_calls_other_things_gives_a_reason(way, monkeypatch):
    """Its checkpointing hides a part of the network, which is found out."""
    monkeypatch.setattr("zsnas.proxies._checkpointing._INSTEAD", {"not in torch": None})
    assert "a part of the network" in measure(Halves(WAYS[way]), noise(), ["snip"])["snip"].reason
