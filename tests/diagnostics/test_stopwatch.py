"""CPU time is distinguished from elapsed time."""

import time

import pytest

from edmlive.diagnostics.stopwatch import cpu_seconds, spread


def work(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_sleeping_costs_nothing_and_work_what_it_takes() -> None:
    taken = cpu_seconds({"sleeps": lambda: time.sleep(0.02), "works": lambda: work(0.02)}, rounds=3)
    assert taken["sleeps"] < 0.01
    assert taken["works"] == pytest.approx(0.02, rel=0.5)


def test_contenders_take_turns_after_one_run_each_that_does_not_count() -> None:
    calls: list[str] = []
    cpu_seconds({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=2)
    assert calls == ["a", "b", "a", "b", "a", "b"]


def test_spread_of_many_and_of_one() -> None:
    many = spread([*range(101)])
    assert (many.p50, many.p95, many.p99, many.worst) == (50, 95, 99, 100)
    assert spread([3.0]).p50 == spread([3.0]).worst == 3
