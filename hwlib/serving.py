"""Served language models: every measured way to serve one, what latency each holds, and whether that fits what is asked for."""

import pandas as pd

from . import data, units
from .errors import HwlibError

# Longest p99 of (time to first token, time per output token) in ms with which a run counts. In each round's submitted logs, as
# target_ttft and target_tpot, and in MLCommons' loadgen/mlperf.conf. The 70B and 7B Llamas ran as open entries to Llama 2 70B.
_SERVER, _INTERACTIVE = {"server": (2000, 200)}, {"interactive": (450, 40)}
MLPERF_LIMITS_MS = {
    "mlperf-v4.1": {"llama-2-70b": _SERVER, "llama-2-7b": _SERVER, "mixtral-8x7b": _SERVER},
    "mlperf-v5.1": {
        "llama-2-70b": _SERVER | _INTERACTIVE,
        "llama-3.1-70b": _SERVER | _INTERACTIVE,
        "llama-3.1-405b": {"server": (6000, 175), "interactive": (4500, 80)},
        "llama-3.1-8b": {"server": (2000, 100), "interactive": (500, 30)},
        "mixtral-8x7b": _SERVER,
        "deepseek-r1": {"server": (2000, 80)},
    },
}
TIMES = {"ttft_ms": "time to first token", "tpot_ms": "time per output token"}
COUNTS = {"input_tokens": "input tokens", "output_tokens": "output tokens", "concurrency": "requests in flight"}
QUESTIONS = ("device_id", "precision", *COUNTS)
# Times and rates go nearly with the lengths: a tenth off is within what repeated runs spread, more is another workload. Requests in flight
# must be those asked for, for rate and latency both follow from them.
LENGTH_AGREEMENT = 0.1
# What makes one run the same run in both tables; its rate tells apart the runs that share a file.
RUN = ["source_id", "source_ref", "model_name", "device_name", "rate"]
UNCOUNTED = "count_doubtful|count_unstated"
# The times of this list leave none for reading the prompts: rates made of them would take up to the GPU's whole peak.
UNRATED = "nvidia_llama_3_1_8b_instruct_fp8_h200_sxm_vllm"


def served_models():
    """Every `model_id` with measured serving, sorted: a list of str.

    >>> "llama-2-70b" in served_models()
    True
    """
    return sorted(data.load("llm_serving")["model_id"].unique())


def serving_rows(model):
    """Every measured way to serve `model` (tokens/s, ms), one run a row, to be treated like rows of `measurements`.

    Runs that stand in both `measurements` and `llm_serving` are one row, with the columns of both. A run that a source
    lists several times stands once: where most is said of its machine, or at the stricter accuracy target.

    Parameters
    ----------
    model : str
        `model_id`, or a spelling of it that a source uses.

    Returns
    -------
    DataFrame
        Columns of `measurements` and of `llm_serving`, and ttft_limit_ms, tpot_limit_ms (ms: the p99 with which an MLPerf
        run counts), ttft_held_ms, tpot_held_ms (ms: the sternest known: p99 measured, else mean or median, else that limit)
        with ttft_held_stat, tpot_held_stat ("p99", "mean", "bound"), tokens_per_s_per_user (1/s, the inverse of tpot_ms)
        and tokens_per_s_per_device (1/s, empty where the devices are not surely counted). A rate that no source states is
        computed by `replica_rate`, with the mean latency of a whole answer, and its evidence is "derived".

    Raises
    ------
    HwlibError
        For an unknown model, or one that nobody measured the serving of.

    Examples
    --------
    >>> rows = serving_rows("llama-2-70b")
    >>> rows["log_group"].dropna().is_unique, rows.loc[rows["scenario"] == "interactive", "tpot_held_ms"].max() <= 40
    (True, np.True_)
    """
    return _built(data.find_model(model)).copy(deep=False)


@data.remembered("llm_serving", "measurements")
def _built(model):
    return _per_user_and_device(_held(_rated(_once(_joined(model)))))


def _joined(model):
    served = data.load_llm_serving(model).rename(columns={"output_tokens_per_s": "throughput_per_s"})
    if served.empty:
        raise HwlibError(f"model {model!r}: no serving of it was measured; measured are " + (", ".join(served_models()) or "none"))
    served = served.assign(rate=served["throughput_per_s"], throughput_unit="tokens")
    measured = data.load_measurements(model)
    measured = measured.assign(rate=measured["throughput_per_s"].where(measured["throughput_unit"] == "tokens"))
    rows = served.merge(measured, on=RUN, how="outer", suffixes=("", "_measured"))
    # A run whose rate counts whole answers is only rated in the other table.
    rows["throughput_unit"] = rows["throughput_unit_measured"].fillna(rows["throughput_unit"])
    both = [column for column in served if f"{column}_measured" in rows]
    rows = rows.assign(**{column: rows[column].fillna(rows[f"{column}_measured"]) for column in both})
    # What both tables leave open was measured with a fixed number of requests in flight.
    rows = rows.assign(
        measurement_id=rows["measurement_id"].fillna(rows["serving_id"]), scenario=rows["scenario"].fillna("concurrent_loop")
    )
    return rows.drop(columns=["rate", *(f"{column}_measured" for column in both)])


