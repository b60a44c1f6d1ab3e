"""The explorer: widgets around a decision and its charts, in any cell and as a page without code."""

from ..presets import preset
from . import bundle

__all__ = ["explore"]


def explore(model="resnet50", **answers):
    """An explorer of `model`: questions, the answer in words, charts, tables; each change is answered in place.

    Parameters
    ----------
    model : str
        `model_id`, or a spelling of it that a source uses.
    **answers
        Fields of `Workload` to start from.

    Returns
    -------
    Explorer
        A widget; its `workload` and `decision` are those on the screen.

    Raises
    ------
    HwlibError
        For an unknown model or a faulty answer.

    Examples
    --------
    >>> explorer = explore("resnet50", latency_ms=10)
    >>> explorer.decision.best["latency_ms"] <= 10
    np.True_
    """
    workload = preset(None, model, **answers)
    bundle.start()
    from .explorer import Explorer

    return Explorer(workload)
