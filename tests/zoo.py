"""Small networks of many kinds, and what they are worth by the definitions: the zoo of `test_conformance`.

A network joins by one line in :data:`ZOO`. ``twin`` is the same function of the same parameters, written with
one module for each layer, which the slow definitions below can look into.
"""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import timm
import torch
import torch.nn.functional as F
import torchvision
from timm.layers import FrozenBatchNormAct2d
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.utils.checkpoint import checkpoint
from torchvision.ops import FrozenBatchNorm2d

from zsnas.batches import Batch

CLASSES = 3
FROZEN = FrozenBatchNorm2d | FrozenBatchNormAct2d


def images(side=8, size=4, channels=3):
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(size, channels, side, side, generator=generator, dtype=torch.float64)
    return Batch(drawn, torch.arange(size) % CLASSES, CLASSES, "noise")


def conv(*arguments, **named):
    return nn.Conv2d(*arguments, **{"kernel_size": 3, "padding": 1, **named})


def head(width):
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, CLASSES))


def chain(*layers, width=6):
    return nn.Sequential(conv(3, 6), *layers, head(width))


class Call(nn.Module):
    """A function of an image and a weight, as a module that the definitions see."""

    def __init__(self, function, **how):
        super().__init__()
        self.function, self.how = function, how

    def forward(self, x, weight, bias=None):
        self.weights = [weight]  # in a list, as it is no parameter of this module
        return self.function(x, weight, bias, **self.how)


class Applied(nn.Module):
    """A function of its parts and an image."""

    def __init__(self, function, **parts):
        super().__init__()
        self.function = function
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x):
        return self.function(self, x)


def twice(net, x):
    again = net.again(x, net.c.weight, net.c.bias)
    return net.f(torch.tanh(net.c(x) + again).mean((2, 3)))


class BareNorm(nn.Module):
    """Batch norm by the function, as a module that is no batch norm of torch's."""

    def __init__(self, width):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("variance", torch.ones(width))

    def forward(self, x):
        return F.batch_norm(x, self.mean, self.variance, self.weight, self.bias, self.training)


def functional(net, x):
    h = F.relu(F.conv2d(x, net.c.weight, bias=net.c.bias, padding=1))
    return F.linear(h.mean((2, 3)), net.f.weight, bias=net.f.bias)


def raw(net, x):
    return F.linear(F.relu(F.conv2d(x, net.w, padding=1)).mean((2, 3)), net.v)


def product(net, x):
    return net.f(torch.tanh(x.flatten(1) @ net.w))


def residual(net, x):
    h = torch.tanh(net.c(x))
    return net.f(torch.tanh(h + net.n(net.d(h))).mean((2, 3)))


def tied(net, x):
    h = net.c(x)
    return net.f(F.relu(net.d(F.relu(net.d(h)))).mean((2, 3)))


def transposed(net, x):
    h = net.f(x.flatten(1))
    return net.g(torch.tanh(net.back(torch.tanh(h), net.f.weight.t())))


def cosine(net, x):
    h = torch.tanh(net.c(x)).mean((2, 3))
    return 10 * net.compare(F.normalize(h, dim=1), F.normalize(net.f.weight, dim=1))


def standardised(net, x):
    weight = net.c.weight - net.c.weight.mean((1, 2, 3), keepdim=True)
    return net.f(torch.tanh(net.centred(x, weight, net.c.bias)).mean((2, 3)))


def attention(net, x):
    tokens = net.p(x).flatten(2).transpose(1, 2)
    return net.f(net.a(tokens, tokens, tokens)[0].mean(1))


def attention_of_positions(net, x):
    tokens = net.p(x).flatten(2).permute(2, 0, 1)
    return net.f(net.a(tokens, tokens, tokens)[0].mean(0))


def attention_in_one(net, x):
    tokens = net.p(x).flatten(2).transpose(1, 2)
    return net.f(net.a(tokens, tokens, tokens, need_weights=False)[0].mean(1))


