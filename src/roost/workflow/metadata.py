"""pure: what is written about a workflow, a task or a transformation for people and for Pegasus' tools.

It changes nothing of what is run. pegasus-monitord puts it into the tables workflow_meta and task_meta of its database.
"""

from collections.abc import Mapping
from typing import Any

from roost.workflow.mistakes import Mistakes
from roost.yaml_lines import Document, Path

Metadata = Mapping[str, str]


def metadata(mistakes: Mistakes, document: Document, path: Path, value: Any) -> Metadata:
    """The `key: value` lines at `path`; values that are no text are taken as YAML writes them."""
    if value is None:
        return {}
    if not isinstance(value, dict) or any(isinstance(one, dict | list) for one in value.values()):
        mistakes.add(document, path, f"'metadata' has to be `key: value` lines, not {value!r}")
        return {}
    return {str(key): _text(one) for key, one in value.items()}


def _text(value: Any) -> str:
    """
    >>> _text(True), _text(None), _text(1.5)
    ('true', '', '1.5')
    """
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
