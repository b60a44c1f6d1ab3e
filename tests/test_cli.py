"""The command line as a person uses it: a process of its own, its output and its exit code."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import hwlib as hw

COMMAND = Path(sys.executable).with_name("hwlib")


def run(*words, cwd=None):
    done = subprocess.run([COMMAND, *words], capture_output=True, text=True, check=False, cwd=cwd)
    assert "Traceback" not in done.stdout + done.stderr
    return done


@pytest.mark.parametrize(("command", "first"), [("models", "resnet50"), ("devices", "nvidia-t4"), ("sources", "timm")])
def test_lists_hold_every_row_and_line_up(command, first):
    lines = run(command).stdout.splitlines()
    table = {"models": hw.load_models, "devices": hw.load_devices, "sources": hw.load_sources}[command]()
    assert len(lines) == len(table) + 1
    assert any(line.startswith(first) for line in lines)
    assert len({len(line) for line in lines}) == 1


def test_decide_prints_sentences_and_a_table():
    done = run("decide", "resnet50", "--batch-size", "8")
    assert done.returncode == 0
    assert done.stdout.startswith("ResNet-50 v1.5 at batch size 8, ranked by cost: ")
    assert "usd_per_100k" in done.stdout


def test_decide_as_json_is_one_object_equal_to_the_library():
    done = run("decide", "resnet50", "--batch-size", "8", "--latency-ms", "10", "--json")
    assert json.loads(done.stdout) == hw.decide("resnet50", batch_size=8, latency_ms=10.0).to_dict()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["decide", "resnet5"], "unknown model 'resnet5'; did you mean 'resnet50'"),
        (["decide", "resnet50", "--priority", "cots"], "unknown priority 'cots'; did you mean 'cost'"),
        (["decide", "resnet50", "--batch-size", "many"], "batch_size 'many'"),
        (["decide", "resnet50", "--batch-size", "-1"], "batch_size -1"),
        (["decide", "resnet50", "--latency-ms", "soon"], "'soon' is not a valid float"),
        (["report", "resnet5"], "unknown model 'resnet5'; did you mean 'resnet50'"),
        (["report", "resnet50", "--set", "batch_sise=8"], "'batch_sise'; did you mean 'batch_size'"),
        (["report", "resnet50", "--set", "latency_ms=soon"], "latency_ms"),
        (["report", "resnet50", "--set", "priority"], "expected NAME=VALUE"),
        (["report", "resnet50", "--set", "priority=cots"], "priority"),
        (["report", "../resnet50"], "unknown model '../resnet50'"),
        (["reprot", "resnet50"], "No such command 'reprot'"),
    ],
)
def test_a_mistake_is_one_sentence_exit_code_2_and_no_file(words, sentence, tmp_path):
    done = run(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_data_check_passes_on_the_committed_tables_and_prints_what_they_cover():
    done = run("data", "check")
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith("all checks passed")
    assert "devices by class" in done.stdout
