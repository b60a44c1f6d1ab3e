"""How wrong the estimates are, on cells whose family of networks, device or both the fit never saw: the rows of `estimate_error`."""

import numpy as np
import pandas as pd

from . import candidates, datasheet, intervals, roofline, training, units

FOLDS = 5
SEED = 0
LEAST_RANKED = 10


def error_table():
    """Every row of table `estimate_error`: the error of each basis, device class, toolchain and detail, by grouped cross-validation."""
    cells, models, envs = training.measured()
    found = pd.concat([held_out(basis, cells, models, envs) for basis in SCHEMES], ignore_index=True)
    found = found.assign(regret=np.nan)
    return summary(with_intervals(found))


def held_out(basis, cells, models, envs, folds=range(FOLDS)):
    """Cells that a fit without their group was asked for, each with what the fit missed in log seconds (`miss`)."""
    parts = []
    for fold in folds:
        kept, asked, group = SCHEMES[basis](cells, envs, fold)
        known = models.loc[cells["model_id"], "gmacs"].notna().to_numpy() | cells["model_id"].isin(cells.loc[kept, "model_id"]).to_numpy()
        art = training.fit(cells[kept], models, envs)
        chosen = cells[asked & known].assign(fold=fold, group=group[asked & known])
        parts.append(missed(art, chosen, models, envs).assign(basis=basis))
    return pd.concat(parts, ignore_index=True)


def _new_model(cells, envs, fold):
    """Whole families of networks left out; asked on envs that other networks ran on."""
    out = _folds(cells["family"]) == fold
    return ~out, out & cells["env"].isin(cells.loc[~out, "env"]).to_numpy(), cells["family"].to_numpy()


def _new_device(cells, envs, fold):
    """Whole devices left out; asked for networks that ran elsewhere, where a data sheet says anything."""
    device = envs.loc[cells["env"], "device_id"].to_numpy()
    out = _folds(device) == fold
    known = cells["model_id"].isin(cells.loc[~out, "model_id"]).to_numpy()
    return ~out, out & known & datasheet.described(envs.loc[cells["env"]]).to_numpy(), device


def _both_new(cells, envs, fold):
    """A fifth of the families and a fifth of the devices left out at a time; asked where both meet."""
    device = envs.loc[cells["env"], "device_id"].to_numpy()
    family, machine = _folds(cells["family"]) == fold, _folds(device) == fold
    return ~family & ~machine, family & machine & datasheet.described(envs.loc[cells["env"]]).to_numpy(), device


def _both_seen(cells, envs, fold):
    """Pairs of a network and a device left out; asked where both were met, apart."""
    device = envs.loc[cells["env"], "device_id"].to_numpy()
    pair = pd.Series(device + "|" + cells["model_id"].to_numpy())
    out = _folds(pair) == fold
    met = cells["model_id"].isin(cells.loc[~out, "model_id"]) & cells["env"].isin(cells.loc[~out, "env"])
    return ~out, out & met.to_numpy(), pair.to_numpy()


SCHEMES = {
    "seen_both": _both_seen,
    "seen_device_new_model": _new_model,
    "seen_model_new_device": _new_device,
    "new_new": _both_new,
}


def _folds(values):
    """The fold of each value; equal values share one."""
    names, place = np.unique(np.asarray(values, dtype=str), return_inverse=True)
    return (np.random.default_rng(SEED).permutation(len(names)) % FOLDS)[place]


