"""The fit behind the estimates: cells of measured rows in, plain arrays out; the only module that needs scikit-learn."""

import numpy as np
import pandas as pd

from . import artefact, datasheet, features, roofline, units
from .measured_cells import committed, measured

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
# How strongly each kind of term is held towards zero (or its prior), in rows of evidence. Chosen by hand on a few of the held-out folds.
SLOPE_HOLD = {"all": 1.0, "class": 5.0, "chain": 20.0}
SLOPE_PRIOR = np.array([-0.55, -0.35, 0.0, 0.0])
WORD_HOLD = {
    "class": 0.5,
    "vendor": 1.0,
    "chain": 0.5,
    "level": 2.0,
    "chain_level": 0.5,
    "precision": 8.0,
    "tuning": 4.0,
    "segment": 2.0,
    "stack": 4.0,
    "device": 6.0,
    "device_chain": 4.0,
}
OVERALL_HOLD, CHAIN_HOLD, ENV_HOLD = 1.0, 10.0, 3.0
HALF_SLOPE_HOLD, HALF_WORD_HOLD = 0.1, 5.0
HALF_BATCHES = np.geomspace(*roofline.HALF_BATCH_RANGE, 61)
# Costs, scales and half-saturation batches lean on each other: they settle in two rounds.
ROUNDS = 2
# Passes that weigh outliers down: least absolute instead of least squared errors.
REWEIGHTED = 5
# How freely a device with a thin data sheet may differ from what its sheet lets expect.
LOOSE = 30.0
# Share of the peak that counts as the best ever reached: this quantile of the measured ones.
BEST = 0.95


def update(folder):
    """Fit anew and store the arrays in `folder` if its tables changed since they were fitted; whether they had."""
    path, stamp = folder / artefact.FILE, artefact.stamp_of(folder)
    if path.exists() and artefact.load(path)["stamp"][0] == stamp:
        return False
    artefact.save(fit(*measured()), stamp, path)
    return True


def fit(cells, models, envs):
    """The fitted arrays, by name: what `roofline` needs to estimate.

    Parameters
    ----------
    cells, models, envs : DataFrame
        As `measured` gives them, or a part of the cells.
    """
    devices = committed("devices")
    art = {"sheets": datasheet.fit_sheets(devices), "typical": features.typical_network(models)}
    stated = models["gmacs"].reindex(cells["model_id"]).notna().to_numpy()
    art = _fit_physics(cells[stated], models, envs, art)
    models = models.assign(gmacs=models["gmacs"].fillna(_inferred(cells[~stated], models, envs, art)))
    cells = cells[models["gmacs"].reindex(cells["model_id"]).notna().to_numpy()]
    art = _fit_physics(cells, models, envs, art)
    art["gmacs"] = models["gmacs"].dropna()
    art["largest_batch"] = cells["batch"][np.isfinite(cells["batch"])].max()
    art["best_share"] = _best_share(cells, models, envs)
    pairs = _pairs(cells, models, envs, art)
    y, base = _saturated(pairs, pairs["base"], art), pairs["base"]
    shape = features.shape_features(pairs["network"], pairs["work"] * roofline.chain_costs(art, pairs["env"])[pairs["machine"]])
    art["trees"] = _trees(shape, y - base)
    art["effects"] = _effects(cells, envs, y - base - roofline.grow(art["trees"], shape))
    return art


def _pairs(cells, models, envs, art):
    """What the fit needs of each cell, as arrays; and the envs met, with each cell's place among them."""
    names, model = np.unique(cells["model_id"].to_numpy(dtype=object).astype(str), return_inverse=True)
    keys, machine = np.unique(cells["env"].to_numpy(dtype=object).astype(str), return_inverse=True)
    chosen, env = models.loc[names], envs.loc[keys]
    filled = features.complete(chosen, art["typical"])
    found = {"env": env, "machine": machine, "log_seconds": np.log(cells["seconds"].to_numpy()), "batch": cells["batch"].to_numpy()}
    found |= {"work": features.work(filled)[model], "calls": features.call_features(filled)[model]}
    found["network"] = features.network_features(chosen, filled)[model]
    if "costs" in art:
        found["base"] = np.log((found["work"] * roofline.costs(art, env)[machine]).sum(axis=1))
    return found


def _best_share(cells, models, envs):
    """The share of the stated peak that all but a twentieth of the cells of each device class stay below, and of all classes."""
    env = envs.loc[cells["env"]]
    rate = units.gmacs_to_tops(models["gmacs"].reindex(cells["model_id"]).to_numpy(), 1 / cells["seconds"].to_numpy())
    share = pd.Series(rate / datasheet.stated_peak(env, env["precision"]), index=env["device_class"].to_numpy()).dropna()
    return pd.concat([share.groupby(level=0).quantile(BEST), pd.Series({"all": share.quantile(BEST)})]).clip(upper=1.0)


def _saturated(pairs, base, art):
    """Log seconds a sample of each cell, without the fixed time of a call."""
    half = roofline.half_batch(art, pairs["calls"], base, pairs["env"], pairs["machine"])
    return pairs["log_seconds"] - np.log1p(half / pairs["batch"])


def _fit_physics(cells, models, envs, art):
    """`art` with costs of work for each chain and env, the words of an env's scale, and the half-saturation batch, in a few rounds."""
    pairs = _pairs(cells, models, envs, {"typical": art["typical"]})
    log_gmacs = pairs["calls"][:, 0]
    base = log_gmacs + _median(pairs["log_seconds"] - log_gmacs, pairs["machine"])[pairs["machine"]]
    swept = _swept(cells)
    for _ in range(ROUNDS):
        art = art | {"half": _fit_half(pairs, base, *swept)}
        art = art | _fit_costs(_saturated(pairs, base, art), pairs, art)
        base = np.log((pairs["work"] * art["costs"][pairs["machine"]]).sum(axis=1))
    return art


