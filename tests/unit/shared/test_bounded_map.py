import pytest

from shared.bounded_map import BoundedMap


def test_the_oldest_entry_leaves_when_a_new_one_needs_its_place():
    cache: BoundedMap[str, int] = BoundedMap(2)
    cache.put("a", 1)
    cache.put("b", 2)
    cache.put("a", 3)
    cache.put("c", 4)
    assert (cache.get("a"), cache.get("b"), cache.get("c"), len(cache)) == (3, None, 4, 2)


def test_it_never_grows_beyond_its_bound():
    cache: BoundedMap[int, int] = BoundedMap(10)
    for number in range(1_000):
        cache.put(number, number)
        assert len(cache) <= 10


def test_it_holds_at_least_one():
    with pytest.raises(ValueError, match="at least one"):
        BoundedMap(0)
