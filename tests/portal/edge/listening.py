"""A hub that notes every byte that comes in, and where else to look for what must not be there."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

from django.db import connection
from django.test.testcases import LiveServerThread
from playwright.sync_api import Page

from sharing import signal_types
from sharing.signals.tokens import token_of

KEYED = [item.name for item in signal_types.ALL if item.keyed]
# One of each type, as a person types it: (type, value, platform)
TYPED = [
    ("email", "Ana.Lopez+Work@Example.ORG", ""),
    ("phone", "+44 (0)20 7946-0018", ""),
    ("username", "@Ana_Lopez", "chirper"),
    ("device", "49-015420-323751-8", ""),
    ("payment", "GB29 NWBK 6016 1331 9268 19", ""),
]
# The five values without what may be written between their characters.
PLAIN = ["ana.lopez", "442079460018", "2079460018", "ana_lopez", "490154203237518", "nwbk60161331926819", "9268 19"]
AUDIENCE = "/signals/new/details?kind=content&harm=other&tlp=AMBER&sharing_groups=watch"


class Server:
    """The hub as gunicorn would run it, static files through its own middleware; notes every byte that comes in."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.thread = LiveServerThread("127.0.0.1", static_handler=self.listening)  # type: ignore[arg-type]

    def listening(self, application: Callable[..., Any]) -> Callable[..., Any]:
        def heard(environ: dict[str, Any], start: Any) -> Any:
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = BytesIO(body)
            headers = "\n".join(str(value) for name, value in environ.items() if name.startswith("HTTP_"))
            line = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}?{environ['QUERY_STRING']}\n{headers}\n"
            self.heard.append(line.encode() + body)
            return application(environ, start)

        return heard

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.thread.port}"

    @property
    def all_heard(self) -> bytes:
        return b"\n".join(self.heard)


def hub_token(name: str, value: str, platform: str) -> bytes:
    return token_of(name, signal_types.get(name).parse(value, platform=platform))[1]


def fill(page: Page, number: int, row: tuple[str, str, str]) -> None:
    name, value, platform = row
    group = page.get_by_role("group", name=f"Indicator {number}", exact=True)
    if not group.count():
        page.get_by_role("button", name="Add an indicator").click()
    group.get_by_label("Type").select_option(name)
    group.get_by_label("Value").fill(value)
    if platform:
        group.get_by_label("Platform").fill(platform)


def database_text() -> str:
    """Every row of every table, as text."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        found = []
        for table in tables:
            cursor.execute(f"SELECT string_agg(held::text, ' ') FROM {table} AS held")
            found.append(cursor.fetchone()[0] or "")
    return "\n".join(found)


def contained(text: str, plain: list[str]) -> list[str]:
    """Which of the values are there, however they are written or encoded."""
    lower = text.lower()
    bare = "".join(char for char in lower if char.isalnum() or char in "._")
    return [value for value in plain if value in lower or value in bare or value.encode().hex() in lower]
