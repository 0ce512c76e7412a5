from gateway.lights.dynamic_waves import STEP_M, Neighbours


def street(count: int, step_m: float = 30.0) -> dict[str, tuple[float, float]]:
    return {f"l{number}": (number * step_m, 0.0) for number in range(count)}


def test_along_a_street_the_next_pole_is_next() -> None:
    assert Neighbours(street(6)).within("l2", 2) == {"l2": 0, "l1": 1, "l3": 1, "l0": 2, "l4": 2}


def test_poles_on_alternate_sides_are_next_across_the_street() -> None:
    places = {f"l{number}": (number * 20.0, 8.0 * (number % 2)) for number in range(5)}
    assert Neighbours(places).within("l2", 1) == {"l2": 0, "l1": 1, "l3": 1}


def test_at_a_crossing_each_way_has_its_first_pole() -> None:
    cross = {
        "middle": (0.0, 0.0),
        **{f"east{n}": (30.0 * n, 0.0) for n in (1, 2)},
        **{f"west{n}": (-30.0 * n, 0.0) for n in (1, 2)},
        **{f"north{n}": (0.0, 30.0 * n) for n in (1, 2)},
    }
    reached = Neighbours(cross).within("middle", 1)
    assert reached == {"middle": 0, "east1": 1, "west1": 1, "north1": 1}


def test_a_wave_does_not_jump_over_a_wide_gap() -> None:
    places = street(2) | {"far": (30.0 + STEP_M + 1, 0.0)}
    assert "far" not in Neighbours(places).within("l0", 9)


def test_without_hops_it_is_only_the_lamp_itself() -> None:
    assert Neighbours(street(3)).within("l1", 0) == {"l1": 0}


def test_hops_are_the_same_in_both_directions() -> None:
    places = {f"l{n}": (17.0 * n % 97, 29.0 * n % 83) for n in range(25)}
    neighbours = Neighbours(places)
    hops = {lamp: neighbours.within(lamp, 3) for lamp in places}
    assert all(hops[other][lamp] == count for lamp in places for other, count in hops[lamp].items())
    assert all(len(reached) > 1 for reached in hops.values())
