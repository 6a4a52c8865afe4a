"""AZ-NAS of transformers: the features of `zsnas.proxies._tokens`."""

from math import log, sqrt

import numpy as np
import pytest
import timm
import torch
import torchvision
from small_blocks import Block
from small_networks import batch, linear, noise
from torch import nn

from zsnas.proxies import Passes, measure
from zsnas.proxies._tokens import feature_probe

PARTS = ["az_expressivity", "az_progressivity", "az_trainability"]
IMAGES = batch(torch.zeros(2, 2, 3, 5).double(), [0, 1])  # two images, to become 15 tokens of two channels


class Residual(nn.Module):
    """Embeds each pixel as it is, and adds to the tokens what each function makes of them."""

    def __init__(self, *functions):
        super().__init__()
        self.embed = linear([[1, 0], [0, 1]])
        self.functions = functions

    def forward(self, x):
        tokens = self.embed(x.flatten(2).transpose(1, 2))
        for function in self.functions:
            tokens = self.add(tokens, function(tokens))
        return tokens.mean(1)

    def add(self, tokens, change):
        return tokens + change


class InPlace(Residual):
    def add(self, tokens, change):
        tokens += change
        return tokens


class PositionsFirst(Residual):
    def forward(self, x):
        tokens = self.embed(x.flatten(2).permute(2, 0, 1))
        for function in self.functions:
            tokens = tokens + function(tokens)
        return tokens.mean(0)


def times(factor):
    return lambda tokens: factor * tokens


def scores(*functions, kind=Residual, images=IMAGES):
    return measure(kind(*functions), images, PARTS, seed=3)


def entropy(tokens):
    """Of two channels: the eigenvalues of a 2 × 2 matrix from its trace and determinant."""
    (a, b), (_, d) = np.cov(tokens.movedim(1, 0).flatten(1), bias=True)
    root = sqrt((a + d) ** 2 / 4 - (a * d - b * b))
    shares = [1 / 2 + root / (a + d), 1 / 2 - root / (a + d)]
    return -sum(p * log(p + 1e-8) for p in shares)


def test_by_hand():
    # Each sum stretches the noise, by 1 + 2, 1 + 1 and 1 - 3, which does not change its entropy.
    drawn = torch.randn(2, 2, 3, 5, generator=torch.Generator().manual_seed(3)).double()
    found = scores(times(2), times(1), times(-3))
    assert found["az_expressivity"].value == pytest.approx(3 * entropy(drawn))
    # A gradient of signs g leaves the second and third sum as 2·g and -2·g. The mean of g g^T over thirty
    # tokens is (1, m; m, 1) with a mean product m of the signs: the largest singular value is 2·(1 + |m|).
    signs = signs_of(2)
    stretch = [2 * (1 + abs((g[..., 0] * g[..., 1]).mean().item())) for g in signs]
    expected = sum(2 - sigma - 1 / (sigma + 1e-6) for sigma in stretch) / 2
    assert found["az_trainability"].value == pytest.approx(expected)


@pytest.mark.parametrize("size", [2, 3])
def test_positions_may_come_before_images(size):
    """As they do by default in torch's own layers of transformers."""
    images = batch(torch.zeros(size, 2, 3, 5).double(), [0] * size)
    parts = PARTS[::2]
    first, last = (
        {name: scores(times(2), times(-3), kind=kind, images=images)[name].value for name in parts}
        for kind in (PositionsFirst, Residual)
    )
    assert first == pytest.approx(last)


