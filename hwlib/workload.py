"""The answers to the decision questions, checked before anything is computed."""

from dataclasses import dataclass
from math import isfinite

from . import data, schema
from .errors import HwlibError, unknown

# What each priority ranks by, and whether less is better.
PRIORITIES = {
    "cost": ("usd_per_100k", True),
    "throughput": ("throughput_per_s", False),
    "latency": ("latency_ms", True),
    "energy": ("joules_per_inference", True),
}


@dataclass(frozen=True)
class Workload:
    """The answers to the decision questions, checked.

    Parameters
    ----------
    model : str
        `model_id`, or a spelling of it that a source uses.
    priority : {"cost", "throughput", "latency", "energy"}
        What to rank by.
    batch_size : int or "any"
        Samples per call.
    latency_ms : float, optional
        Longest latency allowed, ms; held against the sternest percentile that a row states.
    pricing : str
        Terms of renting, a word of `prices.pricing`.
    provider : str, optional
        Only offers of this provider.
    utilisation : float
        Share of the rented time that does work, over 0 and up to 1.

    Raises
    ------
    HwlibError
        Naming the field, the value and what is allowed.

    Examples
    --------
    >>> Workload("resnet50", batch_size=8).priority
    'cost'
    """

    model: str
    priority: str = "cost"
    batch_size: int | str = "any"
    latency_ms: float | None = None
    pricing: str = "on_demand"
    provider: str | None = None
    utilisation: float = 1.0

    def __post_init__(self):
        object.__setattr__(self, "model", data.find_model(self.model))
        if self.priority not in PRIORITIES:
            raise unknown("priority", self.priority, PRIORITIES)
        if self.pricing not in schema.PRICINGS:
            raise unknown("pricing", self.pricing, schema.PRICINGS)
        if self.batch_size != "any" and not _positive(self.batch_size, int):
            raise HwlibError(f"batch_size {self.batch_size!r}: expected a whole number of at least 1, or 'any'")
        if self.latency_ms is not None and not _positive(self.latency_ms, int | float):
            raise HwlibError(f"latency_ms {self.latency_ms!r}: expected a number over 0, in milliseconds")
        if not _positive(self.utilisation, int | float) or self.utilisation > 1:
            raise HwlibError(f"utilisation {self.utilisation!r}: expected a share over 0 and up to 1, such as 0.6")
        providers = data.load_prices()["provider"].unique()
        if self.provider is not None and self.provider not in providers:
            raise unknown("provider", self.provider, sorted(providers))


def _positive(value, kind):
    return isinstance(value, kind) and not isinstance(value, bool) and isfinite(value) and value > 0
