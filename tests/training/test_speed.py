import pandas as pd

from zsnas.training import Recipe, speed


def test_networks_are_timed_one_by_one_and_together(monkeypatch):
    monkeypatch.setattr(speed, "TOGETHER", (1, 3))
    table = speed.measured(Recipe(epochs=1, batch_size=512), rounds=1)
    assert list(table["together"]) == [0, 1, 3]
    assert (table["cpu_seconds"] > 0).all()
    assert {"machine", "torch", "zsnas", "threads"} < set(table)


def test_together_takes_less_than_one_by_one_where_it_was_measured():
    table = pd.read_csv(speed.TABLE).set_index("together")["cpu_seconds"]
    assert table[64] < table[8] < table[0]
