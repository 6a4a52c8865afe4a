import pytest
from small_networks import TEN, noise, small

import zsnas
from zsnas.proxies import list_proxies, measure, proxy, register, score


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
    ],
)
@pytest.mark.usefixtures("own_register")
def test_an_invalid_description_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        registered(lambda _passes: 0.0, **changes)


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
