"""Networks and batches that proxies were not made for: each gets a value, or NaN with a reason in words."""

import copy
import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_networks import noise, small
from torch import nn

from zsnas.batches import Batch
from zsnas.proxies import list_proxies, measure

ALL = list_proxies()


class Wrapped(nn.Module):
    """A network whose output is wrapped, as by models that return more than their logits."""

    def __init__(self, body, wrap=lambda logits: logits):
        super().__init__()
        self.body, self.wrap = body, wrap

    def forward(self, x):
        return self.wrap(self.body(x))


OUTPUTS = {
    "logits": lambda logits: logits,
    "tuple": lambda logits: (logits[:, 0], logits),
    "dict": lambda logits: {"out": logits},
    "nothing first": lambda logits: {"loss": None, "out": [logits]},
}
ACTIVATIONS = {
    "ReLU": nn.ReLU,
    "ReLU in place": lambda: nn.ReLU(inplace=True),
    "leaky": nn.LeakyReLU,
    "GELU": nn.GELU,
    "none": nn.Identity,
}


def drawn(make, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return make()


def body(features):
    """Return a network of two stages with these features, weights drawn from a seed."""
    if not features["layers"]:
        return nn.Sequential(ACTIVATIONS[features["activation"]](), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    first, second = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1)
    if features["tied"] == "weight":
        second.weight = first.weight
    layers = [first, first if features["tied"] == "module" else second]
    norm = nn.BatchNorm2d if features["batch norm"] else lambda _: nn.Identity()
    stages = [
        module
        for layer in layers
        for module in (layer, norm(3), ACTIVATIONS[features["activation"]](), nn.Dropout(features["dropout"]))
    ]
    if features["poison"] is not None:
        first.weight.data[0, 0, 0, 0] = features["poison"]
    first.requires_grad_(not features["frozen"])
    return nn.Sequential(*stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, features["classes"]))


FEATURES = st.fixed_dictionaries(
    {
        "layers": st.sampled_from([True, True, True, False]),
        "batch norm": st.booleans(),
        "activation": st.sampled_from(sorted(ACTIVATIONS)),
        "dropout": st.sampled_from([0.0, 0.5]),
        "tied": st.sampled_from(["no", "weight", "module"]),
        "frozen": st.booleans(),
        "poison": st.sampled_from([None, None, None, math.inf, math.nan, 0.0]),
        "classes": st.sampled_from([3, 3, 2]),
        "output": st.sampled_from(sorted(OUTPUTS)),
        "dtype": st.sampled_from([torch.float32, torch.float64, torch.float16, torch.bfloat16]),
        "images": st.sampled_from([1, 2, 4]),
        "side": st.sampled_from([1, 6]),
    }
)


def built(features):
    network = Wrapped(drawn(lambda: body(features)), OUTPUTS[features["output"]]).to(features["dtype"])
    return network, noise(features["images"], features["side"])


def outcomes(network, batch, names=ALL, **settings):
    """Return value and reason of each proxy, equal exactly when the bits are."""
    measured = measure(network, batch, names, **settings)
    return {name: (m.value.hex(), m.reason) for name, m in measured.items()}


def bits(network):
    return {name: (value.dtype, value.numpy(force=True).tobytes()) for name, value in state(network).items()}


def state(network):
    tensors = network.state_dict().items()
    return {name: t.view(torch.int16) if t.dtype == torch.bfloat16 else t for name, t in tensors}


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(FEATURES)
def test_every_proxy_has_a_value_or_a_reason_in_words(features):
    network, batch = built(features)
    before = bits(network)
    measured = measure(network, batch, ALL)
    assert bits(network) == before
    for name, (value, reason, _) in measured.items():
        if reason is None:
            assert math.isfinite(value), name
        else:
            assert math.isnan(value), name
            assert len(reason.split()) > 4, name
            assert "failed" not in reason, (name, reason)  # torch's own words
    assert outcomes(network, batch, ALL[::-1]) == {n: (m.value.hex(), m.reason) for n, m in measured.items()}


BASE = {
    "layers": True,
    "batch norm": True,
    "activation": "ReLU",
    "dropout": 0.0,
    "tied": "no",
    "frozen": False,
    "poison": None,
    "classes": 3,
    "output": "logits",
    "dtype": torch.float32,
    "images": 4,
    "side": 6,
}


@pytest.fixture(scope="module")
def plain():
    return outcomes(*built(BASE))


@pytest.mark.parametrize(
    ("feature", "value"),
    [
        *(("dropout", 0.5), ("activation", "ReLU in place"), ("frozen", True)),
        *(("output", output) for output in OUTPUTS),
    ],
)
def test_what_must_not_matter_changes_no_bit_of_any_score(feature, value, plain):
    assert outcomes(*built(BASE | {feature: value})) == plain


