"""Fetches axe-core (MPL-2.0), which checks the accessibility of the page: python3 tests/fetch_axe.py axe.min.js."""

import io
import sys
import tarfile
import urllib.request
from pathlib import Path

PACKAGE = "https://registry.npmjs.org/axe-core/-/axe-core-4.14.1.tgz"

with urllib.request.urlopen(PACKAGE, timeout=60) as answer, tarfile.open(fileobj=io.BytesIO(answer.read())) as archive:
    script = archive.extractfile("package/axe.min.js")
    assert script is not None
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(script.read())
