import random

import pytest
import torch
import torch._dynamo  # when it is loaded, it looks at functions that a test here replaces

from zsnas.spaces import list_spaces, space


def test_spaces_are_listed_and_found_by_name():
    assert "nb201" in list_spaces()
    assert [space(name).name for name in list_spaces()] == list_spaces()


def test_a_space_is_made_once():
    assert space("nb201") is space("nb201")


def test_an_unknown_space_names_the_nearest_and_where_the_list_is():
    with pytest.raises(
        ValueError, match=r"unknown search space 'nb210'; did you mean 'nb201'\? zsnas\.list_spaces\(\)"
    ):
        space("nb210")


@pytest.mark.parametrize("name", list_spaces())
def test_a_network_is_drawn_without_touching_any_generator_of_a_gpu(name, monkeypatch):
    seeded = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    monkeypatch.setattr(torch.mps, "manual_seed", seeded.append)
    before = torch.get_rng_state()
    space(name).build(space(name).sample(random.Random(0)), 10, seed=0)
    assert not seeded
    assert torch.equal(torch.get_rng_state(), before)


def test_index_is_the_position_among_the_architectures():
    nb201 = space("nb201")
    assert [nb201.index(nb201.architectures[i]) for i in (0, 7, 15_624)] == [0, 7, 15_624]


def test_a_string_outside_the_space_has_no_index():
    with pytest.raises(ValueError, match="'conv' is not an architecture of the search space 'nb201'"):
        space("nb201").index("conv")
