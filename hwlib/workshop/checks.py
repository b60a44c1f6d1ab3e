"""Checks of the exercises on benchmarks, batches and prices; the right answers are computed from the tables when they are asked for."""

import pandas as pd

from .. import data, guard, queueing
from ..decision import decide
from ..units import PERCENT
from . import kinds

H100, A100 = "nvidia-h100-sxm5-80gb", "nvidia-a100-sxm4-80gb"
SOFT, STRICT = "accuracy=99", "accuracy=99.9"
T4, A100_SMALL = "nvidia-t4", "nvidia-a100-sxm4-40gb"
LIMIT_MS = 20
QUARTER = 0.25


def check_benchmark_1(answer):
    """Verdict on how many times as fast as an A100 an H100 is at the soft target.

    >>> check_benchmark_1("2")
    Not yet: a number is asked, and '2' is text: write 2, without quotes and without the unit.
    """
    rates = _bert()
    traps = [(rates.loc[H100, STRICT] / rates.loc[A100, STRICT], "that is the strict target again; the task asks for the soft one.")]
    right = rates.loc[H100, SOFT] / rates.loc[A100, SOFT]
    return kinds.number(
        answer, right, "times", "the rows with variant accuracy=99", "Same round, same devices, another target.", traps=traps
    )


def check_benchmark_2(answer):
    """Verdict on a table of what the soft target gains each device.

    >>> check_benchmark_2(None).right
    False
    """
    rates = _bert()
    right = (rates[SOFT] / rates[STRICT]).rename("gain").reset_index()
    why = "One of the two devices pays for the strict target, the other hardly does."
    return kinds.table(answer, right, "device_id", "the two columns of the pivoted table, soft over strict", why)


def check_benchmark_3(answer):
    """Verdict on the state of sale of the H100.

    >>> check_benchmark_3("preview")
    Right. A preview was not yet for sale when it was measured.
    """
    rows = _round()
    right = rows.loc[rows["device_id"] == H100, "availability"].iloc[0]
    why = "A preview was not yet for sale when it was measured."
    return kinds.word(
        answer, right, rows["availability"].dropna().unique(), "availability", "the column availability, rows of the H100", why
    )


def check_benchmark_4(answer):
    """Verdict on the throughput of one device in the system with the largest throughput, 1/s.

    >>> check_benchmark_4([1]).right
    False
    """
    rows = _round().query("scenario == 'offline' and division == 'closed' and variant == @SOFT")
    largest = rows.loc[rows["throughput_per_s"].idxmax()]
    total, count = largest["throughput_per_s"], largest["device_count"]
    traps = [(total, "that is the whole system; the task asks for one of its devices."), (count, "that is the number of devices.")]
    return kinds.number(answer, total / count, "1/s", "device_count in the first row", "Many devices make a large figure.", traps=traps)


def check_benchmark_5(answer):
    """Verdict on which of four results may not stand beside the one given.

    >>> check_benchmark_5(["server", "strikt"])
    Not yet: 'strikt' is no name here. Did you mean 'strict'? Words are in quotes, exactly as in the table.
    """
    rows = _round().query("submitter == 'NVIDIA' and division == 'closed'")
    pick = rows.set_index(["device_id", "device_count", "scenario", "variant"], drop=False)
    mine = pick.loc[(A100, 8, "offline", SOFT)]
    others = {
        "server": pick.loc[(A100, 8, "server", SOFT)],
        "strict": pick.loc[(A100, 8, "offline", STRICT)],
        "one device": pick.loc[(A100, 1, "offline", SOFT)],
        "h100": pick.loc[(H100, 1, "offline", SOFT)],
    }
    right = {name for name, other in others.items() if guard.compare(mine, other).verdict == "not comparable"}
    why = "The others may be shown together, if you say what differs."
    return kinds.words(answer, right, list(others), "name", "the first words of each verdict", why)


def _round():
    return data.load_measurements("bert-large", source_id="mlperf-v2.1")


def _bert():
    """Throughput (1/s) of one device of the vendor's own: devices by rows, targets by columns."""
    rows = _round().query("submitter == 'NVIDIA' and scenario == 'offline' and device_count == 1 and device_id in [@H100, @A100]")
    return rows.pivot(index="device_id", columns="variant", values="throughput_per_s")


def check_batch_1(answer):
    """Verdict on how many times as much a T4 does in a second at batch 64 as at batch 1.

    >>> check_batch_1(0).right
    False
    """
    rates = _sweep(T4)["throughput_per_s"]
    why = "The small batch left most of the device idle."
    return kinds.number(answer, rates.loc[64] / rates.loc[1], "times", "throughput_per_s in the rows of batch 64 and 1", why)


def check_batch_2(answer):
    """Verdict on the largest batch of a T4 with a mean latency within 20 ms.

    >>> check_batch_2("16 samples")
    Not yet: a number is asked, and '16 samples' is text: write 16, without quotes and without the unit.
    """
    traps = _batch_traps(_sweep(T4), "latency_ms_mean")
    why = "The next larger batch breaks the limit."
    return kinds.number(answer, _largest(_sweep(T4), "latency_ms_mean"), "inputs", "latency_ms_mean, row by row", why, 0, traps)


