"""Every proxy on every network of the zoo: the value of its definition, or a declared reason."""

import functools
import math

import numpy as np
import pytest
import zoo

from zsnas.proxies import list_proxies, measure, proxy

DEFINED = [name for name in list_proxies() if hasattr(zoo.Definitions, name)]
SINGULAR = 1e13
"""A condition number that is not told from that of a singular matrix."""
COUNTS = {"params", "l2_norm", "flops", "az_complexity"}
"""Proxies without a pass that is differentiated."""


@functools.cache
def measured(name):
    return measure(zoo.network(name), zoo.images(zoo.ZOO[name].side), list_proxies(), seed=3)


@pytest.mark.parametrize("name", zoo.ZOO)
def test_scores_are_those_of_the_definitions(name):
    case, found = zoo.ZOO[name], measured(name)
    definitions = functools.partial(zoo.Definitions, zoo.twin(name), zoo.images(case.side))
    wrong = {}
    for proxy_name in DEFINED:
        value, reason, _ = found[proxy_name]
        declared = case.reasons.get(proxy_name, "" if proxy_name in COUNTS else case.reasons.get("*", ""))
        if declared:
            if declared not in (reason or ""):
                wrong[proxy_name] = value, reason, declared
            continue
        right = _right(definitions(), proxy_name)
        undefined = math.isnan(value) and math.isnan(right)
        if not (undefined or math.isclose(value, right, rel_tol=1e-4, abs_tol=1e-9)):
            wrong[proxy_name] = value, right, reason
    assert wrong == {}


def _right(definitions, name):
    """Return the value by the definition; NaN where it has none."""
    try:
        with np.errstate(invalid="ignore", divide="ignore"):
            value = getattr(definitions, name)()
    except ValueError as error:
        assert "Expected more than 1 value per channel" in str(error)  # noqa: PT017
        return math.nan
    singular = name.startswith("ntk") and not 0 < value < SINGULAR
    return value if math.isfinite(value) and not singular else math.nan


@pytest.mark.parametrize("name", zoo.ZOO)
def test_every_proxy_has_a_value_or_a_reason(name):
    for proxy_name, (value, reason, _) in measured(name).items():
        assert math.isfinite(value) or reason, proxy_name


def test_the_zoo_is_large_and_most_of_it_has_scores():
    assert len(zoo.ZOO) >= 40
    for name in DEFINED:
        defined = [key for key in zoo.ZOO if measured(key)[name].reason is None]
        assert len(defined) > len(zoo.ZOO) / 2, name


def test_proxies_without_a_slow_definition_are_known():
    """Their values are tested by hand or in `test_oracles`; a new one joins one of the two."""
    assert {proxy(name).kind for name in DEFINED} == {"naive", "gradient-based"}
