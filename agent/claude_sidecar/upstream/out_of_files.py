"""A connection that could not be made for lack of file descriptors: our own trouble, no upstream's."""

import errno
import socket


class OutOfFiles(Exception):
    """The process may open no more files or sockets. Nothing was sent, and nothing is known of the route."""


def files_are_spent() -> bool:
    """Whether a socket can't be had now.

    The error of a failed connect does not always tell: a name that can't be looked up for that reason fails
    as one that does not exist.
    """
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()
    except OSError as error:
        return error.errno in (errno.EMFILE, errno.ENFILE)
    return False
