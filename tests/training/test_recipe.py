"""Training a stack is training each of its networks alone."""

from dataclasses import asdict

import pytest
import torch
from torch import nn

from zsnas.batches import digits
from zsnas.spaces import space
from zsnas.training import Examples, Recipe, Stack, cells, examples, train

DIGITS = space("nb201-digits")
SHORT = Recipe(epochs=2, batch_size=16)


class Alone(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, images):
        return self.network(images)[None]


def few(part, count):
    return Examples(part.images[:count], part.labels[:count])


@pytest.mark.usefixtures("in_float64")
def test_networks_of_a_stack_learn_what_they_learn_alone():
    archs, seed = cells()[:6], 3
    networks = [DIGITS.build(arch, 10, seed) for arch in archs]
    stack = Stack(archs, networks)
    training, test = (few(part, count) for part, count in zip(examples(), (48, 300), strict=True))

    together = train(stack, training, test, recipe=SHORT, seed=seed)
    alone = [train(Alone(network), training, test, recipe=SHORT, seed=seed) for network in networks]

    for kind in ("train_correct", "test_correct"):
        assert getattr(together, kind).tolist() == [getattr(curves, kind)[0].tolist() for curves in alone]
    with torch.no_grad():
        logits = stack.eval()(test.images)
        expected = torch.stack([network.eval()(test.images) for network in networks])
    torch.testing.assert_close(logits, expected, rtol=1e-7, atol=1e-8)


def test_steps_are_those_of_sgd_with_nesterovs_momentum_and_decay():
    """By the definition, a batch an epoch: g ← g + 0.01 w, v ← 0.9 v + g and w ← w - rate (g + 0.9 v)."""
    recipe = Recipe(epochs=2, batch_size=8, learning_rate=0.5, momentum=0.9, weight_decay=0.01)
    training, test = (few(part, 8) for part in examples())
    model = Alone(nn.Sequential(nn.Flatten(), nn.Linear(192, 10, bias=False)))
    weight = model.network[1].weight.detach().clone()
    velocity = torch.zeros_like(weight)
    for rate in (0.5, 0.25):  # a cosine: all, then half
        logits = training.images.flatten(1) @ weight.T
        error = logits.softmax(1) - nn.functional.one_hot(training.labels, 10)
        gradient = error.T @ training.images.flatten(1) / 8 + 0.01 * weight
        velocity = 0.9 * velocity + gradient
        weight = weight - rate * (gradient + 0.9 * velocity)

    train(model, training, test, recipe=recipe, seed=0)

    torch.testing.assert_close(model.network[1].weight.detach(), weight)


def test_what_is_counted_are_images_that_are_right():
    model = Alone(nn.Sequential(nn.Flatten(), nn.Linear(192, 10)))
    nn.init.zeros_(model.network[1].weight)
    nn.init.zeros_(model.network[1].bias)
    model.network[1].bias.data[7] = 1  # says seven to everything
    model.requires_grad_(False)
    curves = train(Gradientless(model), *examples(), recipe=SHORT, seed=0)
    sevens = [int((part.labels == 7).sum()) for part in (digits.training(), digits.test())]
    assert curves.train_correct.tolist() == [[sevens[0]] * 2]
    assert curves.test_correct.tolist() == [[sevens[1]] * 2]


class Gradientless(nn.Module):
    """A model that never changes, with a weight that does nothing."""

    def __init__(self, model):
        super().__init__()
        self.model, self.idle = model, nn.Parameter(torch.zeros(1))

    def forward(self, images):
        return self.model(images) + 0 * self.idle


def test_the_seed_orders_the_images():
    def learned(seed):
        network = DIGITS.build(cells()[0], 10, 0)
        training, test = (few(part, 64) for part in examples())
        train(Alone(network), training, test, recipe=SHORT, seed=seed)
        return network.classifier.weight

    assert torch.equal(learned(0), learned(0))
    assert not torch.equal(learned(0), learned(1))


def test_the_recipe_of_the_benchmark():
    assert asdict(Recipe()) == {
        "epochs": 10,
        "batch_size": 32,
        "learning_rate": 0.1,
        "momentum": 0.9,
        "weight_decay": 5e-4,
    }
