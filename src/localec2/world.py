"""shell (SQLite): every record, kept across a restart of the service and a reboot of the machine.

One lock guards reading and changing together; `put` is durable when it returns, and wakes the reconciler.
Never decides anything.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter

from localec2.model import Image, Instance, LaunchToken, Record, SecurityGroup, Snapshot, SpotRequest

_KINDS: dict[str, type[Record]] = {
    "instance": Instance,
    "image": Image,
    "snapshot": Snapshot,
    "spot-request": SpotRequest,
    "launch-token": LaunchToken,
}
_NAMES = {cls: name for name, cls in _KINDS.items()}
_ADAPTERS: dict[str, TypeAdapter[Record]] = {name: TypeAdapter(cls) for name, cls in _KINDS.items()}

R = TypeVar("R", Instance, Image, Snapshot, SpotRequest, LaunchToken)


class World:
    """All records by kind and id. Use `with world.lock:` around a read that decides a write."""

    def __init__(self, path: Path | str) -> None:
        self.lock = threading.RLock()
        self.wake = threading.Event()  # set by every change; the reconciler clears it
        self.groups: Callable[[], list[SecurityGroup]] = list  # the control plane says where groups are kept
        self._db = sqlite3.connect(path, check_same_thread=False)
        self._db.executescript(
            "pragma journal_mode = wal; pragma synchronous = full;"
            "create table if not exists record (kind text, id text, body text, primary key (kind, id));"
            "create table if not exists blob (name text primary key, body blob);"
        )
        self._records: dict[str, dict[str, Record]] = {name: {} for name in _KINDS}
        for kind, record_id, body in self._db.execute("select kind, id, body from record order by rowid"):
            self._records[kind][record_id] = _ADAPTERS[kind].validate_json(body)

    def all(self, kind: type[R]) -> list[R]:
        """Every record of a kind, oldest first."""
        with self.lock:
            return list(self._records[_NAMES[kind]].values())  # type: ignore[arg-type]

    def get(self, kind: type[R], record_id: str) -> R | None:
        with self.lock:
            return self._records[_NAMES[kind]].get(record_id)  # type: ignore[return-value]

    def put(self, *records: Record) -> None:
        """Insert or replace; on the disk when this returns."""
        with self.lock, self._db:
            for record in records:
                kind = _NAMES[type(record)]
                self._db.execute(
                    "insert into record values (?, ?, ?) on conflict do update set body = excluded.body",
                    (kind, record.id, _ADAPTERS[kind].dump_json(record).decode()),
                )
                self._records[kind][record.id] = record
        self.wake.set()

    def forget(self, records: Iterable[Record]) -> None:
        with self.lock, self._db:
            for record in list(records):
                kind = _NAMES[type(record)]
                self._db.execute("delete from record where kind = ? and id = ?", (kind, record.id))
                self._records[kind].pop(record.id, None)
        self.wake.set()

    def put_blob(self, name: str, body: bytes) -> None:
        """A named lump of bytes that belongs to a vendor (moto's state)."""
        with self.lock, self._db:
            self._db.execute(
                "insert into blob values (?, ?) on conflict do update set body = excluded.body", (name, body)
            )
        self.wake.set()

    def blob(self, name: str) -> bytes | None:
        with self.lock:
            row = self._db.execute("select body from blob where name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def close(self) -> None:
        with self.lock:
            self._db.close()
