"""Checks of the exercises on benchmarks, batches and prices; the right answers are computed from the tables when they are asked for."""

from .. import data, guard
from . import kinds

H100, A100 = "nvidia-h100-sxm5-80gb", "nvidia-a100-sxm4-80gb"
SOFT, STRICT = "accuracy=99", "accuracy=99.9"


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
