"""Ingle: a local language-model runtime. Importing this package imports nothing heavy."""

from ingle.version import __version__

__all__ = ["__version__"]
