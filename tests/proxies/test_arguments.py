"""What is no network, no batch or no name of a proxy, and what does not fit together: one sentence each."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from small_networks import noise, small
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import zsnas
from zsnas import Batch
from zsnas.batches.tasks import TASKS
from zsnas.proxies import list_proxies, measure, misfit, score

FAST = ["params", "snip"]


class Small(nn.Module):
    pass


def exported():
    return torch.export.export(small().eval(), (noise().images,))


MODELS = [
    (
        "timm:resnet18",
        "the model is the name 'timm:resnet18'; give the network: zsnas.model('timm:resnet18', ",
    ),
    ("resnet18", "give the network: zsnas.model('timm:resnet18', num_classes, seed)"),
    (Small, "the model is the class Small; give a network that is made of it: Small(…)"),
    (small, "the model is the function small; give the network that it returns, a torch.nn.Module, such as"),
    (
        None,
        "the model is of type NoneType; it must be a torch.nn.Module, such as zsnas.model('timm:res",
    ),
    (small().state_dict(), "the model is of type OrderedDict; it must be a torch.nn.Module"),
    (noise(), "the model is of type Batch; it must be a torch.nn.Module"),
]


@pytest.mark.parametrize("ask", [measure, score])
@pytest.mark.parametrize(("model", "message"), MODELS)
def test_what_is_no_network(ask, model, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        ask(model, noise(), FAST)


def test_an_exported_program_is_no_network():
    with pytest.raises(ValueError, match=r"the model is an exported program; give .* or its \.module\(\)"):
        measure(exported(), noise(), FAST)


IMAGES = noise().images
LABELS = noise().labels
TO_MAKE = (
    "; give zsnas.Batch(images, labels, num_classes, source), or one of a data set, such as zsnas.batch('"
)
BATCHES = [
    ((IMAGES, LABELS), f"the batch is of type tuple{TO_MAKE}"),
    ([IMAGES, LABELS], f"the batch is of type list{TO_MAKE}"),
    (IMAGES, f"the batch is of type Tensor{TO_MAKE}"),
    (IMAGES.numpy(), f"the batch is of type ndarray{TO_MAKE}"),
    (None, f"the batch is of type NoneType{TO_MAKE}"),
    (
        DataLoader(TensorDataset(IMAGES, LABELS), batch_size=4),
        "the batch is a DataLoader; give the first images of it: zsnas.Batch.from_loader(loader, 64)",
    ),
    ("cifar10", "the batch is the name 'cifar10'; give the images: zsnas.batch('cifar10', size=64, seed=0)"),
]


@pytest.mark.parametrize(("batch", "message"), BATCHES)
def test_what_is_no_batch(batch, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        score(small(), batch, FAST)


def test_one_name_stands_for_a_list_of_one():
    assert score(small(), noise(), "snip") == score(small(), noise(), ["snip"])
    assert measure(small(), noise(), "params").keys() == {"params"}


def test_names_may_repeat_and_come_from_anywhere():
    once = score(small(), noise(), FAST)
    for names in (FAST * 2, tuple(FAST), iter(FAST), dict.fromkeys(FAST), np.array(FAST), {*FAST}):
        assert score(small(), noise(), names) == once
    assert score(small(), noise(), []) == measure(small(), noise(), ()) == {}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([3], "proxies are asked for by their names, not by 3"),
        (3, "proxies are asked for by their names, not by 3"),
        ([["snip"]], "proxies are asked for by their names, not by ['snip']"),
        ([zsnas.proxy("snip")], "proxies are asked for by their names, here 'snip', not by Proxy("),
        (
            [zsnas.proxy("snip").function],
            "proxies are asked for by their names, here 'snip', not by <func",
        ),
        ("snipp", "unknown proxy 'snipp'; did you mean 'snip'?"),
        (["params", "*gradd*"], "unknown proxy '*gradd*'"),
    ],
)
def test_what_names_no_proxy(names, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        measure(small(), noise(), names)


class Returns(nn.Module):
    """What a network without logits returns, beside layers that have a gradient."""

    def __init__(self, make):
        super().__init__()
        self.body, self.make = small(), make

    def forward(self, x):
        return self.make(self.body(x))


def boxes(logits):
    """Return what a detector does: a dictionary for each image, of as many boxes as it found."""
    return [{"boxes": logits[:2].repeat(1, 2)[:, :4], "scores": logits[:2, 0]} for _ in logits]


one_channel = replace(noise(), images=noise().images[:, :1])
MISFITS = {
    "classes": (
        small,
        noise(classes=100),
        "output is (4, 3), not (4, 100); build it with num_classes=100",
    ),
    "channels": (small, one_channel, "to have 3 channels, but got 1 channels"),
    "side": (lambda: nn.Sequential(nn.Flatten(), nn.Linear(7, 3)), noise(), "mat1 and mat2 shapes"),
    "boxes": (lambda: Returns(boxes), noise(), "logits"),
    "nothing": (lambda: Returns(lambda _: None), noise(), "the network returns nothing, not logits"),
    "text": (lambda: Returns(str), noise(), "the network returns a str, not logits"),
    "sequence": (
        lambda: Returns(lambda y: y[:, None]),
        noise(),
        "the network returns shape (4, 1, 3), not",
    ),
    "rows": (lambda: Returns(lambda y: y.repeat(2, 1)), noise(), "its output is (8, 3), not (4, 3)"),
    "lazy": (
        lambda: nn.Sequential(nn.Flatten(), nn.LazyLinear(3)),
        noise(),
        "some weights of the network have no shape yet; run it on images once",
    ),
}


@pytest.mark.parametrize(("build", "batch", "why"), MISFITS.values(), ids=MISFITS)
def test_a_network_that_does_not_fit_the_batch_is_one_sentence_and_not_a_short_list_of_scores(
    build, batch, why
):
    with pytest.raises(ValueError, match=rf"^the network cannot be scored on this batch: .*{re.escape(why)}"):
        score(build(), batch)


@pytest.mark.parametrize(("build", "batch", "why"), MISFITS.values(), ids=MISFITS)
def test_asked_for_by_name_each_proxy_has_its_reason(build, batch, why):  # noqa: ARG001 (of another sentence)
    measured = measure(build(), batch, ["snip", "grad_norm", "jacob_cov", "naswot"])
    assert all(m.value != m.value and len(m.reason.split()) > 4 for m in measured.values())


@pytest.mark.parametrize(
    "build", [lambda: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), lambda: small(classes=5)]
)
def test_proxies_that_do_not_apply_to_a_network_that_fits_are_left_out(build):
    found = score(build(), noise())
    assert "params" in found
    assert found.keys() < set(list_proxies())


@pytest.mark.parametrize("outputs", [9, 8])
def test_the_numbers_of_a_task_are_as_many_as_its_outputs(outputs):
    batch = Batch(noise().images, torch.rand(4, 9), 9, "noise", TASKS["room_layout"])
    assert misfit(small(outputs), batch) == (None if outputs == 9 else "its output is (4, 8), not (4, 9)")


def test_an_image_as_output_has_the_size_of_the_target():
    batch = Batch(noise().images, torch.rand(4, 3, 8, 8), 3, "noise", TASKS["autoencoder"])
    assert misfit(nn.Conv2d(3, 3, 3, padding=1), batch) is None
    assert misfit(nn.Conv2d(3, 3, 3), batch) == "its output is (4, 3, 6, 6), not (4, 3, 8, 8)"
