"""pure: short tasks are put together, as far as their run times are known, so that the workflow ends no later for it.

A job costs seconds besides what its task does: it is matched, its files are sent, a slot is got ready. Chains of short
tasks become one piece each, for nothing in them can run at once. Then pieces of one level that do the same become fewer
jobs: never fewer than there are slots. An estimate of the makespan has the last word.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil

from roost.workflow import bins
from roost.workflow.abstract import SUB_TRANSFORMATIONS, Job
from roost.workflow.graph import children_of, contracted, levels, makespan
from roost.workflow.shapes import Shape, at_odds
from roost.workflow.units import Units

OVERHEAD_S = 2.0  # of a job, on a pool whose negotiator and DAGMan look every second or two
SHORT_S = 10 * OVERHEAD_S  # what takes longer is worth a job of its own
LONG_ENOUGH_S = 30 * OVERHEAD_S  # a job of this length is worth its overhead
PER_SLOT = 4  # jobs of a level for each slot, so that a slow one does not keep the other slots waiting ...
WORTH_S = 4 * OVERHEAD_S  # ... as long as each is this long
GUESS_S = OVERHEAD_S  # where nobody says how long a task runs; and then
GUESSED_PER_SLOT = 16
GUESSED_SIZE = 8  # tasks in a job, at most
DISK_MIB = 4096  # that the tasks of a job say they need, together, at most
_SENTENCES = 5


@dataclass(kw_only=True, slots=True)
class Piece:
    """Tasks that follow each other: most often one."""

    tasks: list[Job]
    seconds: float
    is_known: bool  # whether somebody says so
    place: int = field(default=0)  # of the job that it is in, among all

    @property
    def id(self) -> str:
        return self.tasks[0].id


def join(units: Units, *, cores: int, guesses: bool) -> list[str]:
    """Changes `units`. What it did, in sentences; none where there is nothing to gain."""
    pieces = _short(units, guesses=guesses)
    if not pieces:
        return []
    seconds = {one: piece.seconds for one, piece in pieces.items()}
    before = _makespan(units, seconds, cores)
    had = set(units.unit_of().values())
    _join_chains(units, pieces)
    jobs = _jobs(units, pieces, cores)
    for level, parts in jobs:
        tasks = [task for piece in parts for task in piece.tasks]
        units.join(tasks, units.name(tasks[0].transformation, level), apart=True)
    made = [unit for unit in dict.fromkeys(units.unit_of().values()) if unit not in had]
    if not made or _makespan(units, seconds, cores) > before:
        units.leave(made)
        return []
    return _told(units, made, seconds, guesses=any(not piece.is_known for piece in pieces.values()))


def _short(units: Units, *, guesses: bool) -> dict[str, Piece]:
    """By the task's id."""
    found = {}
    of = units.shapes.of
    for task in units.alone():
        if task.id in units.workflow.checkpoints or task.transformation in SUB_TRANSFORMATIONS:
            continue
        runtime = of(task).runtime
        if runtime == "0":
            if guesses:
                found[task.id] = Piece(tasks=[task], seconds=GUESS_S, is_known=False)
        elif (seconds := float(runtime)) <= SHORT_S:
            found[task.id] = Piece(tasks=[task], seconds=seconds, is_known=True)
    return found


def _join_chains(units: Units, pieces: dict[str, Piece]) -> None:
    """A task whose only parent has no other child goes to its parent's piece."""
    parents = units.parents()
    children = children_of(units.ids, parents)
    shapes = units.shapes
    in_piece = dict(pieces)  # by the id of each task in it
    for task in units.in_order(piece.tasks[0] for piece in pieces.values()):
        mine = parents.get(task.id, ())
        if len(mine) != 1 or len(children[mine[0]]) != 1 or (above := in_piece.get(mine[0])) is None:
            continue
        piece = pieces[task.id]
        one, other = shapes.of(above.tasks[-1]).shape, shapes.of(task).shape
        if (
            piece.is_known is above.is_known
            and above.seconds + piece.seconds <= LONG_ENOUGH_S
            and _do_the_same(one, other)
            and (one.transformation == other.transformation or units.clash([*above.tasks, task]) is None)
        ):
            above.tasks.append(task)
            above.seconds += piece.seconds
            in_piece[task.id] = above
            del pieces[task.id]


def _do_the_same(one: Shape, other: Shape) -> bool:
    return one is other or (one.commands == other.commands and not at_odds(one, other))


