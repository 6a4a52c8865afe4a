"""What a user does in the first hour: forty commands and snippets, with what they answer.

The networks are small enough to count by hand: a convolution from 3 to 8 channels has 8 · (3 · 9 + 1) = 224
parameters, its batch norm 16, and a linear layer from 8 to 3 classes 27: 267. On 32 × 32 pixels the
convolution needs 3 · 9 · 8 · 1024 = 221,184 multiply-accumulates and the linear layer 24. With 32 channels
there are 896 + 64 + 99 = 1,059 parameters.
"""

import html
import json
import os
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from command_line import run
from PIL import Image
from scipy.stats import kendalltau
from small_networks import noise, small
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import zsnas
from zsnas import ranking
from zsnas._version import __version__
from zsnas.scores import table as score_table
from zsnas.scores.table import stored

# Where the mirror is not, patches of photographs do as well.
pytestmark = pytest.mark.filterwarnings("ignore::zsnas.batches.FallbackImages")

PARAMS, WIDE_PARAMS, MACS = 267, 1059, 221_208

NETWORKS = """
from torch import nn

def small(num_classes, width=8):
    return nn.Sequential(
        nn.Conv2d(3, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, num_classes),
    )

def wide(num_classes):
    return small(num_classes, 32)

class Reader(nn.Module):
    def __init__(self, num_classes, width=4):
        super().__init__()
        self.words, self.cells = nn.Embedding(10, width), nn.GRU(width, 4, batch_first=True)
        self.head = nn.Linear(4, num_classes)

    def forward(self, tokens):
        return self.head(self.cells(self.words(tokens))[0][:, -1])

def reader(num_classes):
    return Reader(num_classes)

def wide_reader(num_classes):
    return Reader(num_classes, 8)

def line(num_classes):
    return nn.Sequential(
        nn.Conv1d(2, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(4, num_classes)
    )

def broken(num_classes):
    raise RuntimeError("no weights")

def nothing():
    return 3

def quits(num_classes):
    raise SystemExit(3)

kept = nn.Flatten()
"""

PROXY = """
import zsnas

@zsnas.register(label="Mine", higher_is_better=True, kind="gradient-free", target=())
def mine(passes):
    return passes.seed + 41

@zsnas.register(label="Ill", higher_is_better=True, kind="gradient-free", target=())
def ill(passes):
    raise KeyError("a mistake")
"""

ROWS = """
import zsnas

@zsnas.register(label="Rows", higher_is_better=True, kind="gradient-free", target=())
def rows(passes):
    return passes.images.sum((1, 2, 3))
"""


