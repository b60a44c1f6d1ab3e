"""Machines for a request rate within a latency limit: waiting for a free machine, waiting for a batch, bursts and low load.

The model, and what it assumes. Requests arrive one by one at random (Poisson) and are spread evenly at random over the machines, as a
plain load balancer does; a balancer that always knows the idlest machine needs fewer. A machine takes what waits, up to a full batch,
as soon as it is free and holds nothing back, which is the default of NVIDIA's Triton server; a batch that is not full takes as long
as a full one, which bounds it from above. How many batches a machine works on at once follows from Little's law. The percentile of a
response is that of the wait plus the latency that the row states.
"""

import numpy as np

from . import metrics, units
from .columns import LARGEST
from .errors import HwlibError
from .waiting import HALVINGS, Queue, fill_quantile, load_of, queue_root, wait_s

# An assumption, not a measurement: who plans a fleet leaves it room for what no model foresees. Every function takes another.
MAX_LOAD = 0.8
ROUNDING = 1e-12
# A load so near to 1 that the wait is longer than any limit.
FULL = 1 - 1e-9


def fill_ms(requests_per_s, batch_size, percentile=None):
    """Milliseconds from the first request of a batch until the batch is full: the mean, or a percentile.

    mean = (batch_size - 1) / requests_per_s; the time is gamma distributed with batch_size - 1 stages.

    Parameters
    ----------
    requests_per_s : float
        Mean rate of arrivals at the machine, 1/s.
    batch_size : int
        Requests that make a full batch.
    percentile : float, optional
        Between 0 and 100, such as 99.

    Raises
    ------
    HwlibError
        Naming the argument.

    Examples
    --------
    >>> fill_ms(100, 8), round(fill_ms(100, 8, percentile=99), 1), round(fill_ms(3, 32) / 1_000, 1)
    (70.0, 145.7, 10.3)
    """
    rate, stages = _rate(requests_per_s), int(_count("batch_size", batch_size)) - 1
    seconds = stages if percentile is None or not stages else fill_quantile(stages, 1 - _miss(percentile))
    return seconds / rate * units.MS_PER_S


def response_ms(options, requests_per_s, machines=1, percentile=99, window_ms=0.0, variation=0.0):
    """Milliseconds within which `percentile` per cent of the requests are answered, waiting included: an array, one value a row.

    Infinite where more arrives than is ever finished; NaN where throughput or latency is unknown.

    Parameters
    ----------
    options : DataFrame
        Needs throughput_per_s (1/s, the whole machine), latency_ms (ms, one batch) and batch_size; an unknown batch size counts as 1.
    requests_per_s : float or sequence
        Mean rate that arrives at all machines together, 1/s; one value, or one a row.
    machines : int or sequence
        Machines that share the requests.
    percentile : float
        Between 0 and 100.
    window_ms : float
        Longest time that a machine holds the first request of a batch to let it fill; counted in full or until the batch is full.
    variation : float
        Squared coefficient of variation of the time of a batch: 0 where all take as long, 1 where times are exponential.

    Raises
    ------
    HwlibError
        Naming the argument or column.

    Notes
    -----
    `hwlib.waiting.wait_s` has the formulas. Against simulations with constant batch times at loads of 5 to 90 % the 99th percentile is
    5 % too short to 13 % too long with one batch in flight or batch size 1. Several batches in flight that start in step keep
    in step; what is said of them errs on the long side, by up to 78 % and never by more than the time of a batch.

    Examples
    --------
    >>> import pandas as pd
    >>> card = pd.DataFrame({"throughput_per_s": [100.0], "latency_ms": [10.0], "batch_size": [1]})
    >>> response_ms(card, 0.5).round(1), response_ms(card, 50).round(1), response_ms(card, 50, machines=4).round(1)
    (array([10.]), array([43.4]), array([19.9]))
    """
    queue = _queues(options)
    rate, miss = _rate(requests_per_s) / _count("machines", machines), _miss(percentile)
    window = _checked("window_ms", window_ms, "a number of at least 0, in ms", lambda v: (v >= 0) & np.isfinite(v))
    load = rate / queue.throughput_per_s
    root = queue_root(np.minimum(load, FULL) * queue.batch_size, queue.batch_size)
    wait = wait_s(root, queue, miss, _variation(variation))
    held = _held_ms(rate, queue.batch_size, 1 - miss, window) if window else 0.0
    return np.where(load >= 1, np.inf, (queue.batch_s + wait) * units.MS_PER_S + held)


