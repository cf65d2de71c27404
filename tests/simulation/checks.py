"""What must hold when a schedule is over, asked from outside: of the log, the store, and what people were told."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec
import orjson

from alertline.store.port import Batch, Claim
from alertline.store.writer import StoreWriter
from consumers.applying import States, apply_records, on_log_time
from schemas.records import Delivery, Record, Tick, UnreadableRecord, decode, encode
from tests.simulation.cluster import POLICY, Cluster
from tests.simulation.senders import Person, Sender

__all__ = ["Violation", "Watch", "check"]

# what only tells how the work was cut into batches and among whom, or is checked by itself
_APART: Final = frozenset({"positions", "outbox", "deliveries", "alembic_version", "tokens"})


class Violation(AssertionError):
    """Something did not hold."""


class Watch:
    """Looks after every commit whether positions and epochs only grow."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster, self._seen, self._lost = cluster, dict[int, tuple[int, int]](), 0
        self.broken: str | None = None

    def __call__(self) -> None:
        """Look."""
        database = self._cluster.database
        if database.lost != self._lost:  # what the database lost is read again
            self._lost, self._seen = database.lost, {}
        for partition, epoch, offset in database.eye.execute("SELECT partition, epoch, next_offset FROM positions"):
            before = self._seen.get(partition, (0, 0))
            if epoch < before[0] or offset < before[1]:
                said = f"partition {partition} went back from (epoch, position) {before} to {(epoch, offset)}"
                self.broken = self.broken or said
            self._seen[partition] = epoch, offset


def check(cluster: Cluster, watch: Watch, senders: Sequence[Sender], person: Person, writer: StoreWriter) -> None:
    """Look at everything.

    Raises:
        Violation: the first thing that does not hold.
    """
    if watch.broken is not None:
        raise Violation(watch.broken)
    _nothing_lost_before_the_log(cluster)
    _in_order(cluster)
    _once(cluster, [id_ for sender in senders for id_ in sender.acknowledged])
    _edits(cluster, person)
    _as_replayed(cluster, writer)
    _published(cluster)


def _nothing_lost_before_the_log(cluster: Cluster) -> None:
    there = {record.payload for records in cluster.broker.partitions for record in records}
    for each in cluster.taken:
        if each.payload not in there:
            raise Violation(f"{each.receiver} took a record that never came to the log: {each.payload!r}")
    for name, disk in cluster.disks.items():
        if disk.synced:
            raise Violation(f"{len(disk.synced)} records are left in the spool of {name}")


def _in_order(cluster: Cluster) -> None:
    """Of one receiver: what it had taken before it was asked for the next comes first."""
    first: dict[bytes, int] = {}
    for records in cluster.broker.partitions:
        for record in records:
            first.setdefault(record.payload, record.position.offset)
    for one in cluster.taken:
        for other in cluster.taken:
            same = one.receiver == other.receiver and one.stream == other.stream
            if same and one.ended < other.began and first[one.payload] > first[other.payload]:
                raise Violation(
                    f"{one.receiver} had taken the first of these records when the second came, and the log has it "
                    f"behind it:\n  {one.payload!r}\n  {other.payload!r}"
                )


def _once(cluster: Cluster, acknowledged: Sequence[str]) -> None:
    """Every delivery that was acknowledged has had its effect, once."""
    rows = cluster.database.eye.execute("SELECT id, body FROM deliveries").fetchall()
    effects = Counter(id_ for id_, body in rows if (row := orjson.loads(body)).get("duplicate_of") is None
                      and row["outcome"] == "accepted")  # fmt: skip
    copies = sum(isinstance(each, Delivery) for _, each in _records(cluster))
    for id_ in acknowledged:
        if effects[id_] != 1:
            raise Violation(f"delivery {id_} was acknowledged and had its effect {effects[id_]} times")
    if more := {id_: n for id_, n in effects.items() if n != 1}:
        raise Violation(f"had their effect more than once: {more}")
    if copies != len(rows):
        raise Violation(f"{copies} deliveries lie on the log, and the store shows {len(rows)}")


def _edits(cluster: Cluster, person: Person) -> None:
    """What a person was told stands, once."""
    eye = cluster.database.eye
    bodies = [orjson.loads(body) for (body,) in eye.execute("SELECT body FROM items")]
    for edit in person.answered:
        found = [body for body in bodies if body.get("args", {}).get("reason") == edit.mark]
        if len(found) != 1:
            raise Violation(f"`{edit.mark}` was answered 2xx and stands {len(found)} times")
        row = eye.execute("SELECT body FROM deliveries WHERE id = ?", (edit.command,)).fetchall()
        outcomes = [orjson.loads(body)["commands"] for (body,) in row if orjson.loads(body).get("duplicate_of") is None]
        said = [] if edit.told is None else [msgspec.to_builtins(edit.told.commands)]
        if said and orjson.dumps(outcomes) != orjson.dumps(said):
            raise Violation(f"`{edit.mark}`: its author was told {said}, and it came to {outcomes}")