QUITS = """
import sys, zsnas

@zsnas.register(label="Quits", higher_is_better=True, kind="gradient-free", target=())
def quits(passes):
    sys.exit(5)
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Make a user's folder: networks, a proxy, twelve photographs of three kinds, and the same as arrays."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "nets.py").write_text(NETWORKS)
    (folder / "mine.py").write_text(PROXY)
    (folder / "rows.py").write_text(ROWS)
    (folder / "quits.py").write_text(QUITS)
    (folder / "script.py").write_text("import sys\nsys.exit('bye')\n")
    (folder / "slip.py").write_text("def small(:\n")
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (12, 32, 32, 3), dtype=np.uint8)
    for k, image in enumerate(pixels):
        place = folder / "photos" / "abc"[k % 3]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{k}.png")
    np.savez(folder / "mine.npz", x=pixels, y=np.arange(12) % 3)
    np.savez(folder / "texts.npz", x=rng.integers(0, 10, (12, 7)), y=np.arange(12) % 3)
    series = rng.standard_normal((12, 2, 9)).astype(np.float32)
    np.savez(folder / "series.npz", x=series, y=np.arange(12) % 3, kind="series")
    np.savez(folder / "words.npz", x=np.array(["a", "b"]), y=[0, 1])
    np.savez(folder / "objects.npz", x=np.array([None, None]), y=[0, 1])
    np.savez(folder / "none.npz", x=pixels[:0], y=[])
    np.savez(folder / "classes.npz", x=pixels, y=np.arange(12) % 3, num_classes=[3, 3])
    with (folder / "array.npz").open("wb") as file:
        np.save(file, pixels)
    for name in ("nothing.npz", "nothing.sqlite", "nothing.parquet"):
        (folder / name).touch()
    (folder / "empty").mkdir()
    (folder / "taken.csv").mkdir()
    return folder


@pytest.fixture
def at_home(home, monkeypatch, own_names):  # noqa: ARG001 - a fixture
    monkeypatch.chdir(home)
    monkeypatch.syspath_prepend(str(home))
    return home


BATCH = "--batch mine.npz --size 6"
TEXTS = "--batch texts.npz --size 6"
OF_TEXTS = "--batch texts.npz --batch-size 6"
RANKED = f"rank nets:small nets:wide {BATCH} --seeds 0,1 --store rank.sqlite"
SWEPT = "sweep nb201-analog/cifar10 --proxies params --limit 12 --no-progress --store swept.sqlite"

# A command, its exit status, and what must be in its output or, if it fails, in its one line of complaint.
COMMANDS = [
    # Look around.
    ("--version", 0, f"zsnas {re.escape(__version__)}"),
    ("proxies *flow*", 0, r"synflow_log +\S+ .*tanaka2020"),
    ("proxies default", 0, r"(?s)flops .*zen_score "),
    ("proxies --kind naive", 0, r"params +#Params +higher +naive"),
    ("benchmarks nb201-analog/*", 0, r"nb201-analog/cifar10 +AnalogNASBench|AnalogNAS-Bench"),
    ("spaces nb2*", 0, "^nb201$"),
    ("batches cifar*", 0, "^cifar10\ncifar100$"),
    ("models timm:resnet18", 0, "^timm:resnet18$"),
    ("data list freerea/cifar10/params", 0, "freerea/cifar10/params"),
    # Score.
    (f"score nets:small {BATCH} --proxies params,flops", 0, rf"params +{PARAMS} .*\nflops +{MACS} "),
    (f"score nets:small {BATCH} --proxies params,flops", 0, "flops are multiply-accumulates"),
    (f"score nets:small {BATCH}", 0, r"zen_score +[\d.]+ "),
    (f"score nets:small {BATCH} --proxies *flow*", 0, r"synflow_printed +[\d.e+-]+ "),
    (f"score nets:small {BATCH} --proxies params --proxy-file mine.py", 0, rf"params +{PARAMS} "),
    (f"score nets:small {BATCH} --proxies mine --proxy-file mine.py --seed 1", 0, "mine +42 "),
    (
        f"score nets:small {BATCH} --proxies params --csv",
        0,
        rf"^proxy,value,reason,.*\nparams,{PARAMS}.0,",
    ),
    ("score nets:small --batch photos/ --size 6 --proxies params", 0, "images of the folder 'photos/'"),
    (f"score nets:small {BATCH} --proxies params", 0, r"peak memory: \d"),
    # Text and series. Parameters: 10 words of 4, 3 gates of 4 · (4 + 4 + 2), a head of 15. Products: of 3
    # gates 4 · (4 + 4) for each of 7 tokens, and 12 of the head.
    (
        f"score nets:reader {TEXTS} --proxies params,flops",
        0,
        rf"params +{40 + 120 + 15} .*\nflops +{672 + 12} ",
    ),
    (f"score nets:reader {TEXTS}", 0, r"(?s)6×7: tokens of the file.*naswot +nan .*ReLU"),
    (f"rank nets:reader nets:wide_reader {TEXTS} --proxies l2_norm,params", 0, "nets:wide_reader +1 "),
    (
        "score nets:line --batch series.npz --size 6",
        0,
        r"(?s)6×2×9: series of the file.*zen_score +-?[\d.]+ ",
    ),
    (f"score nets:small {TEXTS}", 2, "nets:small does not classify the tokens of this batch"),
    (f"score nets:reader {TEXTS} --input-size 64", 2, "holds tokens, which are not resized"),
    # Rank.
    (
        f"rank nets:small nets:wide {BATCH} --proxies params --workers 2",
        0,
        r"nets:wide +1 +1\nnets:small +2 +2",
    ),
    (f"rank nets:small nets:wide {BATCH} --proxies params", 0, r"nets:wide +1 +1\nnets:small +2 +2"),
    (
        f"rank nets:small nets:wide {BATCH} --seeds 0,1 --store rank.sqlite",
        0,
        rf"params +{WIDE_PARAMS} ± 0 +{PARAMS} ± 0",
    ),
    (f"rank nets:small nets:wide {BATCH} --proxies params --plot ranks.svg", 0, "drawn in ranks.svg"),
    # Sweep, read, correlate.
    (SWEPT, 0, r"(?s)proxy +KT all.*params +.*scores are in swept.sqlite"),
    ("scores swept.sqlite", 0, r"nb201-analog/cifar10: 12 architectures, seeds 0"),
    ("scores swept.sqlite --csv", 0, r"^arch,seed,batch_size,seconds,params,reasons\n"),
    ("correlate swept.sqlite", 0, r"params +-?[\d.]+ \["),
    ("latency nets:small --input-size 8", 0, r"nets:small, 1 × 3 × 8 × 8, cpu: [\d.]+ ms"),
    ("latency nets:reader --batch texts.npz --size 2", 0, r"nets:reader, 2 × 7, cpu: [\d.]+ ms"),
    ("latency nets:line --batch series.npz --size 2", 0, r"nets:line, 2 × 2 × 9, cpu: [\d.]+ ms"),
    # Mistakes: one sentence with the next step.
    ("latency nets:reader", 2, "nets:reader does not take 1 × 3 × 32 × 32: .*an .npz file of tokens"),
    (f"score nets:small {BATCH} --proxies synflw", 2, "did you mean 'synflow'. `zsnas proxies` names all"),
    ("score nets:small --batch cifar", 2, "unknown batch 'cifar'.*`zsnas batches` names all"),
    ("score nets:small --batch empty/", 2, "'empty' has no sub-folder with images"),
    ("score nets:small --batch no.npz", 2, "there is no file 'no.npz'; numpy.savez"),
    ("score nets:small --batch words.npz", 2, r"x in 'words.npz' has the shape \(2,\) and the type <U1"),
    ("score nets:small --batch none.npz", 2, r"x in 'none.npz' has the shape \(0, 32, 32, 3\)"),
    ("score nets:small --batch classes.npz", 2, "num_classes in 'classes.npz' is .*one whole number"),
    *(
        (f"score nets:small --batch {name}.npz", 2, f"'{name}.npz' is no .npz file of numbers; numpy.savez")
        for name in ("objects", "array", "nothing")
    ),
    ("score nets:small --batch mine.npz", 2, "'mine.npz' has 12 images, not 64; --size 12 takes them all"),
    (
        "search nb201 --proxies params --batch mine.npz --batch-size 40",
        2,
        "has 12 images, not 40; --batch-size 12 takes them all",
    ),
    ("score nets:small --batch mine.npy", 2, "unknown batch 'mine.npy'.*; a folder .*, or an .npz file, is"),
    (
        f"search nb201 --proxies params {OF_TEXTS}",
        2,
        "'nb201' do not take the tokens of this batch, 7 .*choose",
    ),
    (f"score nets.py:small {BATCH} --proxies params", 0, rf"params +{PARAMS} "),
    (f"score ./nets.py:small {BATCH} --proxies params", 0, rf"params +{PARAMS} "),
    (f"score no/nets.py:small {BATCH}", 2, "there is no Python file 'no/nets.py'"),
    (f"score nets:kept {BATCH}", 2, "nets:kept is a network, .*give a function or a class that returns one"),
    (f"score nets:quits {BATCH}", 2, "nets:quits raised SystemExit: 3 .*correct it"),
    (f"score script:small {BATCH}", 2, "script cannot be imported .*SystemExit: bye .*__main__"),
    (f"score script.py:small {BATCH}", 2, "script.py.*SystemExit: bye"),
    (f"score nets:small {BATCH} --load script.py", 2, "script.py, line 2, ended the program .*__main__"),
    (f"score slip:small {BATCH}", 2, "slip cannot be imported .*SyntaxError.*slip.py, line 1"),
    (f"rank nets:small nets:wide {BATCH} --proxy-file mine.py --proxies mine", 0, "(?s)nets:small.*mine +41"),
    (f"rank nets:small nets:wide {BATCH} --proxy-file mine.py", 0, "(?s)synflow.*mine +41"),
    # Options that have no effect, and families of benchmarks.
    (f"score nets:small {BATCH} --csv --json", 2, "--csv and --json cannot both take the place of the table"),
    (
        "sweep nb201-analog/cifar10 --limit 1 --top-limit 3",
        2,
        "--top-limit is of the fraction .*leave it out",
    ),
    ("sweep nb201-analog/cifar10 --dask d.json --workers 2", 2, "--workers is of this machine"),
    ("scores nb201/cifar10 --keep-first", 2, "--keep-first is for stores behind the word merge"),
    ("latency nets:small --limit 3", 2, "--limit is for a benchmark or kernels, not for a network"),
    ("latency nets:small --size 3", 2, "--size is of a batch that --batch names"),
    ("latency nb201/cifar10 --batch 3", 2, "--batch is for a network, not for 'nb201/cifar10'"),
    ("latency kernels --scored", 2, "--scored is for a benchmark, not for kernels"),
    ("latency kernels --limit 1 --table nothing.parquet", 2, "nothing.parquet holds no table of latencies"),
    *(
        (f"{command} nb201", 2, "'nb201' stands for nb201/cifar10, nb201/cifar100, .*; name one of them")
        for command in ("sweep", "scores", "correlate", "latency")
    ),
    ("course nowhere", 2, "there is no folder 'nowhere'; give the one with the JSON files of the class"),
    ("course empty --output board.pdf", 2, "'board.pdf' does not end in .html or .htm"),
    ("scores nothing.sqlite", 2, "nothing.sqlite holds no scores; `zsnas sweep` makes a store"),
    (f"score nets:broken {BATCH}", 2, "nets:broken raised RuntimeError: no weights .*nets.py, line"),
    (f"score nets:nothing {BATCH}", 2, "nets:nothing returned int, not a torch.nn.Module"),
    (
        f"score nets:smal {BATCH}",
        2,
        "no function 'smal'; it has small, wide, Reader, reader",
    ),
    (f"score resnet18 {BATCH}", 2, "did you mean timm:resnet18"),
    (f"score nets:small {BATCH} --dtype half", 2, "unknown dtype 'half'; valid are float32, float64"),
    ("sweep nb201/cifar1000", 2, "did you mean 'nb201/cifar100'. `zsnas benchmarks` names all"),
    ("scores no.sqlite", 2, "there is no store 'no.sqlite'; `zsnas sweep` makes one"),
    ("scores rank.sqlite", 2, "rank.sqlite holds scores of 'a ranking'.*`zsnas rank`"),
    # Every file that a command writes says by its name what is in it.
    (
        "search nb201 --proxies params --output steps.xls",
        2,
        "does not end in .csv or .parquet, as",
    ),
    ("search nb201 --proxies params --output no/steps.csv", 2, "there is no folder 'no' for the history"),
    ("search nb201 --proxies params --checkpoint steps.txt", 2, "does not end in .jsonl, as the checkpoint"),
    (f"rank nets:small {BATCH} --store ranks.csv", 2, "'ranks.csv' does not end in .sqlite, .sqlite3 or .db"),
    (f"rank nets:small {BATCH} --plot ranks.gif", 2, "does not end in .svg, .png or .pdf, as a figure does"),
    (f"rank nets:small {BATCH} --plot photos", 2, "does not end in .svg, .png or .pdf"),
    (
        "sweep nb201-analog/cifar10 --limit 1 --store out.parquet",
        2,
        "does not end in .sqlite, .sqlite3 or .db",
    ),
    (
        "latency nb201/cifar10 --limit 1 --table times.csv",
        2,
        "does not end in .parquet, as a table",
    ),
    (
        "evaluate mine.py --output mine.pdf",
        2,
        "does not end in .html, .htm or .json",
    ),
    (f"score nets:small {BATCH} --csv no/out.csv", 2, "there is no folder 'no'"),
    (f"score nets:small {BATCH} --csv taken.csv", 2, "'taken.csv' is a folder; give a result the name of"),
    (f"score nets:small {BATCH} --json out.csv", 2, "'out.csv' does not end in .json"),
    ("correlate swept.sqlite --csv out.json", 2, "'out.json' does not end in .csv"),
    *((f"{lists} zzz*", 2, "'zzz\\*'") for lists in ("proxies", "benchmarks", "spaces", "batches", "models")),
]


@pytest.mark.parametrize(("command", "status", "expected"), COMMANDS, ids=lambda value: str(value)[:60])
@pytest.mark.usefixtures("at_home")
def test_command(command, status, expected, capsys):
    if command.startswith(("scores swept", "correlate swept")):
        assert run(capsys, *SWEPT.split())[0] == 0
    if command == "scores rank.sqlite":
        assert run(capsys, *RANKED.split())[0] == 0
    found, output, errors = run(capsys, *command.split())
    assert found == status, errors
    if status:
        assert output == ""
        assert errors.count("\n") == 1
    assert re.search(expected, errors if status else output, re.MULTILINE)


@pytest.mark.usefixtures("at_home")
def test_json_is_nothing_but_json(capsys):
    command = "score nets:small --batch mine.npz --size 6 --proxies params,nngp_filter --json"
    status, output, _ = run(capsys, *command.split())
    found = json.loads(output)
    assert status == 0
    assert found["classes"] == 3
    assert found["scores"][0]["value"] == PARAMS
    assert found["scores"][1]["value"] is None
    assert found["scores"][1]["reason"]


@pytest.mark.usefixtures("at_home")
def test_correlations_of_a_store_are_those_of_its_scores(capsys):
    assert run(capsys, *SWEPT.split())[0] == 0
    output = run(capsys, *["correlate", "swept.sqlite", "--json", "--resamples", "20", "--no-progress"])[1]
    found = pd.DataFrame(json.loads(output)["correlations"])
    bench = zsnas.benchmark("nb201-analog/cifar10")
    scored = bench.table.merge(stored("swept.sqlite")[["arch", "params"]], on="arch")
    tau = kendalltau(scored["params"], scored[bench.metric]).statistic
    chosen = found[(found["statistic"] == "KT") & (found["subset"] == "all")]
    assert chosen["value"].item() == pytest.approx(tau)
    assert chosen["low"].item() <= tau <= chosen["high"].item()


@pytest.mark.usefixtures("at_home")
def test_a_store_without_scores_has_no_correlations(capsys):
    zsnas.sweep("nb201-analog/cifar10", proxies=["params"], limit=0, store="bare.sqlite", progress=False)
    status, output, errors = run(capsys, "correlate", "bare.sqlite")
    assert (status, output) == (2, "")
    assert errors == "zsnas: there are no scores yet; `zsnas sweep` with the same store computes them\n"


@pytest.mark.usefixtures("at_home")
def test_an_installed_package_is_not_written_to(capsys, monkeypatch):
    monkeypatch.setattr(score_table, "IN_REPOSITORY", False)
    status, _, errors = run(capsys, *SWEPT.split(), "--publish")
    assert status == 2
    assert (
        "this package is installed; `zsnas scores STORE --csv FILE.csv` writes them where you like" in errors
    )


def test_python_m_zsnas():
    command = [sys.executable, "-m", "zsnas", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"zsnas {__version__}\n"


def test_a_shell_completes_commands(tmp_path):
    typed = {"COMP_LINE": "zsnas la", "COMP_POINT": "8", "_ARGCOMPLETE": "1", "_ARGCOMPLETE_IFS": "\n"}
    command = [sys.executable, "-m", "zsnas"]
    found = tmp_path / "completions"  # where argcomplete writes instead of descriptor 8
    environment = os.environ | typed | {"_ARGCOMPLETE_STDOUT_FILENAME": str(found)}
    subprocess.run(command, env=environment, check=True)
    assert found.read_text().strip() == "latency"


@pytest.mark.usefixtures("at_home")
def test_ranking_resumes_and_refuses_another_network_of_the_name(monkeypatch):
    import nets

    settings = {"batch": "mine.npz", "proxies": ["params", "l2_norm"], "size": 6, "store": "resumed.sqlite"}
    first = zsnas.rank({"mine": nets.small}, seeds=0, **settings)
    measured = []
    ranking = sys.modules["zsnas.ranking"]
    measure = ranking.measure
    monkeypatch.setattr(ranking, "measure", lambda *a: measured.append(a[3]) or measure(*a))
    again = zsnas.rank({"mine": nets.small}, seeds=[0, 1], **settings)
    assert measured == [1]
    assert first["params", "score"].iloc[0] == again["params", "score"].iloc[0] == PARAMS
    with pytest.raises(ValueError, match="holds scores of another network under the name 'mine'"):
        zsnas.rank({"mine": nets.wide}, seeds=0, **settings)


@pytest.mark.usefixtures("at_home")
@pytest.mark.parametrize(
    ("store", "message"),
    [
        (None, "stopped: nothing is kept; with a store=FILE.sqlite, the same call would resume"),
        ("new.sqlite", "stopped: nothing is scored yet; the same call begins again"),
        ("old.sqlite", "stopped: what is scored is in old.sqlite; the same call resumes"),
    ],
)
def test_a_ranking_that_is_stopped_while_it_prepares_says_what_is_kept(store, message, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    zsnas.rank({"a": small()}, noise(), "params", store="old.sqlite")
    monkeypatch.setattr(ranking, "_fitted", stop)
    with pytest.raises(KeyboardInterrupt, match=message):
        zsnas.rank({"a": small()}, noise(), "params", store=store)


@pytest.mark.usefixtures("at_home")
def test_rank_is_a_table_that_draws_itself():
    import nets

    table = zsnas.rank([nets.small, nets.wide], "mine.npz", ["params", "l2_norm"], seeds=[0, 1], size=6)
    assert isinstance(table, pd.DataFrame)
    assert list(table.index) == ["wide", "small"]
    assert table["params"].loc["small"].tolist() == [PARAMS, 0, 2]
    norms = [
        zsnas.score(zsnas.models.network_of(nets.small, 3, seed), zsnas.batch("mine.npz", 6, seed), "l2_norm")
        for seed in (0, 1)
    ]
    both = np.array([found["l2_norm"] for found in norms])
    assert table.loc["small", ("l2_norm", "score")] == pytest.approx(both.mean())
    assert table.loc["small", ("l2_norm", "deviation")] == pytest.approx(abs(both[0] - both[1]) / 2**0.5)
    assert [text.get_text() for text in table.plot().axes[0].get_yticklabels()] == ["wide", "small"]


def test_networks_without_a_score_are_tied_behind_the_others():
    batch = zsnas.Batch(torch.randn(4, 3, 8, 8), torch.tensor([0, 1, 0, 1]), 2, "noise")
    with_relu, without = (
        nn.Sequential(nn.Conv2d(3, 2, 1), *middle, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        for middle in ([nn.ReLU()], [])
    )
    models = {"line": without, "relu": with_relu, "line again": without}
    table = zsnas.rank(models, batch, "naswot")
    assert table["all", "rank"].to_dict() == {"relu": 1, "line": 2.5, "line again": 2.5}
    assert table["naswot", "rank"].isna().tolist() == [False, True, True]
    assert set(table.attrs["reasons"]) == set(models)


def test_measure_has_a_table_with_named_rows():
    batch = zsnas.Batch(torch.randn(4, 3, 8, 8), torch.tensor([0, 1, 0, 1]), 2, "noise")
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 2))
    measured = zsnas.measure(model, batch, ["params", "naswot"])
    assert list(measured.table.index) == ["params", "naswot"]
    assert measured.table.loc["params", "value"] == measured["params"].value == 386
    assert measured.table.loc["naswot", "reason"]
    assert "<th>naswot</th>" in measured._repr_html_()


@pytest.mark.usefixtures("at_home")
def test_names_of_proxies_may_be_wildcards():
    batch = zsnas.batch("mine.npz", 6)
    model = zsnas.models.model("nets:small", 3, 0)
    assert list(zsnas.score(model, batch, "l2*")) == ["l2_norm"]
    assert set(zsnas.score(model, batch, "default")) == set(zsnas.proxies.DEFAULT)


@pytest.mark.usefixtures("at_home", "own_register")
@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("mine.py", "ill failed on .*: it raised KeyError"),
        ("rows.py", "rows failed on .*: it returned"),
        ("quits.py", "quits failed on .*: it raised SystemExit: 5"),
    ],
)
def test_evaluation_gives_up_a_proxy_that_fails_from_the_start(file, reason, capsys):
    command = f"evaluate {file} --benchmarks nb201-analog/cifar10 --batch-size 2 --no-progress"
    status, _, errors = run(capsys, *command.split())
    assert status == 2
    assert re.search(reason.replace(".*", "each of the first 3 networks of nb201-analog/cifar10"), errors)


# Batches of one's own.


def test_whole_numbers_are_tokens_and_series_are_stated():
    tokens = zsnas.Batch.from_arrays([[1, 2, 3], [4, 5, 6]], [0, 1])
    series = zsnas.Batch.from_arrays(np.ones((2, 5, 4)), [0, 1], kind="series")
    assert repr(tokens) == "Batch(2 sequences of 3 tokens, 2 classes: arrays of one's own)"
    assert repr(series) == "Batch(2 series 5×4, 2 classes: arrays of one's own)"
    assert (tokens.kind, series.kind) == ("tokens", "series")
    assert zsnas.Batch.from_arrays(np.ones((2, 5, 4)), [0, 1]).images.shape == (2, 1, 5, 4)  # grey images
    assert tokens.to("cpu").images.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert tokens._repr_html_() == f"<figure><figcaption>{html.escape(repr(tokens))}</figcaption></figure>"


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        ([[-1, 2]], None, "a batch of tokens holds -1; they are places in an embedding, from 0"),
        ([[0.5, 2]], "tokens", "the type torch.float64; they must be whole numbers"),
        ([[0.5, 2]], "series", r"series of the shape \(1, 2\); they must be \(batch, length, features\)"),
        ([[0.5, 2]], None, r"tokens whole numbers \(batch, length\)"),
        ([[1, 2]], "words", "unknown kind of a batch 'words'; valid are images, series, tokens"),
    ],
)
def test_what_is_no_sequence_is_refused(given, kind, message):
    with pytest.raises(ValueError, match=message):
        zsnas.Batch.from_arrays(given, [0], kind=kind)


def test_a_loader_of_tokens_is_one_of_images_too():
    tokens = torch.arange(12).reshape(4, 3)
    loader = DataLoader(TensorDataset(tokens, torch.tensor([0, 1, 0, 1])), batch_size=2)
    batch = zsnas.Batch.from_loader(loader, 3)
    assert batch.images.tolist() == tokens[:3].tolist()
    assert batch.source == "the first tokens of a loader of TensorDataset"


def test_sequences_have_no_mirror_images(home):
    with pytest.raises(ValueError, match=r"cannot have 5 images of a class: the smallest class has 4$"):
        zsnas.batch(str(home / "texts.npz"), 12, images_per_class=5)


def test_a_space_of_texts_is_searched(own_names):  # noqa: ARG001 - a fixture
    class Widths(zsnas.Space):
        name = "readers"
        architectures = ("2", "4", "8")

        def build(self, arch, num_classes, seed):  # noqa: ARG002
            return nn.Sequential(nn.EmbeddingBag(10, int(arch)), nn.Linear(int(arch), num_classes))

    def words(size, seed, images_per_class):
        drawn = torch.Generator().manual_seed(seed)
        tokens = torch.randint(10, (size, 5), generator=drawn)
        return zsnas.Batch(tokens, torch.arange(size) // images_per_class % 2, 2, "words")

    zsnas.register_space(Widths())
    zsnas.register_batch("words", words)
    settings = {"proxies": "params", "algorithm": "random", "steps": 6, "progress": False}
    settings |= {"batch_name": "words", "batch_size": 4}
    assert zsnas.search("readers", **settings).arch == "8"
    # A linear layer from 4 to 2 takes 8 products, one from 8 takes 16.
    assert zsnas.search("readers", **settings, macs=8).arch == "4"


def test_bytes_are_normalised_as_imagenet_is():
    batch = zsnas.Batch.from_arrays(np.full((2, 5, 4, 3), 255, np.uint8), [0, 1])
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    assert batch.images.shape == (2, 3, 5, 4)
    assert batch.images[1, :, 2, 3].tolist() == pytest.approx((1 - mean) / deviation)
    assert (batch.num_classes, len(batch)) == (2, 2)


def test_grey_bytes_need_a_mean():
    grey = np.full((2, 5, 4), 51, np.uint8)
    with pytest.raises(ValueError, match="pixels of 1 channels; give mean= and deviation="):
        zsnas.Batch.from_arrays(grey, [0, 1])
    batch = zsnas.Batch.from_arrays(grey, [0, 1], mean=[0.1], deviation=[0.5])
    assert batch.images.shape == (2, 1, 5, 4)
    assert batch.images.unique().tolist() == pytest.approx([0.2])


@pytest.mark.parametrize(("size", "step"), [(5, 2), (2, 4)])
def test_a_loader_gives_its_first_images(size, step):
    images, labels = torch.randn(6, 3, 4, 4), torch.tensor([0, 1, 2, 0, 1, 2])
    batch = zsnas.Batch.from_loader(DataLoader(TensorDataset(images, labels), batch_size=step), size)
    assert torch.equal(batch.images, images[:size])
    assert batch.labels.tolist() == labels[:size].tolist()


def test_a_data_set_of_single_images_is_a_loader_too():
    pixels = np.random.default_rng(0).integers(0, 256, (3, 4, 4, 3), dtype=np.uint8)
    batch = zsnas.Batch.from_loader([(Image.fromarray(image), k) for k, image in enumerate(pixels)], 3)
    assert torch.equal(batch.images, zsnas.Batch.from_arrays(pixels, [0, 1, 2]).images)


def test_a_loader_that_is_too_short_says_so():
    with pytest.raises(ValueError, match="the loader has 2 images, not 64; ask for a size up to 2"):
        zsnas.Batch.from_loader([(torch.randn(2, 3, 4, 4), torch.tensor([0, 1]))])


def test_a_folder_is_balanced_and_drawn_from_the_seed(home):
    batch = zsnas.Batch.from_folder(home / "photos", 6, seed=1)
    again, other = (zsnas.Batch.from_folder(home / "photos", 6, seed=seed) for seed in (1, 2))
    assert batch.labels.bincount().tolist() == [2, 2, 2]
    assert torch.equal(batch.images, again.images)
    assert not torch.equal(batch.images, other.images)


def test_a_folder_and_its_arrays_are_the_same_images(home):
    folder, arrays = zsnas.batch(str(home / "photos"), 12), zsnas.batch(str(home / "mine.npz"), 12)
    of_folder, of_arrays = (
        sorted(zip(found.images.double().sum((1, 2, 3)).tolist(), found.labels.tolist(), strict=True))
        for found in (folder, arrays)
    )
    assert [label for _, label in of_folder] == [label for _, label in of_arrays]
    assert [total for total, _ in of_folder] == pytest.approx([total for total, _ in of_arrays])


def test_classes_of_ones_own_images_have_several_when_asked(home):
    batch = zsnas.batch(str(home / "mine.npz"), 6, images_per_class=3)
    assert sorted(batch.labels.bincount(minlength=3).tolist()) == [0, 3, 3]
    with pytest.raises(ValueError, match="cannot have 9 images of a class"):
        zsnas.batch(str(home / "mine.npz"), 12, images_per_class=9)


def test_a_batch_is_one_line_and_a_picture():
    batch = zsnas.Batch(torch.randn(4, 3, 8, 8), torch.tensor([0, 1, 0, 1]), 2, "noise")
    assert repr(batch) == "Batch(4 images 3×8×8, 2 classes: noise)"
    assert batch._repr_html_().startswith('<figure><img alt="the first 4 images"')
    assert batch.to("cpu").images.device.type == "cpu"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("regression", "mse"), "outputs of the task 'regression' is 'mse'; it must be a whole number"),
        (("ages", 1, "round"), "unknown head of the task 'ages': 'round'; valid are linear, jigsaw"),
        (
            ("ages", 1, "linear", "mse"),
            "unknown criterion of the task 'ages': 'mse'; valid are cross_entropy",
        ),
        (("", 1), "the name of a task is ''; it must be text"),
    ],
)
def test_nonsense_is_no_task(arguments, message):
    with pytest.raises(ValueError, match=message):
        zsnas.Task(*arguments)


def test_a_regression_is_scored_by_its_own_loss():
    task = zsnas.Task("position", 2, criterion="mse_loss")
    batch = zsnas.Batch.from_arrays(
        np.ones((3, 1, 1, 2), np.float32), np.zeros((3, 2), np.float32), task=task
    )
    linear = nn.Linear(2, 2, bias=False)
    linear.weight.data = torch.eye(2)
    # The loss is the mean of six squares of outputs that are 1: 2/6 by each output, of three images with
    # inputs 1, so that the gradient is 1 for each of the four weights.
    found = zsnas.score(nn.Sequential(nn.Flatten(), linear), batch, "grad_norm")
    assert found["grad_norm"] == pytest.approx(2)


# In a notebook.


def test_rooms_are_tables():
    assert zsnas.proxies("snip").loc["snip", "label"] == "SNIP"
    assert zsnas.proxies().index.tolist() == zsnas.list_proxies()
    assert zsnas.benchmarks("nb201/*")["purpose"].str.startswith("NAS-Bench-201: 15,625 cells").all()
    assert zsnas.benchmarks().index.tolist() == zsnas.list_benchmarks()


def test_things_show_themselves():
    shown = [zsnas.proxy("snip"), zsnas.benchmark("nb201-analog/cifar10"), zsnas.space("nb201")]
    assert [re.search("<b>(.*?)</b>", thing._repr_html_())[1] for thing in shown] == [
        "SNIP",
        "nb201-analog/cifar10",
        "nb201",
    ]


@pytest.mark.usefixtures("own_register")
def test_registering_again_in_a_notebook_replaces():
    register = zsnas.register(label="Mine", higher_is_better=True, kind="gradient-free", target=())
    for value in (1, 2):
        cell = {"__name__": "__main__", "value": value}
        exec("def mine(passes): return value", cell)  # noqa: S102 - as a notebook runs a cell
        register(cell["mine"])
    batch = zsnas.Batch(torch.randn(2, 3, 8, 8), torch.tensor([0, 1]), 2, "noise")
    assert zsnas.score(nn.Sequential(nn.Flatten(), nn.Linear(192, 2)), batch, "mine") == {"mine": 2}
    exec("def snip(passes): return 1", cell)  # noqa: S102
    with pytest.raises(ValueError, match="a proxy named 'snip' is already registered"):
        register(cell["snip"])
