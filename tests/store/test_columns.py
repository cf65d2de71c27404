"""Reading very many rows column by column: what reports do, on each database that is here."""

import pytest
from sqlalchemy import Double, case, cast, literal, select

from alertline.store.engine import columns, open_engine, reading


@pytest.mark.parametrize("store", ["sqlite_store", "postgresql_store"])
@pytest.mark.parametrize("most", [0, 1, 5, 2503])
async def test_columns_hold_every_row(store: str, most: int, request: pytest.FixtureRequest) -> None:
    """What `execute` finds, none lost and none twice, whatever the parts in which it is read."""
    engine = open_engine(str(request.getfixturevalue(store)))
    n = select(literal(1).label("n")).cte(recursive=True)
    n = n.union_all(select(n.c.n + 1).where(n.c.n < 2503))
    query = select(n.c.n, (n.c.n / cast(4, Double)).label("quarter"), case((n.c.n % 2 == 0, "even")).label("word"))
    query = query.where(n.c.n.in_(range(most + 1)))
    async with reading(engine) as connection:
        rows = (await connection.execute(query)).all()
        found = await columns(connection, query)

    assert len(rows) == most
    assert [len(each) for each in found] == [most] * 3
    assert sorted(zip(*found, strict=True)) == sorted(map(tuple, rows))
    await engine.dispose()
