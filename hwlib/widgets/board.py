"""The explorer's own two widgets: a board of charts that are embedded once and then fed, and a text with a button that copies it."""

import anywidget
import traitlets

from .. import charts
from .bundle import HERE, script

CLOSE = "</svg>"
# The shapes of `charts.EVIDENCE_SHAPES` in a square of 12.
PATHS = {
    "circle": "M6 1a5 5 0 1 0 .01 0z",
    "square": "M1 1h10v10h-10z",
    "diamond": "M6 0l6 6l-6 6l-6 -6z",
    "triangle-up": "M6 1l5.5 10h-11z",
    "cross": "M4 1h4v3h3v4h-3v3h-4v-3h-3v-4h3z",
}


class Board(anywidget.AnyWidget):
    """The answer in words above charts; each chart is a trait of its own that holds title, note, caption, data and params."""

    _css = (HERE / "board.css").read_text(encoding="utf-8")
    names = traitlets.List().tag(sync=True)
    specs = traitlets.Dict().tag(sync=True)
    key = traitlets.Unicode().tag(sync=True)
    answer = traitlets.Unicode().tag(sync=True)
    picked = traitlets.Dict().tag(sync=True)

    def __init__(self, names):
        self.add_traits(_esm=traitlets.Unicode(script()).tag(sync=True), **{name: traitlets.Dict().tag(sync=True) for name in names})
        super().__init__(names=list(names), key=key())

    def feed(self, answer=None, **panes):
        """Send what changed, of the answer and of each pane, in one message."""
        with self.hold_sync():
            self.specs = self.specs | {name: pane["spec"] for name, pane in panes.items() if "spec" in pane}
            for name, pane in panes.items():
                shown = {key: value for key, value in pane.items() if key != "spec"}
                self.set_trait(name, shown | {"params": shown.get("params", {}) | self._pick(name, shown)})
            self.answer = self.answer if answer is None else answer

    def pick(self):
        """Let the device that was picked stand out in every chart that draws it."""
        self.feed(**{name: getattr(self, name) for name in self.names})

    def _pick(self, name, pane):
        """The parameter that dims all other devices, for a chart that has it; none is dimmed where the picked one is not drawn."""
        if not any(param["name"] == "picked" for param in self.specs.get(name, {}).get("params", ())):
            return {}
        device = self.picked.get("device", "")
        drawn = any(row["device"] == device for row in pane.get("data", {}).get("rows", ()))
        return {"picked": device if drawn else ""}


class Copyable(anywidget.AnyWidget):
    """A text to be copied, and the button that does it."""

    _esm = (HERE / "copy.js").read_text(encoding="utf-8")
    label = traitlets.Unicode().tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)


def key():
    """What the colours and shapes of all charts mean, as HTML; each stands beside its word."""
    colours = [f'<circle cx="6" cy="6" r="5" fill="{colour}"/>{CLOSE}{name.upper()}' for name, colour in charts.CLASS_COLOURS.items()]
    shapes = [f'<path d="{PATHS[shape]}" fill="#333"/>{CLOSE}{word}' for word, shape in charts.EVIDENCE_SHAPES.items()]
    return "".join(f'<span><svg width="12" height="12" aria-hidden="true">{part}</span>' for part in (*colours, *shapes))
