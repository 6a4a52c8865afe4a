import pandas as pd

from zsnas.book.studies.segmentation import kept, longer, unbuilt

RUNS = pd.DataFrame(
    [
        ("a", "mmsegmentation 1", "a_4xb4-80k", 80_000, 40.0, True, "FCN", "R-50"),
        ("a", "mmsegmentation 1", "a_4xb4-160k", 160_000, 41.5, True, "FCN", "R-50"),
        ("a", "mmsegmentation 1", "a_8xb4-80k", 80_000, 10.0, True, "FCN", "R-50"),  # another batch
        ("b", "mmsegmentation 1", "b_4xb4-80k", 80_000, 42.0, True, "PSP", "R-50"),  # one length only
        ("c", "a zoo", "c_4xb4-80k", 80_000, 30.0, True, "FCN", "R-18"),
        ("c", "a zoo", "c_4xb4-160k", 160_000, 90.0, True, "FCN", "R-18"),
        ("d", "mmsegmentation 1", "d", 160_000, 47.9, False, "Mask2Former", "R-50"),
        ("d", "mmsegmentation 1", "d", 160_000, 48.6, False, "Mask2Former", "R-101"),
    ],
    columns=["arch", "source", "model", "iterations", "miou", "is_built", "head", "backbone"],
)


def test_longer_training_alone():
    assert longer(RUNS).to_dict() == {"a": 1.5}


def test_what_is_not_built():
    assert unbuilt(RUNS).to_dict("index") == {
        "Mask2Former": {"Backbones": "R-50, R-101", "Runs": 2, "mIoU": "47.9 to 48.6"}
    }


# x+a and x+b change places with the seed; y+a is above both whatever the seed.
GAPS = pd.DataFrame({"seed 0": [1.0, 2.0, 3.0], "seed 1": [2.0, 1.0, 3.0]}, ["x+a", "x+b", "y+a"])


def test_pairs_that_keep_their_order():
    assert str(kept(GAPS, same_backbone=True)) == "0 of 1"
    assert str(kept(GAPS, same_backbone=False)) == "2 of 2"
