"""The shared passes: made once, in isolation, and with a reason when they cannot be made."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import pytest
import torch
from small_networks import TEN, noise, small
from torch import nn

from zsnas.proxies import Passes, Undefined, measure, score
from zsnas.proxies.ntk_cond import kernel_of_scales
from zsnas.proxies.synflow import free_flow, normalised_flow

WITH_LOSS = ["grad_norm", "snip", "grasp", "fisher", "jacob_cov", "logdet"]


class Returns(nn.Module):
    """A classifier that wraps its logits."""

    def __init__(self, wrap):
        super().__init__()
        self.body, self.wrap = small(), wrap

    def forward(self, x):
        return self.wrap(self.body(x))


def test_each_pass_is_made_once():
    model, calls = small(), []
    model[0].register_forward_hook(lambda _m, inputs, _out: calls.append(inputs[0].shape[0]))
    measure(model, noise(), TEN)
    # one image for #FLOPs, the batch for the training step, one for SynFlow, the batch twice for Zen-score
    assert sorted(calls) == [1, 1, 4, 4, 4]


def test_nothing_is_run_before_a_proxy_asks():
    model, calls = small(), []
    model[0].register_forward_hook(lambda *_: calls.append(1))
    measure(model, noise(), ["params"])
    assert not calls


def test_a_pass_that_failed_is_not_tried_again():
    model, calls = nn.Sequential(nn.Flatten(), nn.Linear(7, 3)), []
    model[1].register_forward_pre_hook(lambda *_: calls.append(1))
    measured = measure(model, noise(), WITH_LOSS)
    assert len(calls) == 1
    assert len({m.reason for m in measured.values()}) == 1


def test_a_pass_that_failed_names_itself():
    passes = Passes(nn.Sequential(nn.Flatten(), nn.Linear(7, 3)), noise())
    for _ in range(2):
        with pytest.raises(Undefined, match="training pass failed: mat1 and mat2 shapes"):
            _ = passes.training


@pytest.mark.parametrize("name", WITH_LOSS)
@pytest.mark.parametrize(
    ("model", "batch", "reason"),
    [
        (nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), noise(), "has no convolution or linear layer"),
        (small(classes=2), noise(), "the network has 2 outputs and the batch 3 classes"),
        (small(), noise(size=1, side=1), "batch norm has a single value per channel"),
        (nn.Conv2d(3, 3, 1), noise(), r"returns shape \(4, 3, 8, 8\), not \(batch, classes\)"),
        (Returns(lambda _logits: "logits"), noise(), "returns a str, not logits"),
        (Returns(lambda _logits: ()), noise(), "returns a tuple, not logits"),
        (Returns(lambda logits: logits / 0), noise(), "outputs are not finite"),
    ],
    ids=["no layer", "too few classes", "one value", "no logits", "text", "empty", "not finite"],
)
def test_why_the_training_step_is_undefined(name, model, batch, reason):
    measured = measure(model, batch, [name])[name]
    assert math.isnan(measured.value)
    with pytest.raises(Undefined, match=reason):
        raise Undefined(measured.reason)


@pytest.mark.parametrize("name", ["synflow", "grad_norm"])
def test_a_network_without_layers_has_no_weights_to_score(name):
    model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert measure(model, noise(), [name])[name].reason == "the network has no convolution or linear layer"


def test_score_leaves_out_what_is_undefined_unless_it_was_asked_for():
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 3))
    assert "logdet" not in score(model, noise())
    assert math.isnan(score(model, noise(), ["logdet"])["logdet"])


@dataclass
class Answer:
    features: torch.Tensor
    logits: torch.Tensor


@dataclass(slots=True)
class Slotted:
    features: torch.Tensor
    logits: torch.Tensor


class Pair(NamedTuple):
    aux: torch.Tensor
    logits: torch.Tensor


@pytest.mark.parametrize(
    "wrap",
    [
        lambda logits: [logits],
        lambda logits: (logits[:, :2], logits),
        lambda logits: (logits, logits.unsqueeze(-1)),
        lambda logits: {"out": logits, "aux": logits * 2},
        lambda logits: {"features": logits * 2, "logits": logits},
        lambda logits: {"head": (logits,)},
        lambda logits: Pair(logits * 2, logits),
        lambda logits: Answer(logits * 2, logits),
        lambda logits: Slotted(logits * 2, logits),
        lambda logits: {"loss": None, "head": Answer(logits[:, :2], logits)},
        lambda logits: (logits.long(), logits),
        lambda logits: {"out": [logits[:, :2], logits], "other": logits * 2},
    ],
    ids=[
        *("list", "features first", "other axes", "out", "features", "nested", "named tuple", "dataclass"),
        *("slots", "nested dataclass", "whole numbers", "one of several by name"),
    ],
)
def test_the_logits_are_found_among_the_outputs(wrap):
    assert score(Returns(wrap), noise(), TEN) == score(small(), noise(), TEN)


@pytest.mark.parametrize(
    ("wrap", "reason"),
    [
        (lambda logits: (logits, logits * 2), "2 tensors, 2 of them with 3 columns"),
        (lambda logits: (logits[:, :2], logits[:, :1]), "2 tensors, none of them with 3 columns"),
        (lambda _logits: [{"boxes": "none"}], "returns a list of dict, not logits"),
        (lambda _logits: None, "returns nothing, not logits"),
        (lambda logits: {"logits": [logits * 2, logits]}, "2 tensors, 2 of them with 3 columns"),
        (lambda logits: logits.long(), "shape (4, 3) of int64, not (batch, classes)"),
        (lambda logits: logits.T, "3 rows of logits for 4 images"),
    ],
)
def test_outputs_that_may_all_be_logits_are_refused(wrap, reason):
    assert reason in measure(Returns(wrap), noise(), ["snip"])["snip"].reason


def test_dropout_is_off():
    with_dropout, without = small(), small()
    without[6] = nn.Identity()
    assert score(with_dropout.train(), noise(), TEN) == score(without, noise(), TEN)


def test_batch_norm_uses_the_batch_and_not_its_running_statistics():
    other = small()
    other[1].running_mean[:], other[1].running_var[:] = 3, 5
    names = [*WITH_LOSS, "zen_score"]
    assert score(other, noise(), names) == score(small(), noise(), names)


def test_batch_norm_without_running_statistics_is_batch_norm_too():
    other = small()
    for i in (1, 4):
        other[i] = nn.BatchNorm2d(8, track_running_stats=False)
    names = [*WITH_LOSS, "zen_score"]
    assert score(other, noise(), names) == score(small(), noise(), names)


def test_what_a_network_draws_follows_from_the_seed():
    class Noisy(nn.Module):
        def forward(self, x):
            return x + torch.randn_like(x)

    model = nn.Sequential(Noisy(), *small())
    first, again, other = (score(model, noise(), ["grad_norm"], seed) for seed in (1, 1, 2))
    assert first == again != other


class Average(nn.Module):
    """Keep an average of what has come by, as batch norm does."""

    def __init__(self):
        super().__init__()
        self.register_buffer("average", torch.zeros(()))

    def forward(self, x):
        self.average += (x.detach().mean() + 1) / 2
        return x


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("make", [free_flow, normalised_flow, kernel_of_scales])
def test_a_pass_that_replaces_weights_leaves_the_running_statistics_as_they_are(make, dtype):
    passes = Passes(nn.Sequential(Average(), *small()).to(dtype), noise(dtype=dtype))
    before = {name: buffer.clone() for name, buffer in passes.model.named_buffers()}
    make(passes)
    for name, buffer in passes.model.named_buffers():
        assert torch.equal(buffer, before[name]), name