def _jobs(units: Units, pieces: Mapping[str, Piece], cores: int) -> list[tuple[int, list[Piece]]]:
    """(level, pieces) of each job that has several tasks, level by level."""
    unit_of = {**units.unit_of(), **{task.id: piece.id for piece in pieces.values() for task in piece.tasks}}
    parents = contracted(units.workflow.parents, unit_of)
    depths = levels(tuple(one for one in units.ids if unit_of.get(one, one) == one), parents)
    assert depths is not None, "chains close no cycle"
    groups: dict[tuple[int, tuple[object, ...]], list[Piece]] = {}
    kinds: dict[int, tuple[object, ...]] = {}  # by shape
    for piece in pieces.values():
        shapes = [units.shapes.of(task).shape for task in piece.tasks]
        kind = [kinds.get(id(shape)) or kinds.setdefault(id(shape), _kind(shape)) for shape in shapes]
        groups.setdefault((depths[piece.id], (piece.is_known, *kind)), []).append(piece)

    def place(piece: Piece) -> int:
        """Those next to each other wait for the same jobs, as far as they can."""
        return max([pieces[one].place for one in parents.get(piece.id, ()) if one in pieces], default=0)

    found: list[tuple[int, list[Piece]]] = []
    for (level, _), group in sorted(groups.items(), key=lambda item: item[0][0]):
        group.sort(key=place)
        for part in bins.in_time(group, lambda piece: piece.seconds, _number(units, group, cores)):
            if len(part) > 1 or len(part[0].tasks) > 1:
                found.append((level, part))
            for piece in part:
                piece.place = len(found)
    return found


def _kind(shape: Shape) -> tuple[object, ...]:
    return (shape.transformation, *shape.commands.items(), shape.category, shape.abort_dag_on)


def _number(units: Units, group: list[Piece], cores: int) -> int:
    """How many jobs these become."""
    cpus = units.shapes.of(group[0].tasks[0]).shape.commands["request_cpus"]
    slots = max(1, cores // max(1, int(cpus))) if cpus.isdigit() else cores
    stated = [units.shapes.of(task).pegasus.get("diskspace", "0") for piece in group for task in piece.tasks]
    for_disk = ceil(sum(map(int, stated)) / DISK_MIB)
    number = max(for_disk, jobs_of(len(group), sum(piece.seconds for piece in group), slots, group[0].is_known))
    return number if 2 * number <= len(group) else len(group)


def jobs_of(pieces: int, seconds: float, slots: int, is_known: bool) -> int:
    """
    >>> jobs_of(1000, 100.0, 2, True), jobs_of(1000, 10_000.0, 2, True), jobs_of(1000, 2000.0, 2, False)
    (8, 167, 125)
    """
    if not is_known:
        return max(GUESSED_PER_SLOT * slots, ceil(pieces / GUESSED_SIZE))
    wanted = max(ceil(seconds / LONG_ENOUGH_S), PER_SLOT * slots)
    return max(slots, min(wanted, int(seconds // WORTH_S)))


def _makespan(units: Units, seconds: Mapping[str, float], cores: int) -> float:
    of = units.shapes.of
    lasting = {
        one: OVERHEAD_S + sum([seconds.get(task.id) or float(of(task).runtime) or GUESS_S for task in unit.tasks])
        for one, unit in units.all()
    }
    return makespan(tuple(lasting), units.parents(), lasting, cores)


def _told(units: Units, made: list[str], seconds: Mapping[str, float], *, guesses: bool) -> list[str]:
    told: dict[str, tuple[int, int, float]] = {}
    for unit in made:
        tasks = units.tasks(unit)
        names = ", ".join(dict.fromkeys(task.transformation for task in tasks))
        many, jobs, whole_s = told.get(names, (0, 0, 0.0))
        told[names] = (many + len(tasks), jobs + 1, whole_s + sum([seconds[task.id] for task in tasks]))
    rows = sorted(told.items(), key=lambda row: -row[1][0])
    if len(rows) > _SENTENCES:
        many, jobs, whole_s = (
            sum(figures) for figures in zip(*(row[1] for row in rows[_SENTENCES - 1 :]), strict=True)
        )
        rows = [*rows[: _SENTENCES - 1], ("others", (many, jobs, whole_s))]
    return [
        f"{many:,} tasks"
        + ("" if guesses else f" of {_short_number(whole_s / many)} s")
        + f" ({names}) are run as {jobs:,} job{'s' * (jobs != 1)}"
        for names, (many, jobs, whole_s) in rows
    ]


def _short_number(value: float) -> str:
    """
    >>> _short_number(0.1), _short_number(12.34)
    ('0.1', '12')
    """
    return f"{value:.1g}" if value < 1 else f"{value:.2g}"
