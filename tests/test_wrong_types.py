"""Arguments of another type: every public function refuses them in a sentence, and no library for it."""

import inspect
import random
import re
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_networks import noise, small
from toy_scores import make_bench, make_scores

import zsnas
from zsnas.spaces import list_spaces, space

WRONG = (None, 3.5, b"x", [[1]], object())
SWITCHES = {"progress", "recompute", "mix", "executor"}
OPTIONAL = {("rank", "proxies")}  # where None is all
NUMBERS = {"macs", "time_limit", "memory_limit_gb"}  # which 3.5 is

NAME, NAMES = "is asked for by its name", "are asked for by their names"
WHOLE, PATH = "must be a whole number", "must be a path, such as"
SEED = "the seed is .* must be a whole number"
PLACE = {"device": "unknown device .*valid are cpu", "dtype": "unknown dtype .*valid are float32"}
SCORED = {"model": "the model is of type", "batch": "the batch is of type", "proxies": NAMES, "seed": SEED}

PROXY = """
import zsnas


@zsnas.register(label="Mine", higher_is_better=True, kind="naive", target=())
def mine(passes):
    return 1.0
"""

FUNCTIONS = {
    "az_nas": ({}, {"scores": "AZ-NAS needs the columns"}),
    "batch": (
        {"name": "digits"},
        {"name": NAME, "size": "has from 1 to 512 images", "seed": SEED, "images_per_class": WHOLE},
    ),
    "benchmark": ({}, {"name": NAME}),
    "correlations": (
        {"bench": make_bench(range(40)), "scores": make_scores(range(40), proxy="params")},
        {
            "bench": r"it must be a zsnas\.Benchmark",
            "scores": "must be a DataFrame with the columns arch and seed",
            "top": "it must be above 0 and at most 1",
            "proxies": NAMES,
            "resamples": WHOLE,
            "seed": SEED,
            "sampled_top": "it must be above 0 and at most 1",
        },
    ),
    "evaluate": (
        {"file": "mine.py", "benchmarks": "nb201-digits"},
        {
            "file": PATH,
            "benchmarks": NAMES,
            "profile": "unknown profile .* valid are quick, full",
            "networks": WHOLE,
            "seeds": SEED,
            "batch_size": WHOLE,
            "device": PLACE["device"],
            "workers": WHOLE,
            "folder": PATH,
        },
    ),
    "leaderboard": (
        {"benchmarks": "nb201-digits", "proxies": "params"},
        {"benchmarks": NAMES, "proxies": NAMES, "resamples": WHOLE, "seed": SEED},
    ),
    "list_benchmarks": ({}, {"pattern": "with a wildcard such as"}),
    "list_proxies": (
        {},
        {
            "pattern": "with a wildcard such as",
            "kind": "unknown kind .* valid are naive",
            "target": "unknown target .* valid are expr",
        },
    ),
    "load_proxies": ({}, {"file": PATH}),
    "measure": ({"model": small(), "batch": noise()}, SCORED | PLACE),
    "model": (
        {"name": "timm:test_vit", "num_classes": 10, "seed": 0},
        {"name": "cannot read the model", "num_classes": WHOLE, "seed": SEED},
    ),
    "proxy": ({}, {"name": NAME}),
    "rank": (
        {"models": {"a": small()}, "batch": "digits"},
        {
            "models": "cannot read the model",
            "batch": NAME,
            "proxies": NAMES,
            "seeds": SEED,
            "side": WHOLE,
            "store": PATH,
            "workers": WHOLE,
            "size": WHOLE,
            **PLACE,
        },
    ),
    "register": (
        {"label": "Mine", "higher_is_better": True, "kind": "naive", "target": ()},
        {
            "label": "it must be text",
            "higher_is_better": "it must be True or False",
            "kind": "valid are naive",
            "target": "valid are expr",
            "equation": "it must be text",
            "reference": "it must be text",
            "statistics": "valid are batch",
            "images_per_class": WHOLE,
        },
    ),
    "register_batch": (
        {"name": "mine", "draw": lambda *_: noise()},
        {"name": "is no name of a batch", "draw": r"returns a zsnas\.Batch, not by"},
    ),
    "register_benchmark": ({}, {"bench": r"a benchmark is a zsnas\.Benchmark"}),
    "register_space": ({}, {"space": "a search space is an instance"}),
    "score": ({"model": small(), "batch": noise()}, SCORED | PLACE),
    "scores": ({"benchmark_name": "nb201/cifar10"}, {"benchmark_name": NAME, "batch_size": WHOLE}),
    "search": (
        {"space_name": "nb201", "proxies": "params", "batch_name": "digits"},
        {
            "space_name": NAME,
            "proxies": NAMES,
            "algorithm": "unknown search algorithm .* valid are evolution",
            "steps": WHOLE,
            "macs": "it is a number above 0, or None",
            "batch_name": NAME,
            "batch_size": WHOLE,
            "image_size": WHOLE,
            "seed": SEED,
            "device": PLACE["device"],
            "checkpoint": PATH,
            "population": WHOLE,
            "time_limit": "it is a number above 0, or None",
        },
    ),
    "space": ({}, {"name": NAME}),
    "sweep": (
        {"benchmark_name": "nb201-digits", "proxies": "params", "limit": 0},
        {
            "benchmark_name": NAME,
            "proxies": NAMES,
            "seeds": SEED,
            "limit": WHOLE,
            "top": "it is a fraction between 0 and 1",
            "top_limit": WHOLE,
            "batch_size": WHOLE,
            "store": PATH,
            "workers": WHOLE,
            "device": PLACE["device"],
            "threads": WHOLE,
            "time_limit": "it is a number above 0, or None",
            "memory_limit_gb": "it is a number above 0, or None",
        },
    ),
}
"""By its name, valid arguments of each function, and what it says of others."""

