"""The language models of an MLPerf round as rows of `llm_serving`.

Server and Interactive are measured at a rate of arrivals and Offline with all requests at once: they have no number of requests in
flight.
"""

import pandas as pd

from .. import units
from . import tidy

LATENCIES = {
    "ttft_ms": "ttft_mean_ns",
    "ttft_ms_p99": "ttft_p99_ns",
    "tpot_ms": "tpot_mean_ns",
    "tpot_ms_p99": "tpot_p99_ns",
}
# Networks that are counted in tokens and are no language models: speech.
NO_LANGUAGE_MODEL = ("whisper",)
SHARED = [
    *("source_id", "source_ref", "submitter", "model_name", "device_name", "device_count", "runtime", "runtime_version", "precision"),
    *("scenario", "concurrency", "evidence", "log_group", "quality_flag"),
]


def serving(raw, measured):
    """Rows of `llm_serving` (ms, tokens/s of the whole system) for those of `measured` that generate text; `raw` is the round file."""
    times = pd.DataFrame({ours: tidy.significant(units.ns_to_ms(raw[theirs])) for ours, theirs in LATENCIES.items()})
    tokens = measured["throughput_unit"] == "tokens"
    language = (tokens | times["tpot_ms"].notna()) & ~measured["model_name"].isin(NO_LANGUAGE_MODEL)
    rows = pd.concat([measured[SHARED], times], axis=1)
    rows["output_tokens_per_s"] = measured["throughput_per_s"].where(tokens)
    own = {"preview": measured["availability"] != "available", "latency_unordered": _unordered(times)}
    flags = measured["quality_flag"].fillna("") + ";" + tidy.joined(own).fillna("")
    rows["quality_flag"] = flags.str.strip(";").replace("", pd.NA)
    return rows[language]


def _unordered(times):
    """Where a mean exceeds the 99th percentile: fewer than one request in a hundred would have to carry it."""
    return (times["ttft_ms"] > times["ttft_ms_p99"]) | (times["tpot_ms"] > times["tpot_ms_p99"])
