"""Every verb has its page; asking for help is cheap."""

import json
import subprocess
import sys

import pytest

from roost.cli import VERBS

HEAVY = {"boto3", "botocore", "rich", "htcondor2", "pydantic", "yaml"}


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_each_verb(verb: str) -> None:
    done = subprocess.run([sys.executable, "-m", "roost", verb, "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"Usage: roost {verb}")
    # the sentence of the list of verbs is the first sentence of the verb's own page
    assert VERBS[verb].sentence.rstrip(".") in " ".join(done.stdout.split())


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, json, contextlib, io\n"
        "from roost.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit): main(['--help'])\n"
        "assert 'roost run' in out.getvalue() or 'run' in out.getvalue()\n"
        "print(json.dumps(sorted(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert HEAVY.isdisjoint(json.loads(done.stdout))