def test_a_module_that_is_used_twice_is_two_layers_with_one_weight():
    shared = body(BASE | {"tied": "module"})
    separate = copy.deepcopy(shared)
    separate[4] = nn.Conv2d(3, 3, 3, padding=1)
    separate[4].weight, separate[4].bias = separate[0].weight, separate[0].bias
    assert outcomes(shared, noise()) == outcomes(separate, noise())


class TwoPaddings(nn.Module):
    """One weight in two convolutions, only the first of which has a padding in numbers."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 3, 3, padding=1, bias=False)
        self.second = nn.Conv2d(3, 3, 3, padding="same", bias=False)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.second(self.first(x).relu()).square().mean((2, 3))


@pytest.mark.parametrize("tied", [TwoPaddings, lambda: body(BASE | {"tied": "module", "batch norm": False})])
def test_a_tied_weight_has_one_gradient_over_all_its_uses(tied):
    network, batch = drawn(tied).double(), noise(dtype=torch.float64)
    weights = [weight for name, weight in network.named_parameters() if "weight" in name]
    loss = nn.functional.cross_entropy(network(batch.images), batch.labels)
    gradients = torch.autograd.grad(loss, weights, create_graph=True)
    product = sum((g * g.detach()).sum() for g in gradients)
    hessian = torch.autograd.grad(product, weights)
    measured = measure(network, batch, ["snip", "grasp"])
    pairs = list(zip(weights, gradients, strict=True))
    assert measured["snip"].value == pytest.approx(sum((w * g).abs().sum().item() for w, g in pairs))
    expected = -sum((w * h).sum().item() for w, h in zip(weights, hessian, strict=True))
    assert measured["grasp"].value == pytest.approx(expected)


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
def test_half_precision_is_scored_in_single(half):
    network, batch = small().to(half), noise()
    batch = replace(batch, images=batch.images.to(half))
    assert outcomes(network, batch) == outcomes(network, batch, dtype="float32")
    single = replace(batch, images=batch.images.float())
    assert outcomes(network, batch) == outcomes(copy.deepcopy(network).float(), single)


def test_images_take_the_precision_of_the_network():
    batch = noise()
    half = replace(batch, images=batch.images.half())
    assert outcomes(small(), half) == outcomes(small(), replace(half, images=half.images.float()))
    assert outcomes(small().double(), batch) == outcomes(small().double(), noise(dtype=torch.float64))


class Overwrites(nn.Module):
    def forward(self, x):
        return x.mul_(2)


class Doubles(nn.Module):
    def forward(self, x):
        return x * 2


def test_a_network_may_overwrite_its_images():
    """Images with one channel have no other layout, so that a copy in that layout is the batch itself."""
    batch = noise()
    batch = replace(batch, images=batch.images[:, :1].contiguous())
    kept = batch.images.clone()
    convolution = nn.Conv2d(1, 3, 1)
    overwriting, doubling = (nn.Sequential(m, convolution, small()) for m in (Overwrites(), Doubles()))
    assert outcomes(overwriting, batch) == outcomes(doubling, batch)
    assert torch.equal(batch.images, kept)


@pytest.mark.parametrize(
    "context",
    [torch.no_grad, torch.inference_mode, lambda: torch.autocast("cpu", torch.bfloat16)],
    ids=["no_grad", "inference_mode", "autocast"],
)
def test_what_the_caller_has_switched_around_the_call_does_not_matter(context, plain):
    network, batch = built(BASE)
    with context():
        measured = measure(network, batch, ALL)
    assert {name: m.reason for name, m in measured.items()} == {
        name: reason for name, (_, reason) in plain.items()
    }
    values = {name: float.fromhex(value) for name, (value, _) in plain.items()}
    assert {name: m.value for name, m in measured.items()} == pytest.approx(values, rel=1e-9, nan_ok=True)


NO_LAYER = "the network has no convolution or linear layer"
NO_RELU = "the network has no ReLU-like activation"
ONE_VALUE = "batch norm has a single value per channel; this needs more images or larger ones"
NOT_FINITE = "the network's outputs are not finite"
PARAMETRISED = (
    "the weight of a ParametrizedConv2d is computed from other parameters, as by weight norm; "
    "remove this parametrisation first"
)


def weight_norm():
    network = small()
    nn.utils.parametrizations.weight_norm(network[0])
    return network


def lazy():
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(3))


def not_copied():
    network = small()
    network.library = math
    return network


def test_a_network_that_memory_does_not_let_be_copied_was_not_measured(monkeypatch):
    def refuse(*_):
        raise MemoryError

    monkeypatch.setattr("copy.deepcopy", refuse)
    found = measure(small(), noise(), ["params"])["params"]
    assert found.reason == "not measured: the network cannot be copied: there is not enough memory"


REASONS = [
    ({"layers": False}, ["snip", "synflow", "synflow_log", "gradsign", "l2_norm"], NO_LAYER),
    ({"activation": "GELU"}, ["logdet", "naswot", "linear_regions", "swap"], NO_RELU),
    (
        {"images": 1, "side": 1},
        ["snip", "logdet", "zen_score", "synflow_batch_norm", "gradsign"],
        ONE_VALUE,
    ),
    (
        {"classes": 2},
        ["snip", "jacob_cov"],
        (
            "label 2 has no output: the network has 2 outputs and the batch 3 classes; "
            "build it with num_classes=3"
        ),
    ),
    ({"poison": math.inf}, ["snip", "logdet"], NOT_FINITE),
    ({"poison": math.nan}, ["meco"], "what a module returns for the noise is not finite"),
    ({"poison": math.nan}, ["l2_norm"], "the score is nan, not a finite number"),
]


@pytest.mark.parametrize(("features", "names", "reason"), REASONS)
def test_why_a_score_is_undefined(features, names, reason):
    measured = measure(*built(BASE | features), names)
    assert {m.reason for m in measured.values()} == {reason}


@pytest.mark.parametrize(
    ("build", "names", "reason"),
    [
        (weight_norm, ["snip", "synflow", "zen_score"], PARAMETRISED),
        (lazy, ["params", "snip"], "some weights of the network have no shape yet; run it on images once"),
        (lambda: small().to("meta"), ["snip"], "have no values: they are on the device 'meta'"),
        (not_copied, ["params"], "the network cannot be copied: cannot pickle 'module' object"),
        (
            lambda: Wrapped(small(), torch.Tensor.detach),
            ["snip", "jacob_cov", "gradsign", "synflow"],
            "the outputs have no gradient: the network detaches them or runs without gradients",
        ),
        (lambda: Wrapped(small(), str), ["snip"], "the network returns a str, not logits"),
    ],
    ids=["weight norm", "lazy", "meta", "not copied", "detached", "text"],
)
def test_why_a_network_cannot_be_scored(build, names, reason):
    batch = noise()
    batch = replace(batch, images=batch.images.to("meta")) if reason.endswith("'meta'") else batch
    assert all(reason in m.reason for m in measure(build(), batch, names).values())


def test_what_no_weight_is_needed_for_is_counted_all_the_same():
    # 8 × 3 × 9 and 8 × 4 × 9 weights at 64 positions, and 8 × 3 once
    assert measure(weight_norm(), noise(), ["flops"])["flops"].value == 13824 + 18432 + 24


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        ((8, 8), [0], "shape (8, 8); it must be (batch, channels, height, width)"),
        ((3, 8, 8), [0], "for classification of 3 series there must be 3, whole numbers if they are"),
        ((0, 3, 8, 8), [], "with at least one image"),
        ((2, 3, 8, 8), [0], "the shape (1,) and the type torch.int64; for classification of 2 images"),
        ((1, 3, 8, 8), [[0, 1]], "the shape (1, 2)"),
        ((1, 3, 8, 8), [0.5], "whole numbers if they are classes"),
        ((2, 3, 0, 8), [0, 1], "shape (2, 3, 0, 8)"),
        (
            (2, 3, 8, 8),
            [0, 3],
            "a batch of 3 classes has the label 3; labels go from 0 to num_classes - 1",
        ),
        # Torch's cross-entropy leaves images of label -100 out without a word.
        ((2, 3, 8, 8), [0, -100], "a batch of 3 classes has the label -100; labels go from 0"),
    ],
)
def test_a_batch_that_is_none_is_refused(images, labels, message):
    with pytest.raises(ValueError, match="a batch") as refused:
        Batch(torch.zeros(images), torch.tensor(labels), 3, "by hand")
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"images": noise().images.numpy()},
            "the images of a batch are of type ndarray; they must be a",
        ),
        ({"images": None}, "the images of a batch are of type NoneType"),
        (
            {"labels": [0, 1, 2, 0]},
            "the labels of a batch are of type list; they must be a tensor of torch",
        ),
        (
            {"images": noise().images.byte()},
            "are of type torch.uint8; they must be floating-point numbers",
        ),
        ({"images": noise().images.cfloat()}, "are of type torch.complex64; they must be floating-point"),
        (
            {"images": noise().images / 0},
            "the images of a batch hold NaN or infinite values; leave out",
        ),
        ({"labels": noise().labels.cfloat()}, "whole numbers if they are classes"),
        (
            {"num_classes": 0},
            "num_classes of a batch is 0; it must be a whole number, at least 1, for",
        ),
        ({"num_classes": 3.0}, "num_classes of a batch is 3.0; it must be a whole number"),
        ({"num_classes": "CIFAR-10"}, "num_classes of a batch is 'CIFAR-10'; it must be a whole number"),
        ({"num_classes": None}, "num_classes of a batch is None"),
        ({"num_classes": True}, "num_classes of a batch is True"),
    ],
)
def test_what_a_batch_is_not_made_of(changes, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        replace(noise(), **changes)


def test_the_classes_of_a_batch_may_be_counted_by_numpy():
    batch = replace(noise(), num_classes=np.int64(3), labels=noise().labels.to(torch.uint8))
    assert type(batch.num_classes) is int
    assert outcomes(small(), batch) == outcomes(small(), noise())
