"""Kinds and aims are those of the registry; symbols are what a live network has."""

import zsnas
from zsnas.book.studies import kinds
from zsnas.proxies import Passes


def test_every_proxy_that_is_no_variant_has_a_kind():
    found = kinds.registered()

    assert found["snip"] == {"gradient-based", "trainability"}
    assert "snip_printed" not in found
    assert all(len(categories & {*kinds.KINDS}) == 1 for categories in found.values())


def test_a_dot_for_what_a_proxy_is():
    marks = kinds.marks({"params": {"naive"}, "snip": {"gradient-based", "trainability"}}, ["snip"])

    assert list(marks.index) == ["SNIP, {eq}`eq-snip`"]
    assert marks.iloc[0].to_dict() == {
        "naive": "",
        "gradient-free": "",
        "gradient-based": "●",
        "trainability": "●",
        "expressivity": "",
        "generalization": "",
    }


def test_differences_say_who_has_the_mark_and_why():
    ours = {"snip": {"gradient-based"}, "nn_mass": {"gradient-free"}, "params": {"naive"}}
    theirs = {"snip": {"naive"}, "nn_mass": {"gradient-free", "expressivity"}}

    found = kinds.differences(ours, theirs)

    assert found[0] == (
        "- SNIP: only the registry has *gradient-based*; no reason is known, so that one of the two is to be "
        "corrected."
    )
    assert found[1].startswith("- SNIP: only the survey's text has *naive*")
    assert found[2].startswith("- NN-Mass: only the survey's text has *expressivity*; the registry follows")
    assert len(found) == 3


def test_the_survey_has_a_mark_of_kind_and_aim_for_each_of_twelve():
    survey = kinds.derived()
    assert survey["proxy"].nunique() == 12
    assert set(survey["category"]) <= {*kinds.KINDS, *kinds.AIMS}


def test_symbols_are_shapes_and_numbers_of_a_network():
    arch = "|nor_conv_1x1~0|+|none~0|none~1|+|none~0|none~1|nor_conv_1x1~2|"
    batch = zsnas.batch("cifar10", size=2)
    network = zsnas.space("nb201").build(arch, 10, 0)

    table = kinds.symbols(Passes(network, batch, 0)).set_index("In `Passes`")["Here"]

    assert table["`images`"] == "(2, 3, 32, 32)"
    assert table["`labels`"] == "(2)"
    assert table["`training.logits`"] == "(2, 10)"
    assert table["`parameter_count`"] == f"{sum(p.numel() for p in network.parameters()):,}"