def _once(rows):
    """`rows` without the repeats of a run, in the order of their keys."""
    target = rows["variant"].str.extract(r"accuracy=([\d.]+)")[0].astype("float64")
    rows = rows.assign(repeated=_flagged(rows, "repeated_upstream"), target=target)
    rows = rows.sort_values(["repeated", "target", "measurement_id"], ascending=[True, False, True])
    again = rows["log_group"].notna() & rows.duplicated(["log_group", "scenario"])
    return rows[~again].drop(columns=["repeated", "target"]).sort_values("measurement_id", ignore_index=True)


def _flagged(rows, words):
    return rows["quality_flag"].fillna("").str.contains(words)


def replica_rate(concurrency, output_tokens, ttft_ms, tpot_ms):
    """Output tokens per second of a system that always has `concurrency` requests in flight.

    tokens/s = concurrency x output_tokens / (ttft + (output_tokens - 1) x tpot)

    Parameters
    ----------
    concurrency, output_tokens : int or Series
        Requests in flight, and tokens of each answer.
    ttft_ms, tpot_ms : float or Series
        Mean time to the first token and per token after it, ms.

    Notes
    -----
    Little's law: requests in flight = rate of requests x time that each stays.

    Examples
    --------
    >>> replica_rate(concurrency=8, output_tokens=101, ttft_ms=1_000, tpot_ms=10)
    404.0
    """
    return concurrency * output_tokens / _answer_ms(output_tokens, ttft_ms, tpot_ms) * units.MS_PER_S


def _answer_ms(output_tokens, ttft_ms, tpot_ms):
    return ttft_ms + (output_tokens - 1) * tpot_ms


def _rated(rows):
    counts = [rows[name].astype("float64") for name in ("concurrency", "output_tokens")]
    times = [rows[name] for name in TIMES]
    rate = replica_rate(*counts, *times)
    doubted = _flagged(rows, "concurrency_doubtful") | rows["source_ref"].str.contains(UNRATED)
    derived = rows["throughput_per_s"].isna() & rate.notna() & ~doubted
    return rows.assign(
        throughput_per_s=rows["throughput_per_s"].mask(derived, rate),
        latency_ms_mean=rows["latency_ms_mean"].mask(derived, _answer_ms(counts[1], *times)),
        evidence=rows["evidence"].mask(derived, "derived"),
    )


def _held(rows):
    limits = {
        (source, model, scenario): pair
        for source, models in MLPERF_LIMITS_MS.items()
        for model, scenarios in models.items()
        for scenario, pair in scenarios.items()
    }
    runs = pd.Series(list(zip(rows["source_id"], rows["model_id"], rows["scenario"], strict=True)), index=rows.index)
    new = {}
    for place, name in enumerate(("ttft", "tpot")):
        known = {"p99": rows[f"{name}_ms_p99"], "mean": rows[f"{name}_ms"], "bound": _pick(runs, limits, place)}
        known = pd.DataFrame(known, dtype="float64")
        new[f"{name}_limit_ms"] = known["bound"]
        new[f"{name}_held_ms"] = known.bfill(axis=1)["p99"]
        new[f"{name}_held_stat"] = known.notna().idxmax(axis=1).where(known.notna().any(axis=1))
    return rows.assign(**new)


def _pick(runs, limits, place):
    return [limits.get(run, (None, None))[place] for run in runs]


def _per_user_and_device(rows):
    sure = (rows["throughput_unit"] == "tokens") & ~_flagged(rows, UNCOUNTED)
    per_device = rows["throughput_per_s"] / rows["device_count"].astype("float64")
    return rows.assign(tokens_per_s_per_user=units.MS_PER_S / rows["tpot_ms"], tokens_per_s_per_device=per_device.where(sure))


def choices(model):
    """What was measured of serving `model`: each device, precision, lengths (tokens) and requests in flight, with the number of runs.

    Raises
    ------
    HwlibError
        For an unknown model, or one that nobody measured the serving of.

    Examples
    --------
    >>> measured = choices("gpt-oss-120b")
    >>> sorted(measured["input_tokens"].dropna().unique().tolist())
    [1024, 4000, 8192]
    """
    return serving_rows(model).groupby(list(QUESTIONS), dropna=False).size().rename("runs").reset_index()
