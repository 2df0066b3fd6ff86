"""Other people's formats of predictions and ground truth, read into :mod:`bench.records`."""
