import pandas as pd
import pytest
from conftest import measured
from hypothesis import given
from hypothesis import strategies as st

import hwlib as hw
from hwlib import HwlibError, schema, setups, variants


def speed_ups(table, **where):
    """Speed-up of each choice in the one set-up that fits."""
    for column, value in where.items():
        table = table[table[column] == value]
    assert table["setting"].nunique() == 1
    return table.set_index("choice")["speed_up"].round(2).to_dict()


def test_the_price_of_accuracy_in_v2_1():
    table = variants.accuracy_targets("bert-large")
    common = {"source_id": "mlperf-v2.1", "scenario": "offline"}
    assert speed_ups(table, system="NVIDIA DGX A100 (1x A100-SXM-80GB, TensorRT)", **common) == {"99.9": 1.0, "99": 2.02}
    assert speed_ups(table, system="NVIDIA H100 (1x H100-SXM-80GB, TensorRT)", **common) == {"99.9": 1.0, "99": 1.06}


def test_the_looser_target_takes_half_the_measured_energy():
    table = variants.accuracy_targets("bert-large")
    row = table[(table["source_id"] == "mlperf-v1.0") & (table["system"] == "Gigabyte G482-Z54 (8x A100-PCIe, MaxQ, TensorRT)")]
    row = row[(row["scenario"] == "offline") & (row["choice"] == "99")]
    assert row["energy_ratio"].item() == pytest.approx(0.486, abs=0.0005)
    assert row["power_boundary"].item() == "system"


def test_resnet50_in_fp32_tf32_mixed_and_int8():
    table = variants.precisions("resnet50")
    t4 = {"source_id": "nvidia-dle", "device_id": "nvidia-t4", "runtime": "pytorch"}
    assert speed_ups(table, batch_size=1, **t4) == {"fp32": 1.0, "fp16, recipe=amp": round(79 / 98, 2)}
    assert speed_ups(table, batch_size=256, **t4) == {"fp32": 1.0, "fp16, recipe=amp": round(1198 / 415, 2)}
    paddle = {"source_id": "nvidia-dle", "device_id": "nvidia-a10", "runtime": "paddle-trt"}
    rates = hw.load_measurements("resnet50", "nvidia-a10", source_id="nvidia-dle", runtime="paddle-trt", batch_size=256)
    rates = rates.set_index("precision")["throughput_per_s"]
    assert speed_ups(table, batch_size=256, **paddle) == (rates / rates["tf32"]).round(2).loc[["tf32", "fp16", "int8"]].to_dict()


def test_hailo_states_the_float_accuracy_and_no_float_speed():
    table = variants.precisions("yolov5m-640")
    row = table[(table["device_id"] == "hailo-15h") & (table["batch_size"] == 1)].iloc[0]
    assert (row["choice"], row["reference"]) == ("int8, layers=mostly int8", "not measured")
    assert (row["accuracy_reference"], row["accuracy_value"]) == (44.7, 43.4)
    assert row["accuracy_lost_percent"] == pytest.approx(100 * 1.3 / 44.7)
    assert pd.isna(row["speed_up"])


def test_an_error_that_falls_is_an_accuracy_that_grows():
    table = variants.precisions("tddfa-mobilenet-v1-120")
    row = table[table["source_id"] == "hailo"].iloc[0]
    assert row["accuracy_metric"] == "nme"
    assert row["accuracy_value"] > row["accuracy_reference"]
    assert row["accuracy_lost_percent"] > 0


def test_pruned_networks_of_vitis_ai_beside_their_dense_one():
    table = variants.compressions("resnet50")
    rows = table[(table["device_id"] == "amd-vck190") & (table["scenario"] == "concurrent_loop") & (table["source_id"] == "vitis-ai-3.0")]
    pruned = rows[rows["choice"] == "resnet50-pruned-0.5"].iloc[0]
    assert (pruned["throughput_per_s"], pruned["reference"]) == (3407.21, "resnet50")
    assert pruned["speed_up"] == pytest.approx(3407.21 / 2688.35)
    assert pruned["accuracy_lost_percent"] == pytest.approx(100 * 1.5 / 76)
    # Half of the operations gone is never a doubled speed here.
    assert table.loc[table["choice"] == "resnet50-pruned-0.5", "speed_up"].max() < 2
    assert variants.compressions("resnet50-pruned-0.5")["measurement_id"].tolist() == table["measurement_id"].tolist()


def test_a_sparse_network_without_a_dense_run_has_no_speed_up():
    table = variants.compressions("resnet50")
    row = table[table["device_id"] == "moffett-s30"].iloc[0]
    assert (row["choice"], row["reference"]) == ("resnet50, 94% sparse", "not measured")
    assert row[["speed_up", "gmacs_ratio"]].isna().all()


