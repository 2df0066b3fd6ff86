"""Leaderboards, tables and figures made from results, and the papers' published numbers."""