def attention_by_hand(net, x):
    tokens = net.p(x).flatten(2).transpose(1, 2)
    q, k, v = (t.unflatten(2, (2, 4)).transpose(1, 2) for t in net.i(tokens).chunk(3, 2))
    mixed = ((q @ k.transpose(2, 3) / 2).softmax(3) @ v).transpose(1, 2).flatten(2)
    return net.f(net.o(mixed).mean(1))


def windows(net, x):
    h = net.p(x)  # (batch, 6, 4, 4) to windows of 2 × 2
    h = h.unflatten(2, (2, 2)).unflatten(4, (2, 2)).permute(0, 2, 4, 3, 5, 1).flatten(0, 2).flatten(1, 2)
    h = torch.tanh(net.w(h)).mean(1)
    return net.f(h.unflatten(0, (len(x), 4)).mean(1))


def windows_by_image(net, x):
    return net.f(torch.tanh(net.w(net.p(x).flatten(2).transpose(1, 2))).mean(1))


def recurrent(net, x):
    return net.f(net.r(x.flatten(2).transpose(1, 2))[0][:, -1])


def checkpointed(net, x):
    return net.f(checkpoint(net.n, x, use_reentrant=net.reentrant).mean((2, 3)))


def unchecked(net, x):
    return net.f(net.n(x).mean((2, 3)))


def saved_elsewhere(net, x):
    with torch.autograd.graph.save_on_cpu():
        return unchecked(net, x)


def without_gradients(net, x):
    with torch.no_grad():
        h = net.n(x)
    return net.f(h.mean((2, 3)))


def in_inference(net, x):
    with torch.inference_mode():
        h = net.n(x)
    return net.f(h.clone().mean((2, 3)))


def detached(net, x):
    return net.f(net.n(x).detach().mean((2, 3)))


def detached_weight(net, x):
    return net.f(F.relu(F.conv2d(x, net.c.weight.detach(), padding=1)).mean((2, 3)))


def detached_images(net, x):
    return unchecked(net, x.detach())


def product_without_gradients(net, x):
    with torch.no_grad():
        h = torch.einsum("bi,oi->bo", x.flatten(1), net.l.weight)
    return net.f(torch.tanh(h))


class Product(torch.autograd.Function):
    """A linear layer that knows its gradients itself."""

    @staticmethod
    def forward(ctx, x, weight):
        ctx.save_for_backward(x, weight)
        return F.linear(x, weight)

    @staticmethod
    def backward(ctx, dy):
        x, weight = ctx.saved_tensors
        return dy @ weight, dy.T @ x


def product_of_its_own(net, x):
    return net.f(torch.tanh(Product.apply(x.flatten(1), net.l.weight)))


def mapped(net, x):
    return net.f(torch.vmap(lambda one: net.n(one.unsqueeze(0)).squeeze(0))(x).mean((2, 3)))


def excited(net, x):
    h = net.c(x)
    return net.f((h * torch.sigmoid(net.s(h.mean((2, 3), keepdim=True)))).mean((2, 3)))


def outputs(kind):
    def forward(net, x):
        h = F.relu(net.c(x)).mean((2, 3))
        logits = net.f(h)
        return {"logits": logits, "pair": (h, logits), "dict": {"features": h, "logits": logits}}[kind]

    return forward


def body():
    return nn.Sequential(conv(3, 5), nn.ReLU(), conv(5, 5), nn.ReLU())


def checkpointing(function, **how):
    return lambda: Applied(function, n=body(), f=nn.Linear(5, CLASSES), **how)


def linear_before_head(function):
    return lambda: Applied(function, l=nn.Linear(192, 5, bias=False), f=nn.Linear(5, CLASSES))


def grouped():
    return chain(nn.Tanh(), conv(6, 6, groups=2), nn.Tanh())


def grouped_with_a_hook():
    """Give the grouped convolution an image whose memory is laid out as a part of a batch."""
    net = grouped()
    net[2].register_full_backward_hook(lambda _layer, _inputs, _outputs: None)
    return net


