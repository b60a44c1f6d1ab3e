import math

import numpy as np
import pandas as pd
import pytest
import simpy
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import optimize, stats

from hwlib import HwlibError, queueing
from hwlib.waiting import fill_quantile, wait_probability

BAD = [0, -1, float("nan"), float("inf"), "3", None, True]


def machine(throughput_per_s=100.0, latency_ms=10.0, batch_size=1, **more):
    return pd.DataFrame({"throughput_per_s": [throughput_per_s], "latency_ms": [latency_ms], "batch_size": [batch_size], **more})


def erlang_b(servers, offered):
    blocked = 1.0
    for count in range(1, servers + 1):
        blocked = offered * blocked / (count + offered * blocked)
    return blocked


def erlang_c(servers, offered):
    blocked, load = erlang_b(servers, offered), offered / servers
    return blocked / (1 - load * (1 - blocked))


def test_erlangs_golden_values():
    # Two of three lines busy on average: 4/9 wait. The second pair stands in every table of Erlang C.
    assert wait_probability(2.0, 3) == pytest.approx(4 / 9, rel=1e-9)
    assert wait_probability(8.0, 10) == pytest.approx(0.409, abs=5e-4)


@pytest.mark.parametrize("servers", [1, 2, 7, 60, 1_000, 20_000])
@pytest.mark.parametrize("load", [0.01, 0.3, 0.8, 0.99])
def test_the_integral_agrees_with_erlangs_recursion(servers, load):
    assert wait_probability(load * servers, servers) == pytest.approx(erlang_c(servers, load * servers), rel=1e-8, abs=1e-290)


@pytest.mark.parametrize("servers", [1, 5, 300, 20_000])
@pytest.mark.parametrize("batch", [2, 16, 1_024])
@pytest.mark.parametrize("load", [0.01, 0.5, 0.99])
def test_more_may_be_offered_than_there_are_servers_where_each_takes_a_batch(servers, batch, load):
    powers = np.arange(1, batch + 1)
    root = optimize.brentq(lambda r: (r**powers).sum() / batch - load, 0, 1, xtol=1e-15)
    expected = 1 / (1 + (1 - root) * (1 / max(erlang_b(servers, servers * batch * load), 1e-300) - 1))
    assert wait_probability(servers * batch * load, servers, batch) == pytest.approx(expected, rel=1e-8, abs=1e-290)


@pytest.mark.parametrize(("servers", "batch", "load"), [(1, 4, 0.3), (2, 3, 0.6), (3, 8, 0.5), (5, 2, 0.9)])
def test_the_share_that_waits_solves_the_balance_equations_of_the_batch_queue(servers, batch, load):
    """States: batches in flight while nobody waits, then the number that waits; rates per batch time."""
    offered, states = load * servers * batch, servers + 1 + 1_500
    rates = np.zeros((states, states))
    for state in range(states - 1):
        rates[state, state + 1] = offered
    for state in range(1, states):
        waiting = state - servers
        rates[state, max(state - batch, servers) if waiting > 0 else state - 1] += min(state, servers)
    rates -= np.diag(rates.sum(axis=1))
    balance = np.vstack([rates.T[:-1], np.ones(states)])
    share = np.linalg.solve(balance, np.eye(states)[-1])
    assert wait_probability(offered, servers, batch) == pytest.approx(share[servers:].sum(), rel=1e-8)


@given(st.integers(1, 40), st.floats(0.02, 0.97), st.floats(50, 99.99))
def test_exponential_batches_of_one_wait_as_in_the_textbook(servers, load, percentile):
    """M/M/c: P(W > t) = C exp(-(1 - load) servers t / service)."""
    each = servers * 100.0
    wait = queueing.response_ms(machine(each, 10.0), load * each, percentile=percentile, variation=1)[0] - 10
    waits = erlang_c(servers, load * servers)
    expected = max(0.0, math.log(waits / (1 - percentile / 100)) / ((1 - load) * servers) * 10)
    assert wait == pytest.approx(expected, rel=1e-6, abs=1e-6)


def mean_wait(load, variation):
    """Mean wait in batch times: the mean over 500 percentiles."""
    percentiles = (np.arange(500) + 0.5) / 5
    waits = [queueing.response_ms(machine(), load * 100, percentile=p, variation=variation)[0] - 10 for p in percentiles]
    return np.mean(waits) / 10


