"""DSS, and how it tells the weights of attention from others."""

import copy

import pytest
import timm
import torch
import torchvision
import zoo
from small_networks import batch, linear, noise, small
from torch import nn

from zsnas.proxies import Passes, measure
from zsnas.proxies._attention import roles


class Attention(nn.Module):
    """One head of attention over the rows of an image, each projection by itself."""

    def __init__(self, query, key, value, out, head):
        super().__init__()
        self.q, self.k, self.v, self.o, self.f = map(linear, (query, key, value, out, head))

    def forward(self, x):
        tokens = x.flatten(1, 2)
        scores = self.q(tokens) @ self.k(tokens).transpose(1, 2)
        return self.f(self.o(scores.softmax(-1) @ self.v(tokens)).mean(1))


def dss(model, images):
    return measure(model, batch(images, [0] * len(images)), ["dss"])["dss"]


def test_by_hand():
    # Two tokens (1, 1): all weights of the softmax are 1/2, and what passes is v = 2·1 + 3·1 = 5, o·v = 20,
    # and R = f·20 = 140. Nothing depends on queries and keys. Gradients: of v, the column of f·o = 28 beside
    # both inputs, (28, 28), of o f·v = 35, of f 20. A matrix of one row has one singular value, its length;
    # q = (1, 0), k = (0, 1), v = (2, 3) are one matrix. Its singular values are the roots of the
    # eigenvalues 1 and 14 of A^T A = (1 + 4, 6; 6, 1 + 9); the gradient has the one of (28, 28).
    model = Attention([[1, 0]], [[0, -1]], [[2, -3]], [[-4]], [[7]])
    diversity = (1 + 14**0.5) * 28 * 2**0.5 + 4 * 35
    found = dss(model, torch.zeros(1, 1, 2, 2).double())
    assert found.value == pytest.approx(diversity + 7 * 20)


