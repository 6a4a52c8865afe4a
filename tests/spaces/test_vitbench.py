import re

import pytest
import torch

from zsnas.spaces import space
from zsnas.spaces.vitbench import Block

FORMERS, PITS = space("vitbench-autoformer"), space("vitbench-pit")
FORMER, PIT = "192-m3.5h4-m4h3", "16-m6-d1.2.1-h2.4.4"


@pytest.mark.mirror
def test_the_architectures_are_those_that_were_trained():
    assert len(set(FORMERS.architectures)) == len(FORMERS.architectures) == 200
    assert len(set(PITS.architectures)) == len(PITS.architectures) == 100
    assert PITS.architectures[0] == "16-m6-d2.8.4-h2.4.4"
    for transformers in (FORMERS, PITS):
        assert all(transformers.plan(arch) for arch in transformers.architectures)


def test_a_string_says_what_each_block_is():
    assert FORMERS.plan(FORMER) == ((Block(192, 3.5, 4), Block(192, 4.0, 3)),)
    assert PITS.plan(PIT) == ((Block(32, 6, 2),), (Block(64, 6, 4),) * 2, (Block(64, 6, 4),))
    assert (
        FORMERS.write({"hidden_dim": 192, "mlp_ratio": [3.5, 4.0], "num_heads": [4, 3], "depth": 2}) == FORMER
    )


@pytest.mark.parametrize(
    ("transformers", "arch"),
    [(FORMERS, arch) for arch in ("", "192", "192-m4", "190-m4h3", "192-m4h3-", "0-m4h3")]
    + [(PITS, arch) for arch in ("", "16-m6-d1.2-h2.4", "16-m6-d1.2.1-h2.3.4", "16-m6-d0.2.1-h2.4.4")],
)
def test_a_malformed_string_is_refused(transformers, arch):
    with pytest.raises(ValueError, match=re.escape(f"{arch!r} is not an architecture of")):
        transformers.build(arch, 10, 0)


# By hand: a block has 4 c² + 4 c (attention), 2 c h + h + c (MLP of h) and 4 c (norms).
def block(c, expansion):
    hidden = int(c * expansion)
    return 4 * c * c + 4 * c + 2 * c * hidden + hidden + c + 4 * c


def test_parameters_of_an_autoformer_by_hand():
    c = 192
    around = 768 * c + c + c + 197 * c + 2 * c + c * 100 + 100  # patches, token, positions, norm, classifier
    assert FORMERS.counts(FORMER, 100, 224).params == around + block(c, 3.5) + block(c, 4)


def test_parameters_of_a_pit_by_hand():
    # 27 × 27 positions; from 32 to 64 and from 64 to 64 channels: 3×3 filters, and a layer for the token.
    around = 768 * 32 + 32 + 32 + 27 * 27 * 32 + 2 * 64 + 64 * 100 + 100
    pools = (9 * 64 + 64 + 32 * 64 + 64) + (9 * 64 + 64 + 64 * 64 + 64)
    assert PITS.counts(PIT, 100, 224).params == around + pools + block(32, 6) + 3 * block(64, 6)


# By hand: for n tokens a block multiplies (4 c² + 2 c h) n, and 2 c n² in attention.
def test_macs_of_an_autoformer_by_hand():
    c, n = 192, 197
    blocks = sum((4 * c * c + 2 * c * int(c * expansion)) * n + 2 * c * n * n for expansion in (3.5, 4))
    assert FORMERS.counts(FORMER, 100, 224).macs == 768 * c * 196 + blocks + c * 100


def test_a_batch_is_resized_to_what_the_networks_take():
    import zsnas

    batch = zsnas.Batch.from_arrays(torch.rand(2, 3, 32, 32), torch.tensor([0, 1]), num_classes=2)
    assert PITS.images_for(PIT, batch).images.shape == (2, 3, 224, 224)
    assert PITS.build(PIT, 2, 0)(torch.rand(2, 3, 224, 224)).shape == (2, 2)


def test_every_patch_counts_in_an_autoformer_and_the_token_alone_in_a_pit():
    former, pit = FORMERS.build(FORMER, 2, 0), PITS.build(PIT, 2, 0)
    assert former(torch.rand(1, 3, 224, 224)).shape == (1, 2)
    seen = []
    pit.classifier.register_forward_pre_hook(lambda _m, x: seen.append(x[0].shape))
    pit(torch.rand(1, 3, 224, 224))
    assert seen == [(1, 64)]


def test_weights_follow_the_seed():
    first, again, other = (FORMERS.build(FORMER, 2, seed).classifier.weight for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.std().item() == pytest.approx(0.02, rel=0.15)
