"""Batches that are no images: each proxy is computed once more, slowly, or there is a reason.

An embedding is a linear layer on words that are 1 at one place and 0 elsewhere; a 1-D convolution is one of
images of height 1. Both give every weight, gradient and activation a second way to be computed.
"""

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import zsnas
from zsnas.proxies import measure

WORDS, LENGTH, WIDTH, CLASSES = 11, 7, 8, 3
LABELS = torch.tensor([0, 1, 2, 0, 1, 2])


def drawn(seed=0):
    return torch.Generator().manual_seed(seed)


TOKENS = torch.randint(0, WORDS, (6, LENGTH), generator=drawn())
SERIES = torch.randn(6, 9, 5, generator=drawn())
OF_TOKENS = zsnas.Batch.from_arrays(TOKENS, LABELS, CLASSES)
OF_SERIES = zsnas.Batch.from_arrays(SERIES, LABELS, CLASSES, kind="series")


class Transformer(nn.Module):
    def __init__(self, look_up):
        super().__init__()
        self.look_up = look_up
        layer = nn.TransformerEncoderLayer(WIDTH, 2, 16, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(WIDTH, CLASSES)

    def forward(self, x):
        return self.of_rows(self.look_up(x))

    def of_rows(self, rows):
        return self.head(self.encoder(rows).mean(1))


class Recurrent(nn.Module):
    def __init__(self, look_up, kind=nn.GRU, inputs=WIDTH, batch_first=True):
        super().__init__()
        self.look_up, self.batch_first = look_up, batch_first
        self.cells = kind(inputs, 6, 2, batch_first=batch_first)
        self.head = nn.Linear(6, CLASSES)

    def forward(self, x):
        return self.of_rows(self.look_up(x if self.batch_first else x.transpose(0, 1)))

    def of_rows(self, rows):
        states = self.cells(rows)[0]
        return self.head(states[:, -1] if self.batch_first else states[-1])


class Bag(nn.Module):
    def __init__(self, look_up):
        super().__init__()
        self.look_up = look_up
        self.rest = nn.Sequential(nn.Linear(WIDTH, 12), nn.ReLU(), nn.Linear(12, CLASSES))

    def forward(self, x):
        rows = self.look_up(x)
        return self.rest(rows.mean(1) if rows.dim() == 3 else rows)


class Words(nn.Linear):
    """The linear layer that an embedding is."""

    def __init__(self, table):
        super().__init__(*table.shape, bias=False)
        self.weight.data = table.detach().T.clone()


def built(make, *arguments, **settings):
    """Return a network in double precision with weights of its own."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return make(*arguments, **settings).double()


def embedding(kind=nn.Embedding):
    return built(kind, WORDS, WIDTH)


TEXT = {
    "transformer": lambda: built(Transformer, embedding()),
    "gru": lambda: built(Recurrent, embedding()),
    "bag": lambda: built(Bag, embedding(nn.EmbeddingBag)),
}


def lstm():
    return built(Recurrent, nn.Identity(), nn.LSTM, 5)


def values(model, batch, *proxies):
    measured = measure(model, batch, proxies, dtype="float64")
    return {name: found.value for name, found in measured.items()}


# Of the sums over weights those that also exist for a linear layer on words.
OVER_WEIGHTS = (
    *(
        "params",
        "l2_norm",
        "grad_norm",
        "snip",
        "snip_printed",
        "snip_convolutions",
        "plain",
        "grasp",
        "zico",
    ),
    *("gradsign", "gradsign_mean", "ntk_cond", "ntk_cond_printed", "naswot", "swap", "linear_regions"),
    *("fisher", "fisher_channels", "fisher_printed"),
)


@pytest.mark.parametrize("text", TEXT)
def test_an_embedding_is_a_linear_layer_on_words(text):
    model = TEXT[text]()
    other = copy.deepcopy(model)
    other.look_up = Words(model.look_up.weight)
    words = zsnas.Batch.from_arrays(F.one_hot(TOKENS, WORDS).double(), LABELS, CLASSES, kind="series")
    found, expected = values(model, OF_TOKENS, *OVER_WEIGHTS), values(other, words, *OVER_WEIGHTS)
    assert found == pytest.approx(expected, rel=1e-7, nan_ok=True)
    defined = {name for name, value in found.items() if not math.isnan(value)}
    hidden = {name for name in OVER_WEIGHTS if "fisher" in name}  # inside a recurrent layer
    rectified = {"naswot", "swap", "linear_regions"}
    assert defined == set(OVER_WEIGHTS) - (hidden | rectified if text == "gru" else set())


def test_a_bag_by_hand():
    # Of the rows 1, 3 and 5 the words (0, 1) have the mean 2, (1, 2) the mean 4: logits (2, 0) and (4, 0).
    model = nn.Sequential(nn.EmbeddingBag(3, 1), nn.Linear(1, 2, bias=False))
    model[0].weight.data = torch.tensor([[1.0], [3.0], [5.0]])
    model[1].weight.data = torch.tensor([[1.0], [0.0]])
    batch = zsnas.Batch.from_arrays([[0, 1], [1, 2]], [1, 1])
    p, q = (1 / (1 + math.exp(-logit)) for logit in (2, 4))
    # The loss grows with the first logit by the probability of the wrong class, over two sequences; half of
    # that reaches each row of a sequence. The linear layer has it times 2 and 4, once with each sign.
    rows = 1 * p / 4 + 3 * (p + q) / 4 + 5 * q / 4
    linear = (2 * p + 4 * q) / 2
    found = zsnas.score(model, batch, ["params", "flops", "snip"])
    assert found == pytest.approx({"params": 5, "flops": 2, "snip": rows + linear})


def correlation_score(jacobian):
    eigenvalues = torch.linalg.eigvalsh(torch.corrcoef(jacobian.flatten(1))) + 1e-5
    return -(eigenvalues.log() + 1 / eigenvalues).sum().item()


@pytest.mark.parametrize("text", TEXT)
def test_tokens_are_differentiated_at_the_embedding(text):
    model = TEXT[text]().eval()
    rows = model.look_up(TOKENS).detach().requires_grad_()
    logits = model.rest(rows) if text == "bag" else model.of_rows(rows)
    (jacobian,) = torch.autograd.grad(logits.sum(), rows)
    assert values(model, OF_TOKENS, "jacob_cov")["jacob_cov"] == pytest.approx(correlation_score(jacobian))


@pytest.mark.parametrize("text", TEXT)
def test_flow_starts_with_ones_in_place_of_the_rows(text):
    model = TEXT[text]().eval()
    for parameter in model.parameters():
        parameter.data.abs_()
    rows = torch.ones_like(model.look_up(TOKENS[:1]))
    logits = model.rest(rows) if text == "bag" else model.of_rows(rows)
    weights = [w for name, w in model.named_parameters() if w.dim() == 2 and "look_up" not in name]
    gradients = torch.autograd.grad(logits.sum(), weights)
    expected = sum((w * g).abs().sum().item() for w, g in zip(weights, gradients, strict=True))
    found = values(model, OF_TOKENS, "synflow", "synflow_log")
    assert found == pytest.approx({"synflow": expected, "synflow_log": math.log(expected)})


def test_sequences_may_come_second():
    usual = built(Recurrent, embedding())
    other = built(Recurrent, embedding(), batch_first=False)
    names = ["jacob_cov", "epe_nas", "grad_norm", "gradsign", "ntk_cond_printed", "synflow"]
    batch = zsnas.Batch.from_arrays(TOKENS, LABELS % 2, CLASSES)
    assert values(other, batch, *names) == pytest.approx(values(usual, batch, *names))


@pytest.mark.parametrize("kind", [nn.Embedding, nn.EmbeddingBag])
def test_sparse_gradients_are_gradients(kind):
    dense = built(Bag, embedding(kind))
    sparse = copy.deepcopy(dense)
    sparse.look_up.sparse = True
    names = ["grad_norm", "snip", "gradsign", "grasp", "zico"]
    assert values(sparse, OF_TOKENS, *names) == values(dense, OF_TOKENS, *names)


def test_positions_are_no_tokens():
    class Placed(Transformer):
        def __init__(self):
            super().__init__(embedding())
            self.places = nn.Embedding(LENGTH, WIDTH)

        def of_rows(self, rows):
            return super().of_rows(rows + self.places(torch.arange(rows.shape[1])))

    model = built(Placed)
    known = [
        weight for name, weight in model.named_parameters() if weight.dim() == 2 and "places" not in name
    ]
    expected = sum(weight.norm().item() for weight in known)
    found = values(model, OF_TOKENS, "l2_norm", "fisher")
    assert found["l2_norm"] == pytest.approx(expected)
    assert not math.isnan(found["fisher"])


def test_recurrent_weights_are_used():
    model = lstm().eval()
    weights = [weight for weight in model.parameters() if weight.dim() == 2]
    series = SERIES.double().requires_grad_()

    def loss_of(part=slice(None)):
        return F.cross_entropy(model(series[part]), LABELS[part])

    def of_one(value):
        return torch.cat([g.flatten() for g in torch.autograd.grad(value, weights)])

    gradients = torch.autograd.grad(loss_of(), weights, create_graph=True)
    squared = sum(g.square().sum() for g in gradients) / 2
    curved = torch.autograd.grad(squared, weights)
    (jacobian,) = torch.autograd.grad(model(series).sum(), series)
    images = [slice(i, i + 1) for i in range(6)]
    losses = torch.stack([of_one(loss_of(image)) for image in images])
    logits = torch.stack([of_one(model(series[image]).sum()) for image in images])
    kernel = torch.linalg.eigvalsh(logits @ logits.T)
    halves = [torch.autograd.grad(loss_of(part), weights) for part in (slice(3), slice(3, 6))]
    ratios = [
        ((a.abs() + b.abs()) / (a - b).abs())[a != b].sum().log().item() for a, b in zip(*halves, strict=True)
    ]
    expected = {
        "params": sum(parameter.numel() for parameter in model.parameters()),
        "flops": SERIES.shape[1] * 4 * 6 * (5 + 6 + 6 + 6) + 6 * CLASSES,
        "l2_norm": sum(weight.norm().item() for weight in weights),
        "grad_norm": sum(g.norm().item() for g in gradients),
        "snip": sum((w * g).abs().sum().item() for w, g in zip(weights, gradients, strict=True)),
        "grasp": -sum((w * c).sum().item() for w, c in zip(weights, curved, strict=True)),
        "jacob_cov": correlation_score(jacobian),
        "gradsign": losses.sign().sum(0).abs().sum().item(),
        "ntk_cond": (kernel[-1] / kernel[0]).item(),
        "zico": sum(ratios),
    }
    assert values(model, OF_SERIES, *expected) == pytest.approx(expected)


def convolutions(axes):
    convolution, norm, pool = (
        (nn.Conv1d, nn.BatchNorm1d, nn.AdaptiveAvgPool1d)
        if axes == 1
        else (nn.Conv2d, nn.BatchNorm2d, nn.AdaptiveAvgPool2d)
    )
    sides, edges = ((3,), (1,)) if axes == 1 else ((1, 3), (0, 1))
    return nn.Sequential(
        *(convolution(5, 6, sides, padding=edges), norm(6), nn.ReLU()),
        *(convolution(6, 6, sides, padding=edges), norm(6), nn.ReLU()),
        *(pool(1), nn.Flatten(), nn.Linear(6, CLASSES)),
    )


def test_a_line_is_an_image_of_height_one():
    line = built(convolutions, 1)
    image = built(convolutions, 2)
    image.load_state_dict(
        {name: w.unsqueeze(2) if w.dim() == 3 else w for name, w in line.state_dict().items()}
    )
    channels_first = SERIES.transpose(1, 2).contiguous()
    series = zsnas.Batch.from_arrays(channels_first, LABELS, CLASSES, kind="series")
    images = zsnas.Batch.from_arrays(channels_first.unsqueeze(2), LABELS, CLASSES)
    # MeCo sends noise of 64 × 64 pixels through images; blocks of AZ-NAS are of images.
    alike = [name for name in zsnas.list_proxies() if name != "meco"]
    found, expected = measure(line, series, alike), measure(image, images, alike)
    assert {n: m.reason for n, m in found.items()} == {n: m.reason for n, m in expected.items()}
    ours, theirs = ({n: m.value for n, m in both.items()} for both in (found, expected))
    assert ours == pytest.approx(theirs, rel=1e-6, nan_ok=True)
    assert {name for name, value in ours.items() if math.isnan(value)} == BLOCKS | ATTENTION


NOISE = {
    "meco",
    "zen_score",
    "zen_score_once",
    "zen_score_printed",
    "vkdnw",
    "vkdnw_directions",
    "vkdnw_entropy",
}
BLOCKS = {
    *("az_expressivity", "az_progressivity", "az_trainability"),
    *("nn_degree", "nn_mass", "nngp_filter"),
}
FISHER = set(zsnas.list_proxies("fisher*"))
ATTENTION = {"dss"}
OUTPUTS = {"zico_bc"}
ACTIVATIONS = {*zsnas.list_proxies("logdet*"), "naswot", "swap", "linear_regions"}


@pytest.mark.parametrize(
    ("make", "batch", "without"),
    [
        (TEXT["transformer"], OF_TOKENS, NOISE | BLOCKS),
        (TEXT["gru"], OF_TOKENS, NOISE | BLOCKS | FISHER | ACTIVATIONS | ATTENTION | OUTPUTS),
        (TEXT["bag"], OF_TOKENS, NOISE | BLOCKS | ATTENTION),
        (lstm, OF_SERIES, BLOCKS | FISHER | ACTIVATIONS | ATTENTION | OUTPUTS),
    ],
    ids=["transformer", "gru", "bag", "lstm"],
)
def test_each_proxy_has_a_value_or_a_reason(make, batch, without):
    model = make().float()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    measured = measure(model, batch)
    assert {name for name, found in measured.items() if math.isnan(found.value)} == without
    for name in without:
        assert measured[name].reason
        assert "\n" not in measured[name].reason
        assert "raised" not in measured[name].reason
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    alone = zsnas.score(model, batch, "snip")["snip"]
    assert alone == measured["snip"].value


def test_without_an_embedding_nothing_can_be_differentiated():
    class Counted(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(WORDS, CLASSES)

        def forward(self, tokens):
            return self.head(F.one_hot(tokens, WORDS).float().mean(1))

    found = measure(Counted(), OF_TOKENS, ["jacob_cov", "grad_norm"])
    assert "looks its tokens up in no embedding" in found["jacob_cov"].reason
    assert found["grad_norm"].value > 0


@pytest.mark.parametrize("numbers", [[[3.0], [1.0]], [3.0, 1.0]])
def test_a_number_for_each_sequence(numbers):
    task = zsnas.Task("age", 1, criterion="mse_loss")
    batch = zsnas.Batch.from_arrays([[0], [1]], numbers, task=task)
    model = nn.Sequential(nn.Embedding(2, 1), nn.Flatten())
    model[0].weight.data = torch.tensor([[1.0], [2.0]])
    # The outputs 1 and 2 are off by -2 and 1: gradients of the mean square -2 and 1.
    assert zsnas.score(model, batch, "grad_norm")["grad_norm"] == pytest.approx(5**0.5)


def test_so_many_numbers_for_each_sequence_as_the_task_has_outputs():
    task = zsnas.Task("position", 2, criterion="mse_loss")
    with pytest.raises(ValueError, match=r"shape \(2,\); for position, 2 numbers for each of 2 tokens"):
        zsnas.Batch.from_arrays([[0], [1]], [3.0, 1.0], task=task)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(
    ("make", "batch"),
    [*((make, OF_TOKENS) for make in TEXT.values()), (lstm, OF_SERIES)],
    ids=[*TEXT, "lstm"],
)
def test_a_gpu_scores_alike(make, batch):
    names = [
        "flops",
        "l2_norm",
        "grad_norm",
        "snip",
        "grasp",
        "jacob_cov",
        "synflow",
        "zico",
        "ntk_cond_printed",
    ]
    here, there = (
        measure(make(), batch, names, device=device, dtype="float64") for device in ("cpu", "cuda")
    )
    assert {name: found.reason for name, found in there.items()} == dict.fromkeys(names)
    assert [there[name].value for name in names] == pytest.approx([here[name].value for name in names])
    assert there.peak_memory > 0
