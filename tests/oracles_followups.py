"""The follow-up proxies once more, as plainly as possible.

As in :mod:`oracles`: torch's own autograd, hooks and loops. Callers pass a copy of the network in float64.
The parts of AZ-NAS know how a NAS-Bench-201 network is built: stem, then ``body``.
"""

# ruff: noqa: ARG001 (every oracle takes the same three arguments)

import itertools
import math

import numpy as np
import torch
from oracles import layers, logdet
from torch import nn

naswot = logdet


def l2_norm(model, batch, seed):
    return sum(math.sqrt(sum(w**2 for w in layer.weight.flatten().tolist())) for layer in layers(model))


def epe_nas(model, batch, seed, many=100):
    images = batch.images.clone().requires_grad_()
    logits = model.train()(images)
    logits.sum().backward()
    jacobian = images.grad.flatten(1).numpy()
    scores = []
    for c in set(batch.labels.tolist()):
        rows = [row for row, label in zip(jacobian, batch.labels.tolist(), strict=True) if label == c]
        if len(rows) == 1 and logits.shape[1] > many:
            continue
        correlations = np.atleast_2d(np.corrcoef(rows))
        score = sum(math.log(abs(r) + 1e-5) for r in correlations.flatten())
        scores.append(score / len(rows) if logits.shape[1] > many else score)
    if logits.shape[1] <= many:
        return sum(abs(score) for score in scores)
    return sum(abs(one - other) for one in scores for other in scores) / len(scores)


