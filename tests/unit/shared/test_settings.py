import pytest

from shared.settings import ServiceSettings, SettingsError, read

GIVEN = {"SHOPSTREAM_SERVICE": "orders", "SHOPSTREAM_INTERNAL_SECRET": "s" * 40}


def test_variables_are_converted_and_the_rest_defaults():
    settings = read(
        ServiceSettings,
        {**GIVEN, "SHOPSTREAM_PORT": "8123", "SHOPSTREAM_WEBHOOK_SECRETS": "new, old", "SHOPSTREAM_ENV": "test"},
    )
    assert (settings.port, settings.webhook_secrets, settings.env) == (8123, ("new", "old"), "test")
    assert settings.instance == "orders-1"
    assert settings.kafka_bootstrap


class Tuned(ServiceSettings, frozen=True, kw_only=True):
    batch: int = 3
    ratio: float = 0.5
    eager: bool = False


def test_a_service_adds_fields_of_its_own():
    settings = read(Tuned, {**GIVEN, "SHOPSTREAM_BATCH": "9", "SHOPSTREAM_EAGER": "true"})
    assert (settings.batch, settings.ratio, settings.eager) == (9, 0.5, True)


def test_every_problem_is_named_at_once_by_its_variable():
    with pytest.raises(SettingsError) as caught:
        read(ServiceSettings, {"SHOPSTREAM_PORT": "many", "SHOPSTREAM_ROLE": "boss"})
    text = str(caught.value)
    for variable in ("SHOPSTREAM_PORT", "SHOPSTREAM_ROLE", "SHOPSTREAM_SERVICE", "SHOPSTREAM_INTERNAL_SECRET"):
        assert variable in text


class WithSecretNumber(ServiceSettings, frozen=True, kw_only=True):
    secret_number: int = 0


def test_secrets_appear_neither_in_errors_nor_in_the_repr():
    with pytest.raises(SettingsError) as caught:
        read(WithSecretNumber, {**GIVEN, "SHOPSTREAM_SECRET_NUMBER": "hunter2"})
    assert "hunter2" not in str(caught.value)
    shown = repr(read(ServiceSettings, {**GIVEN, "SHOPSTREAM_DATABASE_URL": "postgresql://u:hunter2@db/o"}))
    assert "hunter2" not in shown
    assert "s" * 40 not in shown
    assert "db/o" in shown
