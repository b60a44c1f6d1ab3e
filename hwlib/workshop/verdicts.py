"""What a check says: a sentence for the eye and for a screen reader, and the stop at a task that nobody answered yet."""

from dataclasses import dataclass
from html import escape

from ..errors import HwlibError

OPEN = "Still to be answered: put your answer in place of `...`, run that cell, then run this one."


class UnansweredError(HwlibError):
    """A task without an answer: stops a run of all cells, and Jupyter shows its sentence alone, without a traceback."""

    def _render_traceback_(self):
        return [str(self)]


@dataclass(frozen=True, repr=False)
class Verdict:
    """Whether an answer is right, and the sentence that says so or where to look.

    >>> Verdict(False, "a number is asked")
    Not yet: a number is asked
    """

    right: bool
    sentence: str

    def __bool__(self):
        return self.right

    def __repr__(self):
        return f"Right. {self.sentence}" if self.right else f"Not yet: {self.sentence}"

    def _repr_html_(self):
        # The word says it all; mark and colour only repeat it, so a screen reader skips them.
        mark, colour = ("✓", "#1b7f3b") if self.right else ("→", "#b35c00")
        words = escape(str(self)).replace("$", "<span>$</span>")
        style = f"border-left:4px solid {colour};padding:.3em .8em"
        return f'<div role="status" style="{style}"><span aria-hidden="true">{mark} </span>{words}</div>'


def not_yet(sentence):
    """The verdict on a wrong answer."""
    return Verdict(False, sentence)
