"""The committed examples: whole, loadable, and what their generator writes."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from roost.spec import parse
from roost.workflow.image_check import missing_executables
from roost.workflow.source import load

EXAMPLES = Path(__file__).parents[3] / "examples"


def generator() -> Any:
    spec = importlib.util.spec_from_file_location("variants_generate", EXAMPLES / "variants" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclass looks itself up there
    spec.loader.exec_module(module)
    return module


def test_variants_is_what_its_generator_writes() -> None:
    module = generator()
    written = module.as_yaml(module.workflow(module.Size()))
    assert (EXAMPLES / "variants" / "workflow.yml").read_text() == written
    assert (EXAMPLES / "variants" / "transformations.yml").read_text() == module.as_yaml(module.transformations())


@pytest.mark.parametrize(("name", "tasks", "results"), [("hello", 4, 1), ("variants", 30, 3)])
def test_example_loads(name: str, tasks: int, results: int) -> None:
    found = load(EXAMPLES / name / "workflow.yml")
    assert len(found.jobs) == tasks
    assert sum(use.stage_out for job in found.jobs for use in job.outputs) == results


@pytest.mark.parametrize("name", ["hello", "variants"])
def test_pool_of_example_is_valid(name: str) -> None:
    path = EXAMPLES / name / "pool.yml"
    assert parse(path.read_text(), path).workers.count == 2


def test_variants_needs_its_packages() -> None:
    found = missing_executables(load(EXAMPLES / "variants" / "workflow.yml"), frozenset({"/usr/bin/python3.13"}))
    assert {Path(one.pfn).name for one in found} == {"bwa", "samtools", "bcftools", "wgsim", "python3"}
