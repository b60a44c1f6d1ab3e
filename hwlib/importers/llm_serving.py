"""NVIDIA's measured serving of language models: times to the first token and per token after it, one configuration a row.

`concurrency_or_batch` is the share of one data-parallel rank; the requests in flight in the whole system stand in the row's key, as in
_c256. Where the two do not fit each other, neither is taken. A disaggregated run without the numbers of its workers leaves its GPUs
unknown. The list states no rate of output tokens, so that column stays empty.
"""

import hashlib

import pandas as pd

from . import llm_machine, tidy

SOURCE = "llm-serving"
FOLDER = "llm-serving"
FILE = "measured.csv"
PUBLISHER = "aiconfigurator"
UPSTREAM = "silicon_sample.csv"

TEXTS = ["model", "system", "backend", "backend_version", "precision", "mode", "measured_on", "source_note", "source_id"]
COUNTS = ["isl", "osl", "concurrency_or_batch", *llm_machine.COLUMNS]
TIMES = ["ttft_ms", "tpot_ms"]
IN_FLIGHT = r"_c(\d+)_"

MODES = {"agg": "aggregated", "disagg": "disaggregated"}
BACKENDS = {"trtllm": "tensorrt-llm", "sglang": "sglang", "vllm": "vllm"}
PRECISIONS = {"fp8": "fp8", "fp4": "fp4", "int4": "int4", "bf16": "bf16", "": ""}

# These runs are of DeepSeek-R1: their keys say so, and 391 of the 459 stand in the other dumps, figure for figure, under that name.
MISNAMED, KEY_OF_R1 = "deepseek-ai/DeepSeek-V3", "dsr1"
# Of a run that stands in several dumps the row that says most of the machine counts; the others are repeats.
DUMPS = {"db-dump": 0, "2026-04-06.csv": 1, "2026-03-25.csv": 2}


def read(folder):
    """Every measured configuration as `llm_serving` (ms)."""
    frame = tidy.read_upstream(folder / FILE, [*TEXTS, *COUNTS, *TIMES])
    _refuse_faults(frame)
    frame[TEXTS] = frame[TEXTS].fillna("")
    counts = pd.DataFrame({column: tidy.count(frame, column, FILE) for column in COUNTS})
    mode = tidy.mapped(frame, "mode", MODES, FILE)
    misnamed = (frame["model"] == MISNAMED) & frame["source_id"].str.startswith(KEY_OF_R1)
    in_flight, contradicted = _in_flight(frame, counts, mode == "aggregated")
    rows = pd.DataFrame(
        {
            "source_id": PUBLISHER,
            "source_ref": UPSTREAM + " " + frame["source_id"],
            "measured_on": frame["measured_on"],
            "model_name": frame["model"].mask(misnamed, f"{MISNAMED} [{KEY_OF_R1}]"),
            "device_name": frame["system"],
            "runtime": tidy.mapped(frame, "backend", BACKENDS, FILE),
            "runtime_version": frame["backend_version"],
            "precision": tidy.mapped(frame, "precision", PRECISIONS, FILE),
            "mode": mode,
            "input_tokens": counts["isl"],
            "output_tokens": counts["osl"],
            "concurrency": in_flight,
            **{column: tidy.significant(tidy.number(frame, column, FILE)) for column in TIMES},
            "evidence": "published",
        }
    )
    rows["log_group"] = [_run(*pair) for pair in zip(rows["ttft_ms"], rows["tpot_ms"])]
    machine = llm_machine.machine(counts, frame["system"], mode == "aggregated")
    rows[["device_count", "parallelism"]] = machine[["device_count", "parallelism"]]
    own = {"concurrency_doubtful": contradicted, "model_corrected": misnamed, "repeated_upstream": _repeated(frame, rows)}
    rows["quality_flag"] = (machine["quality_flag"].fillna("") + ";" + tidy.joined(own).fillna("")).str.strip(";")
    return {"llm_serving": rows.mask(rows == "")}


def _refuse_faults(frame):
    for column in ("model", "system", "source_id"):
        tidy.refuse(frame, column, frame[column].isna(), FILE, "a value")
    day = pd.to_datetime(frame["measured_on"], format="%Y-%m-%d", errors="coerce")
    tidy.refuse(frame, "measured_on", day.isna() & frame["measured_on"].notna(), FILE, "a day such as 2026-03-25")


def _in_flight(frame, counts, together):
    """Requests in flight in the whole system, and where the source's two numbers of them contradict each other."""
    named = tidy.number(frame.assign(named=frame["source_id"].str.extract(IN_FLIGHT)[0]), "named", FILE)
    of_all_ranks = counts["concurrency_or_batch"] * counts["attention_dp_size"].clip(lower=1).fillna(1)
    contradicted = together & named.notna() & (named != of_all_ranks)
    return named.mask(named.isna() & together, counts["concurrency_or_batch"]).mask(contradicted), contradicted


def _run(ttft_ms, tpot_ms):
    """A key of the run: no two runs share both times to six digits."""
    return f"{PUBLISHER}-{hashlib.sha256(f'{ttft_ms:g}|{tpot_ms:g}'.encode()).hexdigest()[:12]}"


def _repeated(frame, rows):
    """Where another dump holds the same run and says more of it."""
    order = frame["source_note"].map(DUMPS).sort_values(kind="stable").index
    return rows.loc[order].duplicated("log_group").reindex(rows.index)
