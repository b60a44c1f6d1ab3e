"""The learners' copies of the solution notebooks: solutions become three dots, only the worked examples keep their outputs."""

import re
from pathlib import Path

from ..errors import HwlibError
from ..tables import write_text

FOLDER = Path("notebooks/workshop")
REGION = re.compile(r"^# BEGIN SOLUTION\n(.*?)^# END SOLUTION$", re.MULTILINE | re.DOTALL)
ANSWER = re.compile(r"^(answer_\d+) = ", re.MULTILINE)
TO_WRITE = "*Write your own answer here: double-click, write, then Shift+Enter.*"


def write_copies(folder=FOLDER):
    """The paths of the learners' copies, written anew from `folder`/solutions.

    Raises
    ------
    HwlibError
        Where there is no solution notebook, or one cannot be read, or has a region without an end or without an answer.
    """
    sources = sorted((Path(folder) / "solutions").glob("*.ipynb"))
    if not sources:
        raise HwlibError(
            f"folder {str(folder)!r}: it has no solutions/*.ipynb; run this in the project's own folder, or name the workshop's"
        )
    texts = {Path(folder) / source.name: copy_text(source) for source in sources}
    for path, text in texts.items():
        write_text(text, path)
    return list(texts)


def copy_text(source):
    """The text (JSON) of the learner's copy of the notebook at the path `source`.

    A cell tagged `solution`, or the region between `# BEGIN SOLUTION` and `# END SOLUTION`, is replaced by its answers with three
    dots; a cell tagged `teacher` is left out; only a cell tagged `example` keeps its outputs. Ids of cells stay.
    """
    import nbformat

    try:
        notebook = nbformat.read(source, as_version=4)
    except (ValueError, nbformat.ValidationError) as error:
        raise HwlibError(f"{source.name}: this is no notebook; open and save it in JupyterLab ({str(error).splitlines()[0]})") from None
    notebook.cells = [_copied(cell, source.name) for cell in notebook.cells if "teacher" not in _tags(cell)]
    return nbformat.writes(notebook) + "\n"


def _copied(cell, name):
    tags = _tags(cell)
    if cell.cell_type == "code":
        cell.source = open_answers(cell.source, "solution" in tags, f"{name}, cell {cell.id}")
        cell.execution_count = None
        cell.outputs = [_uncounted(output) for output in cell.outputs] if "example" in tags else []
    elif "solution" in tags:
        cell.source = TO_WRITE
    cell.metadata.pop("tags", None)
    return cell


def _uncounted(output):
    if "execution_count" in output:
        output.execution_count = None
    return output


def open_answers(source, whole=False, where="a cell"):
    """The `source` of a code cell with each solution replaced by `answer_… = ...`.

    >>> print(open_answers("# BEGIN SOLUTION\\nx = 1\\nanswer_1 = x + 1\\n# END SOLUTION\\nanswer_1"))
    answer_1 = ...  # your answer
    answer_1
    """
    opened = _dots(source, where) if whole else REGION.sub(lambda found: _dots(found[1], where), source)
    if "SOLUTION" in opened:
        raise HwlibError(f"{where}: a region needs both # BEGIN SOLUTION and # END SOLUTION, each on a line of its own")
    return opened


def _dots(solution, where):
    names = dict.fromkeys(ANSWER.findall(solution))
    if not names:
        raise HwlibError(f"{where}: a solution must set an answer, such as answer_1 = ...")
    return "\n".join(f"{name} = ...  # your answer" for name in names)


def _tags(cell):
    return cell.metadata.get("tags", ())
