import re
from collections import Counter, defaultdict

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from zsnas.sources import fetch
from zsnas.spaces import space
from zsnas.spaces.nb201 import EDGES, OPERATIONS, TEMPLATE, Cell, Network, ResidualBlock, operation, parse

NB201 = space("nb201")
SAMPLE = [NB201.architectures[i] for i in np.random.default_rng(0).choice(15_625, 6, replace=False)]
SKIP_ONLY = TEMPLATE.format("none", "none", "none", "skip_connect", "none", "none")
ALL_3X3 = TEMPLATE.format(*["nor_conv_3x3"] * 6)


def convolutions(arch):
    """Return the numbers of 3×3 and 1×1 convolutions of a cell."""
    return arch.count("nor_conv_3x3"), arch.count("nor_conv_1x1")


# --- architectures and their equivalence


def test_there_are_five_operations_to_the_power_of_six_edges():
    assert len(NB201.architectures) == len(set(NB201.architectures)) == 5**6 == 15_625


@pytest.mark.mirror
def test_index_order_is_the_benchmarks_own():
    assert list(NB201.architectures) == fetch("lightonai/nb201/architectures").read_text("ascii").split()


def test_a_string_is_read_edge_by_edge():
    arch = "|none~0|+|skip_connect~0|nor_conv_1x1~1|+|nor_conv_3x3~0|avg_pool_3x3~1|none~2|"
    operations = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3", "none")
    assert parse(arch) == operations
    assert EDGES == ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))


def test_there_are_6466_classes():
    assert len({NB201.canonical(arch) for arch in NB201.architectures}) == 6_466


def test_the_representative_stands_for_itself():
    assert all(NB201.canonical(c) == c for c in {NB201.canonical(arch) for arch in NB201.architectures})


# Operations as arbitrary maps of integers modulo a prime, each of which makes nothing of nothing: cells that
# compute the same function agree modulo this prime, and others disagree but for a chance of 1e-10.
PRIME = 2**61 - 1
MAPS = {
    "nor_conv_1x1": (3_141_592_653, 589),
    "nor_conv_3x3": (2_718_281_828, 459),
    "avg_pool_3x3": (141, 421_356),
}


def arithmetic(operations):
    """Return what a cell makes of the number 1,618,033."""
    nodes = [1_618_033]
    named = dict(zip(EDGES, operations, strict=True))
    for target in (1, 2, 3):
        nodes.append(sum(apply(named[source, target], nodes[source]) for source in range(target)) % PRIME)
    return nodes[3]


def apply(operation, x):
    if operation in ("none", "skip_connect"):
        return 0 if operation == "none" else x
    a, b = MAPS[operation]
    return (a * x**3 + b * x) % PRIME


def test_members_of_a_class_compute_the_same_function():
    outputs = defaultdict(set)
    for arch in NB201.architectures:
        outputs[NB201.canonical(arch)].add(arithmetic(parse(arch)))
    assert all(len(values) == 1 for values in outputs.values())
    assert len({value for values in outputs.values() for value in values}) == 4_930  # as the docstring says


def test_every_operation_of_a_representative_is_on_a_path_to_the_output():
    for arch in {NB201.canonical(arch) for arch in NB201.architectures}:
        edges = [edge for edge, operation in zip(EDGES, parse(arch), strict=True) if operation != "none"]
        leads_on = {3} | {source for source, target in edges if target == 3}
        leads_on |= {source for source, target in edges if target in leads_on}
        assert {target for _, target in edges} <= leads_on, arch


def test_the_representative_is_the_smallest_member_and_among_those_the_first():
    members = defaultdict(list)
    for index, arch in enumerate(NB201.architectures):
        size = sum(operation != "none" for operation in parse(arch))
        members[NB201.canonical(arch)].append((size, index, arch))
    assert all(min(of_class)[2] == representative for representative, of_class in members.items())


def with_equal_weights(arch):
    """Return a cell in which all 3×3 convolutions have the same weights, and all 1×1 convolutions."""
    cell = Cell(parse(arch), channels=2).double()
    for module in cell.modules():
        if isinstance(module, nn.Conv2d):
            generator = torch.Generator().manual_seed(module.kernel_size[0])
            module.weight.data = torch.randn(module.weight.shape, generator=generator, dtype=torch.float64)
    return cell


