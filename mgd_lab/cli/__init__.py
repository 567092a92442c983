"""The command line: the only part that prints."""

from mgd_lab.cli.app import main

__all__ = ["main"]
