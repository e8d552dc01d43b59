"""What members send as identifiers stands nowhere: not in the database, not in a file, not in an answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import psycopg
import pytest
from psycopg import sql

from tests.whole.conftest import a_hub
from tests.whole.hub_process import HubProcess
from tests.whole.identifiers import Identifier, found_in, invalid, valid

SIGNALS = "/api/v1/signals"
LOOKUPS = "/api/v1/lookups"
EVALUATION = "/api/v1/identifiers/evaluate"
JSON = {"content-type": "application/json"}
# Fields of a signal in which an identifier has no business.
FIELDS = (
    "harm", "kind", "severity", "confidence", "tlp", "subject_role", "observed_at", "expires_at", "sharing_groups",
    "named_organisations", "indicators", "account",
)  # fmt: skip


@dataclass
class Visit:
    """Everything that was sent, by the way in which it was, and everything that was answered."""

    hub: HubProcess
    keys: dict[str, str]
    sent: dict[str, list[Identifier]] = field(default_factory=dict)
    answers: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.api = self.hub.client(self.keys["alpha"])
        self.browser = httpx.Client(base_url=self.hub.url, timeout=60.0, trust_env=False)
        self.way = ""

    def each(self, way: str, identifiers: list[Identifier]) -> Iterator[Identifier]:
        self.way = way
        self.sent.setdefault(way, []).extend(identifiers)
        yield from identifiers

    def heard(self, answer: httpx.Response, *expected: int) -> httpx.Response:
        assert answer.status_code in expected, (self.way, answer.status_code, answer.text[:2_000])
        self.answers.append((self.way, f"{answer.status_code} {answer.headers.multi_items()}\n{answer.text}"))
        return answer

    def submit(self, body: dict[str, Any], *expected: int) -> None:
        self.heard(self.api.post(SIGNALS, json=body), *expected)


def signal(*indicators: dict[str, str], **fields: Any) -> dict[str, Any]:
    body = {
        "kind": "account",
        "harm": "human_trafficking",
        "severity": "high",
        "sharing_groups": ["trafficking-watch"],
        "indicators": list(indicators) or [{"type": "md5", "value": "5d41402abc4b2a76b9719d911017c592"}],
        "account": {"platform": "exampletube"},
    }
    return {**body, **fields}


def indicator(identifier: Identifier, **fields: str) -> dict[str, str]:
    return {"type": identifier.type, "value": identifier.value, "platform": "exampletube", **fields}


def sent_as_meant(visit: Visit) -> None:
    for identifier in visit.each("valid, in its field", valid()):
        visit.submit(signal(indicator(identifier)), 201)
    for identifier in visit.each("valid, in a batch", valid()):
        rows = [signal(indicator(identifier)), signal(indicator(identifier), harm="none")]
        visit.heard(visit.api.post(f"{SIGNALS}/batch", json={"signals": rows}), 200)
    for identifier in visit.each("invalid, in its field", invalid()):
        visit.submit(signal(indicator(identifier)), 400)
    for identifier in visit.each("invalid, in a batch", invalid()):
        body = {"atomic": True, "signals": [signal(indicator(identifier))]}
        visit.heard(visit.api.post(f"{SIGNALS}/batch", json=body), 400)


def looked_up(visit: Visit) -> None:
    for way, identifiers in (("looked up", valid()), ("looked up, invalid", invalid())):
        for identifier in visit.each(way, identifiers):
            misplaced = {"type": identifier.value[:20], "value": identifier.value}
            items = [
                indicator(identifier),
                {**indicator(identifier), identifier.value: ""},
                misplaced,
                identifier.value,
            ]
            visit.heard(visit.api.post(LOOKUPS, json={"items": items}), 200)
            visit.heard(visit.api.post(LOOKUPS, json={"items": identifier.value}), 400)
            visit.heard(visit.api.post(LOOKUPS, json={identifier.value: items}), 400)
            segment = quote(identifier.value, safe="")
            visit.heard(visit.api.get(f"{LOOKUPS}/range/{segment}/00000"), 400, 404)
            visit.heard(visit.api.get(f"{LOOKUPS}/range/md5/{segment}"), 400, 404)


def sent_as_tokens(visit: Visit) -> None:
    """In plain where a blinded one, a token or the id of a key belongs."""
    for identifier in visit.each("to be evaluated, or as a token", valid()):
        for body in (
            {"elements": [identifier.value]},
            {"elements": identifier.value},
            {"elements": ["00" * 32], "key_id": identifier.value[:16]},
            {"elements": [{identifier.value: identifier.value}]},
            {identifier.value: []},
        ):
            visit.heard(visit.api.post(EVALUATION, json=body), 400)
        token = {"type": identifier.type, "token": identifier.value, "key_id": identifier.value[:16]}
        visit.submit(signal(token), 400)
        visit.submit(signal({**token, "value": identifier.value}), 400)
        visit.heard(visit.api.post(LOOKUPS, json={"items": [token]}), 200)


def sent_in_the_wrong_place(visit: Visit) -> None:
    for name in FIELDS:
        for identifier in visit.each(f"as {name}", valid()):
            visit.submit(signal(**{name: identifier.value}), 400)
            visit.submit(signal(**{name: [identifier.value]}), 400)
    for identifier in visit.each("as the type of an indicator", valid()):
        visit.submit(signal(indicator(identifier, type=identifier.value[:20])), 400)
    for identifier in visit.each("as another type of indicator", [one for one in valid() if one.type != "username"]):
        visit.submit(signal(indicator(identifier, type="sha256")), 400)
    for identifier in visit.each("as the name of a field", valid()):
        visit.submit(signal(**{identifier.value: 1}), 400)
        visit.submit(signal({**indicator(identifier), identifier.value: ""}), 400)
        visit.heard(visit.api.post(f"{SIGNALS}/batch", json={"signals": [{identifier.value: 1}]}), 200)
    for identifier in visit.each("in a text", [one for one in valid() if one.type in ("email", "phone")]):
        for name in ("summary", "lawful_basis"):
            visit.submit(signal(**{name: f"Ask for {identifier.value} there."}), 400)
        behaviours = {"platform": "exampletube", "behaviours": [f"uses {identifier.value}"]}
        visit.submit(signal(account=behaviours), 400)


def sent_broken(visit: Visit) -> None:
    for identifier in visit.each("in broken JSON", valid()):
        whole = json.dumps(signal(indicator(identifier)))
        for body in (whole[:-1], f"{whole}]", whole.replace('"value": ', '"value" '), identifier.value):
            visit.heard(visit.api.post(SIGNALS, content=body, headers=JSON), 400)
        visit.heard(visit.api.post(SIGNALS, content=whole.encode("utf-16-le") + b"\xff", headers=JSON), 400)
        visit.heard(visit.api.post(SIGNALS, data={"value": identifier.value}), 415)
        # Answered before the body has been looked at.
        visit.heard(visit.api.post(SIGNALS, content=whole, headers={**JSON, "authorization": "Bearer none"}), 401)


def sent_in_the_address(visit: Visit) -> None:
    for identifier in visit.each("in the query", valid()):
        for name, code in (("text", 200), ("organisation", 200), ("harm", 400), ("cursor", 400), ("limit", 400)):
            visit.heard(visit.api.get(SIGNALS, params={name: identifier.value}), code)
        visit.heard(visit.api.get(SIGNALS, params={identifier.core: "1"}), 200, 400)
        visit.heard(visit.api.get("/api/v1/matches", params={"verdict": identifier.value}), 400)
        page = visit.browser.get("/signals", params={"text": identifier.value})
        assert page.status_code == 200
        if identifier.type in ("email", "phone"):
            # Others can't be told from words, and the search box shows a person's own words again.
            visit.heard(page, 200)
    for identifier in visit.each("in the path", valid()):
        segment = quote(identifier.value, safe="")
        for path in (f"{SIGNALS}/{segment}", f"/api/v1/{segment}", f"/signals/{segment}", f"/{segment}"):
            visit.heard(visit.api.get(path), 404)
            visit.heard(visit.browser.get(path), 404)
        visit.heard(visit.browser.get(f"/admin/{segment}/", follow_redirects=True), 200, 403, 404)


def sent_by_hand(visit: Visit) -> None:
    """In the portal, whose form is shown again when something in it is wrong."""
    details = "/signals/new/details?kind=content&harm=other&tlp=AMBER&sharing_groups=trafficking-watch"
    for way, identifiers, code in (
        ("valid, in the portal", valid(), 302),
        ("invalid, in the portal", invalid(), 200),
    ):
        for identifier in visit.each(way, identifiers):
            form = {
                "csrfmiddlewaretoken": token_in(visit.browser.get(details)),
                "severity": "low", "confidence": "50", "subject_role": "unknown",
                "indicators-TOTAL_FORMS": "1", "indicators-INITIAL_FORMS": "0",
                "indicators-0-type": identifier.type, "indicators-0-value": identifier.value,
                "indicators-0-platform": "exampletube",
            }  # fmt: skip
            visit.heard(visit.browser.post(details, data=form), code)


def sent_while_the_hub_fails(visit: Visit) -> None:
    for identifier in visit.each("while a table is missing", valid()):
        with table_away(visit.hub, "sharing_indicator"):
            visit.submit(signal(indicator(identifier)), 500)
        with table_away(visit.hub, "sharing_signal"):
            visit.heard(visit.api.get(SIGNALS, params={"text": identifier.value}), 500)
            visit.heard(visit.browser.get("/signals", params={"text": identifier.value}), 500)
    for identifier in visit.each("while the database is away", valid()[:2]):
        visit.hub.kill("postgres")
        visit.submit(signal(indicator(identifier)), 503)
        visit.hub.wait_ready()


@contextmanager
def table_away(hub: HubProcess, name: str) -> Iterator[None]:
    rename = sql.SQL("ALTER TABLE {} RENAME TO {}")
    here, away = sql.Identifier(name), sql.Identifier(f"{name}_away")
    with hub.connect() as connection:
        connection.execute(rename.format(here, away))
        try:
            yield
        finally:
            connection.execute(rename.format(away, here))


WAYS: tuple[Callable[[Visit], None], ...] = (
    sent_as_meant,
    looked_up,
    sent_as_tokens,
    sent_in_the_wrong_place,
    sent_broken,
    sent_in_the_address,
    sent_by_hand,
    sent_while_the_hub_fails,
)


def token_in(page: httpx.Response) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
    assert found is not None, page.text[:2_000]
    return found[1]


def sign_in(browser: httpx.Client, user: dict[str, str]) -> None:
    form = {"username": user["email"], "password": user["password"]}
    form["csrfmiddlewaretoken"] = token_in(browser.get("/sign-in"))
    assert browser.post("/sign-in", data=form).status_code == 302


@pytest.fixture(scope="module")
def visit(request: pytest.FixtureRequest) -> Iterator[Visit]:
    """A hub that logs as much as it can, to which everything has been sent. It brings its own database, so that the
    database's files can be searched too."""
    with a_hub("plain", request, None, HUB_LOG_LEVEL="DEBUG") as hub:
        visit = Visit(hub, hub.demo_keys())
        users = json.loads((hub.home / "demo.json").read_text(encoding="utf-8"))["users"]
        sign_in(visit.browser, next(user for user in users if user["organisation"] == "alpha"))
        for way in WAYS:
            way(visit)
        hub.wait_drained()
        yield visit


