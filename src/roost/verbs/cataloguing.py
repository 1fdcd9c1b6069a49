"""shell (files, EC2, the access point): the recipe of `roost catalogs`: gather what is known, merge, write, compare."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from roost.boot.roles import Role
from roost.cloud.image import pool_image
from roost.errors import NotFoundError, RoostError, UsageError
from roost.report.reporter import Reporter
from roost.spec import PoolSpec
from roost.verbs import entrance, pool_facts, prepared, which_pool
from roost.verbs.loading import UNSUPPORTED
from roost.verbs.which_pool import Site
from roost.workflow import source, user_catalogs
from roost.workflow.catalog_entries import Catalog, Catalogs, Merged, lines, merged
from roost.workflow.catalog_lint import Checked, World
from roost.workflow.catalog_lint import lint as lint_catalogs
from roost.workflow.catalog_text import MARK, texts
from roost.workflow.mistakes import Mistakes
from roost.workflow.needs import Needs, named
from roost.workflow.pool_catalogs import KICKSTART, PoolFacts, pool_catalogs
from roost.workflow.user_catalogs import UserFiles

_PATH = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin")


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What is known of a pool, launched or not."""

    facts: PoolFacts
    executables: frozenset[str] | None  # of the image, absolute paths; None: not known


def merged_catalogs(pool: str | None, cloud: str | None, workflow: Path | None, reporter: Reporter) -> Merged:
    """The user's catalogs with what is known of the pool."""
    spec, files = _read(pool, cloud, workflow)
    wanted = _wanted(spec, files)
    known = _known(spec, wanted, reporter)
    yours = files.entries
    pools = pool_catalogs(known.facts, wanted, user_catalogs.beside(files, wanted), yours.pool_sites)
    return merged(yours, pools)


def write(catalogs: Catalogs, directory: Path) -> list[Path]:
    """Raises UsageError where a file is not one that we wrote."""
    wanted = texts(catalogs)
    theirs = [path for name in wanted if (path := directory / name).exists() and not _is_ours(path)]
    if theirs:
        raise UsageError(
            f"{', '.join(map(str, theirs))}: not written by `roost catalogs write`, and so not to be overwritten",
            "`roost catalogs diff` shows what differs; `--to DIR` names another directory",
        )
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in wanted.items():
        (directory / name).write_text(text, encoding="utf-8")
    return [directory / name for name in wanted]


def kept(result: Merged) -> list[str]:
    """What the pool has otherwise than the user's own entries, which win."""
    return lines(one for one in result.differences if not one.is_added)


def diff_text(result: Merged) -> str:
    return "".join(f"{line}\n" for line in lines(result.differences))


def diff_json(result: Merged) -> str:
    found = [{**asdict(one), "added": one.is_added} for one in result.differences]
    return json.dumps({"schema": "roost/catalogs-diff/1", "differences": found}, indent=2) + "\n"


def lint(pool: str | None, cloud: str | None, workflow: Path | None, *, planner: str, reporter: Reporter) -> str:
    """A sentence where nothing is wrong. Raises UsageError with every mistake."""
    spec, files = _read(pool, cloud, workflow)
    known = _known(spec, _wanted(spec, files), reporter)
    mistakes = Mistakes()
    world = World(is_file=lambda path: Path(path).is_file(), executables=known.executables, slots=known.facts.slots)
    lint_catalogs(mistakes, _checked(files), world)
    told = {(file, line): said for file, line, said in reversed(mistakes.found)}
    if files.workflow is not None:
        for file, line, said in _of_planner(files, Path(files.workflow.source)):
            if planner == "roost" or UNSUPPORTED not in said:
                told.setdefault((file, line), said)
    if told:
        ordered = [told[place] for place in sorted(told)]
        raise UsageError("\n".join(ordered), f"edit {' and '.join(sorted({file for file, _ in told}))}")
    entries = files.entries
    return (
        f"nothing is wrong: {len(files.needs.transformations)} transformations and {len(files.needs.inputs)} inputs of"
        f" the workflow; {len(entries.sites)} sites, {len(entries.transformations)} transformations and"
        f" {len(entries.replicas)} replicas in its catalogs"
    )


