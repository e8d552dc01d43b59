"""The launcher's own main job, as `make smoke` and a health check after an installation run it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from hub.launcher.home import PROJECT
from tests.whole.hub_process import clean_environment


def test_the_main_job_prints_one_line_and_leaves_nothing_behind(tmp_path: Path) -> None:
    tmp_path.chmod(0o711)
    done = subprocess.run(
        [sys.executable, "-m", "hub.launcher", "smoke"],
        cwd=PROJECT,
        env={**clean_environment(), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    report = json.loads(line)
    assert set(report) == {"submitted", "matched", "expected", "p50_ms", "p95_ms"}
    assert report["matched"] == report["expected"] > 0
    assert 0 < report["p50_ms"] <= report["p95_ms"]
    assert list(tmp_path.iterdir()) == []
