"""JupyterLab, as `make lab` starts it."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
import urllib3

BIN = Path(sys.executable).parent


def test_the_lab_opens_on_the_first_notebook() -> None:
    command = [str(BIN / "lakehouse"), "lab", "--no-browser", "--allow-root"]
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command += [f"--ServerApp.port={address.partition(':')[2]}", "--IdentityProvider.token=open"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    # It says that it is running a moment before it listens.
    patient = urllib3.PoolManager(retries=urllib3.Retry(connect=10, backoff_factor=0.2))
    try:
        assert server.stderr is not None
        assert any(address in line for line in server.stderr)
        for wanted in ("lab/tree", "api/contents"):
            page = f"http://{address}/{wanted}/notebooks/01_bronze.ipynb?content=0&token=open"
            assert patient.request("GET", page).status == 200
        asks = f"http://{address}/lab/api/settings/@jupyterlab/apputils-extension:notification"
        settings = patient.request("GET", f"{asks}?token=open").json()
        assert settings["schema"]["properties"]["fetchNews"]["default"] == "false"
    finally:
        server.terminate()
        server.wait()
    host, _, port = address.partition(":")
    with pytest.raises(ConnectionRefusedError):  # nothing is left behind
        socket.create_connection((host, int(port)))
