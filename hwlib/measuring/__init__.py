"""Measure your own network on the machine at hand, as rows of `measurements`.

MLCommons LoadGen sends the queries and computes the figures; ONNX Runtime and OpenVINO do the work. A network is data:
it is read and looked through first (`network`), and nothing in it runs but the operators that a runtime has built in.
"""

import warnings

from . import session, subject

__all__ = ["count_operations", "measure"]


def measure(model, **settings):
    """Measured throughput (1/s), latency (ms) and, where a counter can be read, power (W) of an ONNX file here, as rows of `measurements`.

    The rows also go into your data folder, so that `hw.decide`, `hwlib report` and `hw.load_measurements` know the network from then on.
    What a reader must know of the run, such as a busy machine, is given as warnings.

    Parameters
    ----------
    model : path
        An ONNX file.
    batch_sizes : iterable of int
        Samples per call; 1 if not given.
    precisions : iterable of str, optional
        Words of `measurements.precision`; the file's own if not given. int8 of a file in fp32 is made by static quantisation.
    runtimes : iterable of str, optional
        By the names of `hwlib.measuring.runtimes.RUNTIMES`; all that are installed if not given.
    threads : int, optional
        Processor threads that one call may use; the runtime's own choice if not given.
    scenarios : iterable of str
        single_stream (one call after another), offline (all samples at once), server (Poisson arrivals within a latency limit); the first
        two if not given.
    seconds : float
        Measured time of each figure, s, shared out to five runs; 10 if not given.
    shapes : dict, optional
        Input -> shape, for what the file leaves free; the usual sizes are assumed, and said to be, if not given.
    latency_ms : float, optional
        Limit for 99 of 100 answers of a server, ms; ten undisturbed calls if not given.
    calibration, labelled : path, optional
        .npz file with an array of samples for each input: what sets the ranges of int8, and what accuracy is measured on (with an
        array `labels`).
    name : str, optional
        What the network is called in the tables; the file's name if not given.
    out : path, optional
        A CSV file for the rows, in place of the user's data folder.
    progress : callable, optional
        Is told how many of how many figures are done, and the next one in words.

    Returns
    -------
    DataFrame
        With the columns of `measurements`; on Ctrl-C those rows that were done.

    Raises
    ------
    HwlibError
        For a file that is no whole ONNX network, free axes for which no size runs, a runtime that is not installed (saying what to
        install), too little memory, or a setting out of its range. Nothing is written then.

    Examples
    --------
    >>> import hwlib as hw
    >>> try:
    ...     measure("no-such-file.onnx")
    ... except hw.HwlibError as error:
    ...     print(error)
    no-such-file.onnx: no such file
    """
    done = session.run(model, **settings)
    for note in done.notes:
        warnings.warn(note, stacklevel=2)
    return done.rows


def count_operations(model, shapes=None):
    """Multiply-accumulates (GMAC), operators and tensor elements (million) of one sample by kind, and parameters (million), as one row.

    Parameters
    ----------
    model : path
        An ONNX file; it runs once.
    shapes : dict, optional
        Input -> shape, for what the file leaves free.

    Returns
    -------
    DataFrame
        Columns `hwlib.measuring.counts.COLUMNS`.

    Raises
    ------
    HwlibError
        As `measure` for the file and its shapes.

    Examples
    --------
    >>> import hwlib as hw
    >>> try:
    ...     count_operations("no-such-file.onnx")
    ... except hw.HwlibError as error:
    ...     print(error)
    no-such-file.onnx: no such file
    """
    return subject.look_at(model, shapes or {}, (), None)[0].operators
