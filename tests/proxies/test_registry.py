import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from small_networks import TEN, noise, small
from torch import nn

import zsnas
from zsnas.batches import Batch
from zsnas.proxies import Passes, Proxy, Undefined, list_proxies, measure, proxy, register, score


def registered(function, **changes):
    about = {
        "label": "Mine",
        "higher_is_better": True,
        "kind": "naive",
        "target": (),
        "equation": "eq-mine",
        "reference": "me2025",
    }
    return register(**about | changes)(function)


def test_names_are_sorted_and_hold_the_ten():
    names = list_proxies()
    assert names == sorted(names)
    assert set(TEN) <= set(names)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("*grad_norm*", {"grad_norm"}), ("s*p", {"snip"}), ("zen_scor?", {"zen_score"}), ("SNIP", set())],
)
def test_wildcards(pattern, expected):
    found = set(list_proxies(pattern))
    assert found & set(TEN) == expected


def test_filters():
    assert {"params", "flops"} <= set(list_proxies(kind="naive"))
    assert "logdet" in list_proxies(kind="gradient-free")
    assert "snip" not in list_proxies(kind="gradient-free")
    assert {"grad_norm", "snip", "grasp", "synflow"} <= set(list_proxies(target="trainability"))
    assert set(list_proxies("*_*", kind="gradient-based", target="expressivity")) >= {
        "jacob_cov",
        "zen_score",
    }
    assert "logdet" not in list_proxies(kind="gradient-based", target="expressivity")
    assert all(proxy(name).kind == "naive" for name in list_proxies(kind="naive"))


def test_a_proxy_says_what_it_is():
    found = zsnas.proxy("grad_norm")
    assert (found.name, found.label, found.higher_is_better) == ("grad_norm", "Grad_norm", True)
    assert (found.orientation, proxy("ntk_cond").orientation) == (1, -1)
    assert (found.kind, found.target) == ("gradient-based", ("trainability",))
    assert (found.equation, found.reference) == ("eq-grad-norm", "abdelfattah2021")


def test_an_unknown_proxy_names_the_nearest_and_where_the_list_is():
    count = len(list_proxies())
    with pytest.raises(
        ValueError,
        match=rf"unknown proxy 'synflw'; did you mean 'synflow'\? zsnas\.list_proxies\(\) names all {count}",
    ):
        proxy("synflw")
    with pytest.raises(ValueError, match="unknown proxy 'synflw'"):
        measure(small(), noise(), ["params", "synflw"])


@pytest.mark.parametrize("given", [{"kind": "magic"}, {"target": "luck"}])
def test_an_unknown_filter_names_the_valid_ones(given):
    with pytest.raises(
        ValueError, match=r"unknown (kind 'magic'; valid are naive|target 'luck'; valid are expr)"
    ):
        list_proxies(**given)


@pytest.mark.usefixtures("own_register")
def test_a_proxy_of_ones_own():
    @registered
    def mine(passes):
        return passes.parameter_count / 2

    assert "mine" in list_proxies(kind="naive")
    assert (
        score(small(), noise(), ["mine", "params"])["mine"]
        == score(small(), noise(), ["params"])["params"] / 2
    )
    assert mine.__name__ == "mine"


@pytest.mark.usefixtures("own_register")
def test_a_name_is_given_once():
    def snip(passes):
        return passes.parameter_count

    with pytest.raises(
        ValueError, match="a proxy named 'snip' is already registered; give the function another"
    ):
        registered(snip)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "magic"}, "unknown kind 'magic'; valid are naive, gradient-based, gradient-free"),
        (
            {"target": ("luck",)},
            "unknown target 'luck'; valid are expressivity, generalization, trainability",
        ),
        ({"kind": None}, "unknown kind None; valid are naive"),
        ({"target": 3}, "unknown target 3; valid are expressivity"),
        ({"images_per_class": 0}, "images_per_class is 0; it must be a whole number, at least 1"),
        ({"higher_is_better": "no"}, "higher_is_better of a proxy is 'no'; it must be True or False"),
        ({"label": None}, "the label of a proxy is None; it must be text"),
        ({"equation": 6}, "the equation of a proxy is 6; it must be text"),
        ({"reference": ["me2025"]}, r"the reference of a proxy is \['me2025'\]; it must be text"),
    ],
)
@pytest.mark.usefixtures("own_register")
def test_an_invalid_description_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        registered(lambda _passes: 0.0, **changes)


@pytest.mark.usefixtures("own_register")
def test_one_target_may_be_given_by_its_name():
    registered(lambda _passes: 0.0, target="trainability")
    assert "<lambda>" in list_proxies(target="trainability")


@pytest.mark.parametrize(("args", "kwargs"), [((print,), {}), ((), {"label": "Mine"})])
def test_a_decorator_without_its_arguments_says_how_it_is_written(args, kwargs):
    with pytest.raises(
        ValueError, match=r"^zsnas\.register takes its arguments by name \(.*\); write @zsnas"
    ):
        register(*args, **kwargs)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.usefixtures("own_register")