def attentive(function, **how):
    return Applied(
        function, p=nn.Conv2d(3, 8, 2, 2), a=nn.MultiheadAttention(8, 2, **how), f=nn.Linear(8, CLASSES)
    )


def attentive_by_hand():
    return Applied(
        attention_by_hand,
        p=nn.Conv2d(3, 8, 2, 2),
        i=nn.Linear(8, 24),
        o=nn.Linear(8, 8),
        f=nn.Linear(8, CLASSES),
    )


def windowed(function):
    return Applied(function, p=nn.Conv2d(3, 6, 2, 2), w=nn.Linear(6, 7), f=nn.Linear(7, CLASSES))


def of_timm(name, **how):
    return lambda: timm.create_model(name, num_classes=CLASSES, **how)


def of_torchvision(name, **how):
    return lambda: torchvision.models.get_model(name, weights=None, num_classes=CLASSES, **how)


@dataclass(frozen=True)
class Case:
    """A network of the zoo."""

    make: Callable[[], nn.Module]
    twin: Callable[[], nn.Module] | None = None
    """Takes the network's parameters in their order."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Why proxies are undefined, by name; ``"*"`` for all that need a pass."""
    side: int = 8


LOST = {"*": "runs without gradients"}
CUT = {"*": "is cut off from its outputs"}
UNSEEN = {
    "fisher": "outputs are not seen",
    "fisher_channels": "outputs are not seen",
    "zico_bc": "outputs are not seen",
}

