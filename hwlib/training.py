"""The fit behind the estimates: cells of measured rows in, plain arrays out; the only module that needs scikit-learn."""

import numpy as np
import pandas as pd

from . import data, datasheet, features, roofline

TREES = {
    "max_iter": 200,
    "learning_rate": 0.1,
    "max_leaf_nodes": 31,
    "max_depth": 6,
    "min_samples_leaf": 40,
    "l2_regularization": 1.0,
    "max_features": 0.3,
    "loss": "absolute_error",
    "random_state": 0,
    "early_stopping": False,
}
# How strongly each kind of term is held towards zero (or its prior), in rows of evidence.
SLOPE_HOLD = {"all": 1.0, "class": 5.0, "chain": 5.0}
SLOPE_PRIOR = np.array([-0.55, -0.35, 0.0, 0.0])
WORD_HOLD = {
    "class": 0.5,
    "vendor": 1.0,
    "chain": 0.5,
    "level": 2.0,
    "chain_level": 0.5,
    "precision": 4.0,
    "tuning": 2.0,
    "segment": 2.0,
    "stack": 1.0,
    "device": 6.0,
    "device_chain": 4.0,
}
OVERALL_HOLD, CHAIN_HOLD, ENV_HOLD = 1.0, 10.0, 3.0
HALF_SLOPE_HOLD, HALF_WORD_HOLD = 0.1, 5.0
HALF_BATCHES = np.geomspace(*roofline.HALF_BATCH_RANGE, 61)
ROUNDS = 2
REWEIGHTED = 5
BINS = 64
# Rows that say nothing of one device's speed at one network.
UNFIT_FLAGS = (
    *("third_party", "relative_only", "count_unstated", "count_doubtful", "device_unstated", "input_doubtful", "upper_bound"),
    "throughput_latency_mismatch",
)
HELD_BACK = ("server", "interactive")


def measured():
    """The cells to fit, the networks and the envs, from the project's tables.

    Returns
    -------
    cells : DataFrame
        env, model_id, family, batch (samples in flight; infinite for a queue that is never empty), seconds (a sample on one device).
    models : DataFrame
        Indexed by model_id: gmacs, params_m, mactivations, operator counts.
    envs : DataFrame
        Indexed by env: device_id, stack, precision, chain, tuning and the device's columns.
    """
    devices, networks = data.load_devices().drop(columns=["source_id", "name"]), data.load_models()
    rows = data.load_measurements()
    flags = rows["quality_flag"].fillna("")
    fit = rows["throughput_per_s"].notna() & (rows["throughput_unit"] == "samples") & (rows["division"].fillna("closed") != "open")
    fit &= ~flags.str.contains("|".join(UNFIT_FLAGS)) & ~rows["scenario"].isin(HELD_BACK) & rows["device_count"].notna()
    rows = rows[fit].merge(devices, on="device_id").merge(networks[["model_id", "family"]], on="model_id")
    rows = as_envs(rows).assign(batch=in_flight(rows))
    rows = rows.assign(seconds=rows["device_count"].astype("float64") / rows["throughput_per_s"])[rows["batch"].notna()]
    cells = rows.groupby(["env", "model_id", "batch"], as_index=False).agg(seconds=("seconds", "median"), family=("family", "first"))
    envs = rows.drop_duplicates("env").set_index("env").sort_index()[[*ENV_COLUMNS, *devices.columns]]
    models = networks.merge(data.load("operators").drop(columns="source_id"), on="model_id", how="left").set_index("model_id")
    return cells, models, envs


ENV_COLUMNS = ["stack", "precision", "chain", "tuning"]


def as_envs(rows):
    """`rows` of measurements with their device's columns, and with stack, chain and env; what is unstated gets that word."""
    rows = rows.assign(precision=rows["precision"].fillna("unstated"), tuning=rows["tuning"].fillna("unstated"))
    rows = rows.assign(stack=features.stack(rows), chain=features.toolchain(rows))
    return rows.assign(env=rows["device_id"] + "|" + rows["stack"] + "|" + rows["precision"])


