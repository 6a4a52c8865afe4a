"""The printed formulas, the variants and the proxies of single images once more, as plainly as possible.

As in :mod:`oracles`: torch's own autograd, hooks and loops. Callers pass a copy of the network in float64.
"""

# ruff: noqa: ARG001, ARG005 (all oracles and all hooks have one signature)

import math

import numpy as np
import oracles
import oracles_followups
import torch
import torch.nn.functional as F
from oracles import LAYERS, features_of, gaussian, layers, loss, outputs_and_gradients
from torch import nn


def gradients(model, images, labels):
    """Return the weight gradient of each layer in a training step."""
    model.zero_grad()
    F.cross_entropy(model.train()(images), labels).backward()
    return [layer.weight.grad.clone() for layer in layers(model)]


def snip_printed(model, batch, seed):
    loss(model, batch).backward()
    return sum(abs((layer.weight * layer.weight.grad).sum().item()) for layer in layers(model))


def snip_convolutions(model, batch, seed):
    loss(model, batch).backward()
    convolutions = [layer for layer in layers(model) if isinstance(layer, nn.Conv2d)]
    return sum((layer.weight * layer.weight.grad).abs().sum().item() for layer in convolutions)


def snip_running(model, batch, seed):
    F.cross_entropy(model.eval()(batch.images), batch.labels).backward()
    return sum((layer.weight * layer.weight.grad).abs().sum().item() for layer in layers(model))


def synflow_printed(model, batch, seed):
    loss(model, batch).backward()
    return sum((layer.weight * layer.weight.grad).sum().item() for layer in layers(model))


plain = synflow_printed


def synflow_log(model, batch, seed):
    return math.log(oracles.synflow(model, batch, seed))


def synflow_batch_norm(model, batch, seed):
    return oracles.flow(model.train(), batch)


def fisher_channels(model, batch, seed):
    return sum(value for _, value in oracles.channels(model, batch))


def fisher_printed(model, batch, seed):
    found = outputs_and_gradients(model, lambda: loss(model, batch))
    return sum((output * gradient).sum().item() ** 2 for _, output, gradient in found)


def fisher_running(model, batch, seed):
    model.eval()
    found = outputs_and_gradients(model, lambda: F.cross_entropy(model(batch.images), batch.labels))
    total = 0.0
    for layer, output, gradient in found:
        by_channel = (output * gradient).flatten(2).sum(2) if output.dim() == 4 else output * gradient
        total += layer.weight[0].numel() * (by_channel**2).sum().item() / 2 / len(output)
    return total


def input_correlations(model, batch):
    images = batch.images.clone().requires_grad_()
    model(images).sum().backward()
    return np.linalg.eigvalsh(np.corrcoef(images.grad.flatten(1).numpy()))


def jacob_cov_printed(model, batch, seed):
    return -sum(v + 1e-5 + 1 / (v + 1e-5) for v in input_correlations(model.train(), batch))


def jacob_cov_running(model, batch, seed):
    return -sum(math.log(v + 1e-5) + 1 / (v + 1e-5) for v in input_correlations(model.eval(), batch))


def zen_score_once(model, batch, seed):
    """Let torch update the running variances, which start at 1, in both passes."""
    noise, direction = gaussian(model, batch, seed)
    features = [features_of(model, images) for images in (noise, noise + 0.01 * direction)]
    distances = [(a - b).abs().sum().item() for a, b in zip(*features, strict=True)]
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    scalings = [math.log(math.sqrt(norm.running_var.mean().item())) for norm in norms]
    return math.log(np.mean(distances)) + sum(scalings)


def zen_score_printed(model, batch, seed):
    noise, direction = gaussian(model, batch, seed)
    logarithms = []

    def of_each_image(module, inputs, output):
        for image in inputs[0]:
            variances = [channel.var(correction=0).item() for channel in image]
            logarithms.append(math.log(math.sqrt(sum(variances) / len(variances))))

    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    hooks = [norm.register_forward_hook(of_each_image) for norm in norms]
    features = [features_of(model, noise)]
    for hook in hooks:
        hook.remove()
    features.append(features_of(model, noise + 0.01 * direction))
    norms = [math.sqrt(((a - b) ** 2).sum().item()) for a, b in zip(*features, strict=True)]
    return math.log(np.mean(norms)) + sum(logarithms)


def codes(model, images):
    """Return which ReLU units each image switches on, (images, units)."""
    found = []
    for module in model.modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_hook(lambda m, inputs, output: found.append((inputs[0] > 0).flatten(1)))
    with torch.no_grad():
        model(images)
    return torch.cat(found, 1).numpy()


def logdet_running(model, batch, seed):
    code = codes(model.eval(), batch.images)
    kernel = [[(a == b).sum() for b in code] for a in code]
    return np.linalg.slogdet(np.array(kernel, float))[1]


def logdet_printed(model, batch, seed):
    regions = np.unique(codes(model.train(), batch.images), axis=0)
    matrix = [[len(regions) - (a != b).sum() for b in regions] for a in regions]
    return np.linalg.slogdet(np.array(matrix, float))[1]


def linear_regions(model, batch, seed):
    return len({code.tobytes() for code in codes(model.train(), batch.images)})


def gradsign(model, batch, seed):
    signs = [0] * len(layers(model))
    for i in range(len(batch.images)):
        of_image = gradients(model, batch.images[i : i + 1], batch.labels[i : i + 1])
        signs = [total + gradient.sign() for total, gradient in zip(signs, of_image, strict=True)]
    return sum(total.abs().sum().item() for total in signs)


def gradsign_mean(model, batch, seed):
    return gradsign(model, batch, seed) / sum(layer.weight.numel() for layer in layers(model))


def condition_number(logits_of, model, images, modules=None):
    rows = []
    for i in range(len(images)):
        model.zero_grad()
        logits_of(i).sum().backward()
        rows.append(torch.cat([module.weight.grad.flatten() for module in modules or layers(model)]))
    kernel = torch.stack(rows) @ torch.stack(rows).T
    eigenvalues = np.linalg.eigvalsh(kernel.numpy())
    return eigenvalues[-1] / eigenvalues[0]


def ntk_cond(model, batch, seed):
    model.train()
    return condition_number(lambda i: model(batch.images)[i], model, batch.images)


def ntk_cond_norms(model, batch, seed):
    modules = [module for module in model.train().modules() if isinstance(module, (*LAYERS, nn.BatchNorm2d))]
    return condition_number(lambda i: model(batch.images)[i], model, batch.images, modules)


def ntk_cond_printed(model, batch, seed):
    model.train()
    return condition_number(lambda i: model(batch.images[i : i + 1]), model, batch.images)


def epe_nas_sum(model, batch, seed):
    return oracles_followups.epe_nas(model, batch, seed, many=math.inf)


def ntk_cond_running(model, batch, seed):
    model.eval()
    return condition_number(lambda i: model(batch.images)[i], model, batch.images)


def zico(model, batch, seed):
    half = len(batch.images) // 2
    first = gradients(model, batch.images[:half], batch.labels[:half])
    second = gradients(model, batch.images[half : 2 * half], batch.labels[half : 2 * half])
    total = 0.0
    for a, b in zip(first, second, strict=True):
        both = np.stack([a.flatten().numpy(), b.flatten().numpy()])
        mean, deviation = np.abs(both).mean(0), both.std(0)
        ratio = (mean[deviation > 0] / deviation[deviation > 0]).sum()
        total += math.log(ratio) if ratio > 0 else 0
    return total
