"""Pure: what may be done about a failed call, decided without socket, clock, thread or chance."""
