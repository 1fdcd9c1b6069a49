"""pure: the EC2 query protocol, by botocore's service model.

In: the form of a request. Out: its parameters and the XML of its answer, by botocore's member names. The same model
also serves the other way round (`form`, `read`), to ask what answers in EC2's own terms.
"""

import uuid
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from botocore.exceptions import ParamValidationError
from botocore.parsers import EC2QueryParser as AnswerParser
from botocore.serialize import EC2Serializer as FormSerializer
from moto.core.parse import EC2QueryParser as FormParser
from moto.core.serialize import EC2Serializer as AnswerSerializer
from moto.core.serialize import SerializationContext
from moto.core.utils import get_service_model

from localec2.errors import INVALID_VALUE, MISSING_PARAMETER, Ec2Error

Params = dict[str, Any]
Result = dict[str, Any]
VERSION = "2016-11-15"


def actions() -> frozenset[str]:
    """All that EC2 has, implemented here or not."""
    return frozenset(_model().operation_names)


def knows(action: str) -> bool:
    return action in actions()


def renumbered(form: Mapping[str, str]) -> dict[str, str]:
    """Lists counted from 1: HTCondor's ec2_gahp counts some from 0, which EC2 accepts.

    >>> renumbered({"InstanceId.0": "i-1", "InstanceId.1": "i-2", "Filter.1.Value.0": "x"})
    {'InstanceId.1': 'i-1', 'InstanceId.2': 'i-2', 'Filter.1.Value.1': 'x'}
    """
    split = {key: tuple(key.split(".")) for key in form}
    from_zero = {parts[:at] for parts in split.values() for at, part in enumerate(parts) if part == "0"}
    if not from_zero:
        return dict(form)
    return {
        ".".join(
            str(int(part) + 1) if part.isdigit() and parts[:at] in from_zero else part for at, part in enumerate(parts)
        ): form[key]
        for key, parts in split.items()
    }


def parameters(action: str, form: Mapping[str, str]) -> Params:
    """The parameters of a request. Raises `Ec2Error` for what is missing or no number."""
    operation = _model().operation_model(action)
    try:
        found: Params = FormParser(operation).parse({"values": form})
    except ValueError as error:
        raise INVALID_VALUE(value=str(error), name=action, why="") from error
    if operation.input_shape is not None:
        for name in operation.input_shape.required_members:
            if name not in found:
                raise MISSING_PARAMETER(name=name)
    return found


def answer(action: str, result: Result) -> bytes:
    """The XML of a result."""
    serializer = AnswerSerializer(_model().operation_model(action), context=SerializationContext(str(uuid.uuid4())))
    body = serializer.serialize(result)["body"]
    return body.encode() if isinstance(body, str) else bytes(body)


def empty(action: str) -> Result:
    """A result with nothing in any of its lists."""
    members = _model().operation_model(action).output_shape.members
    return {name: [] for name, shape in members.items() if shape.type_name == "list"}


def error_answer(error: Ec2Error) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Response><Errors><Error><Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message></Error>"
        f"</Errors><RequestID>{uuid.uuid4()}</RequestID></Response>"
    ).encode()


def form(action: str, params: Params) -> dict[str, str]:
    """What a client would send."""
    try:
        request = FormSerializer().serialize_to_request(params, _model().operation_model(action))
    except ParamValidationError as error:
        raise INVALID_VALUE(value=str(error), name=action, why="") from error
    return {key: str(value) for key, value in request["body"].items()}


def read(action: str, body: bytes, status: int) -> Result:
    """What a client would read. Raises `Ec2Error` for an error."""
    shape = _model().operation_model(action).output_shape
    found: Result = AnswerParser().parse({"body": body, "headers": {}, "status_code": status}, shape)
    if status >= 300:
        error = found.get("Error", {})
        raise Ec2Error(error.get("Code") or "InternalError", error.get("Message") or "", status)
    found.pop("ResponseMetadata", None)
    return found


def documentation(action: str, parameter: str) -> str:
    """What the service model says of a parameter: the tests compare our tables with it."""
    return str(_model().operation_model(action).input_shape.members[parameter].documentation)


def _model() -> Any:
    return get_service_model("ec2")
