"""An address of this machine beyond loopback."""

import socket


def own_interface_address() -> str:
    """The address that this machine would use to reach another one; loopback where it has no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        address: str = asking.getsockname()[0]
        return address
