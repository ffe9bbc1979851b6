"""The bounded store of features."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuke_matting.engine.store import Store


def test_a_value_is_computed_once():
    store, calls = Store(2), []
    for _ in range(3):
        assert store.get_or_compute(1001, lambda: calls.append(1) or "features") == "features"
    assert calls == [1]


def test_the_least_recently_used_goes_first():
    store = Store(2)
    for frame in (1, 2, 1, 3):
        store.get_or_compute(frame, lambda: None)
    assert 1 in store and 3 in store and 2 not in store and len(store) == 2


@given(st.integers(1, 5), st.lists(st.integers(0, 8)))
def test_it_never_holds_more_than_its_capacity_and_always_the_latest(capacity, keys):
    store = Store(capacity)
    for index, key in enumerate(keys):
        assert store.get_or_compute(key, lambda key=key: key * 2) == key * 2
        latest = list(dict.fromkeys(reversed(keys[: index + 1])))[:capacity]
        assert len(store) == len(latest) and all(each in store for each in latest)


def test_a_failure_is_not_kept():
    store = Store(2)
    with pytest.raises(ZeroDivisionError):
        store.get_or_compute(1, lambda: 1 // 0)
    assert 1 not in store
    assert store.get_or_compute(1, lambda: 5) == 5


def test_threads_that_want_the_same_value_wait_for_the_first():
    store, calls, go = Store(4), [], threading.Event()
    found = []

    def compute():
        calls.append(1)
        go.wait(10)
        return "features"

    threads = [threading.Thread(target=lambda: found.append(store.get_or_compute(1, compute))) for _ in range(6)]
    for each in threads:
        each.start()
    go.set()
    for each in threads:
        each.join(10)
    assert found == ["features"] * 6 and calls == [1]


def test_a_waiting_thread_computes_itself_when_the_first_fails():
    store, started, go = Store(4), threading.Event(), threading.Event()
    failures, found = [], []

    def fails():
        started.set()
        go.wait(10)
        raise OSError("broken frame")

    def first():
        try:
            store.get_or_compute(1, fails)
        except OSError as error:
            failures.append(error)

    one = threading.Thread(target=first)
    one.start()
    started.wait(10)
    two = threading.Thread(target=lambda: found.append(store.get_or_compute(1, lambda: 7)))
    two.start()
    go.set()
    one.join(10)
    two.join(10)
    assert len(failures) == 1 and found == [7]


def test_different_values_are_computed_side_by_side():
    store, both = Store(4), threading.Barrier(2, timeout=10)
    threads = [threading.Thread(target=store.get_or_compute, args=(frame, both.wait)) for frame in (1, 2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(10)
    assert not both.broken and len(store) == 2


def test_computing_one_value_may_ask_for_another():
    store = Store(4)
    assert store.get_or_compute(2, lambda: store.get_or_compute(1, lambda: 10) + 1) == 11


@pytest.mark.parametrize("capacity", [0, -1])
def test_a_store_without_room_is_refused(capacity):
    with pytest.raises(ValueError):
        Store(capacity)