def in_flight(rows):
    """Samples in flight of each row of measurements: batch times calls; infinite for an unending queue; empty where unknown."""
    batch, calls = rows["batch_size"].astype("float64"), rows["concurrency"].astype("float64")
    queued = rows["scenario"].isin(("offline", "concurrent_loop"))
    unknown = pd.Series(np.where(calls == 1, 1.0, np.where(queued, np.inf, np.nan)), index=rows.index)
    flight = (batch * calls.fillna(1.0)).fillna(unknown)
    return flight.mask(rows["scenario"] == "single_stream", 1.0)


def fit(cells, models, envs):
    """The fitted arrays, by name: what `roofline` needs to estimate.

    Parameters
    ----------
    cells, models, envs : DataFrame
        As `measured` gives them, or a part of the cells.
    """
    devices = data.load_devices()
    art = {"sheets": datasheet.fit_sheets(devices), "typical": features.typical_network(models)}
    stated = models["gmacs"].reindex(cells["model_id"]).notna().to_numpy()
    art = _fit_physics(cells[stated], models, envs, art)
    models = models.assign(gmacs=models["gmacs"].fillna(_inferred(cells[~stated], models, envs, art)))
    cells = cells[models["gmacs"].reindex(cells["model_id"]).notna().to_numpy()]
    art = _fit_physics(cells, models, envs, art)
    art["gmacs"] = models["gmacs"].dropna()
    art["largest_batch"] = cells["batch"][np.isfinite(cells["batch"])].max()
    shape, left = _left(cells, models, envs, art)
    art["trees"] = _trees(shape, left, _weights(cells))
    art["effects"] = _effects(cells, envs, left - roofline.grow(art["trees"], shape))
    return art


def _weights(cells):
    """Each env counts by the square root of its rows, so that one long list does not drown the others."""
    return (1 / np.sqrt(cells.groupby("env")["env"].transform("size"))).to_numpy()


def _left(cells, models, envs, art):
    """For each cell the trees' features and what is left of its log time after physics."""
    chosen, env = models.loc[cells["model_id"]], envs.loc[cells["env"]]
    filled = features.complete(chosen, art["typical"])
    work = features.work(filled)
    base = roofline.base(work, roofline.costs(art, env))
    shape = features.shape_features(chosen, filled, work * roofline.chain_costs(art, env))
    return shape, _saturated(cells, filled, base, env, art) - base


def _saturated(cells, filled, base, env, art):
    """Log seconds a sample of each cell, without the fixed time of a call."""
    half = roofline.half_batch(art, features.call_features(filled), base, env)
    return np.log(cells["seconds"].to_numpy()) - np.log1p(half / cells["batch"].to_numpy())


def _fit_physics(cells, models, envs, art):
    """`art` with costs of work for each chain and env, the words of an env's scale, and the half-saturation batch, in a few rounds."""
    filled, env = features.complete(models.loc[cells["model_id"]], art["typical"]), envs.loc[cells["env"]]
    work, log_gmacs = features.work(filled), np.log(filled["gmacs"].to_numpy())
    speed = pd.Series(np.log(cells["seconds"].to_numpy()) - log_gmacs)
    base = log_gmacs + speed.groupby(cells["env"].to_numpy()).transform("median").to_numpy()
    for _ in range(ROUNDS):
        art = art | {"half": _fit_half(cells, filled, base, env)}
        art = art | _fit_costs(_saturated(cells, filled, base, env, art), work, env, envs, art)
        base = roofline.base(work, roofline.costs(art, env))
    return art


def _fit_costs(y, work, env, envs, art):
    """Costs of work in seconds: of all, of each chain held towards all, of each env held towards its chain at its expected scale."""
    chains = env["chain"].to_numpy()
    shape = np.ones(work.shape[1])
    names, place = np.unique(chains, return_inverse=True)
    shapes = np.tile(shape, (len(names), 1))
    for _ in range(ROUNDS):
        level = pd.Series(y - np.log((work * shapes[place]).sum(axis=1))).groupby(env.index.to_numpy()).transform("median").to_numpy()
        shape = _costs(work, y - level, shape, OVERALL_HOLD)
        shapes = np.stack([_costs(work[place == i], (y - level)[place == i], shape, CHAIN_HOLD) for i in range(len(names))])
    scale = pd.Series(y - np.log((work * shapes[place]).sum(axis=1))).groupby(env.index.to_numpy()).agg(["median", "size"])
    found = {"chains": pd.Index(names), "shapes": shapes, "overall": shape}
    found["terms"] = _fit_terms(scale["median"].to_numpy(), scale["size"].to_numpy(), envs.loc[scale.index], art)
    expected = np.exp(roofline.scale(art | found, envs.loc[scale.index]))
    groups = pd.Series(range(len(y))).groupby(env.index.to_numpy())
    own = [_costs(work[rows], y[rows], shapes[place[rows.iloc[0]]] * expected[number], ENV_HOLD) for number, (_, rows) in enumerate(groups)]
    return found | {"envs": pd.Index(scale.index), "costs": np.stack(own), "sizes": scale["size"].to_numpy()}


