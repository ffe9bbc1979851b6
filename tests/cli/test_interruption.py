"""Ctrl-C and kills are heard between two pieces of work."""

import signal

import pytest

from nuke_matting.cli import interruption
from nuke_matting.cli.interruption import Interruption


@pytest.fixture
def signals():
    """Signals as a shell leaves them, whatever the suite runs under."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, signal.default_int_handler) for number in numbers}
    yield numbers
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("index", [0, 1])
def test_a_first_one_is_remembered_and_breaks_into_nothing(signals, index):
    with Interruption() as asked:
        assert not asked.heard()
        signal.raise_signal(signals[index])
        assert asked.heard()


def test_a_first_one_is_answered_at_once_and_a_second_at_the_same_time_is_not(signals, capfd):
    with Interruption("stopping soon"):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        assert capfd.readouterr().err == "stopping soon\n"


def test_one_whose_terminal_is_gone_is_remembered_all_the_same(signals, monkeypatch):
    def gone(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(interruption.os, "write", gone)
    with Interruption("stopping soon") as asked:
        signal.raise_signal(signal.SIGTERM)
        assert asked.heard()


def test_two_at_once_are_one(signals):
    with Interruption() as asked:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
    assert asked.heard()


def test_another_one_later_ends_it_at_once(signals, monkeypatch):
    monkeypatch.setattr(interruption, "GRACE", -1.0)
    with Interruption():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_afterwards_signals_are_what_they_were(signals):
    with Interruption():
        pass
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_a_signal_that_is_ignored_stays_so(signals):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Interruption() as asked:
        signal.raise_signal(signal.SIGINT)
        assert not asked.heard()
