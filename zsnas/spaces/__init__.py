"""Search spaces: architecture strings and the networks that they name."""

from zsnas.spaces._base import NetworkUnavailable, Space, list_spaces, register_space, space

__all__ = ["NetworkUnavailable", "Space", "list_spaces", "register_space", "space"]
