"""A head that refines the kernel of each class, image by image (K-Net)."""

from __future__ import annotations

from torch import Tensor, nn

from zsnas.spaces._segmentation_heads.layers import Levels, pixels


class KernelNet(nn.Module):
    """Another head, whose classifier is the first kernel of each class; three stages that refine it."""

    STAGES = 3

    def __init__(self, body: nn.Module, classifier: nn.Conv2d) -> None:
        super().__init__()
        self.body, self.classifier = body, classifier
        self.stages = nn.ModuleList(KernelStage(classifier.in_channels) for _ in range(self.STAGES))

    def forward(self, levels: Levels) -> Tensor:
        """Map levels to (batch, classes, …) at the sides of the body's map."""
        maps = self.body(levels)
        logits: Tensor = self.classifier(maps)
        kernels = self.classifier.weight.flatten(1).expand(len(maps), -1, -1)
        for stage in self.stages:
            logits, kernels = stage(maps, kernels, logits)
        return logits


class KernelStage(nn.Module):
    """Kernels meet the features of their class and each other, and give new logits."""

    def __init__(self, width: int, inner: int = 2048) -> None:
        super().__init__()
        self.transform = nn.Conv2d(width, width, 1)
        self.update = KernelUpdate(width // 2)
        self.attention, self.attention_norm = KernelAttention(width), nn.LayerNorm(width)
        self.feed = nn.Sequential(nn.Linear(width, inner), nn.ReLU(), nn.Linear(inner, width))
        self.feed_norm = nn.LayerNorm(width)
        self.mask = nn.Sequential(
            nn.Linear(width, width, bias=False), nn.LayerNorm(width), nn.ReLU(), nn.Linear(width, width)
        )

    def forward(self, maps: Tensor, kernels: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Return the next logits (batch, classes, …) and kernels (batch, classes, width)."""
        maps = self.transform(maps)
        features = logits.softmax(dim=1).flatten(2) @ pixels(maps)
        kernels = self.update(features, kernels)
        kernels = self.attention_norm(kernels + self.attention(kernels))
        kernels = self.feed_norm(kernels + self.feed(kernels))
        return (self.mask(kernels) @ maps.flatten(2)).view(logits.shape), kernels


class KernelUpdate(nn.Module):
    """Gates, from features and kernels, that say how much of each the new kernels are.

    A kernel is taken in parts of `width` channels, each by itself: mmsegmentation has two in one of 512.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.features, self.kernels = (nn.Linear(width, 2 * width) for _ in range(2))
        self.gates = nn.ModuleList(
            nn.Sequential(nn.Linear(width, width), nn.LayerNorm(width), nn.Sigmoid()) for _ in range(2)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.out = nn.Sequential(nn.Linear(width, width), nn.LayerNorm(width), nn.ReLU())

    def forward(self, features: Tensor, kernels: Tensor) -> Tensor:
        """Map two of (batch, classes, a multiple of width) to another one."""
        parts = (*kernels.shape[:2], -1, self.width)
        ours, theirs = (
            layer(x.reshape(parts)).chunk(2, dim=-1)
            for layer, x in ((self.features, features), (self.kernels, kernels))
        )
        product = ours[0] * theirs[0]
        new, old = (
            gate(product) * norm(x)
            for gate, norm, x in zip(self.gates, self.norms, (ours[1], theirs[1]), strict=True)
        )
        out: Tensor = self.out(new + old).flatten(2)
        return out


class KernelAttention(nn.Module):
    """Self-attention of several heads among the kernels of an image (Vaswani et al. 2017)."""

    def __init__(self, width: int, heads: int = 8) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, classes, width) to the same shape."""
        query, key, value = (
            layer(x).view(*x.shape[:2], self.heads, -1).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        weights = (query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5).softmax(dim=-1)
        out: Tensor = self.out((weights @ value).transpose(1, 2).flatten(2))
        return out
