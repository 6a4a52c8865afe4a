import math
import re

import pytest
import scipy.fft
import torch
import torch.nn.functional as F

from zsnas.spaces import flexibert, space
from zsnas.spaces._flexibert_networks import DynamicConvolution, SelfAttention, Transform, cosine_transform
from zsnas.spaces.flexibert import Layer, Plan, as_trained, plan, write

BERTS, TRAINED = space("flexibert"), space("flexibert-trained")
TWO = "256:wma-h4-f1024.1024:dct-h2-f512"
TOKENS = torch.randint(0, 30_522, (3, 11), generator=torch.Generator().manual_seed(0))


def drawn(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_a_string_says_what_each_layer_is():
    layers = Layer("wma", 4, (1024, 1024)), Layer("dct", 2, (512,))
    assert plan(TWO) == Plan(256, layers)
    assert write(plan(TWO)) == TWO


@pytest.mark.mirror
def test_architectures_are_those_of_the_benchmark():
    assert len(set(BERTS.architectures)) == len(BERTS.architectures) == 491
    assert all(write(plan(arch)) == arch for arch in BERTS.architectures)
    assert BERTS.architectures[1].startswith("256:")
    assert BERTS.architectures[0] == (
        "256:wma-h4-f1024.1024.1024:dct-h2-f512.512.512:sdp-h4-f512.512.512:sdp-h4-f1024"
    )


@pytest.mark.mirror
def test_what_is_trained_is_fewer_networks_of_one_operation():
    assert len(set(TRAINED.architectures)) == len(TRAINED.architectures) == 301
    assert TRAINED.architectures[0] == (
        "256:sdp-h4-f1024.1024.1024:sdp-h2-f1024.512.512:sdp-h4-f1024.512.512:sdp-h4-f1024"
    )


# The operation falls away, and so does a width that is the only one: the first is four times the channels.
def test_what_training_makes_of_an_architecture():
    assert as_trained("128:dsc9-h4-f1024.1024:dft-h2-f1024") == "128:sdp-h4-f512.1024:sdp-h2-f512"
    assert as_trained(as_trained(TWO)) == as_trained(TWO)


@pytest.mark.parametrize(
    "arch",
    ["", "256", "256:", "0:sdp-h2-f9", "256:sdp-h3-f9", "256:max-h2-f9", "256:sdp-h2-f", "250:dsc5-h1-f9"],
)
def test_a_malformed_string_is_refused(arch):
    with pytest.raises(ValueError, match=re.escape(f"{arch!r} is not an architecture")):
        BERTS.build(arch, 2, 0)


# By hand, of c channels: tables of 30,522 words, 512 places and 2 segments with 128 numbers each, and a norm;
# a feed-forward part of one width w has 2 c w + w + c and a norm of 2 c; the classifier 2 c + 2.
def around(c, w):
    tables = (30_522 + 512 + 2) * 128 + 2 * 128
    return tables + (2 * c * w + w + c + 2 * c) + (2 * c + 2)


C = 128
PROJECTED = C * C + C + 2 * C  # a linear layer, and a norm
HALF = C * C // 2 + C // 2  # a linear layer to half of the channels
CONVOLVED = 5 * HALF + PROJECTED
OPERATIONS = {
    "sdp-h2": 3 * (C * C + C) + PROJECTED,
    "wma-h4": 3 * (C * C + C) + C * C + PROJECTED,
    "dft-h2": C * C + C,
    "dct-h4": C * C + C,
    "dsc5-h2": CONVOLVED + 5 * C + (C // 2 * 5 + 5),
    "dsc9-h4": CONVOLVED + 9 * C + (C // 2 * 18 + 18),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_parameters_by_hand(operation):
    found = BERTS.counts(f"128:{operation}-f512", 2, 128)
    assert found.params == around(C, 512) + OPERATIONS[operation]


# n tokens: linear layers multiply their weights n times, attention 2 c n² in all; the classifier reads one.
def test_macs_by_hand():
    n, c = 16, 256
    widened = 128 * c * n
    attention = 4 * c * c * n + 2 * c * n * n
    wide, narrow = (2 * c * 1024 + 1024**2) * n, 2 * c * 512 * n
    expected = widened + attention + wide + c * c * n + narrow + c * 2
    assert BERTS.counts("256:sdp-h4-f1024.1024:dft-h2-f512", 2, n).macs == expected


# From BERT_results_activation.csv beside the benchmark, rows 0 to 3, "Number of Parameters". They are of
# networks with 256 channels and widths of 1,024, and have no classifier.
@pytest.mark.mirror
def test_published_parameters_are_those_of_wide_networks():
    found = []
    for record in flexibert.records()[:4]:
        layers = flexibert.described(record).layers
        wide = Plan(256, tuple(layer._replace(widths=(1024,) * len(layer.widths)) for layer in layers))
        found.append(BERTS.counts(write(wide), 2, 128).params - (2 * 256 + 2))
    assert found == [13_330_176, 11_106_199, 8_840_082, 5_526_167]


def test_attention_is_that_of_torch():
    for weighted in (False, True):
        torch.manual_seed(0)
        layer, x = SelfAttention(8, 2, weighted=weighted).double(), drawn(3, 5, 8)
        parts = (layer.weight(layer.query(x)), layer.key(x), layer.value(x))
        heads = (part.view(3, 5, 2, 4).transpose(1, 2) for part in parts)
        expected = F.scaled_dot_product_attention(*heads).transpose(1, 2).reshape(3, 5, 8)
        assert torch.allclose(layer(x), expected)


def test_a_cosine_transform_is_that_of_scipy():
    x = drawn(4, 7)
    assert cosine_transform(x).numpy() == pytest.approx(scipy.fft.dct(x.numpy()))


@pytest.mark.parametrize("kind", ["dft", "dct"])
def test_a_transform_runs_along_tokens_and_the_channels_of_a_head(kind):
    layer, x = Transform(6, 2, kind).double(), drawn(1, 4, 6)
    second_head = layer.input(x)[0, :, 3:].detach().numpy()
    both = scipy.fft.fft2(second_head).real if kind == "dft" else scipy.fft.dctn(second_head)
    assert layer(x)[0, :, 3:].detach().numpy() == pytest.approx(both)


def test_each_token_has_a_kernel_of_its_own():
    torch.manual_seed(0)
    layer, x = DynamicConvolution(8, 4, 3).double(), drawn(1, 5, 8)
    out = layer(x)[0, :, 4:]  # the second half of the channels is the convolution's
    query, values = layer.query(x)[0], layer.convolved(x)[0]
    around = layer.pointwise(layer.depthwise(x.transpose(1, 2))).transpose(1, 2)[0]
    for token in range(5):
        logits = layer.kernels(around[token] * query[token]).view(2, 3)
        for head in range(2):
            kernel = logits[head].softmax(0)
            taken = slice(2 * head, 2 * head + 2)
            expected = sum(
                kernel[k] * values[token + k - 1, taken] for k in range(3) if 0 <= token + k - 1 < 5
            )
            assert torch.allclose(out[token, taken], expected)


def test_weights_follow_the_seed():
    first, again, other = (BERTS.build(TWO, 2, seed).tokens.weight for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.std().item() == pytest.approx(0.02, rel=0.01)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_first_token_is_classified(operation):
    network = BERTS.build(f"128:{operation}-f512", 3, 0)
    logits = network(TOKENS)
    assert logits.shape == (3, 3)
    changed = TOKENS.clone()
    changed[:, 3] += 1  # near enough for a convolution to see it
    assert not torch.equal(network(changed), logits)
    assert math.isfinite(logits.sum().item())
