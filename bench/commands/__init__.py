"""The commands, one module each: parse, call, print. A module's ``command`` is found by being here.

Modules import heavy packages (torch, mlflow, matplotlib, pandas) inside the function, so that
``bench --help`` answers at once.
"""
