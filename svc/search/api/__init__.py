"""Search over HTTP: for everyone; what found nothing for the staff; the rebuild for the operator."""

from typing import Any

from svc.search.api.operating import reindex, show_halted, show_reindex
from svc.search.api.searching import list_misses, search, suggest

ROUTES: tuple[Any, ...] = (search, suggest, list_misses, reindex, show_reindex, show_halted)
