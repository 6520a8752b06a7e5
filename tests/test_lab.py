"""JupyterLab, as `make lab` starts it."""

import re
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

BIN = Path(sys.executable).parent


def test_the_lab_opens_on_the_first_notebook() -> None:
    command = [str(BIN / "lakehouse"), "lab", "--no-browser", "--allow-root"]
    command += ["--ServerApp.port=0", "--IdentityProvider.token=open"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stderr is not None
        said = (re.search(r"http://127\.0\.0\.1:\d+", line) for line in server.stderr)
        address = next(match[0] for match in said if match)
        for wanted in ("lab/tree", "api/contents"):
            page = f"{address}/{wanted}/notebooks/01_bronze.ipynb?content=0&token=open"
            with urlopen(page) as answer:
                assert answer.status == 200
    finally:
        server.terminate()
        server.wait()
