"""The images of the compose profile, each at one version: official ones, and the one that this project builds."""

from typing import Final

FLEET: Final = "shopstream"
BASE: Final = "python:3.13-slim-bookworm"
"""What our image is built on, unless the build argument BASE names another with Python 3.11 or newer."""
IMAGES: Final = {
    "postgres": "postgres:17.6",
    "redis": "redis:7.4.5",
    "kafka": "apache/kafka:4.1.0",
    "elasticsearch": "elasticsearch:8.19.3",
    "mailpit": "axllent/mailpit:v1.27.7",
    "collector": "otel/opentelemetry-collector-contrib:0.135.0",
    "prometheus": "prom/prometheus:v3.5.0",
    "grafana": "grafana/grafana:12.1.1",
    "jaeger": "jaegertracing/jaeger:2.10.0",
}
