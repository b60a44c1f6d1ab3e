import pandas as pd
import pytest
from conftest import measured

import hwlib as hw
from hwlib import HwlibError, guard

BASE = measured()


def against(**cells):
    return hw.compare(BASE, measured(**cells))


def test_a_row_is_alike_to_itself_and_the_order_does_not_matter():
    assert hw.compare(BASE, BASE).verdict == guard.ALIKE
    other = measured(precision="int8", tuning="engine", batch_size=64)
    assert hw.compare(BASE, other) == hw.compare(other, BASE) or hw.compare(BASE, other).verdict == hw.compare(other, BASE).verdict


@pytest.mark.parametrize(
    ("cells", "verdict", "words"),
    [
        ({"batch_size": 1024}, guard.REFUSED, "batch 8 against batch 1024"),
        ({"batch_size": 16}, guard.CAVEAT, "batch 8 against batch 16"),
        ({"precision": "int8", "tuning": "engine"}, guard.CAVEAT, "vendor engine int8 against eager fp16"),
        ({"precision": "fp32"}, guard.CAVEAT, "fp16 against fp32"),
        ({"model_id": "other"}, guard.REFUSED, "different networks: net against other"),
        ({"throughput_unit": "tokens"}, guard.REFUSED, "samples per second against tokens per second"),
        ({"scenario": "server"}, guard.REFUSED, "batch_loop against server"),
        ({"scenario": "offline"}, guard.CAVEAT, "batch_loop against offline"),
        ({"source_id": "mlperf-v1.0"}, guard.CAVEAT, "an MLPerf result against a figure measured outside MLPerf"),
        ({"device_count": 8}, guard.CAVEAT, "1 devices against 8"),
    ],
)
def test_each_unlike_pair_is_marked_in_words(cells, verdict, words):
    comparison = against(**cells)
    assert comparison.verdict == verdict
    assert words in comparison.reasons


def test_mlperf_rounds_divisions_targets_and_states_of_sale():
    old = measured(source_id="mlperf-v0.7", division="closed", availability="available", variant="accuracy=99")
    assert "MLPerf v0.7 against v3.0: software of different years" in hw.compare(old, old | {"source_id": "mlperf-v3.0"}).reasons
    assert hw.compare(old, old | {"division": "open"}).verdict == guard.REFUSED
    assert hw.compare(old, old | {"availability": "preview"}).verdict == guard.REFUSED
    assert hw.compare(old, old | {"variant": "accuracy=99.9"}).reasons == ("accuracy target 99 % against 99.9 %",)


def test_the_timm_gpu_and_cpu_rows_are_not_put_side_by_side():
    rows = hw.load_measurements("resnet50", ["nvidia-rtx-4090", "intel-core-i9-10940x"], source_id="timm")
    gpu = rows[(rows["batch_size"] == 1024) & rows["throughput_per_s"].between(4_217, 4_218)]
    cpu = rows[(rows["device_id"] == "intel-core-i9-10940x") & rows["throughput_per_s"].between(67.1, 67.3)]
    assert (len(gpu), len(cpu)) == (1, 1)
    with pytest.raises(HwlibError, match="not comparable: batch 1024 against batch 1"):
        hw.side_by_side(pd.concat([gpu, cpu]))


def test_offline_is_not_read_as_server_in_real_rows():
    rows = hw.load_measurements(
        "resnet50", source_id="mlperf-v1.0", submitter="NVIDIA", scenario=["offline", "server"], availability="available"
    )
    assert hw.caveats(rows)[0] == "scenario offline, server"
    with pytest.raises(HwlibError, match="offline against server"):
        hw.side_by_side(rows)


def test_lines_over_batch_size_hold_one_stack_each_and_the_widest_comes_first():
    figures = [("a", "x", 1), ("a", "x", 2), ("b", "x", 1), ("b", "x", 2), ("a", "y", 1), ("a", "y", 2), ("a", "y", 4), ("c", "y", 1)]
    rows = pd.DataFrame(
        [measured(measurement_id=f"{d}{r}{b}", device_id=d, runtime=r, batch_size=b, throughput_per_s=100.0 * b) for d, r, b in figures]
    ).reindex(columns=hw.schema.MEASUREMENTS.names)
    lines = guard.batch_series(rows)
    assert lines["stack"].unique().tolist() == ["fp16, x eager (made)", "fp16, y eager (made)"]
    assert lines.groupby("stack")["device_id"].unique().map(set).tolist() == [{"a", "b"}, {"a"}]
