"""How long requests wait before servers that take them in batches: the formulas, for many queues at once.

Arrivals are Poisson. A server takes what waits, up to a full batch, as soon as it is free, and needs as long for a few as for a full batch.
"""

from typing import NamedTuple

import numpy as np

# Gauss-Legendre points, and how far the integral of Erlang reaches in widths of its integrand, for nine digits.
NODES, WEIGHTS = np.polynomial.legendre.leggauss(32)
REACH = 8.0
NEWTON_STEPS = 12
HALVINGS = 40
# x and -log(load) of `tail_decay`.
DECAYS = np.geomspace(1e-10, 700, 4096)
LOGS = np.log(np.expm1(DECAYS) / DECAYS)


class Queue(NamedTuple):
    """Arrays, one value a queue: requests finished at most (1/s), time of a batch (s), requests in a full batch, batches at once."""

    throughput_per_s: np.ndarray
    batch_s: np.ndarray
    batch_size: np.ndarray
    servers: np.ndarray


def wait_probability(offered, servers, batch_size=1.0):
    """Share of requests that find every server busy; Erlang's C where a server takes one at a time.

    C = 1 / (1 + (1 - r) (1/B - 1)), with Erlang's B and the r for which r + r^2 + ... + r^batch_size = offered / servers.

    Parameters
    ----------
    offered : float or array
        Requests per second times the seconds that a batch takes (erlangs), over 0 and below servers x batch_size.
    servers, batch_size : float or array
        Batches worked on at once, and requests that one holds at most.

    Notes
    -----
    Exact for exponential batch times (M/M^b/c), from the balance equations. Erlang's B comes from its integral
    1/B = int exp(-x) (1 + x / offered)^servers dx, as good for a million servers as for one; its recursion is the test.

    Examples
    --------
    >>> float(wait_probability(2.0, 3).round(4)), float(wait_probability(0.7, 1).round(4)), float(wait_probability(0.7, 1, 4).round(4))
    (0.4444, 0.7, 0.5466)
    """
    offered, servers, batch_size = np.broadcast_arrays(*(np.asarray(value, dtype="float64") for value in (offered, servers, batch_size)))
    return _busy(offered, servers, queue_root(offered / servers, batch_size))


def wait_s(root, queue, miss, variation=0.0):
    """Seconds that a share `miss` of the requests wait longer than, for queues whose `root` says how loaded they are.

    Parameters
    ----------
    root : array
        `queue_root` of each queue, between 0 and 1.
    queue : Queue
    miss : float
        Share of the requests, such as 0.01 for the 99th percentile.
    variation : float
        Squared coefficient of variation of the batch time, 0 (constant) to 1 (exponential).

    Notes
    -----
    Variation 1 is exact (M/M^b/c): of those that wait, exp(-t (1 - r^b) / between) wait longer than t, with `between` the mean
    time from one batch's end to the next. At 0 the tail falls by exp(-b x) in each `between` (`tail_decay`); its first step is the
    geometric mean of that and r^b. Who waits for the first free server waits for the soonest of the batches in flight; above batch
    size 1 these fall into step, so that it may be a whole batch away. Between 0 and 1 the two waits are interpolated, as Allen and
    Cunneen do with their mean.
    """
    batch, between = queue.batch_size, queue.batch_size / queue.throughput_per_s
    load, behind_one = load_of(root, batch), batch * np.log(root)
    # Of those that wait, the share that may wait longer.
    logarithm = np.log(np.minimum(miss / _busy(load * batch * queue.servers, queue.servers, root), 1.0))
    if variation == 1:
        return logarithm / np.expm1(behind_one) * between
    decay = batch * tail_decay(load)
    first = (behind_one - decay) / 2
    steps = np.where(logarithm >= first, np.expm1(logarithm) / np.expm1(first), 1 + (first - logarithm) / decay)
    soonest = -np.expm1(logarithm / np.where(batch == 1, queue.servers, 1.0))
    constant = np.maximum(steps * between, soonest * np.maximum(queue.batch_s, between))
    return constant if variation == 0 else (1 - variation) * constant + variation * wait_s(root, queue, miss, 1)


def queue_root(ahead, batch_size):
    """r with r + r^2 + ... + r^batch_size = ahead: how much rarer each further request in an M/M^b/c queue is.

    >>> float(queue_root(np.array(0.75), np.array(2.0)).round(12))
    0.5
    """
    # Newton's steps from below on a concave function: each stays below the root.
    root = ahead / (1 + ahead)
    for _ in range(NEWTON_STEPS):
        power = root**batch_size
        root = root - (root * (1 + ahead - power) - ahead) / (1 + ahead - (batch_size + 1) * power)
    return root


def load_of(root, batch_size):
    """The load (r + r^2 + ... + r^b) / b of a queue with root r: the inverse of `queue_root`.

    >>> float(load_of(np.array(0.5), np.array(2.0)))
    0.375
    """
    return root * -np.expm1(batch_size * np.log(root)) / (1 - root) / batch_size


def tail_decay(load):
    """x > 0 with load (e^x - 1) = x: how fast the queue's tail falls, a request, before servers with constant batch times.

    Exact for M/D/c and for one server that takes batches; read from a table, to six digits.

    >>> float(tail_decay(np.array(0.5)).round(4))
    1.2564
    """
    return np.interp(-np.log(load), LOGS, DECAYS)


def fill_quantile(stages, share):
    """Time by which `stages` arrivals of rate 1/s have come with probability `share`, s: a gamma quantile.

    >>> round(fill_quantile(1, 0.5), 6), round(fill_quantile(7, 0.99), 4)
    (0.693147, 14.5706)
    """
    counts = np.arange(stages)
    log_factorials = np.concatenate([[0.0], np.cumsum(np.log(counts[1:]))])
    below, above = 0.0, stages + REACH * (np.sqrt(stages) + REACH)
    for _ in range(HALVINGS):
        middle = (below + above) / 2
        fewer = np.exp(counts * np.log(middle) - middle - log_factorials).sum()
        below, above = (middle, above) if 1 - fewer < share else (below, middle)
    return float((below + above) / 2)


def _busy(offered, servers, root):
    return 1 / (1 + (1 - root) * np.expm1(np.minimum(_log_inverse_erlang_b(offered, servers), 700.0)))


def _log_inverse_erlang_b(offered, servers):
    peak = np.maximum(servers - offered, 0.0)
    # The integrand is a bell around its peak, or an exponential from 0 where more is offered than there are servers.
    steepness = np.maximum(1 - servers / offered, 1e-9)
    spread = np.minimum(REACH * (np.sqrt(servers) + REACH / 2), REACH**2 / 2 / steepness)
    start = np.maximum(peak - spread, 0.0)
    width = (peak + spread - start) / 2
    x = start[..., None] + width[..., None] * (NODES + 1)
    exponent = servers[..., None] * np.log1p(x / offered[..., None]) - x
    top = exponent.max(axis=-1)
    return top + np.log(np.exp(exponent - top[..., None]) @ WEIGHTS * width)
