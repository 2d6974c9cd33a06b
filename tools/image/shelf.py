"""The folder where images, bases and wheels outlive a checkout."""

from locked_folder import USER_CACHE

SHELF = USER_CACHE / "images"
"""Images lie at its top."""
