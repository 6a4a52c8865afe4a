"""What the predictors leave open is decided by relative errors, on devices that no page shows."""

import numpy as np
import pandas as pd
import pytest

from zsnas.book.studies import choices, protocols
from zsnas.hardware.help import SEEN, UNSEEN, VALIDATION


def test_milliseconds_of_slow_devices_do_not_count_more():
    """10 % on one device and 30 % on another are 20 %, however slow they are."""
    table = pd.DataFrame(
        {"method": "gcn", "setting": "forwards", "rmse_ms": [0.1, 300.0], "mean_ms": [1.0, 1000.0]}
    )

    assert choices.relative_errors(table).to_dict() == {("gcn", "forwards"): pytest.approx(20)}


def test_nothing_is_chosen_on_a_device_that_is_learned_from_or_shown():
    assert not set(VALIDATION) & {*SEEN, *UNSEEN}


@pytest.fixture
def _learners(monkeypatch):
    """Let a predictor be judged by how it was made and what it learned from."""

    class Learner:
        references = ("reference",)

        def __init__(self, seed, both_ways=None, episodes=None):
            self.made = (seed, both_ways, episodes)
            self.learned = []

        def fit(self, names, _):
            self.learned = [*self.learned, *names]
            return self

        def adapt(self, names, _):
            other = Learner(*self.made)
            other.learned = [*self.learned, *names]
            return other

    def to_learn(seed, devices, first=(), samples=900):
        return [(seed, *devices), *first, samples], np.ones((1, len(devices)))

    def judged(predictor, device, seed):
        return {"made": predictor.made, "learned": predictor.learned, "judged": (device, seed)}

    monkeypatch.setattr(choices, "GCN", Learner)
    monkeypatch.setattr(choices, "HELP", Learner)
    monkeypatch.setattr(protocols, "to_learn", to_learn)
    monkeypatch.setattr(protocols, "judged", judged)


@pytest.mark.usefixtures("_learners")
def test_the_gcn_learns_every_validation_device_with_messages_one_way_and_both_ways():
    assert list(choices.directions(3)) == [
        {"method": "gcn", "setting": setting, "seed": 3, "device": device}
        | {"made": (3, both_ways, None), "learned": [(3, device), 900], "judged": (device, 3)}
        for setting, both_ways in (("forwards", False), ("both ways", True))
        for device in VALIDATION
    ]


@pytest.mark.usefixtures("_learners")
def test_help_learns_the_seen_devices_for_so_many_episodes_and_adapts_with_ten_networks():
    assert list(choices.lengths(3)) == [
        {"method": "help", "setting": f"{episodes} episodes", "seed": 3, "device": device}
        | {"made": (3, None, episodes), "judged": (device, 3)}
        | {"learned": [(3, *SEEN), 900, (3, device), "reference", 10]}
        for episodes in choices.EPISODES
        for device in VALIDATION
    ]


def test_the_committed_table_is_of_every_alternative():
    rows = pd.read_csv(choices.TABLE)[["seed", "method", "setting", "device"]]

    settings = [("gcn", "forwards"), ("gcn", "both ways")]
    settings += [("help", f"{episodes} episodes") for episodes in choices.EPISODES]
    assert list(rows.itertuples(index=False, name=None)) == [
        (seed, *setting, device) for seed in choices.SEEDS for setting in settings for device in VALIDATION
    ]


def test_the_table_is_written_anew_with_all_that_was_found(monkeypatch, tmp_path):
    monkeypatch.setattr(choices, "TABLE", tmp_path / "choices.csv")
    for find in ("directions", "lengths"):
        monkeypatch.setattr(choices, find, lambda seed, find=find: [{"found": f"{find} {seed}"}])
    choices.TABLE.write_text("found\nold\n")

    choices.main()

    found = pd.read_csv(choices.TABLE)["found"]
    assert found.tolist() == ["directions 0", "lengths 0", "directions 1", "lengths 1"]
