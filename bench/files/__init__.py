"""Files of the suite: Parquet tables, whole-or-nothing writing, keys of finished steps, safe pickles."""