ZOO = {
    "no norm": Case(lambda: chain(nn.ReLU(), conv(6, 6), nn.Tanh())),
    "batch norm": Case(lambda: chain(nn.BatchNorm2d(6), nn.ReLU(), conv(6, 6), nn.BatchNorm2d(6), nn.ReLU())),
    "batch norm of scale 0": Case(
        lambda: Applied(
            residual, c=conv(3, 6), d=conv(6, 6), n=zero(nn.BatchNorm2d(6)), f=nn.Linear(6, CLASSES)
        )
    ),
    "batch norm without statistics": Case(
        lambda: chain(nn.BatchNorm2d(6, track_running_stats=False), nn.Tanh())
    ),
    "batch norm by function": Case(
        lambda: chain(untidy(BareNorm(6)), nn.ReLU(), conv(6, 6), BareNorm(6), nn.ReLU()),
        twin=lambda: chain(nn.BatchNorm2d(6), nn.ReLU(), conv(6, 6), nn.BatchNorm2d(6), nn.ReLU()),
    ),
    "frozen batch norm": Case(
        lambda: chain(untidy(FrozenBatchNorm2d(6)), nn.ReLU(), conv(6, 6), FrozenBatchNorm2d(6))
    ),
    "frozen batch norm of timm": Case(
        lambda: chain(untidy(FrozenBatchNormAct2d(6)), conv(6, 6), FrozenBatchNormAct2d(6))
    ),
    "group norm": Case(lambda: chain(nn.GroupNorm(2, 6), nn.Tanh(), conv(6, 6))),
    "instance norm": Case(lambda: chain(nn.InstanceNorm2d(6, affine=True), nn.Tanh(), conv(6, 6))),
    "layer norm": Case(lambda: chain(nn.LayerNorm([6, 8, 8]), nn.Tanh(), conv(6, 6))),
    "grouped": Case(lambda: chain(nn.Tanh(), conv(6, 6, groups=3), nn.Tanh(), conv(6, 6, groups=6))),
    "strided": Case(lambda: chain(nn.Tanh(), nn.Conv2d(6, 6, 1, stride=2), nn.Tanh())),
    "rectangular": Case(
        lambda: chain(nn.Tanh(), nn.Conv2d(6, 6, (1, 3), stride=(2, 1), padding=(0, 2), dilation=(1, 2)))
    ),
    "padding by name": Case(lambda: chain(nn.Tanh(), nn.Conv2d(6, 6, 3, padding="same"), nn.Tanh())),
    "padding by reflection": Case(lambda: chain(nn.Tanh(), conv(6, 6, padding_mode="reflect"), nn.Tanh())),
    "transposed convolution": Case(
        lambda: chain(nn.Tanh(), nn.ConvTranspose2d(6, 6, 3, stride=2), nn.Tanh())
    ),
    "one dimension": Case(
        lambda: nn.Sequential(
            nn.Flatten(2), nn.Conv1d(3, 6, 3), nn.Tanh(), nn.Flatten(), nn.Linear(372, CLASSES)
        )
    ),
    "linear": Case(lambda: nn.Sequential(nn.Flatten(), nn.Linear(192, 5), nn.Tanh(), nn.Linear(5, CLASSES))),
    "one layer": Case(lambda: nn.Sequential(nn.Flatten(), nn.Linear(192, CLASSES))),
    "images of one pixel": Case(lambda: chain(nn.ReLU(), conv(6, 6)), side=1),
    "silu": Case(lambda: chain(nn.SiLU(), conv(6, 6), nn.GELU())),
    "leaky and in place": Case(lambda: chain(nn.LeakyReLU(inplace=True), conv(6, 6), nn.PReLU())),
    "dropout": Case(lambda: chain(nn.Dropout(), nn.Tanh(), conv(6, 6), nn.Dropout2d())),
    "squeeze and excitation": Case(
        lambda: Applied(excited, c=conv(3, 6), s=nn.Conv2d(6, 6, 1), f=nn.Linear(6, CLASSES))
    ),
    "used twice": Case(
        lambda: Applied(
            twice, c=conv(3, 4), f=nn.Linear(4, CLASSES), again=Call(F.conv2d, padding=2, dilation=2)
        )
    ),
    "functional": Case(
        lambda: Applied(functional, c=conv(3, 4), f=nn.Linear(4, CLASSES)),
        twin=lambda: nn.Sequential(conv(3, 4), nn.ReLU(), *head(4)),
    ),
    "raw parameters": Case(
        lambda: Applied(
            raw, w=nn.Parameter(torch.randn(4, 3, 3, 3)), v=nn.Parameter(torch.randn(CLASSES, 4))
        ),
        twin=lambda: nn.Sequential(
            conv(3, 4, bias=False),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(4, CLASSES, bias=False),
        ),
    ),
    "tied": Case(lambda: Applied(tied, c=conv(3, 4), d=conv(4, 4), f=nn.Linear(4, CLASSES))),
    "transposed": Case(
        lambda: Applied(
            transposed, f=nn.Linear(192, 5, bias=False), g=nn.Linear(192, CLASSES), back=Call(F.linear)
        )
    ),
    "cosine head": Case(
        lambda: Applied(cosine, c=conv(3, 6), f=nn.Linear(6, CLASSES, bias=False), compare=Call(F.linear))
    ),
    "standardised weights": Case(
        lambda: Applied(standardised, c=conv(3, 6), f=nn.Linear(6, CLASSES), centred=Call(F.conv2d))
    ),
    "attention": Case(lambda: attentive(attention, batch_first=True), twin=attentive_by_hand),
    "attention, positions first": Case(lambda: attentive(attention_of_positions), twin=attentive_by_hand),
    "attention in one operator": Case(
        lambda: attentive(attention_in_one, batch_first=True), twin=attentive_by_hand
    ),
    "windows": Case(lambda: windowed(windows), twin=lambda: windowed(windows_by_image)),
    "lstm": Case(
        lambda: Applied(recurrent, r=nn.LSTM(3, 5, batch_first=True), f=nn.Linear(5, CLASSES)), reasons=UNSEEN
    ),
    "gru of two layers": Case(
        lambda: Applied(recurrent, r=nn.GRU(3, 5, 2, batch_first=True), f=nn.Linear(5, CLASSES)),
        reasons=UNSEEN,
    ),
    "logits": Case(lambda: Applied(outputs("logits"), c=conv(3, 8), f=nn.Linear(8, CLASSES))),
    "features and logits": Case(
        lambda: Applied(outputs("pair"), c=conv(3, 8), f=nn.Linear(8, CLASSES)),
        twin=lambda: Applied(outputs("logits"), c=conv(3, 8), f=nn.Linear(8, CLASSES)),
    ),
    "dictionary": Case(
        lambda: Applied(outputs("dict"), c=conv(3, 8), f=nn.Linear(8, CLASSES)),
        twin=lambda: Applied(outputs("logits"), c=conv(3, 8), f=nn.Linear(8, CLASSES)),
    ),
    "reentrant checkpoint": Case(checkpointing(checkpointed, reentrant=True), checkpointing(unchecked)),
    "checkpoint": Case(checkpointing(checkpointed, reentrant=False), checkpointing(unchecked)),
    "saved elsewhere": Case(
        checkpointing(saved_elsewhere), reasons={"*": "intercepts what its backward pass needs"}
    ),
    "no gradients": Case(lambda: Applied(without_gradients, n=body(), f=nn.Linear(5, CLASSES)), reasons=LOST),
    "inference mode": Case(checkpointing(in_inference), reasons=LOST),
    "a function that differentiates itself": Case(linear_before_head(product_of_its_own), reasons=LOST),
    "detached": Case(checkpointing(detached), reasons=CUT),
    "a detached weight": Case(
        lambda: Applied(detached_weight, c=conv(3, 6), f=nn.Linear(6, CLASSES)), reasons=CUT
    ),
    "detached images": Case(checkpointing(detached_images), reasons={"jacob_cov": CUT["*"]}),
    "a product without gradients": Case(linear_before_head(product_without_gradients), reasons=CUT),
    "a layer without use": Case(checkpointing(unchecked, idle=nn.Linear(3, 4))),
    "vmap": Case(checkpointing(mapped), reasons={"*": "in a transform of torch.func, such as vmap"}),
    "a hook on the backward pass": Case(grouped_with_a_hook, twin=grouped),
    "timm resnet": Case(of_timm("test_resnet"), side=32),
    "timm convnext": Case(of_timm("test_convnext"), side=32),
    "timm efficientnet": Case(of_timm("test_efficientnet"), side=32),
    "timm mambaout": Case(of_timm("test_mambaout"), side=32),
    "timm nfnet": Case(of_timm("test_nfnet"), side=32),
    "timm vit": Case(of_timm("test_vit", img_size=64), side=64),
    "timm byobnet": Case(of_timm("test_byobnet"), side=32),
    "torchvision squeezenet": Case(of_torchvision("squeezenet1_1"), side=32),
    "torchvision shufflenet": Case(of_torchvision("shufflenet_v2_x0_5"), side=32),
}


