"""A category moved with all below it, and the world told of its products a portion at a time."""

from typing import NamedTuple

from asyncpg.exceptions import CheckViolationError, ForeignKeyViolationError, UniqueViolationError

from shared.unit_of_work import UnitOfWork
from svc.catalog import store
from svc.catalog.domain import (
    CATEGORY_DEPTH_MAX,
    CategoryExists,
    CategoryTooDeep,
    Product,
    UnknownCategory,
    checked_move,
)
from svc.catalog.handlers.announcing import Change, announce

TOLD_AT_ONCE_MAX = 500
"""Moved products of which one transaction tells."""


class Moved(NamedTuple):
    """How many categories have another path now, and how many products lie in them."""

    categories: int
    products: int


async def move_category(uow: UnitOfWork, path: str, to: str) -> Moved:
    """Give the category and all below it new paths, at once for every reader; their products follow.

    Each moved product is told of soon after, by a job: `version` counts what was told. Raises `CategoryCycle`,
    `UnknownCategory` (the category, or the new parent), `CategoryExists`, `CategoryTooDeep`.
    """
    parent = checked_move(path, to)
    try:
        categories, products = await store.move_category(uow.connection, path, to, parent)
    except UniqueViolationError as error:
        raise CategoryExists("there is such a category already") from error
    except ForeignKeyViolationError as error:
        raise UnknownCategory(f"there is no category {parent}", category=parent) from error
    except CheckViolationError as error:
        raise CategoryTooDeep("something below would lie too deep", depth_max=CATEGORY_DEPTH_MAX) from error
    if categories == 0:
        raise UnknownCategory(f"there is no category {path}", category=path)
    return Moved(categories, products)


async def tell_of_moved(uow: UnitOfWork) -> list[Product]:
    """Tell of some moved products; gives them."""
    products = await store.take_moved(uow.connection, rows_max=TOLD_AT_ONCE_MAX)
    return await announce(uow, [Change(product) for product in products])
