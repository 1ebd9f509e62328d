"""Request bodies read to the letter: "1" is no number, 1.0 is no integer, and an unknown field is named.

Litestar converts leniently by default; this replaces that step for the `data` of every handler.
"""

from collections.abc import Generator
from typing import Any, ClassVar

import msgspec
from litestar.connection import ASGIConnection
from litestar.dto import AbstractDTO, DTOFieldDefinition
from litestar.exceptions import ValidationException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import Reference, Schema
from litestar.typing import FieldDefinition

from shared.field_words import refused_field


class StrictBody(AbstractDTO[Any]):
    """Decodes the body with msgspec in strict mode. Raises `ValidationException` that names the field."""

    asgi_connection: ASGIConnection[HTTPRouteHandler, Any, Any, Any]
    _decoders: ClassVar[dict[str, msgspec.json.Decoder[Any]]] = {}

    @classmethod
    def generate_field_definitions(cls, model_type: type[Any]) -> Generator[DTOFieldDefinition, None, None]:
        """No field is transformed."""
        del model_type
        yield from ()

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:
        """No field is transformed."""
        del field_definition
        return False

    @classmethod
    def create_for_field_definition(
        cls, field_definition: FieldDefinition, handler_id: str, backend_cls: object = None
    ) -> None:
        """Prepare the decoder of one handler."""
        del backend_cls
        cls._decoders[handler_id] = msgspec.json.Decoder(field_definition.annotation)

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: Any
    ) -> Reference | Schema:
        """The schema of the struct itself."""
        del handler_id
        return schema_creator.for_field_definition(FieldDefinition.from_annotation(field_definition.annotation))

    def decode_bytes(self, value: bytes) -> Any:
        """The handler's struct."""
        decoder = self._decoders[self.asgi_connection.route_handler.handler_id]
        try:
            return decoder.decode(value)
        except msgspec.ValidationError as error:
            field, words = refused_field(error, decoder.type)
            raise ValidationException(extra=[{"key": field, "message": words}]) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ValidationException(extra=[{"key": "", "message": "the body is not valid JSON"}]) from error
