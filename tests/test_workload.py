"""The answers to the questions: what is taken, what is refused by name, and the common cases."""

import dataclasses
import inspect
import math

import pytest

import hwlib as hw
from hwlib import HwlibError, cli, presets
from hwlib.ownership import Ownership
from hwlib.workload import COUNTS, NUMBERS, Workload

WRONG_NUMBERS = [-1, 0, math.nan, math.inf, 1e300, "8", True, [1]]
WRONG = [(field, value) for field in NUMBERS for value in WRONG_NUMBERS if (field, value) != ("accuracy_loss", 0)]


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_a_number_that_is_none_is_refused_by_name(field, value):
    with pytest.raises(HwlibError, match=f"^{field} "):
        Workload("resnet50", **{field: value})


def test_no_loss_of_accuracy_at_all_is_an_answer():
    assert Workload("resnet50", accuracy_loss=0).accuracy_loss == 0


@pytest.mark.parametrize("field", [*COUNTS])
@pytest.mark.parametrize("value", [-1, 0, 1.5, math.nan, 1e300, "8", True])
def test_a_count_that_is_none_is_refused_by_name(field, value):
    with pytest.raises(HwlibError, match=f"^{field} "):
        Workload("llama-2-70b", **{field: value})


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"priority": "cots"}, "unknown priority 'cots'; did you mean 'cost'"),
        ({"weights": "cots=1"}, "unknown weights 'cots'; did you mean 'cost'"),
        ({"weights": "cost"}, "weights: cost='': expected a number"),
        ({"weights": {"cost": -1}}, "weights {'cost': -1}: expected numbers over 0"),
        ({"weights": {"cost": math.nan}}, "expected numbers over 0"),
        ({"latency_percentile": 42}, "unknown latency_percentile 42"),
        ({"precisions": "fp16,int9"}, "unknown precisions 'int9'; did you mean 'int8'"),
        ({"pricing": "on_demand,sport"}, "unknown pricing 'sport'; did you mean 'spot'"),
        ({"providers": ["awz"]}, "unknown providers 'awz'; did you mean 'aws'"),
        ({"regions": "us-eest-1"}, "unknown regions 'us-eest-1'; did you mean"),
        ({"segment": "cloud"}, "unknown segment 'cloud'"),
        ({"grid_region": "DEUX"}, "unknown region 'DEUX'; did you mean 'DEU'"),
        ({"ownership": "yaers=3"}, "unknown ownership 'yaers'; did you mean 'years'"),
        ({"ownership": "years=0"}, "years 0"),
        ({"peak_factor": 0.5}, "peak_factor 0.5: expected a factor of at least 1"),
        ({"premium_per_doubling": 0.5}, "premium_per_doubling 0.5: it prices performance"),
        ({"requests_per_s": 5, "utilisation": 0.5}, "utilisation 0.5: with requests_per_s it follows from the rate"),
        ({"ttft_ms": 100}, "ttft_ms: no serving of 'resnet50' was measured"),
    ],
)
def test_a_faulty_answer_is_refused_by_name(answers, words):
    with pytest.raises(HwlibError) as error:
        Workload("resnet50", **answers)
    assert words in str(error.value)


def test_an_answer_that_does_not_exist_is_named():
    with pytest.raises(HwlibError, match="unknown answer 'latency'; did you mean 'latency_ms'"):
        hw.decide("resnet50", latency=20)


def test_several_words_come_as_a_list_or_a_text_with_commas():
    one = Workload("resnet50", providers="aws, gcp", precisions=["fp16"], weights="cost=2,latency=1", ownership={"years": 4})
    assert (one.providers, one.precisions, one.criteria) == (("aws", "gcp"), ("fp16",), {"cost": 2.0, "latency": 1.0})
    assert one.ownership == Ownership(years=4)
    assert one == Workload("resnet50", providers=("aws", "gcp"), precisions="fp16", weights={"cost": 2, "latency": 1}, ownership="years=4")
    assert hash(one) == hash(dataclasses.replace(one))


def test_it_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Workload("resnet50").batch_size = 8


def test_a_premium_for_performance_is_an_exchange_rate():
    """With half as much again for twice the speed, a machine twice as fast at one and a half times the price is as good."""
    assert Workload("resnet50", priority="latency", premium_per_doubling=0.5).criteria == {
        "cost": 1.0,
        "latency": pytest.approx(math.log2(1.5)),
    }


def test_what_was_answered_is_what_would_have_to_be_typed():
    assert Workload("resnet50").changed() == {}
    answers = {"batch_size": 8, "pricing": ("spot",), "latency_ms": 20.0}
    assert Workload("resnet50", **answers).changed() == answers


@pytest.mark.parametrize("name", [*presets.PRESETS])
def test_every_common_case_has_an_answer(name):
    decision = hw.decide(hw.preset(name))
    assert len(decision.table) > 0
    assert decision.explain()


def test_a_common_case_serves_another_model():
    assert hw.preset("web_images", "mobilenet-v2", latency_ms=20).model == "mobilenet-v2"
    with pytest.raises(HwlibError, match="unknown preset 'web_image'; did you mean 'web_images'"):
        hw.preset("web_image")
    with pytest.raises(HwlibError, match="name a model"):
        hw.preset()


def test_the_command_line_the_report_and_the_docstring_have_every_answer(root):
    fields = [field.name for field in dataclasses.fields(Workload)]
    assert [*cli._ANSWERS] == fields[1:]
    assert [*hw.reports.read_parameters(hw.reports.MODEL_REPORT)] == fields
    documented = inspect.getdoc(Workload)
    readme = (root / "README.md").read_text("utf-8")
    assert all(name in documented and (name in readme or name == "model") for name in fields)
