"""Shapes in signatures are checked while tests run, see ``--jaxtyping-packages`` in pyproject.toml."""

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError

from zsnas.batches import targets
from zsnas.hardware import brp_nas


def test_an_array_of_another_shape_is_refused():
    images = np.zeros((2, 3, 12, 12))
    assert targets.shuffle_tiles(images, targets.permutations()[:2]).shape == (2, 27, 4, 4)
    with pytest.raises(TypeCheckError, match="orders"):
        targets.shuffle_tiles(images, targets.permutations()[:3])


def test_a_tensor_of_another_shape_is_refused():
    network = brp_nas.GraphConvolutions(width=5)
    assert network(torch.zeros(4, 9, 8)).shape == (4, 5)
    with pytest.raises(TypeCheckError, match="nodes"):
        network(torch.zeros(4, 8, 9))
