"""The tests' own client of API servers, at a server that is just being stopped."""

import gc
import select
import socket
import struct
from pathlib import Path
from typing import Any

import pytest
from support.cluster.api_client import ApiClient
from support.cluster.certificates import Authority
from support.cluster.kubeconfig import write_kubeconfig

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def test_connection_that_is_reset_before_its_handshake_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    connect = socket.create_connection
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def connect_and_be_reset(*args: Any, **options: Any) -> socket.socket:
            connected = connect(*args, **options)
            accepted, _ = listener.accept()
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            accepted.close()
            select.select([connected], [], [], 5)
            return connected

        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        client = ApiClient(
            write_kubeconfig(tmp_path / "kubeconfig", url, authority.certificate, {"token": "t"})
        )
        monkeypatch.setattr(socket, "create_connection", connect_and_be_reset)
        with pytest.raises(ConnectionResetError):
            client.get("/readyz")
    gc.collect()  # warnings of sockets that were left open fail the test