@pytest.fixture(scope="module")
def traces(visit: Visit) -> Path:
    """The home, with every table and every answer written out beside the files that the hub itself has written."""
    evidence = visit.hub.home / "evidence"
    evidence.mkdir(exist_ok=True)
    with visit.hub.connect() as connection:
        for table, text in tables(connection):
            (evidence / f"table-{table}").write_text(text, encoding="utf-8")
        # So that what is still in memory is in PostgreSQL's own files too.
        connection.execute("CHECKPOINT")
    for number, (way, text) in enumerate(visit.answers):
        (evidence / f"answer-{number}").write_text(f"{way}\n{text}", encoding="utf-8")
    return visit.hub.home


def tables(connection: psycopg.Connection[tuple[Any, ...]]) -> Iterator[tuple[str, str]]:
    names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    for (name,) in names:
        whole_rows = sql.SQL("SELECT row::text FROM {} AS row").format(sql.Identifier(name))
        yield name, "\n".join(text for (text,) in connection.execute(whole_rows))


def test_identifiers_stand_nowhere_in_any_form(visit: Visit, traces: Path, tmp_path: Path) -> None:
    by_form = {
        form: f"{identifier.type} {way}"
        for way, identifiers in visit.sent.items()
        for identifier in identifiers
        for form in identifier.forms()
    }
    found = found_in(traces, by_form, tmp_path / "needles")
    told = {f"{by_form[form]}: {form} in {file}" for file, forms in found.items() for form in forms}
    assert not told, "\n".join(sorted(told))


