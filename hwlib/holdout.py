"""How wrong the estimates are, on cells whose family of networks, device or both the fit never saw: the rows of `estimate_error`."""

import numpy as np
import pandas as pd

from . import datasheet, intervals, package, roofline, schema, training, units
from .measured_cells import committed, measured
from .offers import offers
from .tables import write_csv
from .workload import Workload

FOLDS = 8
SEED = 0
LEAST_RANKED = 10
DIGITS = 4


def update(folder):
    """Measure the held-out error anew and write table `estimate_error` into `folder`; returns it. Takes minutes: some thirty fits."""
    table = schema.conform(error_table().round(DIGITS), "estimate_error").sort_values(list(schema.ESTIMATE_ERROR.key))
    write_csv(schema.validate(table, "estimate_error"), folder / "estimate_error.csv")
    package.write(folder, committed("sources"))
    return table


def error_table():
    """Every row of table `estimate_error`: the error of each basis, device class, source and detail, by grouped cross-validation."""
    cells, models, envs = measured()
    found = pd.concat([held_out(basis, cells, models, envs) for basis in SCHEMES], ignore_index=True)
    return table_of(found)


def table_of(found):
    """The rows of `estimate_error` from held-out cells, without and with one measurement of each new network."""
    helped = calibrated(found[found["basis"].isin(intervals.NEW_MODEL)]).assign(calibration="one_point")
    return summary(with_intervals(pd.concat([found.assign(calibration="none"), helped], ignore_index=True)))


def calibrated(found):
    """Cells of `found` on other devices than one measured cell of their network, drawn by chance, with what is still missed then."""
    key = (found["basis"] + "|" + found["fold"].astype("str") + "|" + found["model_id"]).to_numpy()
    drawn = found.assign(key=key).sample(frac=1, random_state=SEED).drop_duplicates("key")
    elsewhere = found["device_id"].to_numpy() != drawn.set_index("key")["device_id"].reindex(key).to_numpy()
    found, key = found[elsewhere], key[elsewhere]
    none = dict.fromkeys(roofline.EFFECT_HOLD, np.zeros(len(drawn)))
    move = roofline.carried(drawn["miss"].to_numpy(), drawn.assign(network=drawn["key"]), found.assign(network=key), none)
    return found.assign(before=found["miss"], miss=found["miss"] - move, estimated=found["estimated"] + move)


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
    """An eighth of the families and an eighth of the devices left out at a time; asked where both meet."""
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
    gmacs = models["gmacs"].fillna(art["gmacs"])
    cells = cells[gmacs.reindex(cells["model_id"]).notna().to_numpy()]
    model, names = pd.factorize(cells["model_id"])
    machine, keys = pd.factorize(cells["env"])
    env, counted = envs.loc[keys], models["ops_conv"].reindex(names).notna().to_numpy()
    log_seconds, half = roofline.log_seconds(art, models.loc[names].assign(gmacs=gmacs[names].to_numpy()), env, model, machine)
    estimated = log_seconds + np.log1p(half / cells["batch"].to_numpy())
    sheet = np.where(datasheet.gaps(env, env["precision"]) == "", "full", "partial")
    words = env.assign(source=intervals.source_family(env["stack"]))[["device_id", "device_class", "chain", "source"]].iloc[machine]
    cells = cells.assign(**{name: words[name].to_numpy() for name in words}, counted=counted[model], sheet=sheet[machine])
    return cells.assign(estimated=estimated, miss=np.log(cells["seconds"].to_numpy()) - estimated)


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
        part = found[(found["basis"] == row["basis"]) & (found["calibration"] == row["calibration"])]
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
        "median_ape_uncalibrated": units.PERCENT * np.abs(np.expm1(part["before"])).median() if "before" in part else np.nan,
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
    offered = offers(Workload("resnet50"))
    each = offered["usd_per_hour"] / offered["device_count"].astype("float64").fillna(1.0)
    return each.groupby(offered["device_id"]).min()
