import pytest
import torch

from zsnas.spaces import space
from zsnas.spaces._base import Space

DIGITS, NB201 = space("nb201-digits"), space("nb201")
ALL_3X3 = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"


def test_architectures_and_their_classes_are_those_of_nb201():
    assert DIGITS.architectures == NB201.architectures
    assert [DIGITS.canonical(arch) for arch in DIGITS.architectures[:50]] == [
        NB201.canonical(arch) for arch in NB201.architectures[:50]
    ]


def test_a_network_sees_three_by_three_positions_and_tells_digits_apart():
    network = DIGITS.build(ALL_3X3, 10, seed=0)
    images = torch.zeros(2, 3, 8, 8)
    assert network.cell(network.stem(images)).shape == (2, 8, 3, 3)
    assert network(images).shape == (2, 10)


def test_parameters_on_paper():
    # Stem 27·8 + 16, six convolutions of 9·8·8 + 16, the last norm 16, the classifier 9·10.
    assert DIGITS.counts(ALL_3X3, 10, 8).params == 232 + 6 * 592 + 16 + 90


@pytest.mark.parametrize("arch", [*DIGITS.architectures[:5], ALL_3X3])
def test_counts_are_those_of_the_network(arch):
    for side in (8, 9, 10):
        assert DIGITS.counts(arch, 7, side) == Space.counts(DIGITS, arch, 7, side)


def test_weights_follow_the_seed_and_leave_the_global_generator_alone():
    before = torch.get_rng_state()
    first, again, other = (DIGITS.build(ALL_3X3, 10, seed).stem[0].weight for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)
