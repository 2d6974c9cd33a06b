"""Pure: one line of help for an error answer."""
