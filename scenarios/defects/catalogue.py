"""Every planted defect there is. A file that is not listed here cannot be planted; a test finds it.

A defect's file, which imports the service it breaks, is loaded only when somebody asks for it.
"""

from importlib import import_module
from types import ModuleType

from scenarios.defects.card import DefectCard, Twins

DEFECTS: tuple[str, ...] = (
    "flash_sale.read_then_write",
    "flash_sale.counter_as_truth",
    "flash_sale.limit_counted_before",
    "flash_sale.hasty_sweeper",
    "flash_sale.double_release",
    "flash_sale.movement_behind",
    "flash_sale.retry_without_id",
    "flash_sale.lock_released_by_others",
    "flash_sale.lock_ttl_too_short",
    "flash_sale.lock_without_ttl",
    "flash_sale.stale_reseed",
    "flash_sale.skus_in_request_order",
    "flash_sale.cart_merge_duplicates_lines",
    "double_charge.new_key_per_retry",
    "double_charge.key_stored_after_call",
    "double_charge.key_in_redis_only",
    "double_charge.key_without_body",
    "double_charge.key_without_user",
    "double_charge.key_checked_then_inserted",
    "double_charge.timeout_as_failure",
    "double_charge.webhook_and_answer_capture",
    "double_charge.webhook_not_deduplicated",
    "double_charge.float_money",
    "double_charge.rounding_per_component",
    "double_charge.refund_without_tax",
    "double_charge.refund_check_then_act",
    "double_charge.recharge_on_redelivery",
    "double_charge.saga_replays_capture",
    "double_charge.rate_fetched_twice",
    "event_chaos.commit_before_processing",
    "event_chaos.batch_committed_after_failure",
    "event_chaos.no_inbox",
    "event_chaos.arrival_order",
    "event_chaos.wall_clock_order",
    "event_chaos.poison_for_ever",
    "event_chaos.swallow_and_commit",
    "event_chaos.dual_write",
    "event_chaos.outbox_by_position",
    "event_chaos.missing_key",
    "event_chaos.newer_version_read_as_old",
    "event_chaos.slow_handler",
    "event_chaos.producer_not_flushed",
    "event_chaos.redrive_with_new_ids",
    "event_chaos.redrive_reads_and_drops",
    "event_chaos.index_overwritten",
    "event_chaos.replay_reapplies",
    "event_chaos.starts_without_broker",
    "pen_test.search_words_as_sql",
    "pen_test.token_without_signature",
    "pen_test.orders_read_by_anybody",
    "pen_test.orders_changed_by_anybody",
    "pen_test.stock_for_everybody",
    "pen_test.profile_takes_roles",
    "pen_test.address_from_header",
    "pen_test.accounts_told",
    "pen_test.any_host",
    "pen_test.bodies_in_log",
    "pen_test.detours_repaired",
    "pen_test.errors_with_stack",
    "pen_test.guesses_uncounted",
    "pen_test.identity_from_headers",
    "pen_test.key_scopes_ignored",
    "pen_test.keys_end_in_auth_alone",
    "pen_test.limits_read_then_written",
    "pen_test.master_password",
    "pen_test.origins_reflected",
    "pen_test.passwords_kept_plain",
    "pen_test.payments_read_by_anybody",
    "pen_test.price_from_client",
    "pen_test.refresh_without_end",
    "pen_test.sessions_end_in_auth_alone",
    "pen_test.sku_list_as_sql",
    "pen_test.slug_as_sql",
    "pen_test.token_brings_its_key",
    "pen_test.token_keyed_with_public_key",
    "pen_test.token_outlives_itself",
    "pen_test.token_secret_guessable",
    "pen_test.trusted_neighbours",
    "pen_test.webhook_urls_unchecked",
    "pen_test.webhooks_unsigned",
    "pen_test.coupons_counted_first",
    "pen_test.limits_counted_before",
    "pen_test.payments_settled_by_anybody",
    "pen_test.refunds_checked_first",
    "pen_test.search_words_as_query",
    "pen_test.stored_titles_as_sql",
    "pen_test.cards_of_anybody",
    "pen_test.orders_numbered_in_turn",
    "pen_test.tokens_for_any_service",
    "pen_test.internal_tokens_without_end",
    "pen_test.webhooks_book_again",
    "pen_test.webhooks_of_any_age",
    "pen_test.mismatches_passed_over",
    "pen_test.strangers_answered_at_once",
    "pen_test.slow_clients_awaited",
    "black_friday.leaked_connection",
    "black_friday.query_per_product",
    "black_friday.health_checks_nothing",
    "black_friday.no_single_flight",
    "black_friday.pool_beyond_server",
    "black_friday.checkout_needs_search",
    "black_friday.callee_outlasts_caller",
    "black_friday.errors_cached",
    "black_friday.unbounded_queue",
    "black_friday.query_per_order",
    "black_friday.query_per_line",
    "black_friday.cache_key_without_user",
    "black_friday.shifted_replies",
    "black_friday.connection_across_call",
    "black_friday.blocking_call",
    "black_friday.half_open_without_limit",
    "black_friday.breaker_in_memory",
    "black_friday.no_deadlines",
    "black_friday.retries_at_every_layer",
    "black_friday.stale_registry",
    "black_friday.lost_correlation_ids",
)
"""incident.file; the file's name is the defect's id."""


def cards(incident: str) -> tuple[DefectCard, ...]:
    """The cards of an incident's defects, in the order of the catalogue."""
    return tuple(_module(name).CARD for name in DEFECTS if name.startswith(f"{incident}."))


def card_of(defect_id: str) -> DefectCard:
    """The card of a defect of any incident. Raises LookupError for one nobody knows."""
    return _of(defect_id).CARD


def twins_of(defect_id: str) -> Twins:
    """What a defect puts in the place of which parts. Raises LookupError for a defect nobody knows."""
    return _of(defect_id).TWINS


def _of(defect_id: str) -> ModuleType:
    for name in DEFECTS:
        if name.partition(".")[2].replace("_", "-") == defect_id:
            return _module(name)
    raise LookupError(f"no defect is called {defect_id!r}")


def _module(name: str) -> ModuleType:
    return import_module(f"scenarios.defects.{name}")
