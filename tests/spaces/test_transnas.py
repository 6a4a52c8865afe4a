import json
import re

import numpy as np
import pytest
import torch
from oracles_sizes import macro_parameters, micro_parameters
from torch import nn

from zsnas.batches import Batch, batch
from zsnas.batches.tasks import CLASSIFICATION, TASKS
from zsnas.sources import fetch
from zsnas.spaces import space
from zsnas.spaces._transnas_networks import Cell, FactorizedReduce, Jigsaw, ResidualBlock
from zsnas.spaces.transnas import EDGES, Encoder

MICRO, MACRO = space("transnas-micro"), space("transnas-macro")
ALL_3X3, EMPTY = "64-41414-3_33_333", "64-41414-0_00_000"
RANDOM = np.random.default_rng(0)
SOME_MICRO = [MICRO.architectures[i] for i in RANDOM.choice(4_096, 8, replace=False)]
SOME_MACRO = [MACRO.architectures[i] for i in RANDOM.choice(3_256, 8, replace=False)]


def each(names):
    return pytest.mark.parametrize("task", [TASKS[name] for name in names], ids=list(names))


# --- architectures


def test_there_are_four_operations_to_the_power_of_six_edges():
    assert len(MICRO.architectures) == len(set(MICRO.architectures)) == 4**6 == 4_096
    assert list(MICRO.architectures) == sorted(MICRO.architectures)


# Of m modules, one to three double the channels and, whichever these are, one to four halve the image:
# (4 + 6 + 4) × 15 of four, (5 + 10 + 10) × 30 of five and (6 + 15 + 20) × 56 of six.
def test_macro_architectures_are_counted_by_their_doublings_and_halvings():
    by_length = [sum(len(arch) == 9 + m for arch in MACRO.architectures) for m in (4, 5, 6)]
    assert by_length == [14 * 15, 25 * 30, 41 * 56]
    assert len(MACRO.architectures) == len(set(MACRO.architectures)) == sum(by_length) == 3_256
    assert list(MACRO.architectures) == sorted(MACRO.architectures, key=lambda arch: (len(arch), arch))


@pytest.mark.mirror
def test_micro_architectures_are_those_of_the_benchmark_in_its_order():
    rows = json.loads(fetch("rbflex/transnas-micro/normal").read_bytes())
    assert [arch for arch, _ in rows] == list(MICRO.architectures)


def test_a_micro_string_is_an_operation_for_each_edge():
    found = MICRO.encoder("64-41414-1_02_330")
    assert found == Encoder((4, 1, 4, 1, 4), (1, 0, 2, 3, 3, 0))
    # 1 skip on 0→1; none on 0→2, 1×1 on 1→2; 3×3 on 0→3, 3×3 on 1→3, none on 2→3.
    assert dict(zip(EDGES, found.cell, strict=True)) == {
        (0, 1): 1,
        (0, 2): 0,
        (1, 2): 2,
        (0, 3): 3,
        (1, 3): 3,
        (2, 3): 0,
    }


def test_a_macro_string_is_a_digit_for_each_module():
    assert MACRO.encoder("64-12431-basic") == Encoder((1, 2, 4, 3, 1))


@pytest.mark.parametrize(
    ("space_of", "arch", "why"),
    [
        (MICRO, "", "the form is 64-41414-a_bc_def, each letter an operation: 0 none, 1 skip connection"),
        (MICRO, "64-41414-4_00_000", "the form is 64-41414-a_bc_def"),
        (MICRO, "64-41414-0_00_00", "the form is 64-41414-a_bc_def"),
        (MICRO, "64-14141-0_00_000", "the form is 64-41414-a_bc_def"),
        (MICRO, "64-41414-0_00_000\n", "the form is 64-41414-a_bc_def"),
        (MICRO, "64-41414-basic", "the form is 64-41414-a_bc_def"),
        (MACRO, "", "the form is 64-<modules>-basic, four to six digits 1 to 4"),
        (MACRO, "64-234-basic", "the form is 64-<modules>-basic, four to six digits 1 to 4"),
        (MACRO, "64-2341111-basic", "the form is 64-<modules>-basic, four to six digits 1 to 4"),
        (MACRO, "64-2350-basic", "the form is 64-<modules>-basic, four to six digits 1 to 4"),
        (MACRO, "32-2341-basic", "the form is 64-<modules>-basic, four to six digits 1 to 4"),
        (MACRO, "64-1131-basic", "0 modules (2 or 4) double the channels; there must be one to three"),
        (MACRO, "64-24241-basic", "4 modules (2 or 4) double the channels; there must be one to three"),
        (MACRO, "64-1121-basic", "0 modules (3 or 4) halve the image; there must be one to four"),
        (MACRO, "64-433331-basic", "5 modules (3 or 4) halve the image; there must be one to four"),
    ],
)
@pytest.mark.parametrize("use", ["encoder", "canonical", "build"])
def test_a_malformed_string_says_what_is_wrong(space_of, arch, why, use):
    arguments = {"num_classes": 10, "seed": 0} if use == "build" else {}
    with pytest.raises(ValueError, match=re.escape(why)) as error:
        getattr(space_of, use)(arch, **arguments)
    assert str(error.value).startswith(f"{arch!r} is not an architecture of")