@pytest.mark.parametrize("load", [0.1, 0.3, 0.5, 0.7, 0.8])
def test_the_mean_wait_is_that_of_pollaczek_and_khinchine(load):
    """M/M/1 exactly load/(1 - load); M/D/1 half of it, within 6 % of which the approximation stays."""
    assert mean_wait(load, 1) == pytest.approx(load / (1 - load), rel=0.02)
    assert mean_wait(load, 0) == pytest.approx(load / (1 - load) / 2, rel=0.06)
    assert mean_wait(load, 0.5) == pytest.approx(load / (1 - load) * 0.75, rel=0.05)


@pytest.mark.parametrize("load", [0.1, 0.3, 0.5, 0.7, 0.8])
@pytest.mark.parametrize("percentile", [90, 99, 99.9])
def test_constant_batches_of_one_wait_as_erlang_found_in_1909(load, percentile):
    """M/D/1: P(W <= t) = (1 - load) sum over k <= t of (-load (t - k))^k / k! exp(load (t - k)), t in service times."""
    waited = queueing.response_ms(machine(), load * 100, percentile=percentile)[0] / 10 - 1

    def below(t):
        return (1 - load) * sum((-load * (t - k)) ** k / math.factorial(k) * math.exp(load * (t - k)) for k in range(int(t) + 1))

    times = np.linspace(0, 25, 5_001)
    exact = times[np.searchsorted([below(t) for t in times], percentile / 100)]
    assert 1 + waited == pytest.approx(1 + exact, rel=0.08)