def test_the_search_finds_what_is_there(visit: Visit, traces: Path, tmp_path: Path) -> None:
    """A search that finds nothing must be one that could find something."""
    signal_id = re.search(r'"id":"([0-9a-f-]{36})"', visit.answers[0][1])
    assert signal_id is not None
    files = set(found_in(traces, [signal_id[1]], tmp_path / "needles"))
    assert {"evidence/answer-0", "evidence/table-sharing_signal"} <= files
    logs = found_in(traces / "logs", ["request_finished", "does not exist"], tmp_path / "needles")
    assert {"web.log", "postgres.log"} <= set(logs)
    files = set(found_in(traces, ["trafficking-watch"], tmp_path / "needles"))
    assert any(file.startswith("postgres/data/base/") for file in files)
    assert any(file.startswith("postgres/data/pg_wal/") for file in files)


def test_secrets_stand_in_their_own_file_only(visit: Visit, traces: Path, tmp_path: Path) -> None:
    own_files = {
        **{_key_in(traces / name): name for name in ("token-keys.json", "encryption-keys.json")},
        # hub_<prefix>_<secret>: the prefix names the key in lists.
        **{key.split("_", 2)[2]: "demo.json" for key in visit.keys.values()},
        (traces / "secret-key").read_text(encoding="utf-8").strip(): "secret-key",
    }
    for secret, own_file in own_files.items():
        assert set(found_in(traces, [secret], tmp_path / "needles")) == {own_file}


def _key_in(file: Path) -> str:
    (key,) = json.loads(file.read_text(encoding="utf-8"))["keys"].values()
    return str(key)