def _read(pool: str | None, cloud: str | None, workflow: Path | None) -> tuple[PoolSpec, UserFiles]:
    if workflow is None and Path("workflow.yml").is_file():
        workflow = Path("workflow.yml")
    directory = workflow.parent if workflow else Path()
    if pool is None and (directory / "pool.yml").is_file():
        pool = str(directory / "pool.yml")
    files = user_catalogs.read(directory, workflow)
    if pool is None or which_pool.is_file_name(pool):
        spec = which_pool.read_spec(Path(pool)) if pool else PoolSpec()
        return spec.model_copy(update={"cloud": cloud}) if cloud else spec, files
    return which_pool.found_pool(pool, cloud, say=lambda _: None)[0], files


def _wanted(spec: PoolSpec, files: UserFiles) -> Needs:
    """What to look for: what the workflow names; without one, what its catalog and the image's packages are called."""
    if files.workflow is not None:
        return files.needs
    return named([*user_catalogs.program_names(files), *spec.image.packages])


def _known(spec: PoolSpec, wanted: Needs, reporter: Reporter) -> Known:
    where = prepared.site(spec, reporter)
    names = [one.name for one in wanted.transformations]
    try:
        executables = _on_image(spec, where, reporter)
        programs = _in_path([KICKSTART, *names], executables or frozenset())
        slots = None
        found = where.ec2.describe(spec.name)
        if found.with_role(Role.EXECUTION_POINT):
            reporter.step(f"ask the pool {spec.name}")
            with entrance.access_point(spec, where, found) as access_point:
                slots = pool_facts.slots_of(access_point)
                programs |= pool_facts.programs_of_image(spec, access_point, names)
        else:
            reporter.note(f"the pool {spec.name} is not up: nothing is known of its slots")
        return Known(facts=pool_facts.facts(spec, where, programs, slots), executables=executables)
    finally:
        prepared.stop_if_started(where)


def _on_image(spec: PoolSpec, where: Site, reporter: Reporter) -> frozenset[str] | None:
    try:
        return pool_image(where.ec2, spec, say=reporter.note).executables
    except NotFoundError as error:
        reporter.note(f"what is on the image is not known: {error.message}")
        return None


def _in_path(names: Iterable[str], executables: frozenset[str]) -> dict[str, str]:
    """As a shell there would find them."""
    found = {}
    for name in names:
        places = (f"{directory}/{name}" for directory in _PATH)
        path = next((one for one in places if one in executables), None)
        if path is not None:
            found[name] = path
    return found


def _checked(files: UserFiles) -> tuple[Checked, ...]:
    found = [
        Checked(
            catalog=one.catalog,
            document=one.document,
            path=(one.section,) if one.section else (),
            value=one.value,
            directory=PurePosixPath(one.directory),
        )
        for one in files.catalogs
    ]
    if files.workflow is not None:
        whole = files.workflow
        directory = PurePosixPath(files.directory.absolute())
        found.append(Checked(catalog=None, document=whole, path=(), value=whole.value, directory=directory))
    return tuple(found)


def _of_planner(files: UserFiles, workflow: Path) -> list[tuple[str, int, str]]:
    """What Roost's planner says of them."""
    try:
        source.load(workflow)
    except RoostError as error:
        if not isinstance(error, UsageError):
            return [(str(files.directory / Catalog.PROPERTIES), 0, error.message)]
        return [_placed(said) for said in error.message.splitlines()]
    return []


def _placed(said: str) -> tuple[str, int, str]:
    """
    >>> _placed("a/workflow.yml:12: 'name' is missing")
    ('a/workflow.yml', 12, "a/workflow.yml:12: 'name' is missing")
    """
    file, _, rest = said.partition(":")
    line, _, _ = rest.partition(":")
    return file, int(line) if line.isdigit() else 0, said


def _is_ours(path: Path) -> bool:
    with path.open(encoding="utf-8", errors="replace") as opened:
        return opened.readline().rstrip("\n") == MARK