def _records(cluster: Cluster) -> Iterator[tuple[Any, Record]]:
    for records in cluster.broker.partitions:
        for each in records:
            try:
                yield each, on_log_time(decode(each.payload), each.appended_at)
            except UnreadableRecord:
                continue


def _as_replayed(cluster: Cluster, writer: StoreWriter) -> None:
    """Every row is, byte for byte, what a plain reading of the log comes to in which nothing is ever there twice."""
    plain = sqlite3.connect(":memory:")
    schema = cluster.database.eye.execute("SELECT sql FROM sqlite_schema WHERE type = 'table' AND sql NOT NULL")
    for (sql,) in schema:
        if not sql.startswith("CREATE TABLE sqlite_"):
            plain.execute(sql)
    for each in (writer._serve, writer._stamp):
        each.forget()  # what it has written is elsewhere
    for partition in range(len(cluster.broker.partitions)):
        if (batch := _plain(cluster, partition)) is not None:
            for statement, rows in writer._writes(batch):
                plain.executemany(statement.sql, rows)
    names = [name for (name,) in plain.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    for name in sorted(set(names) - _APART):
        _same(name, _rows(cluster.database.eye, name), _rows(plain, name))
    plain.close()


def _plain(cluster: Cluster, partition: int) -> Batch | None:
    """All of a partition at once. A copy only lets log time run on: in its place stands a tick."""
    known: set[str] = set()
    records = []
    for each, record in _records(cluster):
        if each.position.partition != partition:
            continue
        if isinstance(record, Delivery) and record.id in known:
            again = Tick(stream=record.stream, at=record.received_at)
            each = msgspec.structs.replace(each, payload=encode(again))  # noqa: PLW2901
        elif isinstance(record, Delivery):
            known.add(record.id)
        records.append(each)
    claim = Claim(cluster.broker.log_id, partition, 1, 0)
    return apply_records(States(POLICY), records, claim) if records else None


def _rows(connection: sqlite3.Connection, name: str) -> list[tuple[Any, ...]]:
    return sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr)  # noqa: S608 - our own tables


def _same(name: str, found: Sequence[Any], expected: Sequence[Any]) -> None:
    if found == expected:
        return
    for there, meant in zip(found, expected, strict=False):
        if there != meant:
            raise Violation(f"{name}: the store has\n  {there}\nand a replay of the log\n  {meant}")
    raise Violation(f"{name}: the store has {len(found)} rows, a replay of the log {len(expected)}: "
                    f"{_rest(found, expected)}")  # fmt: skip


def _rest(found: Sequence[Any], expected: Sequence[Any]) -> Any:
    few = min(len(found), len(expected))
    return (found[few:] or expected[few:])[0]


def _published(cluster: Cluster) -> None:
    """Everything that was committed is told, with the ids of what it tells of, in order."""
    published = [message.value.decode() for message in cluster.broker.published if message.value]
    _named(published)
    first = {body: n for n, body in reversed(list(enumerate(published)))}
    committed = sorted(set(cluster.database.told))
    lost = bool(cluster.database.lost)  # what was lost is decided again, and perhaps told less often on the way
    for row in _newest(committed) if lost else committed:
        if row[-1] not in first:
            raise Violation(f"it was committed to the outbox and never published: {row[-1]}")
    if lost:
        return
    for partition in range(len(cluster.broker.partitions)):
        places = [first[row[-1]] for row in committed if row[0] == partition]
        if places != sorted(places):
            raise Violation(f"partition {partition} was told out of order")


def _newest(committed: Iterable[tuple[Any, ...]]) -> Iterable[tuple[Any, ...]]:
    """Of each incident what was told last."""
    return {row[3]: row for row in committed}.values()


def _named(published: Iterable[str]) -> None:
    bodies: dict[str, str] = {}
    for body in published:
        event = orjson.loads(body)
        if event["id"] != f"{event['subject']}.{event['data']['version']}":
            raise Violation(f"an event's id does not follow from what it tells: {event['id']}")
        if bodies.setdefault(event["id"], body) != body:
            raise Violation(f"two events have the id {event['id']}")
