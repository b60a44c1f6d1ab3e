"""The answers to the decision questions, checked before anything is computed."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from math import isfinite, log2
from types import NoneType

from . import data, schema, serving
from .errors import HwlibError, unknown
from .ownership import Ownership
from .regions import grid

# What each priority ranks by, and whether less is better.
PRIORITIES = {
    "cost": ("usd_per_100k", True),
    "throughput": ("throughput_per_s", False),
    "latency": ("latency_ms", True),
    "energy": ("joules_per_inference", True),
}
PERCENTILES = (50, 90, 95, 99)
LARGEST_WEIGHT = 1e6
# Number fields: what they are, and the largest value that is no slip of unit. All are over 0.
NUMBERS = {
    "latency_ms": ("milliseconds", 1e7),
    "requests_per_s": ("requests a second", 1e9),
    "peak_factor": ("a factor of at least 1, the peak rate over the mean rate", 1e4),
    "premium_per_doubling": ("a share, such as 0.5 for half as much again", 100),
    "accuracy_loss": ("percent of the reference accuracy", 100),
    "usd_per_hour": ("US dollars an hour", 1e7),
    "usd_per_million": ("US dollars for a million inferences", 1e9),
    "power_w": ("watts", 1e8),
    "utilisation": ("a share over 0 and up to 1, such as 0.6", 1),
    "hours_per_day": ("hours over 0 and up to 24", 24),
    "ttft_ms": ("milliseconds", 1e7),
    "tpot_ms": ("milliseconds", 1e7),
}
ASSUMED = Ownership()
COUNTS = {"input_tokens": 1e8, "output_tokens": 1e8, "concurrency": 1e6}
AT_LEAST_ONE = ("peak_factor",)
NEVER_NONE = (*AT_LEAST_ONE, "utilisation", "hours_per_day")


@dataclass(frozen=True)
class Workload:
    """The answers to the decision questions, checked; it cannot be changed afterwards.

    Fields that take several words accept a list or one text with commas.

    Parameters
    ----------
    model : str
        `model_id`, or a spelling of it that a source uses.
    priority : {"cost", "throughput", "latency", "energy"}
        What to rank by.
    weights : dict or str, optional
        Rank by several criteria at once instead: how much each counts, such as ``{"cost": 2, "latency": 1}`` or
        ``"cost=2,latency=1"``. A weight is an exponent: with 2 and 1, a quarter less cost outweighs 1.7 times the latency.
    premium_per_doubling : float, optional
        How much more an inference may cost for twice the performance, as a share; with priority throughput or latency.
    batch_size : int or "any"
        Samples per call.
    latency_ms : float, optional
        Longest latency allowed, ms.
    latency_percentile : {50, 90, 95, 99}
        Share of the requests, in percent, that must keep to it. A row that states only a milder figure is held to that, and says so.
    requests_per_s : float, optional
        Mean rate of requests, 1/s: options become fleets that serve it. None: machines are kept busy.
    peak_factor : float
        Highest rate over the mean rate; the fleet is sized for the peak.
    precisions : sequence of str, optional
        Number formats allowed.
    accuracy_loss : float, optional
        Largest loss of accuracy allowed, percent of the reference.
    usd_per_hour, usd_per_million : float, optional
        Largest price of the machine or fleet, USD/h, and largest cost of a million inferences, USD.
    power_w : float, optional
        Largest power of the machine, W: measured, or else the TDP of its devices as a bound.
    evidence : sequence of str, optional
        Kinds of evidence allowed: audited, published, own, derived, estimated; without estimated nobody's guess takes part.
    segment : str, optional
        Only devices of this segment: datacenter, workstation, edge or mobile.
    pricing : str or sequence of str
        Terms of renting, words of `prices.pricing`, or purchase.
    providers, regions : sequence of str, optional
        Only offers of these.
    utilisation : float
        Share of the paid time that does work, over 0 and up to 1.
    hours_per_day : float
        Hours a day that the service is needed: machines on demand and spot are given back for the rest, others are paid for.
    ownership : Ownership, dict or str
        Assumptions for bought machines and for the building, such as ``"years=4,usd_per_kwh=0.2,pue=1.3"``.
    grid_region : str, optional
        Region of table `grid_carbon` whose electricity counts for carbon.
    ttft_ms, tpot_ms : float, optional
        Language models: longest time to the first token and longest time per output token, ms.
    input_tokens, output_tokens, concurrency : int, optional
        Language models: length of prompt and answer, tokens, and requests in flight.

    Raises
    ------
    HwlibError
        Naming the field, the value and what is allowed.

    Examples
    --------
    >>> Workload("resnet50", batch_size=8).priority
    'cost'
    >>> Workload("resnet50", weights="cost=2,latency=1").criteria
    {'cost': 2.0, 'latency': 1.0}
    """

    model: str
    priority: str = "cost"
    weights: tuple | Mapping | str | None = None
    premium_per_doubling: float | None = None
    batch_size: int | str = "any"
    latency_ms: float | None = None
    latency_percentile: int = 99
    requests_per_s: float | None = None
    peak_factor: float = 1.0
    precisions: tuple | None = None
    accuracy_loss: float | None = None
    usd_per_hour: float | None = None
    usd_per_million: float | None = None
    power_w: float | None = None
    evidence: tuple | None = None
    segment: str | None = None
    pricing: tuple | str = "on_demand"
    providers: tuple | None = None
    regions: tuple | None = None
    utilisation: float = 1.0
    hours_per_day: float = 24.0
    ownership: Ownership | Mapping | str = ASSUMED
    grid_region: str | None = None
    ttft_ms: float | None = None
    tpot_ms: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    concurrency: int | None = None

    def __post_init__(self):
        self._set(model=data.find_model(self.model), weights=_weights(self.weights), ownership=_ownership(self.ownership))
        self._set(**{name: _words(getattr(self, name)) for name in ("precisions", "evidence", "pricing", "providers", "regions")})
        _one_of("priority", self.priority, PRIORITIES)
        _one_of("latency_percentile", self.latency_percentile, PERCENTILES)
        _one_of("segment", self.segment, (None, *schema.SEGMENTS))
        _all_of("precisions", self.precisions, schema.PRECISIONS)
        _all_of("pricing", self.pricing, schema.PRICINGS)
        _all_of("evidence", self.evidence, schema.EVIDENCE)
        for name in NUMBERS:
            _number(name, getattr(self, name))
        for name in COUNTS:
            _count(name, getattr(self, name))
        _batch(self.batch_size)
        self._check_places()
        self._check_serving()
        self._check_ranking()

    def _set(self, **cells):
        for name, value in cells.items():
            object.__setattr__(self, name, value)

    def _check_places(self):
        if self.providers or self.regions:
            offered = data.load("prices")
            _all_of("providers", self.providers, offered["provider"].dropna().unique())
            _all_of("regions", self.regions, offered["region"].dropna().unique())
        if self.grid_region is not None:
            self._set(grid_region=grid(self.grid_region)["region"])

    def _check_serving(self):
        asked = [name for name in (*serving.TIMES, *serving.COUNTS) if getattr(self, name) is not None]
        if asked and self.model not in serving.served_models():
            raise HwlibError(f"{asked[0]}: no serving of {self.model!r} was measured; `hwlib models` lists the language models that were")

    def _check_ranking(self):
        if self.requests_per_s and self.utilisation != 1:
            raise HwlibError(f"utilisation {self.utilisation!r}: with requests_per_s it follows from the rate; give only one of the two")
        if self.premium_per_doubling is None:
            return
        if self.weights or self.priority not in ("throughput", "latency"):
            needed = "it prices performance, so it needs priority throughput or latency, without weights"
            raise HwlibError(f"premium_per_doubling {self.premium_per_doubling!r}: {needed}")

    @property
    def criteria(self):
        """What ranks the options: criterion -> weight."""
        if self.weights:
            return dict(self.weights)
        if self.premium_per_doubling is not None:
            return {"cost": 1.0, self.priority: log2(1 + self.premium_per_doubling)}
        return {self.priority: 1.0}

    @property
    def limits_time(self):
        """Whether any time is limited, so that a throughput held back for it answers the question."""
        return any(limit is not None for limit in (self.latency_ms, self.ttft_ms, self.tpot_ms))

    def to_dict(self):
        """The answers as plain JSON values."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in (asdict(self) | {"weights": dict(self.weights) if self.weights else None}).items()
        }

    def changed(self):
        """The answers that are not the default, as a dict: what one would have to type."""
        answers = {field.name: (getattr(self, field.name), _default(field)) for field in fields(self)[1:]}
        return {name: value for name, (value, default) in answers.items() if value != default}


