"""The outer loop, with a training that only counts."""

import json
import math
import os
import signal

import jax.numpy as jnp
import pytest

from l2c_jax.training.checkpoints import Checkpoints
from l2c_jax.training.loop import (
    DivergedError,
    LoopConfig,
    RunExistsError,
    RunOptions,
    run,
)

CONFIG = LoopConfig(iterations=10, log_every=2, checkpoint_every=4, points_per_iteration=100)
RUN_CONFIG = {"seed": 1, "sizes": (2, 3)}


class CrashError(Exception):
    """Stands for a crash."""


def advance(state, length):
    state = {"count": state["count"] + length}
    return state, {"loss": 1 / float(state["count"]), "error_by_pass": [0.5, 0.25]}


def stopping(at: int, how):
    """As ``advance``, but something happens once ``at`` iterations are done."""

    def advance_and_stop(state, length):
        state, info = advance(state, length)
        return state, (how(info) or info) if int(state["count"]) == at else info

    return advance_and_stop


def die(info):
    raise CrashError


def start():
    return {"count": jnp.int32(0)}


def go(advance=advance, folder=None, config=CONFIG, **options):
    return run(lambda: advance, start(), config, RunOptions(folder, progress=False, **options))


def logged(folder) -> list[int]:
    lines = (folder / "log.jsonl").read_text().splitlines()
    return [json.loads(line)["iteration"] for line in lines]


def saved(folder) -> set[str]:
    return {path.name for path in (folder / "checkpoints").iterdir() if path.is_dir()}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "runs" / "one"


def test_run_goes_to_the_end():
    state, done, seconds = go()
    assert int(state["count"]) == done == 10
    assert seconds > 0


def test_last_call_is_shortened_to_the_length_asked_for():
    lengths = []

    def recording(state, length):
        lengths.append(length)
        return advance(state, length)

    go(recording, config=LoopConfig(7, 3, 100, 1))
    assert lengths == [3, 3, 1]


def test_nothing_is_written_without_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    go()
    assert not list(tmp_path.iterdir())


