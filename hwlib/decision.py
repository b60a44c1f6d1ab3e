"""From the answers to the decision questions to a ranking: limits first, ranking second, reasons kept."""

import functools
from dataclasses import dataclass, field
from html import escape

import pandas as pd

from . import certainty, flips, guard, relaxing, words
from .candidates import options
from .errors import HwlibError
from .workload import PRIORITIES, Workload, asked

MIME_TYPE = "application/vnd.hwlib.decision+json"


@dataclass(frozen=True)
class Decision:
    """A ranking with its reasons: `table` (best first), `eliminated`, `best`, `runner_up`, `margin`, `p_best`, `flips`, `explain()`."""

    workload: Workload
    table: pd.DataFrame = field(repr=False)
    eliminated: pd.DataFrame = field(repr=False)

    @property
    def metric(self):
        """The column that ranks the options."""
        return PRIORITIES[self.workload.priority][0] if len(self.workload.criteria) == 1 else "score"

    @functools.cached_property
    def best(self):
        """The first option as a Series; None where no option has the figure that ranks."""
        ranked = self.table[self.table["score"].notna()]
        return ranked.iloc[0] if len(ranked) else None

    @functools.cached_property
    def runner_up(self):
        """The first option on another device than the best one, or None."""
        if self.best is None:
            return None
        others = self.table[self.table["score"].notna() & (self.table["device_id"] != self.best["device_id"])]
        return others.iloc[0] if len(others) else None

    @property
    def margin(self):
        """How much more the worse of best and runner-up needs, or the better gives, as a share: 0.25 is 25 %; None without one."""
        if self.runner_up is None:
            return None
        figures = self.best[self.metric], self.runner_up[self.metric]
        return float(max(figures) / min(figures) - 1)

    @functools.cached_property
    def certainty(self):
        """For each option p_best, its probability to be best, and low and high, the 90 % interval of the figure that ranks."""
        return certainty.certainty(self.table, self.workload)

    @property
    def p_best(self):
        """Probability that no other device beats the best option's, given the spread of figures and prices; None without a best one."""
        if self.best is None:
            return None
        return float(self.certainty["p_best"][self.table["device_id"] == self.best["device_id"]].sum())

    @functools.cached_property
    def flips(self):
        """Where the winner changes, one row a place, as `flips.flips`: price, request rate, batch size, latency limit or utilisation."""
        return flips.flips(self)

    @functools.cached_property
    def relaxations(self):
        """Where no option is left: each limit that alone could be relaxed, tightest first, as `relaxing.relaxations`."""
        return relaxing.relaxations(self)

    @property
    def comparison(self):
        """What the guard says of the best option against the runner-up, or None without one."""
        by = self.metric if self.metric != "score" else "throughput_per_s"
        return None if self.runner_up is None else guard.compare(self.best, self.runner_up, by)

    @property
    def evidence(self):
        """How many options rest on each kind of evidence, as a dict: audited, published, own, derived or estimated."""
        return {str(kind): int(count) for kind, count in self.table["evidence"].value_counts().sort_index().items()}

    def explain(self):
        """The decision in plain sentences: winner, margin, how sure, what would change it, how alike the figures are, what was left out."""
        return words.explain(self)

    def to_dict(self):
        """The decision as plain JSON values: workload, best, runner_up, margin, p_best, flips, options, eliminated, evidence and words."""
        options = [_plain(row) for row in self.table.join(self.certainty).to_dict("records")]
        named = {name: None if row is None else options[row.name] for name, row in (("best", self.best), ("runner_up", self.runner_up))}
        return {
            "workload": self.workload.to_dict(),
            **named,
            "margin": self.margin,
            "p_best": self.p_best,
            "flips": [_plain(row) for row in self.flips.to_dict("records")],
            "comparison": None if self.comparison is None else str(self.comparison),
            "evidence": self.evidence,
            "explanation": self.explain(),
            "options": options,
            "eliminated": [_plain(row) for row in self.eliminated.to_dict("records")],
        }

    def _repr_mimebundle_(self, include=None, exclude=None):
        lines = self.explain()
        # A dollar sign in an element of its own is no formula to the notebook's typesetter.
        paragraphs = [f"<p>{escape(line)}</p>".replace("$", "<span>$</span>") for line in lines]
        html = f'<div class="answer">{"".join(paragraphs)}</div>'
        return {"text/plain": " ".join(lines), "text/html": html, MIME_TYPE: self.to_dict()}


def expect(decision):
    """`decision`, if it is one.

    Raises
    ------
    HwlibError
        For anything else, such as a workload that is not decided yet.

    >>> expect(Workload("resnet50"))
    Traceback (most recent call last):
    hwlib.errors.HwlibError: decision: expected what hw.decide(...) gives, found a Workload
    """
    if not isinstance(decision, Decision):
        raise HwlibError(f"decision: expected what hw.decide(...) gives, found a {type(decision).__name__}")
    return decision


def decide(workload, **answers):
    """The ranking of every way to serve `workload`, best first, with the reasons of what was left out.

    Parameters
    ----------
    workload : Workload or str
        The answers to the decision questions, or just a model.
    **answers
        Fields of `Workload`, where `workload` is a model.

    Returns
    -------
    Decision

    Raises
    ------
    HwlibError
        For a faulty answer.

    Examples
    --------
    >>> decision = decide("resnet50", batch_size=8)
    >>> decision.best["usd_per_100k"] <= decision.runner_up["usd_per_100k"]
    np.True_
    """
    if not isinstance(workload, Workload):
        workload = asked(workload, answers)
    elif answers:
        raise HwlibError("decide: give either a Workload or a model with answers, not both")
    return Decision(workload, *options(workload))


def _plain(row):
    """A record with plain JSON values: missing is None, days are text, numbers are Python's own."""
    return {key: _plain_value(value) for key, value in row.items()}


def _plain_value(value):
    if value is None or pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    return value.item() if hasattr(value, "item") else value
