from scenarios.world.carrier.rates import rates


def test_the_first_kilogram_has_a_base_price_and_each_further_one_a_step():
    standard = [rates("DE", weight_g)[0].amount_minor for weight_g in (1, 1_000, 1_001, 3_000)]
    assert standard == [490, 490, 550, 610]


def test_express_costs_more_and_is_faster():
    standard, express = rates("de", 500)
    assert express.amount_minor > standard.amount_minor
    assert express.days < standard.days


def test_an_unknown_country_has_a_price_too():
    assert rates("XX", 500)[0].amount_minor == 2_490