def test_records_are_logged_line_by_line(folder):
    records = []
    go(folder=folder, run_config=RUN_CONFIG, on_log=records.append)
    lines = (folder / "log.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == records
    assert [record["iteration"] for record in records] == [2, 4, 6, 8, 10]
    assert records[0]["loss"] == 0.5
    assert records[0]["error_by_pass"] == [0.5, 0.25]
    assert records[0].keys() >= {"seconds", "points_per_second"}


def test_the_configuration_and_the_latest_checkpoints_are_kept(folder):
    go(folder=folder, run_config=RUN_CONFIG)
    assert json.loads((folder / "run.json").read_text()) == {"seed": 1, "sizes": [2, 3]}
    assert saved(folder) == {"8", "10"}


def test_crashed_run_resumes_from_its_checkpoint_and_trims_the_log(folder):
    with pytest.raises(CrashError):
        go(stopping(8, die), folder, run_config=RUN_CONFIG)
    assert saved(folder) == {"4"}
    assert logged(folder) == [2, 4, 6]
    state, done, _ = go(folder=folder, run_config=RUN_CONFIG, resume=True)
    assert int(state["count"]) == done == 10
    assert logged(folder) == [2, 4, 6, 8, 10]


def test_half_written_line_is_dropped(folder):
    with pytest.raises(CrashError):
        go(stopping(8, die), folder, run_config=RUN_CONFIG)
    with (folder / "log.jsonl").open("a") as log:
        log.write('{"iteration": 8, "lo')
    go(folder=folder, run_config=RUN_CONFIG, resume=True)
    assert logged(folder) == [2, 4, 6, 8, 10]


def test_seconds_are_summed_over_the_sessions(folder):
    with pytest.raises(CrashError):
        go(stopping(8, die), folder, run_config=RUN_CONFIG)
    _, _, seconds = go(folder=folder, run_config=RUN_CONFIG, resume=True)
    lines = (folder / "log.jsonl").read_text().splitlines()
    assert seconds == pytest.approx(sum(json.loads(line)["seconds"] for line in lines), abs=1e-3)


def test_run_that_died_before_its_first_checkpoint_starts_again(folder):
    with pytest.raises(CrashError):
        go(stopping(2, die), folder, run_config=RUN_CONFIG)
    assert go(folder=folder, run_config=RUN_CONFIG, resume=True)[1] == 10
    assert logged(folder) == [2, 4, 6, 8, 10]


def test_finished_run_resumes_to_where_it_is(folder):
    go(folder=folder, run_config=RUN_CONFIG)
    state, done, _ = go(stopping(10, die), folder, run_config=RUN_CONFIG, resume=True)
    assert int(state["count"]) == done == 10
    assert logged(folder) == [2, 4, 6, 8, 10]


def test_resuming_nothing_starts(folder):
    assert go(folder=folder, run_config=RUN_CONFIG, resume=True)[1] == 10


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_diverged_run_keeps_its_last_good_checkpoint(folder, loss):
    with pytest.raises(DivergedError, match=r"within iterations 7 to 8.* that of iteration 4"):
        go(stopping(8, lambda info: {**info, "loss": loss}), folder, run_config=RUN_CONFIG)
    assert saved(folder) == {"4"}
    assert logged(folder) == [2, 4, 6]
    checkpoints = Checkpoints(folder / "checkpoints")
    assert int(checkpoints.restore(4, start())["count"]) == 4
    checkpoints.close()


def test_existing_run_is_not_overwritten(folder):
    go(folder=folder, run_config=RUN_CONFIG)
    before = (folder / "log.jsonl").read_bytes()
    with pytest.raises(RunExistsError, match="holds a run already"):
        go(folder=folder, run_config=RUN_CONFIG)
    assert (folder / "log.jsonl").read_bytes() == before


def test_a_run_of_another_configuration_is_not_resumed(folder):
    go(folder=folder, run_config=RUN_CONFIG)
    with pytest.raises(RunExistsError, match="another configuration"):
        go(folder=folder, run_config={**RUN_CONFIG, "seed": 2}, resume=True)


@pytest.mark.parametrize("content", [None, "half a fi"])
def test_a_run_whose_configuration_is_lost_is_not_resumed(folder, content):
    go(folder=folder, run_config=RUN_CONFIG)
    (folder / "run.json").unlink()
    if content is not None:
        (folder / "run.json").write_text(content)
    with pytest.raises(RunExistsError, match=r"run\.json cannot be read"):
        go(folder=folder, run_config=RUN_CONFIG, resume=True)


def test_parameters_that_are_not_finite_are_not_saved(folder):
    def spoiling(state, length):
        state, info = advance(state, length)
        return {**state, "weight": jnp.where(state["count"] >= 8, jnp.nan, 1.0)}, info

    with pytest.raises(DivergedError, match="parameters are not finite; the last good"):
        go(spoiling, folder, run_config=RUN_CONFIG)
    assert saved(folder) == {"4"}


def test_divergence_without_a_folder_names_no_checkpoint():
    with pytest.raises(DivergedError, match="there is no checkpoint"):
        go(stopping(8, lambda info: {**info, "loss": math.nan}))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_saves_and_stops(folder, number):
    before = signal.getsignal(number)
    state, done, _ = go(
        stopping(6, lambda info: os.kill(os.getpid(), number)), folder, run_config=RUN_CONFIG
    )
    assert int(state["count"]) == done == 6
    assert saved(folder) == {"4", "6"}
    assert logged(folder) == [2, 4, 6]
    assert signal.getsignal(number) is before
    assert go(folder=folder, run_config=RUN_CONFIG, resume=True)[1] == 10
    assert logged(folder) == [2, 4, 6, 8, 10]


def test_the_second_interrupt_has_the_effect_that_it_had_before(folder):
    def twice(info):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        go(stopping(8, twice), folder)
    assert saved(folder) == {"4"}
    assert signal.getsignal(signal.SIGINT) is before


def test_a_damaged_newest_checkpoint_costs_its_iterations_only(folder, capsys):
    go(folder=folder, config=CONFIG)
    step = folder / "checkpoints" / "10"
    name = max(
        (path for path in step.rglob("*") if path.is_file()), key=lambda p: p.stat().st_size
    )
    content = bytearray(name.read_bytes())
    content[len(content) // 2] ^= 4
    name.write_bytes(content)
    state, done, _ = go(folder=folder, resume=True)
    assert int(state["count"]) == done == 10
    assert "checkpoint 10 cannot be read" in capsys.readouterr().err
    assert logged(folder) == [2, 4, 6, 8, 10]
    assert saved(folder) >= {"8", "10", "10.damaged"}
