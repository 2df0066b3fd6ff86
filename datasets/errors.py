"""The error of all datasets."""

from __future__ import annotations


class DataError(ValueError):
    """Data that is missing, incomplete or broken. The message says where, what, and the mend."""
