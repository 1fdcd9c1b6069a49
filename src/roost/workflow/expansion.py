"""pure: variables of the environment in the text of a workflow or a catalog, as Pegasus expands them before it parses.

Pegasus' manual, "Variable Expansion": ${NAME}, anywhere; \\${NAME} is not expanded; one that is not set is a mistake.
"""

import re
from collections.abc import Mapping

from roost.workflow.mistakes import Mistakes
from roost.yaml_lines import did_you_mean

_VARIABLE = re.compile(r"(\\?)\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def expanded(mistakes: Mistakes, text: str, source: str, variables: Mapping[str, str]) -> str:
    """Line by line the same text. `source`: the file's name.

    >>> expanded(Mistakes(), "pfn: ${HOME}/a\\narguments: ['\\\\${HOME}']\\n", "w.yml", {"HOME": "/h"})
    "pfn: /h/a\\narguments: ['${HOME}']\\n"
    """
    if "${" not in text:
        return text
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if "${" in line and not line.lstrip().startswith("#"):
            lines[number] = _expanded(mistakes, line, source, number + 1, variables)
    return "\n".join(lines)


def _expanded(mistakes: Mistakes, line: str, source: str, number: int, variables: Mapping[str, str]) -> str:
    def value(found: "re.Match[str]") -> str:
        escape, name = found.groups()
        if escape:
            return found[0][1:]
        known = variables.get(name)
        if known is not None and "\n" not in known:
            return known
        if known is None:
            said = f"there is no environment variable {name}{did_you_mean(name, variables)}"
        else:
            said = f"the environment variable {name} has several lines"
        mistakes.text(source, number, f"'{found[0]}': {said}")
        return found[0]

    return _VARIABLE.sub(value, line)