def test_a_value_that_is_no_number_becomes_nan_with_a_reason(value):
    @registered
    def strange(_passes):
        return value

    measured = measure(small(), noise(), ["strange"])["strange"]
    assert measured.value != measured.value
    assert measured.reason == f"the score is {value}, not a finite number"


def test_results_come_in_the_order_asked_for_with_times():
    measured = measure(small(), noise(), ["snip", "params", "fisher"])
    assert list(measured) == ["snip", "params", "fisher"]
    assert all(m.seconds > 0 for m in measured.values())


def test_every_proxy_is_described():
    for name in list_proxies():
        found = proxy(name)
        assert found.label, name
        assert (found.equation or "eq-").startswith("eq-"), name
        assert found.function.__doc__, name


RETURNED = [
    (3, 3),
    (np.float32(0.5), 0.5),
    (np.array([[2]]), 2),
    (torch.tensor(1.5, requires_grad=True), 1.5),
    (Fraction(1, 4), 0.25),
]
NO_NUMBERS = [
    (None, "it returned NoneType; return one number"),
    ("3", "it returned str; return one number"),
    (b"3", "it returned bytes; return one number"),
    (1j, "it returned complex; return one number"),
    (True, "it returned bool; return one number"),
    (torch.tensor(True), "it returned bool; return one number"),
    (torch.tensor(1j), "it returned complex; return one number"),
    ([3.0], "it returned list; return one number"),
    (torch.ones(2), "it returned a tensor of shape (2,); return one number, such as its .sum()"),
    (np.ones((0, 2)), "it returned a ndarray of shape (0, 2); return one number, such as its .sum()"),
    (10**400, "it raised OverflowError: int too large to convert to float"),
]


@pytest.mark.parametrize(("returned", "value"), RETURNED)
def test_one_number_of_any_library_is_a_score(returned, value):
    assert _scored_alone(lambda _passes: returned) == (value, None)


@pytest.mark.parametrize(("returned", "reason"), NO_NUMBERS)
def test_what_is_no_number_is_no_score(returned, reason):
    value, why = _scored_alone(lambda _passes: returned)
    assert math.isnan(value)
    assert why == reason


def _scored_alone(function):
    described = ("naive", (), "", "")
    own = Proxy("own", "Own", True, *described, function)
    return own(Passes(small(), noise()))[:2]


def raises(error):
    def function(_passes):
        raise error

    return function


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("math domain error\nand more"), "it raised ValueError: math domain error"),
        (KeyError("head"), "it raised KeyError: 'head'"),
        (StopIteration(), "it raised StopIteration"),
        (torch.linalg.LinAlgError("failed to converge"), "it raised LinAlgError: failed to converge"),
        (NotImplementedError("not for this layer"), "it raised NotImplementedError: not for this layer"),
        (MemoryError(), "not measured: there is not enough memory"),
        (RuntimeError("CUDA out of memory. Tried"), "not measured: there is not enough memory"),
        (Undefined("two images are the same"), "two images are the same"),
        (Undefined(), "it is undefined, and its author does not say why"),
    ],
)
@pytest.mark.parametrize("module", ["zsnas.proxies.snip", "__main__"], ids=["ours", "theirs"])
@pytest.mark.usefixtures("own_register")
def test_a_proxy_that_raises_an_error_leaves_the_others_alone(error, reason, module):
    failing = raises(error)
    failing.__name__, failing.__module__ = "failing", module
    registered(failing)
    alone = score(small(), noise(), ["params", "snip"])
    measured = measure(small(), noise(), ["params", "failing", "snip"])
    assert (math.isnan(measured["failing"].value), measured["failing"].reason) == (True, reason)
    assert {name: measured[name].value for name in alone} == alone


def test_who_stops_the_program_stops_it():
    with pytest.raises(KeyboardInterrupt):
        _scored_alone(raises(KeyboardInterrupt()))


def test_a_negative_flow_has_no_logarithm_and_leaves_the_others_alone():
    """By hand: h = (3, 1.5); the layer norm gives (1, −1), and each output is 1 − 3 = −2: the flow is −4."""
    network = nn.Sequential(
        nn.Flatten(), nn.Linear(2, 2, bias=False), nn.LayerNorm(2), nn.Linear(2, 2, bias=False)
    )
    network[1].weight.data = torch.tensor([[2.0, 1], [1, 0.5]])
    network[3].weight.data = torch.tensor([[1.0, 3], [1, 3]])
    batch = Batch(torch.ones(2, 2, 1, 1), torch.tensor([0, 1]), 2, "by hand")
    measured = measure(network, batch)
    assert measured["params"].value == 4 + 4 + 4
    assert all(math.isfinite(m.value) == (m.reason is None) for m in measured.values())
