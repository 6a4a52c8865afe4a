"""Every proxy once more, as plainly as possible: torch's own autograd, hooks and loops, nothing shared.

Each oracle takes a network and a batch in float64 and a seed, and changes the network freely; callers pass
a copy.
"""

# ruff: noqa: ARG001, ARG005 (all oracles and all hooks have one signature)

import itertools
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

LAYERS = (nn.Conv2d, nn.Linear)


def layers(model):
    return [module for module in model.modules() if isinstance(module, LAYERS)]


def loss(model, batch):
    return F.cross_entropy(model.train()(batch.images), batch.labels)


def params(model, batch, seed):
    return sum(math.prod(parameter.shape) for parameter in model.parameters())


def flops(model, batch, seed):
    total = 0

    def count(module, inputs, output):
        nonlocal total
        per_output = math.prod(module.weight.shape[1:])
        total += per_output * output[0].numel()

    for layer in layers(model):
        layer.register_forward_hook(count)
    model.eval()(batch.images[:1])
    return total


def grad_norm(model, batch, seed):
    loss(model, batch).backward()
    return sum(math.sqrt((layer.weight.grad**2).sum().item()) for layer in layers(model))


def snip(model, batch, seed):
    loss(model, batch).backward()
    return sum((layer.weight * layer.weight.grad).abs().sum().item() for layer in layers(model))


def grasp(model, batch, seed):
    weights = [layer.weight for layer in layers(model)]
    gradients = torch.autograd.grad(loss(model, batch), weights, create_graph=True)
    product = sum((g * g.detach()).sum() for g in gradients)
    product.backward()
    return -sum((weight * weight.grad).sum().item() for weight in weights)


def synflow(model, batch, seed):
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm2d):
                setattr(module, name, nn.Identity())
    return flow(model, batch)


def flow(model, batch):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.abs_()
    model(torch.ones_like(batch.images[:1])).sum().backward()
    return sum((layer.weight * layer.weight.grad).abs().sum().item() for layer in layers(model))


def fisher(model, batch, seed):
    return sum(len(layer.weight[0].flatten()) * value for layer, value in channels(model, batch))


def channels(model, batch):
    """Yield each layer with the Fisher information of its channels, added up."""
    for layer, output, gradient in outputs_and_gradients(model, lambda: loss(model, batch)):
        total = 0.0
        for image, image_gradient in zip(output, gradient, strict=True):
            for channel, channel_gradient in zip(image, image_gradient, strict=True):
                total += (channel * channel_gradient).sum().item() ** 2
        yield layer, total / 2 / len(batch.images)


def outputs_and_gradients(model, value):
    """Run ``value()`` and return each layer, what it put out, and the gradient with respect to that."""
    outputs = []

    def keep(module, inputs, output):
        output.retain_grad()
        outputs.append((module, output))

    for layer in layers(model):
        layer.register_forward_hook(keep)
    value().backward()
    return [(layer, output.detach(), output.grad) for layer, output in outputs]


def jacob_cov(model, batch, seed):
    images = batch.images.clone().requires_grad_()
    model.train()(images).sum().backward()
    eigenvalues = np.linalg.eigvalsh(np.corrcoef(images.grad.flatten(1).numpy()))
    return -sum(math.log(v + 1e-5) + 1 / (v + 1e-5) for v in eigenvalues)


def zen_score(model, batch, seed):
    noise, direction = gaussian(model, batch, seed)
    variances = []
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.register_forward_hook(
                lambda module, inputs, output: variances.append(inputs[0].var((0, 2, 3)).mean().item())
            )
    features = [features_of(model, noise)]
    scalings = [math.log(math.sqrt(variance)) for variance in variances if variance > 0]
    features.append(features_of(model, noise + 0.01 * direction))
    distances = [(a - b).abs().sum().item() for a, b in zip(*features, strict=True)]
    return math.log(np.mean(distances)) + sum(scalings)


def gaussian(model, batch, seed):
    """Make the network Gaussian and return noise and a direction, drawn in the order of the description."""
    generator = torch.Generator().manual_seed(seed)

    def draw(like):
        return torch.randn(like.shape, generator=generator).to(like.dtype)

    model.train().requires_grad_(False)
    for layer in layers(model):
        layer.weight.copy_(draw(layer.weight))
        if layer.bias is not None:
            layer.bias.zero_()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.fill_(1)
            module.bias.zero_()
    return draw(batch.images), draw(batch.images)


def features_of(model, images):
    """Return what enters the global pooling."""
    features = []
    hook = model.pool.register_forward_hook(lambda module, inputs, output: features.append(inputs[0]))
    model(images)
    hook.remove()
    return features[0]


def logdet(model, batch, seed):
    codes = []
    for module in model.modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_hook(lambda m, inputs, output: codes.append((inputs[0] > 0).flatten(1)))
    model.train()(batch.images)
    code = torch.cat(codes, 1)
    kernel = np.zeros((len(code), len(code)))
    for i, j in itertools.product(range(len(code)), repeat=2):
        kernel[i, j] = code.shape[1] - int((code[i] != code[j]).sum())
    return np.linalg.slogdet(kernel)[1]
