"""Takes three OTLP signals over HTTP, as a collector does, and says of whom they were: /seen, /traces/ID."""

import gzip
from collections import Counter, defaultdict

from aiohttp import web
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

SIGNALS = {
    "traces": (ExportTraceServiceRequest, "resource_spans"),
    "metrics": (ExportMetricsServiceRequest, "resource_metrics"),
    "logs": (ExportLogsServiceRequest, "resource_logs"),
}
seen: dict[str, Counter[str]] = {signal: Counter() for signal in SIGNALS}
spans: dict[str, list[dict[str, str]]] = defaultdict(list)


async def take(request: web.Request) -> web.Response:
    signal = request.match_info["signal"]
    kind, field = SIGNALS[signal]
    body = await request.read()
    message = kind.FromString(gzip.decompress(body) if request.headers.get("Content-Encoding") == "gzip" else body)
    for resource in getattr(message, field):
        service = next(it.value.string_value for it in resource.resource.attributes if it.key == "service.name")
        seen[signal][service] += 1
        if signal == "traces":
            for scope in resource.scope_spans:
                for span in scope.spans:
                    spans[span.trace_id.hex()].append({"service": service, "name": span.name})
    return web.Response(content_type="application/x-protobuf")


application = web.Application(client_max_size=1 << 26)
application.router.add_post("/v1/{signal}", take)
application.router.add_get("/seen", lambda _: web.json_response(seen))
application.router.add_get("/traces/{trace}", lambda request: web.json_response(spans[request.match_info["trace"]]))
web.run_app(application, port=4318, print=None)
