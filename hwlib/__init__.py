"""Inference Hardware Workbook: measured figures, dated prices and stated errors for choosing inference hardware.

>>> import hwlib as hw
>>> rows = hw.load_measurements(model="resnet50", device="nvidia-t4", scenario="batch_loop")
>>> set(rows["precision"]) >= {"fp32", "fp16"}
True
"""

import importlib
import sys

__version__ = "0.1.0"

# jsonschema builds parsers for address formats nobody here uses when this is there: 0.8 s of every `import altair`.
sys.modules.setdefault("rfc3987_syntax", None)

# Name -> module it lives in; a module loads when one of its names is first used, so that `import hwlib` costs nothing.
_FACE = {
    "ANSWERS": "workload",
    "HwlibError": "errors",
    "Ownership": "ownership",
    "Workload": "workload",
    "caveats": "guard",
    "compare": "guard",
    "cost": "metrics",
    "count_operations": "measuring",
    "decide": "decision",
    "energy": "metrics",
    "estimate": "estimates",
    "explore": "widgets",
    "fleet": "queueing",
    "load_devices": "data",
    "load_grid": "data",
    "load_llm_serving": "data",
    "load_measurements": "data",
    "load_models": "data",
    "load_prices": "data",
    "load_sources": "data",
    "measure": "measuring",
    "options": "candidates",
    "pareto": "metrics",
    "preset": "presets",
    "side_by_side": "guard",
    "sweep": "sweeps",
    "trace": "provenance",
}
_MODULES = (
    "charts",
    "data",
    "guard",
    "metrics",
    "money",
    "ownership",
    "panels",
    "pictures",
    "landscape",
    "queueing",
    "regions",
    "reports",
    "rooflines",
    "schema",
    "serving",
    "sweeps",
    "tradeoff",
    "units",
    "variants",
)

__all__ = [*_FACE, *_MODULES, "__version__"]


def __getattr__(name):
    if name in _FACE:
        return getattr(importlib.import_module(f".{_FACE[name]}", __name__), name)
    if name in _MODULES:
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module 'hwlib' has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__():
    return sorted(__all__)
