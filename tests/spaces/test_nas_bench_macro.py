import re

import pytest
import torch

from zsnas.counting import counts
from zsnas.spaces import space

MACRO = space("nas-bench-macro")


def test_three_operations_in_eight_layers():
    assert len(set(MACRO.architectures)) == len(MACRO.architectures) == 3**8
    assert MACRO.architectures[:2] == ("00000000", "00000001")


# Stages 02, 012, 100: in each, identities after the first layer move behind the others.
def test_identities_that_keep_the_shape_leave_no_trace():
    assert MACRO.canonical("02012100") == "02012100"
    assert MACRO.canonical("00001200") == "00010200"
    # The first stage has 3 × 3 networks, the others 3 × (1 + 2 + 4).
    assert len({MACRO.canonical(arch) for arch in MACRO.architectures}) == 9 * 21 * 21


def test_equivalent_architectures_have_the_same_network():
    x = torch.rand(2, 3, 8, 8)
    first, second = (MACRO.build(arch, 10, seed=0).eval() for arch in ("02002001", "02020010"))
    assert MACRO.canonical("02002001") == MACRO.canonical("02020010")
    assert torch.equal(first(x), second(x))


@pytest.mark.parametrize("arch", ["", "0201210", "020121000", "02012103", "0201210\n"])
def test_a_malformed_string_says_what_is_wrong(arch):
    with pytest.raises(ValueError, match=re.escape(f"{arch!r} is not an architecture")):
        MACRO.build(arch, 10, 0)


def test_neighbours_have_another_operation_in_one_layer():
    found = MACRO.neighbours("02012100")
    assert len(set(found)) == 16
    assert {"12012100", "22012100", "02012102"} <= set(found)


# By hand: a 1×1 convolution of c × 2c and its batch norm in the first layer of each stage, nothing else.
def test_parameters_of_the_smallest_network():
    shapes = sum(c * 2 * c + 2 * 2 * c for c in (32, 64, 128))
    expected = 27 * 32 + 64 + shapes + 256 * 1280 + 2 * 1280 + 1281 * 10
    assert MACRO.counts("00000000", 10, 32).params == expected


# By hand, the third layer with expansion 6 and 5×5 filters, on 64 channels that become 128.
def test_a_block_widens_filters_and_narrows():
    more = MACRO.counts("00200000", 10, 32).params - MACRO.counts("00000000", 10, 32).params
    block = 64 * 384 + 2 * 384 + 25 * 384 + 2 * 384 + 384 * 128 + 2 * 128
    assert more == block - (64 * 128 + 2 * 128)


def test_counts_of_the_space_are_those_of_the_networks():
    table = counts(10, 32, "nas-bench-macro").set_index("arch")
    assert tuple(table.index) == MACRO.architectures
    for arch in ("02012100", "22222222", "10210021"):
        assert tuple(table.loc[arch]) == MACRO.counts(arch, 10, 32)


def test_three_stages_halve_the_image():
    network = MACRO.build("12012100", 10, seed=0)
    shapes = []
    for layer in network[1:9]:
        layer.register_forward_hook(lambda _m, _x, out: shapes.append(tuple(out.shape[1:])))
    assert network(torch.rand(2, 3, 16, 16)).shape == (2, 10)
    assert shapes == [*[(64, 8, 8)] * 2, *[(128, 4, 4)] * 3, *[(256, 2, 2)] * 3]


def test_weights_follow_the_seed():
    first, again, other = (MACRO.build("02012100", 10, seed)[0][0].weight for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
