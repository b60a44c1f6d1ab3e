"""The explorer: questions on one side, the answer and its charts on the other, tables beneath; an answer changes all in place."""

import asyncio
import functools

import ipywidgets

from .. import panels
from ..decision import decide
from ..errors import HwlibError
from ..presets import preset
from ..rows import relatives, usable
from ..serving import served_models
from ..workload import asked
from . import controls, panes, words
from .board import Board, Copyable

# Rapid changes are answered at once by the charts; what takes longer waits until the reader pauses.
PAUSE_S = 0.15
LITTLE = 3  # devices


def told(method):
    """Decorator: whatever goes wrong is a sentence in the panel, for exceptions of callbacks are seen by nobody."""

    @functools.wraps(method)
    def call(self, *args):
        try:
            return method(self, *args)
        except HwlibError as error:
            self.board.answer = words.paragraphs([str(error)])
        except Exception as error:
            fault = f"This could not be worked out ({type(error).__name__}: {error}). Change an answer, or run the cell again."
            self.board.answer = words.paragraphs([fault])

    return call


class Explorer(ipywidgets.Box):
    """Controls, answer, charts and tables around one `Workload`; `workload`, `decision` and `controls` (by field) are there for cells."""

    def __init__(self, workload):
        self.workload, self.decision, self._writing, self._later = workload, None, False, None
        self.board = Board(panes.NAMES)
        groups = {"": controls.FIVE, **controls.MORE}
        self.controls = {
            field: controls.control(field, label, workload.model) for fields in groups.values() for field, label in fields.items()
        }
        self.presets = controls.presets()
        self.stack = ipywidgets.Dropdown(description="Batch curves measured with", style={"description_width": "initial"})
        self.relatives = ipywidgets.VBox()
        self._tables()
        super().__init__([self._questions(), self.board, self.tables])
        self.add_class("hw-explorer")
        self._write()
        self._show()
        self._complete()
        self._listen()

    def _questions(self):
        five = [self.controls[field].box for field in controls.FIVE]
        self.more = {title: controls.fold(title, [self.controls[field].box for field in fields]) for title, fields in controls.MORE.items()}
        box = ipywidgets.VBox([self.presets, *five, self.relatives, self.stack, *self.more.values()])
        box.add_class("hw-questions")
        return box

    def _tables(self):
        self.ranked, self.left_out, self.sources, self.origin = (ipywidgets.HTML() for _ in range(4))
        self.key = ipywidgets.Dropdown(description="Where does this option's figure come from?", style={"description_width": "initial"})
        self.python, self.command = Copyable(label="Copy as Python"), Copyable(label="Make this report: copy the command")
        traced = ipywidgets.VBox([self.key, self.origin])
        pages = [self.ranked, traced, self.left_out, self.sources, ipywidgets.VBox([self.python, self.command])]
        titles = ["Ranked options", "Where a number comes from", "Left out, and why", "Sources", "Take it along"]
        self.tables = ipywidgets.Tab(pages, titles=titles)
        self.tables.add_class("hw-tables")

    def _listen(self):
        for control in self.controls.values():
            control.input.observe(functools.partial(self._answered, control), "value")
        self.presets.observe(self._preset, "value")
        self.stack.observe(self._stacked, "value")
        self.key.observe(self._chosen, "value")
        self.board.observe(self._picked, "picked")

    @told
    def _answered(self, control, change):
        if self._writing:
            return
        try:
            self.workload = self._with(control)
        except HwlibError as error:
            return controls.refuse(control, str(error))
        controls.refuse(control, "")
        self._retry(control)
        self._write()
        self._show()
        self._pause()

    def _with(self, control):
        """The workload with what `control` says; raises where that does not fit."""
        answers = {"model": self.workload.model} | self.workload.changed() | {control.field: controls.answer(control)}
        return asked(answers.pop("model"), {name: value for name, value in answers.items() if value is not None})

    def _retry(self, changed):
        """What was refused beside other answers may fit now."""
        for control in self.controls.values():
            if control.refusal.value and control is not changed:
                try:
                    self.workload = self._with(control)
                except HwlibError:
                    continue
                controls.refuse(control, "")

    def _write(self, chosen=""):
        """Show the answers in the controls, but for those whose text was refused: they keep it, with the reason."""
        self._writing = True
        self.presets.value = chosen
        for control in self.controls.values():
            if not control.refusal.value:
                controls.show(control, self.workload)
        stacks = panes.stacks(self.workload.model)
        controls.offer(self.stack, stacks)
        self.stack.value = self.stack.value or next(iter(stacks), None)
        self.stack.layout.display = None if stacks else "none"
        self.more[controls.SERVING].layout.display = None if self.workload.model in served_models() else "none"
        self._writing = False

    @told
    def _preset(self, change):
        if self._writing or not change["new"]:
            return
        self.workload = preset(change["new"])
        for control in self.controls.values():
            controls.refuse(control, "")
        self._write(change["new"])
        self._show()
        self._pause()

    @told
    def _stacked(self, change):
        if not self._writing:
            self.board.feed(**panes.first(self.decision, self.stack.value))

    def _show(self):
        """What an answer changes at once: the sentences that need no search, and the charts."""
        self.decision = decide(self.workload)
        self.board.feed(words.soon(self.decision), **panes.first(self.decision, self.stack.value))
        self.python.text, self.command.text = words.python(self.workload), words.command(self.workload)

    def _pause(self):
        """Work out the rest once the reader pauses; at once where no loop runs, as in a script."""
        if self._later:
            self._later.cancel()
        try:
            self._later = asyncio.get_running_loop().call_later(PAUSE_S, self._complete)
        except RuntimeError:
            self._complete()

    @told
    def _complete(self):
        """How sure, what would change it, and the tables."""
        decision = self.decision
        self.board.feed(words.paragraphs(decision.explain()), **panes.second(decision))
        self.ranked.value = words.scrolling(panels.options_table(decision))
        self.left_out.value = words.scrolling(panels.eliminated_table(decision))
        self.sources.value = words.scrolling(panels.sources_table(decision))
        best = decision.table.head(panes.ROWS)
        ranked = zip(panels.counted(best) + panels.placed_at(best), best["measurement_id"], strict=True)
        options = [(f"{rank}. {name}", key) for rank, (name, key) in enumerate(ranked, 1)]
        controls.offer(self.key, [("choose one, or a point in a chart", ""), *options])
        self.key.value = self.key.value or ""
        self._little()

    def _little(self):
        """Where few devices were measured, say so and offer the networks most like this one."""
        count = usable(self.workload.model)["device_id"].nunique()
        others = relatives(self.workload.model) if count < LITTLE else []
        for old in self.relatives.children:
            old.close()
        self.relatives.children = [*self._words(count), *map(self._offer, others)] if others else []

    def _words(self, count):
        devices = f"Only {count} device{'s have' if count > 1 else ' has'}" if count else "No device has"
        return [ipywidgets.HTML(words.paragraphs([f"{devices} a usable figure for this model. Networks most like it that were measured:"]))]

    def _offer(self, model):
        button = ipywidgets.Button(description=model, layout={"width": "auto"})
        button.on_click(lambda _: setattr(self.controls["model"].input, "value", model))
        return button

    @told
    def _chosen(self, change):
        if change["new"]:
            self.origin.value = words.origin(change["new"])

    @told
    def _picked(self, change):
        """A point that was selected shows its origin, and its device stands out in every chart."""
        self.board.pick()
        if key := self.board.picked.get("measurement_id"):
            self.origin.value = words.origin(key)
            self.tables.selected_index = 1

    def _repr_mimebundle_(self, **kwargs):
        """The widget where there is a kernel; elsewhere, as on a code host, the answer as a picture and in words."""
        return super()._repr_mimebundle_(**kwargs) | panes.still(self.decision)