# Everything that may be answered beside the model.
ANSWERS = tuple(field.name for field in fields(Workload)[1:])


def asked(model, answers):
    """The `Workload` of a model and a dict of answers, where an answer that does not exist is named.

    Raises
    ------
    HwlibError
        For an unknown or faulty answer.

    Examples
    --------
    >>> asked("resnet50", {"batch_size": 8}).batch_size
    8
    """
    for name in answers:
        if name not in ANSWERS:
            raise unknown("answer", name, ANSWERS)
    return Workload(model, **answers)


def _default(field):
    return _words(field.default) if field.name == "pricing" else field.default


def _words(value):
    """Several words as a tuple, from a list or a text with commas; None for none."""
    if value is None or isinstance(value, str):
        value = [word.strip() for word in (value or "").split(",")]
    return tuple(word for word in value if word) or None


def _weights(value):
    pairs = _pairs("weights", value, PRIORITIES)
    if not all(0 < weight < LARGEST_WEIGHT for weight in pairs.values()):
        raise HwlibError(f"weights {value!r}: expected numbers over 0 and under {LARGEST_WEIGHT:,.0f}, such as cost=2,latency=1")
    return tuple(pairs.items()) or None


def _ownership(value):
    return value if isinstance(value, Ownership) else Ownership(**_pairs("ownership", value, [field.name for field in fields(Ownership)]))