def capacity_per_s(options, machines=1, latency_ms=None, percentile=99, max_load=MAX_LOAD, variation=0.0):
    """Largest request rate (1/s) that the machines of each option answer within the limit: an array, one value a row.

    In proportion to the machines, since each has a queue of its own. 0 where the batch alone takes longer than the limit; NaN where
    throughput is unknown, or latency is unknown and a limit given. Without a limit it is machines x throughput_per_s x max_load.

    Parameters
    ----------
    options : DataFrame
        As for `response_ms`; without a limit throughput_per_s is enough.
    machines : int or sequence
        Machines that share the requests.
    latency_ms : float, optional
        Limit of the response, waiting included, ms.
    percentile : float
        Share of the requests that must keep the limit, per cent.
    max_load : float
        Share of its throughput that a machine is planned for at most, over 0 and up to 1: an assumption.
    variation : float
        As for `response_ms`.

    Raises
    ------
    HwlibError
        Naming the argument or column.

    Examples
    --------
    >>> import pandas as pd
    >>> card = pd.DataFrame({"throughput_per_s": [100.0], "latency_ms": [10.0], "batch_size": [1]})
    >>> [capacity_per_s(card, latency_ms=limit).round(1).item() for limit in (9, 20, 40, 1_000)]
    [0.0, 13.5, 46.4, 80.0]
    """
    queue = _queues(options)
    load = _checked("max_load", max_load, "a share over 0 and up to 1, such as 0.8", lambda v: (v > 0) & (v <= 1))
    miss, variation = _miss(percentile), _variation(variation)
    if latency_ms is not None:
        load = _load_within(queue, _limit(latency_ms) / units.MS_PER_S, miss, load, variation)
    return _count("machines", machines) * queue.throughput_per_s * load


def machines_needed(options, requests_per_s, latency_ms=None, percentile=99, max_load=MAX_LOAD, variation=0.0):
    """Fewest machines of each option that answer the requests within the limit: a float array, NaN where none do or a figure is unknown.

    Parameters
    ----------
    options, latency_ms, percentile, max_load, variation
        As for `capacity_per_s`.
    requests_per_s : float
        Rate to serve, 1/s.

    Raises
    ------
    HwlibError
        Naming the argument or column.

    Examples
    --------
    >>> import pandas as pd
    >>> card = pd.DataFrame({"throughput_per_s": [100.0], "latency_ms": [10.0], "batch_size": [1]})
    >>> [machines_needed(card, rate, latency_ms=limit).item() for rate, limit in ((3, 20), (1_000, 20), (1_000, None), (3, 9))]
    [1.0, 74.0, 13.0, nan]
    """
    rate = _rate(requests_per_s)
    each = capacity_per_s(options, 1, latency_ms, percentile, max_load, variation)
    return np.ceil(rate / np.where(each > 0, each, np.nan) * (1 - ROUNDING))


def fleet(options, requests_per_s, peak_factor=1.0, latency_ms=None, percentile=99, max_load=MAX_LOAD, variation=0.0):
    """`options` with the machines that a request rate needs, how busy they are, how soon they answer (ms) and what they cost (USD).

    Sized for the peak, paid for around the clock, and shared by the requests of the mean rate: 3 requests a second pay for a whole machine.

    Parameters
    ----------
    options : DataFrame
        As for `response_ms`. Adds machines, load (share of the fleet's throughput used at the mean rate), response_ms (ms at
        the peak, at `percentile`) and, where there is usd_per_hour (USD/h a machine), usd_per_hour_fleet (USD/h) and
        usd_per_100k (USD for 100 000 requests at the mean rate, in place of one at full load).
    requests_per_s : float
        Mean rate, 1/s.
    peak_factor : float
        Rate of a burst over the mean rate, 1 or more.
    latency_ms, percentile, max_load, variation
        As for `capacity_per_s`.

    Raises
    ------
    HwlibError
        Naming the argument or column.

    See Also
    --------
    hwlib.metrics.usd_per : the formula of the cost.

    Examples
    --------
    >>> import pandas as pd
    >>> card = pd.DataFrame({"throughput_per_s": [100.0], "latency_ms": [10.0], "batch_size": [1], "usd_per_hour": [0.54]})
    >>> fleet(card, 3, peak_factor=4)[["machines", "load", "response_ms", "usd_per_100k"]].round(2).iloc[0].to_dict()
    {'machines': 1.0, 'load': 0.03, 'response_ms': 19.8, 'usd_per_100k': 5.0}
    """
    rate, factor = (
        _rate(requests_per_s),
        _checked("peak_factor", peak_factor, "a number of at least 1", lambda v: (v >= 1) & np.isfinite(v)),
    )
    machines = machines_needed(options, rate * factor, latency_ms, percentile, max_load, variation)
    frame = options.assign(
        machines=machines,
        load=rate / (machines * options["throughput_per_s"]),
        response_ms=response_ms(options, rate * factor, machines, percentile, variation=variation),
    )
    if "usd_per_hour" not in frame:
        return frame
    hourly = frame["usd_per_hour"] * machines
    return frame.assign(usd_per_hour_fleet=hourly, usd_per_100k=metrics.usd_per(units.PER_100K, hourly, rate))