def _costs(work, y, prior, hold):
    """Non-negative seconds for each kind of work that come closest to exp(y) in relative terms, held towards `prior`."""
    from scipy.optimize import nnls

    # First the scale of the prior, then its shape: a wrong data sheet must not bend the shape.
    prior = prior * np.exp(np.median(y - np.log(work @ prior)) * len(y) / (len(y) + 0.5))
    share = work / np.exp(y)[:, None]
    size = np.sqrt((share**2).mean(axis=0)) + 1e-12
    rope = np.diag(np.sqrt(hold / np.maximum(size * prior, 0.02)))
    cost = prior
    for _ in range(REWEIGHTED):
        weight = 1 / np.sqrt(np.maximum(np.abs(share @ cost - 1), 0.05))
        left = np.concatenate([share / size * weight[:, None], rope])
        cost = nnls(left, np.concatenate([weight, rope @ (prior * size)]))[0] / size
    return np.maximum(cost, 1e-9 * prior.max())


def _ridge(blocks, target, weight):
    """Coefficients of each block by weighted ridge regression: blocks are (matrix, hold, prior), larger hold, closer to the prior."""
    matrix = np.concatenate([block[0] for block in blocks], axis=1)
    hold = np.concatenate([np.full(block[0].shape[1], block[1]) for block in blocks])
    prior = np.concatenate([np.broadcast_to(block[2], block[0].shape[1]) for block in blocks])
    mean = np.average(target, weights=weight)
    rows = matrix * weight[:, None]
    miss = (target - mean - matrix @ prior) * weight
    found = prior + np.linalg.solve(rows.T @ rows + np.diag(hold), rows.T @ miss)
    return mean, np.split(found, np.cumsum([block[0].shape[1] for block in blocks])[:-1])


def _hot(text):
    names, place = np.unique(text.to_numpy(dtype=object).astype(str), return_inverse=True)
    return pd.Index(names), np.eye(len(names))[place]


def _fit_terms(scale, size, env, art):
    """Slopes on the data sheet and coefficients of words that explain the envs' scales."""
    away = datasheet.specs(art["sheets"], env, env["precision"])
    blocks, names = [], []
    for kind, group in roofline.slopes(env).items():
        index, hot = _hot(group)
        prior = np.tile(SLOPE_PRIOR if kind == "all" else 0.0 * SLOPE_PRIOR, len(index))
        blocks.append(((hot[:, :, None] * away[:, None, :]).reshape(len(env), -1), SLOPE_HOLD[kind], prior))
        names.append(index)
    for kind, text in roofline.words(env).items():
        index, hot = _hot(text)
        blocks.append((hot, WORD_HOLD[kind], 0.0))
        names.append(index)
    mean, found = _ridge(blocks, scale, np.sqrt(size / (size + 1.0)))
    slopes = {kind: pd.DataFrame(found[i].reshape(len(names[i]), -1), index=names[i]) for i, kind in enumerate(SLOPE_HOLD)}
    words = {kind: pd.Series(found[i], index=names[i]) for i, kind in enumerate(WORD_HOLD, start=len(SLOPE_HOLD))}
    return {"mean": mean, "slopes": slopes, "words": words}


