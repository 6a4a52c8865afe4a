"""Small projects with notebooks of their own and a copy of the package."""

import shutil
from pathlib import Path

from zsnas.sources import SourceUnavailable

ROOT = Path(__file__).parents[1]

HEADER = """---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, language: python, name: python3}
---

# A page

```{code-cell} ipython3
:tags: [parameters]

profile = "full"
seeds = [0]
batch_size = 2
limit = None
recompute = False
```
"""


def make(folder, notebooks):
    """Make a project in a folder from the sources of its notebooks, by name; return the folder."""
    (folder / "notebooks").mkdir(parents=True)
    for name, text in notebooks.items():
        (folder / "notebooks" / f"{name}.md").write_text(text)
    shutil.copytree(ROOT / "zsnas", folder / "zsnas", ignore=shutil.ignore_patterns("__pycache__", "data"))
    return folder


def cell(code):
    """Return a code cell of a notebook's source."""
    return f"\n```{{code-cell}} ipython3\n{code}\n```\n"


def unavailable(name):
    """Stand in for `zsnas.sources.fetch` on a machine that has nothing."""
    raise SourceUnavailable(f"cannot get {name}")