def _queues(options):
    """Each machine as a queue. Batches at once follow from Little's law, rounded down: a latency that is itself a tail counts too many."""
    metrics.need(options, "throughput_per_s")
    rate, latency, batch = (_column(options, name) for name in ("throughput_per_s", "latency_ms", "batch_size"))
    batch, batch_s = np.where(np.isnan(batch), 1.0, batch), latency / units.MS_PER_S
    return Queue(rate, batch_s, batch, np.maximum(np.floor(rate * batch_s / batch + ROUNDING), 1.0))


def _column(options, name):
    if name not in options:
        return np.full(len(options), np.nan)
    values = options[name].to_numpy(dtype="float64", na_value=np.nan)
    bad = (values <= 0) | np.isinf(values)
    if bad.any():
        raise HwlibError(f"{name} {values[bad][0]:g} in row {options.index[bad][0]!r}: expected a number over 0, or an empty cell")
    return values


def _load_within(queue, limit_s, miss, max_load, variation):
    """The largest load up to `max_load` at which each queue keeps the limit; NaN where throughput or latency is unknown."""
    slack, top = limit_s - queue.batch_s, queue_root(min(max_load, FULL) * queue.batch_size, queue.batch_size)
    unknown, fits = np.isnan(slack + queue.throughput_per_s), wait_s(top, queue, miss, variation) <= slack
    load = np.where(unknown, np.nan, np.where(fits, max_load, 0.0))
    rest = ~unknown & ~fits & (slack >= 0)
    root = _root_within(Queue(*(values[rest] for values in queue)), slack[rest], top[rest], miss, variation)
    load[rest] = load_of(root, queue.batch_size[rest])
    return load


def _root_within(queue, slack, top, miss, variation):
    # Halving ends on the safe side of the limit, and on the same side for all: what is easier never gets less.
    below, above = np.zeros_like(top), top
    for _ in range(HALVINGS if top.size else 0):
        middle = (below + above) / 2
        keeps = wait_s(middle, queue, miss, variation) <= slack
        below, above = np.where(keeps, middle, below), np.where(keeps, above, middle)
    return below


def _held_ms(rate, batch_size, share, window_ms):
    """The percentile of the time until a batch is full or the window is over, for each row, ms."""
    pairs = zip(*np.broadcast_arrays(rate, batch_size))
    full = [fill_quantile(int(size) - 1, share) / each * units.MS_PER_S if size > 1 else 0.0 for each, size in pairs]
    return np.minimum(full, window_ms)


def _checked(name, value, expected, fine):
    """`value` as a float or an array of them; refused unless `fine` says yes to all."""
    try:
        values = np.asarray(value, dtype="float64")
    except (TypeError, ValueError):
        values = np.array(np.nan)
    if isinstance(value, bool | str) or not np.all(fine(values)):
        raise HwlibError(f"{name} {value!r}: expected {expected}")
    return values if values.ndim else float(values)


def _rate(value):
    most = LARGEST["1/s"]
    return _checked("requests_per_s", value, f"a number over 0 and up to {most:g}, per second", lambda v: (v > 0) & (v <= most))


def _limit(value):
    most = LARGEST["ms"]
    return _checked("latency_ms", value, f"a number over 0 and up to {most:g}, in ms", lambda v: (v > 0) & (v <= most))


def _count(name, value):
    # In a column of counts an empty cell is one that nobody knows; a count of its own must be there.
    return _checked(
        name, value, "a whole number of at least 1", lambda v: (np.floor(v) == v) & (v >= 1) & (v < np.inf) | np.isnan(v) & (v.ndim > 0)
    )


def _miss(percentile):
    most = units.PERCENT
    return 1 - _checked("percentile", percentile, "a number over 0 and below 100, such as 99", lambda v: (v > 0) & (v < most)) / most


def _variation(value):
    return _checked("variation", value, "a number from 0 (every batch takes as long) to 1 (exponential)", lambda v: (v >= 0) & (v <= 1))