def signs_of(times):
    """Return the signs that follow the noise, (2 images, 15 tokens, 2 channels), by bits of random bytes."""
    generator = torch.Generator().manual_seed(3)
    torch.randn(2, 2, 3, 5, generator=generator)
    for _ in range(times):
        drawn = torch.randint(0, 256, (8,), generator=generator).tolist()
        bits = [byte // 2**place % 2 for byte in drawn for place in range(8)][:60]
        yield torch.tensor(bits).view(2, 15, 2) * 2.0 - 1


def test_there_is_no_progressivity():
    assert scores(times(1), times(2))["az_progressivity"].reason == (
        "AZ-NAS has no progressivity for transformers"
    )


def test_what_returns_signs_unchanged_is_left_out():
    three, two = scores(times(1), times(0), times(2)), scores(times(1), times(2))
    assert three["az_expressivity"].value == pytest.approx(1.5 * two["az_expressivity"].value)
    stretch = [2 - s - 1 / (s + 1e-6) for s in gains(times(1), times(0), times(2))]
    assert len(stretch) == 1
    assert three["az_trainability"].value == pytest.approx(stretch[0])
    assert scores(times(1), times(0))["az_trainability"].reason == (
        "no gradient changes on its way from one residual sum of the tokens to the last"
    )


def gains(*functions, kind=Residual):
    return feature_probe(Passes(kind(*functions), IMAGES, seed=3)).gains


class Halving(Residual):
    def add(self, tokens, change):
        return (tokens + change)[:, : max(1, tokens.shape[1] // 2)]


def test_a_sum_behind_a_pooling_of_tokens_has_features_and_no_gain():
    probe = feature_probe(Passes(Halving(times(1), times(2), times(3)), IMAGES))
    assert len(probe.entropies) == 3
    assert probe.gains == []


def test_weights_are_as_they_are():
    """The embedding is not redrawn: without one of two channels, tokens have one direction."""
    network = Residual(times(1), times(2))
    network.embed.weight.data[1] = network.embed.weight.data[0]
    assert measure(network, IMAGES, PARTS)["az_expressivity"].reason.startswith(
        "the residual sum 1 of the tokens varies in fewer directions than it has channels"
    )


def test_a_change_in_place_has_no_score():
    assert scores(times(1), times(2), kind=InPlace)["az_trainability"].reason == (
        "the network adds to its tokens in place; let it write x = x + y"
    )


def test_a_sum_of_what_does_not_come_from_one_another_is_no_feature():
    class Positions(Residual):
        def forward(self, x):
            tokens = self.embed(x.flatten(2).transpose(1, 2))
            return self.rest(tokens + self.embed(torch.ones_like(tokens)))

        def rest(self, tokens):
            for function in self.functions:
                tokens = self.add(tokens, function(tokens))
            return tokens.mean(1)

    assert len(feature_probe(Passes(Positions(times(1), times(2)), IMAGES)).entropies) == 2


class Mixed(nn.Module):
    """Blocks of feature maps that work on tokens inside."""

    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(*(Inner() for _ in range(2)))

    def forward(self, x):
        return self.blocks(x).mean((2, 3))


class Inner(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = nn.Linear(2, 2).double()

    def forward(self, x):
        flat = x.flatten(2).transpose(1, 2)
        flat = self.tokens(flat)
        for factor in (0.5, 0.7):
            flat = flat + torch.tanh(factor * flat)
        return flat.transpose(1, 2).view(x.shape)


def test_tokens_inside_of_blocks_of_feature_maps_are_no_features():
    probe = feature_probe(Passes(Mixed(), IMAGES))
    assert not probe.of_tokens
    assert len(probe.entropies) == 1 + 2


VISION = {
    "timm": (lambda: timm.create_model("test_vit", img_size=64, num_classes=3), 64, 6),
    "torchvision": (
        lambda: torchvision.models.vision_transformer.VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=3),
        32,
        2,
    ),
}


@pytest.mark.parametrize("name", VISION)
def test_a_transformer_has_two_features_for_each_block(name):
    make, side, blocks = VISION[name]
    found = feature_probe(Passes(make(), noise(8, side)))
    assert found.of_tokens
    assert len(found.entropies) == 2 * blocks
    assert len(found.gains) == 2 * blocks - 1


def test_a_network_of_feature_maps_keeps_its_blocks():
    network = nn.Sequential(Block(nn.Conv2d(3, 3, 1)), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert not feature_probe(Passes(network, noise())).of_tokens


def test_features_with_their_channels_last_are_not_read_wrongly():
    swin = torchvision.models.swin_transformer.SwinTransformer(
        [4, 4], 8, [1, 1], [2, 2], [2, 2], num_classes=3
    )
    for part in PARTS:
        assert measure(swin, noise(side=32), [part])[part].reason == (
            "the features of a block have their channels last, not after the images"
        )


def test_a_transformer_stays_as_it_was_and_scores_the_same_again():
    network = VISION["timm"][0]().train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    first, again = (measure(network, noise(8, 64), [*PARTS, "dss"], seed=4) for _ in range(2))
    assert {name: m.value.hex() for name, m in first.items()} == {n: m.value.hex() for n, m in again.items()}
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert all(p.requires_grad and p.grad is None for p in network.parameters())
    assert all(module.training and not module._forward_hooks for module in network.modules())