@pytest.mark.parametrize(
    "representative",
    [
        pytest.param(
            "|none~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|nor_conv_1x1~2|", id="two convolutions in a row"
        ),
        pytest.param(
            "|skip_connect~0|+|nor_conv_1x1~0|none~1|+|nor_conv_3x3~0|skip_connect~1|skip_connect~2|",
            id="three branches",
        ),
        pytest.param(SKIP_ONLY, id="the identity"),
    ],
)
def test_cells_of_a_class_give_equal_outputs(representative):
    representative = NB201.canonical(representative)
    members = [arch for arch in NB201.architectures if NB201.canonical(arch) == representative]
    assert len(members) > 1
    x = torch.randn(3, 2, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = with_equal_weights(representative)(x)
    for arch in members:
        torch.testing.assert_close(with_equal_weights(arch)(x), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("arch", "at", "expected"),
    [
        ("", 0, "expected '|', found ''"),
        ("nor_conv_3x3", 0, "expected '|', found 'n'"),
        (
            "|conv~0|+|none~0|none~1|+|none~0|none~1|none~2|",
            1,
            "expected one of the operations none, skip_connect",
        ),
        ("|none~1|+|none~0|none~1|+|none~0|none~1|none~2|", 5, "expected '~0|+|', found '~1|+|'"),
        ("|none~0|+|none~0|none~1|+|none~0|none~1|", 40, "expected one of the operations"),
        ("|none~0|+|none~0|none~1|+|none~0|none~1|none~3|", 44, "expected '~2|', found '~3|'"),
        ("|none~0|+|none~0|none~1|+|none~0|none~1|none~2| ", 47, "expected the end, found ' '"),
        ("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|\n", 47, r"expected the end, found '\n'"),
    ],
)
@pytest.mark.parametrize("use", [parse, NB201.canonical, lambda arch: NB201.build(arch, 10, 0)])
def test_a_malformed_string_says_where_it_is_wrong(arch, at, expected, use):
    with pytest.raises(ValueError, match=re.escape(f"at character {at} expected")) as error:
        use(arch)
    message = str(error.value)
    assert message.startswith(f"{arch!r} is not an architecture of the search space 'nb201': ")
    assert expected in message


# --- networks


def parameters(arch, classes):
    """Count by hand: channels 16, 32, 64, five cells a stage, batch norm after every convolution."""
    n3x3, n1x1 = convolutions(arch)
    per_3x3 = 5 * sum(9 * c * c + 2 * c for c in (16, 32, 64))  # 243,040
    per_1x1 = 5 * sum(c * c + 2 * c for c in (16, 32, 64))  # 28,000
    stem = 9 * 3 * 16 + 2 * 16
    reductions = sum(9 * c * 2 * c + 9 * 4 * c * c + 2 * 4 * c + c * 2 * c for c in (16, 32))
    head = 2 * 64 + 64 * classes + classes
    return stem + reductions + head + n3x3 * per_3x3 + n1x1 * per_1x1


def built_parameters(arch, classes):
    with torch.device("meta"):
        network = Network(parse(arch), classes)
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.mirror
@pytest.mark.parametrize(
    ("data_set", "classes", "unit"),
    [("cifar10", 10, 1e6), ("cifar100", 100, 1e6), ("imagenet16-120", 120, 1)],
)
def test_parameters_of_all_architectures_are_the_benchmarks(data_set, classes, unit):
    table = np.loadtxt(fetch(f"freerea/{data_set}/params"), delimiter=",", skiprows=1)
    assert table[:, 0].tolist() == list(range(15_625))
    upstream = np.rint(table[:, 1] * unit).astype(int)
    assert upstream.tolist() == [parameters(arch, classes) for arch in NB201.architectures]


@pytest.mark.parametrize("classes", [10, 100, 120])
@pytest.mark.parametrize("arch", [SKIP_ONLY, ALL_3X3, *SAMPLE])
def test_built_networks_have_the_parameters_counted_by_hand(arch, classes):
    assert built_parameters(arch, classes) == parameters(arch, classes)


# What passes up through several modules counts several times in MeCo, which the published networks define.


def returned(module, *shape):
    """Return for each tensor that modules return, in order of its first appearance, how many return it."""
    tensors = []
    for part in module.modules():
        part.register_forward_hook(lambda _module, _inputs, output: tensors.append(output))
    module(torch.randn(shape))
    return list(Counter(map(id, tensors)).values())


@pytest.mark.parametrize(
    ("name", "times"),
    [
        ("skip_connect", [1]),
        ("avg_pool_3x3", [2]),  # the pooling and the module around it
        ("nor_conv_1x1", [1, 1, 3]),  # ReLU, convolution; batch norm, the sequence and the module around it
        ("nor_conv_3x3", [1, 1, 3]),
    ],
)
def test_an_operation_is_in_as_many_modules_as_in_the_published_networks(name, times):
    assert returned(operation(name, 4, 4), 2, 4, 5, 5) == times


def test_a_residual_block_has_no_module_around_its_two_convolutions():
    # The shortcut first: pooling; convolution and the sequence. Each operation; the sum.
    assert returned(ResidualBlock(4, 8), 2, 4, 6, 6) == [1, 2, 1, 1, 3, 1, 1, 3, 1]


def test_no_module_returns_what_the_cells_return_but_themselves():
    stages = [times for times in returned(Network(parse(SKIP_ONLY), 10), 2, 3, 8, 8) if times > 10]
    # Batch norm and the stem, or a residual block; then five times a skip connection and its cell.
    assert stages == [2 + 5 * 2, 1 + 5 * 2, 1 + 5 * 2]


def test_parameters_are_right_for_every_number_of_convolutions():
    for n3x3 in range(7):
        for n1x1 in range(7 - n3x3):
            rest = ["avg_pool_3x3"] * (6 - n3x3 - n1x1)
            arch = TEMPLATE.format(*["nor_conv_3x3"] * n3x3, *["nor_conv_1x1"] * n1x1, *rest)
            assert built_parameters(arch, 10) == parameters(arch, 10), (n3x3, n1x1)


def macs(arch):
    """Count by hand, image 32×32 and ten classes: kernel × channels in × channels out × positions."""
    n3x3, n1x1 = convolutions(arch)
    positions = {16: 32 * 32, 32: 16 * 16, 64: 8 * 8}
    per_3x3 = 5 * sum(9 * c * c * p for c, p in positions.items())
    per_1x1 = 5 * sum(c * c * p for c, p in positions.items())
    stem = 9 * 3 * 16 * positions[16]
    reductions = sum((9 * c * 2 * c + 9 * 4 * c * c + c * 2 * c) * positions[2 * c] for c in (16, 32))
    return stem + reductions + 64 * 10 + n3x3 * per_3x3 + n1x1 * per_1x1


@pytest.mark.parametrize("arch", [SKIP_ONLY, ALL_3X3, *SAMPLE])
def test_macs_are_those_counted_by_hand_and_by_torch(arch):
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        Network(parse(arch), 10)(torch.zeros(1, 3, 32, 32))
    assert counter.get_total_flops() == 2 * macs(arch)  # torch counts a multiplication and an addition


def test_five_cells_a_stage_with_a_reduction_between_stages():
    network = NB201.build(ALL_3X3, 10, seed=0)
    kinds = [type(module) for module in network.body]
    assert kinds == [*[Cell] * 5, ResidualBlock, *[Cell] * 5, ResidualBlock, *[Cell] * 5]


def test_stages_have_16_32_and_64_channels_and_halve_the_image():
    network = NB201.build(ALL_3X3, 10, seed=0)
    shapes = []
    for module in network.body:
        module.register_forward_hook(lambda _m, _x, out: shapes.append(tuple(out.shape[1:])))
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    assert shapes == [*[(16, 32, 32)] * 5, *[(32, 16, 16)] * 6, *[(64, 8, 8)] * 6]


def test_a_convolution_of_a_cell_is_relu_convolution_batch_norm():
    relu, conv, norm = NB201.build(ALL_3X3, 10, seed=0).body[0].operations["0to1"].op
    assert isinstance(relu, nn.ReLU)
    assert (conv.kernel_size, conv.padding, conv.bias) == ((3, 3), (1, 1), None)
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.affine


def test_average_pooling_leaves_the_padding_out():
    arch = TEMPLATE.format("none", "none", "none", "avg_pool_3x3", "none", "none")
    ones = torch.ones(1, 16, 4, 4)
    assert torch.equal(Cell(parse(arch), 16)(ones), ones)


def test_a_node_adds_up_its_edges():
    arch = TEMPLATE.format(*["skip_connect"] * 6)  # node 1 = x, node 2 = 2x, node 3 = x + x + 2x
    x = torch.arange(16.0).view(1, 1, 4, 4)
    assert torch.equal(Cell(parse(arch), 1)(x), 4 * x)


def test_a_node_without_edges_is_zero():
    x = torch.ones(1, 16, 4, 4)
    assert torch.equal(Cell(("none",) * 6, 16)(x), torch.zeros_like(x))


def test_weights_follow_from_the_seed():
    first, again, other = (NB201.build(SAMPLE[0], 10, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["stem.0.weight"], other["stem.0.weight"])


def test_building_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    NB201.build(SAMPLE[0], 10, seed=1)
    assert torch.equal(torch.get_rng_state(), before)


def test_every_operation_can_be_built():
    with torch.device("meta"):
        for operation in OPERATIONS:
            assert Network((operation,) * 6, 10)(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