# --- equivalence


@pytest.mark.parametrize(
    ("arch", "canonical"),
    [
        ("64-41414-3_00_100", "64-41414-0_00_100"),  # node 1 leads nowhere
        ("64-41414-0_02_101", "64-41414-0_00_100"),  # node 2 is made of nothing
        ("64-41414-0_00_033", EMPTY),  # nothing reaches the output
        ("64-41414-3_30_333", "64-41414-3_30_333"),  # all of it counts
        ("64-41414-1_20_010", "64-41414-1_00_010"),
    ],
)
def test_operations_that_the_output_does_not_depend_on_are_left_out(arch, canonical):
    assert MICRO.canonical(arch) == canonical


def test_there_are_2128_classes_each_with_a_representative_that_stands_for_itself():
    representatives = {MICRO.canonical(arch) for arch in MICRO.architectures}
    assert len(representatives) == 2_128
    assert all(MICRO.canonical(arch) == arch for arch in representatives)
    assert all(MACRO.canonical(arch) == arch for arch in SOME_MACRO)


def cell(operations, stride=2):
    return Cell(operations, 4, 4, stride).double()


def output(of, weights):
    """Return what a cell with these weights, of which it takes those that it has, makes of noise."""
    of.load_state_dict({name: weights[name] for name in of.state_dict()})
    noise = torch.randn(3, 4, 6, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return of(noise)


def without(operations, edge):
    return tuple(0 if i == edge else operation for i, operation in enumerate(operations))


# In a cell that halves the image and in one that does not; weights are those of the same edges.
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("arch", [*SOME_MICRO, "64-41414-0_31_201", "64-41414-3_12_100", "64-41414-2_03_021"])
def test_the_representative_computes_the_same_and_needs_all_of_its_operations(arch, stride):
    torch.manual_seed(0)
    operations, canonical = MICRO.encoder(arch).cell, MICRO.encoder(MICRO.canonical(arch)).cell
    weights = cell(operations, stride).state_dict()
    expected = output(cell(operations, stride), weights)
    torch.testing.assert_close(output(cell(canonical, stride), weights), expected, rtol=0, atol=0)
    for edge in np.flatnonzero(canonical):
        assert not torch.allclose(output(cell(without(canonical, edge), stride), weights), expected)


# --- networks


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def meta(space_of, arch, task):
    with torch.device("meta"):
        return space_of.build_for_task(arch, task, task.outputs or 10, 0)


@pytest.mark.parametrize("arch", [EMPTY, ALL_3X3, "64-41414-1_11_111", *SOME_MICRO])
def test_micro_encoders_have_the_parameters_counted_by_hand(arch):
    assert parameters(meta(MICRO, arch, CLASSIFICATION)[0]) == micro_parameters(arch)


@pytest.mark.parametrize("arch", ["64-1114-basic", *SOME_MACRO])
def test_macro_encoders_have_the_parameters_counted_by_hand(arch):
    assert parameters(meta(MACRO, arch, CLASSIFICATION)[0]) == macro_parameters(arch)


# By hand: a 3×3 convolution, transposed or not, has 9 weights a pair of channels, a bias and a batch norm.
def decoder(*pairs, outputs):
    inner = sum(9 * a * b + b + 2 * b for a, b in pairs)
    return inner + 9 * pairs[-1][1] * outputs + outputs


SEGMENTATION = [(512, 1024), (1024, 512), (512, 256), (256, 128), (128, 64), (64, 32), (32, 32)]
IMAGE = [
    *[(512, 1024), (1024, 1024), (1024, 512), (512, 512), (512, 256), (256, 128), (128, 64)],
    *[(64, 64), (64, 32), (32, 32), (32, 16), (16, 32), (32, 16)],
]
HEADS = {
    "class_scene": 512 * 47 + 47,
    "class_object": 512 * 75 + 75,
    "room_layout": 512 * 9 + 9,
    "jigsaw": 9 * 512 * 1000 + 1000,
    "segmentsemantic": decoder(*SEGMENTATION, outputs=17),
    "normal": decoder(*IMAGE, outputs=3),
    "autoencoder": decoder(*IMAGE, outputs=3),
}


@each(TASKS)
def test_heads_have_the_parameters_counted_by_hand(task):
    assert parameters(meta(MICRO, EMPTY, task)) - micro_parameters(EMPTY) == HEADS[task.name]


# The encoder divides the side by 2 to the power of 3, 4, 5 and 6; a decoder multiplies it by as much.
@each(["segmentsemantic", "autoencoder"])
@pytest.mark.parametrize("arch", ["64-1114-basic", "64-1143-basic", "64-1433-basic", "64-4333-basic"])
def test_a_decoder_gives_back_the_side_of_the_image(arch, task):
    network = meta(MACRO, arch, task)
    assert network(torch.zeros(2, 3, 128, 128, device="meta")).shape == (2, task.outputs, 128, 128)


def test_modules_have_two_cells_of_which_the_first_changes_the_shape():
    with torch.device("meta"):
        network = meta(MICRO, ALL_3X3, CLASSIFICATION)
        shapes = []
        for module in network[0]:
            module.register_forward_hook(lambda _m, _x, out: shapes.append(tuple(out.shape[1:])))
        network(torch.zeros(2, 3, 256, 256))
    assert shapes == [
        (64, 64, 64),
        *[(128, 32, 32)] * 4,
        *[(256, 16, 16)] * 4,
        *[(512, 8, 8)] * 2,
    ]
    assert [type(module) for module in network[0][1:]] == [Cell] * 10


def test_a_digit_doubles_the_channels_halves_the_image_or_both():
    with torch.device("meta"):
        network = meta(MACRO, "64-1234-basic", CLASSIFICATION)
        shapes = []
        for module in network[0]:
            module.register_forward_hook(lambda _m, _x, out: shapes.append(tuple(out.shape[1:])))
        network(torch.zeros(2, 3, 64, 64))
    stages = [(64, 16, 16), (128, 16, 16), (128, 8, 8), (256, 4, 4)]
    assert shapes == [(64, 16, 16), *[shape for shape in stages for _ in range(2)]]
    assert [type(module) for module in network[0][1:]] == [ResidualBlock] * 8


def test_a_skip_connection_that_halves_takes_every_other_pixel_from_two_grids():
    reduce = FactorizedReduce(1, 2)
    for convolution in reduce.convolutions:
        convolution.weight.data[:] = 1
    x = torch.arange(1.0, 17).view(1, 1, 4, 4) - 2  # -1 is rectified
    reduce.norm = nn.Identity()
    assert reduce(x).tolist() == [[[[0, 1], [7, 9]], [[4, 6], [12, 14]]]]


def test_a_node_adds_up_its_edges():
    skips = Cell((1,) * 6, 1, 1, 1)  # node 1 = x, node 2 = 2x, node 3 = x + x + 2x
    x = torch.arange(16.0).view(1, 1, 4, 4)
    assert torch.equal(skips(x), 4 * x)


@pytest.mark.parametrize(("stride", "side"), [(1, 5), (2, 3)])
def test_a_cell_without_operations_gives_zeros_of_the_right_shape(stride, side):
    assert torch.equal(Cell((0,) * 6, 2, 4, stride)(torch.ones(1, 2, 5, 5)), torch.zeros(1, 4, side, side))


def test_the_tiles_of_a_jigsaw_pass_the_encoder_one_by_one():
    jigsaw = Jigsaw(nn.Conv2d(3, 1, 1), nn.Flatten())
    tiles = torch.randn(2, 9, 3, 1, 1)
    expected = torch.stack([jigsaw.body(tiles[:, i]).flatten() for i in range(9)], dim=1)
    assert torch.equal(jigsaw(tiles.flatten(1, 2)), expected)


# Deviation of He et al.: √(2 / (kernel × channels out)), here 3 × 3 × 512; torch's own is smaller by √6.
def test_the_encoder_is_initialised_as_the_benchmark_does():
    network = MICRO.build(ALL_3X3, 10, seed=0)
    last = network[0][-1].operations["2to3"].op[1].weight
    assert last.std().item() == pytest.approx((2 / (9 * 512)) ** 0.5, rel=0.01)
    assert last.abs().max().item() > 4 * last.std().item()  # normal, not uniform


def test_weights_follow_from_the_seed_and_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    first, again, other = (MICRO.build("64-41414-1_00_202", 10, seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["0.0.0.weight"], other["0.0.0.weight"])
    assert not torch.equal(first["1.2.weight"], other["1.2.weight"])


def test_a_batch_of_classes_gets_a_classifier():
    classes = Batch(torch.zeros(2, 3, 32, 32), torch.arange(2), 6, "zeros")
    for space_of, arch in ((MICRO, EMPTY), (MACRO, "64-1114-basic")):
        assert space_of.build_for(arch, classes, 0)(classes.images).shape == (2, 6)
        assert space_of.build(arch, 6, 0)(classes.images).shape == (2, 6)


@pytest.mark.mirror
@each(TASKS)
@pytest.mark.parametrize(("space_of", "arch"), [(MICRO, "64-41414-1_02_203"), (MACRO, "64-1114-basic")])
def test_a_training_step_for_each_task_lowers_its_loss(space_of, arch, task):
    torch.manual_seed(0)
    images = batch(f"photographs-64/{task.name}", size=4, seed=0)
    network = space_of.build_for(arch, images, seed=0)
    found = network(images.images)
    assert found.shape == ((4, task.outputs, 64, 64) if task.is_dense else (4, task.outputs))
    before = task.loss(found, images.labels)
    before.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
    torch.optim.SGD(network.parameters(), lr=1e-3 / float(gradient_norm(network))).step()
    assert task.loss(network(images.images), images.labels) < before


def gradient_norm(network):
    return torch.stack([p.grad.norm() for p in network.parameters()]).norm()