def missed(art, cells, models, envs):
    """`cells` with log seconds as estimated and as missed, and what the summary splits by."""
    env = envs.loc[cells["env"]]
    chosen = models.loc[cells["model_id"]].assign(gmacs=models["gmacs"].fillna(art["gmacs"]).reindex(cells["model_id"]).to_numpy())
    fit = chosen["gmacs"].notna().to_numpy()
    cells, env, chosen = cells[fit], env[fit], chosen[fit]
    log_seconds, half = roofline.log_seconds(art, chosen, cells["model_id"].to_numpy(), env)
    estimated = log_seconds + np.log1p(half / cells["batch"].to_numpy())
    counted = models.loc[cells["model_id"], "ops_conv"].notna().to_numpy()
    gaps = datasheet.gaps(env, env["precision"]).to_numpy()
    return cells.assign(
        estimated=estimated,
        miss=np.log(cells["seconds"].to_numpy()) - estimated,
        device_id=env["device_id"].to_numpy(),
        device_class=env["device_class"].to_numpy(),
        toolchain=env["chain"].str.split(" ").str[1].to_numpy(),
        counted=counted,
        sheet=np.where(gaps == "", "full", "partial"),
    )


def with_intervals(found):
    """`found` with the 90 % interval that the other folds give each cell: log_low, log_high, covered."""
    found = found.assign(detail=intervals.detail(found["basis"], found["counted"], found["sheet"]))
    parts = []
    for fold, part in found.groupby("fold"):
        others = intervals.quantiles(found[found["fold"] != fold])
        bounds = intervals.look_up(others, part)[["log_low", "log_high"]].to_numpy()
        parts.append(part.assign(log_low=bounds[:, 0], log_high=bounds[:, 1]))
    found = pd.concat(parts)
    rate = -found["miss"]
    return found.assign(covered=(rate >= found["log_low"]) & (rate <= found["log_high"]))


def summary(found):
    """The figures of `estimate_error`, one row a basis and split, from cells with their intervals."""
    bounds = intervals.quantiles(found)
    rows = []
    for row in bounds.to_dict("records"):
        part = found[found["basis"] == row["basis"]]
        for name in intervals.PARTS:
            part = part if row[name] == "all" else part[part[name] == row[name]]
        rows.append(row | _figures(part))
    return pd.DataFrame(rows)


def _figures(part):
    error = units.PERCENT * np.abs(np.expm1(part["miss"]))
    return {
        "n": len(part),
        "groups": part["group"].nunique(),
        "median_ape": error.median(),
        "p90_ape": error.quantile(0.9),
        "within_10": units.PERCENT * (error <= 10).mean(),
        "within_25": units.PERCENT * (error <= 25).mean(),
        "coverage_90": units.PERCENT * part["covered"].mean(),
        "width_90": np.exp(part["log_high"] - part["log_low"]).median(),
        "spearman": rank_quality(part),
        "regret_percent": regret(part),
    }


def rank_quality(part):
    """Median over envs of Spearman's rank correlation between estimated and measured throughput of the networks there."""
    ranked = part.groupby("env").filter(lambda rows: len(rows) >= LEAST_RANKED)
    if ranked.empty:
        return np.nan
    return (
        ranked.groupby("env")[["estimated", "seconds"]]
        .apply(lambda rows: rows["estimated"].corr(rows["seconds"], method="spearman"))
        .median()
    )


def regret(part):
    """Median over networks of how much more than the cheapest device the one chosen by estimates costs an inference, in %."""
    usd = prices()
    part = part.assign(usd=part["device_id"].map(usd)).dropna(subset=["usd"])
    part = part.assign(true=np.log(part["usd"] * part["seconds"]), guess=np.log(part["usd"]) + part["estimated"])
    lost = []
    for _, rows in part.groupby(["model_id", "fold"]):
        if rows["device_id"].nunique() > 1:
            lost.append(units.PERCENT * np.expm1(rows.loc[rows["guess"].idxmin(), "true"] - rows["true"].min()))
    return np.median(lost) if lost else np.nan


def prices():
    """The cheapest hour (USD) of one device, by device: a machine's price over its devices."""
    from .workload import Workload

    offered = candidates.offers(Workload("resnet50"))
    each = offered["usd_per_hour"] / offered["device_count"].astype("float64").fillna(1.0)
    return each.groupby(offered["device_id"]).min()
