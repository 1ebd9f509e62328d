"""Write compose.yaml, the env file beside it and the dashboards anew: python -m compose.containers."""

from compose.containers import dashboards, definition

definition.COMPOSE_FILE.write_text(definition.compose_yaml())
definition.ENV_FILE.write_text(definition.development())
for name, content in dashboards.dashboards().items():
    (dashboards.FOLDER / name).write_bytes(content)