def simulated_ms(throughput_per_s, latency_ms, batch, servers, rate, percentile, requests=40_000, seed=7):
    """The percentile of the response in simpy: servers that take what waits, up to a batch, as soon as they are free."""
    env, random, responses = simpy.Environment(), np.random.default_rng(seed), []
    waiting, idle = [], simpy.Store(env)
    idle.items = list(range(servers))

    def serve(batch_of):
        yield env.timeout(latency_ms)
        responses.extend(env.now - came for came in batch_of)
        if waiting:
            env.process(serve([waiting.pop(0) for _ in range(min(batch, len(waiting)))]))
        else:
            yield idle.put(0)

    def arrive():
        for gap in random.exponential(1_000 / rate, requests):
            yield env.timeout(gap)
            if idle.items:
                yield idle.get()
                env.process(serve([env.now]))
            else:
                waiting.append(env.now)

    env.process(arrive())
    env.run()
    assert throughput_per_s == pytest.approx(servers * batch * 1_000 / latency_ms)
    return np.percentile(responses[requests // 20 :], percentile)


@pytest.mark.parametrize(("batch", "servers"), [(1, 1), (1, 4), (1, 16), (2, 1), (8, 1), (32, 1)])
@pytest.mark.parametrize("load", [0.05, 0.5, 0.8])
def test_a_simulation_answers_as_soon_as_the_model_says(batch, servers, load):
    each = batch * servers * 100.0
    for percentile in (90, 99):
        modelled = queueing.response_ms(machine(each, 10.0, batch), load * each, percentile=percentile)[0]
        simulated = simulated_ms(each, 10.0, batch, servers, load * each, percentile)
        assert modelled == pytest.approx(simulated, rel=0.10), (percentile, modelled, simulated)


@pytest.mark.parametrize(("batch", "servers", "load"), [(4, 2, 0.2), (8, 4, 0.5), (8, 8, 0.8), (32, 4, 0.7)])
def test_batches_in_flight_are_bounded_from_above_by_less_than_a_batch(batch, servers, load):
    each = batch * servers * 100.0
    modelled = queueing.response_ms(machine(each, 10.0, batch), load * each)[0]
    simulated = simulated_ms(each, 10.0, batch, servers, load * each, 99)
    assert simulated * 0.97 <= modelled <= simulated + 10


def test_the_capacity_found_keeps_the_limit_in_a_simulation():
    capacity = queueing.capacity_per_s(machine(800.0, 10.0, 8), latency_ms=22)[0]
    assert simulated_ms(800.0, 10.0, 8, 1, capacity, 99) == pytest.approx(22, rel=0.06)
    assert simulated_ms(800.0, 10.0, 8, 1, min(capacity * 1.15, 790), 99) > 22


rows = st.tuples(st.floats(1, 1e5), st.floats(0.1, 1_000), st.sampled_from([None, 1, 2, 8, 64]))
limits = st.floats(1, 5_000)


def capacity(row, limit, **more):
    return queueing.capacity_per_s(machine(*row), latency_ms=limit, **more)[0]


@given(rows, limits, limits)
def test_a_longer_limit_never_lowers_the_capacity(row, one, other):
    assert capacity(row, min(one, other)) <= capacity(row, max(one, other)) * (1 + 1e-9)


@given(rows, st.floats(1, 20), limits)
def test_a_faster_machine_of_the_same_latency_never_serves_less(row, factor, limit):
    faster = (row[0] * factor, *row[1:])
    assert capacity(row, limit) <= capacity(faster, limit) * (1 + 1e-6)


@given(rows, limits, st.floats(50, 99), st.floats(0.5, 0.99))
def test_a_sterner_percentile_or_less_load_never_serves_more(row, limit, percentile, share):
    base = capacity(row, limit)
    assert capacity(row, limit, percentile=percentile) >= base * (1 - 1e-9)
    assert capacity(row, limit, max_load=0.8 * share) <= base * (1 + 1e-9)


@given(rows, limits, st.integers(1, 500))
def test_the_capacity_is_the_rate_at_which_the_response_meets_the_limit(row, limit, machines):
    served = capacity(row, limit, machines=machines, max_load=0.99)
    assert served == pytest.approx(machines * capacity(row, limit, max_load=0.99))
    assume(served > 0)
    frame = machine(*row)
    assert queueing.response_ms(frame, served, machines)[0] <= limit * (1 + 1e-6)
    if served < 0.989 * machines * row[0]:
        assert queueing.response_ms(frame, served * (1 + 1e-6), machines)[0] >= limit * (1 - 1e-6)


@given(rows, limits, st.floats(0.1, 1e6))
def test_the_machines_needed_are_the_fewest_that_suffice(row, limit, rate):
    needed = queueing.machines_needed(machine(*row), rate, latency_ms=limit)[0]
    each = capacity(row, limit)
    if np.isnan(needed):
        assert each == 0
    else:
        assert needed == int(needed) >= 1
        assert needed * each >= rate * (1 - 1e-9)
        assert (needed - 1) * each < rate


@given(st.lists(rows, min_size=1, max_size=12), limits, st.randoms())
def test_rows_are_answered_each_for_itself_in_any_order(listed, limit, random):
    frame = pd.DataFrame(listed, columns=["throughput_per_s", "latency_ms", "batch_size"])
    order = random.sample(range(len(frame)), len(frame))
    whole = queueing.capacity_per_s(frame, latency_ms=limit)
    assert queueing.capacity_per_s(frame.iloc[order], latency_ms=limit) == pytest.approx(whole[order], rel=1e-9)
    assert [capacity(row, limit) for row in listed] == pytest.approx(list(whole), rel=1e-9)


def test_an_unknown_latency_is_sized_by_throughput_alone_and_never_held_against_a_limit():
    offline = pd.DataFrame({"throughput_per_s": [1_000.0, None], "batch_size": pd.array([None, 8], dtype="Int64"), "usd_per_hour": 1.0})
    assert queueing.machines_needed(offline, 1_700).tolist()[0] == 3
    assert queueing.machines_needed(offline, 1_700, max_load=1).tolist()[0] == 2
    assert np.isnan(queueing.machines_needed(offline, 1_700, latency_ms=50)).all()
    sized = queueing.fleet(offline, 1_700)
    assert sized["response_ms"].isna().all()
    assert sized["usd_per_100k"].isna().tolist() == [False, True]


def test_three_requests_a_second_pay_for_the_whole_machine():
    """A GPU that costs $6.88 an hour and finishes 90 000 images a second: a third of a cent per 100 000, if only there were so many."""
    sized = queueing.fleet(machine(90_000.0, 4.0, 256, usd_per_hour=6.88), 3, latency_ms=20).iloc[0]
    assert sized["machines"] == 1
    assert sized["load"] == pytest.approx(3 / 90_000)
    assert sized["usd_per_100k"] == pytest.approx(6.88 / 3_600 / 3 * 100_000)
    # Nine requests in a thousand find it busy, so that the 99th percentile waits for nobody, but that at 99.9 does.
    assert sized["response_ms"] == 4
    assert 6 < queueing.response_ms(machine(90_000.0, 4.0, 256), 3, percentile=99.9)[0] < 8


def test_bursts_add_machines_and_the_mean_rate_pays_for_them():
    card = machine(100.0, 10.0, 1, usd_per_hour=1.0)
    steady, bursty = (queueing.fleet(card, 200, factor).iloc[0] for factor in (1, 4))
    assert (steady["machines"], bursty["machines"]) == (3, 10)
    assert bursty["usd_per_100k"] / steady["usd_per_100k"] == pytest.approx(10 / 3)
    assert bursty["load"] == pytest.approx(0.2)


def test_littles_law_counts_the_batches_in_flight():
    """Four batches of 8 in flight, 10 ms each, answer sooner under load than one machine with one batch four times as fast."""
    assert queueing._queues(machine(3_200.0, 10.0, 8)).servers.item() == 4
    assert queueing._queues(machine(3_100.0, 10.0, 8)).servers.item() == 3
    assert queueing._queues(machine(100.0, 14.0, 1)).servers.item() == 1
    busy = queueing.response_ms(machine(400.0, 10.0, 1), 320)[0], queueing.response_ms(machine(100.0, 10.0, 1), 80)[0]
    assert busy[0] < busy[1]


def test_more_than_is_ever_finished_waits_for_ever():
    assert queueing.response_ms(machine(), [99.0]).item() < math.inf == queueing.response_ms(machine(), 100.0).item()


@pytest.mark.parametrize("stages", [1, 2, 7, 127, 5_000])
@pytest.mark.parametrize("share", [0.01, 0.5, 0.9, 0.999])
def test_the_time_to_fill_a_batch_is_gamma_distributed(stages, share):
    assert fill_quantile(stages, share) == pytest.approx(stats.gamma.ppf(share, stages), rel=1e-7)


def test_waiting_to_fill_a_batch_at_low_load_is_all_of_the_response():
    card = machine(1_000.0, 8.0, 8)
    assert queueing.fill_ms(3, 8) == pytest.approx(7_000 / 3)
    prompt, patient, endless = (queueing.response_ms(card, 3, window_ms=window)[0] for window in (0, 50, 1e9))
    assert patient == pytest.approx(prompt + 50)
    assert endless == pytest.approx(prompt + queueing.fill_ms(3, 8, percentile=99))
    assert queueing.response_ms(machine(), 3, window_ms=50)[0] == queueing.response_ms(machine(), 3)[0]


@pytest.mark.parametrize("rate", [*BAD, 1e11])
def test_a_faulty_rate_is_refused_by_name(rate):
    for call in (queueing.machines_needed, queueing.fleet, queueing.response_ms):
        with pytest.raises(HwlibError, match=r"^requests_per_s .*expected"):
            call(machine(), rate)
    with pytest.raises(HwlibError, match=r"^requests_per_s .*expected"):
        queueing.fill_ms(rate, 8)


FAULTY = [("percentile", v) for v in [0, 100, -1, float("nan"), "p99"]] + [("max_load", v) for v in [0, 1.01, float("nan"), True]]
FAULTY += [("variation", v) for v in [-0.1, 1.1, float("nan")]] + [("latency_ms", v) for v in [0, -5, float("nan"), 1e9, "20 ms"]]
FAULTY += [("peak_factor", v) for v in [0, 0.5, float("nan"), float("inf"), None]]


@pytest.mark.parametrize(("name", "value"), FAULTY)
def test_a_faulty_answer_is_refused_by_name(name, value):
    with pytest.raises(HwlibError, match=f"^{name} .*expected"):
        queueing.fleet(machine(), 10, **{name: value})


@pytest.mark.parametrize("count", [0, -1, 1.5, float("nan"), float("inf"), None, "two", True])
def test_a_faulty_count_is_refused_by_name(count):
    with pytest.raises(HwlibError, match=r"^machines .*expected"):
        queueing.capacity_per_s(machine(), count)
    with pytest.raises(HwlibError, match=r"^batch_size .*expected"):
        queueing.fill_ms(10, count)


@pytest.mark.parametrize("window", [-1, float("nan"), float("inf"), "1 s"])
def test_a_faulty_window_is_refused_by_name(window):
    with pytest.raises(HwlibError, match=r"^window_ms .*expected"):
        queueing.response_ms(machine(), 10, window_ms=window)


@pytest.mark.parametrize(
    ("column", "value"), [("throughput_per_s", -1.0), ("throughput_per_s", 0.0), ("latency_ms", 0.0), ("batch_size", -8)]
)
def test_a_faulty_cell_is_refused_with_its_row(column, value):
    with pytest.raises(HwlibError, match=f"^{column} .*row 0.*expected"):
        queueing.fleet(machine(**{column: value}), 10)


def test_a_missing_column_is_named():
    with pytest.raises(HwlibError, match="unknown column 'throughput_per_s'; did you mean 'throughput'"):
        queueing.fleet(pd.DataFrame({"throughput": [1.0]}), 10)


def test_an_empty_table_stays_empty():
    empty = machine().iloc[:0]
    assert queueing.fleet(empty, 10, latency_ms=20).empty
    assert len(queueing.capacity_per_s(empty, latency_ms=20)) == 0
