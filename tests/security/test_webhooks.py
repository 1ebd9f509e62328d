"""Who says a parcel is delivered or money has moved must prove it: forged, altered, stale and repeated webhooks."""

import hashlib
import hmac
import json
import time
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import pytest

from tests.support.services import WEBHOOK_SECRET, served
from tests.support.statements import API_ONLY

STALE_S = 301
SENDERS = {"payments": "/api/v1/webhooks/psp", "shipping": "/api/v1/webhooks/carrier"}
both = pytest.mark.parametrize("name", SENDERS)


def _document(name):
    if name == "payments":
        data = {"payment_id": "p", "merchant_reference": str(uuid4()), "amount_minor": 1, "currency": "EUR"}
        return {"id": f"evt_{uuid4().hex}", "type": "payment.captured", "created": int(time.time()), "data": data}
    data = {"tracking_number": "T1", "shipment_id": str(uuid4())}
    return {"id": f"evt_{uuid4().hex}", "type": "shipment.delivered", "created": int(time.time()), "data": data}


def _signature(raw, *, secret=WEBHOOK_SECRET, at=None):
    moment = str(int(time.time()) if at is None else at)
    return f"t={moment},v1={hmac.new(secret.encode(), moment.encode() + b'.' + raw, hashlib.sha256).hexdigest()}"


class Receiver:
    """A service that receives webhooks, and how many it has believed."""

    def __init__(self, service, connection, path):
        self.service, self.connection, self.path = service, connection, path

    async def post(self, raw, signature, **headers):
        sent = {"Content-Type": "application/json", **headers}
        if signature is not None:
            sent["X-Signature"] = signature
        return await self.service.call("POST", self.path, anonymous=True, data=raw, headers=sent)

    async def stored(self):
        return await self.connection.fetchval("SELECT count(*) FROM webhooks")


@asynccontextmanager
async def _receiver(engines, prefix, name, **settings):
    async with served(engines, name, prefix=prefix, **API_ONLY, **settings) as service:
        connection = await asyncpg.connect(service.settings.database_url)
        try:
            yield Receiver(service, connection, SENDERS[name])
        finally:
            await connection.close()


@both
async def test_a_genuine_webhook_is_stored_once_however_often_it_comes(engines, prefix, name):
    async with _receiver(engines, prefix, name) as receiver:
        raw = json.dumps(_document(name)).encode()
        answers = [await receiver.post(raw, _signature(raw)) for _ in range(3)]
        assert [status for status, _ in answers] == [200, 200, 200]
        assert [body["fresh"] for _, body in answers] == [True, False, False]
        assert await receiver.stored() == 1


@both
async def test_a_forged_webhook_is_not_stored(engines, prefix, name):
    async with _receiver(engines, prefix, name) as receiver:
        raw = json.dumps(_document(name)).encode()
        genuine = _signature(raw)
        digest = genuine.partition("v1=")[2]
        now = int(time.time())
        forgeries = {
            "none": None,
            "empty": "",
            "another secret": _signature(raw, secret="another-secret-of-somebody"),
            "an empty secret": _signature(raw, secret=""),
            "no time": f"v1={digest}",
            "no signature": f"t={now}",
            "two times": f"t={now},t={now - 1},v1={digest}",
            "another time": f"t={now + 1},v1={digest}",
            "half a signature": f"t={now},v1={digest[:32]}",
            "an older scheme": f"t={now},v0={digest}",
            "letters for a time": f"t=now,v1={digest}",
            "other digits": f"t=１７,v1={digest}".encode().decode("latin-1"),
            "of another body": _signature(b"{}"),
            "endless": "v1=0," * 300 + genuine,
        }
        for kind, signature in forgeries.items():
            status, problem = await receiver.post(raw, signature)
            assert (status, problem["code"]) == (401, "invalid_signature"), kind
        assert await receiver.stored() == 0


@both
async def test_a_body_altered_by_a_single_byte_is_not_believed(engines, prefix, name):
    async with _receiver(engines, prefix, name) as receiver:
        raw = json.dumps(_document(name)).encode()
        signature = _signature(raw)
        for altered in (raw + b" ", raw.replace(b": ", b":", 1), raw.replace(b"1", b"9", 1), raw[:-1]):
            assert (await receiver.post(altered, signature))[0] == 401
        assert await receiver.stored() == 0


@both
@pytest.mark.parametrize("off_s", [-STALE_S, STALE_S, -86_400])
async def test_a_webhook_of_another_time_is_not_believed_however_well_signed(engines, prefix, name, off_s):
    async with _receiver(engines, prefix, name) as receiver:
        raw = json.dumps(_document(name)).encode()
        status, problem = await receiver.post(raw, _signature(raw, at=int(time.time()) + off_s))
        assert (status, problem["code"]) == (401, "invalid_signature")
        assert await receiver.stored() == 0


@both
async def test_an_event_told_again_with_other_contents_changes_nothing(engines, prefix, name):
    async with _receiver(engines, prefix, name) as receiver:
        document = _document(name)
        first = json.dumps(document).encode()
        other = json.dumps({**document, "data": _document(name)["data"]}).encode()
        assert (await receiver.post(first, _signature(first)))[1]["fresh"] is True
        before = await receiver.connection.fetch("SELECT * FROM webhooks")
        status, body = await receiver.post(other, _signature(other))
        assert status != 200 or body["fresh"] is False
        assert await receiver.connection.fetch("SELECT * FROM webhooks") == before


@both
async def test_while_secrets_are_rotated_both_count_and_afterwards_the_old_one_does_not(engines, prefix, name):
    async with _receiver(engines, prefix, name, webhook_secrets=("the-new-secret", WEBHOOK_SECRET)) as receiver:
        for secret, status in (("the-new-secret", 200), (WEBHOOK_SECRET, 200), ("the-oldest-secret", 401)):
            raw = json.dumps(_document(name)).encode()
            assert (await receiver.post(raw, _signature(raw, secret=secret)))[0] == status
    async with _receiver(engines, prefix, name, webhook_secrets=("the-new-secret",)) as receiver:
        raw = json.dumps(_document(name)).encode()
        assert (await receiver.post(raw, _signature(raw)))[0] == 401


@both
async def test_a_receiver_without_secrets_believes_nobody(engines, prefix, name):
    async with _receiver(engines, prefix, name, webhook_secrets=()) as receiver:
        raw = json.dumps(_document(name)).encode()
        for secret in (WEBHOOK_SECRET, ""):
            assert (await receiver.post(raw, _signature(raw, secret=secret)))[0] == 401


@both
async def test_a_large_webhook_is_refused_before_it_is_judged(engines, prefix, name):
    async with _receiver(engines, prefix, name) as receiver:
        raw = json.dumps({**_document(name), "padding": "x" * 70_000}).encode()
        assert (await receiver.post(raw, _signature(raw)))[0] == 413
        assert await receiver.stored() == 0
