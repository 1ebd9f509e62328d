import pytest

from tests.support.statements import noted_statements


@pytest.fixture
def statements():
    """Every statement of the services that the test opens."""
    with noted_statements() as noted:
        yield noted
