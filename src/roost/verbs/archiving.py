"""shell (files): the catalogs that a run was planned from, kept with it: the user's, and what was known of the pool."""

from collections.abc import Mapping
from pathlib import Path

from roost.verbs.run_directory import RunDirectory
from roost.workflow import user_catalogs
from roost.workflow.catalog_entries import merged
from roost.workflow.catalog_text import texts
from roost.workflow.needs import Needs
from roost.workflow.pool_catalogs import Beside, PoolFacts, pool_catalogs

CATALOGS = "catalogs"


def keep_catalogs(directory: RunDirectory, workflow: Path, facts: PoolFacts) -> None:
    """In `runs/NAME/catalogs`, and in the submit directory, where pegasus-plan has them too.

    Sections of the workflow itself are in its copy there.
    """
    yours = user_catalogs.read(workflow.parent, None).entries
    whole = merged(yours, pool_catalogs(facts, Needs(), Beside(), yours.pool_sites)).catalogs
    found = {str(name): text for name, text in texts(whole, mark=f"# Of the run {directory.name}.").items()}
    for place in (directory.path, directory.submit):
        write_texts(found, place / CATALOGS)


def write_texts(files: Mapping[str, str], place: Path) -> None:
    place.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (place / name).write_text(text, encoding="utf-8")
