"""Exercises for a room: checks that answer a learner kindly, and the learners' copies of the solution notebooks.

>>> from hwlib import workshop
>>> workshop.check_benchmark_3("preview")
Right. A preview was not yet for sale when it was measured.
"""

import importlib

_MODULES = ("session", "checks", "choices", "capstone")


def __getattr__(name):
    # Looked up on first use: the commands of this package need neither tables nor checks.
    if name == "start" or name.startswith("check_"):
        for module in _MODULES:
            found = getattr(importlib.import_module(f".{module}", __name__), name, None)
            if found is not None:
                return found
    raise AttributeError(f"module 'hwlib.workshop' has no attribute {name!r}")
