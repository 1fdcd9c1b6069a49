"""shell (sockets, processes): the service, put together and run in the foreground."""

import fcntl
import logging
import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from localec2 import dns, rootless
from localec2.config import METADATA_PORT, Config
from localec2.console import Console
from localec2.dns_server import DnsServer, upstream_resolver
from localec2.engine import Engine
from localec2.failures import Localec2Error
from localec2.lifecycle import State
from localec2.metadata import RoleCredentials, SpotNotice, Subject, wants_credentials
from localec2.metadata_server import MetadataServer
from localec2.model import Instance
from localec2.network import Network, in_namespace
from localec2.reconcile import Reconciler
from localec2.world import World

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

Credentials = Callable[[Instance], RoleCredentials | None]

log = logging.getLogger(__name__)
_SECRET = "metadata-secret"
SPOT_NOTICE_S = 120  # EC2 announces an interruption two minutes before


def serve(config: Config, *, listen_fd: int | None = None) -> None:
    """Until SIGTERM or SIGINT; instances stay. `listen_fd` is the API's socket, where it is open already.

    Raises `Localec2Error` when the port or the state is in use.
    """
    from localec2.api import create_app  # moto takes a second to import
    from localec2.role_keys import RoleKeys

    config.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with locked(config):
        if listen_fd is not None:
            listening = socket.socket(fileno=listen_fd)
        else:
            listening = listen("127.0.0.1", config.port, hint="Choose another one with `localec2 start --port N`.")
        world = World(config.database)
        engine, network = Engine(config), Network(config)
        console = Console(config, engine)
        engine.prepare()
        network.up()
        app = create_app(world, config, console=console.text)
        _serve_inside(world, config, credentials=RoleKeys(app.moto, world).of)
        reconciler = Reconciler(world, config, engine=engine, network=network, console=console)
        reconciler.start()
        inside = in_namespace(config.router_namespace, lambda: listen(config.api_vpc_ip, config.port))
        for each in (listening, inside):
            _serve_api(each, app)
        log.info("serving on %s, slot %d, process %d", config.endpoint_url, config.slot, os.getpid())
        _wait_for_end()
        reconciler.stop()
        log.info("ended; instances keep running")


@contextmanager
def locked(config: Config) -> Iterator[None]:
    """One service per state directory; the lock goes with the process, whatever ends it."""
    with (config.state_dir / "service.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Localec2Error(f"a service already runs on {config.state_dir}") from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def listen(address: str, port: int, *, kind: int = socket.SOCK_STREAM, hint: str = "") -> socket.socket:
    listening = socket.socket(socket.AF_INET, kind)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((address, port))
        if kind == socket.SOCK_STREAM:
            listening.listen(256)
    except OSError as error:
        listening.close()
        raise Localec2Error(f"port {port} on {address} is taken: {error.strerror}", hint) from error
    return listening


def _serve_inside(world: World, config: Config, *, credentials: Credentials) -> None:
    """What instances find at 169.254.169.254 and at their resolver's address."""
    router = config.router_namespace
    metadata = in_namespace(router, lambda: listen(config.api_vpc_ip, METADATA_PORT))
    names = in_namespace(router, lambda: listen(config.dns_ip, 53, kind=socket.SOCK_DGRAM))
    secret = world.blob(_SECRET)
    if secret is None:
        secret = secrets.token_bytes(32)
        world.put_blob(_SECRET, secret)
    asking = Asking(world, config, credentials=credentials)
    MetadataServer(metadata, subject=asking.subject, read=asking.read, secret=secret).start()
    DnsServer(names, zone=asking.zone, upstream=_upstream()).start()


def _upstream() -> str | None:
    if not rootless.is_inside():
        return upstream_resolver()
    return rootless.UPSTREAM_RESOLVER if rootless.reaches_outside() else None


class Asking:
    """The records as metadata and DNS see them."""

    def __init__(self, world: World, config: Config, *, credentials: Credentials) -> None:
        self._world = world
        self._config = config
        self._credentials = credentials

    def subject(self, address: str, path: str) -> Subject | None:
        """Who has this address, with what the path needs."""
        with self._world.lock:
            for instance in self._world.all(Instance):
                if instance.private_ip == address and instance.state is not State.TERMINATED:
                    return Subject(
                        instance=instance,
                        account_id=self._config.account_id,
                        groups=self._world.groups(),
                        credentials=self._credentials(instance) if wants_credentials(path) else None,
                        spot=_spot_notice(instance),
                    )
        return None

    def read(self, instance_id: str) -> None:
        """Its cloud-init lives: the status checks pass from now on."""
        with self._world.lock:
            instance = self._world.get(Instance, instance_id)
            if instance is not None and not instance.booted_ok:
                self._world.put(replace(instance, booted_ok=True))

    def zone(self) -> dns.Zone:
        instances = self._world.all(Instance)
        return dns.Zone(
            region=self._config.region,
            vpc_cidr=self._config.vpc_cidr,
            api_ip=self._config.api_vpc_ip,
            private_by_public={i.public_ip: i.private_ip for i in instances if i.public_ip},
        )


def _spot_notice(instance: Instance) -> SpotNotice | None:
    at = instance.spot_interruption_at
    if at is None:
        return None
    return SpotNotice(action="terminate", action_at=at, rebalance_at=at - SPOT_NOTICE_S)


def _serve_api(listening: socket.socket, app: "WSGIApplication") -> None:
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):  # type: ignore[misc]
        def log_request(self, code: Any = "-", size: Any = "-") -> None:
            log.debug("%s %s %s", self.requestline, code, size)

    address, port = listening.getsockname()
    server = make_server(address, port, app, threaded=True, request_handler=Quiet, fd=os.dup(listening.fileno()))
    threading.Thread(target=server.serve_forever, name=f"api {address}", daemon=True).start()


def _wait_for_end() -> None:
    ended = threading.Event()

    def end(_signal: int, _frame: object) -> None:
        ended.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    while not ended.wait(3600):
        time.sleep(0)
