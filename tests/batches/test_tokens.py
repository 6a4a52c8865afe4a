import pytest
import torch

import zsnas
from zsnas.batches import tokens


def drawn(*arguments, **settings):
    return zsnas.batch("tokens-128", *arguments, **settings)


def test_sequences_begin_alike_and_are_words():
    batch = drawn(64)
    assert batch.kind == "tokens"
    assert batch.images.shape == (64, 128)
    assert (batch.images[:, 0] == tokens.BEGINNING).all()
    words = batch.images[:, 1:]
    assert words.min() >= tokens.FIRST_WORD
    assert words.max() < tokens.VOCABULARY
    # 8,128 of 29,523 words, drawn evenly: 29,523 · (1 − (1 − 1/29,523)^8128) = 7,105 are different.
    assert len(words.unique()) == pytest.approx(7105, rel=0.02)


def test_labels_are_balanced():
    assert drawn(9).labels.bincount().tolist() in ([4, 5], [5, 4])
    assert drawn(9, images_per_class=5).labels.unique().numel() == 1


def test_a_batch_follows_its_seed():
    first, again, other = drawn(8, 1), drawn(8, 1), drawn(8, 2)
    assert torch.equal(first.images, again.images)
    assert torch.equal(first.labels, again.labels)
    assert not torch.equal(first.images, other.images)
    assert first.source == other.source
    assert first.source.startswith("no text")


def test_a_size_of_nothing_is_refused():
    with pytest.raises(ValueError, match="size is 0; it must be a whole number, at least 1"):
        drawn(0)
