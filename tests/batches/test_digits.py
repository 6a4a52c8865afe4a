import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits

from zsnas._extras import ExtraMissing
from zsnas.batches import batch, digits, list_batches


def test_the_first_pictures_are_for_training_and_the_last_for_testing():
    loaded = load_digits()
    for part, chosen in ((digits.training(), slice(512)), (digits.test(), slice(797, 1797))):
        assert (part.pixels == loaded.images[chosen, :, :, None]).all()
        assert part.pixels.shape[3] == 3
        assert (part.labels == loaded.target[chosen]).all()


def test_mean_and_deviation_are_of_the_training_pictures():
    grey = digits.training().pixels[..., 0]
    assert (round(grey.mean(), 3), round(grey.std(), 3)) == (digits.MEAN, digits.DEVIATION)


def test_a_batch_is_of_normalised_training_pictures_and_balanced():
    assert "digits" in list_batches()
    found = batch("digits", 40, seed=1)
    known = {image.tobytes() for image in digits.training().pixels.transpose(0, 3, 1, 2)}
    pixels = (found.images.numpy() * digits.DEVIATION + digits.MEAN).round().astype(np.uint8)
    assert {image.tobytes() for image in pixels} < known
    assert np.bincount(found.labels).tolist() == [4] * 10
    assert found.source == "scikit-learn's digits: training images, class-balanced, of the first 512"


def test_without_scikit_learn_a_sentence_says_what_to_install(monkeypatch):
    digits.training.cache_clear()
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ExtraMissing, match=r"the batch 'digits' needs .* pip install 'zsnas\[book\]'"):
        digits.training()