def meco(model, batch, seed):
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(1, 3, 64, 64, generator=generator).double()
    eigenvalues = []

    def keep(_module, _inputs, output):
        channels = output[0].flatten(1) if output.dim() == 4 else output[0][:, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            correlations = torch.corrcoef(channels) if channels.shape[1] > 1 else torch.zeros(2, 2)
        correlations[correlations.isnan()] = 0
        eigenvalues.append(np.linalg.eigvals(correlations.numpy()).real.min())

    for module in model.modules():
        module.register_forward_hook(keep)
    with torch.no_grad():
        model.train()(noise)
    return sum(eigenvalues)


def swap(model, batch, seed):
    signs = []
    for module in model.modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_hook(
                lambda _module, _inputs, output: signs.append((output > 0).flatten(1))
            )
    model.train()(batch.images)
    return len({tuple(unit) for unit in torch.cat(signs, 1).T.tolist()})


def az_features(model, batch, seed):
    """Yield (nothing, nothing, stem), then for each block (gradient passed back, signs sent, output)."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in layers(model):
            drawn = torch.randn(layer.weight.shape, generator=generator)
            layer.weight.copy_(drawn.double() * math.sqrt(2 / math.prod(layer.weight.shape[1:])))
    noise = torch.randn(batch.images.shape, generator=generator).double()
    before = model.train().stem(noise)
    yield None, None, before.detach()
    for block in model.body:
        after = block(before)
        signs = random_signs(*after.shape, generator)
        received = torch.autograd.grad(after, before, signs, retain_graph=True)[0]
        yield received, signs, after.detach()
        before = after


def random_signs(images, channels, height, width, generator):
    count = images * channels * height * width
    drawn = torch.randint(0, 256, (math.ceil(count / 8),), generator=generator).tolist()
    bits = [byte // 2**place % 2 for byte in drawn for place in range(8)][:count]
    by_position = torch.tensor(bits).view(images, height, width, channels)
    return by_position.movedim(-1, 1).double() * 2 - 1


def entropy(features):
    rows = features.movedim(1, -1).flatten(0, 2).numpy()
    channels = rows.shape[1]
    if np.linalg.matrix_rank(rows - rows.mean(0), rtol=channels * 2**-23) < channels:
        return math.nan
    variances = np.linalg.eigvalsh(np.cov(rows.T, bias=True))
    return -sum(v / sum(variances) * math.log(v / sum(variances) + 1e-8) for v in variances)


def az_expressivity(model, batch, seed):
    return sum(entropy(features) for _, _, features in az_features(model, batch, seed))


def az_progressivity(model, batch, seed):
    entropies = [entropy(features) for _, _, features in az_features(model, batch, seed)]
    return np.min([after - before for before, after in itertools.pairwise(entropies)])


def az_trainability(model, batch, seed):
    scores = []
    for received, signs, _ in az_features(model, batch, seed):
        if received is None:
            continue
        stride = received.shape[2] // signs.shape[2]
        products = []
        for image in range(len(signs)):
            for row in range(signs.shape[2]):
                for column in range(signs.shape[3]):
                    rows = slice(row * stride, (row + 1) * stride)
                    columns = slice(column * stride, (column + 1) * stride)
                    arriving = received[image, :, rows, columns].flatten().numpy()
                    products.append(np.outer(arriving, signs[image, :, row, column].numpy()))
        largest = np.linalg.svd(np.mean(products, axis=0))[1].max()
        scores.append(-largest - 1 / (largest + 1e-6) + 2)
    return np.mean(scores)


def az_complexity(model, batch, seed):
    total = 0

    def count(module, _inputs, output):
        nonlocal total
        total += math.prod(module.weight.shape[1:]) * output[0].numel()

    for layer in layers(model):
        layer.register_forward_hook(count)
    model.eval()(batch.images[:1])
    return total


def near(model, batch, seed):
    generator = torch.Generator().manual_seed(seed)
    ranks = []

    def keep(_module, _inputs, output):
        rows = list(output)
        if output.dim() == 4:
            rows = [
                image[:, row, column] for image in output for column in side(image) for row in side(image)
            ]
        taken, step = min(len(rows[0]), len(rows)), output.shape[2] if output.dim() == 4 else 1
        start = step * int(torch.randint((len(rows) - taken) // step + 1, (), generator=generator))
        values = np.linalg.svd(torch.stack(rows[start : start + taken]).numpy(), compute_uv=False)
        shares = [value / sum(values) for value in values] if sum(values) else []
        ranks.append(math.exp(-sum(p * math.log(p) for p in shares if p > 0)) if shares else 0)

    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear | nn.BatchNorm2d | nn.ReLU):
            module.register_forward_hook(keep)
    with torch.no_grad():
        model.train()(batch.images)
    return sum(ranks)


def side(image):
    return range(image.shape[1])


def fisher_information(model, batch, seed, exact):
    """Return the matrix that VKDNW takes the eigenvalues of, or its mean over the random signs."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in layers(model):
            drawn = torch.randn(module.weight.shape, generator=generator)
            module.weight.copy_(drawn.double() * math.sqrt(2 / math.prod(module.weight.shape[1:])))
            if module.bias is not None:
                module.bias.zero_()
    noise = torch.randn(64, *batch.images.shape[1:], generator=generator).double()
    parameters, information = list(model.parameters())[:128], 0
    for image in noise:
        logits = model.eval()(image[None])[0]
        p = 0.95 * logits.detach().softmax(0).numpy() + 0.05 / len(logits)
        root = np.diag(np.sqrt(p)) - np.outer(p, np.sqrt(p))
        assert np.allclose(root @ root.T, np.diag(p) - np.outer(p, p))
        if not exact:
            signs = torch.randint(2, (1, len(p)), generator=generator)[0].numpy() * 2 - 1
            root = root @ signs[:, None]
        for direction in torch.tensor(root.T):
            gradients = torch.autograd.grad(
                logits @ direction, parameters, retain_graph=True, allow_unused=True, materialize_grads=True
            )
            entries = np.array([float(gradient.flatten()[0]) for gradient in gradients])
            information = information + np.outer(entries, entries) / 64
    return information


def vkdnw_entropy(model, batch, seed, exact=False):
    eigenvalues = np.linalg.eigvalsh(fisher_information(model, batch, seed, exact)).clip(0)
    deciles = np.quantile(eigenvalues, np.arange(1, 10) / 10)
    shares = deciles / (sum(deciles) + 1e-10)
    return -sum(share * math.log(share + 1e-10) for share in shares)