def _pairs(field, value, allowed):
    """Named numbers as a dict, from a dict, pairs, or a text such as "cost=2,latency=1"."""
    pairs = [word.partition("=")[::2] for word in _words(value) or ()] if isinstance(value, str) else list(dict(value or {}).items())
    for name, _ in pairs:
        _one_of(field, name, allowed)
    return {name: _float(field, name, number) for name, number in pairs}


def _float(field, name, value):
    try:
        return float(value)
    except (TypeError, ValueError):
        raise HwlibError(f"{field}: {name}={value!r}: expected a number") from None


def _one_of(field, value, allowed):
    if isinstance(value, bool) or value not in list(allowed):
        raise unknown(field, value, [word for word in allowed if word is not None])


def _all_of(field, values, allowed):
    for value in values or ():
        _one_of(field, value, sorted(allowed))


def _number(field, value):
    words, largest = NUMBERS[field]
    smallest = 1 if field in AT_LEAST_ONE else 0
    if value is None and field not in NEVER_NONE:
        return
    fits = _real(value, int | float) and (value > 0 or (field == "accuracy_loss" and value == 0)) and smallest <= value <= largest
    if not fits:
        raise HwlibError(f"{field} {value!r}: expected {words}, {'at least 1' if smallest else 'over 0'} and at most {largest:,.10g}")


def _count(field, value):
    if value is not None and not (_real(value, int) and 1 <= value <= COUNTS[field]):
        raise HwlibError(f"{field} {value!r}: expected a whole number from 1 to {COUNTS[field]:,.0f}")


def _batch(value):
    if value != "any" and not (_real(value, int) and 1 <= value <= 1e6):
        raise HwlibError(f"batch_size {value!r}: expected a whole number from 1 to 1,000,000, or 'any'")


def _real(value, kind):
    return isinstance(value, kind) and not isinstance(value, bool | NoneType) and isfinite(value)
