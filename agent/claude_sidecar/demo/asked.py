"""What the app of a scene asks for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asked:
    """A message to create; prompt_bytes makes the prompt that long, quoted_key puts quotes around the key."""

    model: str
    stream: bool = False
    prompt_bytes: int = 0
    quoted_key: bool = False

    @property
    def prompt(self) -> str:
        """The text of the one message."""
        text = "Say something about the sea."
        return text + "." * max(0, self.prompt_bytes - len(text))
