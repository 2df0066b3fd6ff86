"""The harness: records, protocols, metrics, tubes, runs and the command line."""

__version__ = "0.1.0"
