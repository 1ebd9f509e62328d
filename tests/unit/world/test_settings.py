import pytest

from scenarios.world.settings import InvalidWorldSettingsError, read


def test_ports_follow_the_base_and_each_may_be_named():
    settings = read(
        {
            "SHOPSTREAM_WORLD_DIR": "/w",
            "SHOPSTREAM_PORT_BASE": "9000",
            "SHOPSTREAM_CATCHER_PORT": "1234",
            "SHOPSTREAM_WEBHOOK_SECRETS": "new, old",
            "SHOPSTREAM_PREFIX": "t1.",
        }
    )
    assert (settings.psp_port, settings.fault_api_port, settings.catcher_port) == (9110, 9114, 1234)
    assert settings.webhook_secret == "new"
    assert settings.tap_pattern == r"^t1\."


def test_the_users_home_is_not_taken_for_the_stacks_home():
    with pytest.raises(InvalidWorldSettingsError):
        read({"HOME": "/root"})


def test_a_port_that_is_no_number_is_refused():
    with pytest.raises(InvalidWorldSettingsError):
        read({"SHOPSTREAM_WORLD_DIR": "/w", "SHOPSTREAM_PSP_PORT": "many"})