class Minus(nn.Module):
    """Turns the sign of what a network returns, and so of every gradient."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return -self.network(x)


def test_the_sign_of_the_gradients_does_not_matter():
    model = Attention([[1, 0]], [[0, -1]], [[2, -3]], [[-4]], [[7]])
    image = torch.zeros(1, 1, 2, 2).double()
    assert dss(Minus(model), image).value == pytest.approx(dss(model, image).value)


def test_by_hand_without_attention():
    assert dss(nn.Sequential(nn.Flatten(), linear([[1, 2]])), torch.zeros(1, 1, 1, 2)).reason == (
        "the network has no attention: no product of values with a softmax of products"
    )
    assert measure(small(), noise(), ["dss"])["dss"].reason.startswith("the network has no attention")


def test_images_and_labels_do_not_matter():
    model = zoo.network("attention")
    first, other = zoo.images(), zoo.images()
    other.images.mul_(3)
    values = {measure(model, images, ["dss"])["dss"].value for images in (first, other)}
    assert len(values) == 1


@pytest.mark.parametrize("name", ["attention", "attention, positions first"])
def test_a_network_by_hand_scores_as_the_module_of_torch(name):
    images = zoo.images()
    ours, twin = (measure(network(name), images, ["dss"])["dss"].value for network in (zoo.network, zoo.twin))
    assert ours == pytest.approx(twin)


class Split(nn.Module):
    """The network of :func:`zoo.attention_by_hand` with three matrices in place of one."""

    def __init__(self, whole):
        super().__init__()
        self.p, self.o, self.f = whole.p, whole.o, whole.f
        self.parts = nn.ModuleList(nn.Linear(8, 8) for _ in range(3)).double()
        with torch.no_grad():
            for part, weight, bias in zip(
                self.parts, whole.i.weight.chunk(3), whole.i.bias.chunk(3), strict=True
            ):
                part.weight.copy_(weight)
                part.bias.copy_(bias)

    def forward(self, x):
        tokens = self.p(x).flatten(2).transpose(1, 2)
        q, k, v = (part(tokens).unflatten(2, (2, 4)).transpose(1, 2) for part in self.parts)
        mixed = nn.functional.scaled_dot_product_attention(q, k, v)
        return self.f(self.o(mixed.transpose(1, 2).flatten(2)).mean(1))


def test_three_matrices_score_as_one():
    whole = zoo.twin("attention")
    one, three = (measure(net, zoo.images(), ["dss"])["dss"].value for net in (whole, Split(whole)))
    assert three == pytest.approx(one)


class Talking(nn.Module):
    """The network of :func:`zoo.attention_by_hand`, whose heads talk before and behind the softmax."""

    def __init__(self, whole, before, behind):
        super().__init__()
        self.p, self.i, self.o, self.f = whole.p, whole.i, whole.o, whole.f
        self.before, self.behind = before, behind

    def forward(self, x):
        tokens = self.p(x).flatten(2).transpose(1, 2)
        q, k, v = (t.unflatten(2, (2, 4)).transpose(1, 2) for t in self.i(tokens).chunk(3, 2))
        scores = self.before((q @ k.transpose(2, 3) / 2).movedim(1, -1)).movedim(-1, 1)
        weights = self.behind(scores.softmax(3).movedim(1, -1)).movedim(-1, 1)
        return self.f(self.o((weights @ v).transpose(1, 2).flatten(2)).mean(1))


def test_layers_that_mix_heads_are_others():
    """Here they change nothing. The flow of ones makes all scores of a head alike, and no gradient passes."""
    whole, one = zoo.twin("attention"), [[1, 0], [0, 1]]
    talking = Talking(whole, linear(one), linear(one))
    plain, found = (measure(net, zoo.images(), ["dss"])["dss"].value for net in (whole, talking))
    with torch.no_grad():
        for parameter in talking.parameters():
            parameter.abs_()
    talking(torch.ones_like(zoo.images().images[:1])).sum().backward()
    saliency = [(w.weight * w.weight.grad).abs().sum().item() for w in (talking.before, talking.behind)]
    assert found == pytest.approx(plain + sum(saliency))
    assert saliency[1] > 0.01 * found


def test_heads_of_cait_talk():
    attention, others = named(timm.create_model("cait_xxs24_224", depth=1, img_size=32, num_classes=3), 32)
    of_tokens = [name for group in attention for name in group if name.startswith("blocks.")]
    assert of_tokens == ["blocks.0.attn.qkv.weight", "blocks.0.attn.proj.weight"]
    assert {"blocks.0.attn.proj_l.weight", "blocks.0.attn.proj_w.weight"} < set(others)


def named(model, side):
    """Return the names of the projections of attention, together where they are one matrix, and of others."""
    passes = Passes(model, zoo.images(side=side, size=1))
    names = {id(weight): name for name, weight in passes.model.named_parameters()}
    found = roles(passes)
    return [[names[key] for key in group] for group in found.attention], [names[key] for key in found.others]


def test_projections_of_timm_are_found():
    attention, others = named(timm.create_model("test_vit", img_size=64, num_classes=3).double(), 64)
    assert all(len(group) == 1 and ".attn." in group[0] for group in attention)
    assert {name.split(".")[-2] for name in others} == {"fc1", "fc2", "head"}
    assert len(attention) == len([name for name in others if "fc" in name])  # two of each in a block


def test_projections_of_torchvision_are_found():
    model = torchvision.models.vision_transformer.VisionTransformer(32, 8, 2, 2, 16, 16, num_classes=3)
    attention, others = named(model.double(), 32)
    assert [name.rpartition("self_attention.")[2] for [name] in attention] == [
        "in_proj_weight",
        "out_proj.weight",
    ] * 2
    # The MLPs do not expand, and their square matrices are no attention.
    assert [name.rpartition(".")[0].split(".")[-1] for name in others] == ["0", "3", "0", "3", "head"]


class Multiplied(nn.Module):
    """Queries, keys and values that are put together in other ways."""

    def __init__(self, mix):
        super().__init__()
        self.mix = mix
        self.q, self.k, self.v, self.f = (nn.Linear(3, 3).double() for _ in range(4))

    def forward(self, x):
        tokens = x.flatten(2).transpose(1, 2)
        return self.f(self.mix(self, tokens).mean(1))


def linear_attention(net, x):
    return net.q(x) @ (net.k(x).transpose(1, 2) @ net.v(x))


def after_attention(net, x):
    mixed = (net.q(x) @ net.k(x).transpose(1, 2)).softmax(-1) @ net.v(x)
    return linear_attention(net, mixed)


def gated(net, x):
    return net.q(x).transpose(1, 2).softmax(-1) @ net.v(x)


def of_two(net, x):
    scores = (net.q(x) + net.k(x)) @ x.transpose(1, 2)
    return scores.softmax(-1) @ net.v(x)


def behind_attention(net, x):
    mixed = (net.q(x) @ net.k(x).transpose(1, 2)).softmax(-1) @ x
    return torch.tensordot(mixed, net.v.weight, dims=([2], [1]))


@pytest.mark.parametrize(
    ("mix", "reason"),
    [
        (linear_attention, "the network has no attention"),
        (after_attention, "multiplies activations with one another in another way than attention"),
        (gated, "a softmax that is not of products of queries and keys"),
        (of_two, "come from several layers each"),
        (behind_attention, "'v.weight' is used in an operation whose outputs are not seen"),
    ],
)
def test_what_is_not_understood_has_no_score(mix, reason):
    assert reason in measure(Multiplied(mix), zoo.images(), ["dss"])["dss"].reason


def test_a_flow_that_is_not_finite_has_no_score():
    model = copy.deepcopy(zoo.network("attention"))
    nn.init.constant_(model.f.weight, 1e308)
    nn.init.constant_(model.p.weight, 1e10)
    assert measure(model, zoo.images(), ["dss"])["dss"].reason.startswith("the flow is not finite")
