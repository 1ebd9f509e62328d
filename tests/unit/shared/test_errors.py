import pytest

from shared.errors import Kind, Refusal, RemoteUnavailableError
from shared.problem_details import STATUS_OF_KIND, problem, refusal_body


class SoldOut(Refusal):
    code = "sold_out"
    kind = Kind.CONFLICT


def test_a_refusal_carries_code_kind_detail_and_extra():
    refusal = SoldOut("nothing left", sku="A")
    assert (refusal.code, refusal.kind, refusal.detail, refusal.extra) == (
        "sold_out",
        Kind.CONFLICT,
        "nothing left",
        {"sku": "A"},
    )
    assert str(refusal) == "sold_out: nothing left"


def test_codes_are_snake_case_by_construction():
    with pytest.raises(TypeError, match="snake_case"):
        type("Odd", (Refusal,), {"code": "Sold-Out"})


def test_every_kind_has_a_status():
    assert set(STATUS_OF_KIND) == set(Kind)


def test_extra_members_never_replace_standard_ones():
    status, body = refusal_body(SoldOut("x", status=200, code="fine", sku="A"))
    assert (status, body["status"], body["code"], body["sku"]) == (409, 409, "sold_out", "A")


def test_a_problem_has_a_stable_type_and_title():
    body = problem(409, "sold_out", "nothing left", trace_id="t")
    assert body == {
        "type": "urn:shopstream:problem:sold_out",
        "title": "Sold out",
        "status": 409,
        "detail": "nothing left",
        "code": "sold_out",
        "trace_id": "t",
    }


def test_an_effect_is_possible_unless_ruled_out():
    assert RemoteUnavailableError("x").effect_possible
    assert not RemoteUnavailableError("x", effect_possible=False).effect_possible
