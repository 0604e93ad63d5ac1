"""Pairs that may not be entered for a while."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Lock:
    lock_id: int
    pair: str
    start_ms: int
    end_ms: int
    side: str = "*"
    reason: str | None = None
    active: bool = True


@dataclass
class LockBook:
    locks: list[Lock] = field(default_factory=list)

    def add(self, pair: str, start_ms: int, end_ms: int, *, side: str = "*", reason: str | None = None) -> Lock:
        lock = Lock(len(self.locks) + 1, pair, start_ms, end_ms, side, reason)
        self.locks.append(lock)
        return lock

    def active(self, now_ms: float) -> list[Lock]:
        return [lock for lock in self.locks if lock.active and lock.end_ms > now_ms]

    def release(self, lock_id: int | None = None, pair: str | None = None) -> list[Lock]:
        """An unknown id or pair is no error."""
        freed = [lock for lock in self.locks if lock.active and (lock.lock_id == lock_id or lock.pair == pair)]
        for lock in freed:
            lock.active = False
        return freed