CASES = [(name, argument) for name, (_, said) in FUNCTIONS.items() for argument in said]


def parameters(name):
    return inspect.signature(getattr(zsnas, name)).parameters


def test_every_argument_of_every_public_function_is_tried():
    functions = [name for name in zsnas.__all__ if inspect.isfunction(getattr(zsnas, name))]
    found = {name: set(parameters(name)) - SWITCHES for name in functions if parameters(name)}
    assert found == {name: set(said) for name, (_, said) in FUNCTIONS.items()}


@pytest.mark.parametrize(("name", "argument"), CASES)
@pytest.mark.usefixtures("own_names")
def test_what_is_of_another_type_is_refused(name, argument, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    valid, said = FUNCTIONS[name]
    Path("mine.py").write_text(PROXY)
    for wrong in WRONG:
        is_none = wrong is None and (
            parameters(name)[argument].default is None or (name, argument) in OPTIONAL
        )
        if is_none or (wrong == 3.5 and argument in NUMBERS):
            continue
        with pytest.raises(ValueError, match=said[argument]) as refused:
            getattr(zsnas, name)(**valid | {argument: wrong})
        assert Path(refused.traceback[-1].path).is_relative_to(Path(zsnas.__file__).parent), wrong


@pytest.mark.parametrize("field", ["name", "space", "batch", "licence", "citation", "metric", "unit"])
def test_a_benchmark_is_made_of_a_table_and_text(field):
    about = dict.fromkeys(["name", "space", "batch", "licence", "citation"], "x") | {"table": pd.DataFrame()}
    for wrong in WRONG:
        with pytest.raises(ValueError, match=f"the {field} of a benchmark is .* it must be text"):
            zsnas.Benchmark(**about | {field: wrong})
        with pytest.raises(
            ValueError, match=r"the table of a benchmark is of type .* it must be a DataFrame"
        ):
            zsnas.Benchmark(**about | {"table": wrong})


@pytest.mark.parametrize("device", [*WRONG[1:], "nonsense"])
def test_a_batch_goes_to_a_device(device):
    with pytest.raises(ValueError, match="a batch cannot be had on the device"):
        noise().to(device)


METHODS = {
    (name, method)
    for name in list_spaces()
    for method, found in inspect.getmembers(type(space(name)), inspect.isfunction)
    if not method.startswith("_") and method != "write"  # which takes a record of the benchmark's file
}
ARGUMENTS = {
    "num_classes": (10, WHOLE),
    "outputs": (10, WHOLE),
    "image_size": (32, WHOLE),
    "seed": (0, SEED),
    "batch": (noise(), "the batch is of type"),
    "task": (zsnas.Task("ages", 1, criterion="mse_loss"), r"it must be a zsnas\.Task"),
    "rng": (random.Random(0), r"it must be a generator, such as random\.Random"),
}
"""Of methods of search spaces, beside the architecture: a valid one, and what is said of others."""

STRANGERS = (*WRONG, 3, "", "conv", "|conv~0|", "64-41414-9_99_999")
"""What is no architecture of any space."""


def arguments_of(name, method):
    """Return a method of a space, and valid arguments."""
    called = getattr(space(name), method)
    valid = {"arch": space(name).example} | {argument: valid for argument, (valid, _) in ARGUMENTS.items()}
    return called, {argument: valid[argument] for argument in inspect.signature(called).parameters}


@cache
def build_once(name, arch):
    """Build a network; an architecture that is none is an error."""
    space(name).build(arch, 10, seed=0)


@pytest.mark.mirror
@pytest.mark.parametrize(("name", "method"), sorted(METHODS))
def test_every_argument_of_every_method_of_every_space_is_refused_in_a_sentence(name, method):
    called, valid = arguments_of(name, method)
    for argument in set(valid) - {"arch"}:
        for wrong in WRONG:
            with pytest.raises(ValueError, match=ARGUMENTS[argument][1]):
                called(**valid | {argument: wrong})


@pytest.mark.mirror
@pytest.mark.parametrize(("name", "method"), sorted(METHODS - {(name, "sample") for name in list_spaces()}))
def test_what_is_no_architecture_is_refused_with_one_that_is(name, method):
    called, valid = arguments_of(name, method)
    if getattr(type(space(name)), method) is zsnas.Space.images_for:
        strangers = [wrong for wrong in STRANGERS if not isinstance(wrong, str)]  # the batch is that of all
    else:
        strangers = STRANGERS
    for wrong in strangers:
        with pytest.raises(ValueError, match=re.escape(repr(wrong)) + "|too many to list") as refused:
            called(**valid | {"arch": wrong})
        said = re.search(r"is not an architecture .*; write one such as '(.+)', or let", str(refused.value))
        if said:
            build_once(name, said[1])
        else:
            assert re.search("no steps from .* only random search|draw some with sample", str(refused.value))


@pytest.mark.mirror
@pytest.mark.parametrize("name", list_spaces())
def test_a_string_of_numpy_is_one(name):
    arch = space(name).sample(random.Random(0))
    found = space(name).canonical(np.str_(arch))
    assert found == space(name).canonical(arch)
    assert type(found) is str


def test_an_integer_of_numpy_is_one():
    digits = space("nb201-digits")
    counts = digits.counts(np.str_(digits.example), np.int64(10), np.uint8(8))
    assert counts == digits.counts(digits.example, 10, 8)
    assert {*map(type, counts)} == {int}


def test_a_space_shows_itself():
    for name in list_spaces():
        assert space(name).example in space(name)._repr_html_()


@pytest.mark.parametrize("wrong", [*WRONG, 0, -1, 2, float("nan"), "", np.float64(1.5)])
def test_a_benchmark_has_a_top_of_a_fraction(wrong):
    with pytest.raises(ValueError, match=re.escape(repr(wrong)) + ".* above 0 and at most 1"):
        make_bench(range(4)).top(wrong)


@pytest.mark.parametrize(
    ("table", "metric", "said"),
    [
        (
            {"arch": ["a"], "loss": [1.0]},
            "test_accuracy",
            "has no column 'test_accuracy'; it has 'arch', 'loss'",
        ),
        ({"test_accuracy": [1.0]}, "test_accuracy", "has no column 'arch'"),
        ({"arch": ["a"], "latency_ms": [1.0]}, "", "has latencies only"),
        (
            {"arch": ["a"], "test_accuracy": ["high"]},
            "test_accuracy",
            "1 architectures without test_accuracy",
        ),
        ({"arch": [], "test_accuracy": []}, "test_accuracy", "is empty"),
    ],
)
def test_a_benchmark_without_a_truth_says_what_is_missing(table, metric, said):
    about = dict.fromkeys(["name", "space", "batch", "licence", "citation"], "x")
    bench = zsnas.Benchmark(**about, table=pd.DataFrame(table), metric=metric)
    assert "truth" in bench._repr_html_()
    with pytest.raises(ValueError, match=said):
        bench.top(0.5)
