"""The fit: its trees are scikit-learn's, its parts have closed forms, it comes out the same twice, and the held-out error holds."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

from hwlib import artefact, data, datasheet, features, holdout, intervals, measured_cells, roofline, training


@pytest.fixture(scope="module")
def everything():
    """Cells, networks and envs of all sources."""
    return measured_cells.measured()


@pytest.fixture(scope="module")
def few(everything):
    """timm's cells on two devices and NVIDIA's batch sweeps on a third, so that a fit takes a second or two."""
    cells, models, envs = everything
    timm = envs["stack"].str.startswith("timm|") & envs["device_id"].isin(["nvidia-rtx-3090", "intel-core-i9-10940x"])
    kept = envs.index[timm | (envs["stack"].str.startswith("nvidia-dle|") & (envs["device_id"] == "nvidia-t4"))]
    return cells[cells["env"].isin(kept)].reset_index(drop=True), models, envs


def test_plain_trees_say_what_scikit_learn_says():
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(3_000, 5))
    fitted = HistGradientBoostingRegressor(**training.TREES).fit(matrix, matrix[:, 0] * matrix[:, 1] + rng.normal(size=3_000))
    nodes = [trees[0].nodes for trees in fitted._predictors]
    plain = roofline.complete_trees(nodes, float(np.ravel(fitted._baseline_prediction)[0]), training.TREES["max_depth"])
    fresh = rng.normal(size=(500, 5))
    assert roofline.grow(plain, fresh) == pytest.approx(fitted.predict(fresh), abs=1e-5)


def test_costs_are_found_again_from_times_that_they_made():
    rng = np.random.default_rng(0)
    work, true = rng.lognormal(size=(400, 4)), np.array([1e-3, 5e-3, 0.0, 2e-4])
    found = training._costs(work, np.log(work @ true), np.full(4, 1e-3), 1e-6)
    assert found == pytest.approx(true, abs=2e-5)


def test_the_half_saturation_batch_is_found_again_from_a_sweep():
    """Seconds a sample = 0.01 x (1 + 12 / batch): half of the full rate is reached at batch 12."""
    batch = np.array([1.0, 4.0, 16.0, 64.0, np.inf])
    cells = pd.DataFrame({"env": "e", "model_id": "m", "batch": batch, "seconds": 0.01 * (1 + 12 / batch)})
    rows, best = training._swept(cells)
    assert list(rows) == [0]
    assert np.exp(best[0]) == pytest.approx(12, rel=0.2)


def test_a_gap_in_a_sheet_is_filled_from_what_goes_with_it():
    """Twice the bandwidth goes with twice the peak in these sheets; a device of which only the bandwidth is known follows."""
    rate = np.geomspace(1, 100, 60)
    sheets = pd.DataFrame(dict.fromkeys(datasheet.SHEET, 10.0) | {"device_class": "gpu"}, index=range(60))
    sheets = sheets.assign(fp32_tflops=rate, memory_bandwidth_gb_s=10 * rate)
    asked = sheets.iloc[[0, 0]].assign(fp32_tflops=np.nan, memory_bandwidth_gb_s=[100.0, 400.0])
    away = datasheet.specs(datasheet.fit_sheets(sheets), asked, pd.Series("fp32", index=asked.index))
    assert away[1, 0] - away[0, 0] == pytest.approx(np.log(4), rel=0.1)


def test_what_is_missed_carries_over_less_the_further_off():
    here = pd.DataFrame({"network": ["n"], "device_class": ["gpu"], "chain": ["gpu a"], "device_id": ["x"]})
    there = pd.DataFrame(
        {
            "network": ["n", "n", "n", "n", "other"],
            "device_class": ["gpu", "gpu", "gpu", "cpu", "gpu"],
            "chain": ["gpu a", "gpu a", "gpu b", "cpu a", "gpu a"],
            "device_id": ["x", "y", "z", "c", "x"],
        }
    )
    moved = roofline.carried(np.array([1.0]), here, there, dict.fromkeys(roofline.EFFECT_HOLD, np.zeros(1)))
    # 1/(1 + 9), then shares 1/4.5, 1/1.4 and 1/1.5 of what is still missed.
    assert moved == pytest.approx([0.93333, 0.8, 0.3, 0.1, 0.0], abs=1e-4)


def test_arrays_come_back_from_their_file_as_they_were(few, tmp_path):
    cells, models, envs = few
    art = training.fit(cells, models, envs)
    artefact.save(art, "stamp", tmp_path / "a.npz")
    again = training.fit(cells, models, envs)
    artefact.save(again, "stamp", tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes(), "two fits differ"
    read = artefact.load(tmp_path / "a.npz")
    names, machines = models.index[models["gmacs"].notna()][:50], envs.loc[cells["env"].unique()]
    pair = np.arange(50), np.zeros(50, dtype=int)
    fresh, back = (roofline.log_seconds(arrays, models.loc[names], machines, *pair) for arrays in (art, read))
    assert fresh[0] == pytest.approx(back[0])
    assert fresh[1] == pytest.approx(back[1])


def test_samples_in_flight():
    rows = pd.DataFrame(
        [
            {"batch_size": 8, "concurrency": 4, "scenario": "concurrent_loop"},
            {"batch_size": 8, "concurrency": None, "scenario": "batch_loop"},
            {"batch_size": None, "concurrency": None, "scenario": "offline"},
            {"batch_size": None, "concurrency": None, "scenario": "batch_loop"},
            {"batch_size": None, "concurrency": 1, "scenario": "batch_loop"},
            {"batch_size": 64, "concurrency": None, "scenario": "single_stream"},
        ]
    )
    assert measured_cells.in_flight(rows).fillna(-1).tolist() == [32, 8, np.inf, -1, 1, 1]


@pytest.mark.parametrize("basis", holdout.SCHEMES)
def test_what_is_held_out_never_straddles(everything, basis):
    """No family, device or pair that is asked about stands among the cells that were fitted, and nothing is asked about twice."""
    cells, _, envs = everything
    device = envs.loc[cells["env"], "device_id"].to_numpy()
    groups = {"seen_device_new_model": [cells["family"].to_numpy()], "seen_model_new_device": [device]}
    groups |= {"new_new": [cells["family"].to_numpy(), device], "seen_both": [device + "|" + cells["model_id"].to_numpy()]}
    times = np.zeros(len(cells))
    for fold in range(holdout.FOLDS):
        kept, asked, _ = holdout.SCHEMES[basis](cells, envs, fold)
        assert asked.any()
        assert not (kept & asked).any()
        for group in groups[basis]:
            assert not set(group[kept]) & set(group[asked])
        times += asked
    assert times.max() == 1


def test_intervals_cover_nine_in_ten_of_fresh_draws():
    rng = np.random.default_rng(0)
    found = pd.DataFrame(
        {"miss": rng.normal(0, 0.3, 4_000), "group": rng.integers(0, 50, 4_000), "basis": "seen_both", "calibration": "none"}
    )
    found = found.assign(device_class="gpu", source="s", detail="operators_counted")
    bounds = intervals.quantiles(found)
    row = intervals.look_up(bounds, found.head(1)).iloc[0]
    fresh = rng.normal(0, 0.3, 20_000)
    assert np.mean((fresh >= row["log_low"]) & (fresh <= row["log_high"])) == pytest.approx(1 - 0.1 * (1 - 50**-0.5), abs=0.015)
    unmet = intervals.look_up(bounds, found.head(1).assign(device_class="tpu")).iloc[0]
    assert unmet["device_class"] == "all"


def test_the_committed_error_is_what_a_quick_recount_gives(few):
    """A family of networks left out, timm on two devices alone: the median error lies near that of the committed table."""
    cells, models, envs = few
    found = holdout.held_out("seen_device_new_model", cells, models, envs, folds=(0, 1))
    table = data.load("estimate_error")
    for device_class in ("gpu", "cpu"):
        mine = (found["device_class"] == device_class) & (found["source"] == "timm")
        error = 100 * np.abs(np.expm1(found.loc[mine, "miss"])).median()
        row = table[(table["basis"] == "seen_device_new_model") & (table["device_class"] == device_class) & (table["source"] == "timm")]
        committed = row.loc[(row["detail"] == "all") & (row["calibration"] == "none"), "median_ape"].item()
        assert error == pytest.approx(committed, abs=4), device_class


def test_a_network_that_states_no_work_gets_what_its_times_suggest(everything):
    """BERT-Large states no GMAC for its mixed lengths; a sequence of 384 tokens takes 123, so SQuAD's shorter ones take less."""
    art = artefact.load()
    assert np.isnan(everything[1].loc["bert-large", "gmacs"])
    assert 20 < art["gmacs"]["bert-large"] < 130


def test_a_typical_network_has_all_its_work(everything):
    _, models, _ = everything
    typical = features.typical_network(models)
    filled = features.complete(models.loc[["yolov3-tiny-416"]], typical)
    assert filled[features.MACS].sum(axis=1).item() == pytest.approx(filled["gmacs"].item())
    assert (filled >= 0).all(axis=None)
