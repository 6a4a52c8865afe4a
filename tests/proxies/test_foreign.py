"""A proxy of one's own: whatever it does to its passes or to the process, the others have their scores."""

import copy
import math
import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from small_networks import noise, small
from torch import nn

from zsnas.proxies import Passes, Proxy, _registry, list_proxies, measure, proxy, register

pytestmark = pytest.mark.usefixtures("own_register")


def own(function, name="own"):
    function.__name__ = name
    register(label="Own", higher_is_better=True, kind="gradient-free", target=())(function)


def train(passes):
    passes.model.train()


def into_the_weights(passes):
    passes.model[0].weight.data.zero_()


def by_the_weights(passes):
    with torch.no_grad():
        passes.weights[1].mul_(2)


def a_pass_of_training(passes):
    passes.model.train()(passes.images)
    passes.model.eval()


def an_optimiser(passes):
    passes.training.loss.backward()
    torch.optim.SGD(passes.model.parameters(), lr=0.1).step()


def hook(passes):
    passes.model[3].register_forward_hook(lambda _module, _inputs, output: output * 2)


def replaced_module(passes):
    passes.model[2] = nn.GELU()


def replaced_weight(passes):
    passes.model[0].weight = nn.Parameter(torch.ones(8, 3, 3, 3))


def frozen(passes):
    passes.model[0].weight.requires_grad_(False)


def images(passes):
    passes.images.zero_()


def labels(passes):
    passes.labels.fill_(1)


def other_images(passes):
    passes.images = passes.images * 2


def no_model(passes):
    passes.model = None


def fewer_weights(passes):
    passes.weights.pop()


CHANGES = {
    train: "the mode of the network",
    into_the_weights: "0.weight of the network",
    by_the_weights: "3.weight of the network",
    a_pass_of_training: "1.running_mean of the network",
    an_optimiser: "0.weight of the network",
    hook: "the hooks of '3'",
    replaced_module: "the modules of the network",
    replaced_weight: "0.weight of the network",
    frozen: "0.weight of the network",
    images: "passes.images",
    labels: "passes.labels",
    other_images: "passes.images",
    no_model: "passes.model",
    fewer_weights: "passes.weights",
}
OTHERS = ["params", "snip", "zen_score", "synflow", "ntk_cond_printed"]


def second(passes):
    return passes.training.loss.item() + torch.rand(()).item()


@pytest.fixture(scope="module")
def alone():
    list_proxies()  # which loads the proxies of the package, if nothing has yet
    kept = dict(_registry._REGISTER)
    own(second, "second")
    measured = measure(small(), noise(), [*OTHERS, "second"])
    _registry._REGISTER.clear()
    _registry._REGISTER.update(kept)
    return {name: (m.value, m.reason) for name, m in measured.items()}


@pytest.mark.parametrize(("change", "what"), CHANGES.items(), ids=[change.__name__ for change in CHANGES])
def test_a_proxy_that_changes_what_it_was_given_harms_no_score_but_its_own(change, what, alone):
    def changing(passes):
        change(passes)
        return 1.0

    own(changing, "a_first")
    own(second, "second")
    network, batch = small(), noise()
    measured = measure(network, batch, ["a_first", *OTHERS, "second"])
    assert math.isnan(measured["a_first"].value)
    assert measured["a_first"].reason == (
        f"it changed {what}; let it work on a copy, such as copy.deepcopy(passes.model) or "
        "passes.images.clone()"
    )
    assert {name: measured[name][:2] for name in alone} == alone
    assert torch.equal(batch.images, noise().images)
    assert torch.equal(batch.labels, noise().labels)
    assert all(
        torch.equal(a, b)
        for a, b in zip(network.state_dict().values(), small().state_dict().values(), strict=True)
    )


def gradients_by_backward(passes):
    passes.training.loss.backward(retain_graph=True)
    return sum(weight.grad.abs().sum().item() for weight in passes.weights)


def a_copy(passes):
    model = copy.deepcopy(passes.model).train()
    return model(passes.images * 2).sum().item()


def all_passes(passes):
    found = [
        passes.gradients,
        passes.input_jacobian,
        passes.macs,
        passes.activation_agreement,
    ]
    return len(found)


def results(passes):
    """Overwrite what was computed, which is its own business."""
    passes.gradients.weights[0].data.zero_()
    return sum(g.abs().sum().item() for g in passes.gradients.weights)