def _fit_half(cells, filled, base, env):
    """Slopes and words of the log of the half-saturation batch, from cells that differ in batch alone."""
    rows, best = _swept(cells)
    numbers = np.column_stack([features.call_features(filled), base])[rows]
    centre = numbers.mean(axis=0)
    texts = {kind: _hot(text.iloc[rows]) for kind, text in roofline.half_words(env).items()}
    blocks = [(numbers - centre, HALF_SLOPE_HOLD, 0.0), *((hot, HALF_WORD_HOLD, 0.0) for _, hot in texts.values())]
    mean, found = _ridge(blocks, best, np.ones(len(best)))
    words = {kind: pd.Series(found[i], index=index) for i, (kind, (index, _)) in enumerate(texts.items(), start=1)}
    return {"mean": mean, "centre": centre, "slopes": found[0], "words": words}


def _swept(cells):
    """The first cell of each network on an env at several batches, and the log half-saturation batch that fits them best."""
    place = pd.factorize(cells["env"] + "|" + cells["model_id"])[0]
    left = np.log(cells["seconds"].to_numpy())[:, None] - np.log1p(HALF_BATCHES / cells["batch"].to_numpy()[:, None])
    grouped = pd.DataFrame(left).groupby(place)
    many = grouped.size().to_numpy() > 1
    spread = grouped.var(ddof=0).to_numpy()[many]
    first = pd.Series(range(len(place))).groupby(place).first().to_numpy()[many]
    return first, np.log(HALF_BATCHES)[spread.argmin(axis=1)]


def _inferred(cells, models, envs, art):
    """GMAC a sample of the networks that state none, as their measured times on envs with other networks suggest."""
    cells = cells[cells["env"].isin(art["envs"])]
    env, guess = envs.loc[cells["env"]], pd.Series(1.0, index=cells["model_id"].unique())
    for _ in range(3):
        filled = features.complete(models.loc[cells["model_id"]].assign(gmacs=guess[cells["model_id"]].to_numpy()), art["typical"])
        base = roofline.base(features.work(filled), roofline.costs(art, env))
        miss = pd.Series(_saturated(cells, filled, base, env, art) - base)
        each = miss.groupby([cells["model_id"].to_numpy(), cells["env"].to_numpy()]).median()
        guess = guess * np.exp(each.groupby(level=0).median())
    return guess


def _trees(shape, left, weight):
    """Boosted trees as plain arrays; features go in as numbers of their bins, because weighted bins take longer than all the trees."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    edges = [_edges(column) for column in shape.T]
    codes = np.column_stack([np.searchsorted(edge, column) for edge, column in zip(edges, shape.T, strict=True)])
    fitted = HistGradientBoostingRegressor(**TREES).fit(codes, left, sample_weight=weight)
    nodes = [trees[0].nodes for trees in fitted._predictors]
    for rows in nodes:
        rows["num_threshold"] = [_edge(edges, row) for row in rows]
    return roofline.complete_trees(nodes, float(np.ravel(fitted._baseline_prediction)[0]), TREES["max_depth"])


def _edges(column):
    """Borders of about `BINS` bins of equal size, each midway between two values that occur: rounding cannot cross it."""
    values = np.unique(column)
    place = np.unique(np.searchsorted(values, np.quantile(column, np.linspace(0, 1, BINS + 1)[1:-1], method="lower")))
    place = place[place < len(values) - 1]
    return (values[place] + values[place + 1]) / 2


def _edge(edges, row):
    """The value of a node's feature at which its bins part."""
    return np.inf if row["is_leaf"] else edges[row["feature_idx"]][int(row["num_threshold"])]


def _effects(cells, envs, left):
    """What is left of each network's time, as shrunk means with their rows, from the whole down to the single device."""
    frame = pd.DataFrame({"model": cells["model_id"].to_numpy(), "env": cells["env"].to_numpy(), "left": left})
    frame = frame.groupby(["model", "env"], as_index=False)["left"].mean()
    env = envs.loc[frame["env"]]
    found = {}
    for level, hold in roofline.EFFECT_HOLD.items():
        key = pd.Series(roofline.effect_keys(frame["model"].to_numpy(), env, level))
        grouped = frame["left"].groupby(key)
        table = pd.DataFrame({"mean": grouped.sum() / (grouped.size() + hold), "rows": grouped.size()})
        found[level] = table
        frame["left"] -= table["mean"].reindex(key).to_numpy()
    return found
