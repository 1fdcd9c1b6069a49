"""shell (WSGI): the endpoint: EC2 requests to our actions or to moto, other services to moto, control paths to us.

Per EC2 request: numbering put right, fault taken, then under the world's one lock the action. Whatever goes wrong is
answered as EC2 would, never as a page.
"""

import json
import logging
import re
import time
from collections.abc import Callable, Iterable, Mapping
from random import Random, SystemRandom
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from localec2 import ebs, protocol
from localec2.actions.spot import fulfil_open_requests
from localec2.actions.table import ACTIONS, REFUSED
from localec2.config import Config
from localec2.context import Context
from localec2.control import PREFIX, ControlError, control
from localec2.errors import INTERNAL_ERROR, INVALID_ACTION, WRONG_REGION, Ec2Error
from localec2.faults import Faults
from localec2.moto_backend import Moto
from localec2.sweep import sweep
from localec2.world import World

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = logging.getLogger(__name__)
_SCOPE = re.compile(r"Credential=[^/]*/[^/]*/(?P<region>[^/]*)/(?P<service>[^/]*)/")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d$")


def create_app(
    world: World,
    config: Config,
    *,
    console: Callable[[str], str],
    clock: Callable[[], float] = time.time,
    rng: Random | None = None,
) -> "Application":
    """`console` gives the text of an instance's console. From now on the world knows moto's security groups."""
    return Application(world, config, console=console, clock=clock, rng=rng or SystemRandom())


class Application:
    def __init__(
        self, world: World, config: Config, *, console: Callable[[str], str], clock: Callable[[], float], rng: Random
    ) -> None:
        self._world = world
        self._config = config
        self._console = console
        self._clock = clock
        self._rng = rng
        self._faults = Faults()
        self._moto = Moto(world, config)
        world.groups = self._moto.security_groups

    @property
    def moto(self) -> Moto:
        return self._moto

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        request = Request(environ)
        if request.path.startswith(PREFIX):
            response = self._control(request)
        else:
            body = request.get_data(cache=True, parse_form_data=False)
            form = _form(request)
            if _is_ec2(request, form):
                response = self._ec2(request, form, body.decode("utf-8", "replace"))
            else:
                response = self._other(request, body)
        answer: Iterable[bytes] = response(environ, start_response)
        return answer

    def _ec2(self, request: Request, form: Mapping[str, str], body: str) -> Response:
        action = form.get("Action", "")
        try:
            self._check_region(request)
            fault = self._faults.take(action, body)
            if fault is not None and fault.delay_s:
                time.sleep(fault.delay_s)
            if fault is not None and fault.code and not fault.after:
                raise fault.error()
            if fault is not None and fault.is_empty and protocol.knows(action):
                return _xml(protocol.answer(action, protocol.empty(action)), 200)
            answer = self._answer(action, protocol.renumbered(form))
            if fault is not None and fault.code:
                raise fault.error()
        except Ec2Error as error:
            return _xml(protocol.error_answer(error), error.status)
        except Exception:  # the outermost call of a request: a client must get EC2's error, not a page
            log.exception("%s failed", action)
            return _xml(protocol.error_answer(INTERNAL_ERROR()), INTERNAL_ERROR.status)
        return _xml(answer, 200)

    def _answer(self, action: str, form: Mapping[str, str]) -> bytes:
        if not protocol.knows(action) or action in REFUSED:
            raise INVALID_ACTION(action=action)
        with self._world.lock:
            context = self._context()
            sweep(self._world, context.now)
            fulfil_open_requests(context)
            params = protocol.parameters(action, form)
            if action in ACTIONS:
                return protocol.answer(action, ACTIONS[action](params, context))
            answer = self._moto.ec2(action, form)
        if answer.status >= 300:
            protocol.read(action, answer.body, answer.status)  # raises what it says
        return answer.body

    def _other(self, request: Request, body: bytes) -> Response:
        """Of another service, in its own protocol; what is signed for none is S3's."""
        service = _scope(request).get("service", "") or "s3"
        if service == "ebs":
            return self._ebs(request, body)
        try:
            with self._world.lock:
                answer = self._moto.call(
                    service, method=request.method, path=request.full_path, headers=dict(request.headers), body=body
                )
        except NotImplementedError:
            log.warning("%s %s: moto does not have it", service, request.full_path)
            return _refusal(request)
        return Response([answer.body] if answer.body else [], status=answer.status, headers=answer.headers)

    def _ebs(self, request: Request, body: bytes) -> Response:
        """Blocks are written without the world's lock: clients write many at once."""
        asked = ebs.asked(request.method, request.path, request.args, dict(request.headers), body)
        if asked is None:
            return _refusal(request)
        try:
            self._check_region(request)
            fault = self._faults.take(asked.action, request.path)
            if fault is not None and fault.delay_s:
                time.sleep(fault.delay_s)
            if fault is not None and fault.code:
                raise ebs.EbsError(fault.code, fault.message or "by request", status=fault.status)
            answer = ebs.answer(asked, self._context())
        except ebs.EbsError as error:
            answer = error.answer
        except Ec2Error as error:
            answer = ebs.EbsError(error.code, error.message, status=error.status).answer
        kind = answer.headers.get("Content-Type", "application/json")
        return Response(answer.body, status=answer.status, headers=dict(answer.headers), content_type=kind)

    def _control(self, request: Request) -> Response:
        try:
            body = json.loads(request.get_data() or b"null")
            answer = control(request.method, request.path, body, self._context())
        except json.JSONDecodeError as error:
            return _json({"error": f"the body is no JSON: {error}"}, 400)
        except ControlError as error:
            return _json({"error": str(error)}, error.status)
        return _json(answer, 200)

    def _check_region(self, request: Request) -> None:
        """One region per service. What is no region's name (ec2_gahp signs with parts of the host's) passes."""
        asked = _scope(request).get("region", "")
        if _REGION.match(asked) and asked != self._config.region:
            raise WRONG_REGION(region=self._config.region, asked=asked)

    def _context(self) -> Context:
        return Context(
            world=self._world,
            config=self._config,
            moto=self._moto,
            faults=self._faults,
            console=self._console,
            now=self._clock(),
            rng=self._rng,
        )


def _form(request: Request) -> dict[str, str]:
    return {**request.args.to_dict(), **request.form.to_dict()}


def _is_ec2(request: Request, form: Mapping[str, str]) -> bool:
    """By the service that the signature is for; where that is no service's name, by the action."""
    service = _scope(request).get("service", "")
    if service == "ec2" or not form.get("Action"):
        return service == "ec2"
    return not Moto.knows_service(service) and (not service or service.isdigit() or protocol.knows(form["Action"]))


def _scope(request: Request) -> dict[str, str]:
    signed = request.headers.get("Authorization", "") or "Credential=" + request.args.get("X-Amz-Credential", "")
    found = _SCOPE.search(signed)
    return found.groupdict() if found else {}


def _refusal(request: Request) -> Response:
    """What another service says of an action that it does not have, in the protocol that was spoken."""
    target = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
    error = INVALID_ACTION(action=target or _form(request).get("Action", request.method))
    if target:
        return _json({"__type": error.code, "message": error.message}, error.status)
    return _xml(protocol.error_answer(error), error.status)


def _xml(body: bytes, status: int) -> Response:
    return Response(body, status=status, content_type="text/xml;charset=UTF-8")


def _json(body: Any, status: int) -> Response:
    return Response(json.dumps(body), status=status, content_type="application/json")
