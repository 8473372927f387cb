"""An app that has published a document about itself connects without registering.

The service fetches such documents from public addresses alone, so the test makes a network where it has one.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.published_app import ADDRESS, DOCUMENT, HOST

NETWORK = f"""
ip link set lo up
ip address add {ADDRESS}/32 dev lo
mount --bind "$1" /etc/hosts
shift
exec "$@"
"""
HAS_NETWORKS = os.geteuid() == 0 and shutil.which("unshare") and shutil.which("ip")


@pytest.mark.skipif(not HAS_NETWORKS, reason="a network of one's own takes root, unshare and ip (Linux)")
def test_an_app_that_has_published_who_it_is_connects_without_registering(
    installation: Path, tmp_path: Path
) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text(f"127.0.0.1 localhost\n{ADDRESS} {HOST}\n", encoding="ascii")
    connect = [sys.executable, "-m", "tests.e2e.published_app", str(installation), str(tmp_path)]

    ended = subprocess.run(  # noqa: S603  # our own program
        ["unshare", "--net", "--mount", "sh", "-ec", NETWORK, "network", str(hosts), *connect],  # noqa: S607  # Linux' own
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    seen = json.loads(ended.stdout)
    assert seen["visits"] == ["GET /app.json HTTP/1.1"]
    assert seen["client_id"] == DOCUMENT
    assert f"app:{DOCUMENT}" in seen["whoami"]
    assert seen["consents"] == [DOCUMENT]
