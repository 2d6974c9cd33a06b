"""Pure: bytes on the wire turned into values and back."""
