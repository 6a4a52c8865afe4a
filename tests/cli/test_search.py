import pandas as pd
from command_line import run


def test_a_search_writes_its_steps_as_parquet_or_csv(capsys, tmp_path):
    options = [
        "--proxies",
        "flops",
        "--macs",
        "600",
        "--image-size",
        "224",
        "--steps",
        "120",
        "--no-progress",
    ]
    for name in ("steps.parquet", "steps.csv"):
        assert run(capsys, "search", "proxyless", *options, "--output", str(tmp_path / name))[0] == 0

    steps = pd.read_parquet(tmp_path / "steps.parquet")

    assert len(steps) == 120
    assert list(pd.read_csv(tmp_path / "steps.csv")["arch"]) == list(steps["arch"])


def test_the_folder_of_the_output_is_looked_for_before_the_search(capsys, tmp_path):
    options = ("search", "proxyless", "--proxies", "no such proxy, which a search would complain about")
    status, _, errors = run(capsys, *options, "--output", str(tmp_path / "nodir" / "x.csv"))
    assert (status, "there is no folder" in errors) == (2, True)
