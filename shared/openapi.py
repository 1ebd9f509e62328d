"""What a service's OpenAPI document says of every route beside its success: who needs a token, and how it refuses.

Derived from the routes themselves, so that no author can forget it; the gateway merges the documents.
"""

from collections.abc import Iterator

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Components, SecurityScheme

from shared.problem_details import MEDIA_TYPE

TOKEN_SCHEME = "accessToken"  # noqa: S105 the scheme's name
IF_MATCH = "If-Match"
GONE_OPT = "gone"
"""The option of a route whose token may be used or expired."""
READING = frozenset({"GET", "HEAD", "OPTIONS"})

MEANINGS = {
    400: "the request is not valid",
    401: "no identity, or one that is not valid",
    403: "not for this caller",
    404: "there is no such thing, or it is not the caller's to see",
    409: "it conflicts with what is",
    410: "it is used or its time is over; ask for a new one",
    412: "it was changed since the version that If-Match names",
    422: "a rule refuses it; `code` names the rule",
    429: "too many requests; Retry-After says when to come again",
    503: "not now; Retry-After says when to come again",
}


class FieldProblem(msgspec.Struct):
    """What is wrong with one field of a body."""

    field: str
    message: str


class Problem(msgspec.Struct, omit_defaults=True):
    """RFC 9457 problem details; `code` is stable, and a refusal may add members of its own."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    trace_id: str
    errors: list[FieldProblem] = []


def configuration(title: str) -> OpenAPIConfig:
    """How a service serves its document."""
    scheme = SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")
    return OpenAPIConfig(
        title=title,
        version="1",
        path="/openapi",
        use_handler_docstrings=True,
        components=Components(security_schemes={TOKEN_SCHEME: scheme}),
    )


def declare(app: Litestar) -> None:
    """Give every documented route its refusals and its security; before the document is first built."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            if handler.resolve_include_in_schema():
                errors = {
                    status: ResponseSpec(
                        Problem, description=MEANINGS[status], media_type=MEDIA_TYPE, generate_examples=False
                    )
                    for status in refusals(handler, has_path_parameters=bool(route.path_parameters))
                }
                handler.responses = {**errors, **(handler.responses or {})}
                token = {TOKEN_SCHEME: list[str]()}
                handler.security = [{}, token] if handler.opt.get("public") else [token]


def refusals(handler: HTTPRouteHandler, *, has_path_parameters: bool) -> Iterator[int]:
    """The statuses by which a route may refuse, from what it takes and who may come."""
    parameters = handler.parsed_fn_signature.parameters.values()
    names = {getattr(parameter.kwarg_definition, "name", None) for parameter in parameters}
    changes = not handler.http_methods <= READING
    yield from (400, 401, 429, 503)
    closed = not handler.opt.get("public")
    if closed:
        yield 403
    if closed or has_path_parameters:  # one's own account may be gone as well
        yield 404
    if changes:
        yield 409
    if handler.opt.get(GONE_OPT):
        yield 410
    if IF_MATCH in names:
        yield 412
    if changes or any(getattr(parameter.kwarg_definition, "param_type", None) for parameter in parameters):
        yield 422