def test_pruned_networks_of_timm_take_the_published_accuracy():
    table = variants.compressions("ecaresnet50d")
    assert set(table["accuracy_of"]) == {"network"}
    models = hw.load_models(["ecaresnet50d", "ecaresnet50d-pruned"]).set_index("model_id")["accuracy_value"]
    lost = 100 * (1 - models["ecaresnet50d-pruned"] / models["ecaresnet50d"])
    assert table.loc[table["choice"] == "ecaresnet50d-pruned", "accuracy_lost_percent"].round(6).unique() == pytest.approx([lost])


@pytest.mark.parametrize("model", ["resnet50", "bert-large", "mobilenet-v2", "inception-v3-299", "llama-2-70b"])
@pytest.mark.parametrize("ask", [variants.precisions, variants.accuracy_targets, variants.compressions])
def test_a_set_up_differs_in_its_choice_only(ask, model):
    table = ask(model)
    free = {
        variants.precisions: {"precision"},
        variants.accuracy_targets: {"precision", "batch_size", "concurrency"},
        variants.compressions: {"model_id", "sparsity"},
    }[ask]
    agreed = [column for column in setups.SETTING if column not in free]
    assert (table.groupby("setting")[agreed].nunique(dropna=False) <= 1).all(axis=None)
    leads = table[table["choice"] == table["reference"]].groupby("setting")["speed_up"].median()
    assert leads.tolist() == pytest.approx([1.0] * len(leads))
    assert set(table["measurement_id"]) <= set(hw.load_measurements()["measurement_id"])


def test_no_precision_is_called_unsupported():
    table = variants.measured_precisions("resnet50")
    assert set(table["status"]) == {"measured", "not measured"}
    counts = hw.load_measurements("resnet50").dropna(subset=["device_id", "precision"])
    assert table["rows"].sum() == len(counts)
    assert (table.groupby("device_id")["precision"].agg(tuple) == schema.PRECISIONS).all()
    h100 = variants.measured_precisions("resnet50", "nvidia-h100-sxm5-80gb").set_index("precision")
    assert h100.loc["fp8", ["status", "peak"]].tolist() == ["not measured", "1978 TFLOPS"]
    assert h100.loc["fp4", "peak"] == "not stated"


def test_an_unknown_model_or_device_is_named_with_the_nearest():
    for ask in (variants.precisions, variants.accuracy_targets, variants.compressions, variants.measured_precisions):
        with pytest.raises(HwlibError, match="did you mean 'resnet50'"):
            ask("resnet5o")
    with pytest.raises(HwlibError, match="did you mean 'nvidia-t4'"):
        variants.measured_precisions("resnet50", "nvidia-t44")


RATES = {"fp32": 100.0, "fp16": 250.0, "int8": 400.0}


def made_rows(**cells):
    """One row a precision of one made-up set-up."""
    rows = [measured(measurement_id=name, precision=name, throughput_per_s=rate, **cells) for name, rate in RATES.items()]
    return pd.DataFrame(rows).assign(model_id="resnet50")


def test_given_rows_need_a_rate():
    with pytest.raises(HwlibError, match="unknown column 'throughput_per_s'"):
        variants.precisions("resnet50", made_rows().drop(columns="throughput_per_s"))


def test_a_price_brings_the_cost_of_each_precision():
    table = variants.precisions("resnet50", made_rows().assign(usd_per_hour=0.36))
    assert table.set_index("choice")["usd_per_100k"].round(6).to_dict() == {"fp32": 0.1, "fp16": 0.04, "int8": 0.025}


@pytest.mark.parametrize("column", ["system", "runtime_version", "tuning", "batch_size", "scenario", "submitter", "variant"])
def test_rows_that_differ_in_anything_else_are_never_paired(column):
    rows = made_rows().assign(**{column: [1, 2, 3] if column == "batch_size" else ["a=1", "b=2", "c=3"]})
    assert variants.precisions("resnet50", rows).empty


def test_summary_of_a_made_up_device():
    both = pd.concat([made_rows(batch_size=1), made_rows(batch_size=2).assign(throughput_per_s=[100.0, 300.0, 800.0])])
    summary = setups.ranges(variants.precisions("resnet50", both)).set_index("choice")
    assert summary.loc["int8", ["setups", "speed_up", "speed_up_low", "speed_up_high"]].tolist() == [2, 6.0, 4.0, 8.0]
    assert summary.loc["fp16", "speed_up"] == 2.75


@given(st.permutations(range(3)), st.sampled_from([2, 1024]))
def test_speed_ups_depend_neither_on_row_order_nor_on_units(order, factor):
    rows = made_rows().iloc[order]
    table = variants.precisions("resnet50", rows.assign(throughput_per_s=rows["throughput_per_s"] * factor))
    assert table.set_index("choice")["speed_up"].to_dict() == {"fp32": 1.0, "fp16": 2.5, "int8": 4.0}