def zero(norm):
    nn.init.zeros_(norm.weight)
    return norm


def untidy(norm):
    """Give a batch norm scales, shifts and statistics that matter."""
    for i, tensor in enumerate(t for t in (*norm.parameters(), *norm.buffers()) if t.dim() == 1):
        tensor.data = tensor.data + torch.linspace(0.1, 0.5 + i / 4, len(tensor))
    return norm


def network(name):
    return _made(ZOO[name].make)


def twin(name):
    """Return the network that the definitions look into, with the parameters of the other."""
    case, made = ZOO[name], network(name)
    if case.twin is None:
        return made
    other = _made(case.twin)
    with torch.no_grad():
        for own, given in zip(_tensors(other), _tensors(made), strict=True):
            own.copy_(given)
    return other


def _tensors(network):
    numbers = (buffer for buffer in network.buffers() if buffer.is_floating_point())
    return [*network.parameters(), *numbers]


def _made(make):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return make().double()


class Definitions:
    """Proxies by their definitions: one image, weight or output at a time, in float64."""

    def __init__(self, net, batch):
        self.net = copy.deepcopy(net).eval()
        self.x, self.y = batch.images, batch.labels
        self.weights = list({id(w): w for w in self._weights()}.values())

    def _weights(self):
        for module in self.net.modules():
            if isinstance(module, _ConvNd | nn.Linear):
                yield module.weight
            elif isinstance(module, nn.MultiheadAttention | nn.RNNBase):
                yield from (p for p in module.parameters(recurse=False) if p.dim() == 2)

    def use(self, statistics):
        """Let batch norm use the statistics of what it is given, or its running ones."""
        for module in self.net.modules():
            if isinstance(module, _BatchNorm):
                module.train(statistics != "running")
                module.momentum = 0.0
        return self

    def loss(self, part=slice(None)):
        return F.cross_entropy(self.net(self.x[part]), self.y[part])

    def gradients(self, value, **how):
        return torch.autograd.grad(value, self.weights, allow_unused=True, materialize_grads=True, **how)

    def products(self):
        return [
            w.detach() * g
            for w, g in zip(self.weights, self.gradients(self.use("batch").loss()), strict=True)
        ]

    def params(self):
        return sum(p.numel() for p in self.net.parameters())

    def l2_norm(self):
        return sum(float(w.detach().norm()) for w in self.weights)

    def grad_norm(self):
        return sum(float(g.norm()) for g in self.gradients(self.use("batch").loss()))

    def snip(self):
        return sum(float(p.abs().sum()) for p in self.products())

    def snip_printed(self):
        return sum(abs(float(p.sum())) for p in self.products())

    def plain(self):
        return sum(float(p.sum()) for p in self.products())

    def grasp(self):
        with sdpa_kernel(SDPBackend.MATH):  # torch's fused attention has no second derivative
            first = self.gradients(self.use("batch").loss(), create_graph=True)
        second = self.gradients(sum((g * g.detach()).sum() for g in first))
        return -sum(float((h * w.detach()).sum()) for h, w in zip(second, self.weights, strict=True))

    def flow(self, normalised):
        net = Definitions(self.net, Batch(self.x, self.y, CLASSES, ""))
        with torch.no_grad():
            for parameter in net.net.parameters():
                parameter.abs_()
        if normalised:
            net.use("batch")
        else:
            for module in net.net.modules():
                if isinstance(module, _BatchNorm | FROZEN):
                    _remove(module)
        flow = net.net(torch.ones_like(net.x[:1])).sum()
        pairs = zip(net.weights, net.gradients(flow), strict=True)
        return sum(float((w.detach() * g).abs().sum()) for w, g in pairs)

    def synflow(self):
        return self.flow(normalised=False)

    def synflow_log(self):
        return math.log(self.synflow())

    def synflow_batch_norm(self):
        return self.flow(normalised=True)

    def information(self):
        """Return for each output of a layer the sum over its channels and the weights of one channel."""
        kept = []

        def keep(layer, _inputs, output):
            output.retain_grad()
            kept.append((layer, output))
            return output * 1  # which the network may overwrite

        layers = [m for m in self.net.modules() if isinstance(m, _ConvNd | nn.Linear | Call)]
        hooks = [layer.register_forward_hook(keep) for layer in layers]
        self.use("batch").loss().backward()
        for hook in hooks:
            hook.remove()
        for layer, output in kept:
            is_linear = isinstance(layer, nn.Linear) or getattr(layer, "function", None) is F.linear
            axis = output.dim() - 1 if is_linear else 1
            positions = [a for a in range(1, output.dim()) if a != axis]
            grad = torch.zeros_like(output) if output.grad is None else output.grad
            by_channel = (output * grad).sum(positions) if positions else output * grad
            weight = layer.weights[0] if isinstance(layer, Call) else layer.weight
            yield (
                float((by_channel**2).detach().sum()) / 2 / len(output),
                weight.numel() // output.shape[axis],
            )

    def fisher(self):
        return sum(total * weights for total, weights in self.information())

    def fisher_channels(self):
        return sum(total for total, _ in self.information())

    def rows(self, value, statistics):
        """Return each image's gradient of a value, the image running alone."""
        self.use(statistics)
        return torch.stack(
            [
                torch.cat([g.flatten() for g in self.gradients(value(slice(i, i + 1)))])
                for i in range(len(self.x))
            ]
        )

    def gradsign(self):
        return float(self.rows(self.loss, "sample").sign().sum(0).abs().sum())

    def gradsign_mean(self):
        return self.gradsign() / sum(w.numel() for w in self.weights)

    def ntk_cond_printed(self):
        return _condition(self.rows(lambda part: self.net(self.x[part]).sum(), "sample"))

    def ntk_cond_running(self):
        return _condition(self.rows(lambda part: self.net(self.x[part]).sum(), "running"))

    def ntk_cond(self):
        logits = self.use("batch").net(self.x)
        rows = [self.gradients(row.sum(), retain_graph=True) for row in logits]
        return _condition(torch.stack([torch.cat([g.flatten() for g in row]) for row in rows]))

    def ntk_cond_norms(self):
        known = {id(weight) for weight in self.weights}
        self.weights += [p for n, p in self.net.named_parameters() if "weight" in n and id(p) not in known]
        return self.ntk_cond()

    def jacob_cov(self):
        x = self.x.clone().requires_grad_()
        self.use("batch").net(x).sum().backward()
        correlations = np.corrcoef(x.grad.flatten(1).numpy())
        if not np.isfinite(correlations).all():
            return math.nan
        eigenvalues = np.linalg.eigvalsh(correlations)
        return -sum(math.log(v + 1e-5) + 1 / (v + 1e-5) for v in eigenvalues)

    def ratios(self):
        self.use("batch")
        halves = [self.gradients(self.loss(part)) for part in (slice(2), slice(2, 4))]
        for pair in zip(*halves, strict=True):
            both = torch.stack(pair)
            mean, deviation = both.abs().mean(0), both.std(0, correction=0)
            yield float((mean / deviation)[deviation > 0].sum())

    def zico(self):
        return sum(math.log(ratio) for ratio in self.ratios() if ratio > 0)

    def sizes(self):
        """Return for each weight positions and channels of what it is used for first, for one image."""
        found = {}

        def keep(layer, _inputs, output):
            is_linear = isinstance(layer, nn.Linear) or getattr(layer, "function", None) is F.linear
            channels = output.shape[-1 if is_linear else 1]
            weight = layer.weights[0] if isinstance(layer, Call) else layer.weight
            for place, gradient in enumerate(
                torch.autograd.grad(weight.sum(), self.weights, allow_unused=True, retain_graph=True)
            ):
                if gradient is not None:
                    found.setdefault(place, (output.numel() // channels, channels))

        layers = [m for m in self.net.modules() if isinstance(m, _ConvNd | nn.Linear | Call)]
        hooks = [layer.register_forward_hook(keep) for layer in layers]
        self.use("running").net(self.x[:1])
        for hook in hooks:
            hook.remove()
        return found

    def zico_bc(self):
        sizes, penalty = self.sizes(), 0
        for place, ratio in enumerate(self.ratios()):
            if ratio > 0:
                positions, channels = sizes[place]
                penalty += math.log(positions / math.sqrt(channels))
        return self.zico() - penalty


def _remove(norm):
    """Let a batch norm, which may hold an activation, normalise by a mean of 0 and a variance of 1."""
    width = len(norm.weight) if isinstance(norm, FROZEN) else norm.num_features
    norm.track_running_stats, norm.training = True, False
    norm.running_mean = torch.zeros(width, dtype=torch.float64)
    norm.running_var = torch.ones(width, dtype=torch.float64) - norm.eps
    if norm.weight is not None:
        nn.init.ones_(norm.weight)
        nn.init.zeros_(norm.bias)


def _condition(rows):
    eigenvalues = torch.linalg.eigvalsh(rows @ rows.T)
    return float(eigenvalues[-1] / eigenvalues[0])
