"""shell (files, podman): an instance's console, also for a while after the instance is gone."""

import time

from localec2.config import Config
from localec2.engine import Engine

KEPT_S = 3600.0  # EC2 keeps the output for at least an hour


class Console:
    def __init__(self, config: Config, engine: Engine) -> None:
        self._config = config
        self._engine = engine

    def text(self, instance_id: str) -> str:
        """What GetConsoleOutput answers: the last 64 KiB."""
        kept = self._config.console_dir / instance_id
        return self._engine.console(instance_id) or (kept.read_text(errors="replace") if kept.is_file() else "")

    def keep(self, instance_id: str) -> None:
        """Before the container goes."""
        text = self._engine.console(instance_id)
        self._config.console_dir.mkdir(parents=True, exist_ok=True)
        if text:
            (self._config.console_dir / instance_id).write_text(text)
        for old in self._config.console_dir.iterdir():
            if old.stat().st_mtime < time.time() - KEPT_S:
                old.unlink(missing_ok=True)
