"""NASWOT: Logdet under the name that most of the field knows it by."""

from __future__ import annotations

from zsnas.proxies._passes import Passes
from zsnas.proxies._registry import register
from zsnas.proxies.logdet import logdet


@register(
    label="NASWOT",
    higher_is_better=True,
    kind="gradient-free",
    target=("expressivity",),
    equation="eq-naswot",
    reference="mellor2021",
)
def naswot(passes: Passes) -> float:
    r"""Take the log-determinant of how often images agree in which units are active.

    :math:`\log |\det K|` with :math:`K_{ij} = N - d_H(c_i, c_j)`, the same number as Logdet, which is what
    the survey calls it. NWOT is a third name.

    Everything that Logdet leaves out or assumes holds here, and so does what other codes do instead: that of
    Mellor et al. 2021 counts most ReLUs of NAS-Bench-201 twice (τ = .99 with this score).

    Returns
    -------
    float
        Dimensionless; higher is better; undefined where Logdet is.

    References
    ----------
    Mellor et al. 2021, Neural architecture search without training.
    """
    return logdet(passes)
