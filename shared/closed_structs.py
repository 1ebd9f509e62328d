"""What a body may hold, told by the contract as strictly as it is read: unknown fields, keys and values of maps.

The framework's own schema of a struct leaves these out, and a client that believes it is refused.
"""

from typing import Any, Final

import msgspec
from litestar._openapi.schema_generation.plugins.struct import StructSchemaPlugin
from litestar.openapi.spec import Schema
from litestar.typing import FieldDefinition

_TOLD: Final = {
    "min_length": "min_length",
    "max_length": "max_length",
    "pattern": "pattern",
    "ge": "minimum",
    "le": "maximum",
}
"""What a rule of msgspec is called in a schema."""


class ClosedStructs(StructSchemaPlugin):
    """Adds to the schema of a struct what msgspec knows of it."""

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: Any) -> Schema:
        schema = super().to_openapi_schema(field_definition, schema_creator)
        struct: Any = field_definition.type_
        if struct.__struct_config__.forbid_unknown_fields:
            schema.additional_properties = False
        for field in msgspec.structs.fields(struct):
            described = (schema.properties or {}).get(field.encode_name)
            if isinstance(described, Schema):
                _complete(described, msgspec.inspect.type_info(field.type))
        return schema


def _complete(described: Schema, known: msgspec.inspect.Type) -> None:
    """The rules of what a list or a map holds, of its size and keys; of optional ones too."""
    kinds = known.types if isinstance(known, msgspec.inspect.UnionType) else (known,)
    parts = [part for part in described.one_of or (described,) if isinstance(part, Schema)]
    for kind in kinds:
        for part in parts:
            if isinstance(kind, msgspec.inspect.ListType) and isinstance(part.items, Schema):
                _rule(part.items, kind.item_type)
            elif isinstance(kind, msgspec.inspect.DictType) and isinstance(part.additional_properties, Schema):
                part.min_properties, part.max_properties = kind.min_length, kind.max_length
                part.property_names = Schema()
                _rule(part.property_names, kind.key_type)
                _rule(part.additional_properties, kind.value_type)


def _rule(described: Schema, known: msgspec.inspect.Type) -> None:
    for name, told in _TOLD.items():
        if (value := getattr(known, name, None)) is not None:
            setattr(described, told, value)
    _complete(described, known)
