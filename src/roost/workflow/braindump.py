"""pure: the text of a braindump.yml -> what Roost needs of it, and the same text for another place.

Pegasus' planner and Roost's write a `key: "value"` a line, the value as JSON.
"""

import json
import re
from pathlib import PurePosixPath

from roost.errors import UsageError

_LINE = re.compile(r"^(submit_dir|basedir): .*$", re.MULTILINE)
_QUOTED = re.compile(r'^(\w+): "([^"\\]*)"$', re.MULTILINE)
_DAG = re.compile(r"^dag: [\"']?([^\"'\n]+)", re.MULTILINE)


def read(text: str) -> dict[str, str]:
    """
    >>> read('user: "me"\\nuses_pmc: "false"\\ngrid_dn: null\\n')
    {'user': 'me', 'uses_pmc': 'false'}
    """
    return dict(_QUOTED.findall(text))


def dag_of(text: str) -> str:
    """The DAG's file name.

    >>> dag_of('user: "me"\\ndag: "hello-0.dag"\\n')
    'hello-0.dag'
    """
    found = _DAG.search(text)
    if found is None:
        raise UsageError("the braindump.yml names no DAG", "plan the workflow again")
    return found[1]


def moved(text: str, *, submit_dir: str) -> str:
    """The same for a submit directory that is at `submit_dir` now.

    >>> print(moved('submit_dir: "/home/debian/runs/a/submit"\\nbasedir: "/home/debian/runs/a"\\n', submit_dir="/x/s"))
    submit_dir: "/x/s"
    basedir: "/x"
    <BLANKLINE>
    """
    places = {"submit_dir": submit_dir, "basedir": str(PurePosixPath(submit_dir).parent)}
    return _LINE.sub(lambda found: f"{found[1]}: {json.dumps(places[found[1]])}", text)
