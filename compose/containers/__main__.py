"""Write compose.yaml and the env file beside it anew: python -m compose.containers."""

from compose.containers import definition

definition.COMPOSE_FILE.write_text(definition.compose_yaml())
definition.ENV_FILE.write_text(definition.development())
