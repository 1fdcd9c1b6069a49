"""`roost import`."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from roost.verbs.which_pool import json_option

if TYPE_CHECKING:
    from roost.workflow.old.project import Imported, NewFile, OldFile

_MOST_SHOWN = 10  # of what `roost run` would say


@click.command("import")
@click.argument("old", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--to",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("imported"),
    show_default=True,
    help="The directory that gets the new files.",
)
@click.option("--force", is_flag=True, help="Overwrite what is there.")
@click.option("--dry-run", is_flag=True, help="Print the new files, write none.")
@json_option
def command(old: tuple[Path, ...], to: Path, force: bool, dry_run: bool, as_json: bool) -> None:
    """Turn a project of Pegasus 4 or older into one of Pegasus 5.

    OLD are its files or its directory: workflows (DAX), sites.xml, transformation and replica catalogs in their text
    formats, pegasus.properties. Each is known by what it says. What has changed or gone is told with file and line.
    """
    from roost.workflow.old.project import imported

    result = imported(_old_files(old), to=to.absolute())
    if dry_run:
        click.echo(_json(result, to) if as_json else _texts(result, to))
        return
    _write(result.files, to, is_forced=force)
    click.echo(_json(result, to) if as_json else _table(result, to))
    _say_what_is_next(result.files, to)


def _old_files(typed: Sequence[Path]) -> "list[OldFile]":
    """What was typed, what is in a directory that was typed, and the catalogs that properties name."""
    from roost.errors import NotFoundError, UsageError
    from roost.workflow.old.kinds import Kind, is_of_today, kind_named, kind_of
    from roost.workflow.old.project import OldFile
    from roost.workflow.old.properties import named_files

    waiting = list(typed)
    found: dict[Path, OldFile] = {}
    unknown = []
    for path in waiting:  # grows while it is read
        if path.is_dir():
            inside = list(_candidates(path))
            if not inside:
                raise NotFoundError(
                    f"there is no file of an old Pegasus project in {path}", f"roost import {path}/FILE"
                )
            waiting += inside
            continue
        if not path.is_file():
            raise NotFoundError(f"there is no file {path}", "name the files of the old project, or its directory")
        absolute = path.absolute()
        if absolute in found:
            continue
        data = path.read_bytes()
        kind = kind_of(data) or kind_named(path.name)
        if kind is not Kind.PROPERTIES and is_of_today(data):
            unknown.append(f"{path}: this is of Pegasus 5 already")
            continue
        if kind is None:
            unknown.append(f"{path}: this is in no format of an old Pegasus ({', '.join(kind.value for kind in Kind)})")
            continue
        found[absolute] = OldFile(name=str(path), path=absolute, kind=kind, data=data)
        if kind is Kind.PROPERTIES:
            for _, name in named_files(data.decode("utf-8", "replace")):
                beside = path.parent / name
                waiting += [beside] if beside.is_file() and "$" not in name else []
    if unknown:
        raise UsageError("\n".join(unknown), "name only files of the old project; what is of Pegasus 5 stays as it is")
    return list(found.values())


def _candidates(directory: Path) -> Iterator[Path]:
    """The files of a project in its directory, or one level below it (conf/, input/)."""
    from roost.workflow.old.kinds import kind_named, kind_of

    for path in sorted((*directory.glob("*"), *directory.glob("[!.]*/*"))):
        if not path.is_file():
            continue
        is_xml = path.suffix in (".xml", ".dax") or ".xml" in path.name
        if kind_named(path.name) or (is_xml and kind_of(path.read_bytes())):
            yield path


def _write(files: "Sequence[NewFile]", to: Path, *, is_forced: bool) -> None:
    from roost.errors import UsageError

    there = [str(to / file.name) for file in files if (to / file.name).exists()]
    if there and not is_forced:
        raise UsageError(
            f"{', '.join(there)} {'is' if len(there) == 1 else 'are'} there already",
            "--force overwrites; --to DIR goes elsewhere",
        )
    to.mkdir(parents=True, exist_ok=True)
    for file in files:
        (to / file.name).write_text(file.text, encoding="utf-8")


def _say_what_is_next(files: "Sequence[NewFile]", to: Path) -> None:
    """Roost reads what it wrote: what it would refuse to run is told now."""
    from roost.errors import RoostError
    from roost.workflow import source

    told: set[str] = set()
    for workflow in (to / file.name for file in files if file.is_workflow):
        try:
            source.load(workflow)
        except RoostError as error:
            lines = [line for line in error.message.splitlines() if line not in told] or ["the same"]
            told.update(lines)
            click.echo(f"To be done before `roost run {workflow}`:", err=True)
            for line in lines[:_MOST_SHOWN]:
                click.echo(f"  {line}", err=True)
            if len(lines) > _MOST_SHOWN:
                click.echo(f"  and {len(lines) - _MOST_SHOWN} more", err=True)
        else:
            click.echo(f"Next:  roost run {workflow}", err=True)


def _table(result: "Imported", to: Path) -> str:
    from roost.report.columns import columns

    shown = columns([("file", "holds"), *((str(to / file.name), file.holds) for file in result.files)])
    return "\n".join((shown, *_notes(result)))


def _texts(result: "Imported", to: Path) -> str:
    shown = [line for file in result.files for line in (f"==> {to / file.name} <==", file.text)]
    return "\n".join((*shown, *_notes(result)))


def _notes(result: "Imported") -> list[str]:
    return ["", "What has changed or gone:", *(str(note) for note in result.notes)] if result.notes else []


def _json(result: "Imported", to: Path) -> str:
    return json.dumps(
        {
            "schema": "roost/import/1",
            "files": [{"path": str(to / file.name), "holds": file.holds, "text": file.text} for file in result.files],
            "notes": [asdict(note) for note in result.notes],
        },
        indent=2,
    )
