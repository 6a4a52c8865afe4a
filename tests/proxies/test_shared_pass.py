import gc
import weakref

import pytest
import torch
from small_networks import noise, small
from torch import nn

from zsnas.proxies import Passes, Undefined
from zsnas.proxies._passes import _isolated, shared_pass


def counted(result):
    """Return a pass and the list of those that it was made for."""
    made = []

    @shared_pass
    def some_pass(passes):
        made.append(id(passes))
        return result()

    return some_pass, made


def fail():
    raise ValueError("first line\nsecond line")


def test_a_pass_is_made_once_for_each_passes():
    some_pass, made = counted(lambda: torch.rand(3).tolist())
    first, other = Passes(small(), noise()), Passes(small(), noise())
    assert some_pass(first) == some_pass(first) == some_pass(other)
    assert len(made) == 2


def test_the_seed_decides_what_is_drawn_and_the_generator_stays():
    some_pass, _ = counted(lambda: torch.rand(3).tolist())
    before = torch.get_rng_state()
    drawn = [some_pass(Passes(small(), noise(), seed)) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert torch.equal(torch.get_rng_state(), before)


def test_the_generator_of_apple_is_seeded_and_put_back(monkeypatch):
    """A machine without such a device gets one whose state is a number."""
    state = [7]
    monkeypatch.setattr(torch.mps, "get_rng_state", lambda: state[-1])
    monkeypatch.setattr(torch.mps, "set_rng_state", state.append)
    monkeypatch.setattr(torch.mps, "manual_seed", state.append)
    with _isolated(3, torch.device("mps")):
        assert state == [7, 3]
    assert state == [7, 3, 7]


def test_a_pass_that_memory_refused_was_not_measured():
    some_pass, _ = counted(lambda: torch.empty(10**16))
    with pytest.raises(Undefined, match=r"^not measured: some pass pass failed: there is not enough memory$"):
        some_pass(Passes(small(), noise()))


def test_a_failure_is_made_once_and_becomes_a_reason():
    some_pass, made = counted(fail)
    passes = Passes(small(), noise())
    for _ in range(2):
        with pytest.raises(Undefined, match=r"^some pass pass failed: first line$"):
            some_pass(passes)
    assert len(made) == 1


@pytest.mark.parametrize("result", [lambda: 1, fail])
def test_the_passes_are_not_kept_in_memory(result):
    some_pass, _ = counted(result)
    passes = Passes(small(), noise())
    if result is fail:
        with pytest.raises(Undefined):
            some_pass(passes)
    else:
        some_pass(passes)
    kept = weakref.ref(passes)
    del passes
    gc.collect()
    assert kept() is None


def test_batch_statistics_end_with_the_block():
    model = nn.Sequential(nn.BatchNorm2d(1), nn.Dropout()).eval()
    passes = Passes(model, noise())
    with passes.batch_statistics():
        assert [module.training for module in passes.model] == [True, False]
    assert not passes.model[0].training
