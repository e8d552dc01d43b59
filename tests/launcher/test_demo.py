"""`make demo` on data of an earlier start, after what members and administrators do every day."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from hub.launcher.home import Home
from hub.launcher.place import remove_database
from hub.launcher.ports import free_port
from hub.launcher.processes import wait_until
from tests.launcher.launched import Hub, environment_of_a_user

SUSPEND = """
from accounts.models import ApiClient, Organisation
Organisation.objects.filter(slug="beta").update(status="suspended")
"""
TAKE_SCOPE = """
from accounts.models import ApiClient
ApiClient.objects.filter(organisation__slug="agency").update(scopes=["signals:read"])
"""


@dataclass
class Demo:
    """The demo in one home, started again and again."""

    hub: Hub

    def start(self, *, until: str) -> str:
        """Start it and wait for a line; gives what it printed."""
        before = len(self.hub.screen()) if self.hub.process is not None else 0
        self.hub.start()
        wait_until(lambda: until in self.hub.screen()[before:] or not self.runs(), seconds=200)
        assert until in self.hub.screen()[before:]
        return self.hub.screen()[before:]

    def runs(self) -> bool:
        return self.hub.process is not None and self.hub.process.poll() is None

    def stop(self) -> None:
        if self.hub.process is not None and self.runs():
            self.hub.process.terminate()
            self.hub.process.wait(60)

    def serves(self) -> bool:
        return self.runs() and self.hub.all_up()

    def manage(self, statements: str) -> None:
        beside = self.hub.launch("manage", "shell", "-v", "0", "-c", statements)
        _, said = beside.communicate(timeout=60)
        assert beside.returncode == 0, said

    def key(self, name: str) -> str:
        kept = json.loads(self.hub.home.demo_file.read_text())
        return str(kept["organisations"][name]["api_key"])

    def client(self, name: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.key(name)}"}
        return httpx.Client(base_url=f"http://127.0.0.1:{self.hub.port}/api/v1", headers=headers, timeout=30)

    def signals(self, name: str) -> dict[str, dict[str, Any]]:
        rows = self.client(name).get(f"/signals?limit=200&organisation={name}").json()["results"]
        return {row["external_id"]: row for row in rows}


END = "`make clean-demo` deletes the data."


@pytest.fixture(scope="module")
def demo(open_folder: Path) -> Iterator[Demo]:
    (open_folder / "demo").mkdir(mode=0o711)
    hub = Hub(Home(open_folder / "demo" / "home"), environment_of_a_user(), free_port(), command="demo")
    demo = Demo(hub)
    assert "63 signals submitted; 85 of 85 expected matches told, 0 unexpected." in demo.start(until=END)
    yield demo
    demo.stop()
    remove_database(hub.home)


def test_a_later_start_reads_what_matched_and_submits_nothing_again(demo: Demo) -> None:
    before = demo.signals("alpha")
    demo.stop()
    printed = demo.start(until=END)

    assert "63 signals of an earlier start; 85 of 85 expected matches told." in printed
    assert "picture 1     encoded again" in printed
    assert "Drawing" not in printed
    assert "Making sure" not in printed
    assert demo.signals("alpha") == before


def test_a_set_that_was_changed_is_completed(demo: Demo) -> None:
    changed = demo.signals("alpha")["demo-alpha-picture-1"]
    demo.client("alpha").patch(f"/signals/{changed['id']}", json={"severity": "low"}).raise_for_status()
    demo.stop()
    printed = demo.start(until=END)

    assert "63 signals submitted again; 85 of 85 expected matches told." in printed
    assert demo.signals("alpha")["demo-alpha-picture-1"]["severity"] == "high"


def test_it_serves_on_and_names_the_mend_after_a_retraction_and_a_suspension(demo: Demo) -> None:
    for reference in ("demo-alpha-picture-1", "demo-alpha-picture-101", "demo-alpha-picture-102"):
        taken_back = demo.signals("alpha")[reference]
        demo.client("alpha").post(f"/signals/{taken_back['id']}/retract", json={"reason": "No."}).raise_for_status()
    key = demo.key("beta")
    demo.manage(SUSPEND)
    demo.stop()
    printed = demo.start(until=END)

    assert "beta takes no part, because the hub refuses its key: reactivate the organisation" in printed
    assert printed.count("can't be submitted again") == 1
    assert "3 signals of alpha can't be submitted again" in printed
    assert "`make clean-demo` deletes everything" in printed
    assert demo.serves()
    assert demo.key("beta") == key


def test_it_serves_on_when_the_main_job_can_show_nothing(demo: Demo) -> None:
    demo.manage(TAKE_SCOPE)
    demo.stop()
    printed = demo.start(until="The hub stays up.")

    assert "What matched can't be shown: The main job stopped: GET /api/v1/matches answered 403" in printed
    assert demo.serves()