def _median(values, place):
    return pd.Series(values).groupby(place).median().to_numpy()


def _fit_costs(y, pairs, art):
    """Costs of work in seconds: of all, of each chain held towards all, of each env held towards its chain at its expected scale."""
    work, env, machine = pairs["work"], pairs["env"], pairs["machine"]
    names, chain = np.unique(env["chain"].to_numpy(dtype=object).astype(str), return_inverse=True)
    place = chain[machine]
    shape, shapes = np.ones(work.shape[1]), np.ones((len(names), work.shape[1]))
    for _ in range(ROUNDS):
        level = _median(y - np.log((work * shapes[place]).sum(axis=1)), machine)[machine]
        shape = _costs(work, y - level, shape, OVERALL_HOLD)
        shapes = np.stack([_costs(work[place == i], (y - level)[place == i], shape, CHAIN_HOLD) for i in range(len(names))])
    scale, size = _median(y - np.log((work * shapes[place]).sum(axis=1)), machine), np.bincount(machine)
    found = {"chains": pd.Index(names), "shapes": shapes, "overall": shape, "terms": _fit_terms(scale, size, env, art)}
    expected = np.exp(roofline.scale(art | found, env))
    own = [_costs(work[rows], y[rows], shapes[chain[i]] * expected[i], ENV_HOLD) for i, rows in enumerate(_rows_of(machine))]
    return found | {"envs": pd.Index(env.index), "costs": np.stack(own), "sizes": size}


def _rows_of(place):
    """The rows of each place, in order of the places."""
    return np.split(np.argsort(place, kind="stable"), np.cumsum(np.bincount(place))[:-1])


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
    # A device whose sheet is empty or lacks the peak must not teach what a sheet means: its own term is all but free.
    thin = pd.Series(datasheet.thin(env, env["precision"]), index=env.index).groupby(env["device_id"]).transform("any").to_numpy()
    loose = np.where(thin, LOOSE, 1.0)
    for kind, text in roofline.words(env).items():
        index, hot = _hot(text)
        blocks.append((hot * loose[:, None] if kind == "device" else hot, WORD_HOLD[kind], 0.0))
        names.append(index)
    mean, found = _ridge(blocks, scale, np.sqrt(size / (size + 1.0)))
    mine = (*SLOPE_HOLD, *WORD_HOLD).index("device")
    found[mine] = found[mine] * pd.Series(loose, index=env["device_id"]).groupby(level=0).first().reindex(names[mine]).to_numpy()
    slopes = {kind: pd.DataFrame(found[i].reshape(len(names[i]), -1), index=names[i]) for i, kind in enumerate(SLOPE_HOLD)}
    words = {kind: pd.Series(found[i], index=names[i]) for i, kind in enumerate(WORD_HOLD, start=len(SLOPE_HOLD))}
    return {"mean": mean, "slopes": slopes, "words": words}


def _fit_half(pairs, base, rows, best):
    """Slopes and words of the log of the half-saturation batch, from cells that differ in batch alone (`_swept`)."""
    numbers = np.column_stack([pairs["calls"], base])[rows]
    centre, env = numbers.mean(axis=0), pairs["env"].iloc[pairs["machine"][rows]]
    texts = {kind: _hot(text) for kind, text in roofline.half_words(env).items()}
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
    guess = pd.Series(1.0, index=cells["model_id"].unique())
    for _ in range(3):
        pairs = _pairs(cells, models.loc[guess.index].assign(gmacs=guess), envs, art)
        miss = pd.Series(_saturated(pairs, pairs["base"], art) - pairs["base"])
        each = miss.groupby([cells["model_id"].to_numpy(), cells["env"].to_numpy()]).median()
        guess = guess * np.exp(each.groupby(level=0).median())
    return guess


def _trees(shape, left):
    from sklearn.ensemble import HistGradientBoostingRegressor

    fitted = HistGradientBoostingRegressor(**TREES).fit(shape, left)
    nodes = [trees[0].nodes for trees in fitted._predictors]
    return roofline.complete_trees(nodes, float(np.ravel(fitted._baseline_prediction)[0]), TREES["max_depth"])


def _effects(cells, envs, left):
    """What is left of each network's time, as shrunk means with the envs behind them, from the whole down to the single device."""
    frame = pd.DataFrame({"model": cells["model_id"].to_numpy(), "env": cells["env"].to_numpy(), "left": left})
    frame = frame.groupby(["model", "env"], as_index=False)["left"].mean()
    words = roofline.effect_words(envs.loc[frame["env"]])
    names, network = np.unique(frame["model"].to_numpy(dtype=object).astype(str), return_inverse=True)
    found, left = {}, frame["left"].to_numpy()
    for level, hold in roofline.EFFECT_HOLD.items():
        known, word = np.unique(words[level].to_numpy(dtype=object).astype(str), return_inverse=True)
        keys, place = np.unique(network * len(known) + word, return_inverse=True)
        rows = np.bincount(place)
        mean = np.bincount(place, left) / (rows + hold)
        found[level] = {"models": pd.Index(names), "words": pd.Index(known), "keys": keys, "mean": mean, "rows": rows}
        left = left - mean[place]
    return found
