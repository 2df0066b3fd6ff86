"""Predictions that lie in files, anybody's: read, linked and scored like a run's own."""