@pytest.mark.parametrize("harmless", [gradients_by_backward, a_copy, all_passes, results])
def test_what_is_no_change_is_a_score(harmless, alone):
    own(harmless, "a_first")
    own(second, "second")
    measured = measure(small(), noise(), ["a_first", *OTHERS, "second"])
    assert measured["a_first"].reason is None
    assert {name: measured[name][:2] for name in alone} == alone


def test_nan_in_a_network_is_no_change():
    own(lambda _passes: 1.0)
    network = small()
    network[0].weight.data[0, 0, 0, 0] = math.nan
    assert measure(network, noise(), ["own"])["own"].value == 1


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_any_precision_and_a_network_without_values_can_be_watched(dtype):
    own(lambda passes: passes.parameter_count)
    batch = noise()
    counts = [measure(small().to(to), batch, ["own", "params"]) for to in (dtype, "meta")]
    assert all(found["own"].value == found["params"].value for found in counts)


def drawing(passes):
    return torch.rand(()).item() + np.random.rand() + random.random() + len(passes.images)  # noqa: NPY002


def generators():
    return torch.get_rng_state().tolist(), str(np.random.get_state()), random.getstate()  # noqa: NPY002


def test_random_numbers_follow_the_seed_and_the_generators_stay():
    own(drawing)
    before = generators()
    first, again, other = (
        measure(small(), noise(), ["own"], seed)["own"].value for seed in (3, 3, 2**40 + 3)
    )
    assert first == again != other
    assert generators() == before
    direct = Passes(small(), noise(), 3)
    assert [proxy("own")(direct).value for _ in range(2)] == [first, first]


def careless(_passes):
    torch.manual_seed(7)
    np.random.seed(7)  # noqa: NPY002
    random.seed(7)
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    raise ValueError("after all that")


def test_what_a_proxy_sets_in_the_process_is_set_back_even_when_it_fails(alone):
    own(careless, "a_first")
    before = generators()
    measured = measure(small(), noise(), ["a_first", *OTHERS])
    assert measured["a_first"].reason == "it raised ValueError: after all that"
    assert {name: measured[name][:2] for name in OTHERS} == {name: alone[name] for name in OTHERS}
    assert generators() == before
    assert torch.get_default_dtype() == torch.float32
    assert torch.is_grad_enabled()


class Leaves(BaseException):
    """An error that is no Exception."""


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (SystemExit(2), "it raised SystemExit: 2"),
        (Leaves("now"), "it raised Leaves: now"),
    ],
)
def test_whatever_a_proxy_raises_the_others_have_their_scores(error, reason, alone):
    def raising(_passes):
        raise error

    own(raising, "a_first")
    measured = measure(small(), noise(), ["a_first", *OTHERS])
    assert measured["a_first"].reason == reason
    assert {name: measured[name][:2] for name in OTHERS} == {name: alone[name] for name in OTHERS}


def test_who_interrupts_is_obeyed():
    def interrupted(_passes):
        raise KeyboardInterrupt

    own(interrupted)
    with pytest.raises(KeyboardInterrupt):
        measure(small(), noise(), ["own"])


def test_a_random_number_does_not_depend_on_who_is_asked_with_it():
    own(lambda passes: 1 * drawing(passes), "one")
    own(drawing, "two")
    together = measure(small(), noise(), ["one", "two", *OTHERS])
    assert together["one"].value == together["two"].value == measure(small(), noise(), ["two"])["two"].value


def test_our_own_proxies_are_not_watched(monkeypatch):
    def watch(*_):
        raise AssertionError

    monkeypatch.setattr(_registry, "watched", watch)
    assert not any(
        m.reason and "AssertionError" in m.reason for m in measure(small(), noise(), OTHERS).values()
    )


def test_a_batch_of_one_channel_is_not_written_through():
    """Its images have no other layout, so that those of the passes could be the batch's own."""
    own(images)
    batch = replace(noise(), images=noise().images[:, :1].contiguous())
    kept = batch.images.clone()
    measure(nn.Sequential(nn.Conv2d(1, 3, 1), small()), batch, ["own"])
    assert torch.equal(batch.images, kept)


def test_a_function_without_a_module_is_not_ours():
    given = Proxy("own", "Own", True, "naive", (), "", "", drawing)
    assert given.is_foreign
    assert not proxy("snip").is_foreign