def check_batch_3(answer):
    """Verdict on the largest batch of an A100 with a 99th percentile within 20 ms.

    >>> check_batch_3(float("nan")).right
    False
    """
    rows = _sweep(A100_SMALL)
    by_mean = _largest(rows, "latency_ms_mean")
    traps = [(by_mean, "at that batch the mean keeps the limit and the 99th percentile does not: look at latency_ms_p99.")]
    right = _largest(rows, "latency_ms_p99")
    # Where mean and percentile agree one day, the answer by the mean is right too.
    return kinds.number(answer, right, "inputs", "latency_ms_p99, row by row", "The slow answers keep the limit too.", 0, traps)


def check_batch_4(answer):
    """Verdict on a table of the largest batch of each device with a 99th percentile within 20 ms.

    >>> check_batch_4([16, 32])
    Not yet: a table is asked; you gave a list.
    """
    rows = _sweeps().query("latency_ms_p99 <= @LIMIT_MS").drop_duplicates("device_id", keep="last")
    right = rows[["device_id", "batch_size", "throughput_per_s"]]
    return kinds.table(answer, right, "device_id", "the rows with latency_ms_p99 up to 20", "One limit, four different batches or speeds.")


def check_batch_5(answer):
    """Verdict on the batch size with which a T4 answers soonest at 300 requests a second.

    >>> check_batch_5(1)
    Not yet: with batch 1 the T4 cannot keep up with 300 requests a second: its queue grows for ever.
    """
    rows = _sweep(T4)
    waits = queueing.response_ms(rows.assign(latency_ms=rows["latency_ms_mean"]), 300)
    alone = "with batch 1 the T4 cannot keep up with 300 requests a second: its queue grows for ever."
    traps = [(1, alone)] if waits[0] == float("inf") else []
    why = "Large enough to keep up, small enough to fill soon."
    return kinds.number(answer, rows.index[waits.argmin()], "inputs", "the smallest response_ms, at a rate of 300", why, 0, traps)


def check_price_1(answer):
    """Verdict on the cost of 100,000 inferences on the best machine when it works one hour in four, USD.

    >>> check_price_1("cheap")
    Not yet: a number is asked, and 'cheap' is text: write digits, without quotes.
    """
    busy = decide("resnet50").best["usd_per_100k"]
    traps = [(busy, "that is the machine that always works."), (busy * QUARTER, "waiting makes it dearer, not cheaper.")]
    return kinds.number(
        answer, busy / QUARTER, "USD per 100,000", "what you pay, and what you use of it", "You pay for the waiting.", traps=traps
    )


def check_price_2(answer):
    """Verdict on how much dearer the runner-up is, percent.

    >>> check_price_2(True)
    Not yet: one number is asked; you gave True or False.
    """
    margin = decide("resnet50").margin
    traps = [(1 + margin, "that is how many times as dear; by how many percent is it dearer?")]
    traps += [((1 + margin) * PERCENT, "that is the whole price in percent; by how many percent is it dearer?")]
    return kinds.number(
        answer, margin * PERCENT, "percent", "usd_per_100k of both", "Within it, a discount can change the winner.", traps=traps
    )


def check_price_3(answer):
    """Verdict on the device that wins at 3 requests a second within 50 ms.

    >>> check_price_3(["t4"])
    Not yet: one word in quotes is asked, a device_id; you gave a list.
    """
    busy, right = decide("resnet50").best["device_id"], _served(3)["device_id"]
    traps = [(busy, "that is the winner when the machine is always busy; here come 3 requests a second.")]
    return kinds.word(
        answer, right, _devices(), "device_id", "best of the decision with requests_per_s=3", "The cheapest hour wins.", traps
    )


def check_price_4(answer):
    """Verdict on a table of winner and cost for three rates of requests.

    >>> check_price_4({}).right
    False
    """
    rates = [3, 300, 30_000]
    rows = [{"requests_per_s": rate, **_served(rate)[["device_id", "usd_per_100k"]]} for rate in rates]
    why = "The more requests, the better a machine is used."
    return kinds.table(answer, pd.DataFrame(rows), "requests_per_s", "a decision for each rate, with latency_ms=50", why)


def check_price_5(answer):
    """Verdict on the price of its machine above which the winner loses, USD an hour.

    >>> check_price_5([]).right
    False
    """
    decision = decide("resnet50")
    flips = decision.flips[decision.flips["answer"] == "usd_per_hour"]
    own = flips["instance_type"] == decision.best["instance_type"]
    today = [(decision.best["usd_per_hour"], "that is today's price; at which price does the machine lose?")]
    theirs = [(at, "that is the price of the rival's machine.") for at in flips.loc[~own, "at"]]
    right = flips.loc[own & (flips["side"] == "above"), "at"].iloc[0]
    look = "the line with usd_per_hour, above, and the winner's machine"
    return kinds.number(answer, right, "USD an hour", look, "Below that price you need not decide again.", traps=[*today, *theirs])


def _sweeps():
    stack = {"source_id": "nvidia-dle", "runtime": "tensorflow", "precision": "fp16", "tuning": "compiled"}
    return data.load_measurements("resnet50", **stack).sort_values(["device_id", "batch_size"])


def _sweep(device):
    rows = _sweeps()
    return rows[rows["device_id"] == device].set_index("batch_size", drop=False)


def _largest(rows, latency):
    return rows.loc[rows[latency] <= LIMIT_MS, "batch_size"].max()


def _batch_traps(rows, latency):
    over = rows.loc[rows[latency] > LIMIT_MS, "batch_size"]
    return [(size, "that batch takes longer than 20 ms.") for size in over]


def _served(rate):
    return decide("resnet50", requests_per_s=rate, latency_ms=50).best


def _devices():
    return list(data.load_devices()["device_id"])
