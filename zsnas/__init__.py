"""Zero-shot neural architecture search: rank networks before they are trained.

Importing the package loads nothing heavy: torch, timm and pandas come in with the first name that needs them.
"""

import lazy_loader

from zsnas._version import __version__ as __version__

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
